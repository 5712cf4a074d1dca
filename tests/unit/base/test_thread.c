#include "base/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

enum { DEEP = 100000 };

/* Counts the resident pages of the calling thread's stack from its lowest address up to `here`. */
static size_t pages_below(uintptr_t here)
{
	static unsigned char resident[4096];
	pthread_attr_t attributes;
	void *lowest;
	size_t size, page = (size_t)sysconf(_SC_PAGESIZE), count = 0;

	assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
	assert_int_equal(pthread_attr_getstack(&attributes, &lowest, &size), 0);
	pthread_attr_destroy(&attributes);
	size = (here - (uintptr_t)lowest) / page;
	if (size > sizeof(resident))
		size = sizeof(resident);
	assert_int_equal(mincore((void *)((here & ~(page - 1)) - size * page), size * page, resident), 0);
	for (size_t i = 0; i < size; i++)
		count += resident[i] & 1;
	return count;
}

static __attribute__((noinline)) unsigned go_deep(void)
{
	volatile unsigned char deep[DEEP];

	for (size_t i = 0; i < DEEP; i += 1000)
		deep[i] = 1;
	return deep[DEEP - 1000];
}

static void *rest(void *context)
{
	size_t *pages = context;
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	char kept[64] = "still here";

	assert_int_equal(go_deep(), 1);
	pages[0] = pages_below(here);
	thread_release_stack();
	pages[1] = pages_below(here);
	assert_string_equal(kept, "still here");
	return NULL;
}

static void a_resting_thread_gives_its_stack_back(void **state)
{
	size_t pages[2] = {0, 0};
	pthread_t thread;
	struct err e;

	(void)state;
	assert_true(thread_start(&thread, rest, pages, &e));
	pthread_join(thread, NULL);
	assert_true(pages[0] >= DEEP / 4096);
	assert_true(pages[1] <= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_takes_no_signals_and_its_starter_keeps_its_own),
		cmocka_unit_test(a_wait_ends_at_its_deadline),
		cmocka_unit_test(a_resting_thread_gives_its_stack_back),
		cmocka_unit_test(a_wait_without_deadline_ends_with_the_signal),
	};

	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
