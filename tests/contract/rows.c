/* Creates, reads, updates, deletes. */
#include "base/limits.h"
#include "tests/contract/bed.h"

static void keeps_a_project_byte_for_byte(void **state)
{
	struct bed *bed = *state;
	struct project_row row = {STR("p"), STR("{\"name\":\"projects/p\",\"x\":\"\\u0000 \xc3\xa9\"}")};
	struct str json;

	assert_done(store_create_project(bed->store, &row, 0, &bed->err));
	assert_done(store_get_project(bed->store, STR("p"), 0, &bed->arena, &json, &bed->err));
	assert_true(str_eq(json, row.json));
}

static void refuses_a_project_given_twice_and_keeps_the_first(void **state)
{
	struct bed *bed = *state;
	struct project_row first = {STR("p"), STR("first")}, second = {STR("p"), STR("second")};
	struct str json;

	assert_done(store_create_project(bed->store, &first, 0, &bed->err));
	assert_refused(store_create_project(bed->store, &second, 0, &bed->err), ERR_EXISTS);
	assert_string_equal(bed->err.text, "project \"projects/p\" already exists");
	assert_done(store_get_project(bed->store, STR("p"), 0, &bed->arena, &json, &bed->err));
	assert_str(json, "first");
}

static void a_deleted_project_leaves_its_notes_and_occurrences(void **state)
{
	struct bed *bed = *state;
	struct project_row project = {STR("p"), STR("{}")};
	struct note_row note = note_of("p", "n", "{}");
	struct occurrence_row occurrence = occurrence_of("p", "o", "projects/p/notes/n");
	struct str json;

	assert_done(store_create_project(bed->store, &project, 0, &bed->err));
	assert_done(store_create_note(bed->store, &note, 0, &bed->err));
	assert_done(store_create_occurrence(bed->store, &occurrence, 0, &bed->err));
	assert_done(store_delete_project(bed->store, STR("p"), 0, &bed->err));
	assert_refused(store_get_project(bed->store, STR("p"), 0, &bed->arena, &json, &bed->err), ERR_NOT_FOUND);
	assert_done(store_get_note(bed->store, STR("p"), STR("n"), 0, &bed->arena, &json, &bed->err));
	assert_done(store_get_occurrence(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err));
}

static void what_is_absent_is_not_found_and_outputs_stay_untouched(void **state)
{
	struct bed *bed = *state;
	struct store *s = bed->store;
	struct note_row note = note_of("p", "n", "{}");
	struct occurrence_row occurrence = occurrence_of("p", "o", "projects/p/notes/n");
	struct operation_row operation = {.project = STR("p"), .id = STR("x"), .json = STR("{}")};
	struct str json = STR("untouched");

	assert_refused(store_get_project(s, STR("p"), 0, &bed->arena, &json, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_get_note(s, STR("p"), STR("n"), 0, &bed->arena, &json, &bed->err), ERR_NOT_FOUND);
	assert_string_equal(bed->err.text, "note \"projects/p/notes/n\" does not exist");
	assert_refused(store_get_occurrence(s, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_get_operation(s, STR("p"), STR("x"), 0, &bed->arena, &json, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_update_note(s, &note, 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_update_occurrence(s, &occurrence, 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_update_operation(s, &operation, 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_delete_project(s, STR("p"), 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_delete_note(s, STR("p"), STR("n"), 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_delete_occurrence(s, STR("p"), STR("o"), 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_delete_operation(s, STR("p"), STR("x"), 0, &bed->err), ERR_NOT_FOUND);
	assert_str(json, "untouched");
}

static void an_update_of_what_is_absent_creates_nothing(void **state)
{
	struct bed *bed = *state;
	struct note_row note = note_of("p", "n", "{}");
	struct str json;

	assert_refused(store_update_note(bed->store, &note, 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_get_note(bed->store, STR("p"), STR("n"), 0, &bed->arena, &json, &bed->err), ERR_NOT_FOUND);
}

static void updates_and_deletes_a_note(void **state)
{
	struct bed *bed = *state;
	struct note_row note = note_of("p", "n", "first"), changed = note_of("p", "n", "second");
	struct str json;

	assert_done(store_create_note(bed->store, &note, 0, &bed->err));
	assert_refused(store_create_note(bed->store, &changed, 0, &bed->err), ERR_EXISTS);
	assert_done(store_update_note(bed->store, &changed, 0, &bed->err));
	assert_done(store_get_note(bed->store, STR("p"), STR("n"), 0, &bed->arena, &json, &bed->err));
	assert_str(json, "second");
	assert_done(store_delete_note(bed->store, STR("p"), STR("n"), 0, &bed->err));
	assert_refused(store_delete_note(bed->store, STR("p"), STR("n"), 0, &bed->err), ERR_NOT_FOUND);
	assert_done(store_create_note(bed->store, &note, 0, &bed->err));
}

static void updates_and_deletes_an_operation(void **state)
{
	struct bed *bed = *state;
	struct operation_row row = {.project = STR("p"), .id = STR("o"), .json = STR("first")}, changed = row;
	struct str json;

	assert_done(store_create_operation(bed->store, &row, 0, &bed->err));
	assert_refused(store_create_operation(bed->store, &row, 0, &bed->err), ERR_EXISTS);
	changed.json = STR("second");
	assert_done(store_update_operation(bed->store, &changed, 0, &bed->err));
	assert_done(store_get_operation(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err));
	assert_str(json, "second");
	assert_done(store_delete_operation(bed->store, STR("p"), STR("o"), 0, &bed->err));
	assert_refused(store_get_operation(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err),
		       ERR_NOT_FOUND);
}

static void updates_and_deletes_an_occurrence(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = occurrence_of("p", "o", "projects/p/notes/n"), changed = row;
	struct str json;

	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	assert_refused(store_create_occurrence(bed->store, &row, 0, &bed->err), ERR_EXISTS);
	changed.json = STR("second");
	assert_done(store_update_occurrence(bed->store, &changed, 0, &bed->err));
	assert_done(store_get_occurrence(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err));
	assert_str(json, "second");
	assert_done(store_delete_occurrence(bed->store, STR("p"), STR("o"), 0, &bed->err));
	assert_refused(store_get_occurrence(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err),
		       ERR_NOT_FOUND);
}

static void an_update_of_what_was_changed_meanwhile_is_refused(void **state)
{
	struct bed *bed = *state;
	struct note_row note = note_of("p", "n", "first");
	struct operation_row operation = {.project = STR("p"), .id = STR("o"), .json = STR("first")};
	struct occurrence_row occurrence = occurrence_of("p", "o", "projects/p/notes/n");
	struct str json;

	occurrence.json = STR("first");
	note.was = operation.was = occurrence.was = STR("first");
	assert_refused(store_update_note(bed->store, &note, 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_update_operation(bed->store, &operation, 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_update_occurrence(bed->store, &occurrence, 0, &bed->err), ERR_NOT_FOUND);
	assert_done(store_create_note(bed->store, &note, 0, &bed->err));
	assert_done(store_create_operation(bed->store, &operation, 0, &bed->err));
	assert_done(store_create_occurrence(bed->store, &occurrence, 0, &bed->err));
	note.json = operation.json = occurrence.json = STR("second");
	assert_done(store_update_note(bed->store, &note, 0, &bed->err));
	assert_done(store_update_operation(bed->store, &operation, 0, &bed->err));
	assert_done(store_update_occurrence(bed->store, &occurrence, 0, &bed->err));
	note.json = operation.json = occurrence.json = STR("third");
	assert_refused(store_update_note(bed->store, &note, 0, &bed->err), ERR_CHANGED);
	assert_refused(store_update_operation(bed->store, &operation, 0, &bed->err), ERR_CHANGED);
	assert_refused(store_update_occurrence(bed->store, &occurrence, 0, &bed->err), ERR_CHANGED);
	assert_done(store_get_note(bed->store, STR("p"), STR("n"), 0, &bed->arena, &json, &bed->err));
	assert_str(json, "second");
	assert_done(store_get_operation(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err));
	assert_str(json, "second");
	assert_done(store_get_occurrence(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err));
	assert_str(json, "second");
}

static void an_occurrence_that_needs_its_note_is_not_made_without_it(void **state)
{
	struct bed *bed = *state;
	struct note_row note = note_of("q", "n", "{}");
	struct occurrence_row row = occurrence_of("p", "o", "projects/q/notes/n");
	struct str json;

	row.note_project = STR("q");
	row.note_id = STR("n");
	assert_refused(store_create_occurrence(bed->store, &row, 0, &bed->err), ERR_NOT_FOUND);
	assert_refused(store_get_occurrence(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err),
		       ERR_NOT_FOUND);
	assert_done(store_create_note(bed->store, &note, 0, &bed->err));
	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	assert_refused(store_create_occurrence(bed->store, &row, 0, &bed->err), ERR_EXISTS);
	assert_done(store_delete_note(bed->store, STR("q"), STR("n"), 0, &bed->err));
	row.id = STR("later");
	assert_refused(store_create_occurrence(bed->store, &row, 0, &bed->err), ERR_NOT_FOUND);
}

static void the_same_id_in_two_projects_is_two_rows(void **state)
{
	struct bed *bed = *state;
	struct note_row one = note_of("p", "n", "one"), two = note_of("q", "n", "two");
	struct occurrence_row first = occurrence_of("p", "o", "projects/p/notes/n");
	struct str json;

	assert_done(store_create_note(bed->store, &one, 0, &bed->err));
	assert_done(store_create_note(bed->store, &two, 0, &bed->err));
	assert_done(store_delete_note(bed->store, STR("p"), STR("n"), 0, &bed->err));
	assert_done(store_get_note(bed->store, STR("q"), STR("n"), 0, &bed->arena, &json, &bed->err));
	assert_str(json, "two");
	assert_done(store_create_occurrence(bed->store, &first, 0, &bed->err));
	assert_refused(store_get_occurrence(bed->store, STR("q"), STR("o"), 0, &bed->arena, &json, &bed->err),
		       ERR_NOT_FOUND);
	assert_refused(store_delete_occurrence(bed->store, STR("q"), STR("o"), 0, &bed->err), ERR_NOT_FOUND);
}

static void ids_are_data_not_sql(void **state)
{
	static const char *const ids[] = {"'; DROP TABLE notes; --", "\"",  "%", "_", "a\nb",
					  "\xf0\x9f\xa6\xad",	     "NULL"};
	struct bed *bed = *state;
	struct str json;

	for (size_t i = 0; i < COUNT(ids); i++) {
		struct note_row row = note_of(ids[i], ids[i], ids[i]);

		assert_done(store_create_note(bed->store, &row, 0, &bed->err));
	}
	for (size_t i = 0; i < COUNT(ids); i++) {
		assert_done(store_get_note(bed->store, S(ids[i]), S(ids[i]), 0, &bed->arena, &json, &bed->err));
		assert_str(json, ids[i]);
	}
}

static void ids_differ_by_case_and_by_what_follows_a_nul(void **state)
{
	struct bed *bed = *state;
	struct note_row row = note_of("p", "", "{}");
	struct str ids[] = {STR("a"), STR("A"), STR("a\0b"), STR("a\0c")};

	for (size_t i = 0; i < COUNT(ids); i++) {
		row.id = ids[i];
		assert_done(store_create_note(bed->store, &row, 0, &bed->err));
	}
}

static void refuses_ids_that_are_empty_or_too_long(void **state)
{
	struct bed *bed = *state;
	char text[LIMIT_ID + 2] = "";
	struct note_row row;

	memset(text, 'x', LIMIT_ID);
	row = note_of("p", text, "{}");
	assert_done(store_create_note(bed->store, &row, 0, &bed->err));
	text[LIMIT_ID] = 'x';
	row = note_of("p", text, "{}");
	assert_refused(store_create_note(bed->store, &row, 0, &bed->err), ERR_INVALID);
	row = note_of(text, "n", "{}");
	assert_refused(store_create_note(bed->store, &row, 0, &bed->err), ERR_INVALID);
	row = note_of("p", "", "{}");
	assert_refused(store_create_note(bed->store, &row, 0, &bed->err), ERR_INVALID);
	row = note_of("", "n", "{}");
	assert_refused(store_create_note(bed->store, &row, 0, &bed->err), ERR_INVALID);
}

static void a_write_whose_deadline_has_passed_writes_nothing(void **state)
{
	struct bed *bed = *state;
	struct note_row row = note_of("p", "n", "{}");
	struct str json;

	assert_refused(store_create_note(bed->store, &row, 1, &bed->err), ERR_TIMEOUT);
	assert_refused(store_get_note(bed->store, STR("p"), STR("n"), 0, &bed->arena, &json, &bed->err), ERR_NOT_FOUND);
}

static void an_answer_that_does_not_fit_the_arena_is_refused(void **state)
{
	struct bed *bed = *state;
	cleanup(arena) struct arena small = arena_init(16);
	struct note_row row = note_of("p", "n", "a text of more than sixteen bytes");
	struct str json = STR("untouched");

	assert_done(store_create_note(bed->store, &row, 0, &bed->err));
	assert_refused(store_get_note(bed->store, STR("p"), STR("n"), 0, &small, &json, &bed->err), ERR_TOO_LARGE);
	assert_str(json, "untouched");
}

static void a_store_open_for_reading_refuses_to_write(void **state)
{
	struct bed *bed = *state;
	struct note_row row = note_of("p", "n", "{}");
	struct str json;

	assert_done(store_create_note(bed->store, &row, 0, &bed->err));
	bed_reopen(bed, STORE_READ_ONLY);
	assert_done(store_get_note(bed->store, STR("p"), STR("n"), 0, &bed->arena, &json, &bed->err));
	assert_refused(store_update_note(bed->store, &row, 0, &bed->err), ERR_UNSUPPORTED);
	assert_refused(store_delete_note(bed->store, STR("p"), STR("n"), 0, &bed->err), ERR_UNSUPPORTED);
}

struct observation {
	char names[256];
	bool negative;
};

static void note_operation(void *context, const char *operation, int64_t duration_us)
{
	struct observation *seen = context;
	size_t at = strlen(seen->names);

	snprintf(seen->names + at, sizeof(seen->names) - at, "%s ", operation);
	seen->negative = seen->negative || duration_us < 0;
}

static void tells_the_observer_each_operation_also_those_that_fail(void **state)
{
	struct bed *bed = *state;
	struct observation seen = {{0}, false};
	struct note_row row = note_of("p", "n", "{}");
	struct row_list list;

	store_observe(bed->store, note_operation, &seen);
	assert_done(store_create_note(bed->store, &row, 0, &bed->err));
	assert_refused(store_create_note(bed->store, &row, 0, &bed->err), ERR_EXISTS);
	assert_done(store_list_note_occurrences(bed->store, STR("n"), (struct page){STR(""), 1}, 0, &bed->arena, &list,
						&bed->err));
	assert_string_equal(seen.names, "create_note create_note list_note_occurrences ");
	assert_false(seen.negative);
}

static void refuses_a_url_of_an_unknown_scheme(void **state)
{
	static const char *const urls[] = {"", "sqlite", "mysql:x", "SQLITE:x", "sqlitex:x", "/tmp/x.db"};
	struct bed *bed = *state;

	for (size_t i = 0; i < COUNT(urls); i++)
		assert_refused(store_open(urls[i], STORE_READ_WRITE, &bed->err), ERR_INVALID);
}

static const struct CMUnitTest tests[] = {
	CASE(keeps_a_project_byte_for_byte),
	CASE(refuses_a_project_given_twice_and_keeps_the_first),
	CASE(a_deleted_project_leaves_its_notes_and_occurrences),
	CASE(what_is_absent_is_not_found_and_outputs_stay_untouched),
	CASE(an_update_of_what_is_absent_creates_nothing),
	CASE(updates_and_deletes_a_note),
	CASE(updates_and_deletes_an_operation),
	CASE(updates_and_deletes_an_occurrence),
	CASE(an_update_of_what_was_changed_meanwhile_is_refused),
	CASE(an_occurrence_that_needs_its_note_is_not_made_without_it),
	CASE(the_same_id_in_two_projects_is_two_rows),
	CASE(ids_are_data_not_sql),
	CASE(ids_differ_by_case_and_by_what_follows_a_nul),
	CASE(refuses_ids_that_are_empty_or_too_long),
	CASE(a_write_whose_deadline_has_passed_writes_nothing),
	CASE(an_answer_that_does_not_fit_the_arena_is_refused),
	CASE(a_store_open_for_reading_refuses_to_write),
	CASE(tells_the_observer_each_operation_also_those_that_fail),
	CASE(refuses_a_url_of_an_unknown_scheme),
};
const struct contract_part contract_rows = {tests, COUNT(tests)};
