/* Verification off the request's path: a bounded queue, one thread per worker slot, single flight per signature,
 * verdicts kept in the cache.
 *
 * An upload is queued when it is stored. A review that needs a verdict finds it, or joins the flight and waits within
 * its own deadline; the flight's deadline is its own, never one caller's. Uploads can't starve reviews: what a review
 * waits for goes before what an upload queued. */
#ifndef SEALGATE_SERVER_VERIFY_QUEUE_H
#define SEALGATE_SERVER_VERIFY_QUEUE_H

#include "attest/trust.h"
#include "attest/verdict_cache.h"
#include "server/metrics.h"

struct verify_queue;

struct verify_queue *verify_queue_start(struct worker_pool *workers, struct metrics *metrics, struct err *e);
void verify_queue_stop(struct verify_queue *queue);

/* The verdict under `keys` if there is one now; never waits. */
bool verify_queue_peek(struct verify_queue *queue, struct key_set *keys, const struct sha256 *key,
		       struct signature_facts *out);
/* An upload: queued behind everything; dropped (and verified on need) when the queue is full. */
void verify_queue_add(struct verify_queue *queue, struct key_set *keys, struct str signature, struct str payload);
/* A review's need: starts or joins the flight, before all uploads. REASON_BUSY when the queue is full of reviews'
 * needs. */
struct verify_ticket;
struct verify_ticket *verify_queue_request(struct verify_queue *queue, struct key_set *keys, struct str signature,
					   struct str payload);
/* Waits until deadline_ms (monotonic) and frees the ticket. REASON_TIMEOUT when it passes; NULL ticket gives
 * REASON_BUSY. */
void verify_ticket_wait(struct verify_ticket *ticket, int64_t deadline_ms, struct signature_facts *out);

#endif
