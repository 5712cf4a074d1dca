#include "server/turns.h"

#include "base/clock.h"
#include "base/thread.h"

void turns_init(struct turns *turns, unsigned limit)
{
	pthread_mutex_init(&turns->lock, NULL);
	condition_init(&turns->given);
	turns->limit = limit;
	turns->taken = 0;
}

void turns_release(struct turns *turns)
{
	pthread_cond_destroy(&turns->given);
	pthread_mutex_destroy(&turns->lock);
}

bool turns_take(struct turns *turns, int64_t deadline_ms)
{
	if (turns->limit == 0)
		return true;
	pthread_mutex_lock(&turns->lock);
	while (turns->taken == turns->limit && clock_left_ms(deadline_ms) > 0)
		condition_wait(&turns->given, &turns->lock, deadline_ms);
	bool taken = turns->taken < turns->limit;
	if (taken)
		turns->taken++;
	pthread_mutex_unlock(&turns->lock);
	return taken;
}

void turns_give(struct turns *turns)
{
	if (turns->limit == 0)
		return;
	pthread_mutex_lock(&turns->lock);
	turns->taken--;
	pthread_cond_signal(&turns->given);
	pthread_mutex_unlock(&turns->lock);
}
