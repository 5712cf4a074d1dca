#include "server/verify_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"

#define BUCKETS 1024u

/* One signature on its way to a verdict. In one list while it waits, in the table until it has its verdict. */
struct job {
	struct sha256 key;
	struct key_set *keys;
	struct str signature; /* owned */
	struct str payload;   /* owned; ptr NULL when there is none */
	unsigned references;  /* the queue's and each ticket's */
	bool urgent;
	bool started;
	bool done;
	pthread_cond_t finished;
	struct signature_facts facts;
	struct job *before, *after; /* in its list */
	struct job *next;	    /* in its bucket */
};

struct job_list {
	struct job *first, *last;
	size_t count;
};

struct verify_queue {
	struct worker_pool *workers;
	struct metrics *metrics;
	struct verdict_cache *verdicts;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t work;
	struct job_list urgent;
	struct job_list background;
	struct job *buckets[BUCKETS];
	bool stopping;
	pthread_t *threads;
	size_t thread_count;
};

struct verify_ticket {
	struct verify_queue *queue;
	struct job *job;
};

static struct str copy(struct str s)
{
	char *bytes = s.ptr ? malloc(s.len + 1) : NULL;

	if (!bytes)
		return (struct str){NULL, 0};
	memcpy(bytes, s.ptr, s.len);
	bytes[s.len] = 0;
	return str_make(bytes, s.len);
}

static void job_free(struct job *job)
{
	free((void *)(uintptr_t)job->signature.ptr);
	free((void *)(uintptr_t)job->payload.ptr);
	key_set_unref(job->keys);
	pthread_cond_destroy(&job->finished);
	free(job);
}

static struct job *job_new(const struct sha256 *key, struct key_set *keys, struct str signature, struct str payload)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->key = *key;
	job->keys = key_set_ref(keys);
	job->signature = copy(signature);
	job->payload = copy(payload);
	job->references = 1;
	condition_init(&job->finished);
	if (!job->signature.ptr || (payload.ptr && !job->payload.ptr)) {
		job_free(job);
		return NULL;
	}
	return job;
}

/* With the lock held. */
static void job_unref(struct job *job)
{
	if (--job->references == 0)
		job_free(job);
}

static void list_add(struct job_list *list, struct job *job)
{
	job->before = list->last;
	job->after = NULL;
	if (list->last)
		list->last->after = job;
	else
		list->first = job;
	list->last = job;
	list->count++;
}

static void list_remove(struct job_list *list, struct job *job)
{
	if (job->before)
		job->before->after = job->after;
	else
		list->first = job->after;
	if (job->after)
		job->after->before = job->before;
	else
		list->last = job->before;
	job->before = job->after = NULL;
	list->count--;
}

static struct job **bucket_of(struct verify_queue *queue, const struct sha256 *key)
{
	size_t index;

	memcpy(&index, key->bytes, sizeof(index));
	return &queue->buckets[index % BUCKETS];
}

static struct job *find(struct verify_queue *queue, const struct sha256 *key, const struct key_set *keys)
{
	struct job *job = *bucket_of(queue, key);

	while (job && (memcmp(&job->key, key, sizeof(*key)) != 0 || key_set_id(job->keys) != key_set_id(keys)))
		job = job->next;
	return job;
}

static void forget(struct verify_queue *queue, struct job *job)
{
	struct job **at = bucket_of(queue, &job->key);

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
}

/* With the lock held: the verdict for everybody who waits, and the end of the flight. */
static void finish(struct verify_queue *queue, struct job *job, const struct signature_facts *facts)
{
	job->facts = *facts;
	job->done = true;
	forget(queue, job);
	pthread_cond_broadcast(&job->finished);
	job_unref(job);
}

static struct job_list *list_of(struct verify_queue *queue, const struct job *job)
{
	return job->urgent ? &queue->urgent : &queue->background;
}

/* The next job, urgent ones first; NULL when the queue stops. With the lock held. */
static struct job *next_job(struct verify_queue *queue)
{
	struct job *job;

	while (!queue->stopping && !queue->urgent.first && !queue->background.first)
		condition_wait(&queue->work, &queue->lock, 0);
	if (queue->stopping)
		return NULL;
	job = queue->urgent.first ? queue->urgent.first : queue->background.first;
	list_remove(list_of(queue, job), job);
	job->started = true;
	return job;
}

/* What somebody verified meanwhile is not verified again. */
static void verify(struct verify_queue *queue, const struct job *job, struct signature_facts *facts)
{
	if (verdict_cache_get(queue->verdicts, &job->key, job->keys, facts))
		return;
	worker_verify(queue->workers, job->keys, job->signature, job->payload, clock_now().seconds,
		      clock_monotonic_ms() + LIMIT_VERIFY_MS, facts);
	verdict_cache_put(queue->verdicts, &job->key, job->keys, facts);
	if (queue->metrics)
		metrics_verification(queue->metrics, facts->verdict, facts->reason);
}

static void *run(void *context)
{
	struct verify_queue *queue = context;
	struct job *job;

	pthread_mutex_lock(&queue->lock);
	while ((job = next_job(queue)) != NULL) {
		struct signature_facts facts = {.verdict = VERDICT_REJECTED};

		pthread_mutex_unlock(&queue->lock);
		verify(queue, job, &facts);
		pthread_mutex_lock(&queue->lock);
		finish(queue, job, &facts);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

static bool start_threads(struct verify_queue *queue, struct err *e)
{
	size_t count = worker_pool_slots(queue->workers);

	queue->threads = calloc(count, sizeof(*queue->threads));
	if (!queue->threads)
		return err_no_memory(e);
	for (; queue->thread_count < count; queue->thread_count++)
		if (!thread_start(&queue->threads[queue->thread_count], run, queue, e))
			return false;
	return true;
}

struct verify_queue *verify_queue_start(struct worker_pool *workers, struct metrics *metrics, struct err *e)
{
	struct verify_queue *queue = calloc(1, sizeof(*queue));

	if (!queue) {
		err_no_memory(e);
		return NULL;
	}
	queue->workers = workers;
	queue->metrics = metrics;
	pthread_mutex_init(&queue->lock, NULL);
	condition_init(&queue->work);
	queue->verdicts = verdict_cache_new(LIMIT_VERDICTS);
	if (!queue->verdicts)
		err_no_memory(e);
	if (!queue->verdicts || !start_threads(queue, e)) {
		verify_queue_stop(queue);
		return NULL;
	}
	return queue;
}

/* Those that wait get a rejection. */
static void end_list(struct verify_queue *queue, struct job_list *list)
{
	const struct signature_facts busy = {.verdict = VERDICT_REJECTED, .reason = REASON_BUSY};

	while (list->first) {
		struct job *job = list->first;

		list_remove(list, job);
		finish(queue, job, &busy);
	}
}

void verify_queue_stop(struct verify_queue *queue)
{
	if (!queue)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->stopping = true;
	end_list(queue, &queue->urgent);
	end_list(queue, &queue->background);
	pthread_cond_broadcast(&queue->work);
	pthread_mutex_unlock(&queue->lock);
	for (size_t i = 0; i < queue->thread_count; i++)
		pthread_join(queue->threads[i], NULL);
	verdict_cache_free(queue->verdicts);
	pthread_cond_destroy(&queue->work);
	pthread_mutex_destroy(&queue->lock);
	free(queue->threads);
	free(queue);
}

bool verify_queue_peek(struct verify_queue *queue, struct key_set *keys, const struct sha256 *key,
		       struct signature_facts *out)
{
	bool hit = verdict_cache_get(queue->verdicts, key, keys, out);

	if (queue->metrics)
		metrics_verdict_cache(queue->metrics, hit);
	return hit;
}

/* With the lock held: a review waits for what an upload queued. */
static void make_urgent(struct verify_queue *queue, struct job *job)
{
	if (job->urgent || job->started)
		return;
	list_remove(&queue->background, job);
	job->urgent = true;
	list_add(&queue->urgent, job);
}

/* With the lock held: the flight of this signature, a new one when there is none; NULL when its list is full or there
 * is no memory. */
static struct job *join(struct verify_queue *queue, const struct sha256 *key, struct key_set *keys,
			struct str signature, struct str payload, bool urgent)
{
	struct job *job = find(queue, key, keys);
	struct job_list *list = urgent ? &queue->urgent : &queue->background;
	struct job **bucket = bucket_of(queue, key);

	if (job && urgent)
		make_urgent(queue, job);
	if (job || queue->stopping || list->count >= LIMIT_VERIFY_QUEUE)
		return job;
	job = job_new(key, keys, signature, payload);
	if (!job)
		return NULL;
	job->urgent = urgent;
	job->next = *bucket;
	*bucket = job;
	list_add(list, job);
	pthread_cond_signal(&queue->work);
	return job;
}

void verify_queue_add(struct verify_queue *queue, struct key_set *keys, struct str signature, struct str payload)
{
	struct sha256 key;

	if (!verdict_cache_key(signature, payload, &key))
		return;
	pthread_mutex_lock(&queue->lock);
	(void)join(queue, &key, keys, signature, payload, false);
	pthread_mutex_unlock(&queue->lock);
}

struct verify_ticket *verify_queue_request(struct verify_queue *queue, struct key_set *keys, struct str signature,
					   struct str payload)
{
	struct verify_ticket *ticket = malloc(sizeof(*ticket));
	struct sha256 key;

	if (!ticket || !verdict_cache_key(signature, payload, &key)) {
		free(ticket);
		return NULL;
	}
	pthread_mutex_lock(&queue->lock);
	ticket->queue = queue;
	ticket->job = join(queue, &key, keys, signature, payload, true);
	if (ticket->job)
		ticket->job->references++;
	pthread_mutex_unlock(&queue->lock);
	if (ticket->job)
		return ticket;
	free(ticket);
	return NULL;
}

void verify_ticket_wait(struct verify_ticket *ticket, int64_t deadline_ms, struct signature_facts *out)
{
	struct verify_queue *queue;
	struct job *job;

	*out = (struct signature_facts){.verdict = VERDICT_REJECTED, .reason = REASON_BUSY};
	if (!ticket)
		return;
	queue = ticket->queue;
	job = ticket->job;
	pthread_mutex_lock(&queue->lock);
	while (!job->done && clock_left_ms(deadline_ms) > 0)
		condition_wait(&job->finished, &queue->lock, deadline_ms);
	out->reason = REASON_TIMEOUT;
	if (job->done)
		*out = job->facts;
	job_unref(job);
	pthread_mutex_unlock(&queue->lock);
	free(ticket);
}
