/* Durable uploads, over the API and into the store alone, beside the same rows through bare SQLite in transactions of
 * as many rows as there are clients. All on one file system; each file grows as the others do. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/bench/bare.h"
#include "tests/bench/figures.h"
#include "tests/bench/site.h"

enum { CLIENTS_MAX = 16 };

/* The three ways, and the number of the next row of each. */
struct ways {
	struct site site;
	struct site store_site, bare_site; /* not started: their databases */
	struct store *store;
	struct bare *model; /* of the store's rows */
	struct bare *bare;
	uint64_t next;
};

struct rates {
	struct measured api;
	struct series store, bare;
};

static char *upload_body(struct ways *w)
{
	char *image = site_image(0), *signature = site_sign(&w->site, 0);
	json_t *body = json_pack("{s:s++,s:s,s:s,s:{s:{s:s,s:s,s:s}}}", "resourceUrl", "https://", image, "",
				 "noteName", "projects/" SITE_PROJECT "/notes/" SITE_NOTE, "kind",
				 "ATTESTATION_AUTHORITY", "attestation", "pgpSignedAttestation", "signature", signature,
				 "contentType", "application/vnd.gcr.image.url.v1", "pgpKeyId", "0CD9D96F");
	char *text = json_dumps(body, 0);

	json_decref(body);
	free(image);
	free(signature);
	return text;
}

static void upload(struct bench *b, struct ways *w, const char *body, unsigned clients, struct measured *into)
{
	struct site_range range = {w->next, UINT64_MAX};
	struct load_plan plan = {.port = w->site.api,
				 .plain = true,
				 .path = "/v1alpha1/projects/" SITE_PROJECT "/occurrences",
				 .body = str_of(body),
				 .vary = site_vary_image,
				 .context = &range,
				 .connections = clients,
				 .seconds = b->seconds,
				 .expect = "/occurrences/",
				 .server = w->site.bed->server};

	bench_load(b, &plan, into);
}

/* ---- the store alone ---- */

struct writers {
	struct ways *ways;
	_Atomic uint64_t next;
	int64_t until_us;
};

static void *create_rows(void *context)
{
	struct writers *writers = context;

	while (clock_monotonic_us() < writers->until_us) {
		struct bare_place place;
		struct occurrence_row row = bare_row(writers->ways->model, atomic_fetch_add(&writers->next, 1), &place);
		struct err e = ERR_INIT;

		if (!store_create_occurrence(writers->ways->store, &row, 0, &e))
			bench_give_up("%s", e.text);
	}
	return NULL;
}

static double create_in_store(const struct bench *b, struct ways *w, unsigned clients)
{
	int64_t start = clock_monotonic_us();
	struct writers writers = {w, w->next, start + (int64_t)(b->seconds * 1e6)};
	pthread_t threads[CLIENTS_MAX];

	for (unsigned i = 0; i < clients; i++)
		if (pthread_create(&threads[i], NULL, create_rows, &writers) != 0)
			bench_give_up("no thread");
	for (unsigned i = 0; i < clients; i++)
		pthread_join(threads[i], NULL);
	return (double)(atomic_load(&writers.next) - w->next) * 1e6 / (double)(clock_monotonic_us() - start);
}

static double insert_bare(const struct bench *b, struct ways *w, unsigned clients)
{
	int64_t start = clock_monotonic_us(), now = start;
	uint64_t done = 0;

	for (; (double)(now - start) < b->seconds * 1e6; now = clock_monotonic_us(), done += clients)
		bare_insert(w->bare, w->next + done, clients, clients, true);
	return (double)done * 1e6 / (double)(now - start);
}

static void measure(struct bench *b, struct ways *w, const char *body, unsigned clients)
{
	struct rates r = {0};
	bool wrong;

	for (int round = 0; round < b->rounds; round++, w->next += 10000000) {
		bench_progress("uploads, %u clients, round %d of %d", clients, round + 1, b->rounds);
		upload(b, w, body, clients, &r.api);
		series_add(&r.store, create_in_store(b, w, clients));
		series_add(&r.bare, insert_bare(b, w, clients));
	}
	wrong = b->wrong;
	bench_row(b, (struct figure_name){"durable uploads over the API, beside bare SQLite", "", clients}, "/s",
		  &r.api.per_second, &r.bare, AT_LEAST(0.80));
	b->wrong = wrong;
	bench_row(b, (struct figure_name){"upload over the API, server CPU each", "", clients}, "us", &r.api.cpu_us,
		  NULL, NO_TARGET);
	bench_row(b, (struct figure_name){"the store alone, beside bare SQLite", "", clients}, "/s", &r.store, &r.bare,
		  AT_LEAST(0.80));
}

static void open_ways(struct ways *w)
{
	struct err e = ERR_INIT;
	char *path, *url;

	site_open(&w->site);
	site_start(&w->site, NULL, NULL);
	site_note(&w->site);
	site_attest(&w->site, 0, 1);
	site_stop(&w->site);
	site_copy(&w->store_site, &w->site, "store");
	site_copy(&w->bare_site, &w->site, "bare");
	path = site_database(&w->store_site);
	url = text_of("sqlite:%s", path);
	w->store = store_open(url, STORE_READ_WRITE, &e);
	w->model = bare_open(path);
	free(path);
	path = site_database(&w->bare_site);
	w->bare = bare_open(path);
	if (!w->store)
		bench_give_up("%s", e.text);
	free(path);
	free(url);
	w->next = 1;
	site_start(&w->site, NULL, NULL);
}

void figures_uploads(struct bench *b)
{
	static const unsigned clients[] = {1, CLIENTS_MAX};
	struct ways w = {0};
	char *body;

	open_ways(&w);
	body = upload_body(&w);
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		measure(b, &w, body, clients[i]);
	store_close(w.store);
	bare_close(w.model);
	bare_close(w.bare);
	site_close(&w.store_site);
	site_close(&w.bare_site);
	site_close(&w.site);
	free(body);
}
