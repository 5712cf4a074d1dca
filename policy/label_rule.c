#include "policy/label_rule.h"

static const struct {
	const char *name;
	bool has_values;
	bool wants_match; /* else it holds when nothing matches */
} operators[] = {
	[LABEL_IN] = {"In", true, true},
	[LABEL_NOT_IN] = {"NotIn", true, false},
	[LABEL_EXISTS] = {"Exists", false, true},
	[LABEL_DOES_NOT_EXIST] = {"DoesNotExist", false, false},
};

bool label_operator_parse(struct str name, enum label_operator *out)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (!str_eq_c(name, operators[i].name))
			continue;
		*out = (enum label_operator)i;
		return true;
	}
	return false;
}

bool label_operator_has_values(enum label_operator operator)
{
	return operators[operator].has_values;
}

static bool is_among(const struct label_rule *rule, struct str value)
{
	for (size_t i = 0; i < rule->value_count; i++)
		if (str_eq(rule->values[i], value))
			return true;
	return false;
}

static bool matches(const struct label_rule *rule, const struct labels *labels)
{
	for (size_t i = 0; i < labels->count; i++)
		if (str_eq(labels->items[i].key, rule->key))
			return !operators[rule->operator].has_values || is_among(rule, labels->items[i].value);
	return false;
}

bool label_rules_hold(const struct label_rule *rules, size_t count, const struct labels *labels)
{
	for (size_t i = 0; i < count; i++)
		if (matches(&rules[i], labels) != operators[rules[i].operator].wants_match)
			return false;
	return true;
}
