#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <openssl/evp.h>

#include "attest/sha256.h"
#include "base/codec.h"

/* OpenSSL's functions, each of which can be made to fail: at the n-th call from now on. */
enum step { STEP_NEW, STEP_INIT, STEP_UPDATE, STEP_FINAL, STEP_SIZE, STEPS };

static enum step failing = STEPS;
static unsigned calls_left;

static bool fails(enum step step)
{
	return step == failing && calls_left > 0 && --calls_left == 0;
}

#define REAL(name)                      \
	union {                         \
		void *address;          \
		__typeof__(name) *call; \
	} real = {dlsym(RTLD_NEXT, #name)}

EVP_MD_CTX *EVP_MD_CTX_new(void)
{
	REAL(EVP_MD_CTX_new);

	return fails(STEP_NEW) ? NULL : real.call();
}

int EVP_DigestInit_ex2(EVP_MD_CTX *context, const EVP_MD *type, const OSSL_PARAM parameters[])
{
	REAL(EVP_DigestInit_ex2);

	return fails(STEP_INIT) ? 0 : real.call(context, type, parameters);
}

int EVP_DigestUpdate(EVP_MD_CTX *context, const void *bytes, size_t size)
{
	REAL(EVP_DigestUpdate);

	return fails(STEP_UPDATE) ? 0 : real.call(context, bytes, size);
}

int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *out, unsigned *size)
{
	REAL(EVP_DigestFinal_ex);
	int done = real.call(context, out, size);

	if (fails(STEP_SIZE))
		*size -= 1;
	return fails(STEP_FINAL) ? 0 : done;
}

static void assert_hash(const struct sha256 *hash, const char *hex)
{
	cleanup(buf) struct buf text = buf_init(2 * SHA256_SIZE);

	hex_encode(&text, str_make((const char *)hash->bytes, SHA256_SIZE));
	assert_string_equal(text.data, hex);
}

static void gives_the_published_hashes(void **state)
{
	struct sha256 hash;

	(void)state;
	assert_true(sha256_of(STR("abc"), &hash));
	assert_hash(&hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(sha256_of((struct str){0}, &hash));
	assert_hash(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static bool same(const struct str *a, size_t a_count, const struct str *b, size_t b_count)
{
	struct sha256 left;
	struct sha256 right;

	assert_true(sha256_parts(a, a_count, &left));
	assert_true(sha256_parts(b, b_count, &right));
	return memcmp(left.bytes, right.bytes, SHA256_SIZE) == 0;
}

static void tells_lists_apart_that_join_to_the_same_text(void **state)
{
	const struct str ab_c[] = {STR("ab"), STR("c")};
	const struct str a_bc[] = {STR("a"), STR("bc")};
	const struct str abc[] = {STR("abc")};
	const struct str abc_empty[] = {STR("abc"), STR("")};

	(void)state;
	assert_true(same(ab_c, 2, ab_c, 2));
	assert_false(same(ab_c, 2, a_bc, 2));
	assert_false(same(ab_c, 2, abc, 1));
	assert_false(same(abc, 1, abc_empty, 2));
	assert_false(same(abc, 0, abc_empty + 1, 1));
}

static void precedes_each_part_by_its_length(void **state)
{
	const struct str part[] = {STR("abc")};
	struct sha256 parts;
	struct sha256 plain;

	(void)state;
	assert_true(sha256_parts(part, 1, &parts));
	assert_true(sha256_of(STR("\0\0\0\0\0\0\0\3abc"), &plain));
	assert_memory_equal(parts.bytes, plain.bytes, SHA256_SIZE);
}

static void is_equal_only_when_every_bit_is(void **state)
{
	struct sha256 a, b;

	(void)state;
	assert_true(sha256_of(STR("x"), &a));
	for (size_t i = 0; i < 8 * SHA256_SIZE; i++) {
		b = a;
		assert_true(sha256_equal(&a, &b));
		b.bytes[i / 8] ^= (unsigned char)(1u << i % 8);
		assert_false(sha256_equal(&a, &b));
	}
}

/* Else two signatures could share a verdict. */
static void what_openssl_could_not_hash_has_no_hash(void **state)
{
	const struct str parts[] = {STR("signature"), STR("payload")};
	const unsigned last_call[STEPS] = {1, 1, 4, 1, 1};
	struct sha256 as_before, hash;

	(void)state;
	memset(&as_before, 0x55, sizeof(as_before));
	for (int step = 0; step < STEPS; step++)
		for (unsigned n = 1; n <= last_call[step]; n++) {
			hash = as_before;
			failing = (enum step)step;
			calls_left = n;
			assert_false(sha256_parts(parts, 2, &hash));
			assert_int_equal(calls_left, 0);
			calls_left = 1;
			assert_false(sha256_of(parts[0], &hash));
			assert_memory_equal(&hash, &as_before, sizeof(hash));
		}
	failing = STEPS;
	assert_true(sha256_parts(parts, 2, &hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_published_hashes),
		cmocka_unit_test(tells_lists_apart_that_join_to_the_same_text),
		cmocka_unit_test(precedes_each_part_by_its_length),
		cmocka_unit_test(is_equal_only_when_every_bit_is),
		cmocka_unit_test(what_openssl_could_not_hash_has_no_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
