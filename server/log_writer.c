#include "server/log_writer.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"

/* After so many batches of others the writing thread looks for somebody to go on: it has an answer to give. */
#define BATCHES 8

static struct {
	pthread_mutex_t lock;	/* of everything below */
	pthread_cond_t changed; /* a batch was taken or written, or nobody writes any more */
	bool writing;		/* somebody is in lead() */
	bool tired;		/* and wants to leave */
	bool heir;		/* somebody waits to go on instead */
	size_t length;		/* of what waits in queues[filling] */
	unsigned filling;
	char queues[2][LIMIT_LOG_LINE]; /* one is filled while the other is written; pages count once they are used */
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* With the lock held, which is free during the write. What standard error refuses is lost: there is no other place. */
static void write_batch(void)
{
	struct str batch = str_make(writer.queues[writer.filling], writer.length);

	writer.filling ^= 1u;
	writer.length = 0;
	pthread_cond_broadcast(&writer.changed);
	pthread_mutex_unlock(&writer.lock);
	(void)!file_write_fd(STDERR_FILENO, batch);
	pthread_mutex_lock(&writer.lock);
}

/* Writes until the queue is empty or an heir goes on. */
static void lead(void)
{
	writer.writing = true;
	for (unsigned batches = 1; writer.length > 0 && !writer.heir; batches++) {
		write_batch();
		writer.tired = batches >= BATCHES;
	}
	writer.writing = writer.tired = false;
	pthread_cond_broadcast(&writer.changed);
}

static void inherit(void)
{
	writer.heir = true;
	while (writer.writing)
		pthread_cond_wait(&writer.changed, &writer.lock);
	writer.heir = false;
}

void log_writer_put(struct str line)
{
	pthread_mutex_lock(&writer.lock);
	while (line.len > sizeof(writer.queues[0]) - writer.length)
		pthread_cond_wait(&writer.changed, &writer.lock);
	memcpy(writer.queues[writer.filling] + writer.length, line.ptr, line.len);
	writer.length += line.len;
	if (writer.tired && !writer.heir)
		inherit();
	if (!writer.writing)
		lead();
	pthread_mutex_unlock(&writer.lock);
}

void log_writer_flush(void)
{
	pthread_mutex_lock(&writer.lock);
	while (writer.writing || writer.heir)
		pthread_cond_wait(&writer.changed, &writer.lock);
	if (writer.length > 0)
		lead();
	pthread_mutex_unlock(&writer.lock);
}
