/* The keys that signatures are verified under: immutable, reference-counted, from any thread. */
#ifndef SEALGATE_ATTEST_KEY_SET_H
#define SEALGATE_ATTEST_KEY_SET_H

#include <stdint.h>

#include "attest/sha256.h"
#include "base/err.h"
#include "policy/facts.h"

struct key_set;
struct keyrings; /* attest/keyrings.h */

struct key_set_entry {
	struct str text;	/* a key file: armour or binary, one or more certificates */
	struct str fingerprint; /* one of the primary keys in it; a text with two certificates gives two entries */
};

/* Copies the entries. NULL when there is no memory. An empty set is legal: every signature is by an unknown key. */
struct key_set *key_set_new(const struct key_set_entry *entries, size_t count);
struct key_set *key_set_ref(struct key_set *set);
void key_set_unref(struct key_set *set);

/* Never the same for two sets of one process; grows. */
uint64_t key_set_id(const struct key_set *set);
/* True when both hold the same texts for the same fingerprints. */
bool key_set_equal(const struct key_set *a, const struct key_set *b);
/* Distinct texts, for import. */
size_t key_set_texts(const struct key_set *set);
struct str key_set_text(const struct key_set *set, size_t index);
const struct sha256 *key_set_text_hash(const struct key_set *set, size_t index);
/* What gpg made of the texts; NULL as long as nobody gave it. Any thread. */
const struct keyrings *key_set_keyrings(const struct key_set *set);
/* Gives it the keyrings, which it owns from now on; others that it has already stay, and these are freed. Any thread.
 */
void key_set_give_keyrings(struct key_set *set, struct keyrings *keyrings);
/* ERR_TOO_LARGE past LIMIT_KEY_TEXTS or LIMIT_KEY_TEXTS_BYTES: a worker could not load the set in time, and every
 * signature would be refused. */
bool key_set_check(const struct key_set *set, struct err *e) MUST_USE;
/* Hash over all texts that hold `fingerprint`; false when none does. */
bool key_set_material(const struct key_set *set, struct str fingerprint, struct sha256 *out);

#endif
