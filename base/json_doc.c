#include "base/json_doc.h"

#include <string.h>

#include "base/json_escape.h"
#include "base/json_node.h"

enum json_kind json_doc_kind(const struct json_doc *doc, uint32_t node)
{
	const struct json_node *n = &doc->nodes[node];

	if (n->end & NODE_SKIPPED)
		return JSON_NULL_VALUE;
	switch (doc->text.ptr[n->offset]) {
	case '{':
		return JSON_MAP;
	case '[':
		return JSON_LIST;
	case '"':
		return JSON_TEXT;
	case 't':
		return JSON_TRUE_VALUE;
	case 'f':
		return JSON_FALSE_VALUE;
	case 'n':
		return JSON_NULL_VALUE;
	default:
		return JSON_NUMBER;
	}
}

uint32_t json_doc_child(const struct json_doc *doc, uint32_t node)
{
	uint32_t end = doc->nodes[node].end & NODE_END_MASK;

	return node + 1 < end ? node + 1 : JSON_NONE;
}

uint32_t json_doc_next(const struct json_doc *doc, uint32_t node)
{
	uint32_t end = doc->nodes[node].end;

	return end & NODE_LAST ? JSON_NONE : end & NODE_END_MASK;
}

uint32_t json_doc_size(const struct json_doc *doc, uint32_t node)
{
	uint32_t size = 0;

	for (uint32_t child = json_doc_child(doc, node); child != JSON_NONE; child = json_doc_next(doc, child))
		size++;
	return size;
}

struct str json_doc_raw(const struct json_doc *doc, uint32_t node)
{
	return str_make(doc->text.ptr + doc->nodes[node].offset, doc->nodes[node].size);
}

enum key_match { KEY_OTHER, KEY_SAME, KEY_SAME_BUT_CASE };

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* The content of the string whose opening quote is at `offset`, as written. */
static struct str string_raw(const struct json_doc *doc, uint32_t offset)
{
	const char *start = doc->text.ptr + offset + 1;
	const char *at = start;

	while (*at != '"')
		at += *at == '\\' ? 2 : 1;
	return str_make(start, (size_t)(at - start));
}

/* A byte of a key in lower case; U+017F and U+212A are s and k to readers that fold by Unicode. */
static int folded_next(struct unescaped *u)
{
	static const struct {
		unsigned char bytes[3];
		unsigned char rest;
		char letter;
	} folds[] = {{{0xc5, 0xbf, 0}, 1, 's'}, {{0xe2, 0x84, 0xaa}, 2, 'k'}};
	int c = unescaped_next(u);

	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
		struct unescaped ahead = *u;
		bool all = c == folds[i].bytes[0];

		for (unsigned k = 1; all && k <= folds[i].rest; k++)
			all = unescaped_next(&ahead) == folds[i].bytes[k];
		if (all) {
			*u = ahead;
			return folds[i].letter;
		}
	}
	return lower(c);
}

static bool equals_unescaped(struct str raw, struct str name, bool fold)
{
	struct unescaped u = unescaped_of(raw);

	for (size_t i = 0; i < name.len; i++) {
		int wanted = (unsigned char)name.ptr[i];

		if (fold ? folded_next(&u) != lower(wanted) : unescaped_next(&u) != wanted)
			return false;
	}
	return unescaped_next(&u) < 0;
}

static enum key_match match_unescaped(struct str raw, struct str name)
{
	if (equals_unescaped(raw, name, false))
		return KEY_SAME;
	return equals_unescaped(raw, name, true) ? KEY_SAME_BUT_CASE : KEY_OTHER;
}

/* Most keys differ in their first bytes or are the same byte for byte; only the rest is unescaped. */
static enum key_match match_key(const struct json_doc *doc, uint32_t node, struct str name)
{
	uint32_t offset = doc->nodes[node].key;
	const char *key = doc->text.ptr + offset + 1;
	size_t i = 0;

	while (i < name.len && key[i] == name.ptr[i] && key[i] != '"' && key[i] != '\\')
		i++;
	if (i == name.len || key[i] == '"')
		return i == name.len && key[i] == '"' ? KEY_SAME : KEY_OTHER;
	if (key[i] != '\\' && (unsigned char)key[i] < 0x80 && lower(key[i]) != lower(name.ptr[i]))
		return KEY_OTHER;
	return match_unescaped(string_raw(doc, offset), name);
}

/* Most keys: their first byte is not that of `name`, whatever case does to it, nor one that stands for others. */
static inline bool begins_otherwise(char first, struct str name)
{
	return name.len > 0 && (first | 0x20) != (name.ptr[0] | 0x20) && first != '\\' && (unsigned char)first < 0x80;
}

bool json_doc_member(const struct json_doc *doc, uint32_t node, struct str name, uint32_t *out, struct err *e)
{
	uint32_t found = JSON_NONE;

	if (node == JSON_NONE) {
		*out = JSON_NONE;
		return true;
	}
	if (json_doc_kind(doc, node) != JSON_MAP)
		return err_set(e, ERR_INVALID, "must be an object");
	for (uint32_t child = json_doc_child(doc, node); child != JSON_NONE; child = json_doc_next(doc, child)) {
		enum key_match match;

		if (begins_otherwise(doc->text.ptr[doc->nodes[child].key + 1], name))
			continue;
		match = match_key(doc, child, name);
		if (match == KEY_SAME_BUT_CASE)
			return err_set(e, ERR_INVALID, "has a key that is \"%.*s\" but for case", STR_ARG(name));
		if (match == KEY_SAME)
			found = child;
	}
	*out = found;
	return true;
}

static const char *kind_name(enum json_kind kind)
{
	static const char *const names[] = {
		[JSON_NULL_VALUE] = "null", [JSON_FALSE_VALUE] = "a boolean", [JSON_TRUE_VALUE] = "a boolean",
		[JSON_NUMBER] = "a number", [JSON_TEXT] = "a string",	      [JSON_LIST] = "a list",
		[JSON_MAP] = "an object",
	};

	return names[kind];
}

bool json_doc_member_of(const struct json_doc *doc, uint32_t node, struct str name, enum json_kind kind, uint32_t *out,
			struct err *e)
{
	uint32_t found;

	if (!json_doc_member(doc, node, name, &found, e))
		return false;
	if (found != JSON_NONE && json_doc_kind(doc, found) == JSON_NULL_VALUE && kind != JSON_NULL_VALUE)
		found = JSON_NONE;
	if (found != JSON_NONE && json_doc_kind(doc, found) != kind)
		return err_set(e, ERR_INVALID, "%.*s must be %s", STR_ARG(name), kind_name(kind));
	*out = found;
	return true;
}

/* `raw` without its escapes: itself when it has none. */
static bool unescape(struct str raw, struct arena *arena, struct str *out, struct err *e)
{
	struct unescaped u = unescaped_of(raw);
	size_t length = 0;
	char *copy;

	if (!memchr(raw.ptr, '\\', raw.len)) {
		*out = raw;
		return true;
	}
	copy = arena_grow(arena, NULL, 0, raw.len);
	if (!copy)
		return arena_error(arena, e, "there is no room for the text");
	for (int c; (c = unescaped_next(&u)) >= 0;)
		copy[length++] = (char)c;
	*out = str_make(copy, length);
	return true;
}

bool json_doc_text_member(const struct json_doc *doc, uint32_t node, struct str name, struct arena *arena,
			  struct str *out, struct err *e)
{
	uint32_t found;

	if (!json_doc_member_of(doc, node, name, JSON_TEXT, &found, e))
		return false;
	if (found != JSON_NONE)
		return json_doc_text(doc, found, arena, out, e);
	*out = (struct str){NULL, 0};
	return true;
}

bool json_doc_key(const struct json_doc *doc, uint32_t node, struct arena *arena, struct str *out, struct err *e)
{
	return unescape(string_raw(doc, doc->nodes[node].key), arena, out, e);
}

bool json_doc_text(const struct json_doc *doc, uint32_t node, struct arena *arena, struct str *out, struct err *e)
{
	struct str raw = json_doc_raw(doc, node);

	return unescape(str_make(raw.ptr + 1, raw.len - 2), arena, out, e);
}
