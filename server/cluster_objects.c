#include "server/cluster_objects.h"

#include "base/codec.h"
#include "base/limits.h"
#include "policy/key_armour.h"

#define API_VERSION "sealgate.dev/v1alpha1"
/* One object as JSON; the API server stores 1.5 MiB. */
#define OBJECT_MAX (4u * 1024 * 1024)

struct source_value {
	struct str key;
	struct str text; /* "" when it is no public key */
};

struct source_object {
	struct object_entry entry;
	size_t count;
	struct source_value values[];
};

static void free_object(struct object_entry *entry)
{
	free(entry);
}

void cluster_objects_init(struct cluster_objects *objects)
{
	*objects = (struct cluster_objects){.changed = true};
	for (size_t i = 0; i < TRUST_OBJECT_KINDS; i++)
		objects->objects[i] = object_table_init(LIMIT_OBJECTS, free_object);
	for (size_t i = 0; i < KEY_SOURCE_KINDS; i++)
		objects->sources[i] = object_table_init(LIMIT_KEY_SOURCES, free_object);
}

void cluster_objects_release(struct cluster_objects *objects)
{
	for (size_t i = 0; i < TRUST_OBJECT_KINDS; i++)
		object_table_release(&objects->objects[i]);
	for (size_t i = 0; i < KEY_SOURCE_KINDS; i++)
		object_table_release(&objects->sources[i]);
}

static bool set_text(json_t *object, const char *name, struct str text)
{
	return text.len == 0 || json_object_set_new(object, name, json_from_str(text)) == 0;
}

/* Nothing of the object but what decides: neither annotations nor managedFields make a new policy. */
static json_t *essence_of(enum trust_object_kind kind, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");
	json_t *spec = json_object_get(object, "spec");
	json_t *out = json_pack("{s:s, s:s, s:{}}", "apiVersion", API_VERSION, "kind", trust_object_kind_name(kind),
				"metadata");
	json_t *about = json_object_get(out, "metadata");

	if (out && set_text(about, "name", json_text(metadata, "name")) &&
	    set_text(about, "namespace", json_text(metadata, "namespace")) &&
	    (!spec || json_object_set(out, "spec", spec) == 0))
		return out;
	json_decref(out);
	return NULL;
}

static bool write_spec(enum trust_object_kind kind, const json_t *object, struct buf *out, struct err *e)
{
	cleanup(json) json_t *essence = essence_of(kind, object);

	if (!essence)
		return err_no_memory(e);
	if (!json_write(essence, out, e))
		return false;
	if (out->len > LIMIT_OBJECT_TEXT)
		buf_cut(out, 0);
	return true;
}

static struct str put_text(char **at, struct str text)
{
	struct str copy = str_make(*at, text.len);

	if (text.len > 0)
		memcpy(*at, text.ptr, text.len);
	*at += text.len;
	return copy;
}

/* In one piece of memory. */
static struct cluster_object *object_new(enum trust_object_kind kind, const json_t *object, struct str text,
					 struct str status)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const struct str texts[] = {json_text(metadata, "namespace"),
				    json_text(metadata, "name"),
				    json_text(metadata, "uid"),
				    json_text(metadata, "resourceVersion"),
				    text,
				    status};
	struct cluster_object *fresh;
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		size += texts[i].len;
	fresh = malloc(sizeof(*fresh) + size);
	if (!fresh)
		return NULL;
	at = (char *)(fresh + 1);
	*fresh = (struct cluster_object){.kind = kind, .due = true};
	fresh->entry.namespace_ = put_text(&at, texts[0]);
	fresh->entry.name = put_text(&at, texts[1]);
	fresh->uid = put_text(&at, texts[2]);
	fresh->resource_version = put_text(&at, texts[3]);
	fresh->text = put_text(&at, texts[4]);
	fresh->status = put_text(&at, texts[5]);
	fresh->generation = json_integer_value(json_object_get(metadata, "generation"));
	return fresh;
}

static struct cluster_object *object_read(enum trust_object_kind kind, const json_t *object, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(OBJECT_MAX);
	cleanup(buf) struct buf status = buf_init(OBJECT_MAX);
	const json_t *seen = json_object_get(object, "status");
	struct cluster_object *fresh;

	if (json_text(json_object_get(object, "metadata"), "name").len == 0) {
		(void)err_set(e, ERR_INVALID, "an object without a name");
		return NULL;
	}
	if (!write_spec(kind, object, &text, e) || (seen && !json_write(seen, &status, e)))
		return NULL;
	fresh = object_new(kind, object, buf_str(&text), buf_str(&status));
	if (!fresh)
		(void)err_no_memory(e);
	return fresh;
}

static struct object_entry *find_object(const struct object_table *table, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");

	return object_table_find(table, json_text(metadata, "namespace"), json_text(metadata, "name"));
}

static bool decides_the_same(const struct cluster_object *a, const struct cluster_object *b)
{
	return a->generation == b->generation && str_eq(a->uid, b->uid) && str_eq(a->text, b->text);
}

static bool take_over_object(struct cluster_objects *objects, struct cluster_object *fresh, struct err *e)
{
	struct object_table *table = &objects->objects[fresh->kind];
	const struct cluster_object *old = (const struct cluster_object *)(void *)object_table_find(
		table, fresh->entry.namespace_, fresh->entry.name);

	if (old && str_eq(old->uid, fresh->uid)) {
		fresh->pace = old->pace;
		fresh->running = old->running;
	}
	objects->changed = objects->changed || !old || !decides_the_same(old, fresh);
	if (object_table_put(table, &fresh->entry, e))
		return true;
	free(fresh);
	return false;
}

/* What could not be taken because of it can be now. */
static void forget_problem(struct cluster_objects *objects, struct err *problem)
{
	objects->changed = objects->changed || problem->kind != ERR_NONE;
	*problem = ERR_INIT;
}

void cluster_objects_begin(struct cluster_objects *objects, enum trust_object_kind kind)
{
	forget_problem(objects, &objects->object_problems[kind]);
	object_table_begin(&objects->objects[kind]);
}

void cluster_objects_present(struct cluster_objects *objects, enum trust_object_kind kind, const json_t *object)
{
	struct err *e = &objects->object_problems[kind];
	struct cluster_object *fresh = object_read(kind, object, e);

	if (fresh)
		(void)take_over_object(objects, fresh, e);
}

static void remove_named(struct cluster_objects *objects, struct object_table *table, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");

	if (object_table_remove(table, json_text(metadata, "namespace"), json_text(metadata, "name")))
		objects->changed = true;
}

void cluster_objects_gone(struct cluster_objects *objects, enum trust_object_kind kind, const json_t *object)
{
	remove_named(objects, &objects->objects[kind], object);
}

void cluster_objects_synced(struct cluster_objects *objects, enum trust_object_kind kind)
{
	if (object_table_end(&objects->objects[kind]) > 0)
		objects->changed = true;
}

/* What a value says when it is a public key, in `room`; "" otherwise. */
static struct str key_text_of(enum key_source_kind kind, const json_t *value, struct buf *room)
{
	struct str text = json_text_of(value);

	buf_clear(room);
	if (kind == KEY_SOURCE_SECRET) {
		if (!base64_decode(room, text))
			return STR("");
		text = buf_str(room);
	}
	return text.len > 0 && text.len <= LIMIT_KEY_FILE && !key_armour_refusal(text) ? text : STR("");
}

static size_t size_of_values(enum key_source_kind kind, json_t *data, struct buf *room)
{
	const char *key;
	json_t *value;
	size_t size = 0;

	json_object_foreach(data, key, value) size += strlen(key) + key_text_of(kind, value, room).len;
	return size;
}

static struct source_object *source_new(enum key_source_kind kind, const json_t *object, struct buf *room)
{
	const json_t *metadata = json_object_get(object, "metadata");
	struct str namespace_ = json_text(metadata, "namespace"), name = json_text(metadata, "name");
	json_t *data = json_object_get(object, "data"), *value;
	size_t count = json_object_size(data);
	size_t size = namespace_.len + name.len + size_of_values(kind, data, room);
	struct source_object *fresh = malloc(sizeof(*fresh) + count * sizeof(struct source_value) + size);
	const char *key;
	char *at;

	if (!fresh)
		return NULL;
	*fresh = (struct source_object){.count = 0};
	at = (char *)(fresh->values + count);
	fresh->entry.namespace_ = put_text(&at, namespace_);
	fresh->entry.name = put_text(&at, name);
	json_object_foreach(data, key, value)
	{
		struct source_value *v = &fresh->values[fresh->count++];

		v->key = put_text(&at, str_of(key));
		v->text = put_text(&at, key_text_of(kind, value, room));
	}
	return fresh;
}

static bool is_same_source(const struct source_object *a, const struct source_object *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!str_eq(a->values[i].key, b->values[i].key) || !str_eq(a->values[i].text, b->values[i].text))
			return false;
	return true;
}

void cluster_sources_begin(struct cluster_objects *objects, enum key_source_kind kind)
{
	forget_problem(objects, &objects->source_problems[kind]);
	object_table_begin(&objects->sources[kind]);
}

void cluster_sources_present(struct cluster_objects *objects, enum key_source_kind kind, const json_t *object)
{
	cleanup(buf) struct buf room = buf_init_secret(OBJECT_MAX);
	struct object_table *table = &objects->sources[kind];
	struct err *e = &objects->source_problems[kind];
	struct source_object *fresh = source_new(kind, object, &room);
	const struct object_entry *old = find_object(table, object);

	if (!fresh) {
		(void)err_no_memory(e);
		return;
	}
	if (!old || !is_same_source((const struct source_object *)(const void *)old, fresh))
		objects->changed = true;
	if (!object_table_put(table, &fresh->entry, e))
		free(fresh);
}

void cluster_sources_gone(struct cluster_objects *objects, enum key_source_kind kind, const json_t *object)
{
	remove_named(objects, &objects->sources[kind], object);
}

void cluster_sources_synced(struct cluster_objects *objects, enum key_source_kind kind)
{
	if (object_table_end(&objects->sources[kind]) > 0)
		objects->changed = true;
}

static bool add_objects(const struct object_table *table, struct trust_objects *out, struct err *e)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct cluster_object *o = (const struct cluster_object *)(const void *)table->entries[i];
		const struct trust_object object = {.kind = o->kind,
						    .namespace_ = o->entry.namespace_,
						    .name = o->entry.name,
						    .uid = o->uid,
						    .generation = o->generation,
						    .text = o->text};

		if (!trust_objects_add(out, &object, e))
			return false;
	}
	return true;
}

static bool add_source(enum key_source_kind kind, const struct source_object *o, struct trust_objects *out,
		       struct err *e)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct key_source source = {.kind = kind,
						  .namespace_ = o->entry.namespace_,
						  .name = o->entry.name,
						  .key = o->values[i].key,
						  .text = o->values[i].text};

		if (!trust_objects_add_source(out, &source, e))
			return false;
	}
	return true;
}

static bool add_sources(enum key_source_kind kind, const struct object_table *table, struct trust_objects *out,
			struct err *e)
{
	for (size_t i = 0; i < table->count; i++)
		if (!add_source(kind, (const struct source_object *)(const void *)table->entries[i], out, e))
			return false;
	return true;
}

static bool is_whole(const struct cluster_objects *objects, struct err *e)
{
	for (size_t i = 0; i < TRUST_OBJECT_KINDS; i++)
		if (objects->object_problems[i].kind != ERR_NONE) {
			*e = objects->object_problems[i];
			return err_context(e, "%s", trust_object_kind_name((enum trust_object_kind)i));
		}
	for (size_t i = 0; i < KEY_SOURCE_KINDS; i++)
		if (objects->source_problems[i].kind != ERR_NONE) {
			*e = objects->source_problems[i];
			return err_context(e, "%s", key_source_kind_name((enum key_source_kind)i));
		}
	return true;
}

bool cluster_objects_snapshot(struct cluster_objects *objects, struct trust_objects **out, struct err *e)
{
	cleanup(trust_objects) struct trust_objects *fresh = NULL;

	objects->changed = false;
	if (!is_whole(objects, e))
		return false;
	fresh = trust_objects_new();
	if (!fresh)
		return err_no_memory(e);
	for (size_t i = 0; i < TRUST_OBJECT_KINDS; i++)
		if (!add_objects(&objects->objects[i], fresh, e))
			return false;
	for (size_t i = 0; i < KEY_SOURCE_KINDS; i++)
		if (!add_sources((enum key_source_kind)i, &objects->sources[i], fresh, e))
			return false;
	if (!trust_objects_finish(fresh, e))
		return false;
	*out = take(fresh);
	return true;
}
