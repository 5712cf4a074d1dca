#include "server/grafeas_name.h"
#include "server/grafeas_routes.h"

/* The id stands in the query, or (dialect B) at the end of the body's name. */
static bool note_id(struct grafeas_call *call, const json_t *note, struct err *e)
{
	struct str name = arena_copy(call->request->arena, json_text(note, "name"));
	struct str id, project;

	if (!name.ptr)
		return err_no_memory(e);
	if (!call_query(call, "noteId", &id, e))
		return false;
	if (id.ptr) {
		call->id = id;
		return grafeas_id_check(id, "noteId", e);
	}
	if (name.len == 0)
		return err_set(e, ERR_INVALID, "noteId must be specified in query");
	return grafeas_name_parse(name, "notes", &project, &call->id, e);
}

/* Completes the canonical note and makes its row. */
static bool note_row(struct grafeas_call *call, json_t *note, int64_t created_us, struct note_row *row, struct err *e)
{
	*row = (struct note_row){
		.project = call->project, .id = call->id, .created_us = created_us, .updated_us = call->now_us};
	if (!grafeas_kind_settle(note, e) || !call_check_operation(call, note, e) ||
	    !call_set_times(note, row->created_us, row->updated_us, e))
		return false;
	row->kind = json_text(note, "kind");
	return call_stored_text(call, note, &row->json, e);
}

/* Clients of 2017 never create a project, and who looks for notes begins at the list of projects. */
static bool have_project(struct grafeas_call *call, struct err *e)
{
	cleanup(json) json_t *project = json_object();
	struct project_row row = {.id = call->project};
	struct err problem = ERR_INIT;

	if (!project || json_object_set_new(project, "name",
					    json_from_str(arena_printf(call->request->arena, "projects/%.*s",
								       STR_ARG(call->project)))))
		return err_no_memory(e);
	if (!call_stored_text(call, project, &row.json, e))
		return false;
	return store_create_project(call->grafeas->store, &row, call->deadline_ms, &problem) ||
	       problem.kind == ERR_EXISTS || err_set(e, problem.kind, "%s", problem.text);
}

bool grafeas_create_note(struct grafeas_call *call, struct buf *out, struct err *e)
{
	cleanup(json) json_t *note = NULL;
	struct note_row row;

	if (!call_message(call, call->version->note, &note, e) || !note_id(call, note, e) ||
	    !call_set_name(call, note, "notes", e) || !note_row(call, note, call->now_us, &row, e))
		return false;
	return have_project(call, e) && store_create_note(call->grafeas->store, &row, call->deadline_ms, e) &&
	       call_answer(call->version->note, note, out, e);
}

static bool read_note(struct grafeas_call *call, struct str project, struct str id, struct str *json, struct err *e)
{
	return store_get_note(call->grafeas->store, project, id, call->deadline_ms, call->request->arena, json, e);
}

bool grafeas_get_note(struct grafeas_call *call, struct buf *out, struct err *e)
{
	struct str json;

	return read_note(call, call->project, call->id, &json, e) &&
	       call_answer_text(call->version->note, json, out, e);
}

static bool note_rows(struct grafeas_call *call, struct page page, struct arena *arena, struct row_list *found,
		      struct err *e)
{
	return store_list_notes(call->grafeas->store, call->project, page, call->deadline_ms, arena, found, e);
}

bool grafeas_list_notes(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return call_list(call, "notes", call->version->note, note_rows, out, e);
}

static bool update_note(struct grafeas_call *call, struct buf *out, struct err *e)
{
	cleanup(json) json_t *body = NULL;
	cleanup(json) json_t *note = NULL;
	struct note_row row;
	struct str stored;
	int64_t created_us;

	if (!call_message(call, call->version->note, &body, e) || !call_set_name(call, body, "notes", e) ||
	    !read_note(call, call->project, call->id, &stored, e) ||
	    !call_update(call, call->version->note, stored, body, &note, &created_us, e) ||
	    !note_row(call, note, created_us, &row, e))
		return false;
	row.was = stored;
	return store_update_note(call->grafeas->store, &row, call->deadline_ms, e) &&
	       call_answer(call->version->note, note, out, e);
}

bool grafeas_update_note(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return call_retry(call, update_note, out, e);
}

bool grafeas_delete_note(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return store_delete_note(call->grafeas->store, call->project, call->id, call->deadline_ms, e) &&
	       call_answer_empty(out, e);
}

static bool occurrence_rows(struct grafeas_call *call, struct page page, struct arena *arena, struct row_list *found,
			    struct err *e)
{
	struct str note = grafeas_name_make(call->request->arena, call->project, "notes", call->id);

	if (!note.ptr)
		return err_no_memory(e);
	return store_list_note_occurrences(call->grafeas->store, note, page, call->deadline_ms, arena, found, e);
}

bool grafeas_list_note_occurrences(struct grafeas_call *call, struct buf *out, struct err *e)
{
	struct str json;

	return read_note(call, call->project, call->id, &json, e) &&
	       call_list(call, "occurrences", call->version->occurrence, occurrence_rows, out, e);
}

bool grafeas_get_occurrence_note(struct grafeas_call *call, struct buf *out, struct err *e)
{
	cleanup(json) json_t *occurrence = NULL;
	struct str json, project, id;

	if (!store_get_occurrence(call->grafeas->store, call->project, call->id, call->deadline_ms,
				  call->request->arena, &json, e) ||
	    !json_read(json, &occurrence, e) ||
	    !grafeas_name_parse(json_text(occurrence, "noteName"), "notes", &project, &id, e))
		return false;
	return read_note(call, project, id, &json, e) && call_answer_text(call->version->note, json, out, e);
}
