#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/spelling.h"

static const char *const known[] = {"publicKeys", "note", "namespaces", "namespaceSelector", "images"};

static const char *nearest(const char *typed)
{
	const char *best = NULL;
	size_t least = spelling_limit(str_of(typed));

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (spelling_nearer(str_of(typed), str_of(known[i]), &least))
			best = known[i];
	return best;
}

static void finds_the_nearest_name(void **state)
{
	(void)state;
	assert_string_equal(nearest("publickeys"), "publicKeys");
	assert_string_equal(nearest("namespace"), "namespaces");
	assert_string_equal(nearest("nameSpaceSelector"), "namespaceSelector");
	assert_string_equal(nearest("image"), "images");
	assert_string_equal(nearest("ntoe"), "note");
}

static void another_word_is_no_misspelling(void **state)
{
	(void)state;
	assert_null(nearest("quorum"));
	assert_null(nearest(""));
	assert_null(nearest("x"));
	assert_null(nearest("images-images-images-images-images-images-images-images-images-images-images"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_nearest_name),
		cmocka_unit_test(another_word_is_no_misspelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
