#include "base/clock.h"
#include "store/sqlite_private.h"

/* More than the cores of one machine keep busy; a page cache of 2 MB each. */
#define READERS 8
/* So many of them are never with callers that are no reviews: those may be slow to give them back. */
#define READERS_KEPT 4

struct sqlite_readers {
	pthread_mutex_t lock;
	pthread_cond_t given[SQLITE_READER_USES];
	size_t waiting[SQLITE_READER_USES];
	size_t others;				 /* with callers that are no reviews */
	struct sqlite_connection *idle[READERS]; /* last in, first out: warm caches */
	size_t idle_count;
	struct sqlite_connection connections[READERS];
};

static bool open_one(struct sqlite_readers *readers, const char *path, struct err *e)
{
	struct sqlite_connection *c = &readers->connections[readers->idle_count];

	if (!sqlite_connect(c, path, SQLITE_READS, e))
		return false;
	if (!sqlite_prepare(c, SQLITE_READS, e)) {
		sqlite_disconnect(c);
		return false;
	}
	readers->idle[readers->idle_count++] = c;
	return true;
}

struct sqlite_readers *sqlite_readers_open(const char *path, struct err *e)
{
	struct sqlite_readers *readers = calloc(1, sizeof(*readers));

	if (!readers) {
		err_no_memory(e);
		return NULL;
	}
	pthread_mutex_init(&readers->lock, NULL);
	for (int use = 0; use < SQLITE_READER_USES; use++)
		condition_init(&readers->given[use]);
	for (size_t i = 0; i < READERS; i++) {
		if (!open_one(readers, path, e)) {
			sqlite_readers_close(readers);
			return NULL;
		}
	}
	return readers;
}

void sqlite_readers_close(struct sqlite_readers *readers)
{
	if (!readers)
		return;
	for (size_t i = 0; i < readers->idle_count; i++)
		sqlite_disconnect(readers->idle[i]);
	for (int use = 0; use < SQLITE_READER_USES; use++)
		pthread_cond_destroy(&readers->given[use]);
	pthread_mutex_destroy(&readers->lock);
	free(readers);
}

static bool may_take(const struct sqlite_readers *readers, enum sqlite_reader_use use)
{
	return readers->idle_count > 0 && (use == READER_REVIEW || readers->others < READERS - READERS_KEPT);
}

struct sqlite_connection *sqlite_readers_take(struct sqlite_readers *readers, enum sqlite_reader_use use,
					      int64_t deadline_ms, struct err *e)
{
	struct sqlite_connection *c = NULL;

	pthread_mutex_lock(&readers->lock);
	readers->waiting[use]++;
	while (!may_take(readers, use) && clock_left_ms(deadline_ms) > 0)
		condition_wait(&readers->given[use], &readers->lock, deadline_ms);
	readers->waiting[use]--;
	if (may_take(readers, use)) {
		c = readers->idle[--readers->idle_count];
		c->use = use;
		readers->others += use != READER_REVIEW;
	}
	pthread_mutex_unlock(&readers->lock);
	if (c)
		c->deadline_ms = deadline_ms;
	else
		err_set(e, ERR_TIMEOUT, "the database is too busy to be read in time");
	return c;
}

void sqlite_readers_give(struct sqlite_readers *readers, struct sqlite_connection *c)
{
	pthread_mutex_lock(&readers->lock);
	readers->idle[readers->idle_count++] = c;
	readers->others -= c->use != READER_REVIEW;
	pthread_cond_signal(&readers->given[readers->waiting[READER_REVIEW] > 0 ? READER_REVIEW : READER_OTHER]);
	pthread_mutex_unlock(&readers->lock);
}
