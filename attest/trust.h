/* Trust: policies and keys loaded together, checked together, swapped together. Immutable, reference-counted. The same
 * loader serves sealgated (at start, on change), --check-config and the CLI. */
#ifndef SEALGATE_ATTEST_TRUST_H
#define SEALGATE_ATTEST_TRUST_H

#include <stdatomic.h>

#include "attest/worker.h"
#include "base/options.h"
#include "policy/model.h"

struct trust_warning {
	char *text; /* "FILE: document N: PATH: key FPR has expired" */
};

struct trusted_key {
	struct key_info info;
	char *attestor; /* names of the attestors that list it, comma separated; for metrics and reports */
};

struct inspected_text; /* private to trust_keys.c */

struct trust {
	struct policy_set *policies;
	struct key_set *keys;
	struct trusted_key *known; /* every key of the set, by fingerprint */
	size_t known_count;
	struct trust_warning *warnings; /* what was left out or will never count; not errors */
	size_t warning_count;
	bool from_pubkeys; /* --pubkeys without policy objects */
	/* private */
	struct inspected_text *inspected; /* so that the next load asks the worker about new keys only */
	size_t inspected_count;
	atomic_uint references;
};

struct trust_sources {
	struct option_list policy_dirs;
	const char *pubkeys; /* NULL: none */
};

/* Loads everything. False (ERR_INVALID, "FILE: document N: PATH: TEXT") when any policy can't be loaded; the caller
 * keeps the set it has.
 *
 * Policy directories: *.yaml, *.yml and *.json, in the order of their names; one that is no regular file, is too large
 * or can't be read is an error, other names and sub-directories are a warning. Attestor keys: one certificate each;
 * unparsable, secret, weak or unable to sign is an error; expired and revoked load with a warning.
 *
 * --pubkeys: *.pub and *.asc, any number of keys in a file. What can't be read or used, and every file that holds a
 * secret key, is left out with a warning; with no key left nothing is admitted. Beside policy objects the directory is
 * not used, which is a warning. An absent directory is an error in both cases.
 *
 * Kinds other than ERR_INVALID, ERR_TOO_LARGE and ERR_NOT_FOUND are the machine's fault and worth another try.
 * `previous` may be NULL; keys that it knows are not inspected again, and when the keys are the same its key_set is
 * kept, so that verdicts stay. */
bool trust_load(const struct trust_sources *sources, struct worker_pool *workers, const struct trust *previous,
		struct trust **out, struct err *e) MUST_USE;
/* Returns `trust`. Any thread. */
struct trust *trust_ref(struct trust *trust);
/* NULL is legal. Any thread. */
void trust_unref(struct trust *trust);

/* A number that changes when any file in the sources was added, removed, replaced or written (names, inode, size,
 * times; symlinks followed, so that a ConfigMap's ..data swap is one change). */
uint64_t trust_fingerprint(const struct trust_sources *sources);

CLEANUP_POINTER(trust, struct trust, trust_unref)

#endif
