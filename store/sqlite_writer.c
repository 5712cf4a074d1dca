#include <sqlite3.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/sqlite_private.h"

/* Writes of one transaction, and so of one fsync. */
#define BATCH 256u
/* How long one attempt waits for another process's lock before it looks whether anybody still wants to write. */
#define LOCK_SLICE_MS 20
/* A WAL of 16 MiB is emptied on a writer's time, which waits this long for readers. Its file is then written over
 * again, and a sync of what stands there costs half of one that makes a file longer. */
#define WAL_PAGES_MAX (16 * 1024 * 1024 / SQLITE_PAGE_BYTES)
#define EMPTY_WAL_MS 200
/* Those whom the last commit has answered come back together: the next one waits for them, at most this part of the
 * time that the last one took and never longer than the maximum, looking so often. Whoever writes alone waits for
 * nobody. */
#define GATHER_PART 4
#define GATHER_MAX_US 20000
#define GATHER_LOOK_NS 20000

/* One write, on the stack of its caller, who waits until it is done or takes it back while it is queued. */
struct job {
	TAILQ_ENTRY(job) link;
	const struct store_change *change;
	/* under the writer's lock */
	bool queued;
	bool leads; /* it is the caller's turn to write what is queued */
	/* under its own lock, so that those who are woken together don't meet at the writer's */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool called; /* it leads or is done */
	bool done;
	bool ok;
	struct err err;
};

TAILQ_HEAD(job_list, job);

/* Whoever finds nobody writing leads: commits all that is queued by then, its own write among it, and passes the lead
 * on to the first of those that have come meanwhile. So a write that comes alone costs no change of threads. */
struct sqlite_writer {
	pthread_mutex_t lock;
	struct job_list queue;
	size_t queued;
	bool led; /* by somebody; the queue is empty otherwise */
	/* the leader's own */
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

static size_t count_queued(struct sqlite_writer *w)
{
	size_t queued;

	pthread_mutex_lock(&w->lock);
	queued = w->queued;
	pthread_mutex_unlock(&w->lock);
	return queued;
}

static void gather(struct sqlite_writer *w)
{
	const struct timespec pause = {0, GATHER_LOOK_NS};
	int64_t part_us = w->last_us / GATHER_PART;
	int64_t until_us = clock_monotonic_us() + (part_us < GATHER_MAX_US ? part_us : GATHER_MAX_US);

	while (count_queued(w) < w->last_batch && clock_monotonic_us() < until_us)
		nanosleep(&pause, NULL);
}

/* With the writer's lock held. */
static void leave_queue(struct sqlite_writer *w, struct job *job)
{
	TAILQ_REMOVE(&w->queue, job, link);
	w->queued--;
	job->queued = false;
}

/* Takes what has queued up; from here on nobody can take a write back. */
static size_t take_batch(struct sqlite_writer *w, struct job *batch[BATCH])
{
	size_t count = 0;

	pthread_mutex_lock(&w->lock);
	while (count < BATCH && !TAILQ_EMPTY(&w->queue)) {
		batch[count] = TAILQ_FIRST(&w->queue);
		leave_queue(w, batch[count++]);
	}
	pthread_mutex_unlock(&w->lock);
	return count;
}

/* A job that is done may be gone as soon as its lock is given back. */
static void call(struct job *job, bool done)
{
	pthread_mutex_lock(&job->lock);
	job->called = true;
	job->done = done;
	pthread_cond_signal(&job->wake);
	pthread_mutex_unlock(&job->lock);
}

static void deliver(struct job *const *batch, size_t count)
{
	for (size_t i = 0; i < count; i++)
		call(batch[i], true);
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
	return job->err.kind == ERR_EXISTS || job->err.kind == ERR_NOT_FOUND || job->err.kind == ERR_CHANGED ||
	       job->err.kind == ERR_UNSUPPORTED;
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
	deliver(batch, count);
}

/* A database that can't be written says so to everyone who waits; one that is only locked is tried again. */
static void refuse_batch(struct sqlite_writer *w, const struct err *why)
{
	struct job *batch[BATCH];
	size_t count;

	if (why->kind == ERR_TIMEOUT)
		return;
	count = take_batch(w, batch);
	fail_all(batch, count, why);
	deliver(batch, count);
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

/* One transaction of what is queued. */
static void write_batch(struct sqlite_writer *w)
{
	struct job *batch[BATCH];
	struct err e = ERR_INIT;
	int64_t start_us;

	gather(w);
	start_us = clock_monotonic_us();
	if (!begin(w, &e)) {
		refuse_batch(w, &e);
		return;
	}
	w->last_batch = take_batch(w, batch);
	run_batch(w, batch, w->last_batch);
	w->last_us = clock_monotonic_us() - start_us;
	sqlite_checkpoint_note(w->checkpoint, w->wal_pages);
	empty_long_wal(w);
}

static void release(struct sqlite_writer *w)
{
	sqlite_disconnect(&w->connection);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct sqlite_writer *sqlite_writer_open(const char *path, struct sqlite_checkpoint *checkpoint, struct err *e)
{
	struct sqlite_writer *w = calloc(1, sizeof(*w));

	if (!w) {
		err_no_memory(e);
		return NULL;
	}
	w->checkpoint = checkpoint;
	TAILQ_INIT(&w->queue);
	pthread_mutex_init(&w->lock, NULL);
	if (sqlite_connect(&w->connection, path, SQLITE_WRITES, e) &&
	    sqlite_prepare(&w->connection, SQLITE_WRITES, e)) {
		sqlite3_wal_hook(w->connection.db, count_wal_pages, w);
		return w;
	}
	release(w);
	return NULL;
}

void sqlite_writer_watch(struct sqlite_writer *writer, struct sqlite_file *file)
{
	writer->file = file;
}

void sqlite_writer_close(struct sqlite_writer *writer)
{
	if (writer)
		release(writer);
}

/* Leads at once when nobody does. */
static bool enqueue(struct sqlite_writer *w, struct job *job, struct err *e)
{
	bool room;

	pthread_mutex_lock(&w->lock);
	room = w->queued < LIMIT_WRITE_QUEUE;
	if (room) {
		TAILQ_INSERT_TAIL(&w->queue, job, link);
		w->queued++;
		job->queued = true;
		job->leads = job->called = !w->led;
		w->led = true;
	}
	pthread_mutex_unlock(&w->lock);
	return room || err_set(e, ERR_UNAVAILABLE, "too many writes are waiting for the database");
}

/* Until it leads or is done, or the deadline has passed: true when it leads. */
static bool wait_for_turn(struct job *job, int64_t deadline_ms)
{
	bool leads;

	pthread_mutex_lock(&job->lock);
	while (!job->called && clock_left_ms(deadline_ms) > 0)
		condition_wait(&job->wake, &job->lock, deadline_ms);
	leads = job->called && !job->done;
	pthread_mutex_unlock(&job->lock);
	return leads;
}

static void wait_for_end(struct job *job)
{
	pthread_mutex_lock(&job->lock);
	while (!job->done)
		condition_wait(&job->wake, &job->lock, 0);
	pthread_mutex_unlock(&job->lock);
}

/* With the writer's lock held. */
static void pass_on(struct sqlite_writer *w)
{
	struct job *next = TAILQ_FIRST(&w->queue);

	w->led = next != NULL;
	if (!next)
		return;
	next->leads = true;
	call(next, false);
}

/* After its turn or at its deadline: true when the write was never begun. Once it was begun it is waited for: the
 * answer is then the truth. */
static bool step_down(struct sqlite_writer *w, struct job *job)
{
	bool withdrawn;

	pthread_mutex_lock(&w->lock);
	withdrawn = job->queued;
	if (withdrawn)
		leave_queue(w, job);
	if (job->leads)
		pass_on(w);
	pthread_mutex_unlock(&w->lock);
	return withdrawn;
}

static bool see_through(struct sqlite_writer *w, struct job *job, int64_t deadline_ms, struct err *e)
{
	if (wait_for_turn(job, deadline_ms))
		while (job->queued && clock_left_ms(deadline_ms) > 0)
			write_batch(w);
	if (step_down(w, job))
		return err_set(e, ERR_TIMEOUT, "the database could not be written in time; nothing was written");
	wait_for_end(job);
	if (!job->ok && e)
		*e = job->err;
	return job->ok;
}

bool sqlite_writer_change(struct sqlite_writer *writer, const struct store_change *change, int64_t deadline_ms,
			  struct err *e)
{
	struct job job = {.change = change};
	bool ok;

	pthread_mutex_init(&job.lock, NULL);
	condition_init(&job.wake);
	ok = enqueue(writer, &job, e) && see_through(writer, &job, deadline_ms, e);
	pthread_cond_destroy(&job.wake);
	pthread_mutex_destroy(&job.lock);
	return ok;
}
