/* The walk over json_doc against a naive one over jansson: the same images at the same paths, or both refuse. Input: a
 * byte that chooses the kind, then an object, or a list of a new and an old object whose difference is compared too. */
#include <jansson.h>
#include <strings.h>

#include "policy/workload.h"

static const struct {
	const char *group, *kind, *spec;
} kinds[] = {
	{"", "Pod", "spec"},
	{"", "EphemeralContainers", ""},
	{"", "PodTemplate", "template.spec"},
	{"apps", "Deployment", "spec.template.spec"},
	{"extensions", "DaemonSet", "spec.template.spec"},
	{"batch", "CronJob", "spec.jobTemplate.spec.template.spec"},
	{"apps", "ControllerRevision", "data.spec.template.spec"},
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

#define NAIVE_MAX 512

struct naive_use {
	char path[128];
	const char *name;
	const char *text;
	size_t text_length;
	size_t list;
};

struct naive {
	struct naive_use uses[NAIVE_MAX];
	size_t count;
	bool wrong;
};

/* `key` as a reader that ignores case would see it. */
static void fold(const char *key, char *out, size_t size)
{
	size_t n = 0;

	while (*key && n + 1 < size) {
		if (strncmp(key, "\xc5\xbf", 2) == 0) {
			out[n++] = 's';
			key += 2;
		} else if (strncmp(key, "\xe2\x84\xaa", 3) == 0) {
			out[n++] = 'k';
			key += 3;
		} else {
			out[n++] = *key++;
		}
	}
	out[n] = '\0';
}

static json_t *member(struct naive *n, json_t *object, const char *name)
{
	json_t *value;
	const char *key;

	if (!json_is_object(object)) {
		n->wrong = true;
		return NULL;
	}
	json_object_foreach(object, key, value)
	{
		char folded[256];

		fold(key, folded, sizeof(folded));
		n->wrong |= strcmp(key, name) != 0 && strcasecmp(folded, name) == 0;
	}
	value = json_object_get(object, name);
	return json_is_null(value) ? NULL : value;
}

static const char *text_member(struct naive *n, json_t *object, const char *name, size_t *length)
{
	json_t *value = member(n, object, name);

	n->wrong |= value && !json_is_string(value);
	*length = json_string_length(value);
	return json_string_value(value);
}

static void naive_add(struct naive *n, size_t list, const char *path, const char *name, const char *text, size_t length)
{
	struct naive_use *use = &n->uses[n->count < NAIVE_MAX ? n->count++ : NAIVE_MAX - 1];

	n->wrong |= !name || !*name;
	*use = (struct naive_use){.name = name, .text = text ? text : "", .text_length = length, .list = list};
	(void)snprintf(use->path, sizeof(use->path), "%s", path);
}

static void naive_item(struct naive *n, size_t list, json_t *item, const char *path)
{
	char full[160];
	size_t length, name_length;
	const char *text, *name;
	json_t *image;

	if (list < 3) {
		text = text_member(n, item, "image", &length);
		name = text_member(n, item, "name", &name_length);
		(void)snprintf(full, sizeof(full), "%s.image", path);
		naive_add(n, list, full, name, text, length);
		return;
	}
	image = member(n, item, "image");
	if (!image)
		return;
	text = text_member(n, image, "reference", &length);
	name = text_member(n, item, "name", &name_length);
	(void)snprintf(full, sizeof(full), "%s.image.reference", path);
	if (length)
		naive_add(n, list, full, name, text, length);
}

static void naive_spec(struct naive *n, json_t *spec, const char *prefix)
{
	static const char *const lists[] = {"containers", "initContainers", "ephemeralContainers", "volumes"};
	size_t length;

	for (size_t i = 0; i < 4; i++) {
		json_t *list = member(n, spec, lists[i]);

		n->wrong |= list && !json_is_array(list);
		for (size_t k = 0; k < json_array_size(list); k++) {
			char path[128];

			(void)snprintf(path, sizeof(path), "%s%s%s[%zu]", prefix, *prefix ? "." : "", lists[i], k);
			naive_item(n, i, json_array_get(list, k), path);
		}
	}
	(void)text_member(n, spec, "serviceAccountName", &length);
	if (!length)
		(void)text_member(n, spec, "serviceAccount", &length);
}

static void naive_walk(struct naive *n, size_t kind, json_t *object)
{
	char step[64];

	n->wrong |= !json_is_object(object);
	for (const char *at = kinds[kind].spec; *at && object; at += strspn(at, ".")) {
		(void)snprintf(step, sizeof(step), "%.*s", (int)strcspn(at, "."), at);
		object = member(n, object, step);
		n->wrong |= object && !json_is_object(object);
		at += strcspn(at, ".");
	}
	if (object)
		naive_spec(n, object, kinds[kind].spec);
	else
		n->wrong |= kind == 0;
}

static void compare(const struct image_uses *uses, const struct naive *n)
{
	check(uses->count == n->count);
	for (size_t i = 0; i < n->count; i++) {
		check(str_eq_c(uses->items[i].path, n->uses[i].path));
		check(str_eq(uses->items[i].text, str_make(n->uses[i].text, n->uses[i].text_length)));
		check((size_t)uses->items[i].role == n->uses[i].list);
	}
}

static size_t same_places(const struct image_uses *in, const struct image_use *use)
{
	size_t same = 0;

	for (size_t i = 0; i < in->count; i++)
		same += in->items[i].role == use->role && str_eq(in->items[i].place, use->place);
	return same;
}

static bool doubled(const struct image_uses *uses)
{
	for (size_t i = 0; i < uses->count; i++)
		if (same_places(uses, &uses->items[i]) > 1)
			return true;
	return false;
}

/* Every use that went away stood in the old object; every one that stayed did not. */
static void compare_new(struct image_uses *uses, const struct image_uses *old)
{
	struct image_use before[NAIVE_MAX];
	size_t count = uses->count, kept = 0;
	bool all = doubled(uses) || doubled(old);

	for (size_t i = 0; i < count; i++)
		before[i] = uses->items[i];
	workload_only_new(uses, old);
	for (size_t i = 0; i < count; i++) {
		bool stood = false;

		for (size_t k = 0; k < old->count; k++)
			stood |= same_places(&(struct image_uses){.items = &old->items[k], .count = 1}, &before[i]) &&
				 str_eq(old->items[k].text, before[i].text);
		if (all || !stood)
			check(kept < uses->count && str_eq(uses->items[kept++].path, before[i].path));
	}
	check(kept == uses->count);
}

static bool run(size_t kind, const struct json_doc *doc, uint32_t node, json_t *value, struct arena *arena,
		struct image_uses *uses)
{
	static struct naive n;
	struct err e = ERR_INIT;
	bool good = workload_images(workload_find(str_of(kinds[kind].group), str_of(kinds[kind].kind)), doc, node,
				    arena, uses, &e);

	n = (struct naive){0};
	naive_walk(&n, kind, value);
	check(good == !n.wrong);
	if (good)
		compare(uses, &n);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = arena_init(64u * 1024 * 1024);
	struct json_doc doc;
	struct err e;
	json_t *value;

	if (size < 2 || size > 4096)
		return 0;
	value = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
			   NULL);
	if (value && json_doc_parse(str_make((const char *)data + 1, size - 1), NULL, &arena, &doc, &e)) {
		size_t kind = data[0] % (sizeof(kinds) / sizeof(kinds[0]));
		struct image_uses uses, old;
		uint32_t first;

		if (!json_is_array(value) || json_array_size(value) != 2) {
			(void)run(kind, &doc, 0, value, &arena, &uses);
		} else {
			first = json_doc_child(&doc, 0);
			if (run(kind, &doc, first, json_array_get(value, 0), &arena, &uses) &&
			    run(kind, &doc, json_doc_next(&doc, first), json_array_get(value, 1), &arena, &old))
				compare_new(&uses, &old);
		}
	}
	json_decref(value);
	arena_release(&arena);
	return 0;
}
