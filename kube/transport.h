/* Requests to one API server, many at a time, whoever carries them: this process (kube/direct.h), a process of its own
 * (kube/agent.h), or the script of a test. One thread owns a transport and everything that its handlers touch;
 * kube_transport_wake alone may be called from others. */
#ifndef SEALGATE_KUBE_TRANSPORT_H
#define SEALGATE_KUBE_TRANSPORT_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct kube_request {
	const char *method;	  /* "GET", "POST", "PUT", "PATCH", "DELETE" */
	struct str path;	  /* "/apis/...?watch=1": encoded, begins with a slash */
	const char *accept;	  /* NULL: "application/json" */
	const char *content_type; /* NULL without body */
	struct str body;	  /* copied */
	int64_t timeout_ms; /* for the whole answer; 0: none, for watches: ends when nothing came for KUBE_SILENCE_MS */
};

/* What becomes of a request: `head` at most once, `data` any number of times, `end` exactly once, unless it is
 * cancelled before. All from kube_transport_run. A handler may start and cancel requests. */
struct kube_handler {
	void *context;
	/* retry_after: whole seconds, -1 when the server names none. */
	void (*head)(void *context, int status, int retry_after);
	void (*data)(void *context, struct str bytes);
	/* kind ERR_NONE: the answer was complete, whatever its status. ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_TOO_LARGE,
	 * ERR_FORBIDDEN (the transport itself does not carry such requests). */
	void (*end)(void *context, const struct err *e);
	/* Instead of `end`: the request was cancelled, or its transport is freed. May be NULL. */
	void (*dropped)(void *context);
};

/* Silence that ends a watch: bookmarks come about once a minute. */
#define KUBE_SILENCE_MS 150000
/* Requests of one transport at the same time; one more is ERR_UNAVAILABLE. */
#define KUBE_REQUESTS 64u
/* Bytes of a path with its query, and of a body: ERR_TOO_LARGE beyond. */
#define KUBE_PATH_MAX 8192u
#define KUBE_BODY_MAX (3u * 1024 * 1024)

struct kube_transport {
	const struct kube_transport_class *class;
};

struct kube_transport_class {
	/* What kube_transport_start has looked at. */
	uint64_t (*start)(struct kube_transport *t, const struct kube_request *request,
			  const struct kube_handler *handler, struct err *e);
	void (*cancel)(struct kube_transport *t, uint64_t id);
	bool (*run)(struct kube_transport *t, int64_t deadline_ms, struct err *e);
	void (*wake)(struct kube_transport *t);
	void (*free)(struct kube_transport *t);
};

/* Begins a request and returns its number, never 0; 0 with *e when it can't even begin (the handler is not called):
 * ERR_INVALID for a method that is none of the five, a path that isn't one line from a slash on, or a type without
 * body or the other way round. */
uint64_t kube_transport_start(struct kube_transport *t, const struct kube_request *request,
			      const struct kube_handler *handler, struct err *e);
/* Of the handler only `dropped` is called. A number that has ended is legal. */
void kube_transport_cancel(struct kube_transport *t, uint64_t id);
/* Waits for something to happen, calls the handlers, and returns; also at the deadline (monotonic ms, 0: none) and when
 * woken. False when the transport itself is gone for good. */
bool kube_transport_run(struct kube_transport *t, int64_t deadline_ms, struct err *e) MUST_USE;
/* Any thread. */
void kube_transport_wake(struct kube_transport *t);
/* NULL is legal. */
void kube_transport_free(struct kube_transport *t);

CLEANUP_POINTER(kube_transport, struct kube_transport, kube_transport_free)

#endif
