/* The verify worker's children and gpg are killed at random while signatures are verified: every answer is the truth or
 * a rejection, afterwards the pool verifies again, and nothing stays behind. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/openpgp_home.h"
#include "attest/worker.h"
#include "base/clock.h"
#include "tests/fault/processes.h"
#include "tests/unit/attest/fixtures.h"

#define SLOTS 2
#define ROUNDS 50
#define CHILDREN_MAX 32

struct bed {
	char run[64];
	struct worker_pool *pool;
	struct key_set *keys;
	struct buf good, bad; /* the bad one is a good signature of a key that nobody lists */
	atomic_bool stop;
	atomic_uint truths, rejections, lies;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	cleanup(buf) struct buf key = fixture_key(STR("ed"));
	const struct key_set_entry entry = {buf_str(&key), STR("0")};
	struct err e = ERR_INIT;

	assert_non_null(bed);
	snprintf(bed->run, sizeof(bed->run), "/tmp/sealgate-worker-XXXXXX");
	assert_non_null(mkdtemp(bed->run));
	bed->pool = worker_pool_start(SLOTS, bed->run, &e);
	if (!bed->pool || !worker_pool_ready(bed->pool, &e))
		fail_msg("%s", e.text);
	bed->keys = key_set_new(&entry, 1);
	bed->good = fixture_signature(STR("clear-url.asc"));
	bed->bad = fixture_signature(STR("clear-url.asc"));
	/* One letter of what was signed. */
	*strstr(bed->bad.data, "sha256:a") = 'S';
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	worker_pool_stop(bed->pool);
	directory_remove(bed->run);
	key_set_unref(bed->keys);
	buf_release(&bed->good);
	buf_release(&bed->bad);
	free(bed);
	return 0;
}

static enum verdict verify(struct bed *bed, const struct buf *upload)
{
	struct signature_facts facts;

	worker_verify(bed->pool, bed->keys, buf_str(upload), (struct str){NULL, 0}, NOW, clock_monotonic_ms() + 20000,
		      &facts);
	return facts.verdict;
}

static void *verify_all_the_time(void *context)
{
	struct bed *bed = context;

	while (!atomic_load(&bed->stop)) {
		atomic_fetch_add(&bed->lies, verify(bed, &bed->bad) == VERDICT_ACCEPTED);
		if (verify(bed, &bed->good) == VERDICT_ACCEPTED)
			atomic_fetch_add(&bed->truths, 1);
		else
			atomic_fetch_add(&bed->rejections, 1);
	}
	return NULL;
}

static pid_t supervisor(void)
{
	pid_t own[8];

	assert_int_equal(children_of(getpid(), own, 8), 1);
	return own[0];
}

/* A child of the worker or, every other time, a gpg below one, when there is one at this moment. */
static void kill_one(pid_t above, unsigned round, unsigned *seed)
{
	pid_t children[CHILDREN_MAX], below[CHILDREN_MAX];
	size_t count = children_of(above, children, CHILDREN_MAX), inner;
	pid_t victim;

	if (count == 0)
		return;
	victim = children[(size_t)rand_r(seed) % count];
	inner = round & 1 ? children_of(victim, below, CHILDREN_MAX) : 0;
	kill(inner ? below[(size_t)rand_r(seed) % inner] : victim, SIGKILL);
}

static void assert_nothing_is_left(pid_t above)
{
	pid_t children[CHILDREN_MAX], below[CHILDREN_MAX];
	size_t count = 0, inner = 1;

	for (int tries = 0; tries < 500 && (count != SLOTS || inner); tries++) {
		count = children_of(above, children, CHILDREN_MAX);
		inner = 0;
		for (size_t i = 0; i < count; i++)
			inner += children_of(children[i], below, CHILDREN_MAX);
		poll(NULL, 0, 20);
	}
	assert_int_equal(count, SLOTS);
	assert_int_equal(inner, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
}

static void kills_at_random_are_never_an_accept(void **state)
{
	struct bed *bed = *state;
	pid_t above = supervisor();
	size_t before = open_descriptors();
	unsigned seed = 4711;
	pthread_t threads[SLOTS];

	assert_int_equal(verify(bed, &bed->good), VERDICT_ACCEPTED);
	for (size_t i = 0; i < SLOTS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_all_the_time, bed), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		poll(NULL, 0, 5 + rand_r(&seed) % 60);
		kill_one(above, round, &seed);
	}
	atomic_store(&bed->stop, true);
	for (size_t i = 0; i < SLOTS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&bed->lies), 0);
	printf("  %u verified, %u rejected\n", atomic_load(&bed->truths), atomic_load(&bed->rejections));
	for (int i = 0; i < 2 * SLOTS; i++)
		(void)verify(bed, &bed->good);
	for (int i = 0; i < 2 * SLOTS; i++)
		assert_int_equal(verify(bed, &bed->good), VERDICT_ACCEPTED);
	assert_int_equal(verify(bed, &bed->bad), VERDICT_REJECTED);
	assert_nothing_is_left(above);
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kills_at_random_are_never_an_accept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
