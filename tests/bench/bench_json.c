/* json_doc beside jansson: parse and free, the same AdmissionReviews, in turn, round by round. Processor time, medians.
 */
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "base/json_doc.h"
#include "base/limits.h"
#include "tests/bench/review_body.h"

enum { ROUNDS = 9, BYTES_PER_ROUND = 8 * 1000 * 1000 };

/* What server/admission_request.c does not record either. */
static const char *const unread[] = {"managedFields", "status", "kubectl.kubernetes.io/last-applied-configuration"};
static const struct json_skip skip = {unread, 3};

static size_t arena_used;

static void fail(const char *what)
{
	(void)fprintf(stderr, "bench_json: %s\n", what);
	exit(1);
}

static void with_json_doc(struct str text, const struct json_skip *skipped)
{
	struct arena arena = arena_init(LIMIT_REVIEW_MEMORY);
	struct json_doc doc;
	struct err e;

	if (!json_doc_parse(text, skipped, &arena, &doc, &e))
		fail(e.text);
	arena_used = arena.used;
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
		fail("jansson does not read it");
	json_decref(value);
}

static const struct reader {
	const char *name;
	void (*read)(struct str text);
} readers[] = {
	{"json_doc, as reviews are read", skipping},
	{"json_doc, everything recorded", recording_all},
	{"jansson", with_jansson},
};

#define READERS (sizeof(readers) / sizeof(readers[0]))
#define JANSSON (READERS - 1)

static double cpu_seconds(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0)
		fail("no processor clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double megabytes_per_second(const struct reader *reader, struct str text)
{
	size_t times = BYTES_PER_ROUND / text.len + 1;
	double start;

	reader->read(text);
	start = cpu_seconds();
	for (size_t i = 0; i < times; i++)
		reader->read(text);
	return (double)(times * text.len) / 1e6 / (cpu_seconds() - start);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ---- jansson's memory ---- */

static size_t heap_now, heap_peak;

static void *counted_malloc(size_t size)
{
	size_t *block = malloc(size + 16);

	if (!block)
		return NULL;
	*block = size;
	heap_now += size;
	heap_peak = heap_now > heap_peak ? heap_now : heap_peak;
	return (char *)block + 16;
}

static void counted_free(void *pointer)
{
	if (!pointer)
		return;
	heap_now -= *(size_t *)((char *)pointer - 16);
	free((char *)pointer - 16);
}

static double memory_of(size_t reader, struct str text)
{
	if (reader != JANSSON) {
		readers[reader].read(text);
		return (double)arena_used / (double)text.len;
	}
	heap_peak = heap_now = 0;
	json_set_alloc_funcs(counted_malloc, counted_free);
	with_jansson(text);
	json_set_alloc_funcs(malloc, free);
	return (double)heap_peak / (double)text.len;
}

static void measure(const char *name, size_t size)
{
	char *body = review_body(size, "registry.example.com/payment@sha256:"
				       "aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887");
	struct str text = str_of(body);
	double values[READERS][ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < READERS; i++)
			values[i][round] = megabytes_per_second(&readers[i], text);
	for (size_t i = 0; i < READERS; i++)
		qsort(values[i], ROUNDS, sizeof(double), by_value);
	for (size_t i = 0; i < READERS; i++)
		printf("  %-8s %-30s %7.0f MB/s %9.1f us %6.1f x %8.2f\n", name, readers[i].name, values[i][ROUNDS / 2],
		       (double)text.len / values[i][ROUNDS / 2], values[i][ROUNDS / 2] / values[JANSSON][ROUNDS / 2],
		       memory_of(i, text));
	free(body);
}

int main(void)
{
	printf("JSON: parse and free, medians of %d rounds\n", ROUNDS);
	printf("  %-8s %-30s %12s %12s %8s %8s\n", "review", "reader", "throughput", "each", "jansson",
	       "memory/document");
	measure("5 KB", 5000);
	measure("30 KB", 30000);
	measure("1.45 MB", 1450000);
	return 0;
}
