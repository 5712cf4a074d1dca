/* The pool of read connections: what reviews need is never all with others. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/sqlite_private.h"
#include "store/store.h"

enum { ALL = 8, OTHERS = 4, SHORT_MS = 20, LONG_MS = 60000 };

struct bed {
	char directory[256];
	char path[300];
	struct sqlite_readers *readers;
};

/* A store makes the file; the pool under test is one more beside it. */
static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	const char *parent = getenv("TMPDIR");
	struct err e = ERR_INIT;
	char url[320];
	struct store *store;

	assert_non_null(bed);
	snprintf(bed->directory, sizeof(bed->directory), "%.200s/sealgate-readers-XXXXXX", parent ? parent : "/tmp");
	assert_non_null(mkdtemp(bed->directory));
	snprintf(bed->path, sizeof(bed->path), "%s/store.db", bed->directory);
	snprintf(url, sizeof(url), "sqlite:%s", bed->path);
	store = store_open(url, STORE_READ_WRITE, &e);
	assert_non_null(store);
	store_close(store);
	bed->readers = sqlite_readers_open(bed->path, &e);
	assert_non_null(bed->readers);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	struct bed *bed = *state;
	char path[320];

	sqlite_readers_close(bed->readers);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", bed->path, suffixes[i]);
		unlink(path);
	}
	rmdir(bed->directory);
	free(bed);
	return 0;
}

static struct sqlite_connection *reader(struct bed *bed, enum sqlite_reader_use use, int64_t patience_ms)
{
	struct err e = ERR_INIT;
	struct sqlite_connection *c = sqlite_readers_take(bed->readers, use, clock_monotonic_ms() + patience_ms, &e);

	if (!c)
		assert_int_equal(e.kind, ERR_TIMEOUT);
	return c;
}

static void half_of_the_readers_are_kept_for_reviews(void **state)
{
	struct bed *bed = *state;
	struct sqlite_connection *taken[ALL];

	for (int i = 0; i < OTHERS; i++) {
		taken[i] = reader(bed, READER_OTHER, SHORT_MS);
		assert_non_null(taken[i]);
	}
	assert_null(reader(bed, READER_OTHER, SHORT_MS));
	for (int i = OTHERS; i < ALL; i++) {
		taken[i] = reader(bed, READER_REVIEW, SHORT_MS);
		assert_non_null(taken[i]);
	}
	assert_null(reader(bed, READER_REVIEW, SHORT_MS));
	sqlite_readers_give(bed->readers, taken[0]);
	taken[0] = reader(bed, READER_REVIEW, SHORT_MS);
	assert_non_null(taken[0]);
	for (int i = 0; i < ALL; i++)
		sqlite_readers_give(bed->readers, taken[i]);
	for (int i = 0; i < ALL; i++) {
		taken[i] = reader(bed, READER_REVIEW, SHORT_MS);
		assert_non_null(taken[i]);
	}
	for (int i = 0; i < ALL; i++)
		sqlite_readers_give(bed->readers, taken[i]);
}

static struct {
	struct bed *bed;
	atomic_int failed;
} shared;

static void *take_and_give(void *context)
{
	for (int i = 0; i < 2000; i++) {
		struct err e = ERR_INIT;
		struct sqlite_connection *c = sqlite_readers_take(
			shared.bed->readers, *(enum sqlite_reader_use *)context, clock_monotonic_ms() + LONG_MS, &e);

		if (!c) {
			atomic_fetch_add(&shared.failed, 1);
			return NULL;
		}
		sqlite_readers_give(shared.bed->readers, c);
	}
	return NULL;
}

static void nobody_who_waits_is_forgotten(void **state)
{
	static enum sqlite_reader_use uses[] = {READER_REVIEW, READER_OTHER};
	pthread_t threads[3 * ALL];

	shared.bed = *state;
	for (size_t i = 0; i < 3 * ALL; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &uses[i % 2]), 0);
	for (size_t i = 0; i < 3 * ALL; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&shared.failed), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(half_of_the_readers_are_kept_for_reviews, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_who_waits_is_forgotten, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
