#include "policy/manifest_link.h"

#include <stdlib.h>

#include "base/spelling.h"
#include "policy/key_overlap.h"

/* Attestors by name; a stamp is the number of the rule that named one last. */
struct links {
	const struct attestor *attestors;
	size_t count;
	size_t *stamp;
};

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

static bool link_policies(struct manifest_reader *reader, struct err *e)
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
		if (i && same_policy(&policies[i], &policies[i - 1]))
			return given_twice(policies[i].namespace_.len ? "ImagePolicy" : "ClusterImagePolicy",
					   policies[i].name, drafts[i]->place, drafts[i - 1]->place, e);
	}
	reader->set->policies = policies;
	reader->set->policy_count = count;
	return true;
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

static bool link_rule(const struct links *l, const struct rule_draft *rule, size_t number, struct err *e)
{
	for (size_t i = 0; i < rule->count; i++) {
		size_t attestor = find_attestor(l, rule->names[i]);

		if (attestor == l->count)
			return absent(l, rule, i, e);
		if (l->stamp[attestor] == number)
			return named_twice(rule, i, e);
		l->stamp[attestor] = number;
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
	struct links links = {.attestors = reader->set->attestors, .count = reader->set->attestor_count};
	size_t number = 0;

	links.stamp = arena_array(&reader->set->arena, links.count + 1, sizeof(size_t));
	if (!links.stamp)
		return out_of_room(reader, e);
	reader->rules = oldest_first(reader->rules);
	for (const struct rule_draft *rule = reader->rules; rule; rule = rule->next)
		if (!link_rule(&links, rule, ++number, e))
			return false;
	return true;
}

bool manifest_link(struct manifest_reader *reader, struct err *e)
{
	return link_attestors(reader, e) && link_policies(reader, e) && link_rules(reader, e) &&
	       key_overlap_check(reader->set, e);
}
