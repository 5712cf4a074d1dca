/* What would become of one policy object if it were applied now: for whoever reviews it before it is stored. */
#ifndef SEALGATE_ATTEST_TRUST_REVIEW_H
#define SEALGATE_ATTEST_TRUST_REVIEW_H

#include "attest/trust.h"

struct trust_review {
	bool usable;
	struct str
		field; /* what is wrong stands there, as "spec.publicKeys[0].openpgp"; "" for the object as a whole */
	struct str problem;
	const struct str *warnings; /* what is missing, has expired, or only warns */
	size_t warning_count;
};

/* Reads `object` as the loader would, beside the attestors of `trust`, and inspects its keys until `deadline_ms`
 * (monotonic). Of `sources`, only what belongs to the cluster is looked at. Texts are copied into the arena. False when
 * it can't be known: no worker, no time, no memory. */
bool trust_review_object(const struct trust_sources *sources, struct worker_pool *workers, struct trust *trust,
			 const struct trust_object *object, int64_t deadline_ms, struct arena *arena,
			 struct trust_review *out, struct err *e) MUST_USE;

/* The policies in force that name the attestor, as "ClusterImagePolicy a, ImagePolicy prod/b and 3 more" of at most
 * `max` bytes; "" for none. ptr is NULL when there is no memory. */
struct str trust_attestor_users(const struct trust *trust, struct str attestor, size_t max, struct arena *arena);

#endif
