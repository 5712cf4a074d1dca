/* Keys and certificates as OpenSSL values: ECDSA P-256, SHA-256, random serial numbers of 159 bits. */
#ifndef SEALGATE_CERTS_ISSUE_H
#define SEALGATE_CERTS_ISSUE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "certs/san.h"

CLEANUP_POINTER(x509, X509, X509_free)
CLEANUP_POINTER(evp_pkey, EVP_PKEY, EVP_PKEY_free)

enum certificate_role { ROLE_CA, ROLE_SERVER, ROLE_CLIENT };

struct authority {
	X509 *certificate;
	EVP_PKEY *key;
};

void authority_release(struct authority *authority);
CLEANUP_VALUE(authority, struct authority, authority_release)

/* A new key; NULL with ERR_INTERNAL. */
EVP_PKEY *issue_key(struct err *e);
/* A certificate for `key`, valid from five minutes before `now` (seconds): ten years for a CA, one year for the others
 * and never longer than its CA. `names` is for ROLE_SERVER, otherwise NULL. `by` is NULL for a CA, which signs itself.
 * NULL with ERR_INTERNAL. */
X509 *issue_certificate(enum certificate_role role, EVP_PKEY *key, const GENERAL_NAMES *names,
			const struct authority *by, int64_t now, struct err *e);

/* Append PEM. The key is PKCS #8, not encrypted. */
bool pem_write_certificate(const X509 *certificate, struct buf *out, struct err *e) MUST_USE;
bool pem_write_key(const EVP_PKEY *key, struct buf *out, struct err *e) MUST_USE;
/* The first certificate or key in `pem`; NULL with ERR_INVALID. Never asks for a passphrase. */
X509 *pem_read_certificate(struct str pem, struct err *e);
EVP_PKEY *pem_read_key(struct str pem, struct err *e);

/* "WHAT: " and OpenSSL's reason, ERR_INTERNAL; empties OpenSSL's queue of errors. Returns false. */
bool err_openssl(struct err *e, const char *what);

#endif
