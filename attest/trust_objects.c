#include "attest/trust_objects.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "policy/key_armour.h"

static const char *const kind_names[] = {
	[TRUST_OBJECT_ATTESTOR] = "Attestor",
	[TRUST_OBJECT_CLUSTER_POLICY] = "ClusterImagePolicy",
	[TRUST_OBJECT_POLICY] = "ImagePolicy",
};

static const char *const source_names[] = {
	[KEY_SOURCE_CONFIG_MAP] = "configMap",
	[KEY_SOURCE_SECRET] = "secret",
};

/* `shown` comes first, so that a pointer to it is one to the whole. */
struct snapshot {
	struct trust_objects shown;
	struct trust_object *objects;
	struct key_source *sources;
	struct arena names;
	struct arena texts;
	atomic_uint references;
};

static struct snapshot *snapshot_of(struct trust_objects *objects)
{
	return (struct snapshot *)objects;
}

const char *trust_object_kind_name(enum trust_object_kind kind)
{
	return kind_names[kind];
}

const char *key_source_kind_name(enum key_source_kind kind)
{
	return source_names[kind];
}

struct trust_objects *trust_objects_new(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->names = arena_init(LIMIT_OBJECTS_BYTES);
	s->texts = arena_init(LIMIT_OBJECTS_BYTES);
	atomic_init(&s->references, 1);
	return &s->shown;
}

struct trust_objects *trust_objects_ref(struct trust_objects *objects)
{
	if (objects)
		atomic_fetch_add(&snapshot_of(objects)->references, 1);
	return objects;
}

void trust_objects_unref(struct trust_objects *objects)
{
	struct snapshot *s = snapshot_of(objects);

	if (!s || atomic_fetch_sub(&s->references, 1) != 1)
		return;
	arena_release(&s->names);
	arena_release(&s->texts);
	free(s->objects);
	free(s->sources);
	free(s);
}

/* Room for one more, which grows at powers of two. */
static void *grow(void *items, size_t count, size_t size)
{
	if (count & (count - 1))
		return items;
	return reallocarray(items, count ? 2 * count : 1, size);
}

/* Copies `count` texts in place. */
static bool keep(struct arena *arena, struct str **texts, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		*texts[i] = arena_copy(arena, *texts[i]);
		if (!texts[i]->ptr)
			return arena_error(arena, e, "the objects of the cluster take too much memory");
	}
	return true;
}

/* What does not fit is left out, which is not the machine's fault. */
static bool keep_text(struct snapshot *s, struct str *text, struct err *e)
{
	struct str copy = {0};

	if (text->len <= LIMIT_OBJECT_TEXT)
		copy = arena_copy(&s->texts, *text);
	if (!copy.ptr && s->texts.starved)
		return err_no_memory(e);
	*text = str_make(copy.ptr, copy.len);
	return true;
}

bool trust_objects_add(struct trust_objects *objects, const struct trust_object *object, struct err *e)
{
	struct snapshot *s = snapshot_of(objects);
	struct trust_object copy = *object;
	struct str *names[] = {&copy.namespace_, &copy.name, &copy.uid};
	struct trust_object *items;

	if (s->shown.object_count >= LIMIT_OBJECTS)
		return err_set(e, ERR_TOO_LARGE, "the cluster holds more than %u policy objects", LIMIT_OBJECTS);
	items = grow(s->objects, s->shown.object_count, sizeof(*items));
	if (!items)
		return err_no_memory(e);
	s->shown.objects = s->objects = items;
	if (!keep(&s->names, names, 3, e) || !keep_text(s, &copy.text, e))
		return false;
	items[s->shown.object_count++] = copy;
	return true;
}

bool trust_objects_add_source(struct trust_objects *objects, const struct key_source *source, struct err *e)
{
	struct snapshot *s = snapshot_of(objects);
	struct key_source copy = *source;
	struct str *names[] = {&copy.namespace_, &copy.name, &copy.key, &copy.text};
	struct key_source *items;

	if (s->shown.source_count >= LIMIT_KEY_SOURCES)
		return err_set(e, ERR_TOO_LARGE, "the own namespace holds more than %u values", LIMIT_KEY_SOURCES);
	if (copy.text.len > LIMIT_KEY_FILE || key_armour_refusal(copy.text))
		copy.text = STR("");
	items = grow(s->sources, s->shown.source_count, sizeof(*items));
	if (!items)
		return err_no_memory(e);
	s->shown.sources = s->sources = items;
	if (!keep(&s->names, names, 4, e))
		return false;
	items[s->shown.source_count++] = copy;
	return true;
}

static int compare_objects(const void *a, const void *b)
{
	const struct trust_object *x = a, *y = b;
	int order = (x->kind > y->kind) - (x->kind < y->kind);

	order = order ? order : str_compare(x->namespace_, y->namespace_);
	return order ? order : str_compare(x->name, y->name);
}

static int compare_sources(const void *a, const void *b)
{
	const struct key_source *x = a, *y = b;
	int order = (x->kind > y->kind) - (x->kind < y->kind);

	order = order ? order : str_compare(x->namespace_, y->namespace_);
	order = order ? order : str_compare(x->name, y->name);
	return order ? order : str_compare(x->key, y->key);
}

/* Sorts; false when two are the same. */
static bool put_in_order(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count)
		qsort(items, count, size, compare);
	for (size_t i = 1; i < count; i++)
		if (compare((const char *)items + (i - 1) * size, (const char *)items + i * size) == 0)
			return false;
	return true;
}

bool trust_objects_finish(struct trust_objects *objects, struct err *e)
{
	struct snapshot *s = snapshot_of(objects);

	return (put_in_order(s->objects, s->shown.object_count, sizeof(*s->objects), compare_objects) &&
		put_in_order(s->sources, s->shown.source_count, sizeof(*s->sources), compare_sources)) ||
	       err_set(e, ERR_INTERNAL, "an object of the cluster stands twice in a snapshot");
}

size_t trust_objects_find(const struct trust_objects *objects, enum trust_object_kind kind, struct str namespace_,
			  struct str name)
{
	struct trust_object wanted = {.kind = kind, .namespace_ = namespace_, .name = name};
	size_t count = objects ? objects->object_count : 0;
	const struct trust_object *found =
		count ? bsearch(&wanted, objects->objects, count, sizeof(wanted), compare_objects) : NULL;

	return found ? (size_t)(found - objects->objects) : count;
}

const struct key_source *trust_objects_source(const struct trust_objects *objects, enum key_source_kind kind,
					      struct str namespace_, struct str name, struct str key)
{
	struct key_source wanted = {.kind = kind, .namespace_ = namespace_, .name = name, .key = key};

	if (!objects || objects->source_count == 0)
		return NULL;
	return bsearch(&wanted, objects->sources, objects->source_count, sizeof(wanted), compare_sources);
}
