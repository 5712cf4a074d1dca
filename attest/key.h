/* Public keys as facts: what a key file holds and whether a key may ever count. */
#ifndef SEALGATE_ATTEST_KEY_H
#define SEALGATE_ATTEST_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "policy/facts.h"

struct key_info {
	char fingerprint[FINGERPRINT_MAX + 1]; /* primary, upper-case hex */
	char user_id[256];		       /* first user id, control characters removed; for display only */
	char algorithm[32];		       /* "rsa3072", "ed25519" */
	unsigned bits;
	int64_t created_at;
	int64_t expires_at; /* 0 = never */
	bool expired;
	bool revoked;
	bool secret;   /* the file holds the secret part */
	bool can_sign; /* some subkey may sign */
	bool weak;     /* RSA or DSA under 2048 bits */
};

struct key_list {
	struct key_info *items; /* malloc'd */
	size_t count;
};

void key_list_release(struct key_list *list);
/* Adds a copy; false (ERR_TOO_LARGE) past LIMIT_KEYS, or without memory. */
bool key_list_add(struct key_list *list, const struct key_info *key, struct err *e) MUST_USE;
/* Fills user_id from what a key says: control characters out, cut between characters. */
void key_name(struct key_info *key, const char *user_id);
/* NULL when the key may be used; otherwise "holds a secret key", "is too weak (rsa1024)", "cannot sign". Expired and
 * revoked keys may be loaded. */
const char *key_refusal(const struct key_info *key);

CLEANUP_VALUE(key_list, struct key_list, key_list_release)

#endif
