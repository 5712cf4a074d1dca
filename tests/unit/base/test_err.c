#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void setting_an_error_is_false_with_kind_and_text(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_false(err_set(&e, ERR_NOT_FOUND, "no %s", "such thing"));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_string_equal(e.text, "no such thing");
	assert_false(err_set(&e, ERR_INVALID, "another"));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_string_equal(e.text, "another");
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	assert_false(err_set(NULL, ERR_INVALID, "x"));
	assert_false(err_context(NULL, "x"));
	assert_false(err_errno(NULL, "x"));
	assert_false(err_no_memory(NULL));
}

static void context_stands_before_and_keeps_the_kind(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, ERR_TOO_LARGE, "more than 5 bytes");
	assert_false(err_context(&e, "spec.%s", "keys"));
	assert_false(err_context(&e, "file"));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	assert_string_equal(e.text, "file: spec.keys: more than 5 bytes");
}

static void a_long_text_is_cut_and_says_so(void **state)
{
	char text[2 * ERR_TEXT_MAX];
	struct err e = ERR_INIT;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = ERR_TEXT_MAX - 3; len < ERR_TEXT_MAX + 3; len++) {
		err_set(&e, ERR_INVALID, "%.*s", (int)len, text);
		assert_int_equal(strlen(e.text), len < ERR_TEXT_MAX ? len : ERR_TEXT_MAX - 1);
		assert_int_equal(strcmp(e.text + strlen(e.text) - 3, "...") == 0, len >= ERR_TEXT_MAX);
	}
	err_context(&e, "%.*s", (int)sizeof(text), text);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_string_equal(e.text + ERR_TEXT_MAX - 4, "...");
}

static void a_cut_leaves_whole_characters(void **state)
{
	char text[2 * ERR_TEXT_MAX];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t before = 0; before < 3; before++) {
		memset(text, 'x', before);
		for (size_t i = before; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		err_set(&e, ERR_INVALID, "%s", text);
		assert_true((strlen(e.text) - before - 3) % 3 == 0);
		assert_string_equal(e.text + strlen(e.text) - 3, "...");
	}
}

static void control_characters_never_leave(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, ERR_INVALID, "a\nb\r\x1b[2J\x7f%c", '\t');
	assert_string_equal(e.text, "a b  [2J  ");
	err_context(&e, "x\ny");
	assert_string_equal(e.text, "x y: a b  [2J  ");
}

static void errno_is_told_as_it_was(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	errno = ENOENT;
	assert_false(err_errno(&e, "%s", "file"));
	assert_int_equal(e.kind, ERR_INTERNAL);
	assert_string_equal(e.text, "file: No such file or directory");
}

static const struct {
	enum err_kind kind;
	int http, exit;
} edges[] = {
	{ERR_NONE, 200, 0},	   {ERR_INVALID, 400, 2},	{ERR_UNAUTHENTICATED, 401, 2}, {ERR_FORBIDDEN, 403, 1},
	{ERR_NOT_FOUND, 404, 2},   {ERR_EXISTS, 409, 2},	{ERR_CHANGED, 409, 2},	       {ERR_TOO_LARGE, 413, 2},
	{ERR_UNSUPPORTED, 501, 2}, {ERR_UNAVAILABLE, 503, 2},	{ERR_TIMEOUT, 504, 2},	       {ERR_INTERNAL, 500, 2},
	{ERR_KINDS, 500, 2},	   {(enum err_kind)99, 500, 2},
};

static void every_kind_has_one_status(void **state)
{
	(void)state;
	assert_int_equal(sizeof(edges) / sizeof(edges[0]), ERR_KINDS + 2);
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		assert_int_equal(err_http_status(edges[i].kind), edges[i].http);
		assert_int_equal(err_exit_status(edges[i].kind), edges[i].exit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_an_error_is_false_with_kind_and_text),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(context_stands_before_and_keeps_the_kind),
		cmocka_unit_test(a_long_text_is_cut_and_says_so),
		cmocka_unit_test(a_cut_leaves_whole_characters),
		cmocka_unit_test(control_characters_never_leave),
		cmocka_unit_test(errno_is_told_as_it_was),
		cmocka_unit_test(every_kind_has_one_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
