/* Refusals on their way from the threads of reviews to the thread that writes Events. A review never waits for it: what
 * finds the queue full, or just taken by somebody else for the third time, is left out and counted. */
#ifndef SEALGATE_SERVER_REFUSAL_QUEUE_H
#define SEALGATE_SERVER_REFUSAL_QUEUE_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"

/* Refusals that wait. */
#define REFUSALS_WAITING 256u
/* Bytes of a note: Kubernetes takes no more. A longer one ends in "...". */
#define REFUSAL_NOTE_MAX 1024u
/* Each text of what a refusal is about. */
#define REFUSAL_NAME_MAX 253u

/* What an Event regards: the controller that owns what was refused, or else its namespace. Each text is at most
 * REFUSAL_NAME_MAX long. */
struct refusal {
	struct str namespace_; /* of the request; never empty */
	struct str api_version;
	struct str kind;
	struct str name;
	struct str uid; /* "" when not known */
	struct str note;
};

struct refusal_queue;

struct refusal_queue *refusal_queue_new(void);
/* NULL is legal. Nobody offers any more. */
void refusal_queue_free(struct refusal_queue *queue);
/* Copies it, with its note cut. Any thread; does not wait. */
void refusal_queue_offer(struct refusal_queue *queue, const struct refusal *refusal);
/* The oldest one, freed by the caller (one piece of memory); NULL when there is none. */
struct refusal *refusal_queue_take(struct refusal_queue *queue);
/* How many were left out so far. */
uint64_t refusal_queue_left_out(struct refusal_queue *queue);
/* A copy in one piece of memory; NULL when there is none. */
struct refusal *refusal_copy(const struct refusal *refusal);

CLEANUP_POINTER(refusal_queue, struct refusal_queue, refusal_queue_free)

#endif
