/* One keyring of a key set. Immutable, reference-counted, from any thread. Private to attest/keyrings.c. */
#ifndef SEALGATE_ATTEST_KEYRING_H
#define SEALGATE_ATTEST_KEYRING_H

#include "attest/key.h"
#include "attest/key_groups.h"
#include "attest/signer_table.h"
#include "base/buf.h"

struct keyring;

/* What a worker made of `group`: `record` as worker_encode_keyring wrote it, and the certificates that it found. Takes
 * both over on success. NULL (ERR_INTERNAL) when the record can't be read, or when memory is missing. */
struct keyring *keyring_new(const struct key_groups *groups, unsigned group, struct buf *record,
			    const struct key_list *certificates, struct err *e);
struct keyring *keyring_ref(struct keyring *keyring);
/* NULL is legal. */
void keyring_unref(struct keyring *keyring);

/* The texts that it was made of, as key_groups_id. */
const struct sha256 *keyring_id(const struct keyring *keyring);
/* Whether what the worker found is, without any doubt, what the texts say: one certificate for each, of the very
 * fingerprint, and no signer that belongs to another. */
bool keyring_describes(const struct keyring *keyring);
/* The key in the text with this hash; NULL when it has no such text or does not describe it. */
const struct key_info *keyring_find(const struct keyring *keyring, const struct sha256 *text);
struct str keyring_record(const struct keyring *keyring);
/* Adds its signers. */
bool keyring_add_signers(const struct keyring *keyring, struct signer_table *out, struct err *e) MUST_USE;

CLEANUP_POINTER(keyring, struct keyring, keyring_unref)

#endif
