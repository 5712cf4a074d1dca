#include <string.h>

#include "server/message.h"

#define PATH_SHOWN_MAX 128

static bool bad_path(struct str path, const char *why, struct err *e)
{
	return err_set(e, ERR_INVALID, "updateMask: \"%.*s\" %s", STR_ARG(str_head(path, PATH_SHOWN_MAX)), why);
}

static void drop_alternatives(const struct message *m, const struct field *f, json_t *stored)
{
	for (size_t i = 0; f->oneof && i < m->count; i++)
		if (m->fields[i].oneof == f->oneof && strcmp(m->fields[i].canonical, f->canonical) != 0)
			json_object_del(stored, m->fields[i].canonical);
}

static bool is_inner(const struct field *f)
{
	return f->type == FIELD_MESSAGE && f->shape == FIELD_ONE;
}

static bool replace_field(const struct message *m, const struct field *f, json_t *stored, const json_t *patch,
			  struct err *e)
{
	json_t *value;

	if (!f->canonical) {
		for (size_t i = 0; i < f->message->count; i++)
			if (!replace_field(f->message, &f->message->fields[i], stored, patch, e))
				return false;
		return true;
	}
	value = json_object_get(patch, f->canonical);
	if (!value) {
		json_object_del(stored, f->canonical);
		return true;
	}
	drop_alternatives(m, f, stored);
	return json_object_set(stored, f->canonical, value) == 0 || err_no_memory(e);
}

/* The member object of `stored` that a path goes into, made when it is missing. */
static json_t *enter(const struct message *m, const struct field *f, json_t *stored)
{
	json_t *inner;

	if (!f->canonical)
		return stored;
	inner = json_object_get(stored, f->canonical);
	if (inner)
		return inner;
	drop_alternatives(m, f, stored);
	inner = json_object();
	return json_object_set_new(stored, f->canonical, inner) == 0 ? inner : NULL;
}

static bool path_exists(const struct message *m, struct str path, struct err *e)
{
	struct str rest = path;

	for (;;) {
		size_t dot = str_find(rest, '.');
		const struct field *f = message_field(m, str_head(rest, dot));

		if (!f)
			return bad_path(path, "is not a field", e);
		if (dot == rest.len)
			return true;
		if (!is_inner(f))
			return bad_path(path, "goes into a field that has no members", e);
		m = f->message;
		rest = str_skip(rest, dot + 1);
	}
}

/* Takes over what stands at a path that exists. */
static bool merge_path(const struct message *m, json_t *stored, const json_t *patch, struct str path, struct err *e)
{
	for (;;) {
		size_t dot = str_find(path, '.');
		const struct field *f = message_field(m, str_head(path, dot));

		if (dot == path.len)
			return replace_field(m, f, stored, patch, e);
		if (f->canonical && !json_object_get(patch, f->canonical) && !json_object_get(stored, f->canonical))
			return true;
		stored = enter(m, f, stored);
		if (!stored)
			return err_no_memory(e);
		if (f->canonical)
			patch = json_object_get(patch, f->canonical);
		m = f->message;
		path = str_skip(path, dot + 1);
	}
}

static bool merge_given(const struct message *m, json_t *stored, const json_t *patch, struct err *e)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct field *f = &m->fields[i];
		const json_t *value = f->canonical ? json_object_get(patch, f->canonical) : patch;
		json_t *inner;

		if (!value)
			continue;
		if (!is_inner(f) || (f->canonical && json_object_size(value) == 0)) {
			if (!replace_field(m, f, stored, patch, e))
				return false;
			continue;
		}
		inner = enter(m, f, stored);
		if (!inner)
			return err_no_memory(e);
		if (!merge_given(f->message, inner, value, e))
			return false;
	}
	return true;
}

static bool replace_all(json_t *stored, const json_t *patch, struct err *e)
{
	json_object_clear(stored);
	return json_object_update(stored, (json_t *)patch) == 0 || err_no_memory(e);
}

bool message_merge(const struct message *m, json_t *stored, const json_t *patch, struct str mask, struct err *e)
{
	if (mask.len == 0)
		return merge_given(m, stored, patch, e);
	if (str_eq_c(mask, "*"))
		return replace_all(stored, patch, e);
	for (struct str rest = mask;;) {
		size_t comma = str_find(rest, ',');

		if (!path_exists(m, str_head(rest, comma), e) ||
		    !merge_path(m, stored, patch, str_head(rest, comma), e))
			return false;
		if (comma == rest.len)
			return true;
		rest = str_skip(rest, comma + 1);
	}
}
