/* The policy model: what Attestors, ClusterImagePolicies and ImagePolicies say, as checked values.
 * A policy_set is immutable once built; attest/trust.h counts the references to it. */
#ifndef SEALGATE_POLICY_MODEL_H
#define SEALGATE_POLICY_MODEL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/label_rule.h"
#include "policy/pattern.h"

enum enforcement { ENFORCE_DENY, ENFORCE_WARN, ENFORCE_AUDIT };
enum default_action { DEFAULT_DENY, DEFAULT_WARN, DEFAULT_ALLOW };

/* Where the text of a key stands in the cluster: a value of a ConfigMap or of a Secret. */
struct key_reference {
	bool secret;
	struct str namespace_;
	struct str name; /* "" when the key is written inline */
	struct str key;
};

struct attestor_key {
	struct str name;    /* publicKeys[].name; "" when not given */
	struct str openpgp; /* the armoured key as written; of a reference, "" until whoever checks keys has found it */
	struct key_reference from;
	struct str origin; /* "FILE: document N: spec.publicKeys[0].openpgp", for errors found later */
	/* Filled by whoever checks keys (attest/trust.h); a key may hold several certificates only under --pubkeys. */
	const struct str *fingerprints;
	size_t fingerprint_count;
};

struct attestor {
	struct str name;
	struct str note;   /* "projects/P/notes/N"; "" = any note (--pubkeys) */
	struct str origin; /* "FILE: document N"; of an object of a cluster "Attestor NAME" */
	struct attestor_key *keys;
	size_t key_count;
	/* Why it has no keys: "does not exist", "can't be read: ..."; "" when it is in order. */
	struct str missing;
};

struct attestation_rule {
	const struct attestor **attestors;
	size_t attestor_count;
	size_t count;	   /* 1 to attestor_count distinct attestors */
	struct str origin; /* "FILE: document N: spec.require.attestations[0].attestors", for errors found later */
};

struct image_match { /* lists are OR, fields are AND; count 0 = field absent = everything */
	const struct str *namespaces;
	size_t namespace_count;
	const struct image_pattern *images;
	size_t image_count;
	const struct str *service_accounts; /* "NAMESPACE:NAME" */
	size_t service_account_count;
	const struct str *kinds; /* "apps/Deployment", "Pod" */
	size_t kind_count;
	const struct label_rule *labels; /* of the namespace; all must hold */
	size_t label_count;
};

struct image_policy {
	struct str name;
	struct str namespace_; /* of an ImagePolicy; "" for a ClusterImagePolicy */
	struct str origin;
	struct image_match match;
	const struct image_pattern *exempt_images;
	size_t exempt_image_count;
	enum enforcement enforcement;
	bool require_digest;
	const struct attestation_rule *rules; /* all must hold */
	size_t rule_count;
	/* Why nobody knows what it demands: it then refuses all that it could select; "" when it is in order. */
	struct str unreadable;
};

struct policy_set {
	struct arena arena;		  /* holds everything below */
	const struct attestor *attestors; /* sorted by name */
	size_t attestor_count;
	const struct image_policy *policies; /* cluster policies first, then by namespace and name */
	size_t policy_count;
	bool needs_labels; /* a policy looks at the labels of namespaces */
};

/* An empty set, whose arena gives out at most LIMIT_POLICY_MEMORY; NULL when there is no memory. */
struct policy_set *policy_set_new(void);
void policy_set_free(struct policy_set *set);

#endif
