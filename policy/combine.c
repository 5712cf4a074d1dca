#include "policy/combine.h"

static bool key_is(const struct attestor_key *key, struct str signer)
{
	for (size_t i = 0; i < key->fingerprint_count; i++)
		if (str_eq(key->fingerprints[i], signer))
			return true;
	return false;
}

static bool attestor_lists(const struct attestor *attestor, struct str signer)
{
	if (signer.len == 0)
		return false;
	for (size_t i = 0; i < attestor->key_count; i++)
		if (key_is(&attestor->keys[i], signer))
			return true;
	return false;
}

static bool has_expired(const struct attestation_fact *fact, int64_t now)
{
	return fact->expires_at != 0 && fact->expires_at <= now;
}

enum evidence evidence_of(const struct attestation_fact *fact, const struct attestor *attestor,
			  const struct vouched *what)
{
	if (attestor->note.len && !str_eq(fact->note, attestor->note))
		return EVIDENCE_OTHER_NOTE;
	if (fact->verdict != VERDICT_ACCEPTED || fact->reason != REASON_GOOD)
		return EVIDENCE_REJECTED;
	if (what->digest.len == 0 || !str_eq(fact->digest, what->digest))
		return EVIDENCE_OTHER_DIGEST;
	if (fact->repository.len && !str_eq(fact->repository, what->repository))
		return EVIDENCE_OTHER_REPOSITORY;
	if (!attestor_lists(attestor, fact->signer))
		return EVIDENCE_OTHER_SIGNER;
	if (has_expired(fact, what->now))
		return fact->key_expires_first ? EVIDENCE_KEY_EXPIRED : EVIDENCE_SIGNATURE_EXPIRED;
	return EVIDENCE_COUNTS;
}

const struct attestation_fact *attestor_evidence(const struct attestor *attestor, const struct facts_answer *facts,
						 const struct vouched *what)
{
	for (size_t i = 0; i < facts->count; i++)
		if (evidence_of(&facts->items[i], attestor, what) == EVIDENCE_COUNTS)
			return &facts->items[i];
	return NULL;
}

/* True when the attestor at `index` stands in the rule before. */
static bool named_before(const struct attestation_rule *rule, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (rule->attestors[i] == rule->attestors[index] ||
		    str_eq(rule->attestors[i]->name, rule->attestors[index]->name))
			return true;
	return false;
}

bool rule_holds(const struct attestation_rule *rule, const struct facts_answer *facts, const struct vouched *what)
{
	size_t vouching = 0;

	if (rule->count == 0 || rule->count > rule->attestor_count)
		return false;
	for (size_t i = 0; i < rule->attestor_count; i++)
		if (attestor_evidence(rule->attestors[i], facts, what) && !named_before(rule, i))
			vouching++;
	return vouching >= rule->count;
}

bool rules_hold(const struct image_policy *policy, const struct facts_answer *facts, const struct vouched *what)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (!rule_holds(&policy->rules[i], facts, what))
			return false;
	return policy->rule_count > 0;
}

void tally_finding(struct tally *tally, enum enforcement enforcement)
{
	if (enforcement == ENFORCE_WARN)
		tally->warn++;
	else if (enforcement == ENFORCE_AUDIT)
		tally->audit++;
	else
		tally->deny++;
}

enum decision_kind tally_decide(const struct tally *tally, size_t images)
{
	if (tally->images != images || tally->deny)
		return DECISION_DENY;
	if (tally->warn)
		return DECISION_WARN;
	if (tally->audit)
		return DECISION_AUDIT;
	return tally->exempt && !tally->applied ? DECISION_EXEMPT : DECISION_ALLOW;
}
