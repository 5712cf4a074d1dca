#include "policy/manifest_draft.h"

#define NAME STR("pubkeys")

static bool keep_fingerprints(struct manifest_source *m, const struct attestor_key *key, struct attestor_key *out,
			      struct err *e)
{
	struct str *kept = manifest_alloc(m, key->fingerprint_count + 1, sizeof(*kept), e);

	if (!kept)
		return false;
	for (size_t i = 0; i < key->fingerprint_count; i++)
		if (!manifest_keep(m, key->fingerprints[i], &kept[i], e))
			return false;
	out->fingerprints = kept;
	out->fingerprint_count = key->fingerprint_count;
	return true;
}

static bool keep_keys(struct manifest_source *m, const struct attestor_key *keys, size_t count, struct attestor *out,
		      struct err *e)
{
	out->keys = manifest_alloc(m, count + 1, sizeof(*out->keys), e);
	if (!out->keys)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!manifest_keep(m, keys[i].name, &out->keys[i].name, e) ||
		    !manifest_keep(m, keys[i].openpgp, &out->keys[i].openpgp, e) ||
		    !manifest_keep(m, keys[i].origin, &out->keys[i].origin, e) ||
		    !keep_fingerprints(m, &keys[i], &out->keys[i], e))
			return false;
	out->key_count = count;
	return true;
}

static struct attestor_draft *make_attestor(struct manifest_source *m, const struct attestor_key *keys, size_t count,
					    struct err *e)
{
	struct attestor_draft *draft = manifest_alloc(m, 1, sizeof(*draft), e);

	if (!draft)
		return NULL;
	draft->value.name = draft->value.origin = draft->place = NAME;
	draft->value.note = STR("");
	return keep_keys(m, keys, count, &draft->value, e) ? draft : NULL;
}

static struct rule_draft *make_rule(struct manifest_source *m, struct err *e)
{
	struct rule_draft *draft = manifest_alloc(m, 1, sizeof(*draft), e);
	struct str *names = manifest_alloc(m, 1, sizeof(*names), e);

	if (!draft || !names)
		return NULL;
	names[0] = draft->origin = NAME;
	draft->names = names;
	draft->count = 1;
	draft->attestors = manifest_alloc(m, 1, sizeof(*draft->attestors), e);
	return draft->attestors ? draft : NULL;
}

/* Selects every image, whatever and wherever it is. */
static struct policy_draft *make_policy(struct manifest_source *m, const struct rule_draft *rule, struct err *e)
{
	struct policy_draft *draft = manifest_alloc(m, 1, sizeof(*draft), e);
	struct attestation_rule *rules = manifest_alloc(m, 1, sizeof(*rules), e);

	if (!draft || !rules)
		return NULL;
	*rules = (struct attestation_rule){
		.attestors = rule->attestors, .attestor_count = 1, .count = 1, .origin = rule->origin};
	draft->place = NAME;
	draft->value = (struct image_policy){
		.name = NAME,
		.namespace_ = STR(""),
		.origin = NAME,
		.enforcement = ENFORCE_DENY,
		.require_digest = true,
		.rules = rules,
		.rule_count = 1,
	};
	return draft;
}

bool manifest_reader_add_pubkeys(struct manifest_reader *reader, const struct attestor_key *keys, size_t count,
				 struct err *e)
{
	struct manifest_source m = {.reader = reader};
	struct attestor_draft *attestor;
	struct policy_draft *policy;
	struct rule_draft *rule;

	if (reader->objects || reader->attestors)
		return err_set(e, ERR_INVALID, "the key directory is for a set-up without policy objects");
	attestor = make_attestor(&m, keys, count, e);
	rule = attestor ? make_rule(&m, e) : NULL;
	policy = rule ? make_policy(&m, rule, e) : NULL;
	if (!policy)
		return false;
	reader->attestors = attestor;
	reader->attestor_count = 1;
	reader->rules = rule;
	reader->policies = policy;
	reader->policy_count = 1;
	return true;
}
