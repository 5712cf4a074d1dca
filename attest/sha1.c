#include "attest/sha1.h"

#include <openssl/evp.h>

bool sha1_of(const void *bytes, size_t size, unsigned char out[SHA1_SIZE])
{
	unsigned length = 0;

	return EVP_Digest(bytes, size, out, &length, EVP_sha1(), NULL) == 1 && length == SHA1_SIZE;
}
