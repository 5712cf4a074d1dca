#include "policy/kube_name.h"
#include "policy/manifest_draft.h"
#include "policy/workload.h"

static const struct field_rule match_rules[] = {
	{"namespaces", FIELD_TEXTS, FIELD_OPTIONAL}, {"namespaceSelector", FIELD_MAP, FIELD_OPTIONAL},
	{"images", FIELD_TEXTS, FIELD_OPTIONAL},     {"serviceAccounts", FIELD_TEXTS, FIELD_OPTIONAL},
	{"kinds", FIELD_TEXTS, FIELD_OPTIONAL},
};

typedef bool text_check(const struct field *field, struct str namespace_, struct err *e);

static bool check_namespace(const struct field *field, struct str namespace_, struct err *e)
{
	if (namespace_.len)
		return field_error(field->parent, e, "an ImagePolicy rules only its own namespace");
	if (!kube_label_pattern_valid(field_text(field)))
		return field_error(field, e, "can match no namespace: a-z, 0-9, '-' and '*', at most 63 characters");
	return true;
}

static bool check_service_account(const struct field *field, struct str namespace_, struct err *e)
{
	struct str text = field_text(field);
	struct str owner = str_head(text, str_find(text, ':'));
	struct str name = str_skip(text, owner.len + 1);

	if (!kube_label_pattern_valid(owner) || !kube_subdomain_pattern_valid(name))
		return field_error(field, e, "can match no service account: must be NAMESPACE:NAME");
	if (namespace_.len && !name_pattern_matches(owner, namespace_))
		return field_error(field, e, "can match no service account of the namespace %.*s", STR_ARG(namespace_));
	return true;
}

static bool check_kind(const struct field *field, struct str namespace_, struct err *e)
{
	struct str text = field_text(field);
	size_t slash = str_find(text, '/');
	struct str group = slash < text.len ? str_head(text, slash) : STR("");
	struct str kind = slash < text.len ? str_skip(text, slash + 1) : text;

	(void)namespace_;
	if ((slash < text.len && !kube_subdomain_pattern_valid(group)) || !kube_kind_pattern_valid(kind))
		return field_error(field, e, "can match no kind: must be GROUP/KIND, or KIND for the core group");
	if (str_find(text, '*') == text.len && !workload_find(group, kind))
		return field_error(field, e, "is not a kind whose images are judged");
	return true;
}

static bool read_texts(struct manifest_source *m, const struct field *list, struct str namespace_, text_check *check,
		       const struct str **out, size_t *count, struct err *e)
{
	for (size_t i = 0; i < field_count(list); i++) {
		struct field element = field_element(list, i);

		if (!check(&element, namespace_, e))
			return false;
	}
	return manifest_keep_list(m, list, out, count, e);
}

bool manifest_read_patterns(struct manifest_source *m, const struct field *list, const struct image_pattern **out,
			    size_t *count, struct err *e)
{
	size_t n = field_count(list);
	struct image_pattern *patterns = n ? manifest_alloc(m, n, sizeof(*patterns), e) : NULL;

	if (n && !patterns)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct field element = field_element(list, i);
		struct err why = ERR_INIT;

		if (!image_pattern_parse(field_text(&element), &m->reader->set->arena, &patterns[i], &why))
			return field_error(&element, e, "%s", why.text);
	}
	*out = patterns;
	*count = n;
	return true;
}

bool manifest_read_match(struct manifest_source *m, const struct field *match, struct str namespace_,
			 struct image_match *out, struct err *e)
{
	struct field namespaces = field_member(match, "namespaces");
	struct field selector = field_member(match, "namespaceSelector");
	struct field images = field_member(match, "images");
	struct field accounts = field_member(match, "serviceAccounts");
	struct field kinds = field_member(match, "kinds");

	if (!match->value)
		return true;
	return field_check(match, match_rules, sizeof(match_rules) / sizeof(match_rules[0]), e) &&
	       read_texts(m, &namespaces, namespace_, check_namespace, &out->namespaces, &out->namespace_count, e) &&
	       manifest_read_selector(m, &selector, namespace_, out, e) &&
	       manifest_read_patterns(m, &images, &out->images, &out->image_count, e) &&
	       read_texts(m, &accounts, namespace_, check_service_account, &out->service_accounts,
			  &out->service_account_count, e) &&
	       read_texts(m, &kinds, namespace_, check_kind, &out->kinds, &out->kind_count, e);
}
