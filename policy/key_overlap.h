/* Two attestors of one entry must not share a key, or one signature would count for both. */
#ifndef SEALGATE_POLICY_KEY_OVERLAP_H
#define SEALGATE_POLICY_KEY_OVERLAP_H

#include "policy/model.h"

/* Compares fingerprints where a key has them, else the text of the key without white space at its ends. ERR_INVALID
 * names the rule, both attestors and the key. Time grows with the number of keys, not with its square. */
bool key_overlap_check(struct policy_set *set, struct err *e) MUST_USE;

#endif
