/* OpenPGP through gpgme: the only file that includes gpgme.h. Verification runs in the verify worker only
 * (attest/worker.h); signing runs in the CLI.
 *
 * An `openpgp` has a private, throw-away home directory (0700), never the user's keyring. One thread at a time, and one
 * thread for all of a process: calls set GNUPGHOME. */
#ifndef SEALGATE_ATTEST_OPENPGP_H
#define SEALGATE_ATTEST_OPENPGP_H

#include "attest/key.h"
#include "attest/openpgp_home.h"
#include "attest/payload.h"
#include "attest/signer_table.h"
#include "base/buf.h"
#include "base/err.h"
#include "policy/facts.h"

struct openpgp;

/* What one signature proves, whatever image is asked about. */
struct signature_facts {
	enum verdict verdict; /* ACCEPTED only with reason GOOD: signer, payload and dates below are then proven */
	enum verdict_reason reason;
	char signer[FINGERPRINT_MAX +
		    1]; /* primary key; for UNKNOWN_KEY what the signature says (may be a key id), for display only */
	int64_t signed_at;	      /* seconds */
	int64_t signature_expires_at; /* 0 = never */
	int64_t key_expires_at;	      /* earlier of primary and signing subkey; 0 = never */
	char digest[7 + 128 + 1];     /* "sha256:HEX" of the payload; "" unless ACCEPTED or OTHER_* */
	char repository[512];	      /* normal form; "" when the payload names none */
};

/* Does what the first openpgp of a process would have to do, which runs a gpg; what fails is tried again then. */
void openpgp_warm_up(void);

/* What gpg made of key texts: all that verifying under them needs. */
struct openpgp_keyring {
	struct buf keyring; /* gpg's own files */
	struct buf trust;
	struct signer_table signers;  /* every key and subkey in it */
	struct key_list certificates; /* the same, described as openpgp_inspect does; may be none */
};

/* Empty, to be filled once and given back with openpgp_keyring_release. */
struct openpgp_keyring openpgp_keyring_init(void);
void openpgp_keyring_release(struct openpgp_keyring *keyring);
/* Imports key texts as openpgp_import does, in a home that is gone afterwards, and lists what has become of them.
 * Without `repair` gpg does not look for signatures that stand behind the wrong part of a key, which takes half the
 * time: only for CERTIFICATE_PLAIN. */
bool openpgp_keyring_make(const char *parent, bool repair, const struct str *texts, size_t count,
			  struct openpgp_keyring *out, struct err *e) MUST_USE;

/* Verifies under keyrings that were made, with no call of gpg: `signers` says what is in all of them, and is taken over
 * and left empty. NULL on failure. */
struct openpgp *openpgp_open(const char *parent, const struct openpgp_files *files, size_t count,
			     struct signer_table *signers, struct err *e);
/* Makes the home below `parent` (which must exist) with the settings of docs/ARCHITECTURE.md, "OpenPGP". */
struct openpgp *openpgp_new(const char *parent, struct err *e);
/* Removes the home. NULL is legal. */
void openpgp_free(struct openpgp *p);
/* Imports key texts, most of them in one call of gpg. Keys that are in already are merged by gpg. A text that gpg can't
 * read adds nothing, which is not an error: signatures by its keys are then by unknown keys. */
bool openpgp_import(struct openpgp *p, const struct str *keys, size_t count, struct err *e) MUST_USE;
/* Describes every certificate in `key` (armoured or binary) without importing it. ERR_INVALID when it is no key. */
bool openpgp_inspect(struct openpgp *p, struct str key, struct key_list *out, struct err *e) MUST_USE;
/* Verifies `upload` (armour or base64 of it). `payload`: for a detached signature the signed bytes; ptr NULL when there
 * are none. `now` in seconds decides not-yet-valid and expiry. Starts from rejected. */
void openpgp_verify(struct openpgp *p, struct str upload, struct str payload, int64_t now, struct signature_facts *out);

CLEANUP_VALUE(openpgp_keyring, struct openpgp_keyring, openpgp_keyring_release)

enum sign_mode { SIGN_CLEAR, SIGN_ATTACHED, SIGN_DETACHED };

struct sign_request {
	const char *key; /* a key id, fingerprint or user id of the user's keyring, or the path of a secret key file */
	const char *passphrase; /* NULL: gpg-agent asks */
	enum sign_mode mode;
	struct str payload;
};

/* Signs with the user's own gpg home, or with a private one when `key` is a file. Appends armour to `out`; *fingerprint
 * gets the primary fingerprint. ERR_NOT_FOUND when no such secret key. */
bool openpgp_sign(const struct sign_request *request, const char *parent, struct buf *out,
		  char fingerprint[FINGERPRINT_MAX + 1], struct err *e) MUST_USE;

#endif
