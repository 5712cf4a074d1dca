/* Every key and subkey of a keyring with what decides whether it may have made a signature. Filled once per key set, so
 * that a verification needs no second call of gpg. */
#ifndef SEALGATE_ATTEST_SIGNER_TABLE_H
#define SEALGATE_ATTEST_SIGNER_TABLE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "policy/facts.h"

struct signer {
	char fingerprint[FINGERPRINT_MAX + 1]; /* of the key or subkey, upper-case hex */
	char primary[FINGERPRINT_MAX + 1];     /* of the primary key it belongs to; the same for a primary key */
	int64_t created_at;
	int64_t expires_at; /* 0 = never */
	bool revoked;
	bool can_sign;
	bool weak; /* RSA or DSA under 2048 bits */
};

struct signer_table {
	struct signer *items; /* sorted by fingerprint after signer_table_sort */
	size_t count;
	size_t capacity;
};

/* A table of zeroes is empty. */
void signer_table_release(struct signer_table *table);
/* Adds a copy; false (ERR_INTERNAL) without memory. */
bool signer_table_add(struct signer_table *table, const struct signer *signer, struct err *e) MUST_USE;
/* To be called after the last add, before the first find. */
void signer_table_sort(struct signer_table *table);
/* By whole fingerprint; NULL when there is none. */
const struct signer *signer_table_find(const struct signer_table *table, const char *fingerprint);
/* By 64-bit key id (16 hex digits), for naming who is said to have made a bad signature; never for accepting. NULL when
 * there is none or more than one. */
const struct signer *signer_table_find_key_id(const struct signer_table *table, const char *key_id);

/* True for RSA and DSA under 2048 bits. `algorithm` is as in key_info: "rsa1024", "dsa2048", "ed25519". */
bool signer_is_weak(const char *algorithm, unsigned bits);

CLEANUP_VALUE(signer_table, struct signer_table, signer_table_release)

#endif
