#include "store/page_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/limits.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_init(1u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct str make(enum store_listing listing, const char *scope, struct page_key last)
{
	struct str token = STR("");
	struct err e;

	assert_true(page_token_make(listing, str_of(scope), last, &arena, &token, &e));
	return token;
}

static bool read_token(enum store_listing listing, const char *scope, struct str token, struct page_key *after)
{
	struct err e = ERR_INIT;
	bool ok = page_token_read(listing, str_of(scope), token, &arena, after, &e);

	if (!ok) {
		assert_int_equal(e.kind, ERR_INVALID);
		assert_string_equal(e.text, "bad page token");
	}
	return ok;
}

static void reads_back_what_it_made(void **state)
{
	struct str ids[] = {
		STR("a"), STR("\0"), STR("\xff\xfe"), {memset(arena_alloc(&arena, LIMIT_ID), 'x', LIMIT_ID), LIMIT_ID}};
	const int64_t sequences[] = {1, 255, 256, INT64_MAX};
	struct page_key key;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(read_token(LIST_NOTES, "p", make(LIST_NOTES, "p", (struct page_key){ids[i], 0}), &key));
		assert_true(str_eq(key.id, ids[i]));
		assert_true(read_token(LIST_OCCURRENCES, "p",
				       make(LIST_OCCURRENCES, "p", (struct page_key){STR(""), sequences[i]}), &key));
		assert_int_equal(key.sequence, sequences[i]);
	}
}

static void no_token_is_the_first_page(void **state)
{
	struct page_key key = {STR("x"), 7};

	(void)state;
	assert_true(read_token(LIST_NOTES, "p", STR(""), &key));
	assert_int_equal(key.id.len, 0);
	assert_int_equal(key.sequence, 0);
}

static void is_made_of_characters_that_a_query_carries_unescaped(void **state)
{
	struct str token = make(LIST_NOTES, "p", (struct page_key){STR("\xff\xfe\xfd?/+ "), 0});

	(void)state;
	for (size_t i = 0; i < token.len; i++)
		assert_non_null(
			memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", token.ptr[i], 64));
}

static void refuses_the_token_of_another_list_or_scope(void **state)
{
	struct page_key key = {STR("untouched"), 7};

	(void)state;
	for (int made = 0; made < STORE_LISTINGS; made++)
		for (int used = 0; used < STORE_LISTINGS; used++) {
			struct str token =
				make((enum store_listing)made, "p", (struct page_key){STR("12345678"), 12345678});

			assert_int_equal(read_token((enum store_listing)used, "p", token, &key), made == used);
			assert_false(read_token((enum store_listing)used, "q", token, &key));
			assert_false(read_token((enum store_listing)used, "", token, &key));
		}
}

static void refuses_each_token_cut_short_or_prolonged(void **state)
{
	struct str token = make(LIST_OCCURRENCES, "p", (struct page_key){STR(""), 1000});
	struct page_key key = {STR("untouched"), 7};

	(void)state;
	for (size_t len = 1; len < token.len; len++)
		assert_false(read_token(LIST_OCCURRENCES, "p", str_head(token, len), &key));
	assert_false(read_token(LIST_OCCURRENCES, "p", arena_printf(&arena, "%.*sA", STR_ARG(token)), &key));
	assert_false(read_token(LIST_OCCURRENCES, "p", arena_printf(&arena, "%.*sAAAA", STR_ARG(token)), &key));
	assert_false(read_token(LIST_OCCURRENCES, "p", arena_printf(&arena, "%.*s%.*s", STR_ARG(token), STR_ARG(token)),
				&key));
	assert_int_equal(key.sequence, 7);
}

static void refuses_a_changed_head_and_impossible_sequences(void **state)
{
	struct str token = make(LIST_OCCURRENCES, "p", (struct page_key){STR(""), 1000});
	struct page_key key;

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		struct str copy = arena_copy(&arena, token);

		((char *)copy.ptr)[i] = copy.ptr[i] == 'B' ? 'C' : 'B';
		assert_false(read_token(LIST_OCCURRENCES, "p", copy, &key));
	}
	assert_false(
		read_token(LIST_OCCURRENCES, "p", make(LIST_OCCURRENCES, "p", (struct page_key){STR(""), 0}), &key));
	assert_false(
		read_token(LIST_OCCURRENCES, "p", make(LIST_OCCURRENCES, "p", (struct page_key){STR(""), -1}), &key));
}

static void refuses_a_token_without_key_and_one_of_any_length(void **state)
{
	struct page_key key;
	size_t size = 100000;
	struct str large = {memset(arena_alloc(&arena, size), 'A', size), size};

	(void)state;
	assert_false(read_token(LIST_NOTES, "p", make(LIST_NOTES, "p", (struct page_key){STR(""), 0}), &key));
	for (size_t len = 1; len < size; len += 997)
		assert_false(read_token(LIST_NOTES, "p", str_head(large, len), &key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_what_it_made),
		cmocka_unit_test(no_token_is_the_first_page),
		cmocka_unit_test(is_made_of_characters_that_a_query_carries_unescaped),
		cmocka_unit_test(refuses_the_token_of_another_list_or_scope),
		cmocka_unit_test(refuses_each_token_cut_short_or_prolonged),
		cmocka_unit_test(refuses_a_changed_head_and_impossible_sequences),
		cmocka_unit_test(refuses_a_token_without_key_and_one_of_any_length),
	};

	return cmocka_run_group_tests_name("page_token", tests, setup, teardown);
}
