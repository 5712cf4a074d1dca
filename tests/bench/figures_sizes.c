/* Decisions with many attestations in the store, and the start of a server that has them. The attested images that are
 * asked about are spread among copies of their rows for other images, which SQLite's pages can't tell apart. */
#include <stdlib.h>

#include "tests/bench/bare.h"
#include "tests/bench/figures.h"
#include "tests/bench/review_body.h"
#include "tests/bench/site.h"
#include "tests/bench/start.h"

enum { ATTESTED = 100, SIZES = 4, CONNECTIONS = 16, ROUNDS_MORE = 2 };

/* Numbers of the copies, far from those of attested images. */
#define COPIES 1000000u

static const struct size {
	const char *name; /* of its data directory */
	uint64_t rows;
	const char *accepts, *refuses;
} sizes[SIZES] = {
	{"e3", 1000, "warm decisions, 10^3 stored", "about any of 10^3 stored, none proven"},
	{"e5", 100000, "warm decisions, 10^5 stored, beside 10^3", "about any of 10^5 stored, none proven"},
	{"e6", 1000000, "warm decisions, 10^6 stored, beside 10^3", "about any of 10^6 stored, none proven"},
	{"e7", 10000000, "warm decisions, 10^7 stored, beside 10^3", "about any of 10^7 stored, none proven"},
};

static size_t size_count(const struct bench *b)
{
	return b->quick ? 2 : b->full ? 4 : 3;
}

static void fill(struct site *site, uint64_t from, uint64_t to)
{
	char *path = site_database(site);
	struct bare *bare = bare_open(path);

	bench_progress("%llu attestations are stored", (unsigned long long)to);
	bare_fill(bare, COPIES + from, to - from);
	bare_close(bare);
	free(path);
}

/* Each is a copy of the one before with more rows. */
static void make_sites(struct bench *b, struct site *base, struct site sites[SIZES])
{
	uint64_t have = ATTESTED;

	for (size_t i = 0; i < size_count(b); i++) {
		site_copy(&sites[i], i ? &sites[i - 1] : base, sizes[i].name);
		fill(&sites[i], have, sizes[i].rows);
		have = sizes[i].rows;
	}
}

struct question {
	struct site_range range;
	const char *expect;
};

static void ask(struct bench *b, struct site *site, const char *body, const struct question *q, struct measured *into)
{
	struct load_plan plan = site_plan(b, site, body, CONNECTIONS);
	struct site_range range = q->range;

	plan.vary = site_vary_image;
	plan.context = &range;
	plan.expect = q->expect;
	if (!into)
		plan.requests = 2 * range.count < 10000 ? 2 * range.count : 10000;
	bench_load(b, &plan, into);
	site_forget_log(site);
}

/* Every size in turn, round by round. */
static void measure(struct bench *b, struct site sites[SIZES], const char *body, bool proven)
{
	struct measured found[SIZES] = {0};

	for (int round = -1; round < b->rounds * ROUNDS_MORE; round++)
		for (size_t i = 0; i < size_count(b); i++) {
			struct question accepted = {{0, ATTESTED}, SITE_ALLOWED};
			struct question refused = {{COPIES + ATTESTED, sizes[i].rows - ATTESTED}, SITE_REFUSED};

			bench_progress("decisions with 10^N stored: %s, round %d of %d", sizes[i].name, round + 1,
				       b->rounds * ROUNDS_MORE);
			ask(b, &sites[i], body, proven ? &accepted : &refused, round < 0 ? NULL : &found[i]);
		}
	for (size_t i = 0; i < size_count(b); i++) {
		bool wrong = b->wrong;

		bench_row(b, (struct figure_name){proven ? sizes[i].accepts : sizes[i].refuses, "5 KB", CONNECTIONS},
			  "/s", &found[i].per_second, i ? &found[0].per_second : NULL, i ? AT_LEAST(0.90) : NO_TARGET);
		b->wrong = wrong;
	}
	b->wrong = false;
}

static void measure_start(struct bench *b, struct site *site, const char *figure, const char *body)
{
	struct series us = {0}, echo = {0};

	for (int round = 0; round < b->rounds * ROUNDS_MORE; round++) {
		bench_progress("%s, round %d", figure, round + 1);
		series_add(&echo, start_of_echo_ms(site, body));
		series_add(&us, start_of_server_ms(site, body));
	}
	bench_row(b, (struct figure_name){figure, "5 KB", 1}, "ms", &us, &echo, VALUE_LIMIT(50));
}

void figures_sizes(struct bench *b)
{
	char *image = site_image(0), *body = review_body(5000, image);
	struct site base, sites[SIZES];
	size_t count = size_count(b);

	site_open(&base);
	site_start(&base, NULL, NULL);
	site_note(&base);
	site_attest(&base, 0, ATTESTED);
	site_stop(&base);
	make_sites(b, &base, sites);
	for (size_t i = 0; i < count; i++)
		site_start(&sites[i], NULL, NULL);
	measure(b, sites, body, true);
	measure(b, sites, body, false);
	for (size_t i = 0; i < count; i++)
		site_stop(&sites[i]);
	measure_start(b, &sites[0], "start to first decision, 10^3 stored", body);
	measure_start(b, &sites[count - 1],
		      b->quick	? "start to first decision, 10^5 stored"
		      : b->full ? "start to first decision, 10^7 stored"
				: "start to first decision, 10^6 stored",
		      body);
	for (size_t i = 0; i < count; i++)
		site_close(&sites[i]);
	site_close(&base);
	free(body);
	free(image);
}
