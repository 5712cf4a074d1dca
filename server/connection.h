/* The open connections of one listener and how long each phase of them may take. libmicrohttpd only knows a time
 * without any activity; a client that sends one byte a second, or half a handshake, never reaches it. When there is no
 * room for more, patience is short (base/limits.h, LIMIT_FULL_*), so that whoever holds all connections open without
 * using them keeps nobody out. */
#ifndef SEALGATE_SERVER_CONNECTION_H
#define SEALGATE_SERVER_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/metrics.h"
#include "server/tls_files.h"

enum connection_phase {
	CONNECTION_HANDSHAKE, /* TLS: LIMIT_REQUEST_HEAD_SECONDS */
	CONNECTION_IDLE,      /* between requests; once bytes of a head have come, LIMIT_REQUEST_HEAD_SECONDS */
	CONNECTION_BODY,      /* the head is complete: LIMIT_REQUEST_BODY_SECONDS */
	CONNECTION_HANDLER,   /* ours: no limit here */
	CONNECTION_ANSWER,    /* the client reads: LIMIT_IDLE_SECONDS */
};

struct connection_table;

struct connection {
	struct tls_session tls;
	bool surplus;	 /* opened beyond LIMIT_CONNECTIONS */
	bool background; /* its thread has stepped back */
	/* private */
	struct connection_table *table;
	struct connection *next;
	struct connection *previous;
	int fd;
	bool rests;		    /* only its own thread's */
	atomic_bool asked;	    /* a request's head was complete once */
	atomic_uint_fast64_t phase; /* microseconds of its start, times 8, plus the phase */
	/* only the reaper's */
	uint64_t watched;
	uint64_t idle_bytes;
	int64_t head_since_ms;
};

/* `listener` names it for the metrics, which may be NULL. Starts the thread that looks every second, and
 * every tenth of one while there is no room. */
struct connection_table *connection_table_new(const char *listener, struct metrics *metrics, struct err *e);
/* Every connection has been closed. NULL is legal. */
void connection_table_free(struct connection_table *table);

/* A new connection in its first phase; NULL when there is no memory. `fd` stays open until connection_close returns. */
struct connection *connection_open(struct connection_table *table, int fd, bool tls);
void connection_close(struct connection *connection);
/* From any thread; lock-free. */
void connection_enter(struct connection *connection, enum connection_phase phase);
/* True in a request that is the connection's first, or came after a second of rest: the next one will not come soon.
 * Only for the connection's own thread. */
bool connection_rests(const struct connection *connection);
unsigned connection_count(const struct connection_table *table);

/* Shuts down the sockets of connections whose phase has taken too long at `now_ms`; returns how many, and says so again
 * until they are closed. The thread of the
 * table calls it; tests give a later time. */
unsigned connection_table_reap(struct connection_table *table, int64_t now_ms);

#endif
