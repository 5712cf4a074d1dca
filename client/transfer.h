/* HTTP requests that go out, many at a time from one thread: the one place that includes curl/curl.h.
 *
 * TLS 1.2 and later, the server's name and certificate always looked at; no redirect is followed; nothing is taken from
 * .netrc, cookies or the environment. The authorities are read again for each connection that is made. Requests share
 * connections where the server allows it. */
#ifndef SEALGATE_CLIENT_TRANSFER_H
#define SEALGATE_CLIENT_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

/* Requests of one `struct transfers` at the same time. */
#define TRANSFERS_MAX 64u

/* How the server is reached. What is NULL or empty is not set; files may change, and are read for each connection. */
struct transfer_peer {
	bool plain;	   /* http:// is permitted, too */
	bool system_proxy; /* of the environment; otherwise there is none */
	const char *ca_file;
	struct str ca_pem; /* counts when there is no ca_file; neither: the system's */
	const char *certificate_file, *key_file;
	struct str certificate_pem, key_pem; /* count when there is no certificate_file */
	const char *connect_to;		     /* "HOST:PORT" to connect to, instead of the URL's */
};

struct transfer_request {
	const char *url;
	const char *method;
	const char *const *headers; /* "Name: value"; "Name:" leaves one out that would be sent */
	size_t header_count;
	struct str body; /* ptr NULL: none; copied */
	/* For the whole answer; and how long nothing may come. 0: for ever. */
	int64_t timeout_ms;
	int64_t silence_ms;
};

/* How a request ended. */
enum transfer_end {
	TRANSFER_COMPLETE, /* with an answer, whatever its status */
	TRANSFER_NO_CONNECTION,
	TRANSFER_NO_HOST,
	TRANSFER_LATE,
	TRANSFER_UNTRUSTED,	  /* the server's certificate */
	TRANSFER_BAD_AUTHORITIES, /* ca_file, ca_pem */
	TRANSFER_BAD_CERTIFICATE, /* ours, or its key */
	TRANSFER_NO_TLS,
	TRANSFER_NOTHING, /* closed before there was an answer */
	TRANSFER_BROKEN,
	TRANSFER_OTHER,
	TRANSFER_ENDS
};

/* `head` at most once, then `data`, then `end` exactly once unless it was cancelled: all from transfers_run. They may
 * start and cancel requests. */
struct transfer_handler {
	void *context;
	/* retry_after: whole seconds, -1 when the server names none. */
	void (*head)(void *context, int status, int retry_after);
	void (*data)(void *context, struct str bytes);
	/* `problem`: in words, one line. */
	void (*end)(void *context, enum transfer_end end, const char *problem);
};

struct transfers;

/* What `peer` points to must outlive it. NULL when there is no memory. */
struct transfers *transfers_new(const struct transfer_peer *peer, struct err *e);
/* Requests under way end without a word. NULL is legal. */
void transfers_free(struct transfers *all);
/* Returns the request's number, never 0; 0 with ERR_UNAVAILABLE when there are TRANSFERS_MAX, ERR_INTERNAL. */
uint64_t transfers_start(struct transfers *all, const struct transfer_request *request,
			 const struct transfer_handler *handler, struct err *e);
/* Its handler is not called any more. A number that has ended is legal. */
void transfers_cancel(struct transfers *all, uint64_t id);
/* Waits until something happens, calls the handlers, and returns; also at the deadline (monotonic ms, 0: none), when
 * woken, when there is something to read from `fd` (-1: none), and for no reason. ERR_INTERNAL. */
bool transfers_run(struct transfers *all, int64_t deadline_ms, int fd, struct err *e) MUST_USE;
/* Any thread, while it exists. */
void transfers_wake(struct transfers *all);

CLEANUP_POINTER(transfers, struct transfers, transfers_free)

/* What a base URL is made of. */
struct transfer_url {
	bool https;	/* else http */
	bool loopback;	/* localhost, 127.0.0.0/8, ::1 */
	char host[256]; /* an IPv6 address in brackets */
	unsigned port;
};

/* ERR_INVALID for what is neither http://HOST[:PORT][/PREFIX] nor https://...; *unwanted is then true when the reason
 * is a user name, a query or a fragment. */
bool transfer_url_read(const char *text, struct transfer_url *out, bool *unwanted, struct err *e) MUST_USE;

#endif
