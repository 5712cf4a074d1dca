/* The words of a decision: why a policy holds for an image, or what is missing. Each function adds to a line. */
#ifndef SEALGATE_POLICY_REASON_H
#define SEALGATE_POLICY_REASON_H

#include "policy/combine.h"
#include "policy/line.h"

/* "attested by qa (FPR), security (FPR)": each attestor of the policy that has evidence. */
void reason_holds(struct line *line, const struct image_policy *policy, const struct facts_answer *facts,
		  const struct vouched *what);
/* "requires attestor qa: no attestation found", "requires 2 of attestors qa, security: qa is satisfied; security: ...":
 * every rule that does not hold and, for each attestor that has no evidence, why its first LIMIT_REASONS attestations
 * don't count. How many attestations were left unverified stands at the end. */
void reason_missing(struct line *line, const struct image_policy *policy, const struct facts_answer *facts,
		    const struct vouched *what);
/* "requires a digest". */
void reason_no_digest(struct line *line, const struct image_policy *policy);
/* "can't be read: WHY". */
void reason_unreadable(struct line *line, const struct image_policy *policy);
/* "has a namespaceSelector: the labels of namespace N are not known". */
void reason_unknown_labels(struct line *line, struct str namespace_);

/* The line of a finding: "No matched signatures for container image: IMAGE (PATH: DETAIL)". `image` is escaped. */
void finding_line(struct line *line, enum finding_class class, struct str image, struct str path, struct str detail);

#endif
