/* Certificates for a cluster's webhook: a CA, a server and a client certificate. ECDSA P-256, through OpenSSL. */
#ifndef SEALGATE_CERTS_X509_H
#define SEALGATE_CERTS_X509_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/options.h"

/* Writes ca.pem ca-key.pem server.pem server-key.pem client.pem client-key.pem into `dir` (made when absent, 0700);
 * keys are 0600. `names` are DNS names and IP addresses of the server certificate, after localhost, 127.0.0.1 and ::1.
 * ERR_FORBIDDEN (exit 1) when any of the files is there already; nothing is then written. CA 10 years, others 1 year.
 * All files appear whole or not at all. */
bool certs_init(const char *dir, const struct option_list *names, struct err *e) MUST_USE;
/* New server and client certificates from the CA in `dir`, with the names of the old server certificate and `names`
 * added. */
bool certs_renew(const char *dir, const struct option_list *names, struct err *e) MUST_USE;

struct certificate_info {
	char file[64];
	char subject[256];
	char issuer[256];
	char names[1024]; /* comma separated */
	int64_t not_before;
	int64_t not_after;
	char fingerprint[65];	    /* SHA-256, lower-case hex */
	bool fits;		    /* chains to ca.pem, key file belongs to it */
	char problem[ERR_TEXT_MAX]; /* "" when it fits */
};

/* Describes one of the certificates in `dir`: "ca.pem", "server.pem", "client.pem". */
bool certs_show(const char *dir, const char *file, struct certificate_info *out, struct err *e) MUST_USE;

/* Appends the certificates in the PEM file `path`, each again in PEM and nothing beside them. ERR_INVALID when it holds
 * none, or a private key, which has no place where the certificates go. */
bool certs_read_bundle(const char *path, struct buf *out, struct err *e) MUST_USE;

#endif
