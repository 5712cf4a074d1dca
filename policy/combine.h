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

enum evidence evidence_of(const struct attestation_fact *fact, const struct attestor *attestor,
			  const struct vouched *what);
/* The first attestation that counts for `attestor`; NULL when none does. */
const struct attestation_fact *attestor_evidence(const struct attestor *attestor, const struct facts_answer *facts,
						 const struct vouched *what);
/* True when at least rule->count different attestors have evidence. An attestor that the rule names twice is one; a
 * rule without attestors, with a count of 0 or with a count above its attestors never holds. */
bool rule_holds(const struct attestation_rule *rule, const struct facts_answer *facts, const struct vouched *what);
/* True when all rules hold and there is one at least. */
bool rules_hold(const struct image_policy *policy, const struct facts_answer *facts, const struct vouched *what);

/* What has been found so far about one object. Begins as {0}. */
struct tally {
	size_t images; /* judged to the end */
	size_t deny;   /* findings by enforcement */
	size_t warn;
	size_t audit;
	size_t exempt;	/* policies lifted from an image */
	size_t applied; /* policies, or the default action, that an image had to satisfy */
};

/* An unknown enforcement denies. */
void tally_finding(struct tally *tally, enum enforcement enforcement);
/* The decision once `images` images should have been judged: DENY when one has not been, or anything denies; else WARN,
 * else AUDIT, else EXEMPT when every policy that selected an image was lifted by its own exemption and nothing else
 * had to be satisfied, else ALLOW. */
enum decision_kind tally_decide(const struct tally *tally, size_t images);

#endif
