/* How SQLite answers each statement: by one search of one index, never by a scan or a sort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "store/sqlite_private.h"

static char directory[256], path[300];
static struct sqlite_connection connection;

static int setup(void **state)
{
	const char *parent = getenv("TMPDIR");
	char url[320];
	struct err e;
	struct store *store;

	(void)state;
	snprintf(directory, sizeof(directory), "%s/sealgate-plan-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/store.db", directory);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	store = store_open(url, STORE_READ_WRITE, &e);
	store_close(store);
	return store && sqlite_connect(&connection, path, SQLITE_WRITES, &e) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	sqlite_disconnect(&connection);
	unlink(path);
	rmdir(directory);
	return 0;
}

/* The lines of the plan, each ended by ';'. */
static void plan_of(const char *sql, struct buf *plan)
{
	cleanup(buf) struct buf text = buf_init(8192);
	sqlite3_stmt *statement = NULL;

	buf_printf(&text, "EXPLAIN QUERY PLAN %s", sql);
	assert_int_equal(sqlite3_prepare_v2(connection.db, text.data, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW)
		buf_printf(plan, "%s;", (const char *)sqlite3_column_text(statement, 3));
	sqlite3_finalize(statement);
}

static const struct {
	enum sqlite_statement id;
	const char *plan;
} plans[] = {
	{SQL_ATTESTATIONS, "SEARCH e USING PRIMARY KEY (digest=? AND note=?);"},
	{SQL_ATTESTATIONS_ANY_NOTE, "SEARCH e USING INDEX evidence_by_time (digest=?);"},
	{SQL_HINTED, "SEARCH h USING PRIMARY KEY (digest=? AND note=?);"
		     "SEARCH e USING PRIMARY KEY (digest=? AND note=? AND sequence=? AND ordinal=?);"},
	{SQL_HINTED_ANY_NOTE, "SEARCH h USING PRIMARY KEY (digest=?);"
			      "SEARCH e USING PRIMARY KEY (digest=? AND note=? AND sequence=? AND ordinal=?);"},
	{SQL_GET_PROJECT, "SEARCH projects USING PRIMARY KEY (id=?);"},
	{SQL_GET_NOTE, "SEARCH notes USING PRIMARY KEY (project=? AND id=?);"},
	{SQL_GET_OPERATION, "SEARCH operations USING PRIMARY KEY (project=? AND id=?);"},
	{SQL_GET_OCCURRENCE, "SEARCH occurrences USING INDEX occurrences_by_name (project=? AND id=?);"},
	{SQL_LIST_PROJECTS, "SEARCH projects USING PRIMARY KEY (id>?);"},
	{SQL_LIST_NOTES, "SEARCH notes USING PRIMARY KEY (project=? AND id>?);"},
	{SQL_LIST_OPERATIONS, "SEARCH operations USING PRIMARY KEY (project=? AND id>?);"},
	{SQL_LIST_OCCURRENCES, "SEARCH occurrences USING INDEX occurrences_by_project (project=? AND sequence>?);"},
	{SQL_LIST_NOTE_OCCURRENCES, "SEARCH occurrences USING INDEX occurrences_by_note (note=? AND sequence>?);"},
	{SQL_FIND_OCCURRENCE, "SEARCH occurrences USING INDEX occurrences_by_name (project=? AND id=?);"},
	{SQL_UPDATE_OCCURRENCE, "SEARCH occurrences USING INTEGER PRIMARY KEY (rowid=?);"},
	{SQL_DELETE_OCCURRENCE, "SEARCH occurrences USING INTEGER PRIMARY KEY (rowid=?);"},
	{SQL_DELETE_EVIDENCE,
	 "SEARCH evidence USING COVERING INDEX evidence_by_time (digest=? AND sequence=? AND note=?);"},
	{SQL_DELETE_HINTS, "SEARCH hints USING PRIMARY KEY (digest=? AND note=?);"},
};
#define PLANS (sizeof(plans) / sizeof(plans[0]))

static void each_statement_searches_by_exactly_its_index(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLANS; i++) {
		cleanup(buf) struct buf plan = buf_init(4096);

		plan_of(sqlite_statement_text(plans[i].id), &plan);
		assert_string_equal(plan.data, plans[i].plan);
	}
}

static void no_statement_scans_a_table_or_sorts(void **state)
{
	(void)state;
	for (int id = 0; id < SQL_STATEMENTS; id++) {
		cleanup(buf) struct buf plan = buf_init(4096);

		plan_of(sqlite_statement_text((enum sqlite_statement)id), &plan);
		if (plan.len && (strstr(plan.data, "SCAN") || strstr(plan.data, "TEMP B-TREE")))
			fail_msg("%s: %s", sqlite_statement_text((enum sqlite_statement)id), plan.data);
	}
}

static void the_check_above_sees_a_scan_and_a_sort(void **state)
{
	cleanup(buf) struct buf plan = buf_init(4096);

	(void)state;
	plan_of("SELECT signature FROM evidence ORDER BY signature", &plan);
	assert_non_null(strstr(plan.data, "SCAN"));
	assert_non_null(strstr(plan.data, "TEMP B-TREE"));
}

static bool has_temporary_file(void)
{
	bool found = false;

	for (int fd = 3; fd < 256 && !found; fd++) {
		char name[64], target[512] = "";

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		found = readlink(name, target, sizeof(target) - 1) > 0 && strstr(target, "/etilqs_");
	}
	return found;
}

/* Some megabytes, more than a cache holds. */
static bool spills(const char *setting)
{
	bool found;

	assert_int_equal(sqlite3_exec(connection.db, setting, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(connection.db,
				      "CREATE TEMP TABLE large AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT "
				      "x + 1 FROM c LIMIT 8000) SELECT randomblob(1000) FROM c",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	found = has_temporary_file();
	assert_int_equal(sqlite3_exec(connection.db, "DROP TABLE temp.large", NULL, NULL, NULL), SQLITE_OK);
	return found;
}

/* The sandbox leaves no place for one. */
static void nothing_spills_into_a_temporary_file(void **state)
{
	(void)state;
	assert_false(spills(""));
	assert_true(spills("PRAGMA temp_store=FILE"));
	assert_int_equal(sqlite3_exec(connection.db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL), SQLITE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_statement_searches_by_exactly_its_index),
		cmocka_unit_test(no_statement_scans_a_table_or_sorts),
		cmocka_unit_test(the_check_above_sees_a_scan_and_a_sort),
		cmocka_unit_test(nothing_spills_into_a_temporary_file),
	};

	return cmocka_run_group_tests_name("sqlite_plan", tests, setup, teardown);
}
