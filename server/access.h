/* Who may use the API: bearer tokens of --token-file, and client certificates. */
#ifndef SEALGATE_SERVER_ACCESS_H
#define SEALGATE_SERVER_ACCESS_H

#include "base/err.h"
#include "server/http.h"

/* What a caller may do; each includes the ones before it. `attest`: read, and create attestation occurrences. */
enum access_role { ACCESS_NONE = 0, ACCESS_READ, ACCESS_ATTEST, ACCESS_ADMIN };

struct access;

/* `token_file` (kept, not copied) may be NULL. `open` is the plain API on loopback: everyone is admin. NULL on failure:
 * ERR_INVALID "FILE: line N: ...", or ERR_INTERNAL. A line is ROLE NAME sha256:HEX, the hash of a token; blank lines and lines that
 * begin with # are passed over; a token that stands there twice is an error. */
struct access *access_open(const char *token_file, bool open, struct err *e);
void access_close(struct access *access);
/* Reads the token file again when it changed, or when the machine was at fault the last time, which is told once. False
 * keeps the old tokens; `e` kind ERR_NONE: nothing changed. */
bool access_refresh(struct access *access, struct err *e);
/* The caller's role and its name for the log ("token ci", "client certificate", "loopback"). ERR_UNAUTHENTICATED
 * without or with unknown credentials. A token that is sent must be known, even where the API is open or a certificate
 * is shown, and gives its own role. Compares hashes in constant time. `name` may live in the request's arena. */
bool access_role_of(struct access *access, const struct http_request *request, enum access_role *role, struct str *name,
		    struct err *e) MUST_USE;

#endif
