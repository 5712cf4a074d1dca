/* Private to the manifest reader: what has been read and is not yet linked. */
#ifndef SEALGATE_POLICY_MANIFEST_DRAFT_H
#define SEALGATE_POLICY_MANIFEST_DRAFT_H

#include "policy/fields.h"
#include "policy/manifest.h"

struct attestor_draft {
	struct attestor_draft *next;
	struct attestor value;
	size_t serial;	  /* order of reading */
	struct str place; /* "FILE: document N: metadata.name" */
};

struct policy_draft {
	struct policy_draft *next;
	struct image_policy value;
	size_t serial;
	struct str place;
};

/* The attestors that a rule names. The rule's own array is filled when all attestors are known. */
struct rule_draft {
	struct rule_draft *next;
	const struct str *names;
	const struct attestor **attestors;
	size_t count;
	struct str origin; /* "FILE: document N: spec.require.attestations[0].attestors" */
};

/* Attestors by name; a stamp is the number of the rule that named one last. */
struct links {
	const struct attestor *attestors;
	size_t count;
	size_t *stamp;
	size_t rules;
};

/* What may be added; the steps follow each other (policy/manifest_objects.h). */
enum manifest_stage { MANIFEST_FILES, MANIFEST_ATTESTORS, MANIFEST_POLICIES };

struct manifest_reader {
	struct policy_set *set; /* everything lives in its arena */
	enum manifest_stage stage;
	struct links links;
	struct key_overlap *overlap;	  /* once all attestors are known */
	struct attestor_draft *attestors; /* newest first, as the other two */
	size_t attestor_count;
	struct policy_draft *policies;
	size_t policy_count;
	struct rule_draft *rules;
	size_t objects;
};

/* The document that is being read. */
struct manifest_source {
	struct manifest_reader *reader;
	struct str file;
	size_t document; /* from 1; 0 for an object of a cluster */
};

/* One object that is no list; what it says is added to the reader. */
bool manifest_read_object(struct manifest_source *m, const struct field *object, struct err *e) MUST_USE;
/* Each takes the whole object, whose envelope (apiVersion, kind, metadata) has been checked. */
bool manifest_read_attestor(struct manifest_source *m, const struct field *object, struct err *e) MUST_USE;
bool manifest_read_cluster_policy(struct manifest_source *m, const struct field *object, struct err *e) MUST_USE;
bool manifest_read_policy(struct manifest_source *m, const struct field *object, struct err *e) MUST_USE;
/* The members of match, for a policy of `namespace_` ("" for a cluster's). */
bool manifest_read_match(struct manifest_source *m, const struct field *match, struct str namespace_,
			 struct image_match *out, struct err *e) MUST_USE;
bool manifest_read_selector(struct manifest_source *m, const struct field *selector, struct str namespace_,
			    struct image_match *out, struct err *e) MUST_USE;
bool manifest_read_patterns(struct manifest_source *m, const struct field *list, const struct image_pattern **out,
			    size_t *count, struct err *e) MUST_USE;

/* Memory of the set, zeroed; NULL, with *e set, when it is used up. */
void *manifest_alloc(struct manifest_source *m, size_t count, size_t size, struct err *e);
/* A text of the document, kept. */
bool manifest_keep(struct manifest_source *m, struct str text, struct str *out, struct err *e) MUST_USE;
bool manifest_keep_list(struct manifest_source *m, const struct field *texts, const struct str **out, size_t *count,
			struct err *e) MUST_USE;
/* "FILE: document N: PATH"; without the path for the document itself. */
bool manifest_origin(struct manifest_source *m, const struct field *field, struct str *out, struct err *e) MUST_USE;

#endif
