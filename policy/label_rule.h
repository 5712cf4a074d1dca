/* What a namespaceSelector demands of a namespace's labels, as Kubernetes means it: a rule with NotIn or DoesNotExist
 * also holds for a namespace that has no such label. */
#ifndef SEALGATE_POLICY_LABEL_RULE_H
#define SEALGATE_POLICY_LABEL_RULE_H

#include "base/str.h"

struct label {
	struct str key;
	struct str value;
};

struct labels {
	const struct label *items; /* each key once */
	size_t count;
};

enum label_operator { LABEL_IN, LABEL_NOT_IN, LABEL_EXISTS, LABEL_DOES_NOT_EXIST };

struct label_rule {
	struct str key;
	enum label_operator operator;
	const struct str *values; /* of In and NotIn */
	size_t value_count;
};

/* "In", "NotIn", "Exists", "DoesNotExist"; false for anything else. */
bool label_operator_parse(struct str name, enum label_operator *out);
/* True for those that need values; the others must have none. */
bool label_operator_has_values(enum label_operator operator);
/* True when all `count` rules hold for these labels. */
bool label_rules_hold(const struct label_rule *rules, size_t count, const struct labels *labels);

#endif
