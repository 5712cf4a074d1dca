/* What gpg made of the texts of a key set: a few keyrings, each of a group of texts (attest/key_groups.h), made by
 * workers at the same time, once. Every child of the verify worker gets them ready to use, and a set that differs in
 * few texts shares most of them.
 *
 * Immutable. Keyrings are shared between the lists of them; each list has one owner. */
#ifndef SEALGATE_ATTEST_KEYRINGS_H
#define SEALGATE_ATTEST_KEYRINGS_H

#include "attest/key_set.h"
#include "attest/worker.h"

struct keyrings;

/* NULL is legal. */
void keyrings_free(struct keyrings *keyrings);

/* Keyrings for all texts of `set`; those in a list of `known` (`count` of them, each may be NULL) are not made again.
 * At `deadline_ms`, monotonic, it gives up; 0 gives each keyring LIMIT_VERIFY_MS of its own. Errors are the worker's.
 */
bool keyrings_make(struct worker_pool *pool, const struct key_set *set, const struct keyrings *const *known,
		   size_t count, int64_t deadline_ms, struct keyrings **out, struct err *e) MUST_USE;
/* The same for keyrings that describe their texts, and no others. A keyring describes its texts when gpg found in it
 * exactly the keys that the texts say they are; where there is any doubt, there is no keyring. */
bool keyrings_describe(struct worker_pool *pool, const struct key_set *set, const struct keyrings *known,
		       struct keyrings **out, struct err *e) MUST_USE;
/* The key in the text with this hash; NULL when no keyring describes it. */
const struct key_info *keyrings_find(const struct keyrings *keyrings, const struct sha256 *text);
/* The keyrings as worker_encode_keys takes them; gives their number. NULL has none. */
size_t keyrings_list(const struct keyrings *keyrings, struct str out[OPENPGP_KEYRINGS_MAX]);
/* Makes sure that `set` has its keyrings (key_set_keyrings). */
bool keyrings_ready(struct worker_pool *pool, struct key_set *set, int64_t deadline_ms, struct err *e) MUST_USE;

CLEANUP_POINTER(keyrings, struct keyrings, keyrings_free)

#endif
