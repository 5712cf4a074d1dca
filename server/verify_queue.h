/* Verification off the request's path: a bounded queue, one thread per worker slot, single flight per signature,
 * verdicts kept in the cache.
 *
 * An upload is queued when it is stored. A review that needs a verdict finds it, or joins the flight and waits within
 * its own deadline; the flight's deadline is its own, never one caller's. Uploads can't starve reviews: what a review
 * waits for goes before what an upload queued, and one thread (when there are several) is never busy with an upload.
 *
 * Each time a signature turns out good for the digest that it is stored under, the store keeps a hint to it, so that
 * no flood of other uploads can bury it (server/facts_source.h). */
#ifndef SEALGATE_SERVER_VERIFY_QUEUE_H
#define SEALGATE_SERVER_VERIFY_QUEUE_H

#include "attest/trust.h"
#include "attest/verdict_cache.h"
#include "server/metrics.h"
#include "store/store.h"

struct verify_queue;

/* `store` keeps the hints; it and `metrics` may be NULL. */
struct verify_queue *verify_queue_start(struct worker_pool *workers, struct store *store, struct metrics *metrics,
					struct err *e);
/* Ends the threads. Whoever still waits gets REASON_BUSY, and is waited for: a thread that holds a ticket must not call
 * this. NULL is legal. */
void verify_queue_stop(struct verify_queue *queue);

/* The verdict under `keys` if there is one now; never waits. */
bool verify_queue_peek(struct verify_queue *queue, struct key_set *keys, const struct sha256 *key,
		       struct signature_facts *out);
/* An upload, stored as `row` under `digest`: queued behind everything; dropped (and verified on need) when uploads
 * fill the queue; not queued at all when its verdict is known and leaves no hint. */
void verify_queue_add(struct verify_queue *queue, struct key_set *keys, struct str digest,
		      const struct attestation_row *row);
/* A review's need: starts or joins the flight, before all uploads. NULL when the queue is full of reviews' needs. */
struct verify_ticket;
struct verify_ticket *verify_queue_request(struct verify_queue *queue, struct key_set *keys, struct str digest,
					   const struct attestation_row *row);
/* Waits until deadline_ms (monotonic) and frees the ticket. REASON_TIMEOUT when it passes; NULL ticket gives
 * REASON_BUSY. */
void verify_ticket_wait(struct verify_ticket *ticket, int64_t deadline_ms, struct signature_facts *out);

#endif
