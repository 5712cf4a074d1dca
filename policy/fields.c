#include "policy/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/spelling.h"
#include "base/utf8.h"

/* Levels of a path that is printed; the formats we read have fewer. */
#define PATH_LEVELS 32
#define PATH_MAX_BYTES 4096
#define NAME_MAX_BYTES 64

struct field field_root(const json_t *document)
{
	return (struct field){.value = document};
}

struct field field_member(const struct field *map, const char *name)
{
	return (struct field){.parent = map, .name = name, .value = json_object_get(map->value, name)};
}

struct field field_element(const struct field *list, size_t index)
{
	return (struct field){.parent = list, .index = index, .value = json_array_get(list->value, index)};
}

size_t field_count(const struct field *list)
{
	return json_array_size(list->value);
}

struct str field_text(const struct field *field)
{
	return json_text_of(field->value);
}

void field_path(const struct field *field, struct buf *out)
{
	const struct field *steps[PATH_LEVELS];
	size_t depth = 0;
	size_t start = out->len;

	for (; field->parent && depth < PATH_LEVELS; field = field->parent)
		steps[depth++] = field;
	while (depth-- > 0) {
		if (!steps[depth]->name)
			buf_printf(out, "[%zu]", steps[depth]->index);
		else
			buf_printf(out, "%s%.*s", out->len > start ? "." : "",
				   STR_ARG(utf8_head(str_of(steps[depth]->name), NAME_MAX_BYTES)));
	}
}

bool field_error(const struct field *field, struct err *e, const char *format, ...)
{
	cleanup(buf) struct buf path = buf_init(PATH_MAX_BYTES);
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	field_path(field, &path);
	if (!buf_str(&path).len)
		return err_set(e, ERR_INVALID, "%s", text);
	return err_set(e, ERR_INVALID, "%.*s: %s", STR_ARG(buf_str(&path)), text);
}

static bool is_any(const json_t *value)
{
	return value != NULL;
}

static bool is_text(const json_t *value)
{
	return json_is_string(value);
}

static bool is_switch(const json_t *value)
{
	return json_is_boolean(value);
}

static bool is_number(const json_t *value)
{
	return json_is_integer(value);
}

static bool is_list(const json_t *value)
{
	return json_is_array(value);
}

static bool is_map(const json_t *value)
{
	return json_is_object(value);
}

static const struct {
	bool (*is)(const json_t *value);
	const char *name;
	bool filled;
} types[] = {
	[FIELD_ANY] = {is_any, "given", false},
	[FIELD_TEXT] = {is_text, "a string", true},
	[FIELD_SWITCH] = {is_switch, "true or false", false},
	[FIELD_NUMBER] = {is_number, "a whole number", false},
	[FIELD_LIST] = {is_list, "a list", true},
	[FIELD_TEXTS] = {is_list, "a list of strings", true},
	[FIELD_MAP] = {is_map, "an object", true},
	[FIELD_LABELS] = {is_map, "an object of strings", false},
};

static const char *found(const json_t *value)
{
	return json_is_real(value) ? "a number with a fraction" : json_type_name(value);
}

static bool is_empty(const json_t *value)
{
	return json_string_length(value) + json_array_size(value) + json_object_size(value) == 0;
}

static bool elements_are_texts(const struct field *list, struct err *e)
{
	for (size_t i = 0; i < field_count(list); i++) {
		struct field element = field_element(list, i);

		if (!field_is(&element, FIELD_TEXT, e))
			return false;
	}
	return true;
}

static bool members_are_strings(const struct field *map, struct err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)map->value, key, value)
	{
		struct field member = {.parent = map, .name = key, .value = value};

		if (!json_is_string(value))
			return field_error(&member, e, "must be a string, not %s", json_type_name(value));
	}
	return true;
}

bool field_is(const struct field *field, enum field_type type, struct err *e)
{
	if (!field->value)
		return field_error(field, e, "is required");
	if (!types[type].is(field->value))
		return field_error(field, e, "must be %s, not %s", types[type].name, found(field->value));
	if (types[type].filled && is_empty(field->value))
		return field_error(field, e, "must not be empty");
	if (type == FIELD_TEXTS)
		return elements_are_texts(field, e);
	return type != FIELD_LABELS || members_are_strings(field, e);
}

static const struct field_rule *find_rule(const struct field_rule *rules, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

static bool unknown_field(const struct field *field, const struct field_rule *rules, size_t count, struct err *e)
{
	struct str typed = str_of(field->name);
	size_t least = spelling_limit(typed);
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++)
		if (spelling_nearer(typed, str_of(rules[i].name), &least))
			nearest = rules[i].name;
	if (nearest)
		return field_error(field, e, "unknown field (did you mean %s?)", nearest);
	return field_error(field, e, "unknown field");
}

static bool check_member(const struct field *field, const struct field_rule *rules, size_t count, struct err *e)
{
	const struct field_rule *rule = find_rule(rules, count, field->name);

	if (!rule)
		return unknown_field(field, rules, count, e);
	if (rule->presence == FIELD_UNSUPPORTED)
		return field_error(field, e, "not supported by this version");
	return field_is(field, rule->type, e);
}

bool field_check(const struct field *map, const struct field_rule *rules, size_t count, struct err *e)
{
	const char *key;
	json_t *value;

	if (!field_is(map, FIELD_MAP, e))
		return false;
	json_object_foreach((json_t *)map->value, key, value)
	{
		struct field member = {.parent = map, .name = key, .value = value};

		if (!check_member(&member, rules, count, e))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		struct field member = field_member(map, rules[i].name);

		if (rules[i].presence == FIELD_REQUIRED && !member.value)
			return field_error(&member, e, "is required");
	}
	return true;
}
