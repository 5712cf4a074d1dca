#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/yaml.h"

struct reading {
	const char *yaml;
	const char *json; /* all documents, compact */
};

struct refusal {
	const char *yaml;
	const char *text; /* part of the error */
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void check_readings(const struct reading *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cleanup(json) json_t *documents = NULL;
		cleanup(buf) struct buf text = buf_init(1u << 20);
		struct err e = ERR_INIT;

		if (!yaml_read(str_of(rows[i].yaml), &documents, &e))
			fail_msg("%s: %s", rows[i].yaml, e.text);
		assert_true(json_write(documents, &text, &e));
		assert_string_equal(text.data, rows[i].json);
	}
}

static void check_refusal(struct str yaml, const char *text)
{
	json_t *documents = NULL;
	struct err e = ERR_INIT;

	if (yaml_read(yaml, &documents, &e))
		fail_msg("accepted: %.*s", (int)(yaml.len < 200 ? yaml.len : 200), yaml.ptr);
	assert_null(documents);
	assert_int_equal(e.kind, ERR_INVALID);
	if (!strstr(e.text, text))
		fail_msg("%.200s: \"%s\" lacks \"%s\"", yaml.ptr, e.text, text);
}

static void check_refusals(const struct refusal *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_refusal(str_of(rows[i].yaml), rows[i].text);
}

static void plain_scalars_are_what_kubectl_makes_of_them(void **state)
{
	static const struct reading rows[] = {
		{"[yes, Yes, YES, y, Y, on, On, ON, true, True, TRUE]",
		 "[[true,true,true,true,true,true,true,true,true,true,true]]"},
		{"[no, No, NO, n, N, off, Off, OFF, false, False, FALSE]",
		 "[[false,false,false,false,false,false,false,false,false,false,false]]"},
		{"[~, null, Null, NULL, ]", "[[null,null,null,null]]"},
		{"a:\nb:", "[{\"a\":null,\"b\":null}]"},
		{"[yEs, tRue, nULL, oN, yess]", "[[\"yEs\",\"tRue\",\"nULL\",\"oN\",\"yess\"]]"},
		{"[0, -0, +7, -7, 1_000, 0x1F, 0XfF, -0x10, 0o17, 017, 00, 0b101, 0_7]",
		 "[[0,0,7,-7,1000,31,255,-16,15,15,0,5,7]]"},
		{"[9223372036854775807, -9223372036854775808]", "[[9223372036854775807,-9223372036854775808]]"},
		{"[1.5, .5, 1., 1e3, -1.5E-1, +2.0, 08, 1_0.5]", "[[1.5,0.5,1.0,1000.0,-0.15,2.0,8.0,10.5]]"},
		{"[2001-01-01, 12:30, 1.2.3, 0x, 0xg, 0b2, '-', +, 1e, .e1, ._5, e1, 0o8, 10Mi, 1-2]",
		 "[[\"2001-01-01\",\"12:30\",\"1.2.3\",\"0x\",\"0xg\",\"0b2\",\"-\",\"+\",\"1e\",\".e1\",\"._5\","
		 "\"e1\","
		 "\"0o8\",\"10Mi\",\"1-2\"]]"},
	};

	(void)state;
	check_readings(rows, COUNT(rows));
}

static void quoted_scalars_are_strings(void **state)
{
	static const struct reading rows[] = {
		{"['yes', \"true\", '1', \"null\", '', \"~\"]", "[[\"yes\",\"true\",\"1\",\"null\",\"\",\"~\"]]"},
		{"a: |\n  1\nb: >-\n  yes\n", "[{\"a\":\"1\\n\",\"b\":\"yes\"}]"},
		{"[! 1, !!str 1, !!str yes]", "[[\"1\",\"1\",\"yes\"]]"},
		{"[!!int 1, !!bool yes, !!null ~, !!float 1.5]", "[[1,true,null,1.5]]"},
		{"!!map {a: !!seq [1]}", "[{\"a\":[1]}]"},
		{"\"\\u00e9\\x41\\n\"", "[\"\xc3\xa9"
					"A\\n\"]"},
	};

	(void)state;
	check_readings(rows, COUNT(rows));
}

static void empty_documents_are_left_out(void **state)
{
	static const struct reading rows[] = {
		{"", "[]"},
		{" \n\n", "[]"},
		{"# nothing\n", "[]"},
		{"---\n---\n...\n", "[]"},
		{"---\n---\na: 1\n---\n# none\n---\nb: 2\n", "[{\"a\":1},{\"b\":2}]"},
		{"--- null\n--- ''\n", "[null,\"\"]"},
		{"%YAML 1.1\n---\na: 1\n", "[{\"a\":1}]"},
		{"\xef\xbb\xbf"
		 "a: 1\n",
		 "[{\"a\":1}]"},
		{"a: 1\r\nb: 2\r\n", "[{\"a\":1,\"b\":2}]"},
	};

	(void)state;
	check_readings(rows, COUNT(rows));
}

static void json_is_read_as_json_first(void **state)
{
	static const struct reading rows[] = {
		{"{\"a\": [1, true, null]}", "[{\"a\":[1,true,null]}]"},
		{" \n{\"a\":\"\\ud83d\\ude00\"}", "[{\"a\":\"\xf0\x9f\x98\x80\"}]"},
		{"{\"a\":\"}\\\"{\"}\n{\"b\":{\"c\":[{}]}} {}", "[{\"a\":\"}\\\"{\"},{\"b\":{\"c\":[{}]}},{}]"},
		{"{\t\"a\":\t1\n}", "[{\"a\":1}]"},
		{"{\"a\":1}\n---\n{\"b\":2}\n", "[{\"a\":1},{\"b\":2}]"},
		{"{a: yes, b: [1, 'x']}", "[{\"a\":true,\"b\":[1,\"x\"]}]"},
		{"[{\"a\": 1}]", "[[{\"a\":1}]]"},
	};
	static const struct refusal refused[] = {
		{"{\"a\":1,\"a\":2}", "document 1: line 1"},
		{"{\"b\":1}\n{\"a\":1,\"a\":2}", "document 2: "},
		{"{\"a\":1}}", "document 2: "},
		{"{\"a\":1} x", "document 2: "},
		{"{\"a\":[1}", "document 1: "},
		{"{\"a\":\"b", "document 1: "},
		{"{", "document 1: line "},
		{"{a: 1, a: 2}", "document 1: line 1: the key \"a\" stands twice"},
	};

	(void)state;
	check_readings(rows, COUNT(rows));
	check_refusals(refused, COUNT(refused));
}

static void keys_become_strings_or_are_refused(void **state)
{
	static const struct reading rows[] = {
		{"on: 1\n2: b\n0x10: c\n'3': d\n", "[{\"true\":1,\"2\":\"b\",\"16\":\"c\",\"3\":\"d\"}]"},
		{"&k a: 1\nb: {*k : 2}\n", "[{\"a\":1,\"b\":{\"a\":2}}]"},
	};
	static const struct refusal refused[] = {
		{"~: 1", "line 1: a key is"},
		{"1.5: 1", "a key is"},
		{"? [a]\n: 1", "line 1: a key is"},
		{"{{a: b}: c}", "a key is"},
		{"a: &l [1]\nb: {*l : 2}", "line 2: a key is"},
	};

	(void)state;
	check_readings(rows, COUNT(rows));
	check_refusals(refused, COUNT(refused));
}

static void refuses_key_given_twice(void **state)
{
	static const struct refusal refused[] = {
		{"a: 1\nb: 2\na: 3\n", "document 1: line 3: the key \"a\" stands twice"},
		{"a: 1\n---\nb: {c: 1, \"c\": 1}\n", "document 2: line 3: the key \"c\" stands twice"},
		{"1: a\n'1': b\n", "line 2: the key \"1\" stands twice"},
		{"true: a\nyes: b\n", "the key \"true\" stands twice"},
		{"\"\\u0061\": 1\na: 2\n", "the key \"a\" stands twice"},
		{"a: &x {b: 1}\nc: {<<: *x, <<: *x}\n", "the key \"<<\" stands twice"},
	};

	(void)state;
	check_refusals(refused, COUNT(refused));
}

static void aliases_repeat_their_anchor(void **state)
{
	static const struct reading rows[] = {
		{"a: &x [1, {b: 2}]\nc: *x\nd: [*x, *x]\n",
		 "[{\"a\":[1,{\"b\":2}],\"c\":[1,{\"b\":2}],\"d\":[[1,{\"b\":2}],[1,{\"b\":2}]]}]"},
		{"[&s text, *s, &n 1, *n, &e '', *e]", "[[\"text\",\"text\",1,1,\"\",\"\"]]"},
		{"a: &x 1\n---\nb: &x 2\nc: *x\n", "[{\"a\":1},{\"b\":2,\"c\":2}]"},
	};
	static const struct refusal refused[] = {
		{"a: *x\n", "line 1: no anchor &x"},
		{"a: *x\nb: &x 1\n", "no anchor &x"},
		{"a: &x 1\n---\nb: *x\n", "document 2: line 3: no anchor &x"},
		{"a: &x [1, *x]\n", "the anchor &x contains itself"},
		{"&x a: {b: &y {c: *y}}\n", "the anchor &y contains itself"},
		{"a: &x 1\nb: &x 2\nc: *x\n", "line 2: the anchor &x stands twice"},
	};

	(void)state;
	check_readings(rows, COUNT(rows));
	check_refusals(refused, COUNT(refused));
}

static void merge_keys_bring_what_is_not_given(void **state)
{
	static const struct reading rows[] = {
		{"a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", "[{\"a\":{\"p\":1,\"q\":2},\"b\":{\"q\":3,\"p\":1}}]"},
		{"- &x {p: 1}\n- &y {p: 2, r: 3}\n- {<<: [*x, *y], s: 4}\n",
		 "[[{\"p\":1},{\"p\":2,\"r\":3},{\"s\":4,\"p\":1,\"r\":3}]]"},
		{"{z: 0, <<: {q: 1}}", "[{\"z\":0,\"q\":1}]"},
		{"{<<: []}", "[{}]"},
		{"{'<<': 1}", "[{\"<<\":1}]"},
		{"[<<]", "[[\"<<\"]]"},
		{"- &x {<<: {p: 1}, q: 2}\n- {<<: *x}\n", "[[{\"q\":2,\"p\":1},{\"q\":2,\"p\":1}]]"},
	};
	static const struct refusal refused[] = {
		{"{<<: 1}", "<< takes a map"},
		{"{<<: ~}", "<< takes a map"},
		{"{<<: [{a: 1}, b]}", "<< takes a map"},
		{"{a: 1, <<: {a: 2}}", "the key \"a\", which stands before it"},
		{"{&x <<: {a: 1}}", "<< has an anchor"},
	};

	(void)state;
	check_readings(rows, COUNT(rows));
	check_refusals(refused, COUNT(refused));
}

static void refuses_what_json_cannot_carry(void **state)
{
	static const struct refusal refused[] = {
		{"a: .nan", "no number"},
		{"a: -.inf", "no number"},
		{"a: 1e999", "too large"},
		{"a: 9223372036854775808", "does not fit 64 bits"},
		{"a: -9223372036854775809", "does not fit 64 bits"},
		{"a: 99999999999999999999999", "does not fit 64 bits"},
		{"a: 0xfffffffffffffffff", "does not fit 64 bits"},
		{"a: "
		 "11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
		 "1"
		 "1111111111111111111111111111111111111111111111",
		 "more than 128 characters"},
		{"a: \"x\\0y\"", "U+0000"},
		{"\"x\\0y\": a", "U+0000"},
	};

	(void)state;
	check_refusals(refused, COUNT(refused));
}

static void refuses_unknown_tags(void **state)
{
	static const struct refusal refused[] = {
		{"a: !!binary aGk=", "line 1: the tag tag:yaml.org,2002:binary is not known"},
		{"a: !foo 1", "the tag !foo is not known"},
		{"!!set {a, b}", "is not known"},
		{"a: !!omap [b: 1]", "is not known"},
		{"a: !!seq {b: 1}", "is not known"},
		{"a: !!python/object:os.system x", "is not known"},
		{"a: !!int x", "!!int"},
		{"a: !!int 1.5", "!!int"},
		{"a: !!bool 1", "!!bool"},
		{"a: !!float 1", "!!float"},
		{"a: !!null x", "!!null"},
	};

	(void)state;
	check_refusals(refused, COUNT(refused));
}

static void refuses_what_is_not_yaml(void **state)
{
	static const struct refusal refused[] = {
		{"a: 1\nb: [1, 2\nc: 3\n", "document 1: line 3: "},
		{"a: 1\n---\n- b\nc\n", "document 2: line "},
		{"a: 'b", "document 1: line 1: "},
		{"\tb: 1", "document 1: line 1: "},
		{"a: 1\n b: 2", "line 2: "},
		{"a: \xff\xfe", "document 1: line 1: "},
		{"a: 1\nb: \xed\xa0\x80", "document 1: line 2: "},
		{"a: \x01", "control characters"},
		{"a: \"\\ud800\"", "line 1: "},
		{"%YAML 9.9\n---\na: 1\n", "line 1: "},
		{"a: @b", "line 1: "},
		{"]", "line 1: "},
	};

	(void)state;
	check_refusals(refused, COUNT(refused));
	check_refusal(STR("a: 1\n\0---\nb: 2\n"), "line 2: ");
	check_refusal(STR("\xff\xfe"
			  "a\0:\0 \0"
			  "1\0"),
		      "line 1: ");
}

static void nested(struct buf *b, size_t levels)
{
	for (size_t i = 0; i < levels; i++)
		buf_add_char(b, '[');
	for (size_t i = 0; i < levels; i++)
		buf_add_char(b, ']');
}

static bool reads(const struct buf *b)
{
	cleanup(json) json_t *documents = NULL;

	return yaml_read(buf_str(b), &documents, NULL);
}

static void refuses_more_levels_than_the_limit(void **state)
{
	cleanup(buf) struct buf at = buf_init(1u << 16);
	cleanup(buf) struct buf past = buf_init(1u << 16);
	cleanup(buf) struct buf alias_at = buf_init(1u << 16);
	cleanup(buf) struct buf alias_past = buf_init(1u << 16);

	(void)state;
	nested(&at, LIMIT_JSON_DEPTH);
	assert_true(reads(&at));
	nested(&past, LIMIT_JSON_DEPTH + 1);
	check_refusal(buf_str(&past), "more than 512 levels");

	buf_add_c(&alias_at, "a: &x ");
	nested(&alias_at, 300);
	buf_add_c(&alias_at, "\nb: [*x]\n");
	assert_true(reads(&alias_at));
	buf_add_c(&alias_past, "a: &x ");
	nested(&alias_past, 300);
	buf_add_c(&alias_past, "\nb: &y [*x]\nc: ");
	for (size_t i = 0; i < 211; i++)
		buf_add_char(&alias_past, '[');
	buf_add_c(&alias_past, "*y");
	for (size_t i = 0; i < 211; i++)
		buf_add_char(&alias_past, ']');
	check_refusal(buf_str(&alias_past), "line 3: more than 512 levels");
}

static void refuses_aliases_that_expand_past_the_limit(void **state)
{
	cleanup(buf) struct buf laughs = buf_init(1u << 16);
	cleanup(buf) struct buf texts = buf_init(2u << 20);

	(void)state;
	buf_add_c(&laughs, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 12; i++)
		buf_printf(&laughs, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
			   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	check_refusal(buf_str(&laughs), "more than 1000000 values");

	buf_add_c(&texts, "a: &a '");
	for (size_t i = 0; i < 1u << 20; i++)
		buf_add_char(&texts, 'x');
	buf_add_c(&texts, "'\nb: [*a, *a, *a, *a, *a, *a, *a]\n");
	assert_true(reads(&texts));
	buf_add_c(&texts, "c: [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n");
	check_refusal(buf_str(&texts), "bytes of text");
}

static void takes_as_many_values_as_the_limit(void **state)
{
	cleanup(buf) struct buf list = buf_init(4u << 20);

	(void)state;
	buf_add_char(&list, '[');
	for (size_t i = 0; i + 1 < LIMIT_YAML_NODES; i++)
		buf_add_c(&list, "a,");
	buf_add_c(&list, "]");
	assert_true(reads(&list));
	list.data[list.len - 1] = 'a';
	buf_add_c(&list, "]");
	check_refusal(buf_str(&list), "more than 1000000 values");
}

static void takes_as_much_text_as_the_limit(void **state)
{
	cleanup(buf) struct buf text = buf_init(17u << 20);

	(void)state;
	buf_add_c(&text, "a: '");
	for (size_t i = 0; i + 1 < LIMIT_YAML_BYTES; i++)
		buf_add_char(&text, 'x');
	buf_add_c(&text, "'");
	assert_true(reads(&text));
	text.data[text.len - 1] = 'x';
	buf_add_c(&text, "'");
	check_refusal(buf_str(&text), "more than 16777216 bytes of text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_scalars_are_what_kubectl_makes_of_them),
		cmocka_unit_test(quoted_scalars_are_strings),
		cmocka_unit_test(empty_documents_are_left_out),
		cmocka_unit_test(json_is_read_as_json_first),
		cmocka_unit_test(keys_become_strings_or_are_refused),
		cmocka_unit_test(refuses_key_given_twice),
		cmocka_unit_test(aliases_repeat_their_anchor),
		cmocka_unit_test(merge_keys_bring_what_is_not_given),
		cmocka_unit_test(refuses_what_json_cannot_carry),
		cmocka_unit_test(refuses_unknown_tags),
		cmocka_unit_test(refuses_what_is_not_yaml),
		cmocka_unit_test(refuses_more_levels_than_the_limit),
		cmocka_unit_test(refuses_aliases_that_expand_past_the_limit),
		cmocka_unit_test(takes_as_many_values_as_the_limit),
		cmocka_unit_test(takes_as_much_text_as_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
