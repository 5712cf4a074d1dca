/* Private to the trust loader: a trust that is being put together. */
#ifndef SEALGATE_ATTEST_TRUST_BUILD_H
#define SEALGATE_ATTEST_TRUST_BUILD_H

#include "attest/keyrings.h"
#include "attest/source_files.h"
#include "attest/trust.h"
#include "base/arena.h"
#include "base/clock.h"
#include "policy/manifest_objects.h"

struct trust_build {
	const struct trust_sources *sources;
	struct worker_pool *workers;
	const struct trust *previous; /* may be NULL */
	struct trust *trust;
	struct keyrings *described[2]; /* by trust_describe: of --pubkeys and of Attestors; each may be NULL */
	size_t described_count;
	int64_t now;	     /* seconds */
	int64_t deadline_ms; /* of one question to the worker, monotonic; 0: as long as a verification may take */
};

/* Adds a warning; false only when there is no memory. */
bool trust_warn(struct trust_build *b, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4))) MUST_USE;
/* Room for one more in an array that grows at powers of two; NULL when there is none, the array is then as before. */
void *trust_grow(void *items, size_t count, size_t size);

/* Empty, with one reference; NULL when there is no memory. */
struct trust *trust_new(void);
/* An error or a warning without the "ImagePolicy NAMESPACE/NAME: " of the object that it speaks of. */
const char *trust_without_name(const struct manifest_object *object, const char *text);
/* True for errors that speak of what was read, false for those of the machine. */
bool trust_is_about_source(enum err_kind kind);
/* Adds what the cluster holds to the files, which have all been added, and fills in the fingerprints of all keys. Then
 * the reader can be finished. Errors speak of the files or of the machine: what is wrong with an object stands in its
 * outcome. `files` is what manifest_reader_end_files gave. */
bool trust_settle_objects(struct trust_build *b, struct manifest_reader *reader, struct policy_set *files,
			  struct err *e) MUST_USE;
/* ERR_INVALID when the policy has a namespaceSelector and no labels can be known. */
bool trust_check_selector(const struct trust_build *b, const struct image_policy *policy, struct err *e) MUST_USE;

/* Fetches the texts of keys that come from elsewhere; those that aren't there are "". ERR_INVALID without a cluster,
 * ERR_FORBIDDEN for another namespace than the own one. */
bool trust_resolve_keys(const struct trust_build *b, const struct attestor *attestor, struct err *e) MUST_USE;
/* Inspects the keys of an Attestor, which have been resolved, and fills in the fingerprints (`arena`) of those that may
 * count. ERR_INVALID and ERR_TOO_LARGE for an inline key; one that comes from elsewhere can't spoil the others, and is
 * told in *out, whose state is left to the caller. */
bool trust_weigh_attestor(struct trust_build *b, struct arena *arena, struct attestor *attestor,
			  struct trust_outcome *out, struct err *e) MUST_USE;
/* The same for all Attestors of files, with warnings for keys that are not there. */
bool trust_check_attestor_keys(struct trust_build *b, const struct policy_set *set, struct arena *arena,
			       struct err *e) MUST_USE;
void trust_outcome_release(struct trust_outcome *outcome);
/* "is revoked", "has expired"; NULL for a key that may count. */
const char *trust_key_lapse(const struct key_info *key, int64_t now);
/* Reads key files: those with keys that may count become `*keys`, in `arena`. */
bool trust_read_pubkeys(struct trust_build *b, const struct source_files *files, struct arena *arena,
			struct attestor_key **keys, size_t *count, struct err *e) MUST_USE;

/* Makes trust->keys, with its keyrings, from the fingerprints of trust->policies, and puts trust->known in order. */
bool trust_collect_keys(struct trust_build *b, struct err *e) MUST_USE;
void trust_release_inspected(struct trust *trust);
/* Has the worker describe as many of these texts together as it can, so that trust_inspect need not ask for each.
 * Twice at most. */
bool trust_describe(struct trust_build *b, const struct str *texts, size_t count, struct err *e) MUST_USE;
/* What a key text holds, from the previous trust, from trust_describe, or else from the worker. The items of *out
 * belong to the trust. ERR_INVALID and ERR_TOO_LARGE speak of the key, other kinds of the worker. */
bool trust_inspect(struct trust_build *b, struct str text, struct key_list *out, struct err *e) MUST_USE;
/* Notes that `attestor` lists the key, and warns when it can't count any more. `place` is how the warning calls it. */
bool trust_know(struct trust_build *b, const struct key_info *key, struct str attestor, struct str place,
		struct err *e) MUST_USE;

#endif
