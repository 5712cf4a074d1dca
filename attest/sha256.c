#include "attest/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>

#include "base/cleanup.h"

CLEANUP_POINTER(digest_context, EVP_MD_CTX, EVP_MD_CTX_free)

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm;

/* An implicit fetch costs half a microsecond each time. */
static void fetch(void)
{
	algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static EVP_MD_CTX *begin(void)
{
	EVP_MD_CTX *context;

	pthread_once(&fetched, fetch);
	if (!algorithm)
		return NULL;
	context = EVP_MD_CTX_new();
	if (context && EVP_DigestInit_ex2(context, algorithm, NULL) == 1)
		return context;
	EVP_MD_CTX_free(context);
	return NULL;
}

static bool add(EVP_MD_CTX *context, struct str bytes)
{
	return bytes.len == 0 || EVP_DigestUpdate(context, bytes.ptr, bytes.len) == 1;
}

static bool add_length(EVP_MD_CTX *context, size_t length)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)((uint64_t)length >> (56 - 8 * i));
	return EVP_DigestUpdate(context, bytes, sizeof(bytes)) == 1;
}

static bool end(EVP_MD_CTX *context, struct sha256 *out)
{
	struct sha256 result;
	unsigned size = 0;

	if (EVP_DigestFinal_ex(context, result.bytes, &size) != 1 || size != SHA256_SIZE)
		return false;
	*out = result;
	return true;
}

bool sha256_parts(const struct str *parts, size_t count, struct sha256 *out)
{
	cleanup(digest_context) EVP_MD_CTX *context = begin();

	if (!context)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!add_length(context, parts[i].len) || !add(context, parts[i]))
			return false;
	return end(context, out);
}

bool sha256_of(struct str bytes, struct sha256 *out)
{
	cleanup(digest_context) EVP_MD_CTX *context = begin();

	return context && add(context, bytes) && end(context, out);
}

bool sha256_equal(const struct sha256 *a, const struct sha256 *b)
{
	return CRYPTO_memcmp(a->bytes, b->bytes, SHA256_SIZE) == 0;
}
