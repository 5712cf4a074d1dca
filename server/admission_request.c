#include "server/admission_request.h"

#include "base/limits.h"

static const char *const versions[] = {"admission.k8s.io/v1", "admission.k8s.io/v1beta1"};

static const char *const operations[] = {
	[OPERATION_CREATE] = "CREATE",
	[OPERATION_UPDATE] = "UPDATE",
	[OPERATION_DELETE] = "DELETE",
	[OPERATION_CONNECT] = "CONNECT",
};

/* No decision reads these; they are more than half of a real object. */
static const char *const unread[] = {"managedFields", "status", "kubectl.kubernetes.io/last-applied-configuration",
				     "object", "oldObject"};
static const struct json_skip skip_unread = {unread, 3};
static const struct json_skip skip_objects = {unread, 5};

enum parent { REQUEST, REQUEST_KIND, REQUEST_RESOURCE, REQUEST_USER, PARENTS };

static const char *const parent_names[] = {
	[REQUEST] = "request",
	[REQUEST_KIND] = "request.kind",
	[REQUEST_RESOURCE] = "request.resource",
	[REQUEST_USER] = "request.userInfo",
};

#define FIELD(member) offsetof(struct admission_request, member)

static const struct text_field {
	enum parent parent;
	const char *name;
	size_t offset;
	bool required; /* present and not empty */
} text_fields[] = {
	{REQUEST, "uid", FIELD(uid), true},
	{REQUEST, "operation", FIELD(operation_name), true},
	{REQUEST, "subResource", FIELD(subresource), false},
	{REQUEST, "name", FIELD(name), false},
	{REQUEST, "namespace", FIELD(namespace_), false},
	{REQUEST_KIND, "group", FIELD(group), false},
	{REQUEST_KIND, "kind", FIELD(kind), true},
	{REQUEST_RESOURCE, "group", FIELD(resource_group), false},
	{REQUEST_RESOURCE, "resource", FIELD(resource), true},
	{REQUEST_USER, "username", FIELD(user), false},
};

struct decoder {
	struct arena *arena;
	struct admission_request *out;
	uint32_t parents[PARENTS];
	struct err *e;
};

static bool read_text(struct decoder *d, const struct text_field *field)
{
	const char *parent = parent_names[field->parent];
	struct str text;

	if (!json_doc_text_member(&d->out->doc, d->parents[field->parent], str_of(field->name), d->arena, &text, d->e))
		return err_context(d->e, "%s", parent);
	if (field->required && text.len == 0)
		return err_set(d->e, ERR_INVALID, "%s: %s is missing", parent, field->name);
	if (!text.ptr)
		text = STR("");
	*(struct str *)((char *)d->out + field->offset) = text;
	return true;
}

static bool read_texts(struct decoder *d)
{
	for (size_t i = 0; i < sizeof(text_fields) / sizeof(text_fields[0]); i++)
		if (!read_text(d, &text_fields[i]))
			return false;
	if (d->out->uid.len > LIMIT_UID)
		return err_set(d->e, ERR_INVALID, "request: uid is longer than %u bytes", LIMIT_UID);
	return true;
}

static bool read_version(struct decoder *d)
{
	const struct json_doc *doc = &d->out->doc;
	struct str version, kind;

	if (!json_doc_text_member(doc, 0, STR("apiVersion"), d->arena, &version, d->e) ||
	    !json_doc_text_member(doc, 0, STR("kind"), d->arena, &kind, d->e))
		return false;
	if (!str_eq_c(kind, "AdmissionReview"))
		return err_set(d->e, ERR_INVALID, "kind must be AdmissionReview");
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (str_eq_c(version, versions[i]))
			d->out->api_version = versions[i];
	return d->out->api_version ||
	       err_set(d->e, ERR_INVALID, "apiVersion must be %s or %s", versions[0], versions[1]);
}

static bool find_parents(struct decoder *d)
{
	const struct json_doc *doc = &d->out->doc;
	uint32_t *p = d->parents;

	if (!json_doc_member_of(doc, 0, STR("request"), JSON_MAP, &p[REQUEST], d->e))
		return false;
	if (p[REQUEST] == JSON_NONE)
		return err_set(d->e, ERR_INVALID, "request is missing");
	if (json_doc_member_of(doc, p[REQUEST], STR("kind"), JSON_MAP, &p[REQUEST_KIND], d->e) &&
	    json_doc_member_of(doc, p[REQUEST], STR("resource"), JSON_MAP, &p[REQUEST_RESOURCE], d->e) &&
	    json_doc_member_of(doc, p[REQUEST], STR("userInfo"), JSON_MAP, &p[REQUEST_USER], d->e))
		return true;
	return err_context(d->e, "%s", parent_names[REQUEST]);
}

static bool read_operation(struct decoder *d)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (str_eq_c(d->out->operation_name, operations[i])) {
			d->out->operation = (enum admission_operation)i;
			return true;
		}
	return err_set(d->e, ERR_INVALID, "request: operation must be CREATE, UPDATE, DELETE or CONNECT");
}

static bool read_dry_run(struct decoder *d)
{
	const struct json_doc *doc = &d->out->doc;
	uint32_t node;
	enum json_kind kind;

	if (!json_doc_member(doc, d->parents[REQUEST], STR("dryRun"), &node, d->e))
		return err_context(d->e, "%s", parent_names[REQUEST]);
	kind = node == JSON_NONE ? JSON_NULL_VALUE : json_doc_kind(doc, node);
	if (kind != JSON_NULL_VALUE && kind != JSON_TRUE_VALUE && kind != JSON_FALSE_VALUE)
		return err_set(d->e, ERR_INVALID, "request: dryRun must be a boolean");
	d->out->dry_run = kind == JSON_TRUE_VALUE;
	return true;
}

static bool read_groups(struct decoder *d)
{
	const struct json_doc *doc = &d->out->doc;
	uint32_t item;

	if (!json_doc_member_of(doc, d->parents[REQUEST_USER], STR("groups"), JSON_LIST, &d->out->groups, d->e))
		return err_context(d->e, "%s", parent_names[REQUEST_USER]);
	if (d->out->groups == JSON_NONE)
		return true;
	for (item = json_doc_child(doc, d->out->groups); item != JSON_NONE; item = json_doc_next(doc, item))
		if (json_doc_kind(doc, item) != JSON_TEXT)
			return err_set(d->e, ERR_INVALID, "request.userInfo: groups must be a list of strings");
	return true;
}

/* Null is what an operation that has no such object sends. */
static bool read_object(struct decoder *d, const char *name, uint32_t *out)
{
	if (!json_doc_member(&d->out->doc, d->parents[REQUEST], str_of(name), out, d->e))
		return err_context(d->e, "%s", parent_names[REQUEST]);
	if (*out != JSON_NONE && json_doc_kind(&d->out->doc, *out) == JSON_NULL_VALUE)
		*out = JSON_NONE;
	return true;
}

/* A pod that calls itself something else, or travels as something else, would pass unseen. */
static bool find_workload(struct decoder *d)
{
	struct admission_request *r = d->out;
	bool fits;

	r->workload = workload_find(r->group, r->kind);
	if (r->workload)
		fits = str_eq(r->group, r->resource_group) && workload_fits(r->workload, r->resource, r->subresource);
	else
		fits = !workload_expected(r->resource_group, r->resource, r->subresource);
	return fits || err_set(d->e, ERR_INVALID, "request: kind does not fit resource and subResource");
}

static bool parse(struct str body, struct arena *arena, struct admission_request *out, struct err *e)
{
	struct err problem = ERR_INIT;

	if (json_doc_parse(body, &skip_unread, arena, &out->doc, &problem))
		return true;
	out->too_complex = problem.kind == ERR_TOO_LARGE;
	if (out->too_complex)
		return json_doc_parse(body, &skip_objects, arena, &out->doc, e);
	return err_set(e, problem.kind, "%s", problem.text);
}

bool admission_request_read(struct str body, struct arena *arena, struct admission_request *out, struct err *e)
{
	struct admission_request request = {.object = JSON_NONE, .old_object = JSON_NONE, .groups = JSON_NONE};
	struct decoder d = {.arena = arena, .out = &request, .e = e};

	if (!parse(body, arena, &request, e) || !read_version(&d) || !find_parents(&d) || !read_texts(&d) ||
	    !read_operation(&d) || !read_dry_run(&d) || !read_groups(&d) ||
	    !read_object(&d, "object", &request.object) || !read_object(&d, "oldObject", &request.old_object) ||
	    !find_workload(&d))
		return err_context(e, "AdmissionReview");
	*out = request;
	return true;
}

bool admission_may_bring_images(const struct admission_request *request)
{
	if (request->operation != OPERATION_CREATE && request->operation != OPERATION_UPDATE)
		return false;
	return request->workload && !str_eq_c(request->subresource, "status");
}

static bool has_group(const struct admission_request *r, const char *group, struct arena *arena)
{
	uint32_t item = r->groups == JSON_NONE ? JSON_NONE : json_doc_child(&r->doc, r->groups);
	struct str text;
	struct err e;

	for (; item != JSON_NONE; item = json_doc_next(&r->doc, item))
		if (json_doc_text(&r->doc, item, arena, &text, &e) && str_eq_c(text, group))
			return true;
	return false;
}

static bool has_mirror_annotation(const struct admission_request *r, struct arena *arena)
{
	uint32_t metadata, annotations;
	struct str value;
	struct err e;

	return json_doc_member_of(&r->doc, r->object, STR("metadata"), JSON_MAP, &metadata, &e) &&
	       json_doc_member_of(&r->doc, metadata, STR("annotations"), JSON_MAP, &annotations, &e) &&
	       json_doc_text_member(&r->doc, annotations, STR("kubernetes.io/config.mirror"), arena, &value, &e) &&
	       value.ptr != NULL;
}

static bool is_own_node(const struct admission_request *r, struct arena *arena)
{
	static const struct str prefix = {"system:node:", 12};
	uint32_t spec;
	struct str node;
	struct err e;

	return json_doc_member_of(&r->doc, r->object, STR("spec"), JSON_MAP, &spec, &e) &&
	       json_doc_text_member(&r->doc, spec, STR("nodeName"), arena, &node, &e) && node.len > 0 &&
	       str_starts_with(r->user, prefix) && str_eq(str_skip(r->user, prefix.len), node);
}

bool admission_is_mirror_pod(const struct admission_request *request, struct arena *arena)
{
	if (request->object == JSON_NONE || !str_eq_c(request->kind, "Pod") || request->subresource.len > 0)
		return false;
	return request->group.len == 0 && has_mirror_annotation(request, arena) &&
	       has_group(request, "system:nodes", arena) && is_own_node(request, arena);
}
