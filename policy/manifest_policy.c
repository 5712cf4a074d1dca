#include "policy/manifest_draft.h"

static const struct field_rule spec_rules[] = {
	{"match", FIELD_MAP, FIELD_OPTIONAL},	      {"exempt", FIELD_MAP, FIELD_OPTIONAL},
	{"enforcement", FIELD_TEXT, FIELD_OPTIONAL},  {"require", FIELD_MAP, FIELD_REQUIRED},
	{"breakGlass", FIELD_ANY, FIELD_UNSUPPORTED},
};

static const struct field_rule exempt_rules[] = {
	{"images", FIELD_TEXTS, FIELD_REQUIRED},
};

static const struct field_rule require_rules[] = {
	{"digest", FIELD_SWITCH, FIELD_OPTIONAL},	   {"attestations", FIELD_LIST, FIELD_OPTIONAL},
	{"vulnerabilities", FIELD_ANY, FIELD_UNSUPPORTED}, {"provenance", FIELD_ANY, FIELD_UNSUPPORTED},
	{"maxAge", FIELD_ANY, FIELD_UNSUPPORTED},
};

static const struct field_rule attestation_rules[] = {
	{"attestors", FIELD_TEXTS, FIELD_REQUIRED},
	{"count", FIELD_NUMBER, FIELD_OPTIONAL},
};

#define COUNT(rules) (sizeof(rules) / sizeof((rules)[0]))

static const struct {
	const char *name;
	enum enforcement value;
} enforcements[] = {{"Deny", ENFORCE_DENY}, {"Warn", ENFORCE_WARN}, {"Audit", ENFORCE_AUDIT}};

static bool read_enforcement(const struct field *field, enum enforcement *out, struct err *e)
{
	if (!field->value) {
		*out = ENFORCE_DENY;
		return true;
	}
	for (size_t i = 0; i < COUNT(enforcements); i++) {
		if (!str_eq_c(field_text(field), enforcements[i].name))
			continue;
		*out = enforcements[i].value;
		return true;
	}
	return field_error(field, e, "must be Deny, Warn or Audit, not %.*s", STR_ARG(field_text(field)));
}

static bool read_exempt(struct manifest_source *m, const struct field *exempt, struct image_policy *out, struct err *e)
{
	struct field images = field_member(exempt, "images");

	if (!exempt->value)
		return true;
	return field_check(exempt, exempt_rules, COUNT(exempt_rules), e) &&
	       manifest_read_patterns(m, &images, &out->exempt_images, &out->exempt_image_count, e);
}

static bool read_count(const struct field *field, size_t attestors, size_t *out, struct err *e)
{
	json_int_t count = field->value ? json_integer_value(field->value) : (json_int_t)attestors;

	if (count < 1)
		return field_error(field, e, "must be at least 1, or nothing would be required");
	if (count > (json_int_t)attestors)
		return field_error(field, e, "must be at most %zu, the number of attestors", attestors);
	*out = (size_t)count;
	return true;
}

/* The attestors may stand in a file that comes later: they are linked at the end. */
static bool read_attestors(struct manifest_source *m, const struct field *list, struct attestation_rule *out,
			   struct err *e)
{
	struct rule_draft *draft = manifest_alloc(m, 1, sizeof(*draft), e);

	if (!draft || !manifest_keep_list(m, list, &draft->names, &draft->count, e) ||
	    !manifest_origin(m, list, &draft->origin, e))
		return false;
	draft->attestors = manifest_alloc(m, draft->count, sizeof(*draft->attestors), e);
	if (!draft->attestors)
		return false;
	out->attestors = draft->attestors;
	out->attestor_count = draft->count;
	out->origin = draft->origin;
	draft->next = m->reader->rules;
	m->reader->rules = draft;
	return true;
}

static bool read_rule(struct manifest_source *m, const struct field *rule, struct attestation_rule *out, struct err *e)
{
	struct field attestors = field_member(rule, "attestors");
	struct field count = field_member(rule, "count");

	return field_check(rule, attestation_rules, COUNT(attestation_rules), e) &&
	       read_attestors(m, &attestors, out, e) && read_count(&count, out->attestor_count, &out->count, e);
}

static bool read_rules(struct manifest_source *m, const struct field *list, struct image_policy *out, struct err *e)
{
	size_t count = field_count(list);
	struct attestation_rule *rules = count ? manifest_alloc(m, count, sizeof(*rules), e) : NULL;

	if (count && !rules)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct field rule = field_element(list, i);

		if (!read_rule(m, &rule, &rules[i], e))
			return false;
	}
	out->rules = rules;
	out->rule_count = count;
	return true;
}

static bool read_require(struct manifest_source *m, const struct field *require, struct image_policy *out,
			 struct err *e)
{
	struct field digest = field_member(require, "digest");
	struct field attestations = field_member(require, "attestations");

	if (!field_check(require, require_rules, COUNT(require_rules), e))
		return false;
	out->require_digest = !digest.value || json_is_true(digest.value);
	if (!out->require_digest && !attestations.value)
		return field_error(require, e, "requires nothing");
	return read_rules(m, &attestations, out, e);
}

static bool read_spec(struct manifest_source *m, const struct field *spec, struct image_policy *out, struct err *e)
{
	struct field match = field_member(spec, "match");
	struct field exempt = field_member(spec, "exempt");
	struct field enforcement = field_member(spec, "enforcement");
	struct field require = field_member(spec, "require");

	return field_check(spec, spec_rules, COUNT(spec_rules), e) &&
	       manifest_read_match(m, &match, out->namespace_, &out->match, e) && read_exempt(m, &exempt, out, e) &&
	       read_enforcement(&enforcement, &out->enforcement, e) && read_require(m, &require, out, e);
}

static bool read_policy(struct manifest_source *m, const struct field *object, struct str namespace_, struct err *e)
{
	struct field metadata = field_member(object, "metadata");
	struct field name = field_member(&metadata, "name");
	struct field spec = field_member(object, "spec");
	struct policy_draft *draft = manifest_alloc(m, 1, sizeof(*draft), e);

	if (!draft || !manifest_keep(m, field_text(&name), &draft->value.name, e) ||
	    !manifest_keep(m, namespace_, &draft->value.namespace_, e) ||
	    !manifest_origin(m, object, &draft->value.origin, e) || !manifest_origin(m, &name, &draft->place, e) ||
	    !read_spec(m, &spec, &draft->value, e))
		return false;
	draft->serial = m->reader->policy_count++;
	draft->next = m->reader->policies;
	m->reader->policies = draft;
	return true;
}

bool manifest_read_cluster_policy(struct manifest_source *m, const struct field *object, struct err *e)
{
	return read_policy(m, object, STR(""), e);
}

bool manifest_read_policy(struct manifest_source *m, const struct field *object, struct err *e)
{
	struct field metadata = field_member(object, "metadata");
	struct field namespace_ = field_member(&metadata, "namespace");

	return read_policy(m, object, field_text(&namespace_), e);
}
