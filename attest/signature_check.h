/* What gpg found out about one signature, judged: gpg 2.2 calls a signature good that is over SHA-1, by a key of 1024
 * bits, or dated in the future. Pure: the time is an argument. */
#ifndef SEALGATE_ATTEST_SIGNATURE_CHECK_H
#define SEALGATE_ATTEST_SIGNATURE_CHECK_H

#include "attest/openpgp.h"
#include "attest/signer_table.h"

/* A signature may be dated this much after the reader's clock, seconds. */
#define SIGNATURE_CLOCK_SKEW 300

/* What gpg says. */
enum finding {
	FINDING_NONE = 0, /* nothing that can be relied on */
	FINDING_GOOD,
	FINDING_BAD,
	FINDING_NO_KEY,
	FINDING_WRONG_USAGE,
	FINDING_HASH_REFUSED,
	FINDING_KEY_EXPIRED,	   /* good otherwise */
	FINDING_KEY_REVOKED,	   /* good otherwise */
	FINDING_SIGNATURE_EXPIRED, /* good otherwise */
	FINDING_COUNT
};

struct signature_report {
	enum finding finding;
	char signer[FINGERPRINT_MAX + 1]; /* fingerprint or key id of the key or subkey; may be empty */
	unsigned hash_algorithm;	  /* RFC 4880, 9.4 */
	int64_t created_at;
	int64_t expires_at; /* 0 = never */
};

/* Fills signer, dates and reason of *out. REASON_GOOD says that the signature counts; the verdict stays rejected, for
 * the payload has not been read yet. */
void signature_check(const struct signature_report *report, const struct signer_table *signers, int64_t now,
		     struct signature_facts *out);

#endif
