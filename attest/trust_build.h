/* Private to the trust loader: a trust that is being put together. */
#ifndef SEALGATE_ATTEST_TRUST_BUILD_H
#define SEALGATE_ATTEST_TRUST_BUILD_H

#include "attest/keyrings.h"
#include "attest/source_files.h"
#include "attest/trust.h"
#include "base/arena.h"
#include "base/clock.h"

struct trust_build {
	const struct trust_sources *sources;
	struct worker_pool *workers;
	const struct trust *previous; /* may be NULL */
	struct trust *trust;
	struct keyrings *described; /* by trust_describe; may be NULL */
	int64_t now;		    /* seconds */
};

/* Adds a warning; false only when there is no memory. */
bool trust_warn(struct trust_build *b, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4))) MUST_USE;
/* Room for one more in an array that grows at powers of two; NULL when there is none, the array is then as before. */
void *trust_grow(void *items, size_t count, size_t size);

/* Checks the keys of every Attestor and fills in their fingerprints. */
bool trust_check_attestor_keys(struct trust_build *b, struct policy_set *set, struct err *e) MUST_USE;
/* Reads key files: those with keys that may count become `*keys`, in `arena`. */
bool trust_read_pubkeys(struct trust_build *b, const struct source_files *files, struct arena *arena,
			struct attestor_key **keys, size_t *count, struct err *e) MUST_USE;

/* Makes trust->keys, with its keyrings, from the fingerprints of trust->policies, and puts trust->known in order. */
bool trust_collect_keys(struct trust_build *b, struct err *e) MUST_USE;
void trust_release_inspected(struct trust *trust);
/* Has the worker describe as many of these texts together as it can, so that trust_inspect need not ask for each. */
bool trust_describe(struct trust_build *b, const struct str *texts, size_t count, struct err *e) MUST_USE;
/* What a key text holds, from the previous trust, from trust_describe, or else from the worker. The items of *out
 * belong to the trust. ERR_INVALID and ERR_TOO_LARGE speak of the key, other kinds of the worker. */
bool trust_inspect(struct trust_build *b, struct str text, struct key_list *out, struct err *e) MUST_USE;
/* Notes that `attestor` lists the key, and warns when it can't count any more. `place` is how the warning calls it. */
bool trust_know(struct trust_build *b, const struct key_info *key, struct str attestor, struct str place,
		struct err *e) MUST_USE;

#endif
