/* Listeners over libmicrohttpd: the only file that includes microhttpd.h. Thread per connection, never epoll
 * (docs/ARCHITECTURE.md). Reads a bounded body into the request's arena, calls one handler, sends one answer;
 * everything else (limits on connections, idle and head times, 503 beyond LIMIT_CONNECTIONS, draining) happens here. */
#ifndef SEALGATE_SERVER_HTTP_H
#define SEALGATE_SERVER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct http_listener;
struct tls_files;
struct metrics;

struct http_parameter {
	struct str name;
	struct str value; /* decoded */
	bool has_value;
};

struct http_request {
	struct str method;
	struct str path; /* percent-decoded; not yet cleaned of double slashes */
	struct str body; /* lives as long as the arena; a 0 byte follows it */
	struct str content_type;
	struct str authorization; /* the header's value; "" when absent */
	const struct http_parameter *query;
	size_t query_count;
	bool client_certificate; /* the peer proved a certificate of --client-ca */
	bool tls;
	uint64_t id;	    /* of this request, in every log line about it */
	int64_t started_ms; /* monotonic, when the head was complete */
	struct arena *arena;
};

struct http_response {
	int status;		  /* 0 = the handler forgot: becomes 500 */
	const char *content_type; /* static text; NULL = application/json */
	struct buf body;
	unsigned retry_after;	  /* seconds; 0 = no header */
	const char *location;	  /* for redirects, in the arena; NULL = none */
	const char *allow;	  /* for 405; NULL = none */
	const char *authenticate; /* WWW-Authenticate for 401; NULL = none */
	bool close;		  /* end the connection after this answer */
};

typedef void http_handler(void *context, struct http_request *request, struct http_response *response);
/* Looks at the head of a request whose large body is still to come; false with an answer spares reading it. */
typedef bool http_screen(void *context, struct http_request *request, struct http_response *response);

struct http_config {
	const char *name;		 /* "webhook", "api", "ops": for logs and metrics */
	const char *address;		 /* "ADDR:PORT", "[ADDR]:PORT"; port 0 takes a free one */
	size_t body_limit;		 /* bytes; 413 beyond */
	unsigned request_limit;		 /* requests in work, 503 beyond; 0 = as many as connections */
	unsigned turns;			 /* requests worked on at once (turns.h), 503 after LIMIT_TURN_MS; 0 = all */
	size_t bodies_limit;		 /* bytes of all bodies together (load_gate.h), 503 beyond; 0 = one body */
	size_t answers_limit;		 /* the same of answers that are still being read; 0 = LIMIT_ANSWERS */
	bool background;		 /* its requests leave the processors to those of other listeners */
	struct tls_files *tls;		 /* NULL: plain HTTP */
	bool client_certificates;	 /* ask for one (the handler or access.h decides what it is worth) */
	bool require_client_certificate; /* 401 without one that is good, whatever the path */
	http_handler *handler;
	http_screen *screen; /* may be NULL */
	void *context;
	struct metrics *metrics; /* may be NULL */
};

/* Opens the port and starts serving; logs one "listening" line with the real address. NULL: ERR_INVALID (address),
 * ERR_INTERNAL (port taken). */
struct http_listener *http_start(const struct http_config *config, struct err *e);
/* Stops accepting; answers to requests that still come on open connections carry Connection: close. */
void http_drain(struct http_listener *listener);
/* Requests being answered now. */
unsigned http_busy(const struct http_listener *listener);
unsigned http_connections(const struct http_listener *listener);
/* Closes everything, waits for handlers. NULL is legal. */
void http_stop(struct http_listener *listener);
/* "127.0.0.1:8080": the address in use. */
const char *http_address(const struct http_listener *listener);
/* Ends connections that take longer than base/limits.h allows at `now_ms`; returns how many. The listener does this
 * itself every second; tests give a later time. */
unsigned http_reap(struct http_listener *listener, int64_t now_ms);

/* First parameter called `name`; NULL when absent. */
const struct http_parameter *http_query(const struct http_request *request, const char *name);

/* True for 127.0.0.0/8, ::1 and localhost. ERR_INVALID when it can't be read. */
bool http_address_is_loopback(const char *address, bool *loopback, struct err *e) MUST_USE;

#endif
