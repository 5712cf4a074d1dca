/* Private to the manifest reader: what spans documents, checked when all have been read. */
#ifndef SEALGATE_POLICY_MANIFEST_LINK_H
#define SEALGATE_POLICY_MANIFEST_LINK_H

#include "policy/manifest_draft.h"

/* Puts attestors and policies of files into the set, sorted, and gives the rules their attestors. ERR_INVALID for a
 * name used twice, an attestor that is named but absent or named twice in one entry, and two attestors of one entry
 * that list the same key. */
bool manifest_link_files(struct manifest_reader *reader, struct err *e) MUST_USE;
/* The same for the attestors once those of a cluster have been added; the files' rules then lead to the same attestors
 * as before, which stand elsewhere. */
bool manifest_link_attestors(struct manifest_reader *reader, struct err *e) MUST_USE;
/* Gives a cluster's policy its attestors: `rules` up to `end` are those it brought. *absent_attestor tells of the first
 * that is not there; what stands for it has no keys. */
bool manifest_link_object(struct manifest_reader *reader, const struct rule_draft *rules, const struct rule_draft *end,
			  const struct image_policy *policy, struct err *absent_attestor, struct err *e) MUST_USE;
/* Puts all policies into the set, sorted. ERR_INVALID for a name used twice. */
bool manifest_link_policies(struct manifest_reader *reader, struct err *e) MUST_USE;

#endif
