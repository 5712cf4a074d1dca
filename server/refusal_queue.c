#include "server/refusal_queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Times that the lock is asked for. Whoever has it keeps it for a few instructions. */
#define TRIES 3
#define TEXTS 6

struct refusal_queue {
	pthread_mutex_t lock; /* over what follows */
	struct refusal *items[REFUSALS_WAITING];
	size_t first;
	size_t count;
	atomic_uint_fast64_t left_out;
};

struct refusal_queue *refusal_queue_new(void)
{
	struct refusal_queue *queue = calloc(1, sizeof(*queue));

	if (queue)
		pthread_mutex_init(&queue->lock, NULL);
	return queue;
}

void refusal_queue_free(struct refusal_queue *queue)
{
	if (!queue)
		return;
	for (size_t i = 0; i < queue->count; i++)
		free(queue->items[(queue->first + i) % REFUSALS_WAITING]);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

struct refusal *refusal_copy(const struct refusal *refusal)
{
	const struct str *from[TEXTS] = {&refusal->namespace_, &refusal->api_version, &refusal->kind,
					 &refusal->name,       &refusal->uid,	      &refusal->note};
	size_t size = sizeof(struct refusal);
	struct refusal *copy;
	char *at;

	for (size_t i = 0; i < TEXTS; i++)
		size += from[i]->len;
	copy = malloc(size);
	if (!copy)
		return NULL;
	at = (char *)(copy + 1);
	struct str *to[TEXTS] = {&copy->namespace_, &copy->api_version, &copy->kind,
				 &copy->name,	    &copy->uid,		&copy->note};
	for (size_t i = 0; i < TEXTS; i++) {
		if (from[i]->len > 0)
			memcpy(at, from[i]->ptr, from[i]->len);
		*to[i] = str_make(at, from[i]->len);
		at += from[i]->len;
	}
	return copy;
}

/* At most REFUSAL_NOTE_MAX bytes, whole characters. */
static struct str cut_note(struct str note, char room[REFUSAL_NOTE_MAX])
{
	static const char dots[] = "...";
	struct str kept;

	if (note.len <= REFUSAL_NOTE_MAX)
		return note;
	kept = utf8_head(note, REFUSAL_NOTE_MAX - (sizeof(dots) - 1));
	memcpy(room, kept.ptr, kept.len);
	memcpy(room + kept.len, dots, sizeof(dots) - 1);
	return str_make(room, kept.len + sizeof(dots) - 1);
}

static bool try_lock(pthread_mutex_t *lock)
{
	for (int i = 0; i < TRIES; i++)
		if (pthread_mutex_trylock(lock) == 0)
			return true;
	return false;
}

static bool add(struct refusal_queue *queue, struct refusal *refusal)
{
	bool room;

	if (!try_lock(&queue->lock))
		return false;
	room = queue->count < REFUSALS_WAITING;
	if (room)
		queue->items[(queue->first + queue->count++) % REFUSALS_WAITING] = refusal;
	pthread_mutex_unlock(&queue->lock);
	return room;
}

void refusal_queue_offer(struct refusal_queue *queue, const struct refusal *refusal)
{
	char room[REFUSAL_NOTE_MAX];
	struct refusal short_one = *refusal;
	struct refusal *copy;

	short_one.note = cut_note(refusal->note, room);
	copy = refusal_copy(&short_one);
	if (copy && add(queue, copy))
		return;
	free(copy);
	atomic_fetch_add_explicit(&queue->left_out, 1, memory_order_relaxed);
}

struct refusal *refusal_queue_take(struct refusal_queue *queue)
{
	struct refusal *refusal = NULL;

	pthread_mutex_lock(&queue->lock);
	if (queue->count > 0) {
		refusal = queue->items[queue->first];
		queue->first = (queue->first + 1) % REFUSALS_WAITING;
		queue->count--;
	}
	pthread_mutex_unlock(&queue->lock);
	return refusal;
}

uint64_t refusal_queue_left_out(struct refusal_queue *queue)
{
	return atomic_load_explicit(&queue->left_out, memory_order_relaxed);
}
