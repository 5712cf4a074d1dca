/* Trust: policies and keys loaded together, checked together, swapped together. Immutable, reference-counted. The same
 * loader serves sealgated (at start, on change), --check-config and the CLI. */
#ifndef SEALGATE_ATTEST_TRUST_H
#define SEALGATE_ATTEST_TRUST_H

#include <stdatomic.h>

#include "attest/trust_objects.h"
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

/* What became of one object of the cluster. The zero counts for nothing. */
enum trust_state {
	TRUST_REJECTED =
		0, /* no version of it can be used: an Attestor has no keys, a policy refuses what it could select */
	TRUST_LAST_GOOD,  /* this version can't be used; the last one that could is in force */
	TRUST_OVERRIDDEN, /* a file says the same name, and wins */
	TRUST_INCOMPLETE, /* in force, but something that it names is missing */
	TRUST_IN_FORCE,
	TRUST_STATES
};

/* The reason of the condition Ready. Up to TooLarge the object is rejected. */
enum trust_reason {
	TRUST_REASON_INVALID,
	TRUST_REASON_OVERRIDDEN,
	TRUST_REASON_KEY_SOURCE_FORBIDDEN,
	TRUST_REASON_TOO_LARGE,
	TRUST_REASON_ATTESTOR_NOT_FOUND,
	TRUST_REASON_KEY_SOURCE_NOT_FOUND,
	TRUST_REASON_KEY_SOURCE_INVALID, /* it is there, and what it holds is no key that may count */
	TRUST_REASON_NO_USABLE_KEY,	 /* all keys are expired, revoked or absent */
	TRUST_REASON_IN_FORCE,
	TRUST_REASONS
};

/* One key that an Attestor lists. */
struct trust_key_outcome {
	char fingerprint[FINGERPRINT_MAX + 1]; /* "" when its source gave none */
	char algorithm[32];
	int64_t expires_at; /* 0: never, or not known */
	const char *state;  /* "Usable", "Expired", "Revoked", "NotFound", "Unusable" */
};

struct trust_outcome {
	enum trust_state state;
	enum trust_reason reason;
	char *message; /* one line: the path and what is wrong, or what is in force; never NULL */
	struct trust_key_outcome *keys;
	size_t key_count;
	char *good; /* private: the text of the last version that could be used, when it is not this one; may be NULL */
};

struct inspected_text; /* private to trust_keys.c */
struct source_tape;

struct trust {
	struct policy_set *policies;
	struct key_set *keys;
	struct trusted_key *known; /* every key of the set, by fingerprint */
	size_t known_count;
	struct trust_warning *warnings; /* what was left out or will never count; not errors */
	size_t warning_count;
	bool from_pubkeys;		/* --pubkeys without policy files */
	struct trust_objects *objects;	/* of the cluster; NULL: none */
	struct trust_outcome *outcomes; /* one for each of objects->objects, in their order */
	size_t object_count;
	/* private */
	struct source_tape *tape;	  /* the files, when a cluster is followed */
	struct inspected_text *inspected; /* so that the next load asks the worker about new keys only */
	size_t inspected_count;
	atomic_uint references;
};

struct trust_sources {
	struct option_list policy_dirs;
	const char *pubkeys; /* NULL: none */
	/* The namespace whose ConfigMaps and Secrets keys may come from; NULL: no cluster is followed. */
	const char *own_namespace;
	bool namespace_labels;	       /* can be known, so that policies may have a namespaceSelector */
	struct trust_objects *objects; /* finished; NULL: none */
};

/* "rejected", "last_good", "overridden", "incomplete", "in_force": a label of metrics. */
const char *trust_state_name(enum trust_state state);
/* "Invalid", "Overridden", "KeySourceForbidden", "TooLarge", "AttestorNotFound", "KeySourceNotFound",
 * "KeySourceInvalid", "NoUsableKey", "InForce". */
const char *trust_reason_name(enum trust_reason reason);

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
/* The same, but with the files as `previous` had them: for objects of the cluster that changed while the files can't be
 * loaded. ERR_UNSUPPORTED when `previous` does not remember them (it does where own_namespace is set, up to
 * LIMIT_POLICY_MEMORY). */
bool trust_load_objects(const struct trust_sources *sources, struct worker_pool *workers, const struct trust *previous,
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
