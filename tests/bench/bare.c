#include "tests/bench/bare.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/bench/site.h"

/* Rows of one transaction of bare_fill, and of one run through the digests: each run writes every page of the tables
 * that are in their order once. */
#define FILL_BATCH 20000u
#define FILL_PIECE 2500000u

/* Columns of the model, in the order in which it is read. */
enum { PROJECT, NOTE, KIND, RESOURCE, REPOSITORY, JSON, SIGNATURE, COLUMNS };

struct bare {
	sqlite3 *db;
	char *model[COLUMNS];
	sqlite3_stmt *occurrence, *evidence, *probe;
};

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		bench_give_up("SQLite: %s", sqlite3_errmsg(db));
	return statement;
}

static void execute(struct bare *bare, const char *sql)
{
	if (sqlite3_exec(bare->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		bench_give_up("SQLite: %s", sqlite3_errmsg(bare->db));
}

static void read_model(struct bare *bare)
{
	sqlite3_stmt *s = prepare(
		bare->db, "SELECT o.project, o.note, o.kind, o.resource, o.repository, o.json, e.signature FROM "
			  "occurrences AS o JOIN evidence AS e ON e.digest = o.digest AND e.note = o.note AND "
			  "e.sequence = o.sequence ORDER BY o.sequence DESC LIMIT 1");

	if (sqlite3_step(s) != SQLITE_ROW)
		bench_give_up("the database holds no attestation to copy");
	for (int i = 0; i < COLUMNS; i++)
		bare->model[i] = text_of("%.*s", sqlite3_column_bytes(s, i), (const char *)sqlite3_column_blob(s, i));
	sqlite3_finalize(s);
}

struct bare *bare_open(const char *path)
{
	struct bare *bare = calloc(1, sizeof(*bare));

	if (!bare || sqlite3_open_v2(path, &bare->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		bench_give_up("%s can't be opened", path);
	read_model(bare);
	bare->occurrence = prepare(bare->db, "INSERT INTO occurrences (project, id, note, kind, resource, repository, "
					     "digest, json, created_us, updated_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
					     "?7, ?8, 0, 0)");
	bare->evidence = prepare(bare->db, "INSERT INTO evidence (digest, note, sequence, ordinal, project, id, "
					   "created_us, signature) VALUES (?1, ?2, ?3, 0, ?4, ?5, 0, ?6)");
	bare->probe = prepare(bare->db, "SELECT project, id, ordinal, note, signature, payload, created_us FROM "
					"evidence WHERE digest = ?1 AND note = ?2 ORDER BY sequence DESC, ordinal");
	return bare;
}

void bare_close(struct bare *bare)
{
	sqlite3_finalize(bare->occurrence);
	sqlite3_finalize(bare->evidence);
	sqlite3_finalize(bare->probe);
	sqlite3_close(bare->db);
	for (int i = 0; i < COLUMNS; i++)
		free(bare->model[i]);
	free(bare);
}

static void bind(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

static void step(struct bare *bare, sqlite3_stmt *s)
{
	if (sqlite3_step(s) != SQLITE_DONE)
		bench_give_up("SQLite: %s", sqlite3_errmsg(bare->db));
	sqlite3_reset(s);
}

/* Ids are as long as the server's. */
static void name_row(uint64_t number, char id[40], char digest[72])
{
	site_digest(number, digest);
	snprintf(id, 40, "00000000-0000-4000-8000-%012llx", (unsigned long long)number);
}

static void insert(struct bare *bare, uint64_t number)
{
	char id[40], digest[72];
	const char *const columns[] = {
		bare->model[PROJECT],	 id,	 bare->model[NOTE], bare->model[KIND], bare->model[RESOURCE],
		bare->model[REPOSITORY], digest, bare->model[JSON]};

	name_row(number, id, digest);
	for (int i = 0; i < 8; i++)
		bind(bare->occurrence, i + 1, columns[i]);
	step(bare, bare->occurrence);
	bind(bare->evidence, 1, digest);
	bind(bare->evidence, 2, bare->model[NOTE]);
	sqlite3_bind_int64(bare->evidence, 3, sqlite3_last_insert_rowid(bare->db));
	bind(bare->evidence, 4, bare->model[PROJECT]);
	bind(bare->evidence, 5, id);
	sqlite3_bind_blob(bare->evidence, 6, bare->model[SIGNATURE], (int)strlen(bare->model[SIGNATURE]),
			  SQLITE_STATIC);
	step(bare, bare->evidence);
}

void bare_insert(struct bare *bare, uint64_t first, uint64_t count, size_t batch, bool durable)
{
	execute(bare, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000");
	for (uint64_t i = 0; i < count;) {
		execute(bare, "BEGIN IMMEDIATE");
		for (size_t n = 0; n < batch && i < count; n++, i++)
			insert(bare, first + i);
		execute(bare, "COMMIT");
	}
	if (!durable)
		execute(bare, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/* Beside the number what its digest begins with. */
struct numbered {
	char digest[24];
	uint64_t number;
};

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(((struct numbered *)NULL)->digest));
}

static void fill_piece(struct bare *bare, struct numbered *rows, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		char digest[72];

		site_digest(first + i, digest);
		memcpy(rows[i].digest, digest, sizeof(rows[i].digest));
		rows[i].number = first + i;
	}
	qsort(rows, count, sizeof(*rows), by_digest);
	for (uint64_t i = 0; i < count;) {
		execute(bare, "BEGIN IMMEDIATE");
		for (uint64_t n = 0; n < FILL_BATCH && i < count; n++, i++)
			insert(bare, rows[i].number);
		execute(bare, "COMMIT");
	}
}

void bare_fill(struct bare *bare, uint64_t first, uint64_t count)
{
	struct numbered *rows = calloc(FILL_PIECE, sizeof(*rows));

	if (!rows)
		bench_give_up("no memory");
	execute(bare, "PRAGMA synchronous=OFF; PRAGMA cache_size=-500000");
	for (uint64_t done = 0; done < count; done += FILL_PIECE)
		fill_piece(bare, rows, first + done, count - done < FILL_PIECE ? count - done : FILL_PIECE);
	execute(bare, "PRAGMA wal_checkpoint(TRUNCATE)");
	free(rows);
}

size_t bare_look_up(struct bare *bare, uint64_t number)
{
	char id[40], digest[72];
	size_t bytes = 0;

	name_row(number, id, digest);
	bind(bare->probe, 1, digest);
	bind(bare->probe, 2, bare->model[NOTE]);
	while (sqlite3_step(bare->probe) == SQLITE_ROW)
		bytes += (size_t)sqlite3_column_bytes(bare->probe, 4);
	sqlite3_reset(bare->probe);
	return bytes;
}

struct occurrence_row bare_row(const struct bare *bare, uint64_t number, struct bare_place *place)
{
	name_row(number, place->id, place->digest);
	place->evidence = (struct evidence){.signature = str_of(bare->model[SIGNATURE])};
	return (struct occurrence_row){.project = str_of(bare->model[PROJECT]),
				       .id = str_of(place->id),
				       .note = str_of(bare->model[NOTE]),
				       .kind = str_of(bare->model[KIND]),
				       .resource = str_of(bare->model[RESOURCE]),
				       .repository = str_of(bare->model[REPOSITORY]),
				       .digest = str_of(place->digest),
				       .json = str_of(bare->model[JSON]),
				       .evidence = &place->evidence,
				       .evidence_count = 1};
}
