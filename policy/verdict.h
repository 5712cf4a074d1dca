/* Verdicts and their reasons. The zero of both is "rejected"; there is one way to say yes. */
#ifndef SEALGATE_POLICY_VERDICT_H
#define SEALGATE_POLICY_VERDICT_H

#include "base/str.h"

enum verdict { VERDICT_REJECTED = 0, VERDICT_ACCEPTED = 1 };

/* Why a signature was not accepted. The names in text (verdict_reason_name) are labels of metrics; the sentences
 * (verdict_reason_text) complete "attestation NAME: ...". */
enum verdict_reason {
	REASON_NOT_VERIFIED = 0, /* nothing has been proven yet */
	REASON_GOOD,
	REASON_UNKNOWN_KEY, /* signed by a key that no attestor lists */
	REASON_BAD_SIGNATURE,
	REASON_KEY_EXPIRED,
	REASON_KEY_REVOKED,
	REASON_SUBKEY_EXPIRED,
	REASON_SUBKEY_REVOKED,
	REASON_KEY_CANNOT_SIGN, /* the subkey that made it may only encrypt */
	REASON_WEAK_KEY,	/* RSA or DSA under 2048 bits */
	REASON_WEAK_HASH,	/* SHA-1, MD5, RIPEMD-160 */
	REASON_SIGNATURE_EXPIRED,
	REASON_NOT_YET_VALID, /* created more than five minutes from now */
	REASON_SEVERAL_SIGNATURES,
	REASON_SEVERAL_MESSAGES, /* also data before or after the one message */
	REASON_NOT_OPENPGP,	 /* neither armour nor binary OpenPGP */
	REASON_BAD_HEADER,	 /* a clear-text header other than Hash: */
	REASON_NO_PAYLOAD,	 /* a detached signature where an attached one is needed, or an empty message */
	REASON_BAD_PAYLOAD,	 /* signed text that is not one of the payload formats */
	REASON_OTHER_DIGEST,
	REASON_OTHER_REPOSITORY,
	REASON_TOO_LARGE,
	REASON_TIMEOUT,
	REASON_WORKER_FAILED,
	REASON_BUSY, /* the queue is full */
	REASON_COUNT
};

/* "signed by an expired key", "payload names another digest", ... Never NULL. */
const char *verdict_reason_text(enum verdict_reason reason);
/* "key_expired", "other_digest", ... Never NULL. */
const char *verdict_reason_name(enum verdict_reason reason);

#endif
