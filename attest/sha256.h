/* SHA-256, through OpenSSL. */
#ifndef SEALGATE_ATTEST_SHA256_H
#define SEALGATE_ATTEST_SHA256_H

#include <stdbool.h>

#include "base/str.h"

#define SHA256_SIZE 32

struct sha256 {
	unsigned char bytes[SHA256_SIZE];
};

/* Hash of the parts, each preceded by its length as eight bytes, so that no two lists of parts hash alike. False only
 * when OpenSSL fails. */
bool sha256_parts(const struct str *parts, size_t count, struct sha256 *out) __attribute__((warn_unused_result));
/* Plain hash of `bytes`. */
bool sha256_of(struct str bytes, struct sha256 *out) __attribute__((warn_unused_result));
/* In a time that does not tell where they differ: for what proves who calls. */
bool sha256_equal(const struct sha256 *a, const struct sha256 *b);

#endif
