/* Warm decisions beside a bare TLS echo of the same bytes. */
#include "tests/bench/figures.h"
#include "tests/bench/review_body.h"
#include "tests/bench/site.h"

static const struct case_ {
	const char *body;
	size_t size;
	unsigned connections;
	double throughput; /* of the echo's, at least; 0: no target */
	double cpu;	   /* times the echo's, at most; 0: no target */
	double latency;	   /* times the echo's p50 and p99, at most; 0: no row */
} cases[] = {
	{"5 KB", 5000, 1, 0, 0, 1.25},	  {"5 KB", 5000, 16, 0.80, 1.3, 0},    {"5 KB", 5000, 64, 0.80, 1.3, 0},
	{"30 KB", 30000, 16, 0.75, 0, 0}, {"1.45 MB", 1450000, 4, 0.40, 0, 0},
};

static struct target optional(double limit, enum target_kind kind)
{
	return limit > 0 ? (struct target){kind, limit} : NO_TARGET;
}

static void add_rows(struct bench *b, const struct case_ *c, struct measured *us, struct measured *echo)
{
	bool wrong = b->wrong;

	if (c->latency > 0) {
		bench_row(b, (struct figure_name){"decision, p50", c->body, c->connections}, "us", &us->p50_us,
			  &echo->p50_us, AT_MOST(c->latency));
		b->wrong = wrong;
		bench_row(b, (struct figure_name){"decision, p99", c->body, c->connections}, "us", &us->p99_us,
			  &echo->p99_us, AT_MOST(c->latency));
		return;
	}
	bench_row(b, (struct figure_name){"warm decisions", c->body, c->connections}, "/s", &us->per_second,
		  &echo->per_second, optional(c->throughput, RATIO_AT_LEAST));
	b->wrong = wrong;
	bench_row(b, (struct figure_name){"warm decisions, server CPU each", c->body, c->connections}, "us",
		  &us->cpu_us, &echo->cpu_us, optional(c->cpu, RATIO_AT_MOST));
}

static void measure(struct bench *b, struct site *site, const struct case_ *c)
{
	char *image = site_image(0), *body = review_body(c->size, image);
	struct measured us = {0}, reference = {0};
	struct echo_server echo;
	struct load_plan ours, theirs;

	bench_progress("warm decisions, %s, %u connections", c->body, c->connections);
	echo_open(&echo, site, body);
	ours = site_plan(b, site, body, c->connections);
	theirs = echo_plan(&echo, &ours);
	bench_versus(b, &ours, &theirs, &us, &reference);
	add_rows(b, c, &us, &reference);
	site_forget_log(site);
	echo_close(&echo);
	free(body);
	free(image);
}

void figures_decisions(struct bench *b)
{
	struct series busy = {0};
	struct site site;

	b->generator_busy = 0;
	site_open_attested(&site, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		measure(b, &site, &cases[i]);
	series_add(&busy, b->generator_busy * 100);
	bench_row(b, (struct figure_name){"load generator's busiest thread, of a core", "", 0}, "%", &busy, NULL,
		  NO_TARGET);
	site_close(&site);
}
