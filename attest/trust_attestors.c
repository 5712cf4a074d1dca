#include "attest/trust_build.h"
#include "base/cleanup.h"

static bool out_of_room(const struct arena *arena, struct err *e)
{
	return arena_error(arena, e, "the policies take too much memory");
}

/* An entry of an Attestor is one certificate, so that its place says which key is meant. */
static bool check_list(const struct attestor_key *key, const struct key_list *list, struct err *e)
{
	const char *refusal;

	if (list->count != 1)
		return err_set(e, ERR_INVALID, "%.*s: holds %zu keys, each needs an entry of its own",
			       STR_ARG(key->origin), list->count);
	refusal = key_refusal(&list->items[0]);
	if (refusal)
		return err_set(e, ERR_INVALID, "%.*s: key %s %s", STR_ARG(key->origin), list->items[0].fingerprint,
			       refusal);
	return true;
}

static bool set_fingerprint(struct attestor_key *key, const struct key_info *info, struct arena *arena, struct err *e)
{
	struct str *fingerprint = arena_alloc(arena, sizeof(*fingerprint));

	if (!fingerprint)
		return out_of_room(arena, e);
	*fingerprint = arena_copy(arena, str_of(info->fingerprint));
	if (!fingerprint->ptr)
		return out_of_room(arena, e);
	key->fingerprints = fingerprint;
	key->fingerprint_count = 1;
	return true;
}

static bool check_key(struct trust_build *b, struct arena *arena, const struct attestor *attestor,
		      struct attestor_key *key, struct err *e)
{
	struct key_list list = {0};

	if (!trust_inspect(b, key->openpgp, &list, e))
		return err_context(e, "%.*s", STR_ARG(key->origin));
	return check_list(key, &list, e) && trust_know(b, &list.items[0], attestor->name, key->origin, e) &&
	       set_fingerprint(key, &list.items[0], arena, e);
}

static size_t count_keys(const struct policy_set *set)
{
	size_t count = 0;

	for (size_t a = 0; a < set->attestor_count; a++)
		count += set->attestors[a].key_count;
	return count;
}

static bool describe_keys(struct trust_build *b, const struct policy_set *set, struct err *e)
{
	cleanup(memory) struct str *texts = calloc(count_keys(set) + 1, sizeof(*texts));
	size_t count = 0;

	if (!texts)
		return err_no_memory(e);
	for (size_t a = 0; a < set->attestor_count; a++)
		for (size_t k = 0; k < set->attestors[a].key_count; k++)
			texts[count++] = set->attestors[a].keys[k].openpgp;
	return trust_describe(b, texts, count, e);
}

bool trust_check_attestor_keys(struct trust_build *b, struct policy_set *set, struct err *e)
{
	if (!describe_keys(b, set, e))
		return false;
	for (size_t a = 0; a < set->attestor_count; a++)
		for (size_t k = 0; k < set->attestors[a].key_count; k++)
			if (!check_key(b, &set->arena, &set->attestors[a], &set->attestors[a].keys[k], e))
				return false;
	return true;
}
