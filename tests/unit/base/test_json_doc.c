#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json_doc.h"
#include "base/limits.h"

#define ARENA_MAX (64u * 1024 * 1024)

static struct arena arena;
static struct err error;

static int setup(void **state)
{
	(void)state;
	arena = arena_init(ARENA_MAX);
	error = ERR_INIT;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static bool parses(struct str text, struct json_doc *doc)
{
	return json_doc_parse(text, NULL, &arena, doc, &error);
}

static struct json_doc parsed(const char *text)
{
	struct json_doc doc = {0};

	if (!parses(str_of(text), &doc))
		fail_msg("%s: %s", text, error.text);
	return doc;
}

static uint32_t member(const struct json_doc *doc, uint32_t node, const char *name)
{
	uint32_t found;

	if (!json_doc_member(doc, node, str_of(name), &found, &error))
		fail_msg("%s: %s", name, error.text);
	return found;
}

static void assert_text(struct str s, const char *wanted, size_t length)
{
	assert_int_equal(s.len, length);
	assert_memory_equal(s.ptr, wanted, length);
}

static void accepts_what_RFC_8259_has(void **state)
{
	static const char *const good[] = {"null",
					   " true ",
					   "\t\r\n false",
					   "0",
					   "-0",
					   "12",
					   "-1",
					   "1.5",
					   "0.25",
					   "1e9",
					   "1E+9",
					   "1.0e-9",
					   "-0.0E-0",
					   "123456789012345678901234567890",
					   "1e999999",
					   "\"\"",
					   "\"a\"",
					   "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
					   "\"\\u0000\"",
					   "\"\\u00e9\\u20AC\\uD834\\udd1e\"",
					   "\"\x7f\"",
					   "\"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\"",
					   "[]",
					   "[ ]",
					   "[1]",
					   "[1,2 , 3]",
					   "[[],[[]]]",
					   "{}",
					   "{ }",
					   "{\"a\":1}",
					   "{\"a\" : 1 , \"b\":[{}]}",
					   "{\"\":{\"\":1}}",
					   "{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
					   "{\"a\":1,\"A\":2}",
					   "\"12345678\xc3\xa9\""};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		parsed(good[i]);
}

static void refuses_what_is_not_RFC_8259(void **state)
{
	static const char *const bad[] = {"",
					  " ",
					  "nul",
					  "nulls",
					  "True",
					  "NULL",
					  "truefalse",
					  "undefined",
					  "NaN",
					  "Infinity",
					  "-Infinity",
					  "-",
					  "+1",
					  "01",
					  "-01",
					  "00",
					  ".5",
					  "1.",
					  "1.e1",
					  "1e",
					  "1e+",
					  "1e-",
					  "0x10",
					  "1_000",
					  "--1",
					  "1 2",
					  "'a'",
					  "a",
					  "[",
					  "]",
					  "[1",
					  "[1,",
					  "[1,]",
					  "[,1]",
					  "[,]",
					  "[1 2]",
					  "[1,,2]",
					  "[1}",
					  "[1]]",
					  "[1] x",
					  "[1],",
					  "{",
					  "}",
					  "{]",
					  "{\"a\"",
					  "{\"a\":",
					  "{\"a\":}",
					  "{\"a\":1",
					  "{\"a\":1,",
					  "{\"a\":1,}",
					  "{,}",
					  "{,\"a\":1}",
					  "{\"a\" 1}",
					  "{\"a\":1 \"b\":2}",
					  "{\"a\":1,,\"b\":2}",
					  "{a:1}",
					  "{1:1}",
					  "{null:1}",
					  "{[]:1}",
					  "{\"a\"::1}",
					  "{\"a\":1:2}",
					  "{\"a\":1}}",
					  "{\"a\":1]",
					  "{\"a\",\"b\"}",
					  "[\"a\":1]",
					  "// x\n1",
					  "/* x */1",
					  "1 // x",
					  "#1",
					  "{}{}",
					  "\xef\xbb\xbf{}",
					  "\x0b"
					  "1",
					  "\xc2\xa0"
					  "1",
					  "1\x0c",
					  "\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_doc doc;

		if (parses(str_of(bad[i]), &doc))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(error.kind, ERR_INVALID);
	}
}

static void refuses_strings_that_are_not_text(void **state)
{
	static const char *const bad[] = {"\"",
					  "\"a",
					  "\"\\\"",
					  "\"\\",
					  "\"\\u\"",
					  "\"\\u12\"",
					  "\"\\u123\"",
					  "\"\\u123",
					  "\"\\u12g4\"",
					  "\"\\x41\"",
					  "\"\\0\"",
					  "\"\\a\"",
					  "\"\\'\"",
					  "\"\\U00000041\"",
					  "\"\n\"",
					  "\"\t\"",
					  "\"\x01\"",
					  "\"\x1f\"",
					  "\"abcdefgh\x1f\"",
					  "\"\\ud800\"",
					  "\"\\udbff\"",
					  "\"\\udc00\"",
					  "\"\\udfff\"",
					  "\"\\ud800\\u0041\"",
					  "\"\\ud800\\ud800\"",
					  "\"\\ud800x\"",
					  "\"\\ud800\\n\"",
					  "\"\\udc00\\ud800\"",
					  "\"\\ud834\\udd1\"",
					  "\"\x80\"",
					  "\"\xbf\"",
					  "\"\xc0\x80\"",
					  "\"\xc1\xbf\"",
					  "\"\xc3\"",
					  "\"\xc3(\"",
					  "\"\xe0\x80\x80\"",
					  "\"\xe2\x82\"",
					  "\"\xed\xa0\x80\"",
					  "\"\xed\xbf\xbf\"",
					  "\"\xf0\x80\x80\x80\"",
					  "\"\xf0\x9d\x84\"",
					  "\"\xf4\x90\x80\x80\"",
					  "\"\xf5\x80\x80\x80\"",
					  "\"\xfe\"",
					  "\"\xff\"",
					  "\"\xc3",
					  "{\"\xff\":1}",
					  "{\"\\ud800\":1}",
					  "{\"a\n\":1}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_doc doc;

		if (parses(str_of(bad[i]), &doc))
			fail_msg("accepted: %s", bad[i]);
	}
}

static void refuses_a_zero_byte_anywhere(void **state)
{
	static const struct str bad[] = {{"\0", 1},	    {"1\0", 2},	 {"\"\0\"", 3},
					 {"{\"\0\":1}", 7}, {"{}\0", 3}, {"[\0]", 3}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_doc doc;

		assert_false(parses(bad[i], &doc));
	}
}

/* Every head of a document is no document: nothing is read past the end (the copies end where their block ends). */
static void refuses_every_truncation(void **state)
{
	static const char whole[] = "{\"a\\u00e9\":[1.5e3,true,null,{\"b\":\"\xc3\xa9\\ud834\\udd1e\"}],\"c\":-0}";

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char *head = malloc(n + 1);
		struct json_doc doc;

		assert_non_null(head);
		memmove(head + 1, whole, n);
		if (parses(str_make(head + 1, n), &doc))
			fail_msg("accepted %zu bytes", n);
		free(head);
	}
	parsed(whole);
}

static void refuses_key_given_twice(void **state)
{
	static const char *const bad[] = {"{\"a\":1,\"a\":1}",
					  "{\"a\":1,\"b\":2,\"a\":3}",
					  "{\"\":1,\"\":2}",
					  "[{\"x\":{\"k\":1,\"k\":2}}]",
					  "{\"a\":1,\"\\u0061\":2}",
					  "{\"\\u0061\":1,\"a\":2}",
					  "{\"/\":1,\"\\/\":2}",
					  "{\"\\n\":1,\"\\u000A\":2}",
					  "{\"\xc3\xa9\":1,\"\\u00e9\":2}",
					  "{\"\xf0\x9d\x84\x9e\":1,\"\\ud834\\udd1e\":2}",
					  "{\"\\u0000\":1,\"\\u0000\":2}",
					  "{\"a\":{\"b\":1},\"b\":2,\"a\":3}",
					  "{\"abcdefghijk\":1,\"abcdefghij\\u006b\":2}",
					  "{\"\\u0061bcdefghijk\":1,\"abcdefghij\\u006b\":2}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_doc doc;

		if (parses(str_of(bad[i]), &doc))
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(error.text, "stands twice"));
	}
}

static void accepts_keys_that_differ_in_the_middle_or_by_a_zero(void **state)
{
	(void)state;
	parsed("{\"abcdefgh-1-abcdefgh\":1,\"abcdefgh-2-abcdefgh\":2,\"abcdefgh-3-abcdefgh\":3}");
	parsed("{\"a\":1,\"a\\u0000\":2,\"\\u0000a\":3,\"\\u0000\":4,\"\":5}");
	parsed("{\"abcdefgh\\u0031abcdefgh\":1,\"abcdefgh2abcdefgh\":2}");
}

/* The hash reads keys of each length in its own way; an escape may not change it. */
static void refuses_key_given_twice_whatever_its_length_and_spelling(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	(void)state;
	for (int length = 1; length <= 26; length++) {
		for (int at = 0; at < length; at++) {
			struct buf b = buf_init(4096);
			struct json_doc doc;

			buf_printf(&b, "{\"%.*s\":0,\"%.*s\\u%04x%.*s\":0}", length, letters, at, letters, letters[at],
				   length - at - 1, letters + at + 1);
			assert_false(parses(buf_str(&b), &doc));
			assert_non_null(strstr(error.text, "stands twice"));
			buf_release(&b);
		}
	}
}

/* Objects of every size around the change from pairs to sorting; the doubled key first, in the middle and last. */
static void refuses_key_given_twice_in_objects_of_any_size(void **state)
{
	(void)state;
	for (int size = 2; size < 80; size++) {
		for (int twin = -1; twin < size; twin++) {
			struct buf b = buf_init(4096);
			struct json_doc doc;

			buf_add_c(&b, "{");
			for (int i = 0; i < size; i++)
				buf_printf(&b, "\"k%d\":0,", i);
			buf_printf(&b, "\"k%d\":0}", twin < 0 ? size : twin);
			assert_int_equal(parses(buf_str(&b), &doc), twin < 0);
			buf_release(&b);
		}
	}
}

static struct buf many_keys(size_t count, const char *last)
{
	struct buf b = buf_init(ARENA_MAX);

	buf_add_c(&b, "{");
	for (size_t i = 0; i < count; i++) {
		buf_printf(&b, "\"aaaaaaaa%06zuaaaaaaaa\":0,", i);
	}
	buf_add_c(&b, last);
	buf_add_c(&b, ":0}");
	assert_false(b.failed);
	return b;
}

/* The cheap hash looks at eight bytes at both ends: these collide, all of them. 10^10 comparisons would not end. */
static void a_hundred_thousand_colliding_keys_are_checked_in_time(void **state)
{
	struct buf good = many_keys(100000, "\"x\"");
	struct buf bad = many_keys(100000, "\"aaaaaaaa004711aaaaaaa\\u0061\"");
	struct json_doc doc;

	(void)state;
	assert_true(parses(buf_str(&good), &doc));
	assert_int_equal(json_doc_size(&doc, 0), 100001);
	assert_false(parses(buf_str(&bad), &doc));
	buf_release(&good);
	buf_release(&bad);
}

static struct buf nested(unsigned depth, bool lists)
{
	struct buf b = buf_init(ARENA_MAX);

	for (unsigned i = 0; i < depth; i++)
		buf_add_c(&b, lists ? "[" : i + 1 < depth ? "{\"a\":" : "{");
	for (unsigned i = 0; i < depth; i++)
		buf_add_c(&b, lists ? "]" : "}");
	return b;
}

static void refuses_one_level_too_deep(void **state)
{
	(void)state;
	for (int lists = 0; lists < 2; lists++) {
		struct buf most = nested(LIMIT_JSON_DEPTH, lists);
		struct buf over = nested(LIMIT_JSON_DEPTH + 1, lists);
		struct buf far = nested(1000000, lists);
		struct json_doc doc;

		assert_true(parses(buf_str(&most), &doc));
		assert_false(parses(buf_str(&over), &doc));
		assert_int_equal(error.kind, ERR_INVALID);
		assert_non_null(strstr(error.text, "deep"));
		assert_false(parses(buf_str(&far), &doc));
		buf_release(&most);
		buf_release(&over);
		buf_release(&far);
	}
}

static void says_where(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"", "line 1, column 1: a value is missing"},
		{"{\n \"a\": tru\n}", "line 2, column 7: this is not a value"},
		{"[1,\n2,\n3 4]", "line 3, column 3: a comma is missing"},
		{"{\"a\" 1}", "line 1, column 6: a colon is missing"},
		{"{\"a\":1}\n\nx", "line 3, column 1: text after the end of the document"},
		{"\"ab\x01\"", "line 1, column 4: a control character in a string"},
		{"{\"a\":1,\n\"a\":2}", "line 2, column 1: this key stands twice in its object"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_doc doc;

		assert_false(parses(str_of(rows[i].text), &doc));
		assert_string_equal(error.text, rows[i].wanted);
	}
}

static void a_full_arena_is_too_large_and_gives_everything_back(void **state)
{
	struct arena small = arena_init(160);
	struct json_doc doc;

	(void)state;
	assert_true(json_doc_parse(STR("[1,2,3,4,5,6,7,8,9]"), NULL, &small, &doc, &error));
	assert_int_equal(small.used, 160);
	arena_release(&small);
	assert_false(json_doc_parse(STR("[1,2,3,4,5,6,7,8,9,10]"), NULL, &small, &doc, &error));
	assert_int_equal(error.kind, ERR_TOO_LARGE);
	assert_int_equal(small.used, 0);
	arena_release(&small);
}

/* Commas within strings make the first estimate too large, not the result. */
static void memory_follows_the_values_not_the_estimate(void **state)
{
	struct buf b = buf_init(ARENA_MAX);
	struct json_doc doc;

	(void)state;
	buf_add_c(&b, "[\"");
	for (int i = 0; i < 10000; i++)
		buf_add_c(&b, ",{[");
	buf_add_c(&b, "\"]");
	assert_true(parses(buf_str(&b), &doc));
	assert_int_equal(doc.count, 2);
	assert_int_equal(arena.used, 32);
	buf_release(&b);
}

static void kinds_and_raw_text(void **state)
{
	static const enum json_kind kinds[] = {JSON_NULL_VALUE, JSON_FALSE_VALUE, JSON_TRUE_VALUE, JSON_NUMBER,
					       JSON_NUMBER,	JSON_TEXT,	  JSON_LIST,	   JSON_MAP};
	static const char *const raws[] = {"null", "false", "true", "-1", "0.5e1", "\"a\\n\"", "[ 1 ]", "{\"a\" : 1}"};
	struct json_doc doc = parsed("[null,false,true,-1, 0.5e1,\"a\\n\",[ 1 ] , {\"a\" : 1} ]");
	uint32_t node = json_doc_child(&doc, 0);
	(void)state;
	assert_int_equal(json_doc_kind(&doc, 0), JSON_LIST);
	assert_int_equal(json_doc_size(&doc, 0), 8);
	assert_int_equal(json_doc_next(&doc, 0), JSON_NONE);
	for (size_t i = 0; i < 8; i++) {
		assert_int_not_equal(node, JSON_NONE);
		assert_int_equal(json_doc_kind(&doc, node), kinds[i]);
		assert_text(json_doc_raw(&doc, node), raws[i], strlen(raws[i]));
		node = json_doc_next(&doc, node);
	}
	assert_int_equal(node, JSON_NONE);
}
static void a_subtree_is_skipped_in_one_step(void **state)
{
	struct json_doc doc = parsed("[[1,[2,{\"a\":[3]}],4],{},[],5]");
	uint32_t first = json_doc_child(&doc, 0);
	uint32_t second = json_doc_next(&doc, first);
	uint32_t third = json_doc_next(&doc, second);
	(void)state;
	assert_int_equal(json_doc_size(&doc, first), 3);
	assert_int_equal(json_doc_kind(&doc, second), JSON_MAP);
	assert_int_equal(json_doc_child(&doc, second), JSON_NONE);
	assert_int_equal(json_doc_child(&doc, third), JSON_NONE);
	assert_text(json_doc_raw(&doc, json_doc_next(&doc, third)), "5", 1);
	assert_int_equal(json_doc_next(&doc, json_doc_next(&doc, third)), JSON_NONE);
}
static void text_is_unescaped_and_copied_only_when_it_must(void **state)
{
	static const char source[] =
		"{\"plain\":\"abc\",\"e\\u0073c\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\\u20ac\\ud834\\udd1e\"}";
	static const char wanted[] = "\"\\/\b\f\n\r\t\0\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e";
	struct json_doc doc = parsed(source);
	uint32_t plain = member(&doc, 0, "plain"), escaped = member(&doc, 0, "esc");
	struct str s;
	(void)state;
	assert_true(json_doc_text(&doc, plain, &arena, &s, &error));
	assert_text(s, "abc", 3);
	assert_ptr_equal(s.ptr, source + 10);
	assert_true(json_doc_text(&doc, escaped, &arena, &s, &error));
	assert_text(s, wanted, sizeof(wanted) - 1);
	assert_true(json_doc_key(&doc, escaped, &arena, &s, &error));
	assert_text(s, "esc", 3);
	assert_true(json_doc_key(&doc, plain, &arena, &s, &error));
	assert_text(s, "plain", 5);
}
static void text_without_room_fails(void **state)
{
	struct arena small = arena_init(16);
	struct json_doc doc;
	struct str s;
	(void)state;
	assert_true(json_doc_parse(STR("\"\\n\""), NULL, &small, &doc, &error));
	assert_false(json_doc_text(&doc, 0, &small, &s, &error));
	arena_release(&small);
}
static void members_are_found_by_their_unescaped_key(void **state)
{
	struct json_doc doc =
		parsed("{\"a\":{\"image\":1},\"im\":2,\"images\":3,\"\\u0069ma\\u0067e\":4,\"i\\u006d\\u0061\":5}");
	(void)state;
	assert_text(json_doc_raw(&doc, member(&doc, 0, "image")), "4", 1);
	assert_text(json_doc_raw(&doc, member(&doc, 0, "im")), "2", 1);
	assert_text(json_doc_raw(&doc, member(&doc, 0, "ima")), "5", 1);
	assert_int_equal(member(&doc, 0, "imag"), JSON_NONE);
	assert_int_equal(member(&doc, 0, ""), JSON_NONE);
	assert_int_equal(member(&doc, JSON_NONE, "image"), JSON_NONE);
} /* Readers that ignore case would take the other key; U+017F and U+212A are letters to some of them. */
static void refuses_a_key_that_differs_only_in_case(void **state)
{
	static const char *const bad[] = {"{\"Tasks\":1}",
					  "{\"tasKs\":1,\"tasks\":2}",
					  "{\"tasks\":1,\"TASKS\":2}",
					  "{\"\\u0054asks\":1}",
					  "{\"ta\xc5\xbfks\":1}",
					  "{\"ta\\u017fks\":1}",
					  "{\"tas\xe2\x84\xaas\":1}",
					  "{\"task\xc5\xbf\":1}",
					  "{\"tas\\u212as\":1}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_doc doc = parsed(bad[i]);
		uint32_t found = 7;

		if (json_doc_member(&doc, 0, STR("tasks"), &found, &error))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(error.kind, ERR_INVALID);
		assert_int_equal(found, 7);
	}
	struct json_doc other = parsed("{\"Task\":1,\"Taskss\":2,\"ta\xc5\xbe"
				       "ks\":3,\"\xc3\xa9\":4}");
	assert_int_equal(member(&other, 0, "tasks"), JSON_NONE);
}

static void refuses_members_of_what_is_no_object_and_of_the_wrong_kind(void **state)
{
	struct json_doc doc = parsed("{\"a\":[1],\"n\":null,\"s\":\"x\"}");
	uint32_t found = 7;
	struct str s = STR("kept");

	(void)state;
	assert_false(json_doc_member(&doc, member(&doc, 0, "a"), STR("x"), &found, &error));
	assert_false(json_doc_member(&doc, member(&doc, 0, "n"), STR("x"), &found, &error));
	assert_false(json_doc_member_of(&doc, 0, STR("a"), JSON_MAP, &found, &error));
	assert_string_equal(error.text, "a must be an object");
	assert_false(json_doc_text_member(&doc, 0, STR("a"), &arena, &s, &error));
	assert_int_equal(found, 7);
	assert_text(s, "kept", 4);
	assert_true(json_doc_member_of(&doc, 0, STR("n"), JSON_MAP, &found, &error));
	assert_int_equal(found, JSON_NONE);
	assert_true(json_doc_text_member(&doc, 0, STR("n"), &arena, &s, &error));
	assert_null(s.ptr);
	assert_true(json_doc_text_member(&doc, 0, STR("s"), &arena, &s, &error));
	assert_text(s, "x", 1);
}

static const char *const skipped_names[] = {"managedFields", "status"};
static const struct json_skip skip = {skipped_names, 2};
static void skipped_members_are_present_but_not_recorded(void **state)
{
	static const char text[] = "{\"a\":{\"managedFields\":[{\"x\":[1,2,{\"status\":{}}]},3],\"b\":1},\"status\":{"
				   "\"c\":{}},\"d\":\"status\"}";
	struct json_doc doc;
	uint32_t a, fields;
	(void)state;
	assert_true(json_doc_parse(str_of(text), &skip, &arena, &doc, &error));
	assert_int_equal(doc.count, 6);
	a = member(&doc, 0, "a");
	fields = member(&doc, a, "managedFields");
	assert_int_equal(json_doc_size(&doc, a), 2);
	assert_int_equal(json_doc_kind(&doc, fields), JSON_NULL_VALUE);
	assert_int_equal(json_doc_child(&doc, fields), JSON_NONE);
	assert_text(json_doc_raw(&doc, fields), "[{\"x\":[1,2,{\"status\":{}}]},3]", 29);
	assert_text(json_doc_raw(&doc, member(&doc, a, "b")), "1", 1);
	assert_int_equal(json_doc_next(&doc, member(&doc, 0, "d")), JSON_NONE);
	assert_int_equal(json_doc_kind(&doc, member(&doc, 0, "status")), JSON_NULL_VALUE);
}
static void skipped_members_are_checked_like_everything_else(void **state)
{
	static const char *const bad[] = {"{\"status\":{\"a\":1,\"a\":2}}",
					  "{\"status\":{\"a\":[{\"b\":1,\"\\u0062\":2}]}}",
					  "{\"status\":[1,]}",
					  "{\"status\":\"\xff\"}",
					  "{\"status\":01}",
					  "{\"status\":1,\"status\":2}",
					  "{\"status\":{}",
					  "{\"status\":}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_doc doc;

		if (json_doc_parse(str_of(bad[i]), &skip, &arena, &doc, &error))
			fail_msg("accepted: %s", bad[i]);
	}
}

static void a_key_is_skipped_only_when_it_is_written_plainly(void **state)
{
	struct json_doc doc;

	(void)state;
	assert_true(json_doc_parse(STR("{\"st\\u0061tus\":[1,2],\"Status\":[3]}"), &skip, &arena, &doc, &error));
	assert_int_equal(doc.count, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(accepts_what_RFC_8259_has),
		CASE(refuses_what_is_not_RFC_8259),
		CASE(refuses_strings_that_are_not_text),
		CASE(refuses_a_zero_byte_anywhere),
		CASE(refuses_every_truncation),
		CASE(refuses_key_given_twice),
		CASE(accepts_keys_that_differ_in_the_middle_or_by_a_zero),
		CASE(refuses_key_given_twice_whatever_its_length_and_spelling),
		CASE(refuses_key_given_twice_in_objects_of_any_size),
		CASE(a_hundred_thousand_colliding_keys_are_checked_in_time),
		CASE(refuses_one_level_too_deep),
		CASE(says_where),
		CASE(a_full_arena_is_too_large_and_gives_everything_back),
		CASE(memory_follows_the_values_not_the_estimate),
		CASE(kinds_and_raw_text),
		CASE(a_subtree_is_skipped_in_one_step),
		CASE(text_is_unescaped_and_copied_only_when_it_must),
		CASE(text_without_room_fails),
		CASE(members_are_found_by_their_unescaped_key),
		CASE(refuses_a_key_that_differs_only_in_case),
		CASE(refuses_members_of_what_is_no_object_and_of_the_wrong_kind),
		CASE(skipped_members_are_present_but_not_recorded),
		CASE(skipped_members_are_checked_like_everything_else),
		CASE(a_key_is_skipped_only_when_it_is_written_plainly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
