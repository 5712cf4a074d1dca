/* Threads of a daemon, and waiting with a deadline. */
#ifndef SEALGATE_BASE_THREAD_H
#define SEALGATE_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

/* Starts a thread that takes no signals: they belong to the program's main thread. ERR_INTERNAL when there are too
 * many. */
bool thread_start(pthread_t *thread, void *(*run)(void *context), void *context, struct err *e) MUST_USE;

/* A condition whose deadlines are those of clock_monotonic_ms. */
void condition_init(pthread_cond_t *condition);
/* Waits, with `lock` held, until it is signalled or the deadline (monotonic ms, 0 = none) has passed; also returns for
 * no reason: the caller looks again. */
void condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline_ms);

/* Gives back to the system what the calling thread's stack took below this call, for a thread that will rest now. */
void thread_release_stack(void);

#endif
