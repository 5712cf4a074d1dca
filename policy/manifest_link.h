/* Private to the manifest reader: what spans documents, checked when all have been read. */
#ifndef SEALGATE_POLICY_MANIFEST_LINK_H
#define SEALGATE_POLICY_MANIFEST_LINK_H

#include "policy/manifest_draft.h"

/* Puts attestors and policies into the set, sorted, and gives the rules their attestors. ERR_INVALID for a name used
 * twice, an attestor that is named but absent or named twice in one entry, and two attestors of one entry that list the
 * same key. */
bool manifest_link(struct manifest_reader *reader, struct err *e) MUST_USE;

#endif
