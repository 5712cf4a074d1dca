#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec.h"

/* RFC 4648, section 10, and bytes that tell the alphabets apart. */
static const struct {
	struct str bytes;
	const char *standard;
	const char *url;
} pairs[] = {
	{{"", 0}, "", ""},
	{{"f", 1}, "Zg==", "Zg"},
	{{"fo", 2}, "Zm8=", "Zm8"},
	{{"foo", 3}, "Zm9v", "Zm9v"},
	{{"foob", 4}, "Zm9vYg==", "Zm9vYg"},
	{{"fooba", 5}, "Zm9vYmE=", "Zm9vYmE"},
	{{"foobar", 6}, "Zm9vYmFy", "Zm9vYmFy"},
	{{"\xff\xff\xff", 3}, "////", "____"},
	{{"\xfb\xef\xbe", 3}, "++++", "----"},
	{{"\0\0\0\0", 4}, "AAAAAA==", "AAAAAA"},
	{{"\xff", 1}, "/w==", "_w"},
};

static bool decodes_to(const char *text, struct str bytes)
{
	cleanup(buf) struct buf out = buf_init(1000);

	return base64_decode(&out, str_of(text)) && str_eq(buf_str(&out), bytes);
}

static void base64_reads_what_it_writes_in_both_alphabets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		cleanup(buf) struct buf out = buf_init(100);

		base64_encode(&out, pairs[i].bytes, BASE64_STANDARD);
		assert_true(str_eq_c(buf_str(&out), pairs[i].standard));
		buf_clear(&out);
		base64_encode(&out, pairs[i].bytes, BASE64_URL);
		assert_true(str_eq_c(buf_str(&out), pairs[i].url));
		assert_true(decodes_to(pairs[i].standard, pairs[i].bytes));
		assert_true(decodes_to(pairs[i].url, pairs[i].bytes));
	}
}

static void line_ends_between_characters_are_passed_over(void **state)
{
	(void)state;
	assert_true(decodes_to("Zm9v\nYmFy\n", STR("foobar")));
	assert_true(decodes_to("Zm\r\n9vYm\nFy", STR("foobar")));
	assert_true(decodes_to("Zm9vYg=\n=\n", STR("foob")));
	assert_true(decodes_to("\n\r", STR("")));
	assert_true(decodes_to("+/==", STR("\xfb")) == false);
	assert_true(decodes_to("+w==", STR("\xfb")));
	assert_true(decodes_to("-w==", STR("\xfb")));
}

static const struct str not_base64[] = {
	{"Z", 1},	  {"Zg=", 3},	      {"Zg===", 5},  {"Zm8==", 5},    {"Zm9v=", 5},    {"Zm9v====", 8},
	{"=", 1},	  {"====", 4},	      {"Z===", 4},   {"Zg==Zg==", 8}, {"Zg==Zg", 6},   {"Z=g=", 4},
	{"Zh==", 4},	  {"Zh", 2},	      {"Zm9=", 4},   {"Zm9", 3},      {"Zm9vZ", 5},    {"+_==", 4},
	{"-/Zm", 4},	  {"////____", 8},    {"Zm 9v", 5},  {" Zm9v", 5},    {"Zm9v ", 5},    {"Zm\t9v", 5},
	{"Zm9v\0", 5},	  {"Zm\0v", 4},	      {"Zm9v.", 5},  {"Zm9v,", 5},    {"Zm9v\x80", 5}, {"\xc3\xbc", 2},
	{"Zm9v#Zm9v", 9}, {"data:,Zm9v", 10}, {"%5A%6D", 6}, {"Zg=Zg=", 6},   {"Zg\v==", 5},
};

static void base64_refuses_what_is_not_exactly_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(not_base64) / sizeof(not_base64[0]); i++) {
		cleanup(buf) struct buf out = buf_init(1000);

		buf_add_c(&out, "before");
		if (base64_decode(&out, not_base64[i]))
			fail_msg("row %zu", i);
		assert_string_equal(out.data, "before");
		assert_int_equal(out.len, 6);
	}
}

static void base64_stays_within_the_buffer(void **state)
{
	cleanup(buf) struct buf out = buf_init(8);

	(void)state;
	buf_add_c(&out, "abc");
	assert_false(base64_decode(&out, STR("Zm9vYmFy")));
	assert_true(str_eq_c(buf_str(&out), "abc"));
	buf_clear(&out);
	assert_true(base64_decode(&out, STR("Zm9vYmFyZm8=")));
	buf_clear(&out);
	base64_encode(&out, STR("foobarf"), BASE64_STANDARD);
	assert_true(out.failed);
}

static void every_pair_of_bytes_comes_back(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 65536; n += 7) {
		char bytes[2] = {(char)(n >> 8), (char)(n & 0xff)};
		cleanup(buf) struct buf text = buf_init(100);
		cleanup(buf) struct buf out = buf_init(100);

		base64_encode(&text, str_make(bytes, 2), n % 2 ? BASE64_URL : BASE64_STANDARD);
		assert_true(base64_decode(&out, buf_str(&text)));
		assert_true(str_eq(buf_str(&out), str_make(bytes, 2)));
	}
}

static void hex_is_written_in_either_case(void **state)
{
	cleanup(buf) struct buf out = buf_init(100);

	(void)state;
	hex_encode(&out, STR("\x00\x9a\xff"));
	hex_encode_upper(&out, STR("\x00\x9a\xff"));
	hex_encode(&out, STR(""));
	assert_true(str_eq_c(buf_str(&out), "009aff009AFF"));
}

static void lower_hex_has_exactly_its_digits(void **state)
{
	(void)state;
	assert_true(hex_is_lower(STR("0123456789abcdef"), 16));
	assert_true(hex_is_lower(STR(""), 0));
	assert_false(hex_is_lower(STR("0123456789abcde"), 16));
	assert_false(hex_is_lower(STR("0123456789abcdef0"), 16));
	assert_false(hex_is_lower(STR("0123456789abcdeF"), 16));
	assert_false(hex_is_lower(STR("0123456789abcdeg"), 16));
	assert_false(hex_is_lower(STR("/123"), 4));
	assert_false(hex_is_lower(STR(":123"), 4));
	assert_false(hex_is_lower(STR("`123"), 4));
	assert_false(hex_is_lower(STR("12\0"
				      "4"),
				  4));
}

static void hex_is_read_when_it_is_whole(void **state)
{
	unsigned char out[3] = {1, 2, 3};

	(void)state;
	assert_true(hex_decode(STR("00Fff9"), out, 3));
	assert_int_equal(out[0], 0x00);
	assert_int_equal(out[1], 0xff);
	assert_int_equal(out[2], 0xf9);
	assert_true(hex_decode(STR(""), out, 0));
	assert_false(hex_decode(STR("00fff"), out, 3));
	assert_false(hex_decode(STR("00fff99"), out, 3));
	assert_false(hex_decode(STR("00ff"), out, 3));
	assert_false(hex_decode(STR("00ffg9"), out, 3));
	assert_false(hex_decode(STR("0x00ff"), out, 3));
	assert_false(hex_decode(STR("00 ff9"), out, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_reads_what_it_writes_in_both_alphabets),
		cmocka_unit_test(line_ends_between_characters_are_passed_over),
		cmocka_unit_test(base64_refuses_what_is_not_exactly_right),
		cmocka_unit_test(base64_stays_within_the_buffer),
		cmocka_unit_test(every_pair_of_bytes_comes_back),
		cmocka_unit_test(hex_is_written_in_either_case),
		cmocka_unit_test(lower_hex_has_exactly_its_digits),
		cmocka_unit_test(hex_is_read_when_it_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
