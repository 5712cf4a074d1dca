#include "policy/combine.h"

/*@ requires key_readable(key) && str_readable(signer);
  @ assigns \nothing;
  @ ensures \result <==>
  @   (\exists integer j; 0 <= j < key->fingerprint_count && str_same(key->fingerprints[j], signer)); */
static bool key_is(const struct attestor_key *key, struct str signer)
{
	/*@ loop invariant 0 <= i <= key->fingerprint_count;
	  @ loop invariant \forall integer j; 0 <= j < i ==> !str_same(key->fingerprints[j], signer);
	  @ loop assigns i;
	  @ loop variant key->fingerprint_count - i; */
	for (size_t i = 0; i < key->fingerprint_count; i++)
		if (str_eq(key->fingerprints[i], signer))
			return true;
	return false;
}

/*@ requires attestor_readable(attestor) && str_readable(signer);
  @ assigns \nothing;
  @ ensures \result <==> lists(attestor, signer); */
static bool attestor_lists(const struct attestor *attestor, struct str signer)
{
	if (signer.len == 0)
		return false;
	/*@ loop invariant 0 <= i <= attestor->key_count;
	  @ loop invariant \forall integer k, j; 0 <= k < i && 0 <= j < attestor->keys[k].fingerprint_count ==>
	  @   !str_same(attestor->keys[k].fingerprints[j], signer);
	  @ loop assigns i;
	  @ loop variant attestor->key_count - i; */
	for (size_t i = 0; i < attestor->key_count; i++)
		if (key_is(&attestor->keys[i], signer))
			return true;
	return false;
}

/*@ requires \valid_read(fact);
  @ assigns \nothing;
  @ ensures \result <==> fact->expires_at != 0 && fact->expires_at <= now; */
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
	/*@ loop invariant 0 <= i <= facts->count;
	  @ loop invariant \forall integer j; 0 <= j < i ==> !proves(facts->items + j, attestor, what);
	  @ loop assigns i;
	  @ loop variant facts->count - i; */
	for (size_t i = 0; i < facts->count; i++)
		if (evidence_of(&facts->items[i], attestor, what) == EVIDENCE_COUNTS)
			return &facts->items[i];
	return NULL;
}

/* True when the attestor at `index` stands in the rule before. */
/*@ requires rule_readable(rule) && index < rule->attestor_count;
  @ assigns \nothing;
  @ ensures \result <==> named_twice(rule, index); */
static bool named_before(const struct attestation_rule *rule, size_t index)
{
	/*@ loop invariant 0 <= i <= index;
	  @ loop invariant \forall integer j; 0 <= j < i ==> rule->attestors[j] != rule->attestors[index] &&
	  @   !str_same(rule->attestors[j]->name, rule->attestors[index]->name);
	  @ loop assigns i;
	  @ loop variant index - i; */
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
	/*@ loop invariant 0 <= i <= rule->attestor_count;
	  @ loop invariant 0 <= vouching <= i;
	  @ loop invariant \forall integer k; at_least(k, rule, i, facts, what) <==> k <= vouching;
	  @ loop assigns i, vouching;
	  @ loop variant rule->attestor_count - i; */
	for (size_t i = 0; i < rule->attestor_count; i++)
		if (attestor_evidence(rule->attestors[i], facts, what) && !named_before(rule, i))
			vouching++;
	return vouching >= rule->count;
}

bool rules_hold(const struct image_policy *policy, const struct facts_answer *facts, const struct vouched *what)
{
	/*@ loop invariant 0 <= i <= policy->rule_count;
	  @ loop invariant \forall integer j; 0 <= j < i ==> rule_proven(policy->rules + j, facts, what);
	  @ loop assigns i;
	  @ loop variant policy->rule_count - i; */
	for (size_t i = 0; i < policy->rule_count; i++)
		if (!rule_holds(&policy->rules[i], facts, what))
			return false;
	return policy->rule_count > 0;
}

bool policy_holds(const struct image_policy *policy, const struct facts_answer *facts, const struct vouched *what)
{
	if (what->digest.len == 0)
		return false;
	if (policy->rule_count == 0)
		return policy->require_digest;
	return facts && rules_hold(policy, facts, what);
}

/*@ requires \valid(count);
  @ assigns *count;
  @ ensures *count > 0 && *count >= \old(*count); */
static void add_one(size_t *count)
{
	if (*count < SIZE_MAX)
		++*count;
}

void tally_finding(struct tally *tally, enum enforcement enforcement)
{
	if (enforcement == ENFORCE_WARN)
		add_one(&tally->warn);
	else if (enforcement == ENFORCE_AUDIT)
		add_one(&tally->audit);
	else
		add_one(&tally->deny);
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
