/* Trust: policies and keys loaded together, checked together, swapped together. Immutable, reference-counted. The same
 * loader serves sealgated (at start, on change), --check-config and the CLI. */
#ifndef SEALGATE_ATTEST_TRUST_H
#define SEALGATE_ATTEST_TRUST_H

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

struct trust {
	struct policy_set *policies;
	struct key_set *keys;
	struct trusted_key *known; /* every key of the set */
	size_t known_count;
	struct trust_warning *warnings; /* what was left out or will never count; not errors */
	size_t warning_count;
	bool from_pubkeys; /* --pubkeys without policy objects */
	/* private */
	unsigned references;
};

struct trust_sources {
	struct option_list policy_dirs;
	const char *pubkeys; /* NULL: none */
};

/* Loads everything. False (ERR_INVALID, "FILE: document N: PATH: TEXT") when any policy can't be loaded; the caller
 * keeps the set it has. Attestor keys: unparsable, secret or weak is an error; expired and revoked load with a warning.
 * --pubkeys: what can't be used is left out with a warning. `previous` may be NULL; when the keys have not changed its
 * key_set is kept, so that verdicts stay. */
bool trust_load(const struct trust_sources *sources, struct worker_pool *workers, const struct trust *previous,
		struct trust **out, struct err *e) MUST_USE;
struct trust *trust_ref(struct trust *trust);
void trust_unref(struct trust *trust);

/* A number that changes when any file below the sources was added, removed, replaced or written (names, inode, size,
 * times; symlinks followed, so that a ConfigMap's ..data swap is one change). */
uint64_t trust_fingerprint(const struct trust_sources *sources);

#endif
