/* Certificate, key and client CA from files, reloaded when they change: the next handshake uses the new pair. A pair
 * that doesn't fit is ignored until it does. The only file that includes gnutls (libmicrohttpd's TLS). */
#ifndef SEALGATE_SERVER_TLS_FILES_H
#define SEALGATE_SERVER_TLS_FILES_H

#include <stdint.h>

#include "base/err.h"

struct tls_files;

/* `client_ca` may be NULL. ERR_INVALID names the file and what is wrong. */
struct tls_files *tls_files_open(const char *certificate, const char *key, const char *client_ca, struct err *e);
void tls_files_close(struct tls_files *files);
/* Looks whether the files changed and takes them over when they fit. True when something new is in force. `e` tells why
 * not (kind ERR_NONE: nothing changed). */
bool tls_files_refresh(struct tls_files *files, struct err *e);
/* Seconds since 1970 when the certificate in force expires. */
int64_t tls_files_expiry(struct tls_files *files);

#endif
