/* Which texts of a key set gpg imports together. A text goes by the fingerprint that it has itself, so that another
 * text more or less leaves most groups as they were, and what gpg answers can be told apart without its help. */
#ifndef SEALGATE_ATTEST_KEY_GROUPS_H
#define SEALGATE_ATTEST_KEY_GROUPS_H

#include "attest/key_set.h"
#include "attest/key_text.h"

/* Groups of plain texts, as many of complex ones, and one of all others. */
#define KEY_GROUPS_EACH 16u
#define KEY_GROUPS (2 * KEY_GROUPS_EACH + 1)
#define KEY_GROUP_ODD (2 * KEY_GROUPS_EACH)

struct grouped_text {
	struct key_text key; /* a slice of the set's */
	struct sha256 hash;
	unsigned group;
};

struct key_groups {
	struct grouped_text *texts; /* by hash, as in the set */
	size_t count;
};

/* Puts every text of `set`, which must outlive *out, in a group. Two texts with one fingerprint are odd: gpg merges
 * them. */
bool key_groups_make(const struct key_set *set, struct key_groups *out, struct err *e) MUST_USE;
void key_groups_release(struct key_groups *groups);
/* Number of texts in a group. */
size_t key_groups_size(const struct key_groups *groups, unsigned group);
/* All texts of a group become odd. */
void key_groups_doubt(struct key_groups *groups, unsigned group);
/* A hash over the texts of a group and how they are imported; false when OpenSSL or memory fails. */
bool key_groups_id(const struct key_groups *groups, unsigned group, struct sha256 *out) MUST_USE;
/* Whether gpg has to look for signatures in the wrong place. */
bool key_group_needs_repair(unsigned group);

CLEANUP_VALUE(key_groups, struct key_groups, key_groups_release)

#endif
