/* Follows one resource: lists it page by page, watches it, lists again when the server has forgotten (410), and waits
 * longer and longer when it fails. A state machine over a transport: time is an argument, nothing waits.
 *
 * Rules from client-go (reflector.go): streaming lists where the server offers them (sendInitialEvents; 400 and 422
 * fall back to pages of KUBE_PAGE), bookmarks, timeoutSeconds of 300 to 600, back-off 0.8 s doubled to 30 s with full
 * jitter, reset after two minutes of health, Retry-After obeyed (at most 60 s). An object over KUBE_OBJECT_MAX, half an
 * event and garbage are errors: the watch begins again from a list. 404 (the CRD is missing) is an error like others.
 * What was known stays known meanwhile. */
#ifndef SEALGATE_KUBE_LIST_WATCH_H
#define SEALGATE_KUBE_LIST_WATCH_H

#include "base/json.h"
#include "kube/transport.h"

#define KUBE_PAGE 500u
/* One object, as JSON, bytes; the API server takes 3 MiB and stores 1.5 MiB. */
#define KUBE_OBJECT_MAX (4u * 1024 * 1024)
/* Objects of one resource, and their bytes together: ERR_TOO_LARGE beyond. */
#define KUBE_OBJECTS 20000u
#define KUBE_OBJECTS_BYTES (64u * 1024 * 1024)

struct list_watch;

struct list_watch_target {
	const char *name;   /* for errors and metrics: "attestors" */
	const char *path;   /* "/apis/sealgate.dev/v1alpha1/attestors" */
	bool metadata_only; /* PartialObjectMetadata */
};

/* What it tells. An object is valid during the call. After `begin` comes each object that there is, then `synced`: what
 * was known before and not named in between is gone. Between `synced` and the next `begin` come changes. When a list
 * breaks off, the next begin starts it anew, and nothing is gone. */
struct list_watch_events {
	void *context;
	void (*begin)(void *context);
	void (*present)(void *context, const json_t *object);
	void (*gone)(void *context, const json_t *object);
	void (*synced)(void *context);
	/* Each failure, once for each attempt. */
	void (*failed)(void *context, const struct err *e);
};

/* Texts of `target` must outlive it. `now_ms` monotonic. NULL when there is no memory. */
struct list_watch *list_watch_new(struct kube_transport *transport, const struct list_watch_target *target,
				  const struct list_watch_events *events, uint64_t seed);
void list_watch_free(struct list_watch *watch);
/* Does what is due at `now_ms` and returns when it wants to be called again (monotonic ms; INT64_MAX: when the
 * transport has something). */
int64_t list_watch_step(struct list_watch *watch, int64_t now_ms);
/* Monotonic ms since when what was told may be out of date (the watch is broken, or nothing has come for
 * KUBE_SILENCE_MS); 0 when it is up to date; -1 when it was never synced. */
int64_t list_watch_stale_since(const struct list_watch *watch);

CLEANUP_POINTER(list_watch, struct list_watch, list_watch_free)

#endif
