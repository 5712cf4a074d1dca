/* Verifications a second through the verify worker with two slots, beside two bare gpgme contexts in two threads of a
 * small process. Both do the same message; the worker also judges it and reads its payload. Each measurement has its
 * own process; the worker's is also measured when that process holds 500 MB. */
#include <pthread.h>
#include <stdlib.h>

#include "attest/openpgp_home.h"
#include "attest/worker.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/bench/child.h"
#include "tests/bench/figures.h"
#include "tests/bench/gpg_bare.h"

#define KEY "tests/data/openpgp/keys/ed.asc"
#define MESSAGE "tests/data/openpgp/signatures/attached.asc"
#define NOW 1767225600 /* 2026-01-01 */
#define LARGE_MB 500

enum { THREADS = 2, WARM_UP = 5 };

struct work {
	struct str key, message;
	size_t ballast_mb; /* held by the process that owns the worker */
	int calls;
};

struct job {
	const struct work *work;
	struct worker_pool *pool;
	struct key_set *keys;
	struct gpg_bare *gpg;
	int calls;
};

static void *by_worker(void *argument)
{
	struct job *job = argument;

	for (int i = 0; i < job->calls; i++) {
		struct signature_facts facts;

		worker_verify(job->pool, job->keys, job->work->message, (struct str){0}, NOW,
			      clock_monotonic_ms() + LIMIT_VERIFY_MS, &facts);
		if (facts.verdict != VERDICT_ACCEPTED)
			bench_give_up("the verify worker finds a good signature bad");
	}
	return NULL;
}

static void *by_gpgme(void *argument)
{
	struct job *job = argument;

	for (int i = 0; i < job->calls; i++)
		gpg_bare_verify(job->gpg, job->work->message);
	return NULL;
}

static double rate(void *(*verify)(void *), struct job jobs[THREADS], int calls)
{
	int64_t start = clock_monotonic_us();
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		jobs[i].calls = calls;
		if (pthread_create(&threads[i], NULL, verify, &jobs[i]) != 0)
			bench_give_up("no thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return THREADS * calls * 1e6 / (double)(clock_monotonic_us() - start);
}

static void make_scratch(char path[64])
{
	snprintf(path, 64, "/tmp/sealgate-bench-XXXXXX");
	if (!mkdtemp(path))
		bench_give_up("no directory");
}

static double measure_worker(void *context)
{
	const struct work *work = context;
	struct key_set_entry entry = {work->key, STR("any")};
	struct job jobs[THREADS] = {{.work = work}, {.work = work}};
	struct sandbox_offer offer;
	struct err e = ERR_INIT;
	char scratch[64];
	char *ballast;
	double value;

	make_scratch(scratch);
	sandbox_offer_ask(&offer);
	jobs[0].pool = worker_pool_start_confined(THREADS, scratch, &offer, &e);
	jobs[0].keys = key_set_new(&entry, 1);
	ballast = malloc(work->ballast_mb * 1024 * 1024 + 1);
	if (!jobs[0].pool || !jobs[0].keys || !ballast)
		bench_give_up("no verify worker: %s", e.text);
	memset(ballast, 1, work->ballast_mb * 1024 * 1024 + 1);
	jobs[1] = jobs[0];
	rate(by_worker, jobs, WARM_UP);
	value = rate(by_worker, jobs, work->calls);
	worker_pool_stop(jobs[0].pool);
	key_set_unref(jobs[0].keys);
	free(ballast);
	directory_remove(scratch);
	return value;
}

static double measure_gpgme(void *context)
{
	const struct work *work = context;
	struct job jobs[THREADS] = {{.work = work}, {.work = work}};
	char scratch[64];
	double value;

	make_scratch(scratch);
	for (int i = 0; i < THREADS; i++)
		jobs[i].gpg = gpg_bare_open(scratch, work->key);
	rate(by_gpgme, jobs, WARM_UP);
	value = rate(by_gpgme, jobs, work->calls);
	for (int i = 0; i < THREADS; i++)
		gpg_bare_close(jobs[i].gpg);
	directory_remove(scratch);
	return value;
}

static void read_file(const char *path, struct buf *content)
{
	struct err e = ERR_INIT;

	if (!file_read(path, content, &e))
		bench_give_up("%s", e.text);
}

void figures_verify(struct bench *b)
{
	cleanup(buf) struct buf key = buf_init(LIMIT_KEY_FILE);
	cleanup(buf) struct buf message = buf_init(LIMIT_SIGNATURE);
	struct series small = {0}, large = {0}, bare = {0};
	struct work work;

	read_file(KEY, &key);
	read_file(MESSAGE, &message);
	work = (struct work){buf_str(&key), buf_str(&message), 0, b->quick ? 50 : 200};
	for (int round = 0; round < b->rounds; round++) {
		bench_progress("verifications, round %d of %d", round + 1, b->rounds);
		work.ballast_mb = 0;
		series_add(&bare, child_measure(measure_gpgme, &work));
		series_add(&small, child_measure(measure_worker, &work));
		work.ballast_mb = LARGE_MB;
		series_add(&large, child_measure(measure_worker, &work));
	}
	bench_row(b, (struct figure_name){"OpenPGP verifications, 2 workers beside 2 gpgme", "", 0}, "/s", &small,
		  &bare, AT_LEAST(0.80));
	bench_row(b, (struct figure_name){"the same, the server holding 500 MB", "", 0}, "/s", &large, &bare,
		  AT_LEAST(0.80));
}
