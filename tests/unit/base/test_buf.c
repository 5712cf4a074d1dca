#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void grows_up_to_its_maximum_and_not_one_byte_more(void **state)
{
	cleanup(buf) struct buf b = buf_init(10);
	struct err e = ERR_INIT;

	(void)state;
	buf_add_c(&b, "01234");
	buf_add_c(&b, "56789");
	assert_true(buf_ok(&b, &e));
	assert_true(str_eq_c(buf_str(&b), "0123456789"));
	assert_int_equal(b.data[10], 0);
	buf_add_char(&b, 'x');
	assert_false(buf_ok(&b, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	assert_string_equal(e.text, "more than 10 bytes");
}

static void a_reserve_is_exact_and_bounded(void **state)
{
	cleanup(buf) struct buf b = buf_init(1000);
	const char *before;

	(void)state;
	buf_reserve(&b, 900);
	assert_int_equal(b.capacity, 901);
	before = b.data;
	for (int i = 0; i < 900; i++)
		buf_add_char(&b, 'x');
	assert_ptr_equal(b.data, before);
	assert_int_equal(b.capacity, 901);
	buf_reserve(&b, 0);
	assert_int_equal(b.capacity, 901);
	assert_false(b.failed);
	buf_reserve(&b, 101);
	assert_true(b.failed && b.full);
}

static void a_failed_add_fails_for_good_and_adds_nothing(void **state)
{
	cleanup(buf) struct buf b = buf_init(4);

	(void)state;
	buf_add_c(&b, "ab");
	buf_add_c(&b, "cde");
	buf_add_c(&b, "c");
	buf_printf(&b, "%d", 1);
	buf_add_json_string(&b, STR(""));
	assert_true(b.failed);
	assert_true(str_eq_c(buf_str(&b), "ab"));
	assert_null(buf_detach(&b));
	assert_false(b.failed);
}

static void clearing_forgets_a_failure_and_keeps_the_maximum(void **state)
{
	cleanup(buf) struct buf b = buf_init(2);

	(void)state;
	buf_add_c(&b, "abc");
	assert_true(b.failed && b.full);
	buf_clear(&b);
	assert_true(buf_ok(&b, NULL));
	buf_add_c(&b, "ab");
	assert_true(buf_ok(&b, NULL));
	buf_add_c(&b, "c");
	assert_true(b.failed);
	buf_release(&b);
	assert_int_equal(b.max, 2);
	assert_int_equal(b.len, 0);
	assert_false(b.failed);
}

static void a_maximum_of_nothing_holds_nothing(void **state)
{
	cleanup(buf) struct buf b = buf_init(0);

	(void)state;
	buf_add_c(&b, "");
	assert_true(buf_ok(&b, NULL));
	assert_true(str_eq_c(buf_str(&b), ""));
	buf_add_char(&b, 'a');
	assert_true(b.failed);
}

static void an_impossible_length_is_refused_before_memory_is_asked(void **state)
{
	cleanup(buf) struct buf b = buf_init(SIZE_MAX);

	(void)state;
	buf_add_c(&b, "a");
	buf_add(&b, str_make("x", SIZE_MAX - 1));
	assert_true(b.failed);
	assert_true(str_eq_c(buf_str(&b), "a"));
}

static void printing_is_measured_before_it_is_added(void **state)
{
	cleanup(buf) struct buf b = buf_init(200);

	(void)state;
	buf_printf(&b, "%s-%d", "a", 5);
	buf_printf(&b, "%0150d", 7);
	assert_int_equal(b.len, 153);
	assert_int_equal(b.data[152], '7');
	buf_printf(&b, "%0150d", 7);
	assert_true(b.failed);
	assert_int_equal(b.len, 153);
}

static void detaching_hands_over_and_leaves_an_empty_buffer(void **state)
{
	cleanup(buf) struct buf b = buf_init(10);
	char *text;

	(void)state;
	buf_add_c(&b, "abc");
	text = buf_detach(&b);
	assert_string_equal(text, "abc");
	free(text);
	assert_null(b.data);
	text = buf_detach(&b);
	assert_string_equal(text, "");
	free(text);
}

static const struct {
	struct str text;
	const char *json;
} strings[] = {
	{{"", 0}, "\"\""},
	{{"abc", 3}, "\"abc\""},
	{{"\"\\/", 3}, "\"\\\"\\\\/\""},
	{{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
	{{"\0\x01\x0b\x1f\x7f", 5}, "\"\\u0000\\u0001\\u000b\\u001f\\u007f\""},
	{{"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 9}, "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\""},
	{{"\xff", 1}, "\"\xef\xbf\xbd\""},
	{{"a\xc3", 2}, "\"a\xef\xbf\xbd\""},
	{{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	{{"\xc0\x80", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void json_strings_are_escaped_and_always_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		cleanup(buf) struct buf b = buf_init(100);

		buf_add_json_string(&b, strings[i].text);
		assert_string_equal(b.data, strings[i].json);
	}
}

static void numbers_are_written_in_full(void **state)
{
	static const struct {
		int64_t number;
		const char *text;
	} cases[] = {{0, "0"},
		     {7, "7"},
		     {-1, "-1"},
		     {10, "10"},
		     {INT64_MAX, "9223372036854775807"},
		     {INT64_MIN, "-9223372036854775808"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup(buf) struct buf b = buf_init(20);

		buf_add_number(&b, cases[i].number);
		assert_string_equal(b.data, cases[i].text);
	}
}

static void a_cut_takes_the_end_and_its_failure_away(void **state)
{
	cleanup(buf) struct buf b = buf_init(6);
	struct err e = ERR_INIT;

	(void)state;
	buf_add_c(&b, "0123");
	buf_add_c(&b, "4567");
	assert_false(buf_ok(&b, &e));
	buf_cut(&b, 2);
	assert_true(buf_ok(&b, &e));
	assert_string_equal(b.data, "01");
	buf_add_c(&b, "45");
	assert_string_equal(b.data, "0145");
}

static void every_byte_of_a_word_can_need_an_escape(void **state)
{
	(void)state;
	for (size_t at = 0; at < 16; at++)
		for (unsigned c = 0; c < 256; c++) {
			cleanup(buf) struct buf b = buf_init(64);
			char text[17] = "abcdefghijklmnop";
			bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';

			text[at] = (char)c;
			buf_add_json_string(&b, str_make(text, 16));
			assert_int_equal(plain, b.len == 18 && memcmp(b.data + 1, text, 16) == 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_up_to_its_maximum_and_not_one_byte_more),
		cmocka_unit_test(a_reserve_is_exact_and_bounded),
		cmocka_unit_test(a_failed_add_fails_for_good_and_adds_nothing),
		cmocka_unit_test(clearing_forgets_a_failure_and_keeps_the_maximum),
		cmocka_unit_test(a_maximum_of_nothing_holds_nothing),
		cmocka_unit_test(an_impossible_length_is_refused_before_memory_is_asked),
		cmocka_unit_test(printing_is_measured_before_it_is_added),
		cmocka_unit_test(detaching_hands_over_and_leaves_an_empty_buffer),
		cmocka_unit_test(json_strings_are_escaped_and_always_utf8),
		cmocka_unit_test(numbers_are_written_in_full),
		cmocka_unit_test(a_cut_takes_the_end_and_its_failure_away),
		cmocka_unit_test(every_byte_of_a_word_can_need_an_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
