#include "server/connection.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/limits.h"

#define REAPER_STACK (128u * 1024)
#define PHASE_BITS 3u
#define REST_US 1000000
#define LOOK_MS 1000
#define LOOK_CROWDED_MS 100

struct connection_table {
	const char *listener;
	struct metrics *metrics;
	pthread_mutex_t lock; /* over the list, `stopping` and `crowded` */
	pthread_cond_t wake;
	pthread_t reaper;
	bool stopping;
	bool crowded; /* somebody came beyond LIMIT_CONNECTIONS since the last look */
	struct connection *first;
	atomic_uint count;
};

/* Microseconds, so that no two phases of a connection look the same. */
static uint64_t phase_word(enum connection_phase phase, int64_t now_us)
{
	return (uint64_t)now_us << PHASE_BITS | (uint64_t)phase;
}

static int64_t phase_start_us(uint64_t word)
{
	return (int64_t)(word >> PHASE_BITS);
}

static bool comes_late(const struct connection *c, int64_t now_us)
{
	return !c->asked || now_us - phase_start_us(atomic_load_explicit(&c->phase, memory_order_relaxed)) >= REST_US;
}

void connection_enter(struct connection *connection, enum connection_phase phase)
{
	int64_t now_us = clock_monotonic_us();
	if (phase == CONNECTION_BODY) {
		connection->rests = comes_late(connection, now_us);
		connection->asked = true;
	}
	atomic_store_explicit(&connection->phase, phase_word(phase, now_us), memory_order_release);
}

bool connection_rests(const struct connection *connection)
{
	return connection->rests;
}

static bool bytes_received(int fd, uint64_t *bytes)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return false;
	*bytes = info.tcpi_bytes_received;
	return true;
}

/* Since when the head has been coming; 0 while nothing of it has. */
static int64_t head_since(struct connection *c, uint64_t word, int64_t now_ms)
{
	uint64_t bytes = 0;
	if (!bytes_received(c->fd, &bytes))
		return 0;
	if (c->watched != word) {
		c->watched = word;
		c->idle_bytes = bytes;
		c->head_since_ms = 0;
	} else if (c->head_since_ms == 0 && bytes > c->idle_bytes) {
		c->head_since_ms = now_ms;
	}
	return c->head_since_ms;
}

/* Seconds that a phase may take, as long as there is room and when there is none. 0: no limit here. */
struct patience {
	unsigned usual, full;
};

static const struct patience patiences[] = {
	[CONNECTION_HANDSHAKE] = {LIMIT_REQUEST_HEAD_SECONDS, LIMIT_FULL_UNASKED_SECONDS},
	[CONNECTION_IDLE] = {0, LIMIT_FULL_REST_SECONDS},
	[CONNECTION_BODY] = {LIMIT_REQUEST_BODY_SECONDS, LIMIT_FULL_SLOW_SECONDS},
	[CONNECTION_HANDLER] = {0, 0},
	[CONNECTION_ANSWER] = {LIMIT_IDLE_SECONDS, LIMIT_FULL_SLOW_SECONDS},
};
static const struct patience head_patience = {LIMIT_REQUEST_HEAD_SECONDS, LIMIT_FULL_UNASKED_SECONDS};
static const struct patience unasked_patience = {0, LIMIT_FULL_UNASKED_SECONDS};

static bool is_over(struct patience patience, bool full, int64_t since_ms, int64_t now_ms)
{
	int64_t seconds = full ? patience.full : patience.usual;
	return seconds > 0 && now_ms - since_ms > seconds * 1000;
}

static bool is_late(struct connection *c, bool full, int64_t now_ms)
{
	uint64_t word = atomic_load_explicit(&c->phase, memory_order_acquire);
	enum connection_phase phase = (enum connection_phase)(word & ((1u << PHASE_BITS) - 1));
	int64_t since_ms = phase_start_us(word) / 1000;
	if (phase != CONNECTION_IDLE)
		return is_over(patiences[phase], full, since_ms, now_ms);
	int64_t head_ms = head_since(c, word, now_ms);
	if (head_ms && is_over(head_patience, full, head_ms, now_ms))
		return true;
	return is_over(atomic_load(&c->asked) ? patiences[phase] : unasked_patience, full, since_ms, now_ms);
}

/* With the lock held. */
static bool is_full(const struct connection_table *table)
{
	return table->crowded || atomic_load(&table->count) > LIMIT_CONNECTIONS;
}

unsigned connection_table_reap(struct connection_table *table, int64_t now_ms)
{
	unsigned late = 0;
	pthread_mutex_lock(&table->lock);
	bool full = is_full(table);
	table->crowded = false;
	for (struct connection *c = table->first; c; c = c->next)
		if (is_late(c, full, now_ms)) {
			shutdown(c->fd, SHUT_RDWR);
			late++;
		}
	pthread_mutex_unlock(&table->lock);
	return late;
}

static void add_ms(struct timespec *time, long ms)
{
	time->tv_sec += (time->tv_nsec / 1000000 + ms) / 1000;
	time->tv_nsec = (time->tv_nsec / 1000000 + ms) % 1000 * 1000000;
}

/* With `until_full` it ends early when there is no room. True when the table is being freed. */
static bool rest(struct connection_table *table, long ms, bool until_full)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	add_ms(&until, ms);
	pthread_mutex_lock(&table->lock);
	while (!table->stopping && !(until_full && is_full(table)))
		if (pthread_cond_timedwait(&table->wake, &table->lock, &until) == ETIMEDOUT)
			break;
	bool stopping = table->stopping;
	pthread_mutex_unlock(&table->lock);
	return stopping;
}

static bool rest_between_looks(struct connection_table *table)
{
	return rest(table, LOOK_CROWDED_MS, false) || rest(table, LOOK_MS - LOOK_CROWDED_MS, true);
}

static void *reap(void *context)
{
	struct connection_table *table = context;
	while (!rest_between_looks(table))
		connection_table_reap(table, clock_monotonic_ms());
	return NULL;
}

static void init_locks(struct connection_table *table)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&table->lock, NULL);
	pthread_cond_init(&table->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static void destroy(struct connection_table *table)
{
	pthread_cond_destroy(&table->wake);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

static bool start_reaper(struct connection_table *table)
{
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, REAPER_STACK);
	int failed = pthread_create(&table->reaper, &attributes, reap, table);
	pthread_attr_destroy(&attributes);
	return failed == 0;
}

struct connection_table *connection_table_new(const char *listener, struct metrics *metrics, struct err *e)
{
	struct connection_table *table = calloc(1, sizeof(*table));
	if (!table) {
		err_no_memory(e);
		return NULL;
	}
	table->listener = listener;
	table->metrics = metrics;
	init_locks(table);
	if (start_reaper(table))
		return table;
	err_set(e, ERR_INTERNAL, "cannot start a thread");
	destroy(table);
	return NULL;
}

void connection_table_free(struct connection_table *table)
{
	if (!table)
		return;
	pthread_mutex_lock(&table->lock);
	table->stopping = true;
	pthread_cond_signal(&table->wake);
	pthread_mutex_unlock(&table->lock);
	pthread_join(table->reaper, NULL);
	destroy(table);
}

static void count(struct connection_table *table, int change)
{
	if (table->metrics)
		metrics_connections(table->metrics, table->listener, change);
}

struct connection *connection_open(struct connection_table *table, int fd, bool tls)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->table = table;
	c->fd = fd;
	connection_enter(c, tls ? CONNECTION_HANDSHAKE : CONNECTION_IDLE);
	c->watched = atomic_load(&c->phase);
	c->surplus = atomic_fetch_add(&table->count, 1) >= LIMIT_CONNECTIONS;
	pthread_mutex_lock(&table->lock);
	if (c->surplus && !table->crowded) {
		table->crowded = true;
		pthread_cond_signal(&table->wake);
	}
	c->next = table->first;
	if (c->next)
		c->next->previous = c;
	table->first = c;
	pthread_mutex_unlock(&table->lock);
	count(table, 1);
	return c;
}

void connection_close(struct connection *c)
{
	struct connection_table *table = c->table;
	pthread_mutex_lock(&table->lock);
	if (c->next)
		c->next->previous = c->previous;
	if (c->previous)
		c->previous->next = c->next;
	else
		table->first = c->next;
	pthread_mutex_unlock(&table->lock);
	atomic_fetch_sub(&table->count, 1);
	count(table, -1);
	free(c);
}

unsigned connection_count(const struct connection_table *table)
{
	return atomic_load(&table->count);
}
