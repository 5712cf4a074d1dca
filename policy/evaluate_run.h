/* One evaluation in progress, shared by the files that carry it out: evaluate.c orders the steps, evaluate_facts.c
 * asks, evaluate_judge.c judges. Steps return false when the evaluation can't go on; `progress` then says why. */
#ifndef SEALGATE_POLICY_EVALUATE_RUN_H
#define SEALGATE_POLICY_EVALUATE_RUN_H

#include "policy/combine.h"

/* A policy that selects an image: an index into the candidates. */
struct selection {
	uint32_t candidate;
	bool exempt;
};

/* What is known of one digest. */
struct digest_facts {
	struct facts_answer answer;
	struct str error; /* why nothing is known; "" when something is */
};

struct image_case {
	const struct image_use *use;
	struct str shown;   /* the text as messages have it */
	struct str invalid; /* why it is no reference; ptr NULL when it is one */
	struct image_ref ref;
	struct selection *selections;
	size_t selection_count;
	struct digest_facts *facts;
};

/* What one policy says of one image, before the words are put together. */
struct outcome {
	bool holds;
	enum finding_class class;
	enum enforcement enforcement;
	struct str policy; /* "" for none */
	struct str detail; /* what stands after the path */
	struct str reason; /* the same without the policy's name */
};

/* The last outcome of a policy that read facts: it is the same for every image of this digest and repository. */
struct precedent {
	const struct digest_facts *facts;
	struct str repository;
	struct outcome outcome;
};

/* A policy that fits the subject. */
struct candidate {
	const struct image_policy *policy;
	bool unknown;			  /* nobody knows whether it fits */
	bool applied;			  /* selected some image */
	const struct digest_facts *asked; /* the digest whose query has its notes already */
	const struct precedent *precedent;
};

enum progress { GOING_ON, TOO_LATE, NO_MEMORY };

struct run {
	const struct evaluation *how;
	struct arena *arena;
	struct str namespace_; /* of the subject */
	enum progress progress;
	struct tally tally;

	struct candidate *candidates;
	size_t candidate_count;
	struct selection *scratch; /* one for each candidate */

	struct image_case *cases;
	size_t case_count;
	struct finding *findings;
	size_t finding_count;
	size_t finding_capacity;
	struct judgement *judgements;
	size_t judgement_count;
};

/* True while there are time and memory; sets TOO_LATE past the deadline. */
bool run_goes_on(struct run *run);
/* Sets NO_MEMORY. Returns false. */
bool run_out_of_memory(struct run *run);
/* A copy of a text that must not be lost; ptr is NULL, and the run out of memory, when there is no room. */
struct str run_keep(struct run *run, struct str text);

/* Asks the facts once for each digest that a policy with attestation rules selects and does not exempt. */
bool run_gather_facts(struct run *run);
/* Judges the cases in their order, and counts in the tally those that were judged to the end. */
void run_judge(struct run *run);
/* Adds a finding and counts it. */
bool run_add_finding(struct run *run, const struct finding *finding);

#endif
