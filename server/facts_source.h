/* policy/facts.h answered from the store and the verify queue, for one review under one trust.
 *
 * Attestations are looked at newest first. Those with a verdict in the cache cost microseconds; of those without, at
 * most LIMIT_UNVERIFIED per digest and note are verified now, and the rest is counted. With no notes asked for (every
 * note counts) all notes together have one such limit.
 *
 * Whoever may upload can add any number of attestations that prove nothing, also copies of a good one. What keeps them
 * from refusing an image for good:
 * - Every signature is verified once, at its upload or by the first review that meets it. The limits count only what
 *   has no verdict yet, so each review gets further than the one before.
 * - A walk ends after LIMIT_WALK rows of a note or LIMIT_WALK_BYTES of them; then, and also when there was more to
 *   verify than the limit, the hints are looked at. Each signature that was ever found good for its digest has left a
 *   hint (server/verify_queue.h), one per signer and repository, in the store: it survives restarts, and only a
 *   longer-lived signature by the same signer takes its place. What hints lead to is verified ahead of the rest. A hint
 *   is an address, not a verdict: what it leads to is judged like everything else.
 * - So a flood can hide only a signature that nobody has verified yet: one that arrived while uploads filled the verify
 *   queue, and that more than LIMIT_WALK rows have buried since. Uploading it again after the flood ends that.
 *
 * As soon as what is known is enough for the policies that ask (facts_query), nothing more is waited for: a flood
 * delays only images that are not proven without it.
 *
 * What was answered before is answered from memory as long as nothing can have changed it (server/facts_cache.h).
 *
 * Of what has a verdict, the newest 256 rejections are told, and of what is accepted one for each note, signer and
 * repository. */
#ifndef SEALGATE_SERVER_FACTS_SOURCE_H
#define SEALGATE_SERVER_FACTS_SOURCE_H

#include "policy/facts.h"
#include "server/facts_cache.h"
#include "server/verify_queue.h"
#include "store/store.h"

struct facts_source {
	struct store *store;
	struct verify_queue *queue;
	struct trust *trust;	   /* pinned by the review */
	struct facts_cache *cache; /* may be NULL */
	struct metrics *metrics;   /* may be NULL */
	int64_t deadline_ms;
	int64_t now; /* seconds */
	/* private: the store's version, read by the first question of the review */
	bool looked;
	bool has_version;
	uint64_t version;
};

/* For one review: what the store holds is looked at again. */
struct facts facts_source_interface(struct facts_source *source);

#endif
