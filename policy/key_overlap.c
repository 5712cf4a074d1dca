#include "policy/key_overlap.h"

#include <stdlib.h>

/* What a key is known by, as one attestor lists it; equal identities get the same number. */
struct identity {
	struct str text;
	struct str origin;
	size_t place;
};

/* Arrays by attestor and by place of an identity; stamps are by number, and say which rule was there last. */
struct key_overlap {
	struct policy_set *set;
	size_t *first; /* place of an attestor's first identity; one more at the end */
	size_t *number;
	size_t *stamp;
	const struct attestor **owner;
	struct identity *identities;
	size_t count;
	size_t rules;
};

/* A key whose source gave nothing is none. */
static size_t identity_count(const struct attestor_key *key)
{
	if (key->fingerprint_count)
		return key->fingerprint_count;
	return key->openpgp.len ? 1 : 0;
}

static struct str identity_text(const struct attestor_key *key, size_t index)
{
	return key->fingerprint_count ? key->fingerprints[index] : str_trim(key->openpgp);
}

static size_t count_identities(const struct policy_set *set)
{
	size_t count = 0;

	for (size_t a = 0; a < set->attestor_count; a++)
		for (size_t k = 0; k < set->attestors[a].key_count; k++)
			count += identity_count(&set->attestors[a].keys[k]);
	return count;
}

static void list_identities(struct key_overlap *o)
{
	size_t at = 0;

	for (size_t a = 0; a < o->set->attestor_count; a++) {
		const struct attestor *attestor = &o->set->attestors[a];

		o->first[a] = at;
		for (size_t k = 0; k < attestor->key_count; k++)
			for (size_t i = 0; i < identity_count(&attestor->keys[k]); i++, at++)
				o->identities[at] = (struct identity){identity_text(&attestor->keys[k], i),
								      attestor->keys[k].origin, at};
	}
	o->first[o->set->attestor_count] = at;
}

static int compare_identities(const void *a, const void *b)
{
	const struct identity *x = a;
	const struct identity *y = b;

	return str_compare(x->text, y->text);
}

static int compare_places(const void *a, const void *b)
{
	const struct identity *x = a;
	const struct identity *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

static void number_identities(struct key_overlap *o)
{
	struct identity *list = o->identities;

	qsort(list, o->count, sizeof(*list), compare_identities);
	for (size_t i = 0; i < o->count; i++)
		o->number[list[i].place] =
			i && str_eq(list[i].text, list[i - 1].text) ? o->number[list[i - 1].place] : i;
	qsort(list, o->count, sizeof(*list), compare_places);
}

static bool overlap_init(struct key_overlap *o, struct policy_set *set, struct err *e)
{
	struct arena *arena = &set->arena;
	size_t count = count_identities(set);

	*o = (struct key_overlap){.set = set, .count = count};
	o->first = arena_array(arena, set->attestor_count + 1, sizeof(size_t));
	o->number = arena_array(arena, count + 1, sizeof(size_t));
	o->stamp = arena_array(arena, count + 1, sizeof(size_t));
	o->owner = arena_array(arena, count + 1, sizeof(struct attestor *));
	o->identities = arena_array(arena, count + 1, sizeof(struct identity));
	if (!o->first || !o->number || !o->stamp || !o->owner || !o->identities)
		return arena_error(arena, e, "the policies take too much memory");
	list_identities(o);
	number_identities(o);
	return true;
}

static bool shared(const struct attestation_rule *rule, size_t position, const struct attestor *other,
		   struct str origin, struct err *e)
{
	return err_set(e, ERR_INVALID, "%.*s[%zu]: %.*s shares a key with %.*s (%.*s)", STR_ARG(rule->origin), position,
		       STR_ARG(rule->attestors[position]->name), STR_ARG(other->name), STR_ARG(origin));
}

static bool check_attestor(struct key_overlap *o, const struct attestation_rule *rule, size_t position, struct err *e)
{
	const struct attestor *attestor = rule->attestors[position];
	size_t index;

	/* It has no keys, and may stand outside the set. */
	if (attestor->missing.len)
		return true;
	index = (size_t)(attestor - o->set->attestors);
	for (size_t place = o->first[index]; place < o->first[index + 1]; place++) {
		size_t number = o->number[place];

		if (o->stamp[number] == o->rules && o->owner[number] != attestor)
			return shared(rule, position, o->owner[number], o->identities[place].origin, e);
		o->stamp[number] = o->rules;
		o->owner[number] = attestor;
	}
	return true;
}

static bool check_rule(struct key_overlap *o, const struct attestation_rule *rule, struct err *e)
{
	o->rules++;
	for (size_t i = 0; i < rule->attestor_count; i++)
		if (!check_attestor(o, rule, i, e))
			return false;
	return true;
}

bool key_overlap_check_policy(struct key_overlap *o, const struct image_policy *policy, struct err *e)
{
	for (size_t r = 0; r < policy->rule_count; r++)
		if (!check_rule(o, &policy->rules[r], e))
			return false;
	return true;
}

bool key_overlap_prepare(struct policy_set *set, struct key_overlap **out, struct err *e)
{
	struct key_overlap *o = arena_alloc(&set->arena, sizeof(*o));

	if (!o)
		return arena_error(&set->arena, e, "the policies take too much memory");
	if (!overlap_init(o, set, e))
		return false;
	*out = o;
	return true;
}

bool key_overlap_check(struct policy_set *set, struct err *e)
{
	struct key_overlap *o = NULL;

	if (!key_overlap_prepare(set, &o, e))
		return false;
	for (size_t p = 0; p < set->policy_count; p++)
		if (!key_overlap_check_policy(o, &set->policies[p], e))
			return false;
	return true;
}
