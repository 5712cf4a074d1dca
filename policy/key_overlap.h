/* Two attestors of one entry must not share a key, or one signature would count for both. */
#ifndef SEALGATE_POLICY_KEY_OVERLAP_H
#define SEALGATE_POLICY_KEY_OVERLAP_H

#include "policy/model.h"

/* Compares fingerprints where a key has them, else the text of the key without white space at its ends. ERR_INVALID
 * names the rule, both attestors and the key. Time grows with the number of keys, not with its square. */
bool key_overlap_check(struct policy_set *set, struct err *e) MUST_USE;

/* The same policy by policy, for policies that are not in the set. What is prepared lives in the set's arena, and holds
 * as long as the set's attestors and their keys are what they were. Not for several threads. */
struct key_overlap;
bool key_overlap_prepare(struct policy_set *set, struct key_overlap **out, struct err *e) MUST_USE;
bool key_overlap_check_policy(struct key_overlap *overlap, const struct image_policy *policy, struct err *e) MUST_USE;

#endif
