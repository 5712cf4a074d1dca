/* Lists: by key, whole, never a token for a finished list. */
#include "base/limits.h"
#include "tests/contract/bed.h"

#define NOTE "projects/p/notes/n"
#define ROWS 25u

/* Every list as one function: of project "p", or of NOTE. */
typedef bool list_function(struct bed *bed, struct page page, struct row_list *out);

static bool list_projects(struct bed *bed, struct page page, struct row_list *out)
{
	return store_list_projects(bed->store, page, 0, &bed->arena, out, &bed->err);
}

static bool list_notes(struct bed *bed, struct page page, struct row_list *out)
{
	return store_list_notes(bed->store, STR("p"), page, 0, &bed->arena, out, &bed->err);
}

static bool list_occurrences(struct bed *bed, struct page page, struct row_list *out)
{
	return store_list_occurrences(bed->store, STR("p"), page, 0, &bed->arena, out, &bed->err);
}

static bool list_note_occurrences(struct bed *bed, struct page page, struct row_list *out)
{
	return store_list_note_occurrences(bed->store, STR(NOTE), page, 0, &bed->arena, out, &bed->err);
}

static bool list_operations(struct bed *bed, struct page page, struct row_list *out)
{
	return store_list_operations(bed->store, STR("p"), page, 0, &bed->arena, out, &bed->err);
}

static list_function *const lists[] = {list_projects, list_notes, list_occurrences, list_note_occurrences,
				       list_operations};

/* Row number i of each kind has the json "NN". */
static void fill(struct bed *bed, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct str text = arena_printf(&bed->arena, "%02zu", i);
		struct note_row note = note_of("p", text.ptr, text.ptr);
		struct occurrence_row occurrence = occurrence_of("p", text.ptr, NOTE);

		assert_done(store_create_project(bed->store, &(struct project_row){text, text}, 0, &bed->err));
		assert_done(store_create_note(bed->store, &note, 0, &bed->err));
		assert_done(store_create_occurrence(bed->store, &occurrence, 0, &bed->err));
		assert_done(store_create_operation(
			bed->store, &(struct operation_row){.project = STR("p"), .id = text, .json = text}, 0,
			&bed->err));
	}
}

/* Walks a list and checks that it gives 00, 01, ... */
static size_t walk(struct bed *bed, list_function *list, size_t limit)
{
	struct page page = {STR(""), limit};
	struct row_list rows;
	size_t seen = 0;

	do {
		assert_done(list(bed, page, &rows));
		assert_true(rows.count <= limit);
		assert_true(rows.count > 0 || rows.next.len == 0);
		for (size_t i = 0; i < rows.count; i++, seen++)
			assert_true(str_eq(rows.json[i], arena_printf(&bed->arena, "%02zu", seen)));
		page.token = rows.next;
	} while (page.token.len);
	return seen;
}

static void an_empty_list_has_no_rows_and_no_token(void **state)
{
	struct bed *bed = *state;
	struct row_list rows;

	for (size_t i = 0; i < COUNT(lists); i++) {
		assert_done(lists[i](bed, (struct page){STR(""), 10}, &rows));
		assert_int_equal(rows.count, 0);
		assert_int_equal(rows.next.len, 0);
	}
}

static void pages_of_any_size_give_each_row_once_in_order(void **state)
{
	static const size_t limits[] = {1, 2, 5, 7, ROWS - 1, ROWS, ROWS + 1, LIMIT_PAGE_SIZE};
	struct bed *bed = *state;

	fill(bed, ROWS);
	for (size_t i = 0; i < COUNT(lists); i++)
		for (size_t j = 0; j < COUNT(limits); j++)
			assert_int_equal(walk(bed, lists[i], limits[j]), ROWS);
}

static void a_page_that_ends_the_list_has_no_token(void **state)
{
	struct bed *bed = *state;
	struct row_list rows;

	fill(bed, 4);
	for (size_t i = 0; i < COUNT(lists); i++) {
		assert_done(lists[i](bed, (struct page){STR(""), 2}, &rows));
		assert_int_equal(rows.count, 2);
		assert_true(rows.next.len > 0);
		assert_done(lists[i](bed, (struct page){rows.next, 2}, &rows));
		assert_int_equal(rows.count, 2);
		assert_int_equal(rows.next.len, 0);
	}
}

static void refuses_pages_of_no_or_too_many_rows(void **state)
{
	static const size_t limits[] = {0, LIMIT_PAGE_SIZE + 1, SIZE_MAX};
	struct bed *bed = *state;
	struct row_list rows = {.count = 77};

	for (size_t i = 0; i < COUNT(lists); i++)
		for (size_t j = 0; j < COUNT(limits); j++)
			assert_refused(lists[i](bed, (struct page){STR(""), limits[j]}, &rows), ERR_INVALID);
	assert_int_equal(rows.count, 77);
}

static void refuses_the_token_of_another_list(void **state)
{
	struct bed *bed = *state;
	struct row_list rows;
	struct str tokens[COUNT(lists)];

	fill(bed, 3);
	for (size_t i = 0; i < COUNT(lists); i++) {
		assert_done(lists[i](bed, (struct page){STR(""), 1}, &rows));
		tokens[i] = rows.next;
	}
	for (size_t i = 0; i < COUNT(lists); i++)
		for (size_t j = 0; j < COUNT(lists); j++)
			if (i != j)
				assert_refused(lists[i](bed, (struct page){tokens[j], 1}, &rows), ERR_INVALID);
	assert_string_equal(bed->err.text, "bad page token");
	assert_refused(
		store_list_notes(bed->store, STR("q"), (struct page){tokens[1], 1}, 0, &bed->arena, &rows, &bed->err),
		ERR_INVALID);
}

static void refuses_tokens_that_are_garbage(void **state)
{
	static const char *const garbage[] = {"0", "10", "x", "=", "AAAA", "AQ", "null", "%00", "AQAAAAAAAAAAAA", " "};
	struct bed *bed = *state;
	struct row_list rows;

	fill(bed, 2);
	for (size_t i = 0; i < COUNT(lists); i++)
		for (size_t j = 0; j < COUNT(garbage); j++) {
			assert_refused(lists[i](bed, (struct page){S(garbage[j]), 1}, &rows), ERR_INVALID);
			assert_string_equal(bed->err.text, "bad page token");
		}
}

static void rows_deleted_between_pages_do_not_disturb_the_rest(void **state)
{
	struct bed *bed = *state;
	struct row_list rows;

	fill(bed, 4);
	assert_done(list_occurrences(bed, (struct page){STR(""), 2}, &rows));
	assert_done(store_delete_occurrence(bed->store, STR("p"), STR("01"), 0, &bed->err));
	assert_done(store_delete_occurrence(bed->store, STR("p"), STR("02"), 0, &bed->err));
	assert_done(list_occurrences(bed, (struct page){rows.next, 2}, &rows));
	assert_int_equal(rows.count, 1);
	assert_str(rows.json[0], "03");
}

static void occurrences_come_in_order_of_creation_whatever_their_names_and_dates(void **state)
{
	static const char *const ids[] = {"z", "a", "m"};
	struct bed *bed = *state;
	struct row_list rows;

	for (size_t i = 0; i < COUNT(ids); i++) {
		struct occurrence_row row = occurrence_of("p", ids[i], NOTE);

		row.created_us = 1000 - (int64_t)i;
		assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	}
	assert_done(list_occurrences(bed, (struct page){STR(""), 10}, &rows));
	for (size_t i = 0; i < COUNT(ids); i++)
		assert_str(rows.json[i], ids[i]);
}

static void an_occurrence_made_after_the_last_was_deleted_is_on_the_next_page(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = occurrence_of("p", "new", NOTE);
	struct row_list rows;

	fill(bed, 3);
	assert_done(list_occurrences(bed, (struct page){STR(""), 2}, &rows));
	assert_done(store_delete_occurrence(bed->store, STR("p"), STR("02"), 0, &bed->err));
	assert_done(store_delete_occurrence(bed->store, STR("p"), STR("01"), 0, &bed->err));
	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	assert_done(list_occurrences(bed, (struct page){rows.next, 2}, &rows));
	assert_int_equal(rows.count, 1);
	assert_str(rows.json[0], "new");
}

static void an_updated_occurrence_keeps_its_place(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = occurrence_of("p", "00", NOTE);
	struct row_list rows;

	fill(bed, 3);
	row.json = STR("changed");
	row.updated_us = 99999;
	assert_done(store_update_occurrence(bed->store, &row, 0, &bed->err));
	assert_done(list_note_occurrences(bed, (struct page){STR(""), 3}, &rows));
	assert_str(rows.json[0], "changed");
	assert_str(rows.json[2], "02");
}

static void the_occurrences_of_a_note_come_from_all_projects(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row rows_in[] = {occurrence_of("p", "one", NOTE), occurrence_of("q", "two", NOTE),
					   occurrence_of("p", "other", "projects/p/notes/nn")};
	struct row_list rows;

	for (size_t i = 0; i < COUNT(rows_in); i++)
		assert_done(store_create_occurrence(bed->store, &rows_in[i], 0, &bed->err));
	assert_done(list_note_occurrences(bed, (struct page){STR(""), 10}, &rows));
	assert_int_equal(rows.count, 2);
	assert_str(rows.json[0], "one");
	assert_str(rows.json[1], "two");
}

static void an_occurrence_moves_to_the_list_of_its_new_note(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = occurrence_of("p", "o", "projects/p/notes/old");
	struct row_list rows;

	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	row.note = STR(NOTE);
	assert_done(store_update_occurrence(bed->store, &row, 0, &bed->err));
	assert_done(list_note_occurrences(bed, (struct page){STR(""), 10}, &rows));
	assert_int_equal(rows.count, 1);
	assert_done(store_list_note_occurrences(bed->store, STR("projects/p/notes/old"), (struct page){STR(""), 10}, 0,
						&bed->arena, &rows, &bed->err));
	assert_int_equal(rows.count, 0);
}

static void a_project_that_begins_like_another_is_not_in_its_lists(void **state)
{
	struct bed *bed = *state;
	struct note_row note = note_of("pp", "n", "{}");
	struct occurrence_row occurrence = occurrence_of("pp", "o", "projects/p/notes/other");
	struct row_list rows;

	assert_done(store_create_note(bed->store, &note, 0, &bed->err));
	assert_done(store_create_occurrence(bed->store, &occurrence, 0, &bed->err));
	assert_done(list_notes(bed, (struct page){STR(""), 10}, &rows));
	assert_int_equal(rows.count, 0);
	assert_done(list_occurrences(bed, (struct page){STR(""), 10}, &rows));
	assert_int_equal(rows.count, 0);
}

static void a_page_ends_early_when_its_rows_are_large(void **state)
{
	struct bed *bed = *state;
	size_t size = LIMIT_PAGE_BYTES / 2 - 1;
	struct str large = {memset(malloc(size), 'x', size), size};
	struct row_list rows;

	for (int i = 0; i < 5; i++) {
		struct note_row note = note_of("p", arena_printf(&bed->arena, "%d", i).ptr, "");

		note.json = large;
		assert_done(store_create_note(bed->store, &note, 0, &bed->err));
	}
	free((char *)large.ptr);
	assert_done(list_notes(bed, (struct page){STR(""), 5}, &rows));
	assert_int_equal(rows.count, 3);
	assert_done(list_notes(bed, (struct page){rows.next, 5}, &rows));
	assert_int_equal(rows.count, 2);
	assert_int_equal(rows.next.len, 0);
}

static const struct CMUnitTest tests[] = {
	CASE(an_empty_list_has_no_rows_and_no_token),
	CASE(pages_of_any_size_give_each_row_once_in_order),
	CASE(a_page_that_ends_the_list_has_no_token),
	CASE(refuses_pages_of_no_or_too_many_rows),
	CASE(refuses_the_token_of_another_list),
	CASE(refuses_tokens_that_are_garbage),
	CASE(rows_deleted_between_pages_do_not_disturb_the_rest),
	CASE(occurrences_come_in_order_of_creation_whatever_their_names_and_dates),
	CASE(an_occurrence_made_after_the_last_was_deleted_is_on_the_next_page),
	CASE(an_updated_occurrence_keeps_its_place),
	CASE(the_occurrences_of_a_note_come_from_all_projects),
	CASE(an_occurrence_moves_to_the_list_of_its_new_note),
	CASE(a_project_that_begins_like_another_is_not_in_its_lists),
	CASE(a_page_ends_early_when_its_rows_are_large),
};
const struct contract_part contract_pages = {tests, COUNT(tests)};
