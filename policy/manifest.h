/* Policy manifests, read strictly: unknown fields, empty lists, thresholds that can't hold and patterns that can't
 * match are errors with the place: "FILE: document N: spec.require.attestations[0].count: what is wrong". Fields of the
 * format that this version does not evaluate (vulnerabilities, provenance, maxAge, breakGlass, namespaceSelector, pkix,
 * from) are errors that say so. */
#ifndef SEALGATE_POLICY_MANIFEST_H
#define SEALGATE_POLICY_MANIFEST_H

#include "base/json.h"
#include "policy/model.h"

/* Collects manifests from several files; names and references are checked when all have been seen. */
struct manifest_reader;

struct manifest_reader *manifest_reader_new(void);
void manifest_reader_free(struct manifest_reader *reader);
/* Adds all documents of one file (YAML or JSON, several documents, kind List). `name` is how errors call the file.
 * ERR_INVALID "FILE: document N: PATH: TEXT" (in a List the path begins with items[I]; text that is not YAML has "line
 * L" in place of the path), ERR_TOO_LARGE past LIMIT_POLICY_MEMORY. After a failure the reader can only be freed. */
bool manifest_reader_add(struct manifest_reader *reader, struct str name, struct str text, struct err *e) MUST_USE;
/* The attestor that --pubkeys makes: name and policy "pubkeys", any note; the policy requires one attestation of it for
 * every image. Texts and fingerprints of the keys are copied; with no keys nothing is admitted. Only when no policy
 * objects were added (else ERR_INVALID). */
bool manifest_reader_add_pubkeys(struct manifest_reader *reader, const struct attestor_key *keys, size_t count,
				 struct err *e) MUST_USE;
/* Checks what spans documents (names used twice, attestors that are named but absent or named twice in one entry, two
 * attestors of one entry with the same key text) and gives the set, which the caller frees. Once. */
bool manifest_reader_finish(struct manifest_reader *reader, struct policy_set **out, struct err *e) MUST_USE;
/* How many policy objects (ClusterImagePolicy, ImagePolicy, Attestor) have been added. */
size_t manifest_reader_objects(const struct manifest_reader *reader);

#endif
