#include <strings.h>

#include "tests/fuzz/naive.h"

static const struct {
	const char *group, *kind, *spec;
} kinds[] = {
	{"", "Pod", "spec"},
	{"", "EphemeralContainers", ""},
	{"", "PodTemplate", "template.spec"},
	{"", "ReplicationController", "spec.template.spec"},
	{"apps", "ReplicaSet", "spec.template.spec"},
	{"apps", "Deployment", "spec.template.spec"},
	{"apps", "DaemonSet", "spec.template.spec"},
	{"apps", "StatefulSet", "spec.template.spec"},
	{"apps", "ControllerRevision", "data.spec.template.spec"},
	{"extensions", "ReplicaSet", "spec.template.spec"},
	{"extensions", "Deployment", "spec.template.spec"},
	{"extensions", "DaemonSet", "spec.template.spec"},
	{"batch", "Job", "spec.template.spec"},
	{"batch", "CronJob", "spec.jobTemplate.spec.template.spec"},
};

const char *naive_spec_path(struct str group, struct str kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq_c(group, kinds[i].group) && str_eq_c(kind, kinds[i].kind))
			return kinds[i].spec;
	return NULL;
}

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

static json_t *member(struct naive_uses *n, json_t *object, const char *name)
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

static struct str text_member(struct naive_uses *n, json_t *object, const char *name)
{
	json_t *value = member(n, object, name);

	n->wrong |= value && !json_is_string(value);
	return json_is_string(value) ? str_make(json_string_value(value), json_string_length(value)) : STR("");
}

static void add(struct naive_uses *n, size_t list, const char *path, struct str name, struct str text)
{
	struct naive_use *use = &n->uses[n->count < NAIVE_USES_MAX ? n->count++ : NAIVE_USES_MAX - 1];

	n->wrong |= name.len == 0;
	*use = (struct naive_use){.name = name, .text = text, .list = list};
	(void)snprintf(use->path, sizeof(use->path), "%s", path);
}

static void walk_item(struct naive_uses *n, size_t list, json_t *item, const char *path)
{
	char full[160];
	struct str text, name;
	json_t *image;

	if (list < 3) {
		text = text_member(n, item, "image");
		name = text_member(n, item, "name");
		(void)snprintf(full, sizeof(full), "%s.image", path);
		add(n, list, full, name, text);
		return;
	}
	image = member(n, item, "image");
	if (!image)
		return;
	text = text_member(n, image, "reference");
	name = text_member(n, item, "name");
	(void)snprintf(full, sizeof(full), "%s.image.reference", path);
	if (text.len)
		add(n, list, full, name, text);
}

static void walk_spec(struct naive_uses *n, json_t *spec, const char *prefix)
{
	static const char *const lists[] = {"containers", "initContainers", "ephemeralContainers", "volumes"};

	for (size_t i = 0; i < 4; i++) {
		json_t *list = member(n, spec, lists[i]);

		n->wrong |= list && !json_is_array(list);
		for (size_t k = 0; k < json_array_size(list); k++) {
			char path[128];

			(void)snprintf(path, sizeof(path), "%s%s%s[%zu]", prefix, *prefix ? "." : "", lists[i], k);
			walk_item(n, i, json_array_get(list, k), path);
		}
	}
	n->service_account = text_member(n, spec, "serviceAccountName");
	if (!n->service_account.len)
		n->service_account = text_member(n, spec, "serviceAccount");
}

void naive_walk(struct naive_uses *out, const char *spec, bool must, json_t *object)
{
	char step[64];
	const char *prefix = spec;

	out->count = 0;
	out->service_account = STR("");
	out->wrong = !json_is_object(object);
	for (; *spec && object; spec += strspn(spec, ".")) {
		(void)snprintf(step, sizeof(step), "%.*s", (int)strcspn(spec, "."), spec);
		object = member(out, object, step);
		out->wrong |= object && !json_is_object(object);
		spec += strcspn(spec, ".");
	}
	if (object)
		walk_spec(out, object, prefix);
	else
		out->wrong |= must;
}

static bool same_place(const struct naive_use *a, const struct naive_use *b)
{
	return a->list == b->list && str_eq(a->name, b->name);
}

static bool doubled(const struct naive_uses *uses)
{
	for (size_t i = 0; i < uses->count; i++)
		for (size_t k = 0; k < i; k++)
			if (same_place(&uses->uses[i], &uses->uses[k]))
				return true;
	return false;
}

void naive_only_new(struct naive_uses *uses, const struct naive_uses *old)
{
	size_t kept = 0;

	if (doubled(uses) || doubled(old))
		return;
	for (size_t i = 0; i < uses->count; i++) {
		bool stood = false;

		for (size_t k = 0; k < old->count; k++)
			stood |= same_place(&uses->uses[i], &old->uses[k]) &&
				 str_eq(uses->uses[i].text, old->uses[k].text);
		if (!stood)
			uses->uses[kept++] = uses->uses[i];
	}
	uses->count = kept;
}
