/* Verifications per second through the verify worker with two slots, beside two bare gpgme contexts in two threads of
 * this process, in turn, round by round. Both do the same message; the worker also judges it and reads its payload. */
#include <gpgme.h>
#include <pthread.h>
#include <stdlib.h>

#include "attest/openpgp_home.h"
#include "attest/worker.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"

#define KEY "tests/data/openpgp/keys/ed.asc"
#define MESSAGE "tests/data/openpgp/signatures/attached.asc"
#define NOW 1767225600 /* 2026-01-01 */
/* The worker's rate, at least, as a part of the bare rate. */
#define TARGET 0.9

enum { THREADS = 2, CALLS = 150, ROUNDS = 3 };

struct job {
	struct worker_pool *pool;
	struct key_set *keys;
	struct str upload;
	gpgme_ctx_t bare;
	int good;
};

_Noreturn static void give_up(const char *what)
{
	fprintf(stderr, "bench_verify: %s\n", what);
	exit(1);
}

static struct str read_or_give_up(const char *path, struct buf *content)
{
	struct err e = ERR_INIT;

	if (!file_read(path, content, &e))
		give_up(e.text);
	return buf_str(content);
}

static void *verify_by_worker(void *argument)
{
	struct job *job = argument;

	for (int i = 0; i < CALLS; i++) {
		struct signature_facts facts;

		worker_verify(job->pool, job->keys, job->upload, (struct str){0}, NOW,
			      clock_monotonic_ms() + LIMIT_VERIFY_MS, &facts);
		job->good += facts.verdict == VERDICT_ACCEPTED;
	}
	return NULL;
}

static void *verify_bare(void *argument)
{
	struct job *job = argument;

	for (int i = 0; i < CALLS; i++) {
		gpgme_data_t upload, plain;
		gpgme_verify_result_t result;

		if (gpgme_data_new_from_mem(&upload, job->upload.ptr, job->upload.len, 0) || gpgme_data_new(&plain))
			give_up("gpgme has no memory");
		if (!gpgme_op_verify(job->bare, upload, NULL, plain)) {
			result = gpgme_op_verify_result(job->bare);
			job->good += result && result->signatures && !result->signatures->status;
		}
		gpgme_data_release(upload);
		gpgme_data_release(plain);
	}
	return NULL;
}

static double rate(void *(*work)(void *), struct job jobs[THREADS])
{
	int64_t start = clock_monotonic_us();
	pthread_t threads[THREADS];
	int good = 0;

	for (int i = 0; i < THREADS; i++) {
		jobs[i].good = 0;
		if (pthread_create(&threads[i], NULL, work, &jobs[i]) != 0)
			give_up("no thread");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		good += jobs[i].good;
	}
	if (good != THREADS * CALLS)
		give_up("a verification went wrong");
	return THREADS * CALLS * 1e6 / (double)(clock_monotonic_us() - start);
}

static void make_bare(struct job *job, const char *home, struct str key)
{
	gpgme_data_t data;

	if (gpgme_new(&job->bare) || gpgme_ctx_set_engine_info(job->bare, GPGME_PROTOCOL_OpenPGP, NULL, home) ||
	    gpgme_data_new_from_mem(&data, key.ptr, key.len, 0) || gpgme_op_import(job->bare, data))
		give_up("gpgme can't be used");
	gpgme_data_release(data);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

static void measure(struct job jobs[THREADS])
{
	double worker[ROUNDS], bare[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		worker[i] = rate(verify_by_worker, jobs);
		bare[i] = rate(verify_bare, jobs);
	}
	printf("verify: worker %.0f/s, bare gpgme %.0f/s, ratio %.2f (target at least %.2f)\n", median(worker),
	       median(bare), median(worker) / median(bare), TARGET);
}

int main(void)
{
	char scratch[] = "/tmp/sealgate-bench-XXXXXX";
	cleanup(buf) struct buf key = buf_init(LIMIT_KEY_FILE);
	cleanup(buf) struct buf message = buf_init(LIMIT_SIGNATURE);
	char home[OPENPGP_HOME_PATH_MAX];
	struct job jobs[THREADS] = {{0}};
	struct key_set_entry entry;
	struct err e = ERR_INIT;

	entry.text = read_or_give_up(KEY, &key);
	entry.fingerprint = STR("any");
	if (!mkdtemp(scratch) || !openpgp_home_make(scratch, HOME_VERIFIES, home, &e))
		give_up(e.text);
	jobs[0].pool = worker_pool_start(THREADS, scratch, &e);
	jobs[0].keys = key_set_new(&entry, 1);
	if (!jobs[0].pool || !jobs[0].keys)
		give_up(e.text);
	jobs[0].upload = read_or_give_up(MESSAGE, &message);
	jobs[1] = jobs[0];
	gpgme_set_global_flag("disable-gpgconf", "1");
	gpgme_check_version(NULL);
	for (int i = 0; i < THREADS; i++)
		make_bare(&jobs[i], home, entry.text);
	measure(jobs);
	for (int i = 0; i < THREADS; i++)
		gpgme_release(jobs[i].bare);
	worker_pool_stop(jobs[0].pool);
	key_set_unref(jobs[0].keys);
	directory_remove(scratch);
	return 0;
}
