#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/limits.h"

static bool reads(const char *text, struct err *e)
{
	cleanup(json) json_t *value = NULL;
	bool good = json_read(str_of(text), &value, e);

	assert_int_equal(good, value != NULL);
	return good;
}

static void reads_any_kind_of_document(void **state)
{
	static const char *const good[] = {"null",
					   "1",
					   "\"a\"",
					   "[1,1.5,true]",
					   "{\"a\":{\"b\":[]}}",
					   "9223372036854775807",
					   "-9223372036854775808"};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!reads(good[i], &e))
			fail_msg("%s: %s", good[i], e.text);
}

static void refuses_what_the_strict_reader_or_jansson_refuses(void **state)
{
	static const char *const bad[] = {"",
					  "{",
					  "{} {}",
					  "[1,]",
					  "{\"a\":1,\"a\":2}",
					  "{\"a\":1,\"\\u0061\":2}",
					  "\"\\ud800\"",
					  "\"\xff\"",
					  "\xef\xbb\xbf{}",
					  "9223372036854775808",
					  "-9223372036854775809",
					  "1e999",
					  "\"\\u0000\"",
					  "{\"\\u0000\":1}",
					  "// x\n1"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;

		if (reads(bad[i], &e))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_ptr_equal(strstr(e.text, "line 1, column "), e.text);
	}
}

static void sees_what_jansson_sees(struct str text)
{
	cleanup(json) json_t *ours = NULL;
	cleanup(json) json_t *theirs = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	struct err e = ERR_INIT;

	if (!json_read(text, &ours, &e))
		fail_msg("%.*s: %s", STR_ARG(str_head(text, 64)), e.text);
	if (!json_equal(ours, theirs))
		fail_msg("another tree: %.*s", STR_ARG(str_head(text, 64)));
}

static void makes_the_tree_that_jansson_makes(void **state)
{
	static const char *const texts[] = {
		"null",
		"[]",
		"{}",
		"\"\"",
		"{\"\":\"\"}",
		" [ true , false , null ] ",
		"[0,-0,1,-1,12345678901234567,-12345678901234567,123456789012345678,-123456789012345678]",
		"[1234567890123456789,-1234567890123456789,9223372036854775807,-9223372036854775808]",
		"[0.5,1e3,1E-3,-2.5e+2,7.8,100000000000000000000000e-3]",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00 \xc3\xa9 \x7f\"",
		"{\"a\\u0062\":[{\"c\":[[],{}]},\"d\"],\"e\":{\"f\":{\"g\":-7}}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		sees_what_jansson_sees(str_of(texts[i]));
}

/* Short documents are built from their nodes, long ones are not. */
static void makes_the_same_tree_at_any_length(void **state)
{
	(void)state;
	for (size_t length = 64 * 1024 - 2; length <= 64 * 1024 + 2; length++) {
		cleanup(buf) struct buf text = buf_init(1u << 20);

		buf_add_c(&text, "{\"a\":[1,\"\\n\"],\"b\":\"");
		while (text.len < length - 2)
			buf_add_char(&text, 'x');
		buf_add_c(&text, "\"}");
		assert_int_equal(text.len, length);
		sees_what_jansson_sees(buf_str(&text));
	}
}

static void refuses_one_level_too_deep(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		cleanup(buf) struct buf b = buf_init(8192);

		for (size_t i = 0; i < LIMIT_JSON_DEPTH + over; i++)
			buf_add_char(&b, '[');
		for (size_t i = 0; i < LIMIT_JSON_DEPTH + over; i++)
			buf_add_char(&b, ']');
		buf_add_char(&b, ' ');
		assert_int_equal(reads(b.data, &e), over == 0);
	}
}

static void reads_the_densest_document(void **state)
{
	cleanup(buf) struct buf b = buf_init(100000);
	struct err e = ERR_INIT;

	(void)state;
	buf_add_c(&b, "[1");
	for (int i = 0; i < 20000; i++)
		buf_add_c(&b, ",1");
	buf_add_c(&b, "]");
	assert_true(reads(b.data, &e));
}

static void writes_compactly_in_the_order_of_insertion(void **state)
{
	static const char text[] = "{\"z\":[1,2.5,null],\"a\":{\"\xc3\xa9\":\"/\\\"\\n\"},\"m\":true}";
	cleanup(json) json_t *value = NULL;
	cleanup(buf) struct buf b = buf_init(1024);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(json_read(str_of(text), &value, &e));
	assert_true(json_write(value, &b, &e));
	assert_string_equal(b.data, text);
}

static void reals_are_written_in_their_shortest_form(void **state)
{
	static const char *const rows[][2] = {
		{"7.8", "7.8"},
		{"0.1", "0.1"},
		{"-0.0", "-0.0"},
		{"1e22", "1e+22"},
		{"1E2", "100.0"},
		{"0.30000000000000004", "0.30000000000000004"},
		{"9007199254740993.0", "9007199254740992.0"},
		{"5e-324", "4.94065645841247e-324"},
		{"1.7976931348623157e308", "1.7976931348623157e+308"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup(json) json_t *value = NULL;
		cleanup(json) json_t *again = NULL;
		cleanup(buf) struct buf b = buf_init(64);
		struct err e = ERR_INIT;

		assert_true(json_read(str_of(rows[i][0]), &value, &e));
		assert_true(json_write(value, &b, &e));
		assert_string_equal(b.data, rows[i][1]);
		assert_true(json_read(buf_str(&b), &again, &e));
		assert_true(json_equal(again, value));
	}
}

static void escapes_what_must_be_and_nothing_else(void **state)
{
	static const char text[] = "{\"\\\"\\\\k\\u0001\":[\"\\b\\t\\n\\f\\r\\u001f\\u007f/"
				   "\xe2\x82\xac\xf0\x9f\x98\x80\"],\"e\":{},\"l\":[]}";
	cleanup(json) json_t *value = NULL;
	cleanup(buf) struct buf b = buf_init(256);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(json_read(str_of(text), &value, &e));
	assert_true(json_write(value, &b, &e));
	assert_string_equal(b.data, text);
}

static void a_full_buffer_fails_the_write(void **state)
{
	cleanup(json) json_t *value = json_string("0123456789");
	cleanup(buf) struct buf b = buf_init(11);
	struct err e = ERR_INIT;

	(void)state;
	assert_false(json_write(value, &b, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static void text_of_what_is_no_string_is_absent(void **state)
{
	cleanup(json) json_t *value = json_pack("{s:s, s:i, s:n, s:s}", "a", "x", "b", 1, "c", "d", "");

	(void)state;
	assert_true(str_eq_c(json_text(value, "a"), "x"));
	assert_null(json_text(value, "b").ptr);
	assert_null(json_text(value, "c").ptr);
	assert_non_null(json_text(value, "d").ptr);
	assert_null(json_text(value, "e").ptr);
	assert_null(json_text(NULL, "a").ptr);
	assert_null(json_text_of(NULL).ptr);
}

static void strings_are_made_from_UTF_8_alone(void **state)
{
	cleanup(json) json_t *good = json_from_str(str_make("abc", 2));
	cleanup(json) json_t *empty = json_from_str((struct str){NULL, 0});

	(void)state;
	assert_string_equal(json_string_value(good), "ab");
	assert_string_equal(json_string_value(empty), "");
	assert_null(json_from_str(STR("\xff")));
}

static void types_have_names(void **state)
{
	cleanup(json) json_t *value = json_pack("[{}, [], s, i, f, b, n]", "", 1, 1.5, 1);
	static const char *const names[] = {"an object", "a list",    "a string", "a number",
					    "a number",	 "a boolean", "null"};

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_string_equal(json_type_name(json_array_get(value, i)), names[i]);
	assert_string_equal(json_type_name(NULL), "absent");
}

static void what_others_store_is_read_all_the_same(void **state)
{
	static const char *const rows[][2] = {
		{"{\"a\":1,\"b\":[true]}", "{\"a\":1,\"b\":[true]}"},
		{"{\"a\\u0000b\":\"\\u0000\"}", "{\"a\xef\xbf\xbd"
						"b\":\"\xef\xbf\xbd\"}"},
		{"\"\\\\u0000\"", "\"\\\\u0000\""},
		{"[\"\\u0000\",\"\\\\\\u0000\\\"\\u0000\"]", "[\"\xef\xbf\xbd\",\"\\\\\xef\xbf\xbd\\\"\xef\xbf\xbd\"]"},
		{"[18446744073709551616,5]", "[1.4467440737095516,5]"},
		{"[-99999999999999999999,\"99999999999999999999\"]", "[-9.9999999999999999,\"99999999999999999999\"]"},
		{"[1.5e300,9223372036854775807,\"\\u0000\"]", "[1.5e+300,9223372036854775807,\"\xef\xbf\xbd\"]"},
		{"{\"\\u0000\":1,\"\\ufffd\":2}", "{\"\xef\xbf\xbd\":2}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup(buf) struct buf out = buf_init(4096);
		cleanup(json) json_t *value = NULL;
		struct err e = ERR_INIT;

		if (!json_read_foreign(str_of(rows[i][0]), &value, &e))
			fail_msg("%s: %s", rows[i][0], e.text);
		assert_true(json_write(value, &out, &e));
		if (i != 5)
			assert_string_equal(out.data, rows[i][1]);
		assert_false(json_is_integer(json_array_get(value, 0)) && i >= 4);
	}
}

static void what_is_no_document_is_refused_from_others_too(void **state)
{
	static const char *const bad[] = {
		"", "{", "[1,]", "\"\\u0000", "{\"a\":1,\"a\":\"\\u0000\"}", "[\"\\u0000\"] x"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *value = NULL;
		struct err e = ERR_INIT;

		assert_false(json_read_foreign(str_of(bad[i]), &value, &e));
		assert_int_equal(e.kind, ERR_INVALID);
		assert_null(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_any_kind_of_document),
		cmocka_unit_test(refuses_what_the_strict_reader_or_jansson_refuses),
		cmocka_unit_test(makes_the_tree_that_jansson_makes),
		cmocka_unit_test(makes_the_same_tree_at_any_length),
		cmocka_unit_test(refuses_one_level_too_deep),
		cmocka_unit_test(reads_the_densest_document),
		cmocka_unit_test(writes_compactly_in_the_order_of_insertion),
		cmocka_unit_test(reals_are_written_in_their_shortest_form),
		cmocka_unit_test(escapes_what_must_be_and_nothing_else),
		cmocka_unit_test(a_full_buffer_fails_the_write),
		cmocka_unit_test(text_of_what_is_no_string_is_absent),
		cmocka_unit_test(strings_are_made_from_UTF_8_alone),
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(what_others_store_is_read_all_the_same),
		cmocka_unit_test(what_is_no_document_is_refused_from_others_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
