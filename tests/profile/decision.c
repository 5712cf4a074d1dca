/* A warm decision inside one process, without TLS and HTTP: processor time of each, and the path that profilers take
 * apart (`make build/tests/profile/decision`, then `valgrind --tool=callgrind --toggle-collect=webhook_handle
 * build/tests/profile/decision 5000 500`). Arguments: bytes of the body, decisions, threads, images (at
 * most 100, each with a digest of its own). */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "server/review.h"
#include "server/verify_queue_private.h"
#include "server/webhook.h"
#include "tests/bench/review_body.h"
#include "tests/e2e/bed.h"

#define IMAGES_MAX 100u

struct job {
	struct review_service service;
	const char *body;
	size_t decisions;
	size_t wrong;
};

static void *decide(void *context)
{
	struct job *job = context;

	for (size_t i = 0; i < job->decisions; i++) {
		struct arena arena = arena_init(1 << 20);
		struct http_request request = {.method = STR("POST"),
					       .path = STR("/validate"),
					       .body = str_of(job->body),
					       .id = i,
					       .started_ms = clock_monotonic_ms(),
					       .arena = &arena};
		struct http_response response = {.body = buf_init(1 << 20)};

		webhook_handle(&job->service, &request, &response);
		if (!response.body.data || !strstr(response.body.data, "\"allowed\":true"))
			job->wrong++;
		buf_release(&response.body);
		arena_release(&arena);
	}
	return NULL;
}

static double processor_us(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (double)spent.tv_sec * 1e6 + (double)spent.tv_nsec / 1e3;
}

/* The first decision verifies; the others find its verdict. */
static void run(const struct job *job, size_t threads)
{
	struct job first = *job, jobs[16];
	pthread_t ids[16];
	size_t wrong = 0;
	double started_us;

	first.decisions = 1;
	decide(&first);
	started_us = processor_us();
	for (size_t i = 0; i < threads; i++) {
		jobs[i] = *job;
		if (pthread_create(&ids[i], NULL, decide, &jobs[i]) != 0)
			exit(1);
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		wrong += jobs[i].wrong;
	}
	printf("%zu bytes, %zu threads: %.2f us of processor time a decision, %zu wrong\n", strlen(job->body), threads,
	       (processor_us() - started_us) / (double)(job->decisions * threads), wrong + first.wrong);
}

struct image {
	char digest[80];
	char name[160];
};

static char *make_body(size_t bytes, struct image *images, size_t count)
{
	const char *names[IMAGES_MAX];

	for (size_t i = 0; i < count; i++) {
		snprintf(images[i].digest, sizeof(images[i].digest), "sha256:%064zx", i + 1);
		snprintf(images[i].name, sizeof(images[i].name), "gcr.io/hightowerlabs/payment@sha256:%064zx", i + 1);
		names[i] = images[i].name;
	}
	return review_body_of(bytes, names, count);
}

static void serve(struct bed *bed, const struct image *images, size_t count)
{

	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	bed_note(bed, "p", "n");
	for (size_t i = 0; i < count; i++) {
		char *signature = bed_clearsign(bed, "qa_bob@example.com", images[i].digest);

		bed_attest(bed, "p", "n", images[i].name, signature);
		free(signature);
	}
	if (bed_stop(bed) != 0)
		exit(1);
}

static size_t argument(int argc, char **argv, int at, size_t otherwise)
{
	return argc > at ? strtoul(argv[at], NULL, 10) : otherwise;
}

static void bench(struct bed *bed, struct worker_pool *workers, const char *body, size_t decisions, size_t threads)
{
	struct trust_sources sources = {.pubkeys = bed->keys};
	char *url = text_of("sqlite:%s/sealgate.db", bed->data);
	struct metrics *metrics = metrics_new();
	struct err e = ERR_INIT;
	struct store *store = store_open(url, STORE_READ_WRITE, &e);
	struct trust_holder *trust = store ? trust_holder_open(&sources, workers, &e) : NULL;
	struct verify_queue *queue = trust ? verify_queue_start(workers, store, metrics, &e) : NULL;
	struct facts_cache *facts = facts_cache_new(LIMIT_FACTS_BYTES);
	struct job job = {.body = body, .decisions = decisions};

	if (!queue || !facts) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	store_observe(store, metrics_store, metrics);
	job.service = (struct review_service){
		.store = store, .queue = queue, .trust = trust, .facts = facts, .metrics = metrics};
	run(&job, threads);
	verify_queue_stop(queue);
	facts_cache_free(facts);
	trust_holder_close(trust);
	store_close(store);
	metrics_free(metrics);
	free(url);
}

int main(int argc, char **argv)
{
	void *state = NULL;
	struct bed *bed;
	struct worker_pool *workers;
	static struct image images[IMAGES_MAX];
	size_t wanted = argument(argc, argv, 4, 1), count = wanted > IMAGES_MAX ? IMAGES_MAX : wanted;
	char *body = make_body(argument(argc, argv, 1, 5000), images, count), *run_dir;
	struct err e = ERR_INIT;

	bed_setup(&state);
	bed = state;
	serve(bed, images, count);
	run_dir = text_of("%s/run", bed->data);
	workers = worker_pool_start(1, run_dir, &e);
	if (!freopen(bed->log, "a", stderr) || !workers)
		return 1;
	bench(bed, workers, body, argument(argc, argv, 2, 100000), argument(argc, argv, 3, 1));
	worker_pool_stop(workers);
	free(run_dir);
	free(body);
	return bed_teardown(&state);
}
