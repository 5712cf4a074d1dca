#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "attest/packets.h"

/* Bodies with the fewest bytes that have a shape. */
#define ZEROS_15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SIGNATURE_BODY(type, hash) "\4" type "\1" hash ZEROS_15
#define SIGNATURE "\xc2\x13" SIGNATURE_BODY("\1", "\xa")
/* Version 3: date and key stand before the hash. */
#define OLD_SIGNATURE(type) "\xc2\x13\3\5" type "\0\0\0\0\0\0\0\0\0\0\0\0\1\xa\0\0"
#define CERTIFICATION "\xc2\x13" SIGNATURE_BODY("\x10", "\xa")
#define ONE_PASS "\xc4\xd\3\1\xa\1\0\0\0\0\0\0\0\0\1"
#define ONE_PASS_NESTED "\xc4\xd\3\1\xa\1\0\0\0\0\0\0\0\0\0"
#define LITERAL   \
	"\xcb\x8" \
	"b\0\0\0\0\0ok"
#define LITERAL_EMPTY \
	"\xcb\x6"     \
	"b\0\0\0\0\0"
#define COMPRESSED "\xa3\1xxxx"
#define USER_ID "\xcd\2ab"

static void tells_the_three_shapes(void **state)
{
	const struct {
		struct str bytes;
		enum packets_shape shape;
	} cases[] = {
		{STR(SIGNATURE), PACKETS_SIGNATURE},
		{STR("\x88\x13" SIGNATURE_BODY("\0", "\x8")), PACKETS_SIGNATURE},
		{STR("\x89\0\x13" SIGNATURE_BODY("\0", "\x8")), PACKETS_SIGNATURE},
		{STR("\xc2\xff\0\0\0\x13" SIGNATURE_BODY("\0", "\x8")), PACKETS_SIGNATURE},
		{STR(OLD_SIGNATURE("\1")), PACKETS_SIGNATURE},
		{STR(ONE_PASS LITERAL SIGNATURE), PACKETS_MESSAGE},
		{STR(ONE_PASS "\xcb\xe1"
			      "b\0\6"
			      "\0\0\0\0ok" SIGNATURE),
		 PACKETS_MESSAGE},
		{STR(COMPRESSED), PACKETS_COMPRESSED},
		{STR("\xc8\5\1xxxx"), PACKETS_COMPRESSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packets found;

		if (packets_read(cases[i].bytes, &found) != REASON_GOOD)
			fail_msg("case %zu", i);
		assert_int_equal(found.shape, cases[i].shape);
		if (found.shape == PACKETS_SIGNATURE)
			assert_int_equal(found.hash_algorithm == 8 || found.hash_algorithm == 10, true);
	}
}

static void refuses_what_is_not_one_message(void **state)
{
	const struct {
		struct str bytes;
		enum verdict_reason reason;
	} cases[] = {
		{STR(""), REASON_NOT_OPENPGP},
		{STR("text"), REASON_NOT_OPENPGP},
		{STR("\xc2"), REASON_NOT_OPENPGP},
		{STR("\xc2\x13\4\1"), REASON_NOT_OPENPGP},
		{STR("\xc2\xff\xff\xff\xff\xff\4"), REASON_NOT_OPENPGP},
		{STR("\xc2\xe1\4\1"), REASON_NOT_OPENPGP},
		{STR("\x8b\4\1\1\xa" ZEROS_15), REASON_NOT_OPENPGP},
		{STR("\xc2\x12\4\1\1\xa\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), REASON_NOT_OPENPGP},
		{STR("\xc2\x13\2\1\1\xa" ZEROS_15), REASON_NOT_OPENPGP},
		{STR(CERTIFICATION), REASON_BAD_SIGNATURE},
		{STR(OLD_SIGNATURE("\x10")), REASON_BAD_SIGNATURE},
		{STR(SIGNATURE SIGNATURE), REASON_SEVERAL_SIGNATURES},
		{STR(SIGNATURE CERTIFICATION), REASON_SEVERAL_SIGNATURES},
		{STR(SIGNATURE USER_ID), REASON_SEVERAL_MESSAGES},
		{STR(SIGNATURE "text"), REASON_SEVERAL_MESSAGES},
		{STR(SIGNATURE "\xc2"), REASON_SEVERAL_MESSAGES},
		{STR(SIGNATURE LITERAL), REASON_SEVERAL_MESSAGES},
		{STR(LITERAL), REASON_BAD_SIGNATURE},
		{STR(ONE_PASS LITERAL), REASON_NOT_OPENPGP},
		{STR(ONE_PASS SIGNATURE), REASON_SEVERAL_MESSAGES},
		{STR("\xc4\xe\3\1\xa\1\0\0\0\0\0\0\0\0\1x" LITERAL SIGNATURE), REASON_NOT_OPENPGP},
		{STR("\xc4\xd\4\1\xa\1\0\0\0\0\0\0\0\0\1" LITERAL SIGNATURE), REASON_NOT_OPENPGP},
		{STR("\xc4\xc\3\1\xa\1\0\0\0\0\0\0\0\1" LITERAL SIGNATURE), REASON_NOT_OPENPGP},
		{STR(ONE_PASS "\xcb\1b" SIGNATURE), REASON_NOT_OPENPGP},
		{STR(ONE_PASS_NESTED LITERAL SIGNATURE), REASON_SEVERAL_SIGNATURES},
		{STR(ONE_PASS_NESTED ONE_PASS LITERAL SIGNATURE SIGNATURE), REASON_SEVERAL_SIGNATURES},
		{STR(ONE_PASS LITERAL SIGNATURE LITERAL), REASON_SEVERAL_MESSAGES},
		{STR(ONE_PASS LITERAL SIGNATURE SIGNATURE), REASON_SEVERAL_SIGNATURES},
		{STR(LITERAL ONE_PASS LITERAL SIGNATURE), REASON_SEVERAL_MESSAGES},
		{STR(ONE_PASS LITERAL_EMPTY SIGNATURE), REASON_NO_PAYLOAD},
		{STR(ONE_PASS LITERAL CERTIFICATION), REASON_BAD_SIGNATURE},
		{STR(ONE_PASS "\xcb\3b\x9x" SIGNATURE), REASON_NOT_OPENPGP},
		{STR("\xc8\5\1xxxx" LITERAL), REASON_SEVERAL_MESSAGES},
		{STR("\xc8\xe2\1xxx"), REASON_NOT_OPENPGP},
		{STR("\xc8\xe2\1xxx\5ab"), REASON_NOT_OPENPGP},
		{STR("\xc8\1\1"), REASON_NO_PAYLOAD},
		{STR(USER_ID), REASON_NOT_OPENPGP},
		{STR(USER_ID USER_ID USER_ID USER_ID USER_ID), REASON_NOT_OPENPGP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packets found = {.version = 99};
		enum verdict_reason reason = packets_read(cases[i].bytes, &found);

		if (reason != cases[i].reason)
			fail_msg("case %zu: %s", i, verdict_reason_name(reason));
		assert_int_equal(found.version, 99);
	}
}

#define CERTIFICATE "\xc6\0"

/* What goes to gpg in one piece is counted first, so that none is lost in it. */
static void counts_whole_certificates_and_nothing_else(void **state)
{
	const struct {
		struct str bytes;
		size_t count;
	} cases[] = {
		{STR(CERTIFICATE), 1},
		{STR("\x98\0"), 1},
		{STR("\x99\0\0"), 1},
		{STR("\x9a\0\0\0\0"), 1},
		{STR("\xc6\xff\0\0\0\0"), 1},
		{STR(CERTIFICATE USER_ID CERTIFICATE), 2},
		{STR("\xc6\1a" CERTIFICATE), 2},
		{STR(""), 0},
		{STR("\xc6"), 0},
		{STR("\x99\0"), 0},
		{STR("\x98"), 0},
		{STR("\xc6\xc0"), 0},
		{STR("\xc6\xff\0\0\0"), 0},
		{STR("\xc6\1"), 0},
		{STR("\x18\0"), 0},
		{STR("\x9b"), 0},
		{STR(CERTIFICATE "text"), 0},
		{STR(CERTIFICATE "\xcd"), 0},
		{STR(CERTIFICATE "\xcd\2a"), 0},
		{STR(CERTIFICATE "\xcb\xe0x\0"), 0},
		{STR(USER_ID CERTIFICATE), 0},
		{STR(USER_ID), 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (packets_count_certificates(cases[i].bytes) != cases[i].count)
			fail_msg("case %zu: %zu", i, packets_count_certificates(cases[i].bytes));
}

/* A certificate of `size` bytes, its length written as `head`, and an empty one behind it. */
static size_t count_sized(struct str head, size_t size)
{
	static char bytes[20000];

	memset(bytes, 0, sizeof(bytes));
	bytes[0] = (char)0xc6;
	memcpy(bytes + 1, head.ptr, head.len);
	memcpy(bytes + 1 + head.len + size, CERTIFICATE, 2);
	return packets_count_certificates(str_make(bytes, 1 + head.len + size + 2));
}

static void each_form_of_length_has_its_edges(void **state)
{
	(void)state;
	assert_int_equal(count_sized(STR("\xbf"), 191), 2);
	assert_int_equal(count_sized(STR("\xc0\0"), 192), 2);
	assert_int_equal(count_sized(STR("\xc1\2"), 450), 2);
	assert_int_equal(count_sized(STR("\xdf\xff"), 8383), 2);
	assert_int_equal(count_sized(STR("\xff\0\0\x20\xc0"), 8384), 2);
	/* In parts, of which the first would be one byte; as two bytes it would be a length. */
	assert_int_equal(count_sized(STR("\xe0\0"), 8384), 0);
	assert_int_equal(count_sized(STR("\xe0x\0"), 0), 0);
}

static void only_known_strong_hashes_are_strong(void **state)
{
	unsigned strong = 0;

	(void)state;
	for (unsigned hash = 0; hash < 256; hash++)
		strong += !packets_hash_is_weak(hash);
	assert_int_equal(strong, 6);
	assert_true(packets_hash_is_weak(1));
	assert_true(packets_hash_is_weak(2));
	assert_true(packets_hash_is_weak(3));
	assert_false(packets_hash_is_weak(8));
	assert_false(packets_hash_is_weak(10));
	assert_true(packets_hash_is_weak(256 + 8));
}

/* A signature packet that says it has nearly four gigabytes, in each form of lengths. */
static void CVE_2024_29903_a_declared_length_is_not_believed(void **state)
{
	static const struct str heads[] = {{"\xc2\xff\xff\xff\xff\xf0\x04", 7},
					   {"\x8a\xff\xff\xff\xf0\x04", 6},
					   {"\xc2\xfe\x04", 3},
					   {"\xc2\xdf\xff\x04", 4}};
	struct packets packets;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		assert_int_not_equal(packets_read(heads[i], &packets), REASON_GOOD);
		assert_int_equal(packets_count_certificates(heads[i]), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_three_shapes),
		cmocka_unit_test(refuses_what_is_not_one_message),
		cmocka_unit_test(counts_whole_certificates_and_nothing_else),
		cmocka_unit_test(each_form_of_length_has_its_edges),
		cmocka_unit_test(only_known_strong_hashes_are_strong),
		cmocka_unit_test(CVE_2024_29903_a_declared_length_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
