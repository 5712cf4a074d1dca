#include <sqlite3.h>

#include "base/clock.h"
#include "store/sqlite_private.h"

/* Pages that the WAL grows by between two checkpoints: 8 MiB. */
#define PAGES_BETWEEN 1000

struct sqlite_checkpoint {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct sqlite_connection connection;
	int next_at; /* the WAL's length that asks for the next one; the writer's own */
	bool wanted;
	bool stopping;
};

static bool wait_until_wanted(struct sqlite_checkpoint *p)
{
	bool wanted;

	pthread_mutex_lock(&p->lock);
	while (!p->wanted && !p->stopping)
		condition_wait(&p->wake, &p->lock, 0);
	wanted = p->wanted && !p->stopping;
	p->wanted = false;
	pthread_mutex_unlock(&p->lock);
	return wanted;
}

/* PASSIVE waits for nobody. What it can't move now, because a reader still needs the old page, the next one moves; an
 * error (a full disk) leaves the WAL as it is, and the writer meets the same error where it can be reported. */
static void *run(void *context)
{
	struct sqlite_checkpoint *p = context;

	while (wait_until_wanted(p))
		sqlite3_wal_checkpoint_v2(p->connection.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return NULL;
}

struct sqlite_checkpoint *sqlite_checkpoint_start(const char *path, struct err *e)
{
	struct sqlite_checkpoint *p = calloc(1, sizeof(*p));

	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	p->next_at = PAGES_BETWEEN;
	pthread_mutex_init(&p->lock, NULL);
	condition_init(&p->wake);
	if (sqlite_connect(&p->connection, path, SQLITE_WRITES, e)) {
		p->connection.deadline_ms = clock_monotonic_ms();
		if (thread_start(&p->thread, run, p, e))
			return p;
		sqlite_disconnect(&p->connection);
	}
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

static void signal_thread(struct sqlite_checkpoint *p, bool *flag)
{
	pthread_mutex_lock(&p->lock);
	*flag = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

void sqlite_checkpoint_stop(struct sqlite_checkpoint *checkpoint)
{
	if (!checkpoint)
		return;
	signal_thread(checkpoint, &checkpoint->stopping);
	pthread_join(checkpoint->thread, NULL);
	sqlite_disconnect(&checkpoint->connection);
	pthread_cond_destroy(&checkpoint->wake);
	pthread_mutex_destroy(&checkpoint->lock);
	free(checkpoint);
}

void sqlite_checkpoint_note(struct sqlite_checkpoint *checkpoint, int wal_pages)
{
	/* A WAL that was moved completely starts again from its head. */
	if (wal_pages < checkpoint->next_at - PAGES_BETWEEN)
		checkpoint->next_at = PAGES_BETWEEN;
	if (wal_pages < checkpoint->next_at)
		return;
	checkpoint->next_at = wal_pages + PAGES_BETWEEN;
	signal_thread(checkpoint, &checkpoint->wanted);
}
