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

/* Nodes of a document never take more than eight times its bytes (`[1,1,1]`). */
static bool check_strictly(struct str text, struct err *e)
{
	cleanup(arena) struct arena arena = arena_init(text.len * 8 + 1024);
	struct json_doc doc;

	return json_doc_parse(text, NULL, &arena, &doc, e);
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
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_memory);
	return json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, wrong);
}

bool json_read(struct str text, json_t **out, struct err *e)
{
	unsigned before = starvation_count();
	json_error_t wrong;
	json_t *value;

	if (!check_strictly(text, e))
		return false;
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
