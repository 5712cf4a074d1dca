#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "attest/sha256.h"
#include "base/codec.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_published_hashes),
		cmocka_unit_test(tells_lists_apart_that_join_to_the_same_text),
		cmocka_unit_test(precedes_each_part_by_its_length),
		cmocka_unit_test(is_equal_only_when_every_bit_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
