/* The certificate directory as read from disk. */
#ifndef SEALGATE_CERTS_DIRECTORY_H
#define SEALGATE_CERTS_DIRECTORY_H

#include "certs/issue.h"

/* One certificate or key file, bytes. */
#define CERTIFICATE_FILE_MAX (64u * 1024)

/* The certificate or key in DIR/NAME; NULL with ERR_NOT_FOUND or ERR_INVALID, the text names the file. */
X509 *directory_certificate(const char *dir, const char *name, struct err *e);
EVP_PKEY *directory_key(const char *dir, const char *name, struct err *e);
/* "server-key.pem" for "server.pem". False when `file` does not end in .pem or is too long. */
bool directory_key_name(const char *file, char out[64]);

#endif
