/* How many threads may work at the same time; the others wait for their turn. Threads of a low priority that are many
 * stand in each other's way while they hold a lock (of the allocator, of the store's readers) that a thread of a high
 * priority needs. Any thread. */
#ifndef SEALGATE_SERVER_TURNS_H
#define SEALGATE_SERVER_TURNS_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

struct turns {
	pthread_mutex_t lock; /* over `taken` */
	pthread_cond_t given;
	unsigned limit; /* 0: there is always a turn */
	unsigned taken;
};

void turns_init(struct turns *turns, unsigned limit);
/* Nobody has or waits for a turn. */
void turns_release(struct turns *turns);
/* Waits until there is a turn or deadline_ms (monotonic) has passed; true: it is taken. */
bool turns_take(struct turns *turns, int64_t deadline_ms) MUST_USE;
void turns_give(struct turns *turns);

#endif
