#include "server/grafeas_call.h"

#include "base/clock.h"
#include "base/limits.h"
#include "server/grafeas_name.h"

#define NAME_SHOWN_MAX 128
#define MICROSECONDS 1000000
#define UPDATE_TRIES 16u
/* Room that an attestation needs, taken at once. */
#define TEXT_USUAL 2048u

bool call_query(const struct grafeas_call *call, const char *name, struct str *value, struct err *e)
{
	struct str found = {0};

	for (size_t i = 0; i < call->request->query_count; i++) {
		const struct http_parameter *p = &call->request->query[i];

		if (!field_spells(p->name, name))
			continue;
		if (found.ptr)
			return err_set(e, ERR_INVALID, "%s is given more than once in the query", name);
		found = p->value.ptr ? p->value : STR("");
	}
	*value = found;
	return true;
}

bool call_json(struct str body, json_t **out, struct err *e)
{
	return json_read(str_trim(body).len ? body : STR("{}"), out, e);
}

bool call_message(const struct grafeas_call *call, const struct message *m, json_t **out, struct err *e)
{
	cleanup(json) json_t *body = NULL;

	return call_json(call->request->body, &body, e) && message_decode(m, body, out, e);
}

bool call_answer(const struct message *m, const json_t *canonical, struct buf *out, struct err *e)
{
	cleanup(json) json_t *encoded = message_encode(m, canonical);

	if (out->capacity == 0)
		buf_reserve(out, TEXT_USUAL);
	return encoded ? json_write(encoded, out, e) : err_no_memory(e);
}

bool call_answer_text(const struct message *m, struct str stored, struct buf *out, struct err *e)
{
	cleanup(json) json_t *canonical = NULL;

	return json_read(stored, &canonical, e) && call_answer(m, canonical, out, e);
}

bool call_answer_empty(struct buf *out, struct err *e)
{
	buf_add_c(out, "{}");
	return buf_ok(out, e);
}

bool call_stored_text(struct grafeas_call *call, const json_t *canonical, struct str *text, struct err *e)
{
	cleanup(buf) struct buf written = buf_init(LIMIT_API_BODY);
	struct str copy;

	buf_reserve(&written, TEXT_USUAL);
	if (!json_write(canonical, &written, e))
		return false;
	copy = arena_copy(call->request->arena, buf_str(&written));
	if (!copy.ptr)
		return err_no_memory(e);
	*text = copy;
	return true;
}

bool call_set_name(struct grafeas_call *call, json_t *object, const char *collection, struct err *e)
{
	struct str name = grafeas_name_make(call->request->arena, call->project, collection, call->id);
	struct str given = json_text(object, "name");

	if (!name.ptr)
		return err_no_memory(e);
	if (given.len && !str_eq(given, name))
		return err_set(e, ERR_INVALID, "the name of the body, \"%.*s\", must be %.*s",
			       STR_ARG(str_head(given, NAME_SHOWN_MAX)), STR_ARG(name));
	return json_object_set_new(object, "name", json_from_str(name)) == 0 || err_no_memory(e);
}

static bool set_time(json_t *object, const char *key, int64_t us)
{
	const struct timestamp time = {.seconds = us / MICROSECONDS,
				       .nanoseconds = (int32_t)(us % MICROSECONDS) * 1000};
	char text[TIMESTAMP_TEXT_MAX];

	timestamp_format(time, text);
	return json_object_set_new(object, key, json_string(text)) == 0;
}

bool call_set_times(json_t *object, int64_t created_us, int64_t updated_us, struct err *e)
{
	return (set_time(object, "createTime", created_us) && set_time(object, "updateTime", updated_us)) ||
	       err_no_memory(e);
}

int64_t call_created_us(const json_t *stored)
{
	struct timestamp time;

	if (!timestamp_parse(json_text(stored, "createTime"), &time))
		return 0;
	return time.seconds * MICROSECONDS + time.nanoseconds / 1000;
}

int64_t call_clock_us(void)
{
	const struct timestamp now = clock_now();

	return now.seconds * MICROSECONDS + now.nanoseconds / 1000;
}

bool call_check_operation(struct grafeas_call *call, const json_t *object, struct err *e)
{
	struct str name = json_text(object, "operationName");
	struct str project, id, json;

	if (name.len == 0)
		return true;
	if (!grafeas_name_parse(name, "operations", &project, &id, e))
		return err_context(e, "operationName");
	return store_get_operation(call->grafeas->store, project, id, call->deadline_ms, call->request->arena, &json,
				   e) ||
	       err_context(e, "operationName");
}

bool call_retry(struct grafeas_call *call, grafeas_handler *once, struct buf *out, struct err *e)
{
	struct arena *whole = call->request->arena;
	bool ok = false, again = true;

	for (unsigned tries = 0; again && tries < UPDATE_TRIES; tries++) {
		cleanup(arena) struct arena arena = arena_init(LIMIT_REQUEST_MEMORY);

		call->request->arena = &arena;
		ok = once(call, out, e);
		again = !ok && e->kind == ERR_CHANGED;
	}
	call->request->arena = whole;
	return ok;
}

bool call_update(struct grafeas_call *call, const struct message *m, struct str stored, const json_t *body,
		 json_t **out, int64_t *created_us, struct err *e)
{
	cleanup(json) json_t *object = NULL;
	struct str mask;

	if (!json_read(stored, &object, e) || !call_query(call, "updateMask", &mask, e))
		return false;
	*created_us = call_created_us(object);
	if (str_eq_c(call->request->method, "PUT"))
		mask = STR("*");
	if (!message_merge(m, object, body, mask, e))
		return false;
	*out = take(object);
	return true;
}
