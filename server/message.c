#include "server/message.h"

#include <stdint.h>
#include <string.h>

#define PATH_TEXT_MAX 256
#define NAME_SHOWN_MAX 64

/* Where reading stands, for messages: a chain on the stack from the innermost name outwards. */
struct place {
	const struct place *outer;
	struct str name;
	size_t index;
	bool in_list;
};

static void place_write(const struct place *at, struct buf *out)
{
	if (at->outer)
		place_write(at->outer, out);
	if (at->in_list)
		buf_printf(out, "[%zu]", at->index);
	else if (at->name.len)
		buf_printf(out, "%s%.*s", out->len ? "." : "", STR_ARG(str_head(at->name, NAME_SHOWN_MAX)));
}

static bool refuse(const struct place *at, const char *wants, const json_t *got, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_TEXT_MAX);

	place_write(at, &path);
	return err_set(e, ERR_INVALID, "%.*s: expected %s, found %s", STR_ARG(buf_str(&path)), wants,
		       json_type_name(got));
}

static bool refuse_field(const struct place *at, const char *what, struct str name, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_TEXT_MAX);

	place_write(at, &path);
	return err_set(e, ERR_INVALID, "%.*s%s%s \"%.*s\"", STR_ARG(buf_str(&path)), path.len ? ": " : "", what,
		       STR_ARG(str_head(name, NAME_SHOWN_MAX)));
}

bool field_spells(struct str name, const char *spelling)
{
	size_t i = 0;

	if (str_eq_c(name, spelling))
		return true;
	for (const char *s = spelling; *s; s++) {
		bool upper = *s >= 'A' && *s <= 'Z';

		if (upper && (i == name.len || name.ptr[i++] != '_'))
			return false;
		if (i == name.len || name.ptr[i++] != (upper ? (char)(*s - 'A' + 'a') : *s))
			return false;
	}
	return i == name.len;
}

const struct field *message_field(const struct message *m, struct str name)
{
	for (size_t i = 0; i < m->count; i++)
		if (field_spells(name, m->fields[i].name))
			return &m->fields[i];
	return NULL;
}

static bool decode_into(const struct message *m, const json_t *in, json_t *out, const struct place *at, struct err *e);

static json_t *decode_value(const struct field *f, const json_t *in, const struct place *at, struct err *e)
{
	json_t *value;
	bool fits = false;

	if (f->type == FIELD_MESSAGE) {
		cleanup(json) json_t *object = json_object();

		if (!object)
			return err_no_memory(e), NULL;
		return decode_into(f->message, in, object, at, e) ? take(object) : NULL;
	}
	value = scalar_decode(f, in, &fits);
	if (!value && fits)
		err_no_memory(e);
	else if (!value)
		refuse(at, scalar_wants(f->type), in, e);
	return value;
}

static json_t *decode_list(const struct field *f, const json_t *in, const struct place *at, struct err *e)
{
	cleanup(json) json_t *list = json_array();
	size_t i;
	json_t *item;

	if (!json_is_array(in))
		return refuse(at, "a list", in, e), NULL;
	json_array_foreach(in, i, item)
	{
		struct place place = {.outer = at, .index = i, .in_list = true};
		json_t *value = decode_value(f, item, &place, e);

		if (!value)
			return NULL;
		if (json_array_append_new(list, value) != 0)
			return err_no_memory(e), NULL;
	}
	return take(list);
}

static json_t *decode_map(const struct field *f, const json_t *in, const struct place *at, struct err *e)
{
	cleanup(json) json_t *map = json_object();
	const char *key;
	json_t *item;

	if (!json_is_object(in))
		return refuse(at, "an object", in, e), NULL;
	json_object_foreach((json_t *)in, key, item)
	{
		struct place place = {.outer = at, .name = str_of(key)};
		json_t *value = decode_value(f, item, &place, e);

		if (!value)
			return NULL;
		if (json_object_set_new(map, key, value) != 0)
			return err_no_memory(e), NULL;
	}
	return take(map);
}

static json_t *decode_shape(const struct field *f, const json_t *in, const struct place *at, struct err *e)
{
	switch (f->shape) {
	case FIELD_LIST:
		return decode_list(f, in, at, e);
	case FIELD_MAP:
		return decode_map(f, in, at, e);
	case FIELD_EITHER:
		return json_is_object(in) ? decode_map(f, in, at, e) : decode_value(f, in, at, e);
	case FIELD_ONE:
		break;
	}
	return decode_value(f, in, at, e);
}

static bool oneof_taken(const struct message *m, const struct field *f, const json_t *out)
{
	for (size_t i = 0; f->oneof && i < m->count; i++) {
		const struct field *other = &m->fields[i];

		if (other->oneof == f->oneof && strcmp(other->canonical, f->canonical) != 0 &&
		    json_object_get(out, other->canonical))
			return true;
	}
	return false;
}

static bool decode_member(const struct message *m, const struct field *f, const json_t *in, json_t *out,
			  const struct place *at, struct err *e)
{
	cleanup(json) json_t *value = NULL;
	const json_t *before;

	if (!f->canonical)
		return decode_into(f->message, in, out, at, e);
	value = decode_shape(f, in, at, e);
	if (!value)
		return false;
	before = json_object_get(out, f->canonical);
	if (before && !json_equal(before, value))
		return refuse_field(at->outer, "given in two spellings that differ: field", at->name, e);
	if (oneof_taken(m, f, out))
		return refuse_field(at->outer, "only one of its alternatives may be given, not also", at->name, e);
	return json_object_set(out, f->canonical, value) == 0 || err_no_memory(e);
}

static bool fill_absent(const struct message *m, json_t *out, struct err *e)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct field *f = &m->fields[i];

		if (f->absent && !json_object_get(out, f->canonical) &&
		    json_object_set_new(out, f->canonical, json_string(f->absent)) != 0)
			return err_no_memory(e);
	}
	return true;
}

static bool decode_into(const struct message *m, const json_t *in, json_t *out, const struct place *at, struct err *e)
{
	uint64_t seen = 0;
	const char *key;
	json_t *value;

	if (!json_is_object(in))
		return refuse(at, "an object", in, e);
	json_object_foreach((json_t *)in, key, value)
	{
		struct place place = {.outer = at, .name = str_of(key)};
		const struct field *f = message_field(m, place.name);

		if (!f)
			return refuse_field(at, "unknown field", place.name, e);
		uint64_t bit = UINT64_C(1) << (f - m->fields);

		if (seen & bit)
			return refuse_field(at, "given twice: field", place.name, e);
		seen |= bit;
		if (!json_is_null(value) && !decode_member(m, f, value, out, &place, e))
			return false;
	}
	return fill_absent(m, out, e);
}

bool message_decode(const struct message *m, const json_t *in, json_t **out, struct err *e)
{
	cleanup(json) json_t *object = json_object();
	const struct place root = {.name = STR("body")};
	const struct place inside = {0};

	if (!object)
		return err_no_memory(e);
	if (!json_is_object(in))
		return refuse(&root, "an object", in, e);
	if (!decode_into(m, in, object, &inside, e))
		return false;
	*out = take(object);
	return true;
}

static json_t *encode_value(const struct field *f, const json_t *value)
{
	return f->type == FIELD_MESSAGE ? message_encode(f->message, value) : scalar_encode(f, value);
}

static json_t *encode_list(const struct field *f, const json_t *value)
{
	cleanup(json) json_t *list = json_array();
	size_t i;
	json_t *item;

	json_array_foreach(value, i, item) if (json_array_append_new(list, encode_value(f, item)) != 0) return NULL;
	return take(list);
}

static json_t *encode_map(const struct field *f, const json_t *value)
{
	cleanup(json) json_t *map = json_object();
	const char *key;
	json_t *item;

	json_object_foreach((json_t *)value, key,
			    item) if (json_object_set_new(map, key, encode_value(f, item)) != 0) return NULL;
	return take(map);
}

static json_t *encode_shape(const struct field *f, const json_t *value)
{
	if (f->shape == FIELD_LIST)
		return encode_list(f, value);
	if (f->shape == FIELD_MAP || (f->shape == FIELD_EITHER && json_is_object(value)))
		return encode_map(f, value);
	return encode_value(f, value);
}

static bool encode_member(const struct field *f, const json_t *canonical, json_t *out)
{
	const json_t *value = f->canonical ? json_object_get(canonical, f->canonical) : canonical;
	json_t *encoded;

	if (!value)
		return true;
	encoded = encode_shape(f, value);
	if (encoded && !f->canonical && json_object_size(encoded) == 0) {
		json_decref(encoded);
		return true;
	}
	return json_object_set_new(out, f->name, encoded) == 0;
}

json_t *message_encode(const struct message *m, const json_t *canonical)
{
	cleanup(json) json_t *out = json_object();

	for (size_t i = 0; i < m->count; i++)
		if (!encode_member(&m->fields[i], canonical, out))
			return NULL;
	return take(out);
}
