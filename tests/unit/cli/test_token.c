#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/token.h"

static const unsigned char bytes[TOKEN_BYTES] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
	0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
};

/* printf %s TEXT | sha256sum */
static void the_line_holds_the_hash_of_the_text_as_sent(void **state)
{
	struct token token;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(token_make(bytes, "attest", "ci", &token, &e));
	assert_string_equal(token.text, "AAECAwQFBgcICQoLDA0OD_Dx8vP09fb3-Pn6-_z9_v8");
	assert_string_equal(token.line,
			    "attest ci sha256:12127eb6c9616503c4c530fbbce45a6d76c6c4c85075d71af1fd0b9a6ebf325d");
	assert_null(strstr(token.line, token.text));
}

static void refuses_names_that_could_break_the_line(void **state)
{
	static const char *const bad[] = {
		"",    " ",	   "a b",
		"a\n", "a\tb",	   "#",
		"a:b", "\xc3\xbc", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct token token;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;

		if (token_make(bytes, "read", bad[i], &token, &e))
			fail_msg("accepted \"%s\"", bad[i]);
		assert_int_equal(e.kind, ERR_INVALID);
	}
}

static void the_longest_name_fits_its_line_whole(void **state)
{
	char name[LIMIT_TOKEN_NAME + 1];
	struct token token;
	struct err e = ERR_INIT;

	(void)state;
	memset(name, 'n', LIMIT_TOKEN_NAME);
	name[LIMIT_TOKEN_NAME] = 0;
	assert_true(token_make(bytes, "attest", name, &token, &e));
	assert_int_equal(strlen(token.line), strlen("attest ") + LIMIT_TOKEN_NAME + strlen(" sha256:") + 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_holds_the_hash_of_the_text_as_sent),
		cmocka_unit_test(refuses_names_that_could_break_the_line),
		cmocka_unit_test(the_longest_name_fits_its_line_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
