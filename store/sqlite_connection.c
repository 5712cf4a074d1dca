#include <sqlite3.h>

#include "base/clock.h"
#include "store/sqlite_private.h"

#define LOCK_POLL_NS 2000000
/* How long an open waits for another process's lock. */
#define OPEN_MS 5000

/* What SQLite says, what it means to the caller, and what to do about it. */
static const struct {
	int code;
	enum err_kind kind;
	const char *text;
} meanings[] = {
	{SQLITE_BUSY, ERR_TIMEOUT, "is locked by another process"},
	{SQLITE_LOCKED, ERR_TIMEOUT, "is locked by another process"},
	{SQLITE_INTERRUPT, ERR_TIMEOUT, "took too long to answer"},
	{SQLITE_FULL, ERR_UNAVAILABLE, "can't grow: the disk is full; free some space"},
	{SQLITE_TOOBIG, ERR_TOO_LARGE, "can't hold a value that large"},
	{SQLITE_READONLY, ERR_INTERNAL, "can't be written: the file, its directory or the file system is read-only"},
	{SQLITE_PERM, ERR_INTERNAL, "can't be used: permission denied"},
	{SQLITE_CANTOPEN, ERR_INTERNAL,
	 "can't be opened: look at the permissions of the file, of its -wal and -shm and of the directory"},
	{SQLITE_NOTADB, ERR_INTERNAL,
	 "is not a sealgate database or is damaged: name another file, or restore a backup"},
	{SQLITE_CORRUPT, ERR_INTERNAL,
	 "is not a sealgate database or is damaged: stop sealgated and restore a backup, or save what is left with "
	 "`sqlite3 FILE .recover`"},
	{SQLITE_IOERR, ERR_INTERNAL, "can't be read or written: the disk or its file system reports an error"},
};
#define MEANINGS (sizeof(meanings) / sizeof(meanings[0]))

bool sqlite_error(const struct sqlite_connection *c, int code, struct err *e)
{
	if ((code & 0xff) == SQLITE_NOMEM)
		return err_no_memory(e);
	for (size_t i = 0; i < MEANINGS; i++)
		if (meanings[i].code == (code & 0xff))
			return err_set(e, meanings[i].kind, "database %s %s", c->path, meanings[i].text);
	return err_set(e, ERR_INTERNAL, "database %s: %s", c->path,
		       c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(code));
}

/* Called by SQLite while a lock of another process stands in the way. */
static int wait_for_lock(void *context, int tries)
{
	struct sqlite_connection *c = context;
	struct timespec pause = {0, LOCK_POLL_NS};

	(void)tries;
	if (clock_left_ms(c->deadline_ms) == 0)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

/* A file altered behind our back runs no code of its own: no triggers, views or functions of the schema. */
static void distrust_schema(struct sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

/* A connection that reads a page or two needs no room for twenty. */
static void begin_small(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

bool sqlite_connect(struct sqlite_connection *c, const char *path, enum sqlite_access access, struct err *e)
{
	int flags = SQLITE_OPEN_NOMUTEX | (access == SQLITE_WRITES ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	static pthread_once_t begun = PTHREAD_ONCE_INIT;
	int code;

	pthread_once(&begun, begin_small);
	*c = (struct sqlite_connection){.path = path, .deadline_ms = clock_monotonic_ms() + OPEN_MS};
	code = sqlite3_open_v2(path, &c->db, flags, NULL);
	if (code == SQLITE_OK && c->db) {
		sqlite3_extended_result_codes(c->db, 1);
		sqlite3_busy_handler(c->db, wait_for_lock, c);
		distrust_schema(c->db);
		code = sqlite3_exec(c->db,
				    "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; "
				    "PRAGMA temp_store=MEMORY",
				    NULL, NULL, NULL);
	}
	if (code == SQLITE_OK && access == SQLITE_WRITES && sqlite3_db_readonly(c->db, "main") == 1)
		code = SQLITE_READONLY;
	if (code == SQLITE_OK)
		return true;
	sqlite_error(c, code, e);
	sqlite_disconnect(c);
	return false;
}

bool sqlite_prepare(struct sqlite_connection *c, enum sqlite_access access, struct err *e)
{
	size_t count = access == SQLITE_WRITES ? SQL_STATEMENTS : SQL_FIRST_WRITE;

	for (size_t i = 0; i < count; i++) {
		int code = sqlite3_prepare_v3(c->db, sqlite_statement_text((enum sqlite_statement)i), -1,
					      SQLITE_PREPARE_PERSISTENT, &c->statements[i], NULL);

		if (code == SQLITE_ERROR)
			return err_set(e, ERR_INTERNAL,
				       "database %s is not a sealgate database or is damaged (%s): restore a backup",
				       c->path, sqlite3_errmsg(c->db));
		if (code != SQLITE_OK)
			return sqlite_error(c, code, e);
	}
	return true;
}

void sqlite_disconnect(struct sqlite_connection *c)
{
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		sqlite3_finalize(c->statements[i]);
	sqlite3_close(c->db);
	*c = (struct sqlite_connection){.path = c->path};
}

static int bind(struct sqlite3_stmt *statement, int at, const struct sqlite_value *value)
{
	struct str text = value->text;

	switch (value->type) {
	case VALUE_NUMBER:
		return sqlite3_bind_int64(statement, at, value->number);
	case VALUE_BLOB:
		return text.ptr ? sqlite3_bind_blob64(statement, at, text.ptr, text.len, SQLITE_STATIC)
				: sqlite3_bind_null(statement, at);
	case VALUE_TEXT:
		return sqlite3_bind_text64(statement, at, text.ptr ? text.ptr : "", text.len, SQLITE_STATIC,
					   SQLITE_UTF8);
	}
	return SQLITE_MISUSE;
}

bool sqlite_start(struct sqlite_connection *c, enum sqlite_statement id, const struct sqlite_value *values,
		  size_t count, struct err *e)
{
	struct sqlite3_stmt *statement = c->statements[id];

	sqlite3_reset(statement);
	for (size_t i = 0; i < count; i++) {
		int code = bind(statement, (int)i + 1, &values[i]);

		if (code != SQLITE_OK)
			return sqlite_error(c, code, e);
	}
	return true;
}

enum sqlite_step sqlite_next(struct sqlite_connection *c, enum sqlite_statement id, struct err *e)
{
	int code = sqlite3_step(c->statements[id]);

	if (code == SQLITE_ROW)
		return STEP_ROW;
	if (code == SQLITE_DONE)
		return STEP_DONE;
	if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE)
		return STEP_CONFLICT;
	sqlite_error(c, code, e);
	return STEP_FAILED;
}

void sqlite_finish(struct sqlite_connection *c, enum sqlite_statement id)
{
	sqlite3_reset(c->statements[id]);
}

enum sqlite_step sqlite_run(struct sqlite_connection *c, enum sqlite_statement id, const struct sqlite_value *values,
			    size_t count, struct err *e)
{
	enum sqlite_step step = STEP_FAILED;

	if (sqlite_start(c, id, values, count, e))
		step = sqlite_next(c, id, e);
	sqlite_finish(c, id);
	return step;
}

struct str sqlite_column_str(struct sqlite_connection *c, enum sqlite_statement id, int column)
{
	const char *bytes = sqlite3_column_blob(c->statements[id], column);
	int length = sqlite3_column_bytes(c->statements[id], column);

	if (sqlite3_column_type(c->statements[id], column) == SQLITE_NULL)
		return (struct str){NULL, 0};
	return str_make(bytes ? bytes : "", (size_t)length);
}

int64_t sqlite_column_number(struct sqlite_connection *c, enum sqlite_statement id, int column)
{
	return sqlite3_column_int64(c->statements[id], column);
}
