#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

static void a_str_without_pointer_is_empty_everywhere(void **state)
{
	const struct str none = {NULL, 0};

	(void)state;
	assert_int_equal(str_make(NULL, 5).len, 0);
	assert_non_null(str_make(NULL, 5).ptr);
	assert_int_equal(str_of(NULL).len, 0);
	assert_true(str_eq(none, STR("")));
	assert_true(str_eq_nocase(none, STR("")));
	assert_int_equal(str_compare(none, STR("")), 0);
	assert_true(str_compare(none, STR("a")) < 0);
	assert_true(str_starts_with(STR("a"), none));
	assert_true(str_ends_with(STR("a"), none));
	assert_false(str_starts_with(none, STR("a")));
	assert_int_equal(str_skip(none, 3).len, 0);
	assert_int_equal(str_head(none, 3).len, 0);
	assert_int_equal(str_find(none, 'x'), 0);
	assert_int_equal(str_trim(none).len, 0);
}

static void equality_heeds_length_case_and_nul(void **state)
{
	(void)state;
	assert_true(str_eq(STR("abc"), STR("abc")));
	assert_false(str_eq(STR("abc"), STR("ab")));
	assert_false(str_eq(STR("abc"), STR("abC")));
	assert_false(str_eq(STR("ab\0x"), STR("ab\0y")));
	assert_false(str_eq(STR("ab\0"), STR("ab")));
	assert_false(str_eq_c(STR("ab\0"), "ab"));
	assert_true(str_eq_c(STR("ab"), "ab"));
	assert_true(str_eq_c(STR(""), NULL));
}

static void case_is_folded_for_ascii_letters_alone(void **state)
{
	(void)state;
	assert_true(str_eq_nocase(STR("Docker.IO"), STR("dOCKER.io")));
	assert_false(str_eq_nocase(STR("a"), STR("ab")));
	assert_false(str_eq_nocase(STR("@"), STR("`")));
	assert_false(str_eq_nocase(STR("["), STR("{")));
	assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
	assert_false(str_eq_nocase(STR("K"), STR("\xe2\x84\xaa")));
}

static void heads_and_tails_are_whole(void **state)
{
	(void)state;
	assert_true(str_starts_with(STR("abc"), STR("ab")));
	assert_true(str_starts_with(STR("abc"), STR("abc")));
	assert_false(str_starts_with(STR("ab"), STR("abc")));
	assert_false(str_starts_with(STR("xabc"), STR("abc")));
	assert_true(str_ends_with(STR("abc"), STR("bc")));
	assert_true(str_ends_with(STR("abc"), STR("abc")));
	assert_false(str_ends_with(STR("bc"), STR("abc")));
	assert_false(str_ends_with(STR("abcx"), STR("abc")));
}

static void order_is_by_unsigned_bytes_then_length(void **state)
{
	static const struct str sorted[] = {{"", 0},   {"\0", 1}, {"\0a", 2},  {"A", 1},   {"a", 1},
					    {"aa", 2}, {"ab", 2}, {"\x80", 1}, {"\xff", 1}};

	(void)state;
	for (size_t i = 0; i < 9; i++)
		for (size_t j = 0; j < 9; j++) {
			int order = str_compare(sorted[i], sorted[j]);

			assert_true((order < 0) == (i < j) && (order > 0) == (i > j));
		}
}

static void cutting_stays_inside(void **state)
{
	(void)state;
	assert_true(str_eq_c(str_skip(STR("abc"), 1), "bc"));
	assert_true(str_eq_c(str_skip(STR("abc"), 3), ""));
	assert_true(str_eq_c(str_skip(STR("abc"), SIZE_MAX), ""));
	assert_true(str_eq_c(str_head(STR("abc"), 2), "ab"));
	assert_true(str_eq_c(str_head(STR("abc"), SIZE_MAX), "abc"));
	assert_true(str_eq_c(str_head(STR("abc"), 0), ""));
	assert_int_equal(str_find(STR("a/b/c"), '/'), 1);
	assert_int_equal(str_find(STR("abc"), '/'), 3);
	assert_int_equal(str_find(STR("a\0b"), 'b'), 2);
	assert_int_equal(str_find(STR(""), '/'), 0);
}

static void trims_ascii_space_at_the_ends_alone(void **state)
{
	(void)state;
	assert_true(str_eq_c(str_trim(STR(" \t\r\n a b \n")), "a b"));
	assert_true(str_eq_c(str_trim(STR(" \t\r\n")), ""));
	assert_true(str_eq_c(str_trim(STR("a")), "a"));
	assert_int_equal(str_trim(STR("\xc2\xa0")).len, 2);
	assert_int_equal(str_trim(STR("\0 ")).len, 1);
	assert_int_equal(str_trim(STR("\x0b")).len, 1);
}

static void a_number_has_all_its_digits(void **state)
{
	char digits[STR_NUMBER_MAX];

	(void)state;
	assert_true(str_eq_c(str_number(0, digits), "0"));
	assert_true(str_eq_c(str_number(1090, digits), "1090"));
	assert_true(str_eq_c(str_number(UINT64_MAX, digits), "18446744073709551615"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_str_without_pointer_is_empty_everywhere),
		cmocka_unit_test(equality_heeds_length_case_and_nul),
		cmocka_unit_test(case_is_folded_for_ascii_letters_alone),
		cmocka_unit_test(heads_and_tails_are_whole),
		cmocka_unit_test(order_is_by_unsigned_bytes_then_length),
		cmocka_unit_test(cutting_stays_inside),
		cmocka_unit_test(trims_ascii_space_at_the_ends_alone),
		cmocka_unit_test(a_number_has_all_its_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
