/* The first decision about an image that was never asked about: its signature verified when it arrived, or only now. */
#include <stdlib.h>

#include "base/clock.h"
#include "tests/bench/child.h"
#include "tests/bench/figures.h"
#include "tests/bench/gpg_bare.h"
#include "tests/bench/review_body.h"
#include "tests/bench/site.h"

enum { WARM_TIMES = 10 };

struct bare_work {
	const char *directory, *key, *message;
	int calls;
};

/* Median microseconds of one verification in one context. */
static double measure_gpgme(void *context)
{
	const struct bare_work *work = context;
	struct gpg_bare *gpg = gpg_bare_open(work->directory, str_of(work->key));
	struct series took = {0};

	gpg_bare_verify(gpg, str_of(work->message));
	for (int i = 0; i < work->calls; i++) {
		int64_t start = clock_monotonic_us();

		gpg_bare_verify(gpg, str_of(work->message));
		series_add(&took, (double)(clock_monotonic_us() - start));
	}
	gpg_bare_close(gpg);
	return series_median(&took);
}

struct series_of_round {
	struct measured arrived, warm, needed;
	struct series gpgme;
};

static void ask(struct bench *b, struct site *site, const char *body, struct site_range range, uint64_t times,
		struct measured *into)
{
	struct load_plan plan = site_plan(b, site, body, 1);

	plan.vary = site_vary_image;
	plan.context = &range;
	plan.requests = range.count * times;
	bench_load(b, &plan, into);
}

/* The server is new at the beginning, so that it knows no verdict. */
static void one_round(struct bench *b, struct site *site, const char *body, struct bare_work *bare, int round,
		      struct series_of_round *s)
{
	struct site_range range = {(uint64_t)round * 100 + 1, (uint64_t)bare->calls};

	site_start(site, NULL, NULL);
	if (round == 0)
		site_note(site);
	site_attest(site, range.first, range.count);
	site_await_verdicts(site, range.count);
	ask(b, site, body, range, 1, &s->arrived);
	ask(b, site, body, range, WARM_TIMES, &s->warm);
	site_stop(site);
	site_start(site, NULL, NULL);
	ask(b, site, body, range, 1, &s->needed);
	site_stop(site);
	series_add(&s->gpgme, child_measure(measure_gpgme, bare));
}

void figures_first(struct bench *b)
{
	char *image = site_image(0), *body = review_body(5000, image);
	struct series_of_round s = {0};
	struct bare_work bare = {.calls = b->quick ? 20 : 50};
	struct site site;
	char *path, *key, *message;
	bool wrong;

	site_open(&site);
	path = text_of("%s/qa.asc", site.bed->keys);
	key = bed_read(path);
	message = site_sign(&site, 0);
	bare.directory = site.bed->dir;
	bare.key = key;
	bare.message = message;
	for (int round = 0; round < b->rounds; round++) {
		bench_progress("first decisions, round %d of %d", round + 1, b->rounds);
		one_round(b, &site, body, &bare, round, &s);
	}
	wrong = b->wrong;
	bench_row(b, (struct figure_name){"first decision, verified on arrival, beside warm", "5 KB", 1}, "us",
		  &s.arrived.p50_us, &s.warm.p50_us, AT_MOST(2));
	b->wrong = wrong;
	bench_row(b, (struct figure_name){"first decision, verified on need, beside gpgme", "5 KB", 1}, "us",
		  &s.needed.p50_us, &s.gpgme, AT_MOST(1.10));
	site_close(&site);
	free(path);
	free(key);
	free(message);
	free(body);
	free(image);
}
