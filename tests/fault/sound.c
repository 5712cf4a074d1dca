#include "tests/fault/sound.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

void assert_sound(const char *path, int flags, const char *what)
{
	struct sqlite3 *connection;
	struct sqlite3_stmt *statement;

	assert_int_equal(sqlite3_open_v2(path, &connection, flags, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(connection, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
		fail_msg("%s: integrity_check: %s", what, (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(connection);
}
