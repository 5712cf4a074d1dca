/* The walk over what runs in a cluster: every kind that carries a pod spec, page by page, each object judged as its
 * creation would be today. For sealgated and for `sealgate scan`. A state machine over a transport: time is an
 * argument, nothing waits.
 *
 * One page is in memory and one request under way at a time; requests begin at most ten times a second. A page that is
 * too large is asked for again in smaller pieces. When the API server has forgotten where the list stood (410) it goes
 * on with the token that it offers, else the list begins anew and what was judged is passed over. A kind that can't be
 * listed at all (403, 404) is left out, and told. What may pass (429, 5xx, silence, garbage) is tried again; the scan
 * fails when it stays. */
#ifndef SEALGATE_SERVER_SCAN_H
#define SEALGATE_SERVER_SCAN_H

#include "kube/transport.h"
#include "server/scan_page.h"

/* Objects of one page, and its bytes. */
#define SCAN_PAGE_OBJECTS 500u
#define SCAN_PAGE_BYTES (16u * 1024 * 1024)
/* Between the beginnings of two requests. */
#define SCAN_PAUSE_MS 100
#define SCAN_REQUEST_MS 30000
/* Tries of one page, 1 s apart, then twice as long each time, or as the server's Retry-After says (at most 60 s). */
#define SCAN_ATTEMPTS 6u
#define SCAN_RETRY_MS 1000
#define SCAN_RETRY_MAX_MS 60000
/* New beginnings of one list. */
#define SCAN_RESTARTS 5u

enum scan_state {
	SCAN_WAITING, /* for the API server, or for its time */
	SCAN_READ,    /* a page is there to be judged */
	SCAN_DONE,
	SCAN_FAILED
};

struct scan;

/* `namespace_` "": all. The transport and `findings` must outlive it. NULL when there is no memory. */
struct scan *scan_new(struct kube_transport *transport, struct str namespace_, struct scan_findings *findings);
/* Cancels what is under way. NULL is legal. */
void scan_free(struct scan *scan);

enum scan_state scan_state(const struct scan *scan);
/* Does what is due and returns when it wants to be called again (monotonic ms; INT64_MAX: when the transport has
 * something, or once the page is judged). */
int64_t scan_step(struct scan *scan, int64_t now_ms);
/* Only in state SCAN_READ: judges the page. Any thread, as long as no other calls anything of this scan meanwhile;
 * takes as long as its decisions do. scan_step goes on from there. */
void scan_judge_page(struct scan *scan, const struct scan_judge *judge);

/* How far it is: the kind that is being listed ("pods"), and the objects judged so far. */
const char *scan_resource_now(const struct scan *scan);
size_t scan_objects(const struct scan *scan);
/* Kinds that were left out, "jobs: FORBIDDEN TEXT; ...": "" for none. */
struct str scan_left_out(const struct scan *scan);
/* Why it failed. */
const struct err *scan_error(const struct scan *scan);

CLEANUP_POINTER(scan, struct scan, scan_free)

#endif
