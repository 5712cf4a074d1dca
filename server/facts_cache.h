/* The finished answers of server/facts_source.h in memory: what a digest's attestations prove under a set of keys, so
 * that a review whose images were all decided before asks the store for its version once and walks nothing.
 *
 * Kept are only answers of one walk in which every attestation had its verdict and no limit was met, with at least one
 * attestation: digests that nobody has attested take no room. They hold for one version of the store, for the set of
 * keys, for the notes asked for in their order, and from one moment to another: the dates between which no attestation
 * that was looked at, told or not, becomes valid or expires.
 *
 * Never stale: (1) a version is read before the walk that it is kept with begins, so a commit that the walk does not
 * show ended after that reading, and every reading that begins after the commit is larger (store_version). (2) A review
 * reads the version once, before it takes its first answer, and takes only those of this very version: all that was
 * committed before the review began is in what it takes.
 *
 * Bounded (LIMIT_FACTS_BYTES), least recently used out first, a short lock for each of the shards; any thread. */
#ifndef SEALGATE_SERVER_FACTS_CACHE_H
#define SEALGATE_SERVER_FACTS_CACHE_H

#include "policy/facts.h"

struct facts_cache;

/* What an answer is about. Borrowed. */
struct facts_question {
	uint64_t version; /* of the store, read before the walk */
	uint64_t key_set; /* key_set_id */
	struct str digest;
	const struct str *notes;
	size_t note_count;
};

/* Seconds: from `from` on, until before `until`. */
struct facts_window {
	int64_t from;
	int64_t until;
};

/* NULL without memory. `max_bytes`: what all answers may take together; one takes at most a 256th of it. */
struct facts_cache *facts_cache_new(size_t max_bytes);
/* NULL is legal. */
void facts_cache_free(struct facts_cache *cache);
/* The answer, copied into the arena. False when there is none for this version at `now`, or no memory for it. */
bool facts_cache_get(struct facts_cache *cache, const struct facts_question *question, int64_t now, struct arena *arena,
		     struct facts_answer *out);
/* Keeps a copy of a finished answer; of one that is empty, too large or older than what is kept, nothing. */
void facts_cache_put(struct facts_cache *cache, const struct facts_question *question, struct facts_window window,
		     const struct facts_answer *answer);

#endif
