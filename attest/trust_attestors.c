#include <stdlib.h>
#include <string.h>

#include "attest/trust_build.h"
#include "base/cleanup.h"

static bool out_of_room(const struct arena *arena, struct err *e)
{
	return arena_error(arena, e, "the policies take too much memory");
}

static bool is_reference(const struct attestor_key *key)
{
	return key->from.name.len > 0;
}

static const struct key_source *source_of(const struct trust_build *b, const struct attestor_key *key)
{
	return trust_objects_source(b->sources->objects, key->from.secret ? KEY_SOURCE_SECRET : KEY_SOURCE_CONFIG_MAP,
				    key->from.namespace_, key->from.name, key->from.key);
}

/* Nothing in an object may make the server read another namespace's Secret. */
static bool resolve_key(const struct trust_build *b, struct attestor_key *key, struct err *e)
{
	const char *own = b->sources->own_namespace;
	const struct key_source *source;

	if (!own)
		return err_set(e, ERR_INVALID, "%.*s: needs --kubeconfig or --in-cluster", STR_ARG(key->origin));
	if (!*own)
		return err_set(e, ERR_FORBIDDEN,
			       "%.*s.namespace: the server's own namespace is not known: set POD_NAMESPACE",
			       STR_ARG(key->origin));
	if (!str_eq_c(key->from.namespace_, own))
		return err_set(e, ERR_FORBIDDEN, "%.*s.namespace: keys may come from the namespace %s only",
			       STR_ARG(key->origin), own);
	source = source_of(b, key);
	key->openpgp = source ? source->text : STR("");
	return true;
}

bool trust_resolve_keys(const struct trust_build *b, const struct attestor *attestor, struct err *e)
{
	for (size_t k = 0; k < attestor->key_count; k++)
		if (is_reference(&attestor->keys[k]) && !resolve_key(b, &attestor->keys[k], e))
			return false;
	return true;
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

static bool inspect(struct trust_build *b, const struct attestor_key *key, struct key_list *list, struct err *e)
{
	if (!trust_inspect(b, key->openpgp, list, e))
		return err_context(e, "%.*s", STR_ARG(key->origin));
	return check_list(key, list, e);
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

/* An Attestor that is being weighed. */
struct weighing {
	struct trust_build *b;
	struct arena *arena;
	struct attestor *attestor;
	struct key_info *found; /* of each key that counts; the fingerprint of others is empty */
	struct trust_outcome *outcome;
	struct err why; /* what is wrong with the first key whose source is */
};

static const char *state_of(const struct trust_build *b, const struct key_info *info)
{
	if (info->revoked)
		return "Revoked";
	return trust_key_lapse(info, b->now) ? "Expired" : "Usable";
}

static void show(const struct trust_build *b, const struct key_info *info, struct trust_key_outcome *out)
{
	memcpy(out->fingerprint, info->fingerprint, sizeof(out->fingerprint));
	memcpy(out->algorithm, info->algorithm, sizeof(out->algorithm));
	out->expires_at = info->expires_at;
	out->state = state_of(b, info);
}

/* It does not count; the others do. */
static bool do_without(struct weighing *w, size_t index, enum trust_reason reason, const struct err *why)
{
	w->attestor->keys[index].openpgp = STR("");
	w->outcome->keys[index].state = reason == TRUST_REASON_KEY_SOURCE_NOT_FOUND ? "NotFound" : "Unusable";
	if (w->why.kind == ERR_NONE) {
		w->why = *why;
		w->outcome->reason = reason;
	}
	return true;
}

static bool do_without_source(struct weighing *w, size_t index)
{
	const struct attestor_key *key = &w->attestor->keys[index];
	const struct key_reference *from = &key->from;
	struct err why = ERR_INIT;

	if (source_of(w->b, key)) {
		(void)err_set(&why, ERR_INVALID, "%.*s: is not an armoured OpenPGP public key", STR_ARG(key->origin));
		return do_without(w, index, TRUST_REASON_KEY_SOURCE_INVALID, &why);
	}
	(void)err_set(&why, ERR_NOT_FOUND, "%.*s: there is no %s %.*s with the key %.*s in the namespace %.*s",
		      STR_ARG(key->origin), from->secret ? "Secret" : "ConfigMap", STR_ARG(from->name),
		      STR_ARG(from->key), STR_ARG(from->namespace_));
	return do_without(w, index, TRUST_REASON_KEY_SOURCE_NOT_FOUND, &why);
}

static bool weigh_key(struct weighing *w, size_t index, struct err *e)
{
	struct attestor_key *key = &w->attestor->keys[index];
	struct key_list list = {0};
	struct err why = ERR_INIT;

	if (is_reference(key) && key->openpgp.len == 0)
		return do_without_source(w, index);
	if (!inspect(w->b, key, &list, &why)) {
		if (is_reference(key) && trust_is_about_source(why.kind))
			return do_without(w, index, TRUST_REASON_KEY_SOURCE_INVALID, &why);
		return err_set(e, why.kind, "%s", why.text);
	}
	w->found[index] = list.items[0];
	show(w->b, &list.items[0], &w->outcome->keys[index]);
	return true;
}

/* Once nothing is wrong with any inline key. */
static bool take_key(struct weighing *w, size_t index, struct err *e)
{
	struct attestor_key *key = &w->attestor->keys[index];
	const struct key_info *info = &w->found[index];

	return !info->fingerprint[0] ||
	       (trust_know(w->b, info, w->attestor->name, key->origin, e) && set_fingerprint(key, info, w->arena, e));
}

static bool weigh_all(struct weighing *w, struct err *e)
{
	for (size_t k = 0; k < w->attestor->key_count; k++)
		if (!weigh_key(w, k, e))
			return false;
	for (size_t k = 0; k < w->attestor->key_count; k++)
		if (!take_key(w, k, e))
			return false;
	return true;
}

static bool has_usable_key(const struct trust_outcome *outcome)
{
	for (size_t k = 0; k < outcome->key_count; k++)
		if (strcmp(outcome->keys[k].state, "Usable") == 0)
			return true;
	return false;
}

static bool say(struct weighing *w, struct err *e)
{
	struct trust_outcome *outcome = w->outcome;

	if (outcome->reason == TRUST_REASON_IN_FORCE && !has_usable_key(outcome)) {
		outcome->reason = TRUST_REASON_NO_USABLE_KEY;
		(void)err_set(&w->why, ERR_NOT_FOUND, "%.*s: every key has expired or is revoked",
			      STR_ARG(w->attestor->origin));
	}
	outcome->message = strdup(w->why.kind == ERR_NONE ? "in force" : w->why.text);
	return outcome->message || err_no_memory(e);
}

bool trust_weigh_attestor(struct trust_build *b, struct arena *arena, struct attestor *attestor,
			  struct trust_outcome *out, struct err *e)
{
	struct trust_outcome outcome = {.reason = TRUST_REASON_IN_FORCE, .key_count = attestor->key_count};
	struct weighing w = {.b = b, .arena = arena, .attestor = attestor, .outcome = &outcome};
	bool ok;

	outcome.keys = calloc(attestor->key_count + 1, sizeof(*outcome.keys));
	w.found = calloc(attestor->key_count + 1, sizeof(*w.found));
	ok = (outcome.keys && w.found) ? weigh_all(&w, e) && say(&w, e) : err_no_memory(e);
	free(w.found);
	if (!ok) {
		free(outcome.keys);
		return false;
	}
	*out = outcome;
	return true;
}

static bool warn(struct trust_build *b, const struct trust_outcome *outcome, struct err *e)
{
	return outcome->reason == TRUST_REASON_IN_FORCE || outcome->reason == TRUST_REASON_NO_USABLE_KEY ||
	       trust_warn(b, e, "%s; the key does not count", outcome->message);
}

bool trust_check_attestor_keys(struct trust_build *b, const struct policy_set *set, struct arena *arena, struct err *e)
{
	for (size_t a = 0; a < set->attestor_count; a++) {
		struct attestor attestor = set->attestors[a];
		struct trust_outcome outcome;
		bool ok;

		if (!trust_weigh_attestor(b, arena, &attestor, &outcome, e))
			return false;
		ok = warn(b, &outcome, e);
		trust_outcome_release(&outcome);
		if (!ok)
			return false;
	}
	return true;
}
