#include "server/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

enum { THREADS = 8, ROUNDS = 2000, LIMIT = 3 };

static void without_a_limit_there_is_always_a_turn(void **state)
{
	struct turns turns;
	(void)state;
	turns_init(&turns, 0);
	for (int i = 0; i < 100; i++)
		assert_true(turns_take(&turns, 0));
	turns_give(&turns);
	turns_release(&turns);
}

static void who_gets_no_turn_in_time_is_told_so(void **state)
{
	struct turns turns;
	(void)state;
	turns_init(&turns, 1);
	assert_true(turns_take(&turns, 1));
	assert_false(turns_take(&turns, 1));
	assert_false(turns_take(&turns, clock_monotonic_ms() + 20));
	turns_give(&turns);
	assert_true(turns_take(&turns, 1));
	turns_give(&turns);
	turns_release(&turns);
}

static struct {
	struct turns turns;
	atomic_uint inside, most, done;
} shared;

static void *take_turns(void *context)
{
	(void)context;
	for (int i = 0; i < ROUNDS; i++) {
		if (!turns_take(&shared.turns, clock_monotonic_ms() + 60000))
			break;
		unsigned now = atomic_fetch_add(&shared.inside, 1) + 1, most = atomic_load(&shared.most);
		while (now > most && !atomic_compare_exchange_weak(&shared.most, &most, now))
			;
		atomic_fetch_sub(&shared.inside, 1);
		atomic_fetch_add(&shared.done, 1);
		turns_give(&shared.turns);
	}
	return NULL;
}

static void never_more_than_the_limit_and_everybody_in_the_end(void **state)
{
	pthread_t threads[THREADS];
	(void)state;
	turns_init(&shared.turns, LIMIT);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_turns, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&shared.done), THREADS * ROUNDS);
	assert_true(atomic_load(&shared.most) <= LIMIT);
	turns_release(&shared.turns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_there_is_always_a_turn),
		cmocka_unit_test(who_gets_no_turn_in_time_is_told_so),
		cmocka_unit_test(never_more_than_the_limit_and_everybody_in_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
