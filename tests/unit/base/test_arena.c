#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void pieces_are_zero_aligned_and_apart(void **state)
{
	cleanup(arena) struct arena a = arena_init(1 << 20);
	unsigned char *pieces[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		pieces[i] = arena_alloc(&a, i);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		for (size_t j = 0; j < i; j++)
			assert_int_equal(pieces[i][j], 0);
		memset(pieces[i], (int)i + 1, i);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_equal(pieces[i][j], i + 1);
}

static void gives_out_its_maximum_and_not_one_piece_more(void **state)
{
	cleanup(arena) struct arena a = arena_init(64);

	(void)state;
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 17));
	assert_non_null(arena_alloc(&a, 16));
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_alloc(&a, 0));
	assert_int_equal(a.used, 64);
	arena_release(&a);
	assert_int_equal(a.used, 0);
	assert_int_equal(a.max, 64);
	assert_non_null(arena_alloc(&a, 64));
}

static void impossible_sizes_give_nothing(void **state)
{
	static const size_t sizes[] = {SIZE_MAX,      SIZE_MAX - 1,    SIZE_MAX - 15,	SIZE_MAX - 16,
				       SIZE_MAX - 17, SIZE_MAX - 4096, SIZE_MAX / 2 + 1};
	cleanup(arena) struct arena a = arena_init(SIZE_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_null(arena_alloc(&a, sizes[i]));
		assert_null(arena_grow(&a, NULL, 0, sizes[i]));
	}
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	assert_null(arena_array(&a, SIZE_MAX / 16 + 2, 16));
	assert_null(arena_copy(&a, str_make("x", SIZE_MAX)).ptr);
	assert_non_null(arena_alloc(&a, 1));
}

static void a_piece_larger_than_a_block_has_room(void **state)
{
	cleanup(arena) struct arena a = arena_init(1 << 20);
	char *large = arena_alloc(&a, 100000);
	char *small = arena_alloc(&a, 10);

	(void)state;
	assert_non_null(large);
	assert_non_null(small);
	memset(large, 1, 100000);
	assert_int_equal(small[0], 0);
}

static void an_array_of_nothing_is_a_piece(void **state)
{
	cleanup(arena) struct arena a = arena_init(1024);

	(void)state;
	assert_non_null(arena_array(&a, 0, 8));
	assert_non_null(arena_array(&a, 8, 0));
	assert_non_null(arena_array(&a, 4, 8));
}

static void the_newest_piece_grows_where_it_is(void **state)
{
	cleanup(arena) struct arena a = arena_init(1 << 16);
	char *piece = arena_alloc(&a, 20);
	char *grown;

	(void)state;
	memcpy(piece, "0123456789012345678", 20);
	assert_ptr_equal(arena_grow(&a, piece, 20, 24), piece);
	assert_ptr_equal(arena_grow(&a, piece, 24, 500), piece);
	assert_int_equal(a.used, 512);
	assert_non_null(arena_alloc(&a, 1));
	grown = arena_grow(&a, piece, 500, 1000);
	assert_ptr_not_equal(grown, piece);
	assert_string_equal(grown, "0123456789012345678");
}

static void growing_past_the_maximum_leaves_the_piece(void **state)
{
	cleanup(arena) struct arena a = arena_init(64);
	char *piece = arena_alloc(&a, 16);

	(void)state;
	memcpy(piece, "kept", 5);
	assert_null(arena_grow(&a, piece, 16, 80));
	assert_string_equal(piece, "kept");
	assert_int_equal(a.used, 16);
	assert_ptr_equal(arena_grow(&a, piece, 16, 64), piece);
	assert_null(arena_grow(&a, piece, 64, 65));
}

static void growing_moves_into_a_new_block_with_its_content(void **state)
{
	cleanup(arena) struct arena a = arena_init(1 << 20);
	char *piece = arena_alloc(&a, 16000);
	char *grown;

	(void)state;
	memset(piece, 'x', 16000);
	grown = arena_grow(&a, piece, 16000, 40000);
	assert_non_null(grown);
	for (size_t i = 0; i < 16000; i++)
		assert_int_equal(grown[i], 'x');
}

static void shrinking_gives_back_the_end_of_the_newest_piece(void **state)
{
	cleanup(arena) struct arena a = arena_init(256);
	char *first = arena_alloc(&a, 64);
	char *piece = arena_alloc(&a, 128);

	(void)state;
	arena_shrink(&a, first, 64, 16);
	assert_int_equal(a.used, 192);
	arena_shrink(&a, piece, 128, 20);
	assert_int_equal(a.used, 96);
	arena_shrink(&a, piece, 20, 40);
	assert_int_equal(a.used, 96);
	memset(piece, 'x', 32);
	assert_int_equal(*(char *)arena_alloc(&a, 100), 0);
	assert_int_equal(piece[31], 'x');
}

static void copies_are_terminated_and_bounded(void **state)
{
	cleanup(arena) struct arena a = arena_init(64);
	struct str copy = arena_copy(&a, STR("abc"));

	(void)state;
	assert_string_equal(copy.ptr, "abc");
	assert_int_equal(copy.len, 3);
	assert_int_equal(arena_copy(&a, STR("a\0b")).len, 3);
	copy = arena_copy(&a, (struct str){NULL, 0});
	assert_string_equal(copy.ptr, "");
	assert_null(arena_copy(&a, STR("0123456789abcdef")).ptr);
	assert_int_equal(arena_copy(&a, STR("0123456789abcdef")).len, 0);
}

static void printed_text_is_measured_first(void **state)
{
	cleanup(arena) struct arena a = arena_init(1 << 10);
	struct str text = arena_printf(&a, "%0300d", 7);

	(void)state;
	assert_int_equal(text.len, 300);
	assert_int_equal(text.ptr[299], '7');
	assert_int_equal(text.ptr[300], 0);
	assert_null(arena_printf(&a, "%0900d", 7).ptr);
	assert_true(str_eq_c(arena_printf(&a, "%s-%d", "a", 5), "a-5"));
}

static void who_asks_for_too_much_is_told_so(void **state)
{
	cleanup(arena) struct arena a = arena_init(64);
	struct err e = ERR_INIT;

	(void)state;
	assert_null(arena_alloc(&a, 65));
	assert_false(arena_error(&a, &e, "too many stones"));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	assert_string_equal(e.text, "too many stones");
}

static void who_asks_at_a_bad_time_is_told_so(void **state)
{
	cleanup(arena) struct arena a = arena_init(SIZE_MAX);
	struct err e = ERR_INIT;

	(void)state;
	assert_null(arena_alloc(&a, SIZE_MAX / 2));
	assert_false(arena_error(&a, &e, "too many stones"));
	assert_int_equal(e.kind, ERR_INTERNAL);
}

static void parts_are_joined_and_bounded(void **state)
{
	cleanup(arena) struct arena a = arena_init(64);
	struct str text = ARENA_JOIN(&a, STR("a"), ((struct str){NULL, 0}), STR("bc"), STR("\0d"));

	(void)state;
	assert_true(str_eq(text, STR("abc\0d")));
	assert_int_equal(text.ptr[text.len], 0);
	assert_null(ARENA_JOIN(&a, text, STR("0123456789012345678901234567890123456789012345678901234567890123")).ptr);
	assert_null(ARENA_JOIN(&a, text, ((struct str){text.ptr, SIZE_MAX})).ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zero_aligned_and_apart),
		cmocka_unit_test(gives_out_its_maximum_and_not_one_piece_more),
		cmocka_unit_test(impossible_sizes_give_nothing),
		cmocka_unit_test(a_piece_larger_than_a_block_has_room),
		cmocka_unit_test(an_array_of_nothing_is_a_piece),
		cmocka_unit_test(the_newest_piece_grows_where_it_is),
		cmocka_unit_test(growing_past_the_maximum_leaves_the_piece),
		cmocka_unit_test(growing_moves_into_a_new_block_with_its_content),
		cmocka_unit_test(shrinking_gives_back_the_end_of_the_newest_piece),
		cmocka_unit_test(copies_are_terminated_and_bounded),
		cmocka_unit_test(printed_text_is_measured_first),
		cmocka_unit_test(who_asks_for_too_much_is_told_so),
		cmocka_unit_test(who_asks_at_a_bad_time_is_told_so),
		cmocka_unit_test(parts_are_joined_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
