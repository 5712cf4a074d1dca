#include "base/yaml.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "base/limits.h"
#include "base/yaml_scalar.h"

/* What a value costs once its aliases are followed. */
struct cost {
	size_t nodes;
	size_t bytes;
};

struct anchor {
	json_t *value; /* NULL until the value is complete */
	struct cost cost;
	size_t height;
};

/* A list or map that is being filled. */
struct frame {
	json_t *value;
	json_t *inherited; /* what `<<` brought; keys that are given win */
	json_t *key;	   /* waits for its value */
	bool merge;	   /* the key that waits is `<<` */
	bool merged;	   /* there was one */
	size_t anchor;	   /* index + 1; 0 for none */
	struct cost before;
	size_t height; /* of the highest child */
};

struct reader {
	yaml_parser_t parser;
	json_t *documents;
	struct frame frames[LIMIT_JSON_DEPTH];
	size_t depth;
	json_t *anchor_names; /* name -> index */
	struct anchor *anchors;
	size_t anchor_count;
	size_t anchor_room;
	struct cost total;
	bool ended;
};

static void forget_anchors(struct reader *r)
{
	for (size_t i = 0; i < r->anchor_count; i++)
		json_decref(r->anchors[i].value);
	r->anchor_count = 0;
	json_object_clear(r->anchor_names);
}

static void release_frame(struct frame *frame)
{
	json_decref(frame->value);
	json_decref(frame->inherited);
	json_decref(frame->key);
	*frame = (struct frame){0};
}

static void reader_free(struct reader *r)
{
	if (!r)
		return;
	yaml_parser_delete(&r->parser);
	while (r->depth)
		release_frame(&r->frames[--r->depth]);
	forget_anchors(r);
	free(r->anchors);
	json_decref(r->anchor_names);
	json_decref(r->documents);
	free(r);
}

CLEANUP_POINTER(reader, struct reader, reader_free)
CLEANUP_VALUE(event, yaml_event_t, yaml_event_delete)

static struct reader *reader_new(struct str text)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	if (!yaml_parser_initialize(&r->parser)) {
		free(r);
		return NULL;
	}
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)(text.ptr ? text.ptr : ""), text.len);
	r->documents = json_array();
	r->anchor_names = json_object();
	if (r->documents && r->anchor_names)
		return r;
	reader_free(r);
	return NULL;
}

static bool charge(struct reader *r, struct cost cost, struct err *e)
{
	if (cost.nodes > LIMIT_YAML_NODES - r->total.nodes)
		return err_set(e, ERR_INVALID, "more than %u values", LIMIT_YAML_NODES);
	if (cost.bytes > LIMIT_YAML_BYTES - r->total.bytes)
		return err_set(e, ERR_INVALID, "more than %u bytes of text", LIMIT_YAML_BYTES);
	r->total.nodes += cost.nodes;
	r->total.bytes += cost.bytes;
	return true;
}

static struct cost cost_since(const struct reader *r, struct cost before)
{
	return (struct cost){r->total.nodes - before.nodes, r->total.bytes - before.bytes};
}

static bool anchor_room(struct reader *r)
{
	size_t room = r->anchor_room ? 2 * r->anchor_room : 16;
	struct anchor *bigger;

	if (r->anchor_count < r->anchor_room)
		return true;
	bigger = realloc(r->anchors, room * sizeof(*bigger));
	if (!bigger)
		return false;
	r->anchors = bigger;
	r->anchor_room = room;
	return true;
}

/* *number is 0 when the node has no anchor. */
static bool anchor_open(struct reader *r, const yaml_char_t *name, size_t *number, struct err *e)
{
	const char *text = (const char *)name;

	*number = 0;
	if (!text)
		return true;
	if (json_object_get(r->anchor_names, text))
		return err_set(e, ERR_INVALID, "the anchor &%s stands twice in one document", text);
	if (!anchor_room(r) ||
	    json_object_set_new(r->anchor_names, text, json_integer((json_int_t)r->anchor_count)) != 0)
		return err_no_memory(e);
	r->anchors[r->anchor_count++] = (struct anchor){0};
	*number = r->anchor_count;
	return true;
}

static void anchor_close(struct reader *r, size_t number, json_t *value, struct cost cost, size_t height)
{
	if (number)
		r->anchors[number - 1] = (struct anchor){json_incref(value), cost, height};
}

/* Keys become strings as kubectl's reader makes them: true, 1. */
static json_t *key_from_scalar(const json_t *value)
{
	char number[32];

	if (json_is_string(value))
		return json_incref((json_t *)value);
	if (json_is_boolean(value))
		return json_string(json_is_true(value) ? "true" : "false");
	(void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return json_string(number);
}

static bool take_key(struct frame *frame, json_t *value, struct err *e)
{
	if (!json_is_string(value) && !json_is_boolean(value) && !json_is_integer(value))
		return err_set(e, ERR_INVALID, "a key is %s, it must be a string", json_type_name(value));
	frame->key = key_from_scalar(value);
	if (!frame->key)
		return err_no_memory(e);
	if (json_object_get(frame->value, json_string_value(frame->key)))
		return err_set(e, ERR_INVALID, "the key \"%s\" stands twice", json_string_value(frame->key));
	return true;
}

/* Readers differ when a merge would meet a key that stands before it, so that is refused. */
static bool inherit_map(struct frame *frame, json_t *map, struct err *e)
{
	const char *key;
	json_t *value;

	if (!json_is_object(map))
		return err_set(e, ERR_INVALID, "<< takes a map or a list of maps, not %s", json_type_name(map));
	json_object_foreach(map, key, value)
	{
		if (json_object_get(frame->value, key))
			return err_set(e, ERR_INVALID, "<< would bring the key \"%s\", which stands before it", key);
		if (!json_object_get(frame->inherited, key) && json_object_set(frame->inherited, key, value) != 0)
			return err_no_memory(e);
	}
	return true;
}

static bool inherit(struct frame *frame, json_t *source, struct err *e)
{
	size_t i;
	json_t *map;

	frame->inherited = json_object();
	frame->merged = true;
	frame->merge = false;
	if (!frame->inherited)
		return err_no_memory(e);
	if (!json_is_array(source))
		return inherit_map(frame, source, e);
	json_array_foreach(source, i, map) if (!inherit_map(frame, map, e)) return false;
	return true;
}

static bool add_member(struct frame *frame, json_t *value, struct err *e)
{
	json_t *key = take(frame->key);
	bool added = json_object_set_nocheck(frame->value, json_string_value(key), value) == 0;

	json_decref(key);
	return added || err_no_memory(e);
}

/* Puts a complete value where it belongs; the caller keeps its reference. */
static bool place(struct reader *r, json_t *value, size_t height, struct err *e)
{
	struct frame *frame = r->depth ? &r->frames[r->depth - 1] : NULL;

	if (frame && height > frame->height)
		frame->height = height;
	if (!frame || json_is_array(frame->value))
		return json_array_append(frame ? frame->value : r->documents, value) == 0 || err_no_memory(e);
	if (frame->merge)
		return inherit(frame, value, e);
	return frame->key ? add_member(frame, value, e) : take_key(frame, value, e);
}

static bool awaits_key(const struct reader *r)
{
	const struct frame *frame = r->depth ? &r->frames[r->depth - 1] : NULL;

	return frame && json_is_object(frame->value) && !frame->key && !frame->merge;
}

static bool tag_is(const yaml_char_t *tag, const char *name)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	return tag && strncmp((const char *)tag, prefix, sizeof(prefix) - 1) == 0 &&
	       strcmp((const char *)tag + sizeof(prefix) - 1, name) == 0;
}

static bool unknown_tag(const yaml_char_t *tag, struct err *e)
{
	return err_set(e, ERR_INVALID, "the tag %s is not known here", (const char *)tag);
}

static const struct {
	const char *tag;
	json_type types[2];
} scalar_tags[] = {
	{"null", {JSON_NULL, JSON_NULL}},
	{"bool", {JSON_TRUE, JSON_FALSE}},
	{"int", {JSON_INTEGER, JSON_INTEGER}},
	{"float", {JSON_REAL, JSON_REAL}},
};

/* A tag must say what the text says anyway; it converts nothing. */
static bool check_scalar_tag(const yaml_char_t *tag, const json_t *value, struct err *e)
{
	for (size_t i = 0; i < sizeof(scalar_tags) / sizeof(scalar_tags[0]); i++) {
		if (!tag_is(tag, scalar_tags[i].tag))
			continue;
		if (json_typeof(value) == scalar_tags[i].types[0] || json_typeof(value) == scalar_tags[i].types[1])
			return true;
		return err_set(e, ERR_INVALID, "%s is not what its tag !!%s says", json_type_name(value),
			       scalar_tags[i].tag);
	}
	return unknown_tag(tag, e);
}

static bool read_scalar(const yaml_event_t *event, json_t **out, struct err *e)
{
	const yaml_char_t *tag = event->data.scalar.tag;
	struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};

	if (memchr(text.ptr, '\0', text.len))
		return err_set(e, ERR_INVALID, "a string contains U+0000");
	if (event->data.scalar.quoted_implicit || tag_is(tag, "str") || (tag && strcmp((const char *)tag, "!") == 0)) {
		*out = json_from_str(text);
		return *out || err_no_memory(e);
	}
	if (!yaml_scalar_resolve(text, out, e))
		return false;
	if (!tag || check_scalar_tag(tag, *out, e))
		return true;
	json_decref(take(*out));
	return false;
}

static bool is_merge_key(const struct reader *r, const yaml_event_t *event)
{
	return awaits_key(r) && event->data.scalar.plain_implicit && event->data.scalar.length == 2 &&
	       memcmp(event->data.scalar.value, "<<", 2) == 0;
}

static bool start_merge(struct reader *r, struct err *e)
{
	struct frame *frame = &r->frames[r->depth - 1];

	if (frame->merged)
		return err_set(e, ERR_INVALID, "the key \"<<\" stands twice");
	frame->merge = true;
	return true;
}

static bool is_empty_document(const struct reader *r, const yaml_event_t *event)
{
	return r->depth == 0 && event->data.scalar.length == 0 && event->data.scalar.plain_implicit &&
	       !event->data.scalar.anchor;
}

static bool on_scalar(struct reader *r, const yaml_event_t *event, struct err *e)
{
	struct cost cost = {1, event->data.scalar.length};
	cleanup(json) json_t *value = NULL;
	size_t anchor;

	if (is_empty_document(r, event))
		return true;
	if (!charge(r, cost, e) || !anchor_open(r, event->data.scalar.anchor, &anchor, e))
		return false;
	if (is_merge_key(r, event))
		return anchor ? err_set(e, ERR_INVALID, "<< has an anchor") : start_merge(r, e);
	if (!read_scalar(event, &value, e))
		return false;
	anchor_close(r, anchor, value, cost, 0);
	return place(r, value, 0, e);
}

static bool on_alias(struct reader *r, const yaml_event_t *event, struct err *e)
{
	const char *name = (const char *)event->data.alias.anchor;
	const json_t *index = json_object_get(r->anchor_names, name);
	const struct anchor *anchor = index ? &r->anchors[json_integer_value(index)] : NULL;
	cleanup(json) json_t *value = NULL;

	if (!anchor)
		return err_set(e, ERR_INVALID, "no anchor &%s stands before *%s", name, name);
	if (!anchor->value)
		return err_set(e, ERR_INVALID, "the anchor &%s contains itself", name);
	if (r->depth + anchor->height > LIMIT_JSON_DEPTH)
		return err_set(e, ERR_INVALID, "more than %u levels", LIMIT_JSON_DEPTH);
	if (!charge(r, anchor->cost, e))
		return false;
	value = json_deep_copy(anchor->value);
	if (!value)
		return err_no_memory(e);
	return place(r, value, anchor->height, e);
}

static bool open_container(struct reader *r, json_t *value, const yaml_char_t *anchor, struct err *e)
{
	struct frame frame = {.value = value, .before = r->total};

	if (!value)
		return err_no_memory(e);
	if (r->depth < LIMIT_JSON_DEPTH && !awaits_key(r) && charge(r, (struct cost){1, 0}, e) &&
	    anchor_open(r, anchor, &frame.anchor, e)) {
		r->frames[r->depth++] = frame;
		return true;
	}
	if (r->depth == LIMIT_JSON_DEPTH)
		(void)err_set(e, ERR_INVALID, "more than %u levels", LIMIT_JSON_DEPTH);
	else if (awaits_key(r))
		(void)err_set(e, ERR_INVALID, "a key is %s, it must be a string", json_type_name(value));
	json_decref(value);
	return false;
}

static bool on_list_start(struct reader *r, const yaml_event_t *event, struct err *e)
{
	const yaml_char_t *tag = event->data.sequence_start.tag;

	if (tag && !tag_is(tag, "seq"))
		return unknown_tag(tag, e);
	return open_container(r, json_array(), event->data.sequence_start.anchor, e);
}

static bool on_map_start(struct reader *r, const yaml_event_t *event, struct err *e)
{
	const yaml_char_t *tag = event->data.mapping_start.tag;

	if (tag && !tag_is(tag, "map"))
		return unknown_tag(tag, e);
	return open_container(r, json_object(), event->data.mapping_start.anchor, e);
}

static bool on_container_end(struct reader *r, const yaml_event_t *event, struct err *e)
{
	struct frame frame = r->frames[--r->depth];
	size_t height = frame.height + 1;
	bool placed;

	(void)event;
	r->frames[r->depth] = (struct frame){0};
	placed = !frame.inherited || json_object_update_missing(frame.value, frame.inherited) == 0;
	if (placed) {
		anchor_close(r, frame.anchor, frame.value, cost_since(r, frame.before), height);
		placed = place(r, frame.value, height, e);
	} else {
		(void)err_no_memory(e);
	}
	release_frame(&frame);
	return placed;
}

static bool on_document_start(struct reader *r, const yaml_event_t *event, struct err *e)
{
	(void)event;
	(void)e;
	forget_anchors(r);
	return true;
}

static bool on_stream_end(struct reader *r, const yaml_event_t *event, struct err *e)
{
	(void)event;
	(void)e;
	r->ended = true;
	return true;
}

typedef bool event_handler(struct reader *r, const yaml_event_t *event, struct err *e);

static event_handler *const handlers[] = {
	[YAML_STREAM_END_EVENT] = on_stream_end,
	[YAML_DOCUMENT_START_EVENT] = on_document_start,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_list_start,
	[YAML_SEQUENCE_END_EVENT] = on_container_end,
	[YAML_MAPPING_START_EVENT] = on_map_start,
	[YAML_MAPPING_END_EVENT] = on_container_end,
};

static bool syntax_error(const yaml_parser_t *parser, struct err *e)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return err_no_memory(e);
	return err_set(e, ERR_INVALID, "%s%s%s", parser->context ? parser->context : "", parser->context ? ", " : "",
		       parser->problem ? parser->problem : "not YAML");
}

static size_t error_line(const yaml_parser_t *parser, struct str text)
{
	size_t line = 1;

	if (parser->error != YAML_READER_ERROR)
		return parser->problem_mark.line + 1;
	for (size_t i = 0; i < parser->problem_offset && i < text.len; i++)
		line += text.ptr[i] == '\n';
	return line;
}

/* One event; on failure *line is where it was. */
static bool step(struct reader *r, struct str text, size_t *line, struct err *e)
{
	cleanup(event) yaml_event_t event = {0};

	if (!yaml_parser_parse(&r->parser, &event)) {
		*line = error_line(&r->parser, text);
		return syntax_error(&r->parser, e);
	}
	*line = event.start_mark.line + 1;
	if ((size_t)event.type >= sizeof(handlers) / sizeof(handlers[0]) || !handlers[event.type])
		return true;
	return handlers[event.type](r, &event, e);
}

static bool read_yaml(struct str text, json_t **out, struct err *e)
{
	cleanup(reader) struct reader *r = reader_new(text);
	size_t line = 0;

	if (!r)
		return err_no_memory(e);
	while (!r->ended)
		if (!step(r, text, &line, e))
			return err_context(e, "document %zu: line %zu", json_array_size(r->documents) + 1, line);
	*out = take(r->documents);
	return true;
}

/* Length of the bracketed value that `text` starts with, by counting braces outside of strings. */
static size_t value_extent(struct str text)
{
	size_t open = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			open++;
		else if (!quoted && (c == '}' || c == ']') && --open == 0)
			return i + 1;
	}
	return text.len;
}

static bool read_json(struct str text, json_t **out, struct err *e)
{
	cleanup(json) json_t *documents = json_array();

	for (struct str rest = str_trim(text); rest.len;) {
		struct str head = str_head(rest, value_extent(rest));
		json_t *value = NULL;

		if (rest.ptr[0] != '{')
			return err_set(e, ERR_INVALID, "document %zu: not an object", json_array_size(documents) + 1);
		if (!json_read(head, &value, e))
			return err_context(e, "document %zu", json_array_size(documents) + 1);
		if (json_array_append_new(documents, value) != 0)
			return err_no_memory(e);
		rest = str_trim(str_skip(rest, head.len));
	}
	*out = take(documents);
	return *out || err_no_memory(e);
}

/* Of two readers that failed, the one that the author meant explains: JSON quotes its first key. */
static bool looks_like_json(struct str text)
{
	struct str inside = str_trim(str_skip(str_trim(text), 1));

	return inside.len && inside.ptr[0] == '"';
}

bool yaml_read(struct str text, json_t **out, struct err *e)
{
	struct err json_error = ERR_INIT;

	if (str_trim(text).len == 0 || str_trim(text).ptr[0] != '{')
		return read_yaml(text, out, e);
	if (read_json(text, out, &json_error) || read_yaml(text, out, e))
		return true;
	if (e && looks_like_json(text))
		*e = json_error;
	return false;
}
