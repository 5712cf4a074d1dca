#include "base/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static void *blocked_signals(void *context)
{
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	*(bool *)context = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGHUP) == 1;
	return NULL;
}

static void a_thread_takes_no_signals_and_its_starter_keeps_its_own(void **state)
{
	bool blocked = false;
	sigset_t mine;
	pthread_t thread;
	struct err e;

	(void)state;
	assert_true(thread_start(&thread, blocked_signals, &blocked, &e));
	pthread_join(thread, NULL);
	assert_true(blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	assert_int_equal(sigismember(&mine, SIGTERM), 0);
}

static void a_wait_ends_at_its_deadline(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition;
	int64_t deadline = clock_monotonic_ms() + 20;

	(void)state;
	condition_init(&condition);
	pthread_mutex_lock(&lock);
	while (clock_left_ms(deadline) > 0)
		condition_wait(&condition, &lock, deadline);
	condition_wait(&condition, &lock, 1);
	pthread_mutex_unlock(&lock);
	pthread_cond_destroy(&condition);
	assert_true(clock_monotonic_ms() >= deadline);
}

struct flag {
	pthread_mutex_t lock;
	pthread_cond_t condition;
	bool raised;
};

static void *raise_flag(void *context)
{
	struct flag *flag = context;

	pthread_mutex_lock(&flag->lock);
	flag->raised = true;
	pthread_cond_signal(&flag->condition);
	pthread_mutex_unlock(&flag->lock);
	return NULL;
}

static void a_wait_without_deadline_ends_with_the_signal(void **state)
{
	struct flag flag = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t thread;
	struct err e;

	(void)state;
	condition_init(&flag.condition);
	pthread_mutex_lock(&flag.lock);
	assert_true(thread_start(&thread, raise_flag, &flag, &e));
	while (!flag.raised)
		condition_wait(&flag.condition, &flag.lock, 0);
	pthread_mutex_unlock(&flag.lock);
	pthread_join(thread, NULL);
	pthread_cond_destroy(&flag.condition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_takes_no_signals_and_its_starter_keeps_its_own),
		cmocka_unit_test(a_wait_ends_at_its_deadline),
		cmocka_unit_test(a_wait_without_deadline_ends_with_the_signal),
	};

	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
