/* Many connections: the tail in proportion to the middle, and no moment in which nobody is answered. */
#include "base/limits.h"
#include "tests/bench/figures.h"
#include "tests/bench/review_body.h"
#include "tests/bench/site.h"

/* Longer without any answer under full load is a stall, whatever the machine. */
#define STALL_MS 200

static const struct case_ {
	unsigned busy, idle;
	const char *tail, *gap;
} cases[] = {
	{64, 0, "p99 beside p50, 64 connections", "longest gap, 64 connections"},
	{200, 0, "p99 beside p50, 200 connections", "longest gap, 200 connections"},
	/* All that a listener takes. */
	{64, LIMIT_CONNECTIONS - 64, "p99 beside p50, 960 idle and 64 busy", "longest gap, 960 idle and 64 busy"},
};

static void measure(struct bench *b, struct site *site, const char *body, const struct case_ *c)
{
	struct measured us = {0}, reference = {0};
	struct load_plan ours = site_plan(b, site, body, c->busy), theirs;
	struct echo_server echo;
	bool wrong;

	bench_progress("%s", c->tail);
	ours.idle = c->idle;
	echo_open(&echo, site, body);
	theirs = echo_plan(&echo, &ours);
	bench_versus(b, &ours, &theirs, &us, &reference);
	wrong = b->wrong;
	bench_row(b, (struct figure_name){c->tail, "5 KB", c->busy}, "us", &us.p99_us, &us.p50_us, AT_MOST(20));
	b->wrong = wrong;
	bench_row(b, (struct figure_name){c->gap, "5 KB", c->busy}, "ms", &us.gap_ms, &reference.gap_ms,
		  VALUE_LIMIT(STALL_MS));
	site_forget_log(site);
	echo_close(&echo);
}

void figures_tails(struct bench *b)
{
	char *image = site_image(0), *body = review_body(5000, image);
	struct site site;

	site_open_attested(&site, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		measure(b, &site, body, &cases[i]);
	site_close(&site);
	free(body);
	free(image);
}
