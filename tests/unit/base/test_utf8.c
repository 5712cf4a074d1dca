#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

static const struct {
	struct str text;
	size_t width;
} sequences[] = {
	{{"", 0}, 0},
	{{"a", 1}, 1},
	{{"\0", 1}, 1},
	{{"\x7f", 1}, 1},
	{{"\xc2\x80", 2}, 2},
	{{"\xdf\xbf", 2}, 2},
	{{"\xe0\xa0\x80", 3}, 3},
	{{"\xed\x9f\xbf", 3}, 3},
	{{"\xee\x80\x80", 3}, 3},
	{{"\xef\xbf\xbf", 3}, 3},
	{{"\xf0\x90\x80\x80", 4}, 4},
	{{"\xf4\x8f\xbf\xbf", 4}, 4},
	/* continuation alone, overlong, surrogates, above U+10FFFF, bytes that never occur */
	{{"\x80", 1}, 0},
	{{"\xbf", 1}, 0},
	{{"\xc0\x80", 2}, 0},
	{{"\xc1\xbf", 2}, 0},
	{{"\xe0\x80\x80", 3}, 0},
	{{"\xe0\x9f\xbf", 3}, 0},
	{{"\xed\xa0\x80", 3}, 0},
	{{"\xed\xbf\xbf", 3}, 0},
	{{"\xf0\x80\x80\x80", 4}, 0},
	{{"\xf0\x8f\xbf\xbf", 4}, 0},
	{{"\xf4\x90\x80\x80", 4}, 0},
	{{"\xf5\x80\x80\x80", 4}, 0},
	{{"\xf8\x88\x80\x80\x80", 5}, 0},
	{{"\xfe", 1}, 0},
	{{"\xff", 1}, 0},
	/* cut short, or followed by something else */
	{{"\xc2", 1}, 0},
	{{"\xe2\x82", 2}, 0},
	{{"\xf0\x9f\x98", 3}, 0},
	{{"\xc2"
	  "a",
	  2},
	 0},
	{{"\xe2\x82"
	  "a",
	  3},
	 0},
	{{"\xf0\x9f\x98\xc0", 4}, 0},
};

static void a_sequence_is_exactly_rfc_3629(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		if (utf8_sequence(sequences[i].text) != sequences[i].width)
			fail_msg("row %zu", i);
		assert_int_equal(utf8_valid(sequences[i].text), sequences[i].width > 0 || i == 0);
	}
}

static void every_code_point_comes_back_and_no_surrogate(void **state)
{
	char out[4];

	(void)state;
	for (uint32_t code = 0; code <= 0x110010; code += code < 0x3000 || code > 0x10fff0 ? 1 : 13) {
		size_t width = utf8_encode(code, out);
		bool is_character = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);

		assert_int_equal(width > 0, is_character);
		assert_int_equal(utf8_sequence(str_make(out, width)), width);
	}
	assert_int_equal(utf8_encode(0xd800, out), 0);
	assert_int_equal(utf8_encode(0xdfff, out), 0);
	assert_int_equal(utf8_encode(0x110000, out), 0);
	assert_int_equal(utf8_encode(UINT32_MAX, out), 0);
}

static void one_bad_byte_spoils_the_text(void **state)
{
	char text[] = "ab\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z";

	(void)state;
	assert_true(utf8_valid(str_of(text)));
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char kept = text[i];

		text[i] = (char)0xff;
		assert_false(utf8_valid(str_make(text, sizeof(text) - 1)));
		text[i] = kept;
	}
	assert_false(utf8_valid(str_make(text, 3)));
	assert_true(utf8_valid((struct str){NULL, 0}));
}

static void a_head_ends_between_characters(void **state)
{
	const struct str text = STR("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z");
	static const size_t lengths[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

	(void)state;
	for (size_t max = 0; max < 13; max++)
		assert_int_equal(utf8_head(text, max).len, lengths[max]);
	assert_int_equal(utf8_head(text, SIZE_MAX).len, 11);
	assert_int_equal(utf8_head((struct str){NULL, 0}, 5).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sequence_is_exactly_rfc_3629),
		cmocka_unit_test(every_code_point_comes_back_and_no_surrogate),
		cmocka_unit_test(one_bad_byte_spoils_the_text),
		cmocka_unit_test(a_head_ends_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
