#include "base/json.h"

#include "base/json_doc.h"

/* Nodes of a document never take more than eight times its bytes (`[1,1,1]`). */
static bool check_strictly(struct str text, struct err *e)
{
	cleanup(arena) struct arena arena = arena_init(text.len * 8 + 1024);
	struct json_doc doc;

	return json_doc_parse(text, NULL, &arena, &doc, e);
}

bool json_read(struct str text, json_t **out, struct err *e)
{
	json_error_t wrong;
	json_t *value;

	if (!check_strictly(text, e))
		return false;
	value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &wrong);
	if (!value && json_error_code(&wrong) == json_error_out_of_memory)
		return err_no_memory(e);
	if (!value)
		return err_set(e, ERR_INVALID, "line %d, column %d: %s", wrong.line, wrong.column, wrong.text);
	*out = value;
	return true;
}

static int add_text(const char *text, size_t length, void *out)
{
	buf_add(out, str_make(text, length));
	return ((struct buf *)out)->failed ? -1 : 0;
}

bool json_write(const json_t *value, struct buf *out, struct err *e)
{
	if (json_dump_callback(value, add_text, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
		return buf_ok(out, e);
	return buf_ok(out, e) && err_set(e, ERR_INTERNAL, "a value can't be written as JSON");
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
