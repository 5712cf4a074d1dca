#include "policy/manifest.h"

#include <stdlib.h>

#include "base/yaml.h"
#include "policy/kube_name.h"
#include "policy/manifest_link.h"

#define API_VERSION "sealgate.dev/v1alpha1"
#define ORIGIN_MAX 4096

static const struct field_rule envelope_rules[] = {
	{"apiVersion", FIELD_TEXT, FIELD_REQUIRED}, {"kind", FIELD_TEXT, FIELD_REQUIRED},
	{"metadata", FIELD_MAP, FIELD_REQUIRED},    {"spec", FIELD_MAP, FIELD_REQUIRED},
	{"status", FIELD_ANY, FIELD_OPTIONAL},
};

static const struct field_rule list_rules[] = {
	{"apiVersion", FIELD_TEXT, FIELD_REQUIRED},
	{"kind", FIELD_TEXT, FIELD_REQUIRED},
	{"metadata", FIELD_ANY, FIELD_OPTIONAL},
	{"items", FIELD_LIST, FIELD_REQUIRED},
};

/* What Kubernetes adds is passed over. */
static const struct field_rule metadata_rules[] = {
	{"name", FIELD_TEXT, FIELD_REQUIRED},
	{"namespace", FIELD_TEXT, FIELD_OPTIONAL},
	{"labels", FIELD_LABELS, FIELD_OPTIONAL},
	{"annotations", FIELD_LABELS, FIELD_OPTIONAL},
	{"uid", FIELD_ANY, FIELD_OPTIONAL},
	{"resourceVersion", FIELD_ANY, FIELD_OPTIONAL},
	{"generation", FIELD_ANY, FIELD_OPTIONAL},
	{"creationTimestamp", FIELD_ANY, FIELD_OPTIONAL},
	{"deletionTimestamp", FIELD_ANY, FIELD_OPTIONAL},
	{"deletionGracePeriodSeconds", FIELD_ANY, FIELD_OPTIONAL},
	{"finalizers", FIELD_ANY, FIELD_OPTIONAL},
	{"ownerReferences", FIELD_ANY, FIELD_OPTIONAL},
	{"managedFields", FIELD_ANY, FIELD_OPTIONAL},
	{"selfLink", FIELD_ANY, FIELD_OPTIONAL},
};

#define COUNT(rules) (sizeof(rules) / sizeof((rules)[0]))

static const struct kind {
	const char *name;
	bool namespaced;
	bool (*read)(struct manifest_source *m, const struct field *object, struct err *e);
} kinds[] = {
	{"Attestor", false, manifest_read_attestor},
	{"ClusterImagePolicy", false, manifest_read_cluster_policy},
	{"ImagePolicy", true, manifest_read_policy},
};

void *manifest_alloc(struct manifest_source *m, size_t count, size_t size, struct err *e)
{
	void *memory = arena_array(&m->reader->set->arena, count, size);

	if (!memory)
		(void)arena_error(&m->reader->set->arena, e, "the policies take too much memory");
	return memory;
}

bool manifest_keep(struct manifest_source *m, struct str text, struct str *out, struct err *e)
{
	struct str copy = arena_copy(&m->reader->set->arena, text);

	if (!copy.ptr)
		return arena_error(&m->reader->set->arena, e, "the policies take too much memory");
	*out = copy;
	return true;
}

bool manifest_keep_list(struct manifest_source *m, const struct field *texts, const struct str **out, size_t *count,
			struct err *e)
{
	size_t n = field_count(texts);
	struct str *kept = n ? manifest_alloc(m, n, sizeof(*kept), e) : NULL;

	if (n && !kept)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct field element = field_element(texts, i);

		if (!manifest_keep(m, field_text(&element), &kept[i], e))
			return false;
	}
	*out = kept;
	*count = n;
	return true;
}

bool manifest_origin(struct manifest_source *m, const struct field *field, struct str *out, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(ORIGIN_MAX);

	buf_add(&text, str_head(m->file, ORIGIN_MAX / 2));
	if (m->document)
		buf_printf(&text, ": document %zu", m->document);
	if (field->parent)
		buf_add_c(&text, ": ");
	field_path(field, &text);
	return buf_ok(&text, e) && manifest_keep(m, buf_str(&text), out, e);
}

static bool unknown_kind(const struct field *kind, struct err *e)
{
	return field_error(kind, e, "%.*s is not a policy object (Attestor, ClusterImagePolicy, ImagePolicy, List)",
			   STR_ARG(field_text(kind)));
}

static const struct kind *find_kind(struct str name)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (str_eq_c(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static bool check_scope(const struct kind *kind, const struct field *metadata, struct err *e)
{
	struct field namespace_ = field_member(metadata, "namespace");

	if (!kind->namespaced && namespace_.value)
		return field_error(&namespace_, e, "%s belongs to the cluster, not to a namespace", kind->name);
	if (kind->namespaced && !namespace_.value)
		return field_error(&namespace_, e, "is required");
	if (kind->namespaced && !kube_label_valid(field_text(&namespace_)))
		return field_error(&namespace_, e, "is not a valid name: a-z, 0-9 and '-', at most 63 characters");
	return true;
}

static bool check_metadata(const struct kind *kind, const struct field *metadata, struct err *e)
{
	struct field name = field_member(metadata, "name");

	if (!field_check(metadata, metadata_rules, COUNT(metadata_rules), e))
		return false;
	if (!kube_subdomain_valid(field_text(&name)))
		return field_error(&name, e, "is not a valid name: a-z, 0-9, '-' and '.', at most 253 characters");
	return check_scope(kind, metadata, e);
}

bool manifest_read_object(struct manifest_source *m, const struct field *object, struct err *e)
{
	struct field version = field_member(object, "apiVersion");
	struct field name = field_member(object, "kind");
	struct field metadata = field_member(object, "metadata");
	const struct kind *kind = find_kind(field_text(&name));

	if (!kind)
		return unknown_kind(&name, e);
	if (!str_eq_c(field_text(&version), API_VERSION))
		return field_error(&version, e, "must be %s, not %.*s", API_VERSION, STR_ARG(field_text(&version)));
	if (!field_check(object, envelope_rules, COUNT(envelope_rules), e) || !check_metadata(kind, &metadata, e))
		return false;
	m->reader->objects++;
	return kind->read(m, object, e);
}

/* Kind and version first: a foreign object shall be called that, not a bad policy. */
static bool is_object(const struct field *object, struct err *e)
{
	struct field version = field_member(object, "apiVersion");
	struct field kind = field_member(object, "kind");

	return field_is(object, FIELD_MAP, e) && field_is(&version, FIELD_TEXT, e) && field_is(&kind, FIELD_TEXT, e);
}

static bool is_list(const struct field *object)
{
	struct field kind = field_member(object, "kind");

	return str_eq_c(field_text(&kind), "List");
}

static bool read_item(struct manifest_source *m, const struct field *item, struct err *e)
{
	if (!is_object(item, e))
		return false;
	if (is_list(item))
		return field_error(item, e, "is a List in a List");
	return manifest_read_object(m, item, e);
}

static bool read_list(struct manifest_source *m, const struct field *list, struct err *e)
{
	struct field version = field_member(list, "apiVersion");
	struct field items = field_member(list, "items");

	if (!str_eq_c(field_text(&version), "v1"))
		return field_error(&version, e, "must be v1 for a List, not %.*s", STR_ARG(field_text(&version)));
	if (!field_check(list, list_rules, COUNT(list_rules), e))
		return false;
	for (size_t i = 0; i < field_count(&items); i++) {
		struct field item = field_element(&items, i);

		if (!read_item(m, &item, e))
			return false;
	}
	return true;
}

static bool read_document(struct manifest_source *m, const json_t *document, struct err *e)
{
	struct field root = field_root(document);

	if (!is_object(&root, e))
		return false;
	return is_list(&root) ? read_list(m, &root, e) : manifest_read_object(m, &root, e);
}

struct manifest_reader *manifest_reader_new(void)
{
	struct manifest_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->set = policy_set_new();
	if (reader->set)
		return reader;
	free(reader);
	return NULL;
}

void manifest_reader_free(struct manifest_reader *reader)
{
	if (!reader)
		return;
	policy_set_free(reader->set);
	free(reader);
}

bool manifest_reader_add(struct manifest_reader *reader, struct str name, struct str text, struct err *e)
{
	struct manifest_source m = {.reader = reader, .file = name};
	cleanup(json) json_t *documents = NULL;

	if (!yaml_read(text, &documents, e))
		return err_context(e, "%.*s", STR_ARG(name));
	for (size_t i = 0; i < json_array_size(documents); i++) {
		m.document = i + 1;
		if (!read_document(&m, json_array_get(documents, i), e))
			return err_context(e, "%.*s: document %zu", STR_ARG(name), m.document);
	}
	return true;
}

size_t manifest_reader_objects(const struct manifest_reader *reader)
{
	return reader->objects;
}

bool manifest_reader_finish(struct manifest_reader *reader, struct policy_set **out, struct err *e)
{
	struct policy_set *fresh;

	if (!reader->set)
		return err_set(e, ERR_INTERNAL, "the manifests have been finished already");
	if (reader->stage == MANIFEST_ATTESTORS)
		return err_set(e, ERR_INTERNAL, "not all attestors are known");
	if (reader->stage == MANIFEST_FILES ? !manifest_link_files(reader, e) : !manifest_link_policies(reader, e))
		return false;
	fresh = take(reader->set);
	*out = fresh;
	return true;
}
