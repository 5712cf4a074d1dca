/* Private to attest/openpgp*.c, which alone know gpgme: a home of gpg, and what all of them ask it. */
#ifndef SEALGATE_ATTEST_OPENPGP_PRIVATE_H
#define SEALGATE_ATTEST_OPENPGP_PRIVATE_H

#include <gpgme.h>

#include "attest/openpgp.h"
#include "attest/openpgp_home.h"
#include "attest/signer_table.h"
#include "base/cleanup.h"

struct openpgp {
	char home[OPENPGP_HOME_PATH_MAX];
	enum openpgp_home_use use;
	gpgme_ctx_t context;
	struct signer_table signers;
	bool signers_known; /* the table holds what the keyring holds */
	bool gpg_refused;   /* in the last verification gpg said itself that something was wrong */
};

CLEANUP_POINTER(gpgme_data, struct gpgme_data, gpgme_data_release)
CLEANUP_POINTER(gpgme_context, struct gpgme_context, gpgme_release)
CLEANUP_POINTER(openpgp, struct openpgp, openpgp_free)

static inline void cleanup_gpgme_key(gpgme_key_t *key)
{
	if (*key)
		gpgme_key_unref(*key);
}

/* "WHAT: gpgme's words for the error". Returns false. */
bool openpgp_fail(struct err *e, enum err_kind kind, const char *what, gpgme_error_t error);
/* A context for OpenPGP, armoured and offline, of whatever home is entered. The caller releases it. */
bool openpgp_context(gpgme_ctx_t *out, struct err *e) MUST_USE;
/* A home of its own below `parent`. NULL on failure. */
struct openpgp *openpgp_make(const char *parent, enum openpgp_home_use use, struct err *e);
/* Makes `p` the home of every gpg that is called until the next one enters, also when this fails. */
bool openpgp_enter(const struct openpgp *p, struct err *e) MUST_USE;
/* `bytes`, which must outlive it, as gpgme reads them. */
bool openpgp_data(struct str bytes, gpgme_data_t *out, struct err *e) MUST_USE;
/* Calls `each` for every key of a listing that has been started, until one returns false. */
bool openpgp_each_key(gpgme_ctx_t context, bool (*each)(void *target, gpgme_key_t key, struct err *e), void *target,
		      struct err *e) MUST_USE;
/* A whole fingerprint in upper case; false, and `out` is as before, for anything else. */
bool openpgp_fingerprint(const char *text, char out[FINGERPRINT_MAX + 1]) MUST_USE;
/* Fills p->signers with what the keyring holds, once. */
bool openpgp_know_signers(struct openpgp *p, struct err *e) MUST_USE;
/* Whether gpg still runs, and lists as many keys as before. */
bool openpgp_engine_works(struct openpgp *p) MUST_USE;

#endif
