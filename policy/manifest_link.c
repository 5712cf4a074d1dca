#include "policy/manifest_link.h"

#include <stdlib.h>

#include "base/spelling.h"
#include "policy/key_overlap.h"

static bool out_of_room(const struct manifest_reader *reader, struct err *e)
{
	return arena_error(&reader->set->arena, e, "the policies take too much memory");
}

static int compare_attestors(const void *a, const void *b)
{
	const struct attestor_draft *x = *(const struct attestor_draft *const *)a;
	const struct attestor_draft *y = *(const struct attestor_draft *const *)b;
	int order = str_compare(x->value.name, y->value.name);

	return order ? order : (x->serial > y->serial) - (x->serial < y->serial);
}

static int compare_policies(const void *a, const void *b)
{
	const struct policy_draft *x = *(const struct policy_draft *const *)a;
	const struct policy_draft *y = *(const struct policy_draft *const *)b;
	int order = str_compare(x->value.namespace_, y->value.namespace_);

	if (order == 0)
		order = str_compare(x->value.name, y->value.name);
	return order ? order : (x->serial > y->serial) - (x->serial < y->serial);
}

static bool given_twice(const char *kind, struct str name, struct str place, struct str first, struct err *e)
{
	return err_set(e, ERR_INVALID, "%.*s: %s %.*s is defined already, in %.*s", STR_ARG(place), kind, STR_ARG(name),
		       STR_ARG(first));
}

static bool link_attestors(struct manifest_reader *reader, struct err *e)
{
	struct arena *arena = &reader->set->arena;
	size_t count = reader->attestor_count;
	struct attestor_draft **drafts = arena_array(arena, count + 1, sizeof(struct attestor_draft *));
	struct attestor *attestors = arena_array(arena, count + 1, sizeof(*attestors));
	size_t at = 0;

	if (!drafts || !attestors)
		return out_of_room(reader, e);
	for (struct attestor_draft *d = reader->attestors; d; d = d->next)
		drafts[at++] = d;
	qsort(drafts, count, sizeof(struct attestor_draft *), compare_attestors);
	for (size_t i = 0; i < count; i++) {
		attestors[i] = drafts[i]->value;
		if (i && str_eq(attestors[i].name, attestors[i - 1].name))
			return given_twice("Attestor", attestors[i].name, drafts[i]->place, drafts[i - 1]->place, e);
	}
	reader->set->attestors = attestors;
	reader->set->attestor_count = count;
	return true;
}

static bool same_policy(const struct image_policy *a, const struct image_policy *b)
{
	return str_eq(a->name, b->name) && str_eq(a->namespace_, b->namespace_);
}

bool manifest_link_policies(struct manifest_reader *reader, struct err *e)
{
	struct arena *arena = &reader->set->arena;
	size_t count = reader->policy_count;
	struct policy_draft **drafts = arena_array(arena, count + 1, sizeof(struct policy_draft *));
	struct image_policy *policies = arena_array(arena, count + 1, sizeof(*policies));
	size_t at = 0;

	if (!drafts || !policies)
		return out_of_room(reader, e);
	for (struct policy_draft *d = reader->policies; d; d = d->next)
		drafts[at++] = d;
	qsort(drafts, count, sizeof(struct policy_draft *), compare_policies);
	for (size_t i = 0; i < count; i++) {
		policies[i] = drafts[i]->value;
		reader->set->needs_labels = reader->set->needs_labels || policies[i].match.label_count;
		if (i && same_policy(&policies[i], &policies[i - 1]))
			return given_twice(policies[i].namespace_.len ? "ImagePolicy" : "ClusterImagePolicy",
					   policies[i].name, drafts[i]->place, drafts[i - 1]->place, e);
	}
	reader->set->policies = policies;
	reader->set->policy_count = count;
	return true;
}

static bool prepare_links(struct manifest_reader *reader, struct err *e)
{
	struct links *l = &reader->links;

	*l = (struct links){.attestors = reader->set->attestors, .count = reader->set->attestor_count};
	l->stamp = arena_array(&reader->set->arena, l->count + 1, sizeof(size_t));
	return l->stamp || out_of_room(reader, e);
}

static size_t find_attestor(const struct links *l, struct str name)
{
	size_t low = 0;
	size_t high = l->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_compare(l->attestors[middle].name, name);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return l->count;
}

static bool absent(const struct links *l, const struct rule_draft *rule, size_t position, struct err *e)
{
	struct str name = rule->names[position];
	size_t least = spelling_limit(name);
	struct str nearest = STR("");

	for (size_t i = 0; i < l->count; i++)
		if (spelling_nearer(name, l->attestors[i].name, &least))
			nearest = l->attestors[i].name;
	return err_set(e, ERR_INVALID, "%.*s[%zu]: there is no Attestor %.*s%s%.*s%s", STR_ARG(rule->origin), position,
		       STR_ARG(name), nearest.len ? " (did you mean " : "", STR_ARG(nearest), nearest.len ? "?)" : "");
}

static bool named_twice(const struct rule_draft *rule, size_t position, struct err *e)
{
	return err_set(e, ERR_INVALID, "%.*s[%zu]: %.*s stands twice", STR_ARG(rule->origin), position,
		       STR_ARG(rule->names[position]));
}

/* What stands for an attestor that is not there. */
static const struct attestor *stand_in(struct manifest_reader *reader, struct str name)
{
	struct attestor *attestor = arena_alloc(&reader->set->arena, sizeof(*attestor));

	if (attestor)
		*attestor = (struct attestor){
			.name = name, .note = STR(""), .origin = STR(""), .missing = STR("does not exist")};
	return attestor;
}

/* A lenient rule may name attestors that are not there, and is told of the first. */
static bool link_absent(struct manifest_reader *reader, const struct rule_draft *rule, size_t position,
			struct err *lenient, struct err *e)
{
	if (!lenient)
		return absent(&reader->links, rule, position, e);
	if (lenient->kind == ERR_NONE)
		(void)err_set(lenient, ERR_NOT_FOUND, "%.*s[%zu]: there is no Attestor %.*s", STR_ARG(rule->origin),
			      position, STR_ARG(rule->names[position]));
	rule->attestors[position] = stand_in(reader, rule->names[position]);
	return rule->attestors[position] || out_of_room(reader, e);
}

static bool link_rule(struct manifest_reader *reader, const struct rule_draft *rule, struct err *lenient, struct err *e)
{
	struct links *l = &reader->links;

	l->rules++;
	for (size_t i = 0; i < rule->count; i++) {
		size_t attestor = find_attestor(l, rule->names[i]);

		if (attestor == l->count) {
			if (!link_absent(reader, rule, i, lenient, e))
				return false;
			continue;
		}
		if (l->stamp[attestor] == l->rules)
			return named_twice(rule, i, e);
		l->stamp[attestor] = l->rules;
		rule->attestors[i] = &l->attestors[attestor];
	}
	return true;
}

static struct rule_draft *oldest_first(struct rule_draft *newest)
{
	struct rule_draft *list = NULL;

	while (newest) {
		struct rule_draft *next = newest->next;

		newest->next = list;
		list = newest;
		newest = next;
	}
	return list;
}

static bool link_rules(struct manifest_reader *reader, struct err *e)
{
	for (const struct rule_draft *rule = reader->rules; rule; rule = rule->next)
		if (!link_rule(reader, rule, NULL, e))
			return false;
	return true;
}

bool manifest_link_files(struct manifest_reader *reader, struct err *e)
{
	reader->rules = oldest_first(reader->rules);
	return link_attestors(reader, e) && manifest_link_policies(reader, e) && prepare_links(reader, e) &&
	       link_rules(reader, e) && key_overlap_check(reader->set, e);
}

bool manifest_link_attestors(struct manifest_reader *reader, struct err *e)
{
	return link_attestors(reader, e) && prepare_links(reader, e) && link_rules(reader, e) &&
	       key_overlap_prepare(reader->set, &reader->overlap, e);
}

bool manifest_link_object(struct manifest_reader *reader, const struct rule_draft *rules, const struct rule_draft *end,
			  const struct image_policy *policy, struct err *absent_attestor, struct err *e)
{
	for (const struct rule_draft *rule = rules; rule != end; rule = rule->next)
		if (!link_rule(reader, rule, absent_attestor, e))
			return false;
	return key_overlap_check_policy(reader->overlap, policy, e);
}
