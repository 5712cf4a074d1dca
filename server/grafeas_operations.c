#include <string.h>

#include "server/grafeas_name.h"
#include "server/grafeas_routes.h"

#define COLLECTION "operations"

/* Dialect B wraps the operation; dialect A sends it bare. */
static bool is_wrapped(const json_t *body)
{
	static const char *const wrapping[] = {"operation", "operationId", "parent"};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)body, key,
			    value) for (size_t i = 0; i < sizeof(wrapping) / sizeof(wrapping[0]);
					i++) if (field_spells(str_of(key), wrapping[i])) return true;
	return false;
}

/* The operation of the body, and the id that dialect B's wrapping gives ("" for none). */
static bool read_operation(struct grafeas_call *call, bool *wrapped, json_t **operation, struct str *id, struct err *e)
{
	cleanup(json) json_t *body = NULL;
	cleanup(json) json_t *request = NULL;

	if (!call_json(call->request->body, &body, e))
		return false;
	*wrapped = is_wrapped(body);
	*id = STR("");
	if (!*wrapped)
		return message_decode(call->version->operation, body, operation, e);
	if (!message_decode(call->version->operation_request, body, &request, e))
		return false;
	if (!json_object_get(request, "operation"))
		return err_set(e, ERR_INVALID, "operation: is missing");
	*id = arena_copy(call->request->arena, json_text(request, "operationId"));
	*operation = json_incref(json_object_get(request, "operation"));
	return id->ptr || err_no_memory(e);
}

/* Dialect A: the query's operationId, the body's name, or a new one. Dialect B: the operation's name. */
static bool choose_id(struct grafeas_call *call, bool wrapped, const json_t *operation, struct str given,
		      char made[UUID_TEXT_SIZE], struct err *e)
{
	struct str name = arena_copy(call->request->arena, json_text(operation, "name"));
	struct str project, asked;

	if (!name.ptr)
		return err_no_memory(e);
	if (!call_query(call, "operationId", &asked, e))
		return false;
	if (wrapped && name.len == 0)
		return err_set(e, ERR_INVALID, "operation.name must not be empty");
	if (!wrapped && asked.ptr) {
		call->id = asked;
		return grafeas_id_check(asked, "operationId", e);
	}
	if (name.len == 0) {
		if (!grafeas_uuid(call->now_us, made, e))
			return false;
		call->id = str_of(made);
		return true;
	}
	if (!grafeas_name_parse(name, COLLECTION, &project, &call->id, e))
		return false;
	if (given.len && !str_eq(given, call->id))
		return err_set(e, ERR_INVALID, "operationId and operation.name differ");
	return true;
}

bool grafeas_create_operation(struct grafeas_call *call, struct buf *out, struct err *e)
{
	cleanup(json) json_t *operation = NULL;
	char made[UUID_TEXT_SIZE];
	struct operation_row row;
	struct str given;
	bool wrapped;

	if (!read_operation(call, &wrapped, &operation, &given, e) ||
	    !choose_id(call, wrapped, operation, given, made, e) || !call_set_name(call, operation, COLLECTION, e))
		return false;
	row = (struct operation_row){.project = call->project, .id = call->id};
	return call_stored_text(call, operation, &row.json, e) &&
	       store_create_operation(call->grafeas->store, &row, call->deadline_ms, e) &&
	       call_answer(call->version->operation, operation, out, e);
}

bool grafeas_get_operation(struct grafeas_call *call, struct buf *out, struct err *e)
{
	struct str json;

	return store_get_operation(call->grafeas->store, call->project, call->id, call->deadline_ms,
				   call->request->arena, &json, e) &&
	       call_answer_text(call->version->operation, json, out, e);
}

static bool rows(struct grafeas_call *call, struct page page, struct arena *arena, struct row_list *found,
		 struct err *e)
{
	return store_list_operations(call->grafeas->store, call->project, page, call->deadline_ms, arena, found, e);
}

bool grafeas_list_operations(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return call_list(call, COLLECTION, call->version->operation, rows, out, e);
}

static bool check_done(struct str stored, const json_t *operation, struct err *e)
{
	cleanup(json) json_t *before = NULL;

	if (!json_read(stored, &before, e))
		return false;
	if (json_is_true(json_object_get(before, "done")) && !json_is_true(json_object_get(operation, "done")))
		return err_set(e, ERR_INVALID, "an operation that is done stays done");
	return true;
}

/* PUT (dialect A) and PATCH (dialect B) both replace the whole operation. */
static bool update_operation(struct grafeas_call *call, struct buf *out, struct err *e)
{
	cleanup(json) json_t *operation = NULL;
	struct operation_row row = {.project = call->project, .id = call->id};
	struct str given, stored;
	bool wrapped;

	if (!read_operation(call, &wrapped, &operation, &given, e) || !call_set_name(call, operation, COLLECTION, e) ||
	    !store_get_operation(call->grafeas->store, call->project, call->id, call->deadline_ms, call->request->arena,
				 &stored, e) ||
	    !check_done(stored, operation, e))
		return false;
	row.was = stored;
	return call_stored_text(call, operation, &row.json, e) &&
	       store_update_operation(call->grafeas->store, &row, call->deadline_ms, e) &&
	       call_answer(call->version->operation, operation, out, e);
}

bool grafeas_update_operation(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return call_retry(call, update_operation, out, e);
}

bool grafeas_delete_operation(struct grafeas_call *call, struct buf *out, struct err *e)
{
	return store_delete_operation(call->grafeas->store, call->project, call->id, call->deadline_ms, e) &&
	       call_answer_empty(out, e);
}
