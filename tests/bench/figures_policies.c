/* A thousand policies and attestors, each with its key, beside one: decisions, loading, and loading under load. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "tests/bench/figures.h"
#include "tests/bench/policy_files.h"
#include "tests/bench/review_body.h"

enum { MANY = 1000, BETWEEN_RELOADS_MS = 100, PATIENCE_MS = 120000 };

struct sets {
	struct site few, many;
	char *few_dir, *many_dir;
	const char *body;
};

static void measure_decisions(struct bench *b, struct sets *s)
{
	struct load_plan many = site_plan(b, &s->many, s->body, 1), few = site_plan(b, &s->few, s->body, 1);
	struct measured us = {0}, reference = {0};
	bool wrong;

	bench_progress("decisions under %d policies", MANY);
	bench_versus(b, &many, &few, &us, &reference);
	wrong = b->wrong;
	bench_row(b, (struct figure_name){"decision under 1,000 policies beside one", "5 KB", 1}, "us", &us.p50_us,
		  &reference.p50_us, AT_MOST(2));
	b->wrong = wrong;
	bench_row(b, (struct figure_name){"the same, server CPU each", "5 KB", 1}, "us", &us.cpu_us, &reference.cpu_us,
		  AT_MOST(2));
}

/* As a start loads them, with the start of a process. */
static double load_ms(struct site *site, const char *directory)
{
	const char *argv[] = {bed_program("sealgated"), "--data-dir", site->bed->data, "--policy-dir", directory,
			      "--check-config",		NULL};
	int64_t start = clock_monotonic_us();

	if (bed_run(site->bed, argv, NULL, NULL, NULL) != 0)
		bench_give_up("the policies can't be loaded");
	return (double)(clock_monotonic_us() - start) / 1000;
}

static void measure_loading(struct bench *b, struct sets *s)
{
	struct series many = {0}, yaml = {0};

	for (int round = 0; round < b->rounds; round++) {
		bench_progress("loading of %d policies, round %d", MANY, round + 1);
		series_add(&yaml, policy_files_parse_ms(s->many_dir));
		series_add(&many, load_ms(&s->many, s->many_dir));
	}
	bench_row(b, (struct figure_name){"1,000 policies, attestors and keys loaded, beside libyaml", "", 0}, "ms",
		  &many, &yaml, VALUE_LIMIT(1000));
}

/* Until the image is admitted: the verify worker takes in every key before its first verdict. */
static double admitted_ms(struct site *site, const char *body)
{
	int64_t start = clock_monotonic_us();

	for (;;) {
		struct reply reply = bed_request(site->bed, "POST", site->bed->webhook, "/validate?timeout=30s", body,
						 strlen(body), NULL);
		bool admitted = strstr(reply.body, SITE_ALLOWED) != NULL;
		double took = (double)(clock_monotonic_us() - start) / 1000;

		reply_release(&reply);
		if (admitted)
			return took;
		if (took > PATIENCE_MS)
			bench_give_up("the image was never admitted");
	}
}

static void measure_first(struct bench *b, struct sets *s)
{
	struct series many = {0}, few = {0};

	bench_progress("first decision under %d policies", MANY);
	series_add(&few, admitted_ms(&s->few, s->body));
	series_add(&many, admitted_ms(&s->many, s->body));
	bench_row(b, (struct figure_name){"first verdict after a start with 1,000 keys, beside one", "5 KB", 1}, "ms",
		  &many, &few, NO_TARGET);
}

/* ---- reloads ---- */

struct reloads {
	pid_t server;
	atomic_bool stop;
};

static void *reload_again_and_again(void *context)
{
	struct reloads *reloads = context;

	while (!atomic_load(&reloads->stop)) {
		kill(reloads->server, SIGHUP);
		poll(NULL, 0, BETWEEN_RELOADS_MS);
	}
	return NULL;
}

static double generation(struct site *site)
{
	static const char name[] = "\nsealgate_policy_generation ";
	struct reply reply = bed_request(site->bed, "GET", site->bed->ops, "/metrics", NULL, 0, NULL);
	const char *line = strstr(reply.body, name);
	double value = line ? strtod(line + strlen(name), NULL) : 0;

	reply_release(&reply);
	return value;
}

/* Answers that were wrong or missing, of one round. */
static double lost(struct bench *b, struct site *site, const char *body)
{
	struct load_plan plan = site_plan(b, site, body, 16);
	struct reloads reloads = {.server = site->bed->server};
	struct load_result result;
	struct err e = ERR_INIT;
	pthread_t thread;
	bool ok;

	plan.seconds = b->seconds < 2 ? 2 : b->seconds;
	if (pthread_create(&thread, NULL, reload_again_and_again, &reloads) != 0)
		bench_give_up("no thread");
	ok = load_run(&plan, &result, &e);
	atomic_store(&reloads.stop, true);
	pthread_join(thread, NULL);
	if (!ok || result.failures)
		fprintf(stderr, "\nbench: under reloads: %s %s\n", e.text, result.wrong);
	return (double)result.failures + !ok;
}

static void measure_reloads(struct bench *b, struct sets *s)
{
	struct series few = {0}, many = {0};
	double before_few = generation(&s->few), before_many = generation(&s->many);

	for (int round = 0; round < b->rounds; round++) {
		bench_progress("reloads under load, round %d of %d", round + 1, b->rounds);
		series_add(&few, lost(b, &s->few, s->body));
		series_add(&many, lost(b, &s->many, s->body));
	}
	few.values[0] = series_max(&few);
	many.values[0] = series_max(&many);
	few.count = many.count = 1;
	b->wrong = generation(&s->few) <= before_few;
	bench_row(b, (struct figure_name){"requests lost while 1 policy is loaded again and again", "5 KB", 16}, "lost",
		  &few, NULL, VALUE_LIMIT(0));
	b->wrong = generation(&s->many) <= before_many;
	bench_row(b, (struct figure_name){"requests lost while 1,000 are loaded again and again", "5 KB", 16}, "lost",
		  &many, NULL, VALUE_LIMIT(0));
}

static void open_sets(struct sets *s)
{
	site_open(&s->few);
	site_start(&s->few, NULL, NULL);
	site_note(&s->few);
	site_attest(&s->few, 0, 1);
	site_stop(&s->few);
	s->few_dir = text_of("%s/few", s->few.bed->dir);
	s->many_dir = text_of("%s/many", s->few.bed->dir);
	bench_progress("%d keys are made", MANY);
	policy_files_write(&s->few, s->few_dir, 1);
	policy_files_write(&s->few, s->many_dir, MANY);
	site_copy(&s->many, &s->few, "data-many");
}

void figures_policies(struct bench *b)
{
	char *image = site_image(0), *body = review_body(5000, image);
	struct sets s = {.body = body};

	open_sets(&s);
	measure_loading(b, &s);
	site_start(&s.few, "--policy-dir", s.few_dir);
	site_start(&s.many, "--policy-dir", s.many_dir);
	measure_first(b, &s);
	measure_decisions(b, &s);
	measure_reloads(b, &s);
	site_close(&s.many);
	site_close(&s.few);
	free(s.few_dir);
	free(s.many_dir);
	free(body);
	free(image);
}
