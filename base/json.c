#include "base/json.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/json_doc.h"
#include "base/starvation.h"

/* Doubles keep every number of 15 digits; 17 digits keep every double. */
#define REAL_DIGITS_SURE 15
#define REAL_DIGITS_MAX 17
#define REAL_TEXT_MAX 32

/* Nodes of a document, and its strings without their escapes, never take more than this many times its bytes. */
#define DOC_MEMORY 9
/* Up to here the tree is built from the nodes; beyond it, they are given back first. */
#define BUILT_MAX (64u * 1024)
/* Digits, with the sign, that always fit into an integer. */
#define INTEGER_SURE 18

static json_t *build(const struct json_doc *doc, uint32_t node, struct arena *arena);

static json_t *build_text(const struct json_doc *doc, uint32_t node, struct arena *arena)
{
	struct str text;

	if (!json_doc_text(doc, node, arena, &text, NULL) || str_find(text, 0) < text.len)
		return NULL;
	return json_stringn_nocheck(text.ptr, text.len);
}

static json_t *build_integer(struct str digits)
{
	bool negative = digits.ptr[0] == '-';
	json_int_t value = 0;

	if (digits.len > INTEGER_SURE)
		return NULL;
	for (size_t i = negative; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return NULL;
		value = value * 10 + (digits.ptr[i] - '0');
	}
	return json_integer(negative ? -value : value);
}

static json_t *build_list(const struct json_doc *doc, uint32_t node, struct arena *arena)
{
	cleanup(json) json_t *list = json_array();

	for (uint32_t child = json_doc_child(doc, node); child != JSON_NONE; child = json_doc_next(doc, child))
		if (json_array_append_new(list, build(doc, child, arena)) != 0)
			return NULL;
	return take(list);
}

static json_t *build_map(const struct json_doc *doc, uint32_t node, struct arena *arena)
{
	cleanup(json) json_t *map = json_object();

	for (uint32_t child = json_doc_child(doc, node); child != JSON_NONE; child = json_doc_next(doc, child)) {
		struct str key;

		if (!json_doc_key(doc, child, arena, &key, NULL) || str_find(key, 0) < key.len ||
		    json_object_setn_new_nocheck(map, key.ptr, key.len, build(doc, child, arena)) != 0)
			return NULL;
	}
	return take(map);
}

/* The tree that jansson would make of a document that is strictly right. NULL without memory, and for what is jansson's
 * to round or to refuse: a zero byte in a string, a number that is no short integer. */
static json_t *build(const struct json_doc *doc, uint32_t node, struct arena *arena)
{
	switch (json_doc_kind(doc, node)) {
	case JSON_NULL_VALUE:
		return json_null();
	case JSON_FALSE_VALUE:
		return json_false();
	case JSON_TRUE_VALUE:
		return json_true();
	case JSON_NUMBER:
		return build_integer(json_doc_raw(doc, node));
	case JSON_TEXT:
		return build_text(doc, node, arena);
	case JSON_LIST:
		return build_list(doc, node, arena);
	case JSON_MAP:
		return build_map(doc, node, arena);
	}
	return NULL;
}

/* False when the document is wrong. *value stays NULL when jansson must read it. */
static bool read_strictly(struct str text, json_t **value, struct err *e)
{
	cleanup(arena) struct arena arena = arena_init(text.len * DOC_MEMORY + 1024);
	struct json_doc doc;

	if (!json_doc_parse(text, NULL, &arena, &doc, e))
		return false;
	if (text.len <= BUILT_MAX)
		*value = build(&doc, 0, &arena);
	return true;
}

/* jansson 2.14 leaves out a byte of a string, and calls it good, when memory runs out at that byte: so we look. */
static void *allocate(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		starvation_note();
	return memory;
}

static void watch_memory(void)
{
	json_set_alloc_funcs(allocate, free);
}

static json_t *load(struct str text, json_error_t *wrong)
{
	return json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, wrong);
}

bool json_read(struct str text, json_t **out, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned before = starvation_count();
	json_error_t wrong;
	json_t *value = NULL;

	pthread_once(&once, watch_memory);
	if (!read_strictly(text, &value, e))
		return false;
	if (!value && starvation_count() == before)
		value = load(text, &wrong);
	if (starvation_count() != before) {
		json_decref(value);
		return err_no_memory(e);
	}
	if (!value)
		return err_set(e, ERR_INVALID, "line %d, column %d: %s", wrong.line, wrong.column, wrong.text);
	*out = value;
	return true;
}

/* The shortest digits that read back as the same number; jansson alone writes 7.8 as 7.7999999999999998. */
static void write_real(double value, struct buf *out)
{
	char digits[REAL_TEXT_MAX];
	int precision = REAL_DIGITS_SURE;

	do {
		snprintf(digits, sizeof(digits), "%.*g", precision, value);
	} while (strtod(digits, NULL) != value && ++precision <= REAL_DIGITS_MAX);
	buf_add_c(out, digits);
	if (!strpbrk(digits, ".e"))
		buf_add_c(out, ".0");
}

static void write_value(const json_t *value, struct buf *out);

static void write_list(const json_t *list, struct buf *out)
{
	size_t i;
	json_t *item;

	buf_add_char(out, '[');
	json_array_foreach(list, i, item)
	{
		if (i)
			buf_add_char(out, ',');
		write_value(item, out);
	}
	buf_add_char(out, ']');
}

static void write_object(const json_t *object, struct buf *out)
{
	const char *key, *between = "{";
	json_t *item;

	json_object_foreach((json_t *)object, key, item)
	{
		buf_add_c(out, between);
		buf_add_json_string(out, str_of(key));
		buf_add_char(out, ':');
		write_value(item, out);
		between = ",";
	}
	buf_add_c(out, json_object_size(object) ? "}" : "{}");
}

static void write_value(const json_t *value, struct buf *out)
{
	if (json_is_object(value))
		write_object(value, out);
	else if (json_is_array(value))
		write_list(value, out);
	else if (json_is_string(value))
		buf_add_json_string(out, json_text_of(value));
	else if (json_is_integer(value))
		buf_printf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		write_real(json_real_value(value), out);
	else
		buf_add_c(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
}

bool json_write(const json_t *value, struct buf *out, struct err *e)
{
	if (!value)
		return err_set(e, ERR_INTERNAL, "nothing to write as JSON");
	write_value(value, out);
	return buf_ok(out, e);
}

struct str json_text(const json_t *object, const char *name)
{
	return json_text_of(json_object_get(object, name));
}

struct str json_text_of(const json_t *string)
{
	if (!json_is_string(string))
		return (struct str){NULL, 0};
	return str_make(json_string_value(string), json_string_length(string));
}

json_t *json_from_str(struct str s)
{
	return json_stringn(s.ptr ? s.ptr : "", s.len);
}

const char *json_type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "a boolean",
		[JSON_FALSE] = "a boolean",  [JSON_NULL] = "null"};

	return value ? names[json_typeof(value)] : "absent";
}
