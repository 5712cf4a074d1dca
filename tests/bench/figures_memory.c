/* Resident memory of the server's own process: at rest, after many decisions, with many connections, with large reviews
 * at once. */
#include "tests/bench/figures.h"
#include "tests/bench/process.h"
#include "tests/bench/review_body.h"
#include "tests/bench/site.h"

static void add(struct bench *b, const char *figure, double megabytes, const struct series *before,
		struct target target)
{
	struct series value = {0};

	series_add(&value, megabytes);
	bench_row(b, (struct figure_name){figure, "", 0}, "MB", &value, before, target);
}

static void decide(struct bench *b, struct site *site, const char *body, uint64_t times)
{
	struct load_plan plan = site_plan(b, site, body, 16);

	for (int part = 1; part <= 10; part++) {
		plan.requests = times / 10;
		bench_load(b, &plan, NULL);
		site_forget_log(site);
		bench_progress("memory: %llu decisions, %d %%", (unsigned long long)times, part * 10);
	}
}

/* The most while it runs. */
static double peak_of(struct bench *b, struct site *site, struct load_plan plan)
{
	process_forget_peak(site->bed->server);
	bench_load(b, &plan, NULL);
	site_forget_log(site);
	return process_peak_mb(site->bed->server);
}

static void measure(struct bench *b, struct site *site, const char *small, const char *large)
{
	uint64_t times = b->quick ? 100000 : 1000000;
	struct load_plan many = site_plan(b, site, small, 16), big = site_plan(b, site, large, 16);
	pid_t server = site->bed->server;
	struct series after = {0};

	many.idle = 984;
	add(b, "resident at start", process_resident_mb(server), NULL, VALUE_LIMIT(12));
	decide(b, site, small, times);
	series_add(&after, process_resident_mb(server));
	add(b, b->quick ? "resident after 10^5 decisions" : "resident after 10^6 decisions", after.values[0], NULL,
	    VALUE_LIMIT(20));
	decide(b, site, small, times);
	add(b, "resident after as many again", process_resident_mb(server), &after, AT_MOST(1.05));
	add(b, "resident with 1,000 connections", peak_of(b, site, many), NULL, VALUE_LIMIT(48));
	add(b, "resident with 16 reviews of 1.45 MB at once", peak_of(b, site, big), NULL, VALUE_LIMIT(64));
}

void figures_memory(struct bench *b)
{
	char *image = site_image(0), *small = review_body(5000, image), *large = review_body(1450000, image);
	struct site site;

	site_open_attested(&site, 1);
	site_stop(&site);
	site_start(&site, NULL, NULL);
	measure(b, &site, small, large);
	site_close(&site);
	free(small);
	free(large);
	free(image);
}
