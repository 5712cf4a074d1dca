/* The walk over json_doc against a naive one over jansson: the same images at the same paths, or both refuse. Input: a
 * byte that chooses the kind, then an object, or a list of a new and an old object whose difference is compared too. */
#include <jansson.h>

#include "policy/workload.h"
#include "tests/fuzz/naive.h"

static const struct {
	const char *group, *kind;
} kinds[] = {
	{"", "Pod"},
	{"", "EphemeralContainers"},
	{"", "PodTemplate"},
	{"apps", "Deployment"},
	{"extensions", "DaemonSet"},
	{"batch", "CronJob"},
	{"apps", "ControllerRevision"},
};

static void compare(const struct image_uses *uses, const struct naive_uses *n)
{
	naive_check(uses->count == n->count);
	for (size_t i = 0; i < n->count; i++) {
		naive_check(str_eq_c(uses->items[i].path, n->uses[i].path));
		naive_check(str_eq(uses->items[i].text, n->uses[i].text) &&
			    str_eq(uses->items[i].place, n->uses[i].name));
		naive_check((size_t)uses->items[i].role == n->uses[i].list);
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
	struct image_use before[NAIVE_USES_MAX];
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
			naive_check(kept < uses->count && str_eq(uses->items[kept++].path, before[i].path));
	}
	naive_check(kept == uses->count);
}

static bool run(size_t kind, const struct json_doc *doc, uint32_t node, json_t *value, struct arena *arena,
		struct image_uses *uses)
{
	static struct naive_uses n;
	struct str group = str_of(kinds[kind].group), name = str_of(kinds[kind].kind);
	struct err e = ERR_INIT;
	bool good = workload_images(workload_find(group, name), doc, node, arena, uses, &e);

	naive_walk(&n, naive_spec_path(group, name), kind < 2, value);
	naive_check(good == !n.wrong);
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
