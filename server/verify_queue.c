#include "server/verify_queue.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"
#include "server/verify_job.h"
#include "server/verify_queue_private.h"

struct verify_queue {
	verify_function *verify;
	void *context;
	struct store *store;
	struct metrics *metrics;
	struct verdict_cache *verdicts;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t work;
	pthread_cond_t left; /* the last ticket was given back */
	struct verify_list urgent;
	struct verify_list background;
	struct verify_table flights;
	size_t tickets;
	size_t upload_threads; /* that may verify uploads at the same time */
	size_t busy_with_uploads;
	bool stopping;
	pthread_t *threads;
	size_t thread_count;
};

struct verify_ticket {
	struct verify_queue *queue;
	struct verify_job *job;
};

/* With the lock held: the verdict for everybody who waits, and the end of the flight. The queue's reference stays. */
static void finish(struct verify_queue *queue, struct verify_job *job, const struct signature_facts *facts)
{
	job->facts = *facts;
	job->done = true;
	queue->busy_with_uploads -= job->started && !job->urgent;
	verify_table_remove(&queue->flights, job);
	pthread_cond_broadcast(&job->finished);
}

static struct verify_list *list_of(struct verify_queue *queue, const struct verify_job *job)
{
	return job->urgent ? &queue->urgent : &queue->background;
}

/* With the lock held: one thread is kept for reviews, however long uploads take to verify. */
static bool may_take_upload(const struct verify_queue *queue)
{
	return queue->background.first && queue->busy_with_uploads < queue->upload_threads;
}

/* The next job, urgent ones first; NULL when the queue stops. With the lock held. */
static struct verify_job *next_job(struct verify_queue *queue)
{
	struct verify_job *job;

	while (!queue->stopping && !queue->urgent.first && !may_take_upload(queue))
		condition_wait(&queue->work, &queue->lock, 0);
	if (queue->stopping)
		return NULL;
	job = queue->urgent.first ? queue->urgent.first : queue->background.first;
	verify_list_remove(list_of(queue, job), job);
	job->started = true;
	queue->busy_with_uploads += !job->urgent;
	return job;
}

/* What somebody verified meanwhile is not verified again. */
static void find_verdict(struct verify_queue *queue, const struct verify_job *job, struct signature_facts *facts)
{
	if (verdict_cache_get(queue->verdicts, &job->key, job->keys, facts))
		return;
	queue->verify(queue->context, job->keys, &job->row, clock_now().seconds, clock_monotonic_ms() + LIMIT_VERIFY_MS,
		      facts);
	verdict_cache_put(queue->verdicts, &job->key, job->keys, facts);
	if (queue->metrics)
		metrics_verification(queue->metrics, facts->verdict, facts->reason);
}

static bool leaves_hint(const struct verify_queue *queue, const struct signature_facts *facts, struct str digest)
{
	return queue->store && facts->verdict == VERDICT_ACCEPTED && str_eq_c(digest, facts->digest);
}

/* A hint that can't be kept is missed only in a flood; the upload stands. */
static void keep_hint(struct verify_queue *queue, const struct verify_job *job, const struct signature_facts *facts)
{
	int64_t key = facts->key_expires_at, own = facts->signature_expires_at;
	struct attestation_hint hint = {.project = job->row.project,
					.id = job->row.id,
					.index = job->row.index,
					.digest = job->digest,
					.note = job->row.note,
					.signer = str_of(facts->signer),
					.repository = str_of(facts->repository),
					.expires_at = key && (!own || key < own) ? key : own,
					.signed_at = facts->signed_at};
	struct err e;

	if (!leaves_hint(queue, facts, job->digest))
		return;
	(void)!store_keep_hint(queue->store, &hint, clock_monotonic_ms() + LIMIT_VERIFY_MS, &e);
}

/* Whoever waits has the verdict before the hint is written. */
static void *run(void *context)
{
	struct verify_queue *queue = context;
	struct verify_job *job;

	pthread_mutex_lock(&queue->lock);
	while ((job = next_job(queue)) != NULL) {
		struct signature_facts facts = {.verdict = VERDICT_REJECTED};

		pthread_mutex_unlock(&queue->lock);
		find_verdict(queue, job, &facts);
		pthread_mutex_lock(&queue->lock);
		finish(queue, job, &facts);
		pthread_mutex_unlock(&queue->lock);
		keep_hint(queue, job, &facts);
		pthread_mutex_lock(&queue->lock);
		verify_job_unref(job);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

static bool start_threads(struct verify_queue *queue, size_t count, struct err *e)
{
	queue->threads = calloc(count, sizeof(*queue->threads));
	if (!queue->threads)
		return err_no_memory(e);
	for (; queue->thread_count < count; queue->thread_count++)
		if (!thread_start(&queue->threads[queue->thread_count], run, queue, e))
			return false;
	return true;
}

struct verify_queue *verify_queue_start_with(verify_function *verify, void *context, size_t threads,
					     struct store *store, struct metrics *metrics, struct err *e)
{
	struct verify_queue *queue = calloc(1, sizeof(*queue));

	if (!queue) {
		err_no_memory(e);
		return NULL;
	}
	queue->verify = verify;
	queue->context = context;
	queue->store = store;
	queue->metrics = metrics;
	queue->upload_threads = threads > 1 ? threads - 1 : 1;
	pthread_mutex_init(&queue->lock, NULL);
	condition_init(&queue->work);
	condition_init(&queue->left);
	queue->verdicts = verdict_cache_new(LIMIT_VERDICTS);
	if (!queue->verdicts)
		err_no_memory(e);
	if (!queue->verdicts || !start_threads(queue, threads, e)) {
		verify_queue_stop(queue);
		return NULL;
	}
	return queue;
}

static void verify_by_worker(void *context, struct key_set *keys, const struct attestation_row *row, int64_t now,
			     int64_t deadline_ms, struct signature_facts *out)
{
	worker_verify(context, keys, row->signature, row->payload, now, deadline_ms, out);
}

struct verify_queue *verify_queue_start(struct worker_pool *workers, struct store *store, struct metrics *metrics,
					struct err *e)
{
	return verify_queue_start_with(verify_by_worker, workers, worker_pool_slots(workers), store, metrics, e);
}

/* Those that wait get a rejection. */
static void end_list(struct verify_queue *queue, struct verify_list *list)
{
	const struct signature_facts busy = {.verdict = VERDICT_REJECTED, .reason = REASON_BUSY};

	while (list->first) {
		struct verify_job *job = list->first;

		verify_list_remove(list, job);
		finish(queue, job, &busy);
		verify_job_unref(job);
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
	verify_table_wake(&queue->flights);
	pthread_cond_broadcast(&queue->work);
	while (queue->tickets > 0)
		condition_wait(&queue->left, &queue->lock, 0);
	pthread_mutex_unlock(&queue->lock);
	for (size_t i = 0; i < queue->thread_count; i++)
		pthread_join(queue->threads[i], NULL);
	verdict_cache_free(queue->verdicts);
	pthread_cond_destroy(&queue->left);
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
static void make_urgent(struct verify_queue *queue, struct verify_job *job)
{
	if (job->urgent || job->started)
		return;
	verify_list_remove(&queue->background, job);
	job->urgent = true;
	verify_list_add(&queue->urgent, job);
}

/* With the lock held. Uploads may also hold only so much memory; reviews are bounded by their number. */
static bool has_room(const struct verify_queue *queue, const struct attestation_row *row, bool urgent)
{
	size_t bytes = queue->background.bytes + row->signature.len + row->payload.len;

	if (queue->stopping)
		return false;
	if (urgent)
		return queue->urgent.count < LIMIT_VERIFY_QUEUE;
	return queue->background.count < LIMIT_VERIFY_QUEUE && bytes <= LIMIT_VERIFY_QUEUE_BYTES;
}

/* With the lock held: the flight of this signature, a new one when there is none; NULL when its list is full or there
 * is no memory. */
static struct verify_job *join(struct verify_queue *queue, const struct sha256 *key, struct key_set *keys,
			       struct str digest, const struct attestation_row *row, bool urgent)
{
	struct verify_job *job = verify_table_find(&queue->flights, key, keys);

	if (job && urgent)
		make_urgent(queue, job);
	if (job || !has_room(queue, row, urgent))
		return job;
	job = verify_job_new(key, keys, digest, row);
	if (!job)
		return NULL;
	job->urgent = urgent;
	verify_table_add(&queue->flights, job);
	verify_list_add(list_of(queue, job), job);
	pthread_cond_signal(&queue->work);
	return job;
}

/* A copy of what was verified needs no thread, unless it leaves a hint. */
static bool is_settled(struct verify_queue *queue, const struct sha256 *key, struct key_set *keys, struct str digest)
{
	struct signature_facts facts;

	return verdict_cache_get(queue->verdicts, key, keys, &facts) && !leaves_hint(queue, &facts, digest);
}

void verify_queue_add(struct verify_queue *queue, struct key_set *keys, struct str digest,
		      const struct attestation_row *row)
{
	struct sha256 key;

	if (!verdict_cache_key(row->signature, row->payload, &key) || is_settled(queue, &key, keys, digest))
		return;
	pthread_mutex_lock(&queue->lock);
	(void)join(queue, &key, keys, digest, row, false);
	pthread_mutex_unlock(&queue->lock);
}

struct verify_ticket *verify_queue_request(struct verify_queue *queue, struct key_set *keys, struct str digest,
					   const struct attestation_row *row)
{
	struct verify_ticket *ticket = malloc(sizeof(*ticket));
	struct sha256 key;

	if (!ticket || !verdict_cache_key(row->signature, row->payload, &key)) {
		free(ticket);
		return NULL;
	}
	pthread_mutex_lock(&queue->lock);
	*ticket = (struct verify_ticket){queue, join(queue, &key, keys, digest, row, true)};
	if (ticket->job) {
		ticket->job->references++;
		queue->tickets++;
	}
	pthread_mutex_unlock(&queue->lock);
	if (ticket->job)
		return ticket;
	free(ticket);
	return NULL;
}

/* With the lock held. */
static void give_back(struct verify_ticket *ticket)
{
	verify_job_unref(ticket->job);
	if (--ticket->queue->tickets == 0)
		pthread_cond_signal(&ticket->queue->left);
}

void verify_ticket_wait(struct verify_ticket *ticket, int64_t deadline_ms, struct signature_facts *out)
{
	struct verify_queue *queue;

	*out = (struct signature_facts){.verdict = VERDICT_REJECTED, .reason = REASON_BUSY};
	if (!ticket)
		return;
	queue = ticket->queue;
	pthread_mutex_lock(&queue->lock);
	while (!ticket->job->done && !queue->stopping && clock_left_ms(deadline_ms) > 0)
		condition_wait(&ticket->job->finished, &queue->lock, deadline_ms);
	if (ticket->job->done)
		*out = ticket->job->facts;
	else if (!queue->stopping)
		out->reason = REASON_TIMEOUT;
	give_back(ticket);
	pthread_mutex_unlock(&queue->lock);
	free(ticket);
}
