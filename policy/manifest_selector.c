#include "policy/kube_name.h"
#include "policy/manifest_draft.h"

static const struct field_rule selector_rules[] = {
	{"matchLabels", FIELD_LABELS, FIELD_OPTIONAL},
	{"matchExpressions", FIELD_LIST, FIELD_OPTIONAL},
};

static const struct field_rule expression_rules[] = {
	{"key", FIELD_TEXT, FIELD_REQUIRED},
	{"operator", FIELD_TEXT, FIELD_REQUIRED},
	{"values", FIELD_LIST, FIELD_OPTIONAL},
};

#define COUNT(rules) (sizeof(rules) / sizeof((rules)[0]))

static bool check_key(const struct field *field, struct str key, struct err *e)
{
	return kube_label_key_valid(key) ||
	       field_error(field, e,
			   "is not the key of a label: [DOMAIN/]NAME, at most 63 characters of A-Z, a-z, 0-9, '-', "
			   "'_' and '.'");
}

static bool check_value(const struct field *field, struct err *e)
{
	if (!json_is_string(field->value))
		return field_error(field, e, "must be a string, not %s", json_type_name(field->value));
	return kube_label_value_valid(field_text(field)) ||
	       field_error(field, e,
			   "is not the value of a label: at most 63 characters of A-Z, a-z, 0-9, '-', '_' and '.'");
}

/* A label with one value. */
static bool read_label(struct manifest_source *m, const struct field *label, struct label_rule *out, struct err *e)
{
	struct str key = str_of(label->name);
	struct str *value = manifest_alloc(m, 1, sizeof(*value), e);

	if (!value || !check_key(label, key, e) || !check_value(label, e) || !manifest_keep(m, key, &out->key, e) ||
	    !manifest_keep(m, field_text(label), value, e))
		return false;
	out->operator= LABEL_IN;
	out->values = value;
	out->value_count = 1;
	return true;
}

static bool read_labels(struct manifest_source *m, const struct field *map, struct label_rule *out, struct err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)map->value, key, value)
	{
		struct field label = {.parent = map, .name = key, .value = value};

		if (!read_label(m, &label, out++, e))
			return false;
	}
	return true;
}

static bool read_values(struct manifest_source *m, const struct field *list, struct label_rule *out, struct err *e)
{
	for (size_t i = 0; i < field_count(list); i++) {
		struct field value = field_element(list, i);

		if (!check_value(&value, e))
			return false;
	}
	return manifest_keep_list(m, list, &out->values, &out->value_count, e);
}

static bool read_expression(struct manifest_source *m, const struct field *expression, struct label_rule *out,
			    struct err *e)
{
	struct field key = field_member(expression, "key");
	struct field operator= field_member(expression, "operator");
	struct field values = field_member(expression, "values");

	if (!field_check(expression, expression_rules, COUNT(expression_rules), e) ||
	    !check_key(&key, field_text(&key), e) || !manifest_keep(m, field_text(&key), &out->key, e))
		return false;
	if (!label_operator_parse(field_text(&operator), &out->operator))
		return field_error(&operator, e, "must be In, NotIn, Exists or DoesNotExist, not %.*s",
				   STR_ARG(field_text(&operator)));
	if (label_operator_has_values(out->operator) && !values.value)
		return field_error(&values, e, "is required for %.*s", STR_ARG(field_text(&operator)));
	if (!label_operator_has_values(out->operator) && values.value)
		return field_error(&values, e, "must be absent for %.*s", STR_ARG(field_text(&operator)));
	return read_values(m, &values, out, e);
}

static bool read_expressions(struct manifest_source *m, const struct field *list, struct label_rule *out, struct err *e)
{
	for (size_t i = 0; i < field_count(list); i++) {
		struct field expression = field_element(list, i);

		if (!read_expression(m, &expression, &out[i], e))
			return false;
	}
	return true;
}

bool manifest_read_selector(struct manifest_source *m, const struct field *selector, struct str namespace_,
			    struct image_match *out, struct err *e)
{
	struct field labels = field_member(selector, "matchLabels");
	struct field expressions = field_member(selector, "matchExpressions");
	size_t label_count = json_object_size(labels.value);
	size_t count = label_count + field_count(&expressions);
	struct label_rule *rules;

	if (!selector->value)
		return true;
	if (namespace_.len)
		return field_error(selector, e, "an ImagePolicy rules only its own namespace");
	if (!field_check(selector, selector_rules, COUNT(selector_rules), e))
		return false;
	if (labels.value && label_count == 0)
		return field_error(&labels, e, "must not be empty");
	rules = manifest_alloc(m, count, sizeof(*rules), e);
	if (!rules || !read_labels(m, &labels, rules, e) || !read_expressions(m, &expressions, rules + label_count, e))
		return false;
	out->labels = rules;
	out->label_count = count;
	return true;
}
