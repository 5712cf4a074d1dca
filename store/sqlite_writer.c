#include <sqlite3.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/sqlite_private.h"

/* Writes of one transaction, and so of one fsync. */
#define BATCH 256u
/* How long one attempt waits for another process's lock before it looks whether anybody still wants to write. */
#define LOCK_SLICE_MS 20
/* A WAL of 64 MiB is emptied on the writer's own time, which waits this long for readers. */
#define WAL_PAGES_MAX (64 * 1024 * 1024 / SQLITE_PAGE_BYTES)
#define EMPTY_WAL_MS 200
/* Those whom the last commit has answered come back together: the next one waits for them, at most this part of the
 * time that the last one took and never longer than the maximum, looking so often. Whoever writes alone waits for
 * nobody. */
#define GATHER_PART 4
#define GATHER_MAX_US 20000
#define GATHER_LOOK_NS 20000

enum job_state { JOB_QUEUED, JOB_STARTED, JOB_DONE };

/* One write, on the stack of its caller, who waits until it is done or takes it back while it is queued. */
struct job {
	TAILQ_ENTRY(job) link;
	const struct store_change *change;
	pthread_cond_t done;
	enum job_state state;
	bool ok;
	struct err err;
};

TAILQ_HEAD(job_list, job);

struct sqlite_writer {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct job_list queue;
	size_t queued;
	bool stopping;
	/* the thread's own */
	struct sqlite_connection connection;
	struct sqlite_checkpoint *checkpoint;
	struct sqlite_file *file;
	int wal_pages;
	int empty_at;	   /* WAL pages */
	size_t last_batch; /* writes of the last transaction */
	int64_t last_us;   /* and how long it took */
};

static int count_wal_pages(void *context, struct sqlite3 *db, const char *database, int pages)
{
	struct sqlite_writer *w = context;

	(void)db;
	(void)database;
	w->wal_pages = pages;
	return SQLITE_OK;
}

/* With the lock held, which it gives away meanwhile. */
static void gather(struct sqlite_writer *w)
{
	const struct timespec pause = {0, GATHER_LOOK_NS};
	int64_t part_us = w->last_us / GATHER_PART;
	int64_t until_us = clock_monotonic_us() + (part_us < GATHER_MAX_US ? part_us : GATHER_MAX_US);

	while (w->queued > 0 && w->queued < w->last_batch && !w->stopping && clock_monotonic_us() < until_us) {
		pthread_mutex_unlock(&w->lock);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&w->lock);
	}
}

/* False when the writer stops and nothing waits. */
static bool wait_for_work(struct sqlite_writer *w)
{
	bool work;

	pthread_mutex_lock(&w->lock);
	do {
		while (TAILQ_EMPTY(&w->queue) && !w->stopping)
			condition_wait(&w->wake, &w->lock, 0);
		gather(w);
	} while (TAILQ_EMPTY(&w->queue) && !w->stopping);
	work = !TAILQ_EMPTY(&w->queue);
	pthread_mutex_unlock(&w->lock);
	return work;
}

/* Takes what has queued up; from here on nobody can take a write back. */
static size_t take_batch(struct sqlite_writer *w, struct job *batch[BATCH])
{
	size_t count = 0;

	pthread_mutex_lock(&w->lock);
	while (count < BATCH && !TAILQ_EMPTY(&w->queue)) {
		struct job *job = TAILQ_FIRST(&w->queue);

		TAILQ_REMOVE(&w->queue, job, link);
		w->queued--;
		job->state = JOB_STARTED;
		batch[count++] = job;
	}
	pthread_mutex_unlock(&w->lock);
	return count;
}

static void deliver(struct sqlite_writer *w, struct job *const *batch, size_t count)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < count; i++) {
		batch[i]->state = JOB_DONE;
		pthread_cond_signal(&batch[i]->done);
	}
	pthread_mutex_unlock(&w->lock);
}

static void fail_all(struct job *const *batch, size_t count, const struct err *why)
{
	for (size_t i = 0; i < count; i++) {
		batch[i]->ok = false;
		batch[i]->err = *why;
	}
}

static bool simple(struct sqlite_connection *c, enum sqlite_statement id, struct err *e)
{
	return sqlite_run(c, id, NULL, 0, e) == STEP_DONE;
}

/* The write lock, waited for in slices: while another process has it, the queue can still be left. What is written to a
 * file that was taken away would be acknowledged and lost. */
static bool begin(struct sqlite_writer *w, struct err *e)
{
	if (!sqlite_file_check(w->file, &w->connection, e))
		return false;
	w->connection.deadline_ms = clock_monotonic_ms() + LOCK_SLICE_MS;
	return simple(&w->connection, SQL_BEGIN, e);
}

/* A refusal, as that of a duplicate, has changed nothing and disturbs no neighbour. */
static bool is_refusal(const struct job *job)
{
	return job->err.kind == ERR_EXISTS || job->err.kind == ERR_NOT_FOUND || job->err.kind == ERR_UNSUPPORTED;
}

/* Inside an open transaction: false when anything but a refusal went wrong, and all must be undone. */
static bool apply_all(struct sqlite_connection *c, struct job *const *batch, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		batch[i]->err = ERR_INIT;
		batch[i]->ok = sqlite_apply(c, batch[i]->change, &batch[i]->err);
		if (!batch[i]->ok && !is_refusal(batch[i])) {
			*e = batch[i]->err;
			return false;
		}
	}
	return simple(c, SQL_COMMIT, e);
}

/* Some errors have ended the transaction already. */
static void undo(struct sqlite_connection *c)
{
	if (sqlite3_get_autocommit(c->db) == 0)
		simple(c, SQL_ROLLBACK, NULL);
}

static void apply_alone(struct sqlite_writer *w, struct job *job)
{
	struct err e = ERR_INIT;

	if (begin(w, &e) && apply_all(&w->connection, &job, 1, &e))
		return;
	undo(&w->connection);
	fail_all(&job, 1, &e);
}

/* In the transaction that `begin` opened; nothing is acknowledged before its commit. When one write spoils it (one that
 * no longer fits on the disk), each is tried by itself and gets its own result. */
static void run_batch(struct sqlite_writer *w, struct job *const *batch, size_t count)
{
	struct sqlite_connection *c = &w->connection;
	struct err e = ERR_INIT;

	if (!apply_all(c, batch, count, &e)) {
		undo(c);
		fail_all(batch, count, &e);
		for (size_t i = 0; i < count && count > 1; i++)
			apply_alone(w, batch[i]);
	}
	deliver(w, batch, count);
}

static bool is_stopping(struct sqlite_writer *w)
{
	bool stopping;

	pthread_mutex_lock(&w->lock);
	stopping = w->stopping;
	pthread_mutex_unlock(&w->lock);
	return stopping;
}

/* A database that can't be written says so to everyone who waits; one that is only locked is tried again. */
static void refuse_batch(struct sqlite_writer *w, const struct err *why)
{
	struct job *batch[BATCH];
	size_t count;

	if (why->kind == ERR_TIMEOUT && !is_stopping(w))
		return;
	count = take_batch(w, batch);
	fail_all(batch, count, why);
	deliver(w, batch, count);
}

/* The bound of the WAL when the checkpoint thread can't keep up. While a reader stands in the way, it is tried again
 * only when the WAL has grown. */
static void empty_long_wal(struct sqlite_writer *w)
{
	if (w->wal_pages < WAL_PAGES_MAX)
		w->empty_at = WAL_PAGES_MAX;
	if (w->wal_pages < w->empty_at)
		return;
	w->empty_at = w->wal_pages + WAL_PAGES_MAX / 16;
	w->connection.deadline_ms = clock_monotonic_ms() + EMPTY_WAL_MS;
	sqlite3_wal_checkpoint_v2(w->connection.db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
}

static void *run(void *context)
{
	struct sqlite_writer *w = context;
	struct job *batch[BATCH];
	struct err e;

	while (wait_for_work(w)) {
		int64_t start_us = clock_monotonic_us();

		e = ERR_INIT;
		if (!begin(w, &e)) {
			refuse_batch(w, &e);
			continue;
		}
		w->last_batch = take_batch(w, batch);
		run_batch(w, batch, w->last_batch);
		w->last_us = clock_monotonic_us() - start_us;
		sqlite_checkpoint_note(w->checkpoint, w->wal_pages);
		empty_long_wal(w);
	}
	return NULL;
}

static void release(struct sqlite_writer *w)
{
	sqlite_disconnect(&w->connection);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct sqlite_writer *sqlite_writer_start(const char *path, struct sqlite_checkpoint *checkpoint, struct err *e)
{
	struct sqlite_writer *w = calloc(1, sizeof(*w));

	if (!w) {
		err_no_memory(e);
		return NULL;
	}
	w->checkpoint = checkpoint;
	TAILQ_INIT(&w->queue);
	pthread_mutex_init(&w->lock, NULL);
	condition_init(&w->wake);
	if (sqlite_connect(&w->connection, path, SQLITE_WRITES, e) &&
	    sqlite_prepare(&w->connection, SQLITE_WRITES, e)) {
		sqlite3_wal_hook(w->connection.db, count_wal_pages, w);
		if (thread_start(&w->thread, run, w, e))
			return w;
	}
	release(w);
	return NULL;
}

void sqlite_writer_watch(struct sqlite_writer *writer, struct sqlite_file *file)
{
	writer->file = file;
}

void sqlite_writer_stop(struct sqlite_writer *writer)
{
	if (!writer)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	release(writer);
}

/* With the lock held. */
static bool enqueue(struct sqlite_writer *w, struct job *job, struct err *e)
{
	if (w->queued >= LIMIT_WRITE_QUEUE)
		return err_set(e, ERR_UNAVAILABLE, "too many writes are waiting for the database");
	TAILQ_INSERT_TAIL(&w->queue, job, link);
	w->queued++;
	pthread_cond_signal(&w->wake);
	return true;
}

/* With the lock held. Once the writer has started it, a write is waited for: the answer is then the truth. */
static bool wait_for(struct sqlite_writer *w, struct job *job, int64_t deadline_ms, struct err *e)
{
	while (job->state == JOB_QUEUED && clock_left_ms(deadline_ms) > 0)
		condition_wait(&job->done, &w->lock, deadline_ms);
	if (job->state == JOB_QUEUED) {
		TAILQ_REMOVE(&w->queue, job, link);
		w->queued--;
		return err_set(e, ERR_TIMEOUT, "the database could not be written in time; nothing was written");
	}
	while (job->state != JOB_DONE)
		condition_wait(&job->done, &w->lock, 0);
	if (!job->ok && e)
		*e = job->err;
	return job->ok;
}

bool sqlite_writer_change(struct sqlite_writer *writer, const struct store_change *change, int64_t deadline_ms,
			  struct err *e)
{
	struct job job = {.change = change, .state = JOB_QUEUED};
	bool ok;

	condition_init(&job.done);
	pthread_mutex_lock(&writer->lock);
	ok = enqueue(writer, &job, e) && wait_for(writer, &job, deadline_ms, e);
	pthread_mutex_unlock(&writer->lock);
	pthread_cond_destroy(&job.done);
	return ok;
}
