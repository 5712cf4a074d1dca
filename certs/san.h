/* Names of a server certificate (subjectAltName): DNS names and IP addresses. */
#ifndef SEALGATE_CERTS_SAN_H
#define SEALGATE_CERTS_SAN_H

#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

CLEANUP_POINTER(general_names, GENERAL_NAMES, GENERAL_NAMES_free)

/* Adds `text`: an IPv4 or IPv6 address, or a DNS name of letters, digits, hyphens and dots, where the first label may
 * be
 * "*". A name that is in already is passed over. ERR_INVALID when it is neither. */
bool san_add(GENERAL_NAMES *names, const char *text, struct err *e) MUST_USE;
/* Adds the DNS names and IP addresses that `certificate` has; a certificate without any is legal. */
bool san_add_from(GENERAL_NAMES *names, const X509 *certificate, struct err *e) MUST_USE;
/* Appends the names as text, separated by ", ". */
void san_write(const GENERAL_NAMES *names, struct buf *out);

#endif
