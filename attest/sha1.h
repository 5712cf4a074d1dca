/* SHA-1, through OpenSSL: for the fingerprints of OpenPGP keys, which are made of it. Never for what is signed. */
#ifndef SEALGATE_ATTEST_SHA1_H
#define SEALGATE_ATTEST_SHA1_H

#include <stdbool.h>
#include <stddef.h>

#define SHA1_SIZE 20

/* Hash of `size` bytes. False only when OpenSSL fails. */
bool sha1_of(const void *bytes, size_t size, unsigned char out[SHA1_SIZE]) __attribute__((warn_unused_result));

#endif
