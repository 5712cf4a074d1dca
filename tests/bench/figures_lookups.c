/* The store's probe from a digest to its attestations, in one thread and in two, beside the same statement on one bare
 * connection. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/bare.h"
#include "tests/bench/figures.h"

enum { LOOK_UPS = 20000 };

struct place {
	char directory[64];
	char path[96];
	struct store *store;
	struct bare *bare;
	uint64_t rows;
	size_t signature; /* bytes of each */
};

static void open_store(struct place *p)
{
	char url[128];
	struct err e = ERR_INIT;

	snprintf(p->directory, sizeof(p->directory), "/tmp/sealgate-bench-XXXXXX");
	if (!mkdtemp(p->directory))
		bench_give_up("no directory");
	snprintf(p->path, sizeof(p->path), "%s/store.db", p->directory);
	snprintf(url, sizeof(url), "sqlite:%s", p->path);
	p->store = store_open(url, STORE_READ_WRITE, &e);
	if (!p->store)
		bench_give_up("%s", e.text);
}

/* The row that all others repeat: 3 KB of JSON, 900 bytes of signature. */
static void create_model(struct place *p)
{
	char json[3001], signature[901];
	struct evidence evidence;
	struct occurrence_row row = {.project = STR("image-signing"),
				     .id = STR("model"),
				     .note = STR("projects/image-signing/notes/qa"),
				     .kind = STR("ATTESTATION"),
				     .resource = STR("https://registry.example.com/payment"),
				     .repository = STR("registry.example.com/payment"),
				     .digest = STR("sha256:0"),
				     .evidence = &evidence,
				     .evidence_count = 1};
	struct err e = ERR_INIT;

	memset(json, 'j', sizeof(json));
	memset(signature, 's', sizeof(signature));
	p->signature = sizeof(signature) - 1;
	row.json = (struct str){json, sizeof(json) - 1};
	evidence = (struct evidence){.signature = {signature, p->signature}};
	if (!store_create_occurrence(p->store, &row, 0, &e))
		bench_give_up("%s", e.text);
}

static void close_place(struct place *p)
{
	bare_close(p->bare);
	store_close(p->store);
	unlink(p->path);
	rmdir(p->directory);
}

static bool count_bytes(void *context, const struct attestation_row *row)
{
	*(size_t *)context += row->signature.len;
	return true;
}

static void *look_up_rows(void *context)
{
	const struct place *p = context;
	const struct str note = STR("projects/image-signing/notes/qa");

	for (uint64_t i = 0; i < LOOK_UPS; i++) {
		struct bare_place place;
		struct occurrence_row row = bare_row(p->bare, i * 7919 % p->rows, &place);
		size_t bytes = 0;

		if (!store_attestations(p->store, row.digest, &note, 1, 0, count_bytes, &bytes, NULL) ||
		    bytes != p->signature)
			bench_give_up("a look-up failed");
	}
	return NULL;
}

static double look_up(struct place *p, size_t threads)
{
	int64_t start = clock_monotonic_us();
	pthread_t ids[2];

	for (size_t i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, look_up_rows, p) != 0)
			bench_give_up("no thread");
	for (size_t i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return (double)threads * LOOK_UPS * 1e6 / (double)(clock_monotonic_us() - start);
}

static double look_up_bare(struct place *p)
{
	int64_t start = clock_monotonic_us();

	for (uint64_t i = 0; i < LOOK_UPS; i++)
		if (bare_look_up(p->bare, i * 7919 % p->rows) != p->signature)
			bench_give_up("a bare look-up failed");
	return LOOK_UPS * 1e6 / (double)(clock_monotonic_us() - start);
}

static void measure(struct bench *b, uint64_t rows, const char *one, const char *two)
{
	struct series single = {0}, twin = {0}, bare = {0};
	struct place p = {.rows = rows};

	bench_progress("look-ups among %llu", (unsigned long long)rows);
	open_store(&p);
	create_model(&p);
	p.bare = bare_open(p.path);
	bare_insert(p.bare, 0, rows, 5000, false);
	for (int i = 0; i < b->rounds; i++) {
		series_add(&single, look_up(&p, 1));
		series_add(&twin, look_up(&p, 2));
		series_add(&bare, look_up_bare(&p));
	}
	bench_row(b, (struct figure_name){one, "", 0}, "/s", &single, &bare, NO_TARGET);
	bench_row(b, (struct figure_name){two, "", 0}, "/s", &twin, &bare, NO_TARGET);
	close_place(&p);
}

void figures_lookups(struct bench *b)
{
	measure(b, 10000, "look-ups by digest, 10^4 stored", "look-ups by digest, 10^4 stored, 2 threads");
	measure(b, 100000, "look-ups by digest, 10^5 stored", "look-ups by digest, 10^5 stored, 2 threads");
}
