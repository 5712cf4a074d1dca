/* The parts of the SQLite driver. Only store/sqlite*.c include it.
 *
 * sqlite.c            the vtable: opens and closes everything else
 * sqlite_connection.c one connection: settings, prepared statements, errors
 * sqlite_statements.c every SQL text of the running store
 * sqlite_schema.c     whose file it is, tables, migrations
 * sqlite_file.c       whether the file beneath is still the one that was opened
 * sqlite_readers.c    a fixed pool of read connections
 * sqlite_queries.c    get, list, walk
 * sqlite_version.c    whether anybody has committed since
 * sqlite_writer.c     the queue of writes, and who writes it
 * sqlite_changes.c    what one write does
 * sqlite_checkpoint.c moves the WAL into the database, off the writer's path
 */
#ifndef SEALGATE_STORE_SQLITE_PRIVATE_H
#define SEALGATE_STORE_SQLITE_PRIVATE_H

#include <stdatomic.h>

#include "base/thread.h"
#include "store/store_private.h"

struct sqlite3;
struct sqlite3_stmt;

/* Of every file we make: files of another page size are not ours. Of this size a page holds two to six attestations; of
 * SQLite's usual 4096 bytes each would spill into a page of its own, which makes look-ups four times slower. Also in
 * sqlite_schema.c. */
#define SQLITE_PAGE_BYTES 8192

/* Read statements stand before SQL_FIRST_WRITE: a connection for reading prepares only those. */
enum sqlite_statement {
	SQL_GET_PROJECT,
	SQL_GET_NOTE,
	SQL_GET_OCCURRENCE,
	SQL_GET_OPERATION,
	SQL_LIST_PROJECTS,
	SQL_LIST_NOTES,
	SQL_LIST_OCCURRENCES,
	SQL_LIST_NOTE_OCCURRENCES,
	SQL_LIST_OPERATIONS,
	SQL_ATTESTATIONS,
	SQL_ATTESTATIONS_ANY_NOTE,
	SQL_HINTED,
	SQL_HINTED_ANY_NOTE,
	SQL_FIRST_WRITE,
	SQL_BEGIN = SQL_FIRST_WRITE,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_INSERT_PROJECT,
	SQL_DELETE_PROJECT,
	SQL_INSERT_NOTE,
	SQL_UPDATE_NOTE,
	SQL_DELETE_NOTE,
	SQL_INSERT_OPERATION,
	SQL_UPDATE_OPERATION,
	SQL_DELETE_OPERATION,
	SQL_INSERT_OCCURRENCE,
	SQL_FIND_OCCURRENCE,
	SQL_UPDATE_OCCURRENCE,
	SQL_DELETE_OCCURRENCE,
	SQL_INSERT_EVIDENCE,
	SQL_DELETE_EVIDENCE,
	SQL_KEEP_HINT,
	SQL_DELETE_HINTS,
	SQL_STATEMENTS
};

/* Order of the columns that walks give. */
enum sqlite_evidence_column {
	EVIDENCE_PROJECT,
	EVIDENCE_ID,
	EVIDENCE_INDEX,
	EVIDENCE_NOTE,
	EVIDENCE_SIGNATURE,
	EVIDENCE_PAYLOAD,
	EVIDENCE_CREATED_US
};

const char *sqlite_statement_text(enum sqlite_statement id);

enum sqlite_reader_use { READER_REVIEW, READER_OTHER, SQLITE_READER_USES };

/* One thread at a time. */
struct sqlite_connection {
	struct sqlite3 *db;
	struct sqlite3_stmt *statements[SQL_STATEMENTS];
	const char *path;
	int64_t deadline_ms;	    /* how long the call that uses it waits for locks */
	enum sqlite_reader_use use; /* of whoever has it; only for readers */
};

enum sqlite_access { SQLITE_READS, SQLITE_WRITES };

/* One parameter of a statement; ?1 is the first of the array. */
struct sqlite_value {
	enum { VALUE_TEXT, VALUE_BLOB, VALUE_NUMBER } type;
	struct str text; /* BLOB: ptr NULL is NULL */
	int64_t number;
};
#define VALUES(...)                                   \
	((const struct sqlite_value[]){__VA_ARGS__}), \
		sizeof((const struct sqlite_value[]){__VA_ARGS__}) / sizeof(struct sqlite_value)
#define TEXT(s)                                 \
	{                                       \
		.type = VALUE_TEXT, .text = (s) \
	}
#define BLOB(s)                                 \
	{                                       \
		.type = VALUE_BLOB, .text = (s) \
	}
#define TEXT_OR_NULL(s)                                                \
	{                                                              \
		.type = (s).ptr ? VALUE_TEXT : VALUE_BLOB, .text = (s) \
	}
#define NUMBER(n)                                   \
	{                                           \
		.type = VALUE_NUMBER, .number = (n) \
	}

enum sqlite_step { STEP_FAILED = 0, STEP_ROW, STEP_DONE, STEP_CONFLICT };

/* Opens `path` with the settings of every connection; nothing is prepared yet. `path` must outlive it. */
bool sqlite_connect(struct sqlite_connection *c, const char *path, enum sqlite_access access, struct err *e) MUST_USE;
/* Prepares what `access` may run; ERR_INTERNAL when the tables are not those that the statements expect. */
bool sqlite_prepare(struct sqlite_connection *c, enum sqlite_access access, struct err *e) MUST_USE;
void sqlite_disconnect(struct sqlite_connection *c);

/* Resets the statement and binds its parameters, which must live until sqlite_finish. */
bool sqlite_start(struct sqlite_connection *c, enum sqlite_statement id, const struct sqlite_value *values,
		  size_t count, struct err *e) MUST_USE;
/* STEP_CONFLICT: the primary key or a unique index has the row already. */
enum sqlite_step sqlite_next(struct sqlite_connection *c, enum sqlite_statement id, struct err *e);
/* Ends the statement, and its read transaction; called on every path after sqlite_start. */
void sqlite_finish(struct sqlite_connection *c, enum sqlite_statement id);
/* All three, for statements that give no rows: DONE, CONFLICT or FAILED. */
enum sqlite_step sqlite_run(struct sqlite_connection *c, enum sqlite_statement id, const struct sqlite_value *values,
			    size_t count, struct err *e);
struct str sqlite_column_str(struct sqlite_connection *c, enum sqlite_statement id, int column);
int64_t sqlite_column_number(struct sqlite_connection *c, enum sqlite_statement id, int column);
/* Turns a result code of SQLite into an error that says what to do. Returns false. */
bool sqlite_error(const struct sqlite_connection *c, int code, struct err *e);

/* Whose file it is: creates the tables in an empty one, migrates an older one (SQLITE_WRITES), refuses every other. */
bool sqlite_schema_open(struct sqlite_connection *c, enum sqlite_access access, struct err *e) MUST_USE;

/* What the names of the database and of its WAL lead to, for as long as it is open. `path` must outlive it. */
struct sqlite_file;
/* Once a connection that may write has read from it: the WAL is there then. */
struct sqlite_file *sqlite_file_new(const char *path, struct err *e);
void sqlite_file_free(struct sqlite_file *file);
/* Two stats and a read of 100 bytes. ERR_UNAVAILABLE: it was moved, deleted or replaced, so that what is written would
 * be lost; reads still see what was stored. ERR_INTERNAL: it was cut short or overwritten. Any thread; `c` is the
 * caller's own. */
bool sqlite_file_check(struct sqlite_file *file, struct sqlite_connection *c, struct err *e) MUST_USE;

struct sqlite_readers;
struct sqlite_readers *sqlite_readers_open(const char *path, struct err *e);
void sqlite_readers_close(struct sqlite_readers *readers);
/* A connection for this call alone; waits for one until the deadline (ERR_TIMEOUT). Half of them are kept for walks,
 * which reviews wait for. */
struct sqlite_connection *sqlite_readers_take(struct sqlite_readers *readers, enum sqlite_reader_use use,
					      int64_t deadline_ms, struct err *e);
void sqlite_readers_give(struct sqlite_readers *readers, struct sqlite_connection *c);

struct sqlite_checkpoint;
struct sqlite_checkpoint *sqlite_checkpoint_start(const char *path, struct err *e);
void sqlite_checkpoint_stop(struct sqlite_checkpoint *checkpoint);
/* Called by the writer after each commit with the length of the WAL; never waits. */
void sqlite_checkpoint_note(struct sqlite_checkpoint *checkpoint, int wal_pages);

struct sqlite_writer;
/* `path`, and after sqlite_writer_watch `file`, must outlive it; so must `checkpoint`. */
struct sqlite_writer *sqlite_writer_open(const char *path, struct sqlite_checkpoint *checkpoint, struct err *e);
/* From now on it looks at the file before each transaction. Before the first write. */
void sqlite_writer_watch(struct sqlite_writer *writer, struct sqlite_file *file);
void sqlite_writer_close(struct sqlite_writer *writer);
/* Queues the change and waits until it is durable, refused, or withdrawn at the deadline. The caller may find itself
 * writing: its own change and all others that are queued. */
bool sqlite_writer_change(struct sqlite_writer *writer, const struct store_change *change, int64_t deadline_ms,
			  struct err *e) MUST_USE;
/* What a writer does for one change inside its transaction. ERR_EXISTS, ERR_NOT_FOUND, ERR_CHANGED and ERR_UNSUPPORTED
 * have changed nothing; after any other failure the transaction must be undone. */
bool sqlite_apply(struct sqlite_connection *c, const struct store_change *change, struct err *e) MUST_USE;

/* The version of what is stored, without a system call: a commit of any process changes the header of the WAL's index
 * before it ends, and every connection of every process finds out about commits by comparing that header with the one
 * that it saw last. So do we: whoever finds it changed makes the number grow before reading it. SQLite keeps the same
 * header in place for as long as a connection is open. */
struct sqlite_version {
	pthread_mutex_t lock;		 /* of `seen` */
	const volatile uint64_t *header; /* 48 bytes of memory that processes share */
	uint64_t seen[6];
	atomic_uint_fast64_t number;
};
/* The readers stay open for as long as `version` is used. ERR_INTERNAL: the index is not in shared memory. */
bool sqlite_version_init(struct sqlite_version *version, struct sqlite_readers *readers, struct err *e) MUST_USE;
/* For what no commit tells: another file may be beneath. */
void sqlite_version_grow(struct sqlite_version *version);

struct sqlite_store {
	struct store store; /* first: store.c sees this */
	char *path;
	struct sqlite_readers *readers;
	struct sqlite_checkpoint *checkpoint; /* NULL when read-only, like the writer */
	struct sqlite_writer *writer;
	struct sqlite_file *file; /* NULL when read-only */
	struct sqlite_version version;
};

bool sqlite_get(struct store *s, const struct store_name *name, int64_t deadline_ms, struct arena *arena,
		struct str *json, struct err *e) MUST_USE;
bool sqlite_list(struct store *s, const struct store_list *list, int64_t deadline_ms, struct arena *arena,
		 struct store_page *out, struct err *e) MUST_USE;
/* Never fails. */
bool sqlite_version(struct store *s, int64_t deadline_ms, uint64_t *version, struct err *e) MUST_USE;
bool sqlite_walk(struct store *s, const struct store_walk *walk, int64_t deadline_ms, struct err *e) MUST_USE;

#endif
