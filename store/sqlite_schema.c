#include <sqlite3.h>

#include "store/sqlite_private.h"

/* "SEAL": marks the file as ours. Also in the first migration. */
#define APPLICATION_ID 0x5345414c

/* Step N takes a file from version N to N + 1, in one transaction. Steps that were released are never changed.
 *
 * evidence is clustered by what decisions ask for: digest, note, newest first. It repeats what they need of the
 * occurrence, so that one probe answers. evidence_by_time is for a digest under any note, newest first. */
static const char *const migrations[] = {
	"CREATE TABLE projects (id TEXT NOT NULL PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE notes (project TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, json TEXT NOT NULL,"
	" created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL, PRIMARY KEY (project, id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE operations (project TEXT NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL,"
	" PRIMARY KEY (project, id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE occurrences (sequence INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, id TEXT NOT NULL,"
	" note TEXT NOT NULL, kind TEXT NOT NULL, resource TEXT NOT NULL, repository TEXT NOT NULL,"
	" digest TEXT NOT NULL, json TEXT NOT NULL, created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX occurrences_by_name ON occurrences (project, id);"
	"CREATE INDEX occurrences_by_project ON occurrences (project, sequence);"
	"CREATE INDEX occurrences_by_note ON occurrences (note, sequence);"
	"CREATE TABLE evidence (digest TEXT NOT NULL, note TEXT NOT NULL, sequence INTEGER NOT NULL,"
	" ordinal INTEGER NOT NULL, project TEXT NOT NULL, id TEXT NOT NULL, created_us INTEGER NOT NULL,"
	" signature BLOB NOT NULL, payload BLOB, PRIMARY KEY (digest, note, sequence DESC, ordinal))"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX evidence_by_time ON evidence (digest, sequence DESC);"
	"CREATE TABLE hints (digest TEXT NOT NULL, note TEXT NOT NULL, signer TEXT NOT NULL, repository TEXT NOT NULL,"
	" sequence INTEGER NOT NULL, ordinal INTEGER NOT NULL, expires_at INTEGER NOT NULL, signed_at INTEGER NOT NULL,"
	" PRIMARY KEY (digest, note, signer, repository)) STRICT, WITHOUT ROWID;"
	"PRAGMA application_id = 0x5345414c;"
	"PRAGMA user_version = 1;",
};
#define VERSION (int64_t)(sizeof(migrations) / sizeof(migrations[0]))

struct identity {
	int64_t application;
	int64_t version;
	int64_t tables;
};

/* The one number that a statement without parameters gives. */
static bool number_of(struct sqlite_connection *c, const char *sql, int64_t *number, struct err *e)
{
	struct sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(c->db, sql, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return code == SQLITE_ROW || sqlite_error(c, code, e);
}

static bool execute(struct sqlite_connection *c, const char *sql, struct err *e)
{
	int code = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK || sqlite_error(c, code, e);
}

static bool identify(struct sqlite_connection *c, struct identity *found, struct err *e)
{
	return number_of(c, "PRAGMA application_id", &found->application, e) &&
	       number_of(c, "PRAGMA user_version", &found->version, e) &&
	       number_of(c, "SELECT count(*) FROM sqlite_schema", &found->tables, e);
}

static bool is_empty(const struct identity *found)
{
	return found->application == 0 && found->version == 0 && found->tables == 0;
}

static bool check(const struct sqlite_connection *c, const struct identity *found, struct err *e)
{
	if (is_empty(found))
		return true;
	if (found->application != APPLICATION_ID || found->version < 1)
		return err_set(e, ERR_INTERNAL,
			       "database %s is not a sealgate database or is damaged: name another file, or restore a "
			       "backup",
			       c->path);
	if (found->version > VERSION)
		return err_set(
			e, ERR_INTERNAL,
			"database %s was written by a newer sealgate (format %lld, this one knows %lld): run that "
			"version, or restore a backup made before the upgrade",
			c->path, (long long)found->version, (long long)VERSION);
	return true;
}

/* The file may have been migrated by another process since it was looked at. */
static bool migrate_locked(struct sqlite_connection *c, struct err *e)
{
	struct identity found;

	if (!identify(c, &found, e) || !check(c, &found, e))
		return false;
	return found.version == VERSION || execute(c, migrations[found.version], e);
}

static bool migrate_once(struct sqlite_connection *c, struct err *e)
{
	if (!execute(c, "BEGIN IMMEDIATE", e))
		return false;
	if (migrate_locked(c, e) && execute(c, "COMMIT", e))
		return true;
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

/* The page size holds only for a file that is still empty. */
static bool use_wal(struct sqlite_connection *c, struct err *e)
{
	struct sqlite3_stmt *statement = NULL;
	bool is_wal = false;
	int code;

	if (!execute(c, "PRAGMA page_size = 8192", e))
		return false;
	code = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode=WAL", -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		is_wal = strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
		/* The row says what will be; only the end of the statement writes it down. */
		code = sqlite3_step(statement);
	}
	sqlite3_finalize(statement);
	if (code != SQLITE_DONE)
		return sqlite_error(c, code, e);
	if (!is_wal)
		return err_set(e, ERR_INTERNAL,
			       "database %s: its file system can't hold a write-ahead log: move it to a "
			       "local disk",
			       c->path);
	return true;
}

static bool migrate(struct sqlite_connection *c, int64_t version, struct err *e)
{
	if (!use_wal(c, e))
		return false;
	for (; version < VERSION; version++)
		if (!migrate_once(c, e))
			return false;
	return true;
}

bool sqlite_schema_open(struct sqlite_connection *c, enum sqlite_access access, struct err *e)
{
	struct identity found;

	if (!identify(c, &found, e) || !check(c, &found, e))
		return false;
	if (access == SQLITE_WRITES)
		return migrate(c, found.version, e);
	if (found.version < VERSION)
		return err_set(e, ERR_INTERNAL,
			       "database %s is empty or of an older version: start sealgated with it once", c->path);
	return true;
}
