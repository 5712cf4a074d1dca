/* The heart of a decision: from attestations to one yes or no. Small, pure functions over values; the zero of every
 * answer is the refusing one. */
#ifndef SEALGATE_POLICY_COMBINE_H
#define SEALGATE_POLICY_COMBINE_H

#include "policy/evaluate.h"

/* What is to be vouched for, and when. */
struct vouched {
	struct str digest;     /* "" can't be vouched for */
	struct str repository; /* normal form */
	int64_t now;	       /* seconds */
};

/* Why one attestation counts for one attestor, or not. Only the last one counts. */
enum evidence {
	EVIDENCE_REJECTED = 0, /* its signature was not accepted; the fact's reason says why */
	EVIDENCE_OTHER_NOTE,   /* another authority's: says nothing about this attestor */
	EVIDENCE_OTHER_DIGEST,
	EVIDENCE_OTHER_REPOSITORY,
	EVIDENCE_OTHER_SIGNER, /* a good signature, by a key that this attestor does not list */
	EVIDENCE_SIGNATURE_EXPIRED,
	EVIDENCE_KEY_EXPIRED,
	EVIDENCE_COUNTS,
};

/* The contracts (ACSL, proven by `make prove`). First what must be readable, then what is meant. */
/*@ predicate key_readable(struct attestor_key *key) =
  @   \valid_read(key) &&
  @   (key->fingerprint_count == 0 || \valid_read(key->fingerprints + (0 .. key->fingerprint_count - 1))) &&
  @   (\forall integer i; 0 <= i < key->fingerprint_count ==> str_readable(key->fingerprints[i])); */
/*@ predicate attestor_readable(struct attestor *attestor) =
  @   \valid_read(attestor) && str_readable(attestor->name) && str_readable(attestor->note) &&
  @   (\forall integer i; 0 <= i < attestor->key_count ==> key_readable(attestor->keys + i)); */
/*@ predicate fact_readable(struct attestation_fact *fact) =
  @   \valid_read(fact) && str_readable(fact->note) && str_readable(fact->signer) && str_readable(fact->digest) &&
  @   str_readable(fact->repository); */
/*@ predicate facts_readable(struct facts_answer *facts) =
  @   \valid_read(facts) && (\forall integer i; 0 <= i < facts->count ==> fact_readable(facts->items + i)); */
/*@ predicate rule_readable(struct attestation_rule *rule) =
  @   \valid_read(rule) &&
  @   (rule->attestor_count == 0 || \valid_read(rule->attestors + (0 .. rule->attestor_count - 1))) &&
  @   (\forall integer i; 0 <= i < rule->attestor_count ==> attestor_readable(rule->attestors[i])); */
/*@ predicate rules_readable(struct image_policy *policy) =
  @   \valid_read(policy) && (\forall integer i; 0 <= i < policy->rule_count ==> rule_readable(policy->rules + i)); */
/*@ predicate vouched_readable(struct vouched *what) =
  @   \valid_read(what) && str_readable(what->digest) && str_readable(what->repository); */

/* One of the attestor's keys has this fingerprint. */
/*@ predicate lists(struct attestor *attestor, struct str signer) =
  @   signer.len > 0 &&
  @   (\exists integer i, j; 0 <= i < attestor->key_count && 0 <= j < attestor->keys[i].fingerprint_count &&
  @     str_same(attestor->keys[i].fingerprints[j], signer)); */
/* One attestation is a proof: accepted, of this digest and repository, under the attestor's note, by its key, now. */
/*@ predicate proves(struct attestation_fact *fact, struct attestor *attestor, struct vouched *what) =
  @   fact->verdict == VERDICT_ACCEPTED && fact->reason == REASON_GOOD &&
  @   what->digest.len > 0 && str_same(fact->digest, what->digest) &&
  @   (fact->repository.len == 0 || str_same(fact->repository, what->repository)) &&
  @   (attestor->note.len == 0 || str_same(fact->note, attestor->note)) &&
  @   lists(attestor, fact->signer) &&
  @   (fact->expires_at == 0 || fact->expires_at > what->now); */
/*@ predicate vouches(struct attestor *attestor, struct facts_answer *facts, struct vouched *what) =
  @   \exists integer i; 0 <= i < facts->count && proves(facts->items + i, attestor, what); */
/* The attestor at `index` stands in the rule before. */
/*@ predicate named_twice(struct attestation_rule *rule, integer index) =
  @   \exists integer i; 0 <= i < index && (rule->attestors[i] == rule->attestors[index] ||
  @     str_same(rule->attestors[i]->name, rule->attestors[index]->name)); */
/* At least `k` of the rule's first `n` attestors vouch, each counted once. */
/*@ predicate at_least(integer k, struct attestation_rule *rule, integer n, struct facts_answer *facts,
  @                    struct vouched *what) =
  @   k <= 0 || (n > 0 && (at_least(k, rule, n - 1, facts, what) ||
  @     (vouches(rule->attestors[n - 1], facts, what) && !named_twice(rule, n - 1) &&
  @       at_least(k - 1, rule, n - 1, facts, what)))); */
/*@ predicate rule_proven(struct attestation_rule *rule, struct facts_answer *facts, struct vouched *what) =
  @   0 < rule->count <= rule->attestor_count && at_least(rule->count, rule, rule->attestor_count, facts, what); */
/*@ predicate rules_proven(struct image_policy *policy, struct facts_answer *facts, struct vouched *what) =
  @   \forall integer i; 0 <= i < policy->rule_count ==> rule_proven(policy->rules + i, facts, what); */

/*@ requires fact_readable(fact) && attestor_readable(attestor) && vouched_readable(what);
  @ assigns \nothing;
  @ ensures \result == EVIDENCE_COUNTS <==> proves(fact, attestor, what); */
enum evidence evidence_of(const struct attestation_fact *fact, const struct attestor *attestor,
			  const struct vouched *what);
/* The first attestation that counts for `attestor`; NULL when none does. */
/*@ requires attestor_readable(attestor) && facts_readable(facts) && vouched_readable(what);
  @ assigns \nothing;
  @ ensures \result == \null <==> !vouches(attestor, facts, what);
  @ ensures \result != \null ==> (\exists integer i; 0 <= i < facts->count && \result == facts->items + i &&
  @   proves(facts->items + i, attestor, what) &&
  @   (\forall integer j; 0 <= j < i ==> !proves(facts->items + j, attestor, what))); */
const struct attestation_fact *attestor_evidence(const struct attestor *attestor, const struct facts_answer *facts,
						 const struct vouched *what);
/* True when at least rule->count different attestors have evidence. An attestor that the rule names twice is one; a
 * rule without attestors, with a count of 0 or with a count above its attestors never holds. */
/*@ requires rule_readable(rule) && facts_readable(facts) && vouched_readable(what);
  @ assigns \nothing;
  @ ensures \result <==> rule_proven(rule, facts, what); */
bool rule_holds(const struct attestation_rule *rule, const struct facts_answer *facts, const struct vouched *what);
/* True when all rules hold and there is one at least. */
/*@ requires rules_readable(policy) && facts_readable(facts) && vouched_readable(what);
  @ assigns \nothing;
  @ ensures \result <==> policy->rule_count > 0 && rules_proven(policy, facts, what); */
bool rules_hold(const struct image_policy *policy, const struct facts_answer *facts, const struct vouched *what);
/* True when the policy's rules hold, and the image has a digest if the policy wants one. A policy that requires nothing
 * never holds. `facts` may be NULL: then nothing is known. */
/*@ requires rules_readable(policy) && vouched_readable(what) && (facts == \null || facts_readable(facts));
  @ assigns \nothing;
  @ ensures \result <==> what->digest.len > 0 && (policy->require_digest || policy->rule_count > 0) &&
  @   (policy->rule_count > 0 ==> facts != \null && rules_proven(policy, facts, what)); */
bool policy_holds(const struct image_policy *policy, const struct facts_answer *facts, const struct vouched *what);

/* What has been found so far about one object. Begins as {0}. */
struct tally {
	size_t images; /* judged to the end */
	size_t deny;   /* findings by enforcement */
	size_t warn;
	size_t audit;
	size_t exempt;	/* policies lifted from an image */
	size_t applied; /* policies, or the default action, that an image had to satisfy */
};

/* An unknown enforcement denies. Counts stay at their greatest value once they have reached it. */
/*@ requires \valid(tally);
  @ assigns tally->deny, tally->warn, tally->audit;
  @ ensures tally->deny >= \old(tally->deny) && tally->warn >= \old(tally->warn) && tally->audit >= \old(tally->audit);
  @ ensures enforcement == ENFORCE_WARN ==> tally->warn > 0 && tally->deny == \old(tally->deny);
  @ ensures enforcement == ENFORCE_AUDIT ==> tally->audit > 0 && tally->deny == \old(tally->deny);
  @ ensures enforcement != ENFORCE_WARN && enforcement != ENFORCE_AUDIT ==> tally->deny > 0; */
void tally_finding(struct tally *tally, enum enforcement enforcement);
/* The decision once `images` images should have been judged: DENY when one has not been, or anything denies; else WARN,
 * else AUDIT, else EXEMPT when every policy that selected an image was lifted by its own exemption and nothing else
 * had to be satisfied, else ALLOW. */
/*@ requires \valid_read(tally);
  @ assigns \nothing;
  @ ensures \result == DECISION_DENY <==> tally->images != images || tally->deny > 0;
  @ ensures \result == DECISION_WARN <==> tally->images == images && tally->deny == 0 && tally->warn > 0;
  @ ensures \result == DECISION_AUDIT <==>
  @   tally->images == images && tally->deny == 0 && tally->warn == 0 && tally->audit > 0;
  @ ensures \result == DECISION_EXEMPT <==> tally->images == images && tally->deny == 0 && tally->warn == 0 &&
  @   tally->audit == 0 && tally->exempt > 0 && tally->applied == 0;
  @ ensures \result == DECISION_ALLOW <==> tally->images == images && tally->deny == 0 && tally->warn == 0 &&
  @   tally->audit == 0 && (tally->exempt == 0 || tally->applied > 0); */
enum decision_kind tally_decide(const struct tally *tally, size_t images);

#endif
