/* json_doc beside jansson: parse and free, the same reviews, in turn, round by round. Processor time. */
#include <stdlib.h>
#include <time.h>

#include "base/json_doc.h"
#include "base/limits.h"
#include "tests/bench/figures.h"
#include "tests/bench/review_body.h"

enum { BYTES = 8 * 1000 * 1000 };

#define IMAGE "registry.example.com/payment@sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"

/* What server/admission_request.c does not record either. */
static const char *const unread[] = {"managedFields", "status", "kubectl.kubernetes.io/last-applied-configuration"};
static const struct json_skip skip = {unread, 3};

static void with_json_doc(struct str text, const struct json_skip *skipped)
{
	struct arena arena = arena_init(LIMIT_REVIEW_MEMORY);
	struct json_doc doc;
	struct err e;

	if (!json_doc_parse(text, skipped, &arena, &doc, &e))
		bench_give_up("%s", e.text);
	arena_release(&arena);
}

static void skipping(struct str text)
{
	with_json_doc(text, &skip);
}

static void recording_all(struct str text)
{
	with_json_doc(text, NULL);
}

static void with_jansson(struct str text)
{
	json_t *value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	if (!value)
		bench_give_up("jansson does not read it");
	json_decref(value);
}

static double megabytes_per_second(void (*read)(struct str text), struct str text)
{
	size_t times = BYTES / text.len + 1;
	struct timespec start, end;

	read(text);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (size_t i = 0; i < times; i++)
		read(text);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	return (double)(times * text.len) / 1e6 /
	       ((double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
}

static void measure(struct bench *b, const char *name, size_t size)
{
	struct series read = {0}, all = {0}, jansson = {0};
	char *body = review_body(size, IMAGE);
	struct str text = str_of(body);

	bench_progress("json_doc, %s", name);
	for (int round = 0; round < b->rounds; round++) {
		series_add(&read, megabytes_per_second(skipping, text));
		series_add(&all, megabytes_per_second(recording_all, text));
		series_add(&jansson, megabytes_per_second(with_jansson, text));
	}
	bench_row(b, (struct figure_name){"megabytes of JSON as reviews are read, beside jansson", name, 0}, "/s",
		  &read, &jansson, AT_LEAST(10));
	bench_row(b, (struct figure_name){"the same, everything recorded", name, 0}, "/s", &all, &jansson, NO_TARGET);
	free(body);
}

void figures_json(struct bench *b)
{
	measure(b, "5 KB", 5000);
	measure(b, "30 KB", 30000);
	measure(b, "1.45 MB", 1450000);
}
