/* The reader against jansson: both judge every input alike and see the same values, except
 *   - more than LIMIT_JSON_DEPTH levels: refused here, jansson takes 2,048;
 *   - a zero byte after a number or word: refused here, jansson passes over it;
 *   - numbers that fit neither 64 bits nor a double, and keys with U+0000: refused by jansson, legal JSON here. */
#include "base/json.h"
#include "base/json_doc.h"
#include "base/limits.h"

#define REFUSED_BY_JANSSON_ALONE(code)                                                     \
	((code) == json_error_numeric_overflow || (code) == json_error_null_byte_in_key || \
	 (code) == json_error_null_character)

static struct arena arena;
static struct json_doc doc;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void compare_value(uint32_t node, const json_t *value);

static void compare_list(uint32_t node, const json_t *list)
{
	uint32_t child = json_doc_child(&doc, node);

	check(json_doc_size(&doc, node) == json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++, child = json_doc_next(&doc, child))
		compare_value(child, json_array_get(list, i));
	check(child == JSON_NONE);
}

static void compare_map(uint32_t node, const json_t *map)
{
	struct err e;

	check(json_doc_size(&doc, node) == json_object_size(map));
	for (uint32_t child = json_doc_child(&doc, node); child != JSON_NONE; child = json_doc_next(&doc, child)) {
		struct str key;
		uint32_t found;

		check(json_doc_key(&doc, child, &arena, &key, &e));
		if (json_doc_member(&doc, node, key, &found, &e))
			check(found == child);
		compare_value(child, json_object_getn(map, key.ptr, key.len));
	}
}

static void compare_number(struct str raw, const json_t *value)
{
	char *copy = strndup(raw.ptr, raw.len);

	check(copy != NULL);
	if (json_is_integer(value))
		check(strtoll(copy, NULL, 10) == json_integer_value(value));
	else
		check(strtod(copy, NULL) == json_real_value(value));
	free(copy);
}

static void compare_text(uint32_t node, const json_t *value)
{
	struct str text;
	struct err e;

	check(json_doc_text(&doc, node, &arena, &text, &e));
	check(str_eq(text, str_make(json_string_value(value), json_string_length(value))));
}

static void compare_value(uint32_t node, const json_t *value)
{
	static const json_type types[] = {
		[JSON_NULL_VALUE] = JSON_NULL, [JSON_FALSE_VALUE] = JSON_FALSE, [JSON_TRUE_VALUE] = JSON_TRUE,
		[JSON_NUMBER] = JSON_REAL,     [JSON_TEXT] = JSON_STRING,	[JSON_LIST] = JSON_ARRAY,
		[JSON_MAP] = JSON_OBJECT};
	enum json_kind kind = json_doc_kind(&doc, node);

	check(value != NULL);
	check(json_is_integer(value) ? kind == JSON_NUMBER : types[kind] == json_typeof(value));
	if (kind == JSON_LIST)
		compare_list(node, value);
	else if (kind == JSON_MAP)
		compare_map(node, value);
	else if (kind == JSON_TEXT)
		compare_text(node, value);
	else if (kind == JSON_NUMBER)
		compare_number(json_doc_raw(&doc, node), value);
}

/* Skipping changes what is recorded, never what is accepted. */
static void check_skipping(struct str text, bool accepted)
{
	static const char *const names[] = {"a", "managedFields", ""};
	const struct json_skip skip = {names, 3};
	uint32_t whole = doc.count;
	struct err e;

	check(json_doc_parse(text, &skip, &arena, &doc, &e) == accepted);
	check(!accepted || doc.count <= whole);
}

/* json_read makes the tree that jansson makes, of what both take. */
static void check_tree(struct str text, bool accepted)
{
	json_t *ours = NULL, *theirs = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	struct err e;

	check(json_read(text, &ours, &e) == (accepted && theirs));
	check(!ours || json_equal(ours, theirs));
	json_decref(ours);
	json_decref(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct err e = ERR_INIT;
	json_error_t wrong;
	json_t *value;
	bool accepted;

	arena = arena_init(256u * 1024 * 1024);
	accepted = json_doc_parse(text, NULL, &arena, &doc, &e);
	value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &wrong);
	if (accepted && value)
		compare_value(0, value);
	else if (accepted)
		check(REFUSED_BY_JANSSON_ALONE(json_error_code(&wrong)));
	else if (value)
		check(strstr(e.text, "deep") != NULL || memchr(text.ptr, '\0', text.len) != NULL);
	check_skipping(text, accepted);
	check_tree(text, accepted);
	json_decref(value);
	arena_release(&arena);
	return 0;
}
