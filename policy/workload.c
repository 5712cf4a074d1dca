#include "policy/workload.h"

#include <string.h>

#include "base/limits.h"

#define GROUPS_MAX 2

struct workload_kind {
	const char *groups[GROUPS_MAX]; /* every group that ever had it */
	const char *kind;
	const char *resource;
	const char *subresources; /* words that start and end with '/'; "//" is the resource itself */
	const char *spec;	  /* path of the pod spec in the object; "" is the object itself */
	bool must_have_spec;
};

#define ITSELF "//"
#define WITH_STATUS "//status/"

static const struct workload_kind kinds[] = {
	{{""}, "Pod", "pods", "//ephemeralcontainers/resize/status/", "spec", true},
	{{""}, "EphemeralContainers", "pods", "/ephemeralcontainers/", "", true},
	{{""}, "PodTemplate", "podtemplates", ITSELF, "template.spec", false},
	{{""}, "ReplicationController", "replicationcontrollers", WITH_STATUS, "spec.template.spec", false},
	{{"apps", "extensions"}, "ReplicaSet", "replicasets", WITH_STATUS, "spec.template.spec", false},
	{{"apps", "extensions"}, "Deployment", "deployments", WITH_STATUS, "spec.template.spec", false},
	{{"apps", "extensions"}, "DaemonSet", "daemonsets", WITH_STATUS, "spec.template.spec", false},
	{{"apps"}, "StatefulSet", "statefulsets", WITH_STATUS, "spec.template.spec", false},
	{{"apps"}, "ControllerRevision", "controllerrevisions", ITSELF, "data.spec.template.spec", false},
	{{"batch"}, "Job", "jobs", WITH_STATUS, "spec.template.spec", false},
	{{"batch"}, "CronJob", "cronjobs", WITH_STATUS, "spec.jobTemplate.spec.template.spec", false},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool has_group(const struct workload_kind *row, struct str group)
{
	for (size_t i = 0; i < GROUPS_MAX && row->groups[i]; i++)
		if (str_eq_c(group, row->groups[i]))
			return true;
	return false;
}

const struct workload_kind *workload_find(struct str group, struct str kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (str_eq_c(kind, kinds[i].kind) && has_group(&kinds[i], group))
			return &kinds[i];
	return NULL;
}

static bool has_subresource(const struct workload_kind *row, struct str subresource)
{
	for (const char *at = row->subresources; at[1]; at += 1 + strcspn(at + 1, "/"))
		if (str_eq(subresource, str_make(at + 1, strcspn(at + 1, "/"))))
			return true;
	return false;
}

bool workload_fits(const struct workload_kind *row, struct str resource, struct str subresource)
{
	return str_eq_c(resource, row->resource) && has_subresource(row, subresource);
}

bool workload_expected(struct str group, struct str resource, struct str subresource)
{
	for (size_t i = 0; i < KINDS; i++)
		if (has_group(&kinds[i], group) && workload_fits(&kinds[i], resource, subresource))
			return true;
	return false;
}

/* ---- Images of one pod spec ---- */

struct walk {
	const struct json_doc *doc;
	struct arena *arena;
	struct image_uses *uses;
	size_t capacity;
	struct str prefix; /* of every path: "spec.template.spec." */
	struct err *e;
};

static bool add(struct walk *w, enum image_role role, struct str path, struct str place, struct str text)
{
	struct image_uses *uses = w->uses;

	if (!path.ptr)
		return arena_error(w->arena, w->e, "there is no room for the images");
	if (place.len == 0)
		return err_set(w->e, ERR_INVALID, "%.*s: its %s has no name", STR_ARG(path),
			       role == IMAGE_VOLUME ? "volume" : "container");
	if (uses->count == LIMIT_IMAGES)
		return err_set(w->e, ERR_TOO_LARGE, WORKLOAD_TOO_MANY);
	if (uses->count == w->capacity) {
		size_t capacity = w->capacity ? w->capacity * 2 : 8;
		struct image_use *items =
			arena_grow(w->arena, uses->items, w->capacity * sizeof(*items), capacity * sizeof(*items));

		if (!items)
			return arena_error(w->arena, w->e, "there is no room for the images");
		uses->items = items;
		w->capacity = capacity;
	}
	uses->items[uses->count++] = (struct image_use){.path = path, .place = place, .text = text, .role = role};
	return true;
}

static bool add_container(struct walk *w, enum image_role role, struct str path, uint32_t container)
{
	struct str name, image;

	if (!json_doc_text_member(w->doc, container, STR("name"), w->arena, &name, w->e) ||
	    !json_doc_text_member(w->doc, container, STR("image"), w->arena, &image, w->e))
		return err_context(w->e, "%.*s", STR_ARG(path));
	if (!image.ptr)
		image = STR("");
	return add(w, role, ARENA_JOIN(w->arena, path, STR(".image")), name, image);
}

static bool add_volume(struct walk *w, enum image_role role, struct str path, uint32_t volume)
{
	struct str name, reference;
	uint32_t image;

	if (!json_doc_member_of(w->doc, volume, STR("image"), JSON_MAP, &image, w->e))
		return err_context(w->e, "%.*s", STR_ARG(path));
	if (image == JSON_NONE)
		return true;
	if (!json_doc_text_member(w->doc, image, STR("reference"), w->arena, &reference, w->e))
		return err_context(w->e, "%.*s.image", STR_ARG(path));
	if (!json_doc_text_member(w->doc, volume, STR("name"), w->arena, &name, w->e))
		return err_context(w->e, "%.*s", STR_ARG(path));
	if (reference.len == 0)
		return true;
	return add(w, role, ARENA_JOIN(w->arena, path, STR(".image.reference")), name, reference);
}

static const struct list {
	const char *name;
	enum image_role role;
	bool (*add)(struct walk *w, enum image_role role, struct str path, uint32_t item);
} lists[] = {
	{"containers", IMAGE_CONTAINER, add_container},
	{"initContainers", IMAGE_INIT, add_container},
	{"ephemeralContainers", IMAGE_EPHEMERAL, add_container},
	{"volumes", IMAGE_VOLUME, add_volume},
};

static bool walk_list(struct walk *w, const struct list *list, uint32_t spec)
{
	uint32_t item;
	size_t index = 0;

	if (!json_doc_member_of(w->doc, spec, str_of(list->name), JSON_LIST, &item, w->e))
		return w->prefix.len ? err_context(w->e, "%.*s", (int)w->prefix.len - 1, w->prefix.ptr) : false;
	if (item == JSON_NONE)
		return true;
	for (item = json_doc_child(w->doc, item); item != JSON_NONE; item = json_doc_next(w->doc, item)) {
		char digits[STR_NUMBER_MAX];
		struct str path = ARENA_JOIN(w->arena, w->prefix, str_of(list->name), STR("["),
					     str_number(index++, digits), STR("]"));

		if (!path.ptr)
			return arena_error(w->arena, w->e, "there is no room for the images");
		if (!list->add(w, list->role, path, item))
			return false;
	}
	return true;
}

/* Newer name first; the older one is what very old clients send. */
static bool read_service_account(struct walk *w, uint32_t spec)
{
	struct str *out = &w->uses->service_account;

	if (!json_doc_text_member(w->doc, spec, STR("serviceAccountName"), w->arena, out, w->e))
		return false;
	if (out->len == 0 && !json_doc_text_member(w->doc, spec, STR("serviceAccount"), w->arena, out, w->e))
		return false;
	if (!out->ptr)
		*out = STR("");
	return true;
}

/* The pod spec of `object`; JSON_NONE when a step on the way is absent. */
static bool find_spec(const struct workload_kind *row, const struct json_doc *doc, uint32_t object, uint32_t *out,
		      struct err *e)
{
	uint32_t node = object;

	if (json_doc_kind(doc, object) != JSON_MAP)
		return err_set(e, ERR_INVALID, "the object must be an object");
	for (const char *at = row->spec; *at && node != JSON_NONE;) {
		struct str step = str_make(at, strcspn(at, "."));

		if (!json_doc_member_of(doc, node, step, JSON_MAP, &node, e))
			return at == row->spec ? false : err_context(e, "%.*s", (int)(at - row->spec) - 1, row->spec);
		at += step.len + (at[step.len] == '.');
	}
	if (node == JSON_NONE && row->must_have_spec)
		return err_set(e, ERR_INVALID, "%s is missing", row->spec);
	*out = node;
	return true;
}

bool workload_images(const struct workload_kind *row, const struct json_doc *doc, uint32_t object, struct arena *arena,
		     struct image_uses *out, struct err *e)
{
	struct image_uses uses = {.service_account = STR("")};
	struct walk w = {.doc = doc, .arena = arena, .uses = &uses, .e = e};
	uint32_t spec = JSON_NONE;

	if (!find_spec(row, doc, object, &spec, e))
		return false;
	w.prefix = ARENA_JOIN(arena, str_of(row->spec), *row->spec ? STR(".") : STR(""));
	if (!w.prefix.ptr)
		return arena_error(arena, e, "there is no room for the images");
	for (size_t i = 0; spec != JSON_NONE && i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!walk_list(&w, &lists[i], spec))
			return false;
	if (spec != JSON_NONE && !read_service_account(&w, spec))
		return false;
	*out = uses;
	return true;
}

/* ---- What an update brings ---- */

static int compare_places(const struct image_use *a, const struct image_use *b)
{
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	return str_compare(a->place, b->place);
}

static int compare_pointers(const void *a, const void *b)
{
	return compare_places(*(const struct image_use *const *)a, *(const struct image_use *const *)b);
}

/* The uses in the order of their places; NULL when a place stands twice (or there is no memory). */
static const struct image_use **sort_places(const struct image_uses *uses)
{
	const struct image_use **sorted = calloc(uses->count + 1, sizeof(struct image_use *));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < uses->count; i++)
		sorted[i] = &uses->items[i];
	qsort(sorted, uses->count, sizeof(struct image_use *), compare_pointers);
	for (size_t i = 1; i < uses->count; i++)
		if (compare_places(sorted[i - 1], sorted[i]) == 0) {
			free(sorted);
			return NULL;
		}
	return sorted;
}

static bool stood_there(const struct image_use *use, const struct image_use **old, size_t count)
{
	const struct image_use **found = bsearch(&use, old, count, sizeof(struct image_use *), compare_pointers);

	return found && str_eq((*found)->text, use->text);
}

void workload_only_new(struct image_uses *uses, const struct image_uses *old)
{
	cleanup(memory) const struct image_use **before = sort_places(old);
	cleanup(memory) const struct image_use **now = sort_places(uses);
	size_t kept = 0;

	if (!before || !now)
		return;
	for (size_t i = 0; i < uses->count; i++)
		if (!stood_there(&uses->items[i], before, old->count))
			uses->items[kept++] = uses->items[i];
	uses->count = kept;
}
