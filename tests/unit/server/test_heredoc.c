/* The repair of raw line breaks within JSON strings: that and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/heredoc.h"

static void expect(const char *body, const char *repaired)
{
	cleanup(buf) struct buf out = buf_init(HEREDOC_MAX);
	struct str wanted = str_of(repaired);

	heredoc_repair(str_of(body), &out);
	assert_true(buf_ok(&out, NULL));
	if (!str_eq(buf_str(&out), wanted))
		fail_msg("%s: got %.*s, wanted %s", body, STR_ARG(buf_str(&out)), repaired);
	assert_int_equal(heredoc_needs_repair(str_of(body)), !str_eq(str_of(body), wanted));
}

static void escapes_line_breaks_and_tabs_in_strings(void **state)
{
	(void)state;
	expect("{\"a\":\"1\n2\"}", "{\"a\":\"1\\n2\"}");
	expect("{\"a\":\"1\r\n2\r\n\"}", "{\"a\":\"1\\r\\n2\\r\\n\"}");
	expect("{\"a\":\"\t\"}", "{\"a\":\"\\t\"}");
	expect("{\"a\nb\":1}", "{\"a\\nb\":1}");
	expect("[\"\n\",\"\n\"]", "[\"\\n\",\"\\n\"]");
}

static void leaves_white_space_between_values(void **state)
{
	(void)state;
	expect("{\n\t\"a\" :\r\n 1 }\n", "{\n\t\"a\" :\r\n 1 }\n");
	expect("", "");
	expect("\n", "\n");
	expect("{\"a\":\"b\"}\n{\"c\":\"d\"}", "{\"a\":\"b\"}\n{\"c\":\"d\"}");
}

static void leaves_other_control_characters(void **state)
{
	(void)state;
	expect("{\"a\":\"\x01\x0b\x0c\x1f\"}", "{\"a\":\"\x01\x0b\x0c\x1f\"}");
}

static void knows_escaped_quotes(void **state)
{
	(void)state;
	expect("[\"a\\\"\n\"]", "[\"a\\\"\\n\"]");
	expect("[\"a\\\\\"\n]", "[\"a\\\\\"\n]");
	expect("[\"a\\\\\n\"]", "[\"a\\\\\\n\"]");
	expect("[\"\\u0022\n\"]", "[\"\\u0022\\n\"]");
}

/* "\" LF would become "\\n", another text than the one that was sent. */
static void never_touches_what_follows_a_backslash(void **state)
{
	(void)state;
	expect("[\"a\\\nb\"]", "[\"a\\\nb\"]");
	expect("[\"a\\\tb\"]", "[\"a\\\tb\"]");
	expect("[\"a\\\r\nb\"]", "[\"a\\\r\\nb\"]");
}

static void ends_with_the_text(void **state)
{
	(void)state;
	expect("\"", "\"");
	expect("\"\n", "\"\\n");
	expect("\"\\", "\"\\");
}

static void keeps_nul_bytes(void **state)
{
	(void)state;
	cleanup(buf) struct buf out = buf_init(HEREDOC_MAX);

	heredoc_repair(STR("\"\0\n\""), &out);
	assert_true(str_eq(buf_str(&out), STR("\"\0\\n\"")));
}

static void has_room_for_the_largest_body(void **state)
{
	(void)state;
	char *body = test_malloc(LIMIT_API_BODY);
	cleanup(buf) struct buf out = buf_init(HEREDOC_MAX);

	memset(body, '\n', LIMIT_API_BODY);
	body[0] = '"';
	heredoc_repair(str_make(body, LIMIT_API_BODY), &out);
	assert_true(buf_ok(&out, NULL));
	assert_int_equal(out.len, 2 * LIMIT_API_BODY - 1);
	test_free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_line_breaks_and_tabs_in_strings),
		cmocka_unit_test(leaves_white_space_between_values),
		cmocka_unit_test(leaves_other_control_characters),
		cmocka_unit_test(knows_escaped_quotes),
		cmocka_unit_test(never_touches_what_follows_a_backslash),
		cmocka_unit_test(ends_with_the_text),
		cmocka_unit_test(keeps_nul_bytes),
		cmocka_unit_test(has_room_for_the_largest_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
