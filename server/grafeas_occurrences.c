#include "server/grafeas_attestation.h"
#include "server/grafeas_name.h"
#include "server/grafeas_routes.h"
#include "server/heredoc.h"

#define NAME_SHOWN_MAX 128

static bool no_note(struct str name, struct err *e)
{
	return err_set(e, ERR_INVALID, "Note %.*s not found", STR_ARG(str_head(name, NAME_SHOWN_MAX)));
}

static bool fill_note(struct occurrence_row *row, struct err *e)
{
	return grafeas_name_parse(row->note, "notes", &row->note_project, &row->note_id, e) ||
	       err_context(e, "noteName");
}

static bool check_note(struct grafeas_call *call, const struct occurrence_row *row, struct err *e)
{
	struct str json;

	if (store_get_note(call->grafeas->store, row->note_project, row->note_id, call->deadline_ms,
			   call->request->arena, &json, e))
		return true;
	return e->kind == ERR_NOT_FOUND ? no_note(row->note, e) : false;
}

static bool check_kind(const struct grafeas_call *call, const json_t *occurrence, struct err *e)
{
	if (call->role >= ACCESS_ADMIN || str_eq_c(json_text(occurrence, "kind"), "ATTESTATION"))
		return true;
	return err_set(e, ERR_FORBIDDEN, "the role attest may create attestations only");
}

/* Completes the canonical occurrence and makes its row. */
static bool occurrence_row(struct grafeas_call *call, json_t *occurrence, int64_t created_us, struct evidence *evidence,
			   struct occurrence_row *row, struct err *e)
{
	*row = (struct occurrence_row){.project = call->project,
				       .id = call->id,
				       .note = json_text(occurrence, "noteName"),
				       .created_us = created_us,
				       .updated_us = call->now_us};
	return grafeas_kind_settle(occurrence, e) && check_kind(call, occurrence, e) && fill_note(row, e) &&
	       call_check_operation(call, occurrence, e) &&
	       attestation_fill_row(occurrence, call->request->arena, evidence, row, e) &&
	       call_set_times(occurrence, row->created_us, row->updated_us, e) &&
	       call_stored_text(call, occurrence, &row->json, e);
}

static bool read_upload(struct grafeas_call *call, json_t **out, struct err *e)
{
	cleanup(buf) struct buf repaired = buf_init(HEREDOC_MAX);
	cleanup(json) json_t *body = NULL;
	struct str text = call->request->body;

	if (call->version->raw_line_breaks && heredoc_needs_repair(text)) {
		heredoc_repair(text, &repaired);
		if (!buf_ok(&repaired, e))
			return false;
		text = buf_str(&repaired);
	}
	return call_json(text, &body, e) && message_decode(call->version->occurrence, body, out, e);
}

/* Whatever the upload is called, the server names it. */
static bool give_name(struct grafeas_call *call, json_t *occurrence, char id[UUID_TEXT_SIZE], struct err *e)
{
	if (!grafeas_uuid(call->now_us, id, e))
		return false;
	call->id = str_of(id);
	json_object_del(occurrence, "name");
	return call_set_name(call, occurrence, "occurrences", e);
}

static void queue_verification(const struct grafeas_call *call, const struct occurrence_row *row)
{
	struct attestation_row one = {.project = row->project, .id = row->id, .note = row->note};
	struct trust *trust;

	if (!call->grafeas->queue || !call->grafeas->trust)
		return;
	trust = trust_holder_pin(call->grafeas->trust, NULL);
	for (one.index = 0; one.index < row->evidence_count; one.index++) {
		one.signature = row->evidence[one.index].signature;
		one.payload = row->evidence[one.index].payload;
		verify_queue_add(call->grafeas->queue, trust->keys, row->digest, &one);
	}
	trust_unref(trust);
}

/* The store looks for the note in the transaction that needs it. */
static bool create(struct grafeas_call *call, const struct occurrence_row *row, struct err *e)
{
	if (store_create_occurrence(call->grafeas->store, row, call->deadline_ms, e))
		return true;
	return e->kind == ERR_NOT_FOUND ? no_note(row->note, e) : false;
}

bool grafeas_create_occurrence(struct grafeas_call *call, struct buf *out, struct err *e)
{
	cleanup(json) json_t *occurrence = NULL;
	char id[UUID_TEXT_SIZE];
	struct evidence evidence;
	struct occurrence_row row;

	if (!read_upload(call, &occurrence, e) || !give_name(call, occurrence, id, e) ||
	    !occurrence_row(call, occurrence, call->now_us, &evidence, &row, e) || !create(call, &row, e))
		return false;
	queue_verification(call, &row);
	return call_answer(call->version->occurrence, occurrence, out, e);
}

static bool read_occurrence(struct grafeas_call *call, struct str *json, struct err *e)
{
	return store_get_occurrence(call->grafeas->store, call->project, call->id, call->deadline_ms,
				    call->request->arena, json, e);
}

bool grafeas_get_occurrence(struct grafeas_call *call, struct buf *out, struct err *e)
{
	struct str json;

	return read_occurrence(call, &json, e) && call_answer_text(call->version->occurrence, json, out, e);
}

static bool rows(struct grafeas_call *call, struct page page, struct arena *arena, struct row_list *found,
		 struct err *e)
{
	return store_list_occurrences(call->grafeas->store, call->project, page, call->deadline_ms, arena, found, e);
}

bool grafeas_list_occurrences(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return call_list(call, "occurrences", call->version->occurrence, rows, out, e);
}

static bool update_occurrence(struct grafeas_call *call, struct buf *out, struct err *e)
{
	cleanup(json) json_t *body = NULL;
	cleanup(json) json_t *occurrence = NULL;
	struct evidence evidence;
	struct occurrence_row row;
	struct str stored;
	int64_t created_us;

	if (!call_message(call, call->version->occurrence, &body, e) || !call_set_name(call, body, "occurrences", e) ||
	    !read_occurrence(call, &stored, e) ||
	    !call_update(call, call->version->occurrence, stored, body, &occurrence, &created_us, e) ||
	    !occurrence_row(call, occurrence, created_us, &evidence, &row, e) || !check_note(call, &row, e))
		return false;
	row.was = stored;
	if (!store_update_occurrence(call->grafeas->store, &row, call->deadline_ms, e))
		return false;
	queue_verification(call, &row);
	return call_answer(call->version->occurrence, occurrence, out, e);
}

bool grafeas_update_occurrence(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return call_retry(call, update_occurrence, out, e);
}

bool grafeas_delete_occurrence(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return store_delete_occurrence(call->grafeas->store, call->project, call->id, call->deadline_ms, e) &&
	       call_answer_empty(out, e);
}
