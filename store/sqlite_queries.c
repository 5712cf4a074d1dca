#include "base/clock.h"
#include "base/limits.h"
#include "store/sqlite_private.h"

/* Rows of a walk between two looks at the clock. */
#define ROWS_PER_LOOK 64u

static const enum sqlite_statement get_statements[STORE_ENTITIES] = {
	[STORE_PROJECT] = SQL_GET_PROJECT,
	[STORE_NOTE] = SQL_GET_NOTE,
	[STORE_OCCURRENCE] = SQL_GET_OCCURRENCE,
	[STORE_OPERATION] = SQL_GET_OPERATION,
};
static const enum sqlite_statement list_statements[STORE_LISTINGS] = {
	[LIST_PROJECTS] = SQL_LIST_PROJECTS,	   [LIST_NOTES] = SQL_LIST_NOTES,
	[LIST_OCCURRENCES] = SQL_LIST_OCCURRENCES, [LIST_NOTE_OCCURRENCES] = SQL_LIST_NOTE_OCCURRENCES,
	[LIST_OPERATIONS] = SQL_LIST_OPERATIONS,
};

static struct sqlite_readers *readers_of(struct store *s)
{
	return ((struct sqlite_store *)s)->readers;
}

static bool copy(struct arena *arena, struct str text, struct str *out, struct err *e)
{
	struct str made = arena_copy(arena, text);

	if (!made.ptr)
		return err_set(e, ERR_TOO_LARGE, "the answer doesn't fit into the memory of one request");
	*out = made;
	return true;
}

static bool get_row(struct sqlite_connection *c, const struct store_name *name, struct arena *arena, struct str *json,
		    struct err *e)
{
	enum sqlite_statement id = get_statements[name->entity];

	if (!sqlite_start(c, id, VALUES(TEXT(name->project), TEXT(name->id)), e))
		return false;
	switch (sqlite_next(c, id, e)) {
	case STEP_ROW:
		return copy(arena, sqlite_column_str(c, id, 0), json, e);
	case STEP_DONE:
		return store_name_unknown(e, name);
	default:
		return false;
	}
}

bool sqlite_get(struct store *s, const struct store_name *name, int64_t deadline_ms, struct arena *arena,
		struct str *json, struct err *e)
{
	struct sqlite_connection *c = sqlite_readers_take(readers_of(s), READER_OTHER, deadline_ms, e);
	bool ok;

	if (!c)
		return false;
	ok = get_row(c, name, arena, json, e);
	sqlite_finish(c, get_statements[name->entity]);
	sqlite_readers_give(readers_of(s), c);
	return ok;
}

static bool add_row(struct sqlite_connection *c, enum sqlite_statement id, struct arena *arena, struct store_page *page,
		    struct err *e)
{
	page->last.sequence = sqlite_column_number(c, id, 2);
	return copy(arena, sqlite_column_str(c, id, 1), &page->last.id, e) &&
	       copy(arena, sqlite_column_str(c, id, 0), &page->json[page->count++], e);
}

/* One row more than asked for tells whether there is a next page. */
static bool list_rows(struct sqlite_connection *c, const struct store_list *list, struct arena *arena,
		      struct store_page *page, struct err *e)
{
	enum sqlite_statement id = list_statements[list->listing];
	struct sqlite_value after = {.type = VALUE_TEXT, .text = list->after.id};
	enum sqlite_step step;
	size_t bytes = 0;

	if (page_by_sequence(list->listing))
		after = (struct sqlite_value)NUMBER(list->after.sequence);
	if (!sqlite_start(c, id, VALUES(TEXT(list->scope), after, NUMBER((int64_t)list->limit + 1)), e))
		return false;
	while ((step = sqlite_next(c, id, e)) == STEP_ROW) {
		page->more = page->count == list->limit || bytes > LIMIT_PAGE_BYTES;
		if (page->more)
			return true;
		if (!add_row(c, id, arena, page, e))
			return false;
		bytes += page->json[page->count - 1].len;
	}
	return step == STEP_DONE;
}

bool sqlite_list(struct store *s, const struct store_list *list, int64_t deadline_ms, struct arena *arena,
		 struct store_page *out, struct err *e)
{
	struct store_page page = {.json = arena_array(arena, list->limit, sizeof(*page.json)), .last = {STR(""), 0}};
	struct sqlite_connection *c;
	bool ok;

	if (!page.json)
		return err_no_memory(e);
	c = sqlite_readers_take(readers_of(s), READER_OTHER, deadline_ms, e);
	if (!c)
		return false;
	ok = list_rows(c, list, arena, &page, e);
	sqlite_finish(c, list_statements[list->listing]);
	sqlite_readers_give(readers_of(s), c);
	if (ok)
		*out = page;
	return ok;
}

static void read_evidence(struct sqlite_connection *c, enum sqlite_statement id, struct attestation_row *row)
{
	*row = (struct attestation_row){
		.project = sqlite_column_str(c, id, EVIDENCE_PROJECT),
		.id = sqlite_column_str(c, id, EVIDENCE_ID),
		.index = (size_t)sqlite_column_number(c, id, EVIDENCE_INDEX),
		.note = sqlite_column_str(c, id, EVIDENCE_NOTE),
		.signature = sqlite_column_str(c, id, EVIDENCE_SIGNATURE),
		.payload = sqlite_column_str(c, id, EVIDENCE_PAYLOAD),
		.created_us = sqlite_column_number(c, id, EVIDENCE_CREATED_US),
	};
}

/* Shows the rows of a started statement until the visitor has seen enough. */
static bool visit_rows(struct sqlite_connection *c, enum sqlite_statement id, const struct store_walk *walk,
		       struct err *e)
{
	struct attestation_row row;
	enum sqlite_step step;

	for (size_t seen = 1; (step = sqlite_next(c, id, e)) == STEP_ROW; seen++) {
		read_evidence(c, id, &row);
		if (!walk->visit(walk->context, &row))
			return true;
		if (seen % ROWS_PER_LOOK == 0 && clock_left_ms(c->deadline_ms) == 0)
			return err_set(e, ERR_TIMEOUT, "too many attestations to be read in time");
	}
	return step == STEP_DONE;
}

static bool walk_note(struct sqlite_connection *c, const struct store_walk *walk, struct str note, struct err *e)
{
	enum sqlite_statement id = walk->hinted ? SQL_HINTED : SQL_ATTESTATIONS;
	bool ok = sqlite_start(c, id, VALUES(TEXT(walk->digest), TEXT(note)), e) && visit_rows(c, id, walk, e);

	sqlite_finish(c, id);
	return ok;
}

static bool walk_any_note(struct sqlite_connection *c, const struct store_walk *walk, struct err *e)
{
	enum sqlite_statement id = walk->hinted ? SQL_HINTED_ANY_NOTE : SQL_ATTESTATIONS_ANY_NOTE;
	bool ok = sqlite_start(c, id, VALUES(TEXT(walk->digest)), e) && visit_rows(c, id, walk, e);

	sqlite_finish(c, id);
	return ok;
}

bool sqlite_walk(struct store *s, const struct store_walk *walk, int64_t deadline_ms, struct err *e)
{
	struct sqlite_connection *c = sqlite_readers_take(readers_of(s), READER_REVIEW, deadline_ms, e);
	bool ok = c;

	if (!c)
		return false;
	if (walk->note_count == 0)
		ok = walk_any_note(c, walk, e);
	for (size_t i = 0; ok && i < walk->note_count; i++)
		ok = walk_note(c, walk, walk->notes[i], e);
	sqlite_readers_give(readers_of(s), c);
	return ok;
}
