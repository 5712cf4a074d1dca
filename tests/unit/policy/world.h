/* A small world to judge in: attestors, policies and attestations made by hand, and a facts source that counts how
 * often it is asked. Policies and attestors are added before the first judgement. */
#ifndef SEALGATE_TESTS_UNIT_POLICY_WORLD_H
#define SEALGATE_TESTS_UNIT_POLICY_WORLD_H

#include "policy/evaluate.h"

#define DIGEST_A "sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define IMAGE_A "gcr.io/hightowerlabs/payment@" DIGEST_A
#define IMAGE_B "gcr.io/hightowerlabs/payment@" DIGEST_B
#define REPOSITORY "gcr.io/hightowerlabs/payment"
#define FPR_QA "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define FPR_SECURITY "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define FPR_RELEASE "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"
#define FPR_STRANGER "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD"

enum { NOW = 1800000000, WORLD_ATTESTORS = 64, WORLD_POLICIES = 1200, WORLD_FACTS = 64, WORLD_USES = 10001 };

struct stored_fact {
	struct str under; /* the digest it is stored under */
	struct attestation_fact fact;
};

struct world {
	struct arena arena;
	struct policy_set set;
	struct attestor attestors[WORLD_ATTESTORS];
	struct image_policy policies[WORLD_POLICIES];
	struct stored_fact facts[WORLD_FACTS];
	size_t fact_count;
	struct image_use uses[WORLD_USES];
	size_t use_count;
	size_t unverified;
	const char *broken; /* the error of the facts source */
	enum err_kind broken_kind;
	size_t asked;
	size_t asked_every_note;
	size_t notes_asked;
	struct evaluation how;
	struct subject subject;
	size_t memory; /* of the evaluation */
	struct arena work;
	struct decision decision;
};

static inline bool world_wants(const struct facts_query *query, struct str note)
{
	for (size_t i = 0; i < query->note_count; i++)
		if (str_eq(query->notes[i], note))
			return true;
	return query->note_count == 0;
}

static inline bool world_attestations(void *context, const struct facts_query *query, struct arena *arena,
				      struct facts_answer *out, struct err *e)
{
	struct world *w = context;

	w->asked++;
	w->notes_asked += query->note_count;
	w->asked_every_note += query->note_count == 0;
	if (w->broken)
		return err_set(e, w->broken_kind, "%s", w->broken);
	*out = (struct facts_answer){.unverified = w->unverified};
	out->items = arena_array(arena, w->fact_count, sizeof(*out->items));
	if (!out->items)
		return err_no_memory(e);
	for (size_t i = 0; i < w->fact_count; i++)
		if (str_eq(w->facts[i].under, query->digest) && world_wants(query, w->facts[i].fact.note))
			out->items[out->count++] = w->facts[i].fact;
	return true;
}

/* The caller frees it with world_free. */
static inline struct world *world_new(void)
{
	static const struct facts template = {.attestations = world_attestations};
	struct world *w = calloc(1, sizeof(*w));
	struct facts *facts;

	assert_non_null(w);
	w->arena = arena_init(256u << 20);
	w->memory = 256u << 20;
	facts = arena_alloc(&w->arena, sizeof(*facts));
	assert_non_null(facts);
	*facts = template;
	facts->context = w;
	w->set.attestors = w->attestors;
	w->set.policies = w->policies;
	w->how = (struct evaluation){.policies = &w->set, .facts = facts, .now = NOW};
	w->subject = (struct subject){.namespace_ = STR("prod"), .kind = STR("Pod"), .service_account = STR("")};
	return w;
}

static inline void world_free(struct world *w)
{
	if (!w)
		return;
	arena_release(&w->work);
	arena_release(&w->arena);
	free(w);
}

CLEANUP_POINTER(world, struct world, world_free)

/* An attestor with one key; note "" takes any note, fingerprint NULL leaves it without keys. */
static inline const struct attestor *world_attestor(struct world *w, const char *name, const char *note,
						    const char *fingerprint)
{
	struct attestor *a = &w->attestors[w->set.attestor_count++];
	struct str *fingerprints = arena_alloc(&w->arena, sizeof(*fingerprints));

	*a = (struct attestor){.name = str_of(name), .note = str_of(note)};
	if (!fingerprint)
		return a;
	*fingerprints = str_of(fingerprint);
	a->keys = arena_alloc(&w->arena, sizeof(*a->keys));
	a->keys[0].fingerprints = fingerprints;
	a->keys[0].fingerprint_count = 1;
	a->key_count = 1;
	return a;
}

/* A cluster policy that requires a digest and, with attestors, `count` of them. */
static inline struct image_policy *world_policy(struct world *w, const char *name, size_t count, size_t attestor_count,
						const struct attestor *const *attestors)
{
	struct image_policy *p = &w->policies[w->set.policy_count++];
	struct attestation_rule *rule = arena_alloc(&w->arena, sizeof(*rule));

	*p = (struct image_policy){.name = str_of(name), .require_digest = true, .rules = rule};
	if (attestor_count == 0)
		return p;
	rule->attestors = arena_array(&w->arena, attestor_count, sizeof(*rule->attestors));
	memcpy(rule->attestors, attestors, attestor_count * sizeof(*attestors));
	rule->attestor_count = attestor_count;
	rule->count = count;
	p->rule_count = 1;
	return p;
}

static inline struct image_pattern *world_patterns(struct world *w, const char *text)
{
	struct image_pattern *pattern = arena_alloc(&w->arena, sizeof(*pattern));
	struct err e;

	if (!image_pattern_parse(str_of(text), &w->arena, pattern, &e))
		fail_msg("%s: %s", text, e.text);
	return pattern;
}

static inline void world_match_image(struct world *w, struct image_policy *policy, const char *text)
{
	policy->match.images = world_patterns(w, text);
	policy->match.image_count = 1;
}

static inline void world_exempt(struct world *w, struct image_policy *policy, const char *text)
{
	policy->exempt_images = world_patterns(w, text);
	policy->exempt_image_count = 1;
}

/* A good attestation of `digest`. */
static inline struct attestation_fact *world_fact(struct world *w, const char *note, const char *signer,
						  const char *digest)
{
	struct stored_fact *f = &w->facts[w->fact_count++];

	f->under = str_of(digest);
	f->fact = (struct attestation_fact){.note = str_of(note), .signer = str_of(signer), .digest = str_of(digest)};
	f->fact.name = arena_printf(&w->arena, "projects/p/occurrences/%zu", w->fact_count);
	f->fact.verdict = VERDICT_ACCEPTED;
	f->fact.reason = REASON_GOOD;
	return &f->fact;
}

static inline void world_use(struct world *w, const char *image)
{
	struct image_use *use = &w->uses[w->use_count];

	use->path = arena_printf(&w->arena, "spec.containers[%zu].image", w->use_count);
	use->text = str_of(image);
	w->use_count++;
}

static inline const struct decision *world_judge(struct world *w)
{
	struct image_uses uses = {.items = w->uses, .count = w->use_count};

	arena_release(&w->work);
	w->work = arena_init(w->memory);
	w->asked = w->asked_every_note = w->notes_asked = 0;
	evaluate(&w->how, &w->subject, &uses, &w->work, &w->decision);
	assert_int_equal(w->decision.allowed, w->decision.kind != DECISION_DENY);
	return &w->decision;
}

/* Judges `image` alone. */
static inline const struct decision *world_judge_image(struct world *w, const char *image)
{
	w->use_count = 0;
	world_use(w, image);
	return world_judge(w);
}

static inline void world_expect(const struct decision *decision, enum decision_kind kind, const char *text)
{
	struct str found = decision->finding_count ? decision->findings[0].text : STR("");

	assert_string_equal(decision_kind_name(decision->kind), decision_kind_name(kind));
	if (!str_eq_c(found, text))
		fail_msg("expected %s\n   found %.*s", text, STR_ARG(found));
}

#endif
