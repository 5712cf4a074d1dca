/* The store beside bare SQLite on the same tables, rows and settings, in turn, round by round: durable creates of
 * attestations (bare: one thread, in transactions of as many rows as the store has writers), and look-ups by digest and
 * note (bare: the same statement on a connection of its own). */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"

enum { ROUNDS = 3, WRITERS_MAX = 16, PER_DIGEST = 3, LOOK_UPS = 40000 };

#define NOTE "projects/image-signing/notes/qa"
#define JSON_SIZE 3000
#define SIGNATURE_SIZE 900
#define DIGEST_SIZE 72
#define ID_SIZE 24

static char json[JSON_SIZE], signature[SIGNATURE_SIZE];

struct place {
	char directory[64];
	char path[96];
	struct store *store;
	sqlite3 *bare;
};

_Noreturn static void give_up(const char *what)
{
	fprintf(stderr, "bench_store: %s\n", what);
	exit(1);
}

static void open_place(struct place *p)
{
	char url[128];
	struct err e = ERR_INIT;

	snprintf(p->directory, sizeof(p->directory), "/tmp/sealgate-bench-XXXXXX");
	if (!mkdtemp(p->directory))
		give_up("no directory");
	snprintf(p->path, sizeof(p->path), "%s/store.db", p->directory);
	snprintf(url, sizeof(url), "sqlite:%s", p->path);
	p->store = store_open(url, STORE_READ_WRITE, &e);
	if (!p->store)
		give_up(e.text);
	if (sqlite3_open_v2(p->path, &p->bare, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
	    sqlite3_exec(p->bare, "PRAGMA synchronous=FULL", NULL, NULL, NULL))
		give_up(sqlite3_errmsg(p->bare));
}

static void remove_place(struct place *p)
{
	sqlite3_close(p->bare);
	store_close(p->store);
	unlink(p->path);
	rmdir(p->directory);
}

/* Row `number`: three have a digest together; neighbours in number are far apart by digest, as real ones are. */
static void name_row(size_t number, char digest[DIGEST_SIZE], char id[ID_SIZE])
{
	unsigned long long mixed = (number / PER_DIGEST + 1) * 0x9e3779b97f4a7c15u;

	snprintf(digest, DIGEST_SIZE, "sha256:%016llx%016llx%016llx%016llx", mixed, ~mixed, mixed * 3, mixed * 5);
	snprintf(id, ID_SIZE, "occurrence-%zu", number);
}

static void create(struct store *store, size_t number)
{
	char digest[DIGEST_SIZE], id[ID_SIZE];
	struct evidence evidence = {{signature, SIGNATURE_SIZE}, {NULL, 0}};
	struct occurrence_row row = {.project = STR("image-signing"),
				     .note = STR(NOTE),
				     .kind = STR("ATTESTATION"),
				     .resource = STR("https://gcr.io/exampleapp/payment"),
				     .repository = STR("gcr.io/exampleapp/payment"),
				     .json = {json, JSON_SIZE},
				     .evidence = &evidence,
				     .evidence_count = 1};
	struct err e = ERR_INIT;

	name_row(number, digest, id);
	row.id = str_of(id);
	row.digest = str_of(digest);
	if (!store_create_occurrence(store, &row, 0, &e))
		give_up(e.text);
}

struct crew {
	struct place *place;
	pthread_mutex_t lock;
	size_t next;
	size_t end;
	size_t threads;
};

static size_t take_number(struct crew *crew)
{
	size_t number;

	pthread_mutex_lock(&crew->lock);
	number = crew->next < crew->end ? crew->next++ : SIZE_MAX;
	pthread_mutex_unlock(&crew->lock);
	return number;
}

static void *create_rows(void *context)
{
	struct crew *crew = context;
	size_t number;

	while ((number = take_number(crew)) != SIZE_MAX)
		create(crew->place->store, number);
	return NULL;
}

static double run_crew(struct crew *crew, void *(*work)(void *))
{
	int64_t start = clock_monotonic_us();
	size_t count = crew->end - crew->next;
	pthread_t threads[WRITERS_MAX];

	for (size_t i = 0; i < crew->threads; i++)
		if (pthread_create(&threads[i], NULL, work, crew))
			give_up("no thread");
	for (size_t i = 0; i < crew->threads; i++)
		pthread_join(threads[i], NULL);
	return (double)count * 1e6 / (double)(clock_monotonic_us() - start);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		give_up(sqlite3_errmsg(db));
	return statement;
}

static void execute(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL))
		give_up(sqlite3_errmsg(db));
}

static void step(sqlite3_stmt *statement)
{
	if (sqlite3_step(statement) != SQLITE_DONE)
		give_up("a bare insert failed");
	sqlite3_reset(statement);
}

static void insert_bare(sqlite3 *db, sqlite3_stmt *occurrence, sqlite3_stmt *evidence, size_t number)
{
	char digest[DIGEST_SIZE], id[ID_SIZE];

	name_row(number, digest, id);
	sqlite3_bind_text(occurrence, 1, id, -1, SQLITE_STATIC);
	sqlite3_bind_text(occurrence, 2, digest, -1, SQLITE_STATIC);
	sqlite3_bind_text(occurrence, 3, json, JSON_SIZE, SQLITE_STATIC);
	step(occurrence);
	sqlite3_bind_text(evidence, 1, digest, -1, SQLITE_STATIC);
	sqlite3_bind_int64(evidence, 2, sqlite3_last_insert_rowid(db));
	sqlite3_bind_text(evidence, 3, id, -1, SQLITE_STATIC);
	sqlite3_bind_blob(evidence, 4, signature, SIGNATURE_SIZE, SQLITE_STATIC);
	step(evidence);
}

/* Rows `from` to `end`, so many in one transaction. */
static double create_bare(sqlite3 *db, size_t from, size_t end, size_t batch)
{
	sqlite3_stmt *occurrence = prepare(
		db, "INSERT INTO occurrences (project, id, note, kind, resource, repository, digest, json, created_us, "
		    "updated_us) VALUES ('image-signing', ?1, '" NOTE "', 'ATTESTATION', "
		    "'https://gcr.io/exampleapp/payment', 'gcr.io/exampleapp/payment', ?2, ?3, 0, 0)");
	sqlite3_stmt *evidence = prepare(
		db, "INSERT INTO evidence (digest, note, sequence, ordinal, project, id, created_us, signature) "
		    "VALUES (?1, '" NOTE "', ?2, 0, 'image-signing', ?3, 0, ?4)");
	int64_t start = clock_monotonic_us();

	for (size_t i = from; i < end;) {
		execute(db, "BEGIN IMMEDIATE");
		for (size_t n = 0; n < batch && i < end; n++, i++)
			insert_bare(db, occurrence, evidence, i);
		execute(db, "COMMIT");
	}
	sqlite3_finalize(occurrence);
	sqlite3_finalize(evidence);
	return (double)(end - from) * 1e6 / (double)(clock_monotonic_us() - start);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *what, double ours[ROUNDS], double bare[ROUNDS])
{
	qsort(ours, ROUNDS, sizeof(*ours), by_value);
	qsort(bare, ROUNDS, sizeof(*bare), by_value);
	printf("%-38s %8.0f/s %8.0f/s   %5.2f\n", what, ours[ROUNDS / 2], bare[ROUNDS / 2],
	       ours[ROUNDS / 2] / bare[ROUNDS / 2]);
}

/* Both begin each round with the same number of rows in the tables. */
static void measure_creates(const char *what, size_t writers, size_t rows)
{
	double ours[ROUNDS], bare[ROUNDS];
	struct place one, two;

	open_place(&one);
	open_place(&two);
	for (size_t i = 0; i < ROUNDS; i++) {
		struct crew crew = {&one, PTHREAD_MUTEX_INITIALIZER, i * rows, (i + 1) * rows, writers};

		ours[i] = run_crew(&crew, create_rows);
		bare[i] = create_bare(two.bare, i * rows, (i + 1) * rows, writers);
	}
	report(what, ours, bare);
	remove_place(&one);
	remove_place(&two);
}

static bool count_bytes(void *context, const struct attestation_row *row)
{
	*(size_t *)context += row->signature.len;
	return true;
}

static size_t scattered(size_t number, size_t rows)
{
	return number * 7919 % rows;
}

static void *look_up_rows(void *context)
{
	struct crew *crew = context;
	const struct str note = STR(NOTE);
	size_t number, rows = crew->end / LOOK_UPS;

	while ((number = take_number(crew)) != SIZE_MAX) {
		char digest[DIGEST_SIZE], id[ID_SIZE];
		size_t bytes = 0;

		name_row(scattered(number, rows), digest, id);
		if (!store_attestations(crew->place->store, str_of(digest), &note, 1, 0, count_bytes, &bytes, NULL) ||
		    bytes != (size_t)PER_DIGEST * SIGNATURE_SIZE)
			give_up("a look-up failed");
	}
	return NULL;
}

static double look_up(struct place *place, size_t rows, size_t threads)
{
	struct crew crew = {place, PTHREAD_MUTEX_INITIALIZER, rows * LOOK_UPS - LOOK_UPS, rows * LOOK_UPS, threads};

	return run_crew(&crew, look_up_rows);
}

static double look_up_bare(sqlite3 *db, size_t rows)
{
	sqlite3_stmt *statement =
		prepare(db, "SELECT project, id, ordinal, note, signature, payload, created_us FROM evidence "
			    "WHERE digest = ?1 AND note = '" NOTE "' ORDER BY sequence DESC, ordinal");
	int64_t start = clock_monotonic_us();

	for (size_t i = 0; i < LOOK_UPS; i++) {
		char digest[DIGEST_SIZE], id[ID_SIZE];
		int bytes = 0;

		name_row(scattered(i, rows), digest, id);
		sqlite3_bind_text(statement, 1, digest, -1, SQLITE_STATIC);
		while (sqlite3_step(statement) == SQLITE_ROW)
			bytes += sqlite3_column_bytes(statement, 4);
		sqlite3_reset(statement);
		if (bytes != PER_DIGEST * SIGNATURE_SIZE)
			give_up("a bare look-up failed");
	}
	sqlite3_finalize(statement);
	return LOOK_UPS * 1e6 / (double)(clock_monotonic_us() - start);
}

static void measure_look_ups(size_t rows)
{
	double one[ROUNDS], two[ROUNDS], bare[ROUNDS];
	struct place place;
	char what[64];

	open_place(&place);
	create_bare(place.bare, 0, rows, 5000);
	for (int i = 0; i < ROUNDS; i++) {
		one[i] = look_up(&place, rows, 1);
		two[i] = look_up(&place, rows, 2);
		bare[i] = look_up_bare(place.bare, rows);
	}
	snprintf(what, sizeof(what), "look-ups by digest, %zu rows", rows);
	report(what, one, bare);
	snprintf(what, sizeof(what), "  the same in 2 threads");
	report(what, two, bare);
	remove_place(&place);
}

int main(void)
{
	memset(json, 'j', sizeof(json));
	memset(signature, 's', sizeof(signature));
	printf("%-38s %10s %10s   %5s\n", "store (SQLite)", "store", "bare", "ratio");
	measure_creates("durable creates, 1 thread", 1, 1500);
	measure_creates("durable creates, 16 threads", 16, 6000);
	measure_look_ups(9999);
	measure_look_ups(99999);
	return 0;
}
