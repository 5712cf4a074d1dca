#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

/* Left alone below the caller: what this function may be using. A signal's frame is gone again before the call is made. */
#define STACK_IN_USE 512u

bool thread_start(pthread_t *thread, void *(*run)(void *context), void *context, struct err *e)
{
	sigset_t all, before;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = code;
	return code == 0 || err_errno(e, "a thread can't be started");
}

void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

void condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline_ms)
{
	struct timespec until = {deadline_ms / 1000, deadline_ms % 1000 * 1000000};

	if (deadline_ms == 0)
		pthread_cond_wait(condition, lock);
	else
		pthread_cond_timedwait(condition, lock, &until);
}

static bool stack_bottom(uintptr_t *bottom)
{
	pthread_attr_t attributes;
	void *lowest;
	size_t size;
	bool known;

	if (pthread_getattr_np(pthread_self(), &attributes) != 0)
		return false;
	known = pthread_attr_getstack(&attributes, &lowest, &size) == 0;
	pthread_attr_destroy(&attributes);
	*bottom = known ? (uintptr_t)lowest : 0;
	return known;
}

void thread_release_stack(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), bottom;
	uintptr_t end = (here - STACK_IN_USE) & ~(page - 1);

	if (stack_bottom(&bottom) && bottom < end)
		(void)madvise((void *)bottom, end - bottom, MADV_DONTNEED);
}
