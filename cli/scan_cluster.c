#include "cli/scan_cluster.h"

#include "kube/call.h"
#include "server/cluster_objects.h"
#include "server/report.h"
#include "server/scan_query.h"

#define PAGE 500u
#define REQUEST_MS 30000

CLEANUP_VALUE(cluster_objects, struct cluster_objects, cluster_objects_release)

/* One list and what becomes of its items. */
struct list {
	const char *group;
	const char *version;
	const char *plural;
	struct str namespace_;
	bool (*each)(void *context, json_t *item);
	void *context;
};

static bool get(struct kube_transport *transport, const struct buf *path, json_t **out, struct err *e)
{
	struct kube_request request = {.method = "GET", .path = buf_str(path), .timeout_ms = REQUEST_MS};

	return buf_ok(path, e) && kube_call_wait(transport, &request, out, e);
}

static bool read_page(struct kube_transport *transport, const struct list *list, struct buf *token, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(SCAN_PATH_MAX);
	cleanup(json) json_t *page = NULL;
	const json_t *items;

	kube_path_add(&path, list->group, list->version, list->namespace_, list->plural, STR(""), "");
	scan_query_add(&path, PAGE, NULL, buf_str(token));
	if (!get(transport, &path, &page, e))
		return err_context(e, "%s", list->plural);
	items = json_object_get(page, "items");
	for (size_t i = 0; i < json_array_size(items); i++)
		if (!list->each(list->context, json_array_get(items, i)))
			return err_no_memory(e);
	buf_clear(token);
	buf_add(token, json_text(json_object_get(page, "metadata"), "continue"));
	return buf_ok(token, e);
}

static bool read_list(struct kube_transport *transport, const struct list *list, struct err *e)
{
	cleanup(buf) struct buf token = buf_init(SCAN_TOKEN_MAX);

	do
		if (!read_page(transport, list, &token, e))
			return false;
	while (token.len);
	return true;
}

/* ---- Policies ---- */

struct taker {
	struct cluster_objects *objects;
	unsigned kind;
};

static bool take_object(void *context, json_t *item)
{
	struct taker *taker = context;

	cluster_objects_present(taker->objects, taker->kind, item);
	return true;
}

static bool take_source(void *context, json_t *item)
{
	struct taker *taker = context;

	cluster_sources_present(taker->objects, taker->kind, item);
	return true;
}

static bool read_objects(struct kube_transport *transport, struct cluster_objects *objects, struct err *e)
{
	static const char *const plurals[TRUST_OBJECT_KINDS] = {[TRUST_OBJECT_ATTESTOR] = "attestors",
								[TRUST_OBJECT_CLUSTER_POLICY] = "clusterimagepolicies",
								[TRUST_OBJECT_POLICY] = "imagepolicies"};

	for (unsigned kind = 0; kind < TRUST_OBJECT_KINDS; kind++) {
		struct taker taker = {objects, kind};
		const struct list list = {.group = "sealgate.dev",
					  .version = "v1alpha1",
					  .plural = plurals[kind],
					  .each = take_object,
					  .context = &taker};

		cluster_objects_begin(objects, kind);
		if (!read_list(transport, &list, e))
			return false;
		cluster_objects_synced(objects, kind);
	}
	return true;
}

static bool read_sources(struct kube_transport *transport, const char *own_namespace, struct cluster_objects *objects,
			 struct err *e)
{
	static const char *const plurals[KEY_SOURCE_KINDS] = {
		[KEY_SOURCE_CONFIG_MAP] = "configmaps", [KEY_SOURCE_SECRET] = "secrets"};

	for (unsigned kind = 0; kind < KEY_SOURCE_KINDS; kind++) {
		struct taker taker = {objects, kind};
		const struct list list = {.group = "",
					  .version = "v1",
					  .plural = plurals[kind],
					  .namespace_ = str_of(own_namespace),
					  .each = take_source,
					  .context = &taker};

		cluster_sources_begin(objects, kind);
		if (!read_list(transport, &list, e))
			return false;
		cluster_sources_synced(objects, kind);
	}
	return true;
}

/* Nobody's Secrets are read unless a key comes from one. */
static bool needs_sources(const struct trust_objects *objects)
{
	for (size_t i = 0; i < objects->object_count; i++)
		if (objects->objects[i].kind == TRUST_OBJECT_ATTESTOR &&
		    memmem(objects->objects[i].text.ptr, objects->objects[i].text.len, "\"from\"", 6))
			return true;
	return false;
}

bool scan_cluster_policies(struct kube_transport *transport, const char *own_namespace, struct trust_objects **out,
			   struct err *e)
{
	cleanup(cluster_objects) struct cluster_objects objects;
	cleanup(trust_objects) struct trust_objects *snapshot = NULL;

	cluster_objects_init(&objects);
	if (!read_objects(transport, &objects, e) || !cluster_objects_snapshot(&objects, &snapshot, e))
		return false;
	if (needs_sources(snapshot)) {
		trust_objects_unref(take(snapshot));
		if (!read_sources(transport, own_namespace, &objects, e) ||
		    !cluster_objects_snapshot(&objects, &snapshot, e))
			return false;
	}
	*out = take(snapshot);
	return true;
}

/* ---- Labels ---- */

static bool take_labels(void *context, json_t *item)
{
	json_t *metadata = json_object_get(item, "metadata");
	json_t *labels = json_object_get(metadata, "labels");
	struct str name = json_text(metadata, "name");

	if (name.len == 0)
		return true;
	return json_object_setn_new(context, name.ptr, name.len,
				    json_is_object(labels) ? json_incref(labels) : json_object()) == 0;
}

bool scan_cluster_labels(struct kube_transport *transport, json_t **out, struct err *e)
{
	cleanup(json) json_t *namespaces = json_object();
	const struct list list = {
		.group = "", .version = "v1", .plural = "namespaces", .each = take_labels, .context = namespaces};

	if (!namespaces)
		return err_no_memory(e);
	if (!read_list(transport, &list, e))
		return false;
	*out = take(namespaces);
	return true;
}

bool scan_cluster_labels_of(const json_t *namespaces, struct str namespace_, struct arena *arena, struct labels *out)
{
	json_t *given = json_object_getn(namespaces, namespace_.ptr, namespace_.len);
	struct label *items = arena_array(arena, json_object_size(given) + 1, sizeof(*items));
	size_t count = 0;
	const char *key;
	json_t *value;

	if (!given || !items)
		return false;
	json_object_foreach(given, key, value)
	{
		items[count++] = (struct label){str_of(key), json_text_of(value)};
	}
	*out = (struct labels){items, count};
	return true;
}

/* ---- Reports ---- */

json_t *scan_cluster_report(struct kube_transport *transport, struct str namespace_)
{
	for (unsigned i = 0; i < REPORT_FLAVOURS; i++) {
		const struct report_kind *kind = &report_kinds[i];
		cleanup(buf) struct buf path = buf_init(SCAN_PATH_MAX);
		json_t *report = NULL;
		struct err ignored;

		kube_path_add(&path, kind->group, kind->version, namespace_, kind->plural, STR(REPORT_NAME), "");
		if (get(transport, &path, &report, &ignored))
			return report;
	}
	return NULL;
}
