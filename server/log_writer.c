#include "server/log_writer.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/thread.h"

#define PAUSE_US 1000

static struct {
	pthread_mutex_t lock;	/* of everything below */
	pthread_cond_t changed; /* a batch was taken or written */
	pthread_cond_t filled;	/* for the keeper: there is a first line, or it shall end */
	pthread_t keeper;
	bool kept; /* the keeper runs */
	bool writing;
	int64_t written_us; /* when the last write began */
	uint64_t put;	    /* bytes ever */
	uint64_t done;	    /* bytes written of those */
	size_t length;	    /* of what waits in queues[filling] */
	unsigned filling;
	char queues[2][LIMIT_LOG_LINE]; /* one is filled while the other is written; pages count once they are used */
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

/* With the lock held, which is free during the write. What standard error refuses is lost: there is no other place. */
static void write_batch(void)
{
	struct str batch = str_make(writer.queues[writer.filling], writer.length);

	writer.writing = true;
	writer.written_us = clock_monotonic_us();
	writer.filling ^= 1u;
	writer.length = 0;
	pthread_cond_broadcast(&writer.changed);
	pthread_mutex_unlock(&writer.lock);
	(void)!file_write_fd(STDERR_FILENO, batch);
	pthread_mutex_lock(&writer.lock);
	writer.writing = false;
	writer.done += batch.len;
	pthread_cond_broadcast(&writer.changed);
}

static void write_or_wait(void)
{
	if (writer.writing)
		pthread_cond_wait(&writer.changed, &writer.lock);
	else
		write_batch();
}

static int64_t pause_left_us(void)
{
	return writer.written_us + PAUSE_US - clock_monotonic_us();
}

/* Without the lock: nobody needs the keeper before the pause is over. */
static void sit_out_pause(void)
{
	int64_t left_us = pause_left_us();
	const struct timespec pause = {0, left_us * 1000};

	if (left_us <= 0 || left_us > PAUSE_US)
		return;
	pthread_mutex_unlock(&writer.lock);
	(void)nanosleep(&pause, NULL);
	pthread_mutex_lock(&writer.lock);
}

static void *keep(void *context)
{
	(void)context;
	pthread_mutex_lock(&writer.lock);
	while (writer.kept) {
		if (writer.length == 0)
			pthread_cond_wait(&writer.filled, &writer.lock);
		sit_out_pause();
		if (writer.length > 0)
			write_or_wait();
	}
	pthread_mutex_unlock(&writer.lock);
	return NULL;
}

bool log_writer_start(struct err *e)
{
	bool started;

	pthread_mutex_lock(&writer.lock);
	started = thread_start(&writer.keeper, keep, NULL, e);
	writer.kept = started;
	pthread_mutex_unlock(&writer.lock);
	return started;
}

void log_writer_stop(void)
{
	bool kept;

	pthread_mutex_lock(&writer.lock);
	kept = writer.kept;
	writer.kept = false;
	pthread_cond_signal(&writer.filled);
	pthread_mutex_unlock(&writer.lock);
	if (kept)
		pthread_join(writer.keeper, NULL);
	log_writer_flush();
}

/* Without a keeper whoever writes also writes what has come meanwhile. */
static void write_now(void)
{
	do
		write_batch();
	while (!writer.kept && writer.length > 0);
}

void log_writer_put(struct str line)
{
	bool first;

	pthread_mutex_lock(&writer.lock);
	while (line.len > sizeof(writer.queues[0]) - writer.length)
		write_or_wait();
	first = writer.length == 0;
	memcpy(writer.queues[writer.filling] + writer.length, line.ptr, line.len);
	writer.length += line.len;
	writer.put += line.len;
	if (!writer.writing && (!writer.kept || pause_left_us() <= 0))
		write_now();
	else if (writer.kept && first)
		pthread_cond_signal(&writer.filled);
	pthread_mutex_unlock(&writer.lock);
}

void log_writer_flush(void)
{
	uint64_t all;

	pthread_mutex_lock(&writer.lock);
	all = writer.put;
	while (writer.done < all)
		write_or_wait();
	pthread_mutex_unlock(&writer.lock);
}
