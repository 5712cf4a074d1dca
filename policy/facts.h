/* How facts reach the evaluation: the policy asks, the server or the CLI answers. Nothing else crosses. */
#ifndef SEALGATE_POLICY_FACTS_H
#define SEALGATE_POLICY_FACTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "policy/verdict.h"

/* Fingerprint of an OpenPGP primary key, 40 (v4) or 64 (v5) upper-case hex digits. */
#define FINGERPRINT_MAX 64

/* One stored attestation and what its signature proves. */
struct attestation_fact {
	struct str name;      /* "projects/P/occurrences/ID" */
	struct str note;      /* "projects/P/notes/N" */
	enum verdict verdict; /* ACCEPTED: `signer` made the signature and its payload names `digest` */
	enum verdict_reason reason;
	struct str signer;	/* full fingerprint of the primary key; "" when unknown */
	struct str digest;	/* what the payload vouches for; the evaluation compares again */
	struct str repository;	/* normal form; "" when the payload names none: it then counts in every repository */
	int64_t signed_at;	/* seconds */
	int64_t expires_at;	/* the earlier of signature and key; 0 for never */
	bool key_expires_first; /* expires_at is the key's */
};

struct facts_answer;

struct facts_query {
	struct str digest;
	const struct str *notes; /* the notes that matter; count 0 = every note */
	size_t note_count;
	/* True when these attestations are all that the policies which ask need; NULL: never. A source may stop then.
	 * It decides nothing: the answer is judged as if nothing more had been found. */
	bool (*enough)(void *context, const struct facts_answer *so_far);
	void *context;
};

struct facts_answer {
	struct attestation_fact *items; /* newest first, in the arena */
	size_t count;
	size_t unverified; /* attestations left out because more than LIMIT_UNVERIFIED had no verdict */
};

struct facts {
	void *context;
	/* Attestations of one digest. False when they can't be known (store unreadable, deadline): the image is then
	 * refused with e's text. */
	bool (*attestations)(void *context, const struct facts_query *query, struct arena *arena,
			     struct facts_answer *out, struct err *e);
};

#endif
