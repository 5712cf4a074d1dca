#include "server/scan_page.h"

#include "base/limits.h"

const struct scan_resource scan_resources[SCAN_RESOURCES] = {
	{"", "v1", "pods", "Pod", "v1"},
	{"apps", "v1", "deployments", "Deployment", "apps/v1"},
	{"apps", "v1", "statefulsets", "StatefulSet", "apps/v1"},
	{"apps", "v1", "daemonsets", "DaemonSet", "apps/v1"},
	{"batch", "v1", "jobs", "Job", "batch/v1"},
	{"batch", "v1", "cronjobs", "CronJob", "batch/v1"},
	{"apps", "v1", "replicasets", "ReplicaSet", "apps/v1"},
	{"", "v1", "replicationcontrollers", "ReplicationController", "v1"},
	{"", "v1", "podtemplates", "PodTemplate", "v1"},
};

/* What no decision reads, and most of a page is. */
static const char *const skipped[] = {"managedFields", "status", "kubectl.kubernetes.io/last-applied-configuration"};
static const struct json_skip skip = {skipped, sizeof(skipped) / sizeof(skipped[0])};

/* One object on its way. */
struct item {
	const struct scan_page *page;
	const struct scan_judge *judge;
	const struct json_doc *doc;
	uint32_t node;
	uint32_t metadata;
	struct arena arena;
	struct scan_subject about;
};

static bool scanned(struct str group, struct str kind)
{
	for (size_t i = 0; i < SCAN_RESOURCES; i++)
		if (str_eq_c(group, scan_resources[i].group) && str_eq_c(kind, scan_resources[i].kind))
			return true;
	return false;
}

/* "apps" of "apps/v1", "" of "v1". */
static struct str group_of(struct str api_version)
{
	size_t slash = str_find(api_version, '/');

	return slash < api_version.len ? str_head(api_version, slash) : STR("");
}

static bool is_scanned_controller(struct item *item, uint32_t reference, struct err *e)
{
	struct str api_version, kind;
	uint32_t controller;

	return json_doc_member_of(item->doc, reference, STR("controller"), JSON_TRUE_VALUE, &controller, e) &&
	       controller != JSON_NONE &&
	       json_doc_text_member(item->doc, reference, STR("apiVersion"), &item->arena, &api_version, e) &&
	       json_doc_text_member(item->doc, reference, STR("kind"), &item->arena, &kind, e) &&
	       scanned(group_of(api_version), kind);
}

/* What can't be read has no owner: it is judged itself. */
static bool has_scanned_owner(struct item *item)
{
	struct err ignored;
	uint32_t node;

	if (!json_doc_member_of(item->doc, item->metadata, STR("ownerReferences"), JSON_LIST, &node, &ignored) ||
	    node == JSON_NONE)
		return false;
	for (node = json_doc_child(item->doc, node); node != JSON_NONE; node = json_doc_next(item->doc, node))
		if (is_scanned_controller(item, node, &ignored))
			return true;
	return false;
}

static bool read_about(struct item *item)
{
	const struct json_doc *doc = item->doc;
	struct scan_subject *about = &item->about;
	struct err ignored;

	*about = (struct scan_subject){.api_version = item->page->resource->api_version,
				       .kind = item->page->resource->kind};
	if (json_doc_kind(doc, item->node) != JSON_MAP ||
	    !json_doc_member_of(doc, item->node, STR("metadata"), JSON_MAP, &item->metadata, &ignored) ||
	    item->metadata == JSON_NONE)
		return false;
	if (!json_doc_text_member(doc, item->metadata, STR("uid"), &item->arena, &about->uid, &ignored))
		about->uid = STR("");
	return json_doc_text_member(doc, item->metadata, STR("name"), &item->arena, &about->name, &ignored) &&
	       json_doc_text_member(doc, item->metadata, STR("namespace"), &item->arena, &about->namespace_,
				    &ignored) &&
	       about->name.len && about->namespace_.len;
}

static void decide(struct item *item, struct decision *out)
{
	struct str group = str_of(item->page->resource->group), kind = str_of(item->page->resource->kind);
	struct image_uses *uses = arena_alloc(&item->arena, sizeof(*uses));
	struct subject subject = {.namespace_ = item->about.namespace_, .group = group, .kind = kind};
	struct err problem = ERR_INIT;

	if (!uses) {
		arena_error(&item->arena, &problem, "there is no room for the images");
		decision_refuse_object(&problem, &item->arena, out);
	} else if (!workload_images(workload_find(group, kind), item->doc, item->node, &item->arena, uses, &problem)) {
		decision_refuse_object(&problem, &item->arena, out);
	} else if (uses->count == 0) {
		*out = decision_without_images(DECISION_ALLOW);
	} else {
		subject.service_account = uses->service_account;
		item->judge->decide(item->judge->context, &subject, uses, &item->arena, out);
	}
}

/* True when the object was judged before the list began anew. */
static bool passed_over(struct scan_page *page, const struct scan_subject *about)
{
	cleanup(buf) struct buf key = buf_init(SCAN_KEY_MAX);

	buf_add(&key, about->namespace_);
	buf_add_char(&key, '/');
	buf_add(&key, about->name);
	if (page->resume && str_compare(buf_str(&key), buf_str(&page->last)) <= 0)
		return true;
	page->resume = false;
	buf_clear(&page->last);
	buf_add(&page->last, buf_str(&key));
	return false;
}

static bool judge_item(struct scan_page *page, struct item *item, struct scan_findings *findings, struct err *e)
{
	struct decision decision = {.kind = DECISION_DENY};

	if (!read_about(item)) {
		scan_findings_nameless(findings);
		return true;
	}
	if (passed_over(page, &item->about) || has_scanned_owner(item))
		return true;
	if (item->judge->exempt(item->judge->context, item->about.namespace_))
		return scan_findings_skip(findings, item->about.namespace_, e);
	decide(item, &decision);
	page->objects++;
	return scan_findings_add(findings, &item->about, &decision, e);
}

/* The list's items and the token of the next page. */
static bool read_list(struct scan_page *page, const struct json_doc *doc, struct arena *arena, uint32_t *items,
		      struct err *e)
{
	struct str token = STR("");
	uint32_t metadata;

	if (json_doc_kind(doc, 0) != JSON_MAP || !json_doc_member_of(doc, 0, STR("metadata"), JSON_MAP, &metadata, e) ||
	    metadata == JSON_NONE || !json_doc_text_member(doc, metadata, STR("continue"), arena, &token, e) ||
	    !json_doc_member_of(doc, 0, STR("items"), JSON_LIST, items, e))
		return err_set(e, ERR_INVALID, "the answer is no list");
	buf_clear(&page->next);
	buf_add(&page->next, token);
	return buf_ok(&page->next, e);
}

static bool judge_items(struct scan_page *page, const struct scan_judge *judge, const struct json_doc *doc,
			uint32_t items, struct scan_findings *findings, struct err *e)
{
	uint32_t node = items == JSON_NONE ? JSON_NONE : json_doc_child(doc, items);

	for (; node != JSON_NONE; node = json_doc_next(doc, node)) {
		struct item item = {.page = page, .judge = judge, .doc = doc, .node = node};
		bool done;

		if (judge->stop && atomic_load(judge->stop))
			return true;
		item.arena = arena_init(LIMIT_REVIEW_MEMORY);
		done = judge_item(page, &item, findings, e);
		arena_release(&item.arena);
		if (!done) {
			e->kind = ERR_INTERNAL;
			return false;
		}
	}
	return true;
}

bool scan_page_judge(struct scan_page *page, const struct scan_judge *judge, struct scan_findings *findings,
		     struct err *e)
{
	cleanup(arena) struct arena arena = arena_init(SCAN_PAGE_MEMORY);
	struct json_doc doc;
	uint32_t items = JSON_NONE;

	if (!json_doc_parse(page->text, &skip, &arena, &doc, e) || !read_list(page, &doc, &arena, &items, e))
		return false;
	return judge_items(page, judge, &doc, items, findings, e);
}
