#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/note_name.h"

static void takes_the_two_ids(void **state)
{
	struct note_name name;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(note_name_read(STR("projects/image-signing/notes/qa:1"), &name, &e));
	assert_true(str_eq(name.project, STR("image-signing")));
	assert_true(str_eq(name.note, STR("qa:1")));
}

static void refuses_every_other_form(void **state)
{
	static const char *const bad[] = {
		"",
		"qa",
		"projects/p",
		"projects/p/notes",
		"projects/p/notes/",
		"projects//notes/n",
		"/projects/p/notes/n",
		"projects/p/notes/n/",
		"projects/p/notes/n/x",
		"projects/p/occurrences/n",
		"Projects/p/notes/n",
		"projects/p/Notes/n",
		"projects/p/notes/a b",
		"projects/p/notes/a\n",
		"projects/\x01/notes/n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct note_name name = {STR("untouched"), STR("untouched")};
		struct err e = ERR_INIT;

		if (note_name_read(str_of(bad[i]), &name, &e))
			fail_msg("accepted \"%s\"", bad[i]);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_true(str_eq(name.note, STR("untouched")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_two_ids),
		cmocka_unit_test(refuses_every_other_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
