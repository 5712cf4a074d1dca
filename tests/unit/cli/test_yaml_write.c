#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "cli/yaml_write.h"

/* Writes the JSON `text` as YAML, reads that and expects the value back. */
static void assert_round_trip(const char *text)
{
	cleanup(json) json_t *value = NULL;
	cleanup(json) json_t *again = NULL;
	cleanup(buf) struct buf yaml = buf_init(1 << 20);
	struct err e = ERR_INIT;

	assert_true(json_read(str_of(text), &value, &e));
	assert_true(yaml_write(value, &yaml, &e));
	if (!yaml_read(buf_str(&yaml), &again, &e))
		fail_msg("%s: %s\n%s", text, e.text, yaml.data);
	if (!json_equal(value, json_array_get(again, 0)))
		fail_msg("%s became\n%s", text, yaml.data);
}

static void strings_stay_strings(void **state)
{
	static const char *const texts[] = {
		"",	 "a",	 "true",       "Yes",	  "NO",	  "null", "~",	     "1",   "0x1F", "1e3",
		"1_000", ".inf", ".NaN",       "- a",	  "a: b", "a #b", "#a",	     "&a",  "*a",   "!a",
		"|",	 ">",	 "%a",	       "@a",	  "`a",	  "'a'",  "a:",	     "[a]", "{a}",  "a,b",
		" a",	 "a ",	 "a\\n",       "\\u0001", "\\\"", "\\\\", "---",     "...", "<<",   "=",
		"12:30", "0o7",	 "2026-01-02", "y",	  "n",	  "off",  "\\u00fc", "?",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "{\"k\":\"%s\",\"%s\":[\"%s\"]}", texts[i], texts[i], texts[i]);
		assert_round_trip(text);
	}
}

static void nesting_keeps_its_shape(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"a\":{}}",
		"{\"a\":[]}",
		"{\"a\":null,\"b\":true,\"c\":false,\"d\":-12}",
		"{\"a\":{\"b\":{\"c\":[1,2,{\"d\":[]}]}}}",
		"{\"a\":[{\"b\":1,\"c\":{\"d\":2}},{\"b\":[{\"e\":3}]}]}",
		"{\"a\":[[1,2],[[3]],[]]}",
		"{\"a\":[{},{\"b\":{}}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_round_trip(texts[i]);
}

static void members_keep_their_order(void **state)
{
	cleanup(json) json_t *value = json_pack("{s:i, s:i, s:[s, s]}", "z", 1, "a", 2, "m", "x", "*");
	cleanup(buf) struct buf yaml = buf_init(1000);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(yaml_write(value, &yaml, &e));
	assert_string_equal(yaml.data, "z: 1\na: 2\nm: [x, \"*\"]\n");
}

static void refuses_a_document_that_is_no_map_and_one_past_the_maximum(void **state)
{
	cleanup(json) json_t *list = json_pack("[i]", 1);
	cleanup(json) json_t *map = json_pack("{s:s}", "a", "123456789");
	cleanup(buf) struct buf small = buf_init(8);
	struct err e = ERR_INIT;

	(void)state;
	assert_false(yaml_write(list, &small, &e));
	assert_false(yaml_write(map, &small, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_stay_strings),
		cmocka_unit_test(nesting_keeps_its_shape),
		cmocka_unit_test(members_keep_their_order),
		cmocka_unit_test(refuses_a_document_that_is_no_map_and_one_past_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
