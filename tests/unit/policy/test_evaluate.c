#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/unit/policy/world.h"

#define MISSING(image, policy, text) \
	"No matched signatures for container image: " image " (spec.containers[0].image: policy " policy " " text ")"

/* A world with the attestor qa and the policy production that requires it. */
static struct world *production(void)
{
	struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);

	world_policy(w, "production", 1, 1, &qa);
	return w;
}

/* The same with a second attestor; two of the two are required. */
static struct world *two_of_two(void)
{
	struct world *w = world_new();
	const struct attestor *both[] = {world_attestor(w, "qa", "n/qa", FPR_QA),
					 world_attestor(w, "security", "n/sec", FPR_SECURITY)};

	world_policy(w, "production", 2, 2, both);
	return w;
}

static void refuses_an_image_without_attestation(void **state)
{
	cleanup(world) struct world *w = production();
	const struct decision *d = world_judge_image(w, IMAGE_A);

	(void)state;
	world_expect(d, DECISION_DENY, MISSING(IMAGE_A, "production", "requires attestor qa: no attestation found"));
	assert_int_equal(d->finding_count, 1);
	assert_true(str_eq_c(d->findings[0].path, "spec.containers[0].image"));
	assert_true(str_eq_c(d->findings[0].image, IMAGE_A));
	assert_true(str_eq_c(d->findings[0].policy, "production"));
	assert_int_equal(d->findings[0].class, FINDING_SIGNATURES);
	assert_int_equal(d->judgement_count, 1);
	assert_false(d->judgements[0].holds || d->judgements[0].exempt);
	assert_true(str_eq_c(d->judgements[0].reason, "requires attestor qa: no attestation found"));
}

static void admits_an_attested_image_and_says_by_whom(void **state)
{
	cleanup(world) struct world *w = production();
	const struct decision *d;

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	d = world_judge_image(w, IMAGE_A);
	world_expect(d, DECISION_ALLOW, "");
	assert_int_equal(d->finding_count, 0);
	assert_int_equal(d->judgement_count, 1);
	assert_true(d->judgements[0].holds && !d->judgements[0].exempt);
	assert_true(str_eq_c(d->judgements[0].reason, "attested by qa (" FPR_QA ")"));
	assert_int_equal(d->policy_count, 1);
	assert_true(str_eq_c(d->policies[0], "production"));
}

static void refuses_the_same_repository_at_another_digest(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_expect(world_judge_image(w, IMAGE_B), DECISION_DENY,
		     MISSING(IMAGE_B, "production", "requires attestor qa: no attestation found"));
}

/* Each attestation that is found says why it does not count. */
static const struct {
	enum verdict verdict;
	enum verdict_reason reason;
	const char *signer;
	const char *digest;
	const char *repository;
	int64_t expires_at;
	bool key_first;
	const char *text;
} refusals[] = {
	{0, REASON_KEY_EXPIRED, FPR_QA, DIGEST_A, "", 0, false, "signed by an expired key " FPR_QA},
	{0, REASON_KEY_REVOKED, FPR_QA, DIGEST_A, "", 0, false, "signed by a revoked key " FPR_QA},
	{0, REASON_SUBKEY_EXPIRED, FPR_QA, DIGEST_A, "", 0, false, "signed by an expired subkey " FPR_QA},
	{0, REASON_KEY_EXPIRED, "", DIGEST_A, "", 0, false, "signed by an expired key"},
	{0, REASON_UNKNOWN_KEY, "", "", "", 0, false, "signed by a key that no attestor lists"},
	{0, REASON_NOT_VERIFIED, "", "", "", 0, false, "not verified yet"},
	{0, REASON_GOOD, FPR_QA, DIGEST_A, "", 0, false, "not verified yet"},
	{0, REASON_WEAK_HASH, "", "", "", 0, false, "signed over a hash that is too weak"},
	{1, REASON_GOOD, FPR_QA, DIGEST_B, "", 0, false, "payload names another digest"},
	{1, REASON_GOOD, FPR_QA, DIGEST_A, "evil.example.com/payment", 0, false, "payload names another repository"},
	{1, REASON_GOOD, FPR_STRANGER, DIGEST_A, "", 0, false, "signed by a key that attestor qa does not list"},
	{1, REASON_GOOD, FPR_QA, DIGEST_A, "", NOW, false, "signature has expired"},
	{1, REASON_GOOD, FPR_QA, DIGEST_A, "", NOW - 1, true, "signed by an expired key " FPR_QA},
};

static void says_why_each_attestation_does_not_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		cleanup(world) struct world *w = production();
		struct attestation_fact *fact = world_fact(w, "n/qa", refusals[i].signer, DIGEST_A);
		bool told = strstr(refusals[i].text, FPR_QA) || !refusals[i].signer[0];
		struct str expected;

		fact->verdict = refusals[i].verdict;
		fact->reason = refusals[i].reason;
		fact->digest = str_of(refusals[i].digest);
		fact->repository = str_of(refusals[i].repository);
		fact->expires_at = refusals[i].expires_at;
		fact->key_expires_first = refusals[i].key_first;
		expected = arena_printf(
			&w->arena,
			MISSING(IMAGE_A, "production", "requires attestor qa: %s (projects/p/occurrences/1%s%s)"),
			refusals[i].text, told ? "" : ", key ", told ? "" : refusals[i].signer);
		world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY, expected.ptr);
	}
}

static void explains_three_attestations_and_counts_the_rest(void **state)
{
	cleanup(world) struct world *w = production();
	const struct decision *d;

	(void)state;
	for (int i = 0; i < 7; i++)
		world_fact(w, "n/qa", FPR_STRANGER, DIGEST_A);
	d = world_judge_image(w, IMAGE_A);
	world_expect(d, DECISION_DENY,
		     MISSING(IMAGE_A, "production",
			     "requires attestor qa: signed by a key that attestor qa does not list "
			     "(projects/p/occurrences/1, key " FPR_STRANGER "), signed by a key that attestor qa does "
			     "not list (projects/p/occurrences/2, key " FPR_STRANGER "), signed by a key that attestor "
			     "qa does not list (projects/p/occurrences/3, key " FPR_STRANGER ") and 4 more"));
}

static void a_bad_attestation_beside_a_good_one_does_no_harm(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_STRANGER, DIGEST_A);
	world_fact(w, "n/qa", FPR_QA, DIGEST_A)->verdict = VERDICT_REJECTED;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_ALLOW, "");
}

static void as_many_reasons_as_are_told_leave_none_to_count(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	for (unsigned i = 0; i < LIMIT_REASONS; i++)
		world_fact(w, "n/qa", FPR_STRANGER, DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_false(str_ends_with(w->decision.findings[0].text, STR(" more)")));
	world_fact(w, "n/qa", FPR_STRANGER, DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_true(str_ends_with(w->decision.findings[0].text, STR(" and 1 more)")));
}

static void counts_what_was_left_unverified(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	w->unverified = 300;
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production",
			     "requires attestor qa: no attestation found; 300 more attestations were not verified, "
			     "256 at most are"));
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_ALLOW, "");
}

static void a_store_that_can_t_be_read_refuses_and_says_so(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	w->broken = "database disk image is malformed";
	w->broken_kind = ERR_INTERNAL;
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     "No matched signatures for container image: " IMAGE_A
		     " (spec.containers[0].image: policy production: attestations can't be read: database disk image "
		     "is malformed)");
	assert_int_equal(w->decision.findings[0].class, FINDING_NO_FACTS);
	assert_true(str_eq_c(w->decision.judgements[0].reason,
			     "attestations can't be read: database disk image is malformed"));
	w->broken = "";
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     "No matched signatures for container image: " IMAGE_A
		     " (spec.containers[0].image: policy production: attestations can't be read: the reason is not "
		     "known)");
}

static void no_source_of_facts_refuses(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	w->how.facts = NULL;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

static void a_broken_store_does_not_touch_what_needs_no_facts(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);

	(void)state;
	world_policy(w, "digests", 0, 0, NULL);
	world_policy(w, "watched", 1, 1, &qa)->enforcement = ENFORCE_WARN;
	w->broken = "gone";
	w->broken_kind = ERR_UNAVAILABLE;
	assert_int_equal(world_judge_image(w, IMAGE_A)->kind, DECISION_WARN);
	assert_int_equal(w->decision.finding_count, 1);
	assert_true(str_eq_c(w->decision.judgements[0].reason, "has a digest"));
}

static void a_tag_has_no_digest_and_can_t_be_attested(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_expect(world_judge_image(w, "gcr.io/hightowerlabs/payment:latest"), DECISION_DENY,
		     "Container image has no digest: gcr.io/hightowerlabs/payment:latest (spec.containers[0].image: "
		     "policy production requires a digest)");
	w->policies[0].require_digest = false;
	world_expect(world_judge_image(w, "nginx"), DECISION_DENY,
		     "Container image has no digest: nginx (spec.containers[0].image: policy production requires "
		     "attestations, which a tag can't have)");
	assert_int_equal(w->asked, 0);
}

/* The digest decides, not the tag beside it. */
static void a_tag_beside_a_digest_changes_nothing(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	assert_true(world_judge_image(w, REPOSITORY ":v1@" DIGEST_A)->allowed);
	assert_false(world_judge_image(w, REPOSITORY ":v1@" DIGEST_B)->allowed);
}

static void a_policy_that_requires_a_digest_alone_takes_any(void **state)
{
	cleanup(world) struct world *w = world_new();

	(void)state;
	world_policy(w, "digests", 0, 0, NULL);
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	assert_true(str_eq_c(w->decision.judgements[0].reason, "has a digest"));
	assert_false(world_judge_image(w, "nginx:1")->allowed);
	assert_int_equal(w->asked, 0);
}

/* peers: an empty list makes "all of them" true. */
static void vacuous_truth_admits_nothing(void **state)
{
	cleanup(world) struct world *w = production();
	struct attestation_rule rule = {0};

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	w->policies[0].rules = &rule;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	rule.count = 1;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	w->policies[0].rule_count = 0;
	w->policies[0].require_digest = false;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_false(world_judge_image(w, "nginx:1")->allowed);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production", "requires nothing, which nothing can prove"));
}

static const struct {
	enum default_action action;
	enum decision_kind kind;
	const char *text;
} defaults[] = {
	{DEFAULT_DENY, DECISION_DENY, "the default action is deny"},
	{DEFAULT_WARN, DECISION_WARN, "the default action is warn"},
	{DEFAULT_ALLOW, DECISION_ALLOW, "the default action is allow"},
	{(enum default_action)9, DECISION_DENY, "the default action is deny"},
};

static void without_a_policy_the_default_action_rules(void **state)
{
	cleanup(world) struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		struct str text = arena_printf(
			&w->arena, "No policy selects container image: nginx (spec.containers[0].image: %s)",
			defaults[i].text);

		w->how.default_action = defaults[i].action;
		world_expect(world_judge_image(w, "nginx"), defaults[i].kind,
			     defaults[i].kind == DECISION_ALLOW ? "" : text.ptr);
		assert_true(str_eq_c(w->decision.judgements[0].policy, "default"));
		assert_true(str_eq_c(w->decision.judgements[0].reason, defaults[i].text));
		assert_int_equal(w->decision.policy_count, 0);
	}
}

static void an_invalid_reference_is_refused_in_every_mode(void **state)
{
	static const char text[] = "Container image is not a valid reference: NGINX (spec.containers[0].image: "
				   "repository has an upper-case letter, at character 1)";
	cleanup(world) struct world *w = world_new();

	(void)state;
	for (int action = DEFAULT_DENY; action <= DEFAULT_ALLOW; action++) {
		w->how.default_action = (enum default_action)action;
		world_expect(world_judge_image(w, "NGINX"), DECISION_DENY, text);
	}
	for (int enforcement = ENFORCE_DENY; enforcement <= ENFORCE_AUDIT; enforcement++) {
		w->set.policy_count = 0;
		world_policy(w, "all", 0, 0, NULL)->enforcement = (enum enforcement)enforcement;
		world_exempt(w, &w->policies[0], "docker.io/**");
		world_expect(world_judge_image(w, "NGINX"), DECISION_DENY, text);
	}
	assert_int_equal(w->decision.finding_count, 1);
	assert_int_equal(w->decision.policy_count, 0);
}

static void an_empty_image_is_refused(void **state)
{
	static const char *const texts[] = {"", " ", "\n", "\t "};
	cleanup(world) struct world *w = world_new();

	(void)state;
	w->how.default_action = DEFAULT_ALLOW;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(world_judge_image(w, texts[i])->allowed);
	world_expect(world_judge_image(w, "a\nb"), DECISION_DENY,
		     "Container image is not a valid reference: a\\nb (spec.containers[0].image: repository can't have "
		     "the byte 0x0a, at character 2)");
}

static void enforcement_decides_what_a_finding_does(void **state)
{
	static const enum decision_kind kinds[] = {
		[ENFORCE_DENY] = DECISION_DENY, [ENFORCE_WARN] = DECISION_WARN, [ENFORCE_AUDIT] = DECISION_AUDIT};
	cleanup(world) struct world *w = production();

	(void)state;
	for (int i = ENFORCE_DENY; i <= ENFORCE_AUDIT; i++) {
		w->policies[0].enforcement = (enum enforcement)i;
		assert_int_equal(world_judge_image(w, IMAGE_A)->kind, kinds[i]);
		assert_int_equal(w->decision.findings[0].enforcement, i);
		assert_int_equal(world_judge_image(w, "nginx:1")->kind, kinds[i]);
	}
	w->policies[0].enforcement = (enum enforcement)9;
	assert_int_equal(world_judge_image(w, IMAGE_A)->kind, DECISION_DENY);
}

/* peers: a failure of an enforcing policy became a warning when a warning policy came after it. */
static void a_warning_never_weakens_a_refusal_in_any_order(void **state)
{
	static const enum enforcement orders[][3] = {
		{ENFORCE_DENY, ENFORCE_WARN, ENFORCE_AUDIT},
		{ENFORCE_WARN, ENFORCE_DENY, ENFORCE_AUDIT},
		{ENFORCE_AUDIT, ENFORCE_WARN, ENFORCE_DENY},
		{ENFORCE_WARN, ENFORCE_AUDIT, ENFORCE_DENY},
	};
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);

	(void)state;
	for (int i = 0; i < 3; i++)
		world_policy(w, i == 0 ? "a" : i == 1 ? "b" : "c", 1, 1, &qa);
	for (size_t i = 0; i < 4; i++) {
		for (size_t p = 0; p < 3; p++)
			w->policies[p].enforcement = orders[i][p];
		assert_int_equal(world_judge_image(w, IMAGE_A)->kind, DECISION_DENY);
		assert_int_equal(w->decision.finding_count, 3);
		for (size_t p = 0; p < 3; p++)
			assert_int_equal(w->decision.findings[p].enforcement, orders[i][p]);
	}
}

static void a_warning_for_one_image_does_not_weaken_another(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_match_image(w, world_policy(w, "lenient", 0, 0, NULL), "lenient.example.com/**");
	w->policies[1].enforcement = ENFORCE_WARN;
	world_match_image(w, &w->policies[0], "gcr.io/**");
	world_use(w, "lenient.example.com/app:1");
	world_use(w, IMAGE_A);
	world_use(w, "lenient.example.com/app:2");
	assert_int_equal(world_judge(w)->kind, DECISION_DENY);
	assert_int_equal(w->decision.finding_count, 3);
}

static void every_policy_that_selects_must_hold(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);
	const struct attestor *security = world_attestor(w, "security", "n/sec", FPR_SECURITY);

	(void)state;
	world_policy(w, "one", 1, 1, &qa);
	world_policy(w, "two", 1, 1, &security);
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "two", "requires attestor security: no attestation found"));
	assert_int_equal(w->decision.judgement_count, 2);
	assert_true(w->decision.judgements[0].holds);
	world_fact(w, "n/sec", FPR_SECURITY, DIGEST_A);
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	assert_int_equal(w->decision.policy_count, 2);
}

static void an_unsigned_sidecar_is_named(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_use(w, IMAGE_A);
	world_use(w, IMAGE_B);
	assert_false(world_judge(w)->allowed);
	assert_int_equal(w->decision.finding_count, 1);
	assert_true(str_eq_c(w->decision.findings[0].path, "spec.containers[1].image"));
}

static void each_entry_that_is_missing_is_named(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA),
			      *security = world_attestor(w, "security", "n/sec", FPR_SECURITY);
	const struct attestation_rule rules[] = {{.attestors = &qa, .attestor_count = 1, .count = 1},
						 {.attestors = &security, .attestor_count = 1, .count = 1}};

	(void)state;
	world_policy(w, "production", 1, 1, &qa);
	w->policies[0].rules = rules;
	w->policies[0].rule_count = 2;
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production",
			     "requires attestor qa: no attestation found; requires attestor security: no attestation "
			     "found"));
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production", "requires attestor security: no attestation found"));
}

static void a_choice_of_attestors_is_told_as_one(void **state)
{
	cleanup(world) struct world *w = two_of_two();
	struct attestation_rule rule = w->policies[0].rules[0];

	(void)state;
	rule.count = 1;
	w->policies[0].rules = &rule;
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production",
			     "requires 1 of attestors qa, security: qa: no attestation found; security: no attestation "
			     "found"));
}

static void CVE_2026_49834_threshold_counts_distinct_attestors(void **state)
{
	cleanup(world) struct world *w = two_of_two();

	(void)state;
	for (int i = 0; i < 5; i++)
		world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production",
			     "requires 2 of attestors qa, security: qa is satisfied; security: no attestation found"));
	world_fact(w, "n/sec", FPR_SECURITY, DIGEST_A);
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	assert_true(
		str_eq_c(w->decision.judgements[0].reason, "attested by qa (" FPR_QA "), security (" FPR_SECURITY ")"));
}

static void GHSA_3633_5h82_39pq_an_attestor_named_twice_counts_once(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);
	const struct attestor *twice[] = {qa, qa};

	(void)state;
	world_policy(w, "production", 2, 2, twice);
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

static void CVE_2026_23992_a_threshold_of_zero_admits_nothing(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);

	(void)state;
	world_policy(w, "production", 0, 1, &qa);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

/* One authority's attestation is not another's. */
static void CVE_2022_35930_an_attestation_of_another_note_does_not_count(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/security", FPR_QA, DIGEST_A);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production", "requires attestor qa: no attestation found"));
}

/* The store says it belongs to this digest; the signed payload says otherwise. */
static void CVE_2023_33959_an_attestation_of_another_digest_does_not_count(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_B);
	w->facts[0].under = STR(DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

static void CVE_2026_54787_a_key_past_its_end_does_not_count(void **state)
{
	cleanup(world) struct world *w = production();
	struct attestation_fact *fact = world_fact(w, "n/qa", FPR_QA, DIGEST_A);

	(void)state;
	fact->key_expires_first = true;
	fact->expires_at = NOW + 10;
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	w->how.now = NOW + 10;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

/* Verified keys without end: how many attestations a stranger adds changes nothing but the words. */
static void CVE_2023_46737_many_attestations_are_explained_within_limits(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	for (int i = 0; i < WORLD_FACTS; i++)
		world_fact(w, "n/qa", FPR_STRANGER, DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_true(w->decision.findings[0].text.len <= LIMIT_FINDING_TEXT);
	assert_true(str_ends_with(w->decision.findings[0].text, STR(" and 61 more)")));
}

static void CVE_2022_47633_two_spellings_of_one_digest_get_one_answer(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_use(w, IMAGE_A);
	world_use(w, "GCR.io/hightowerlabs/payment:v1@" DIGEST_A);
	assert_true(world_judge(w)->allowed);
	assert_int_equal(w->asked, 1);
}

static void a_payload_that_names_a_repository_counts_there_alone(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A)->repository = STR(REPOSITORY);
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	assert_true(world_judge_image(w, "Gcr.io/hightowerlabs/payment@" DIGEST_A)->allowed);
	assert_false(world_judge_image(w, "evil.example.com/hightowerlabs/payment@" DIGEST_A)->allowed);
	w->facts[0].fact.repository = STR("");
	assert_true(world_judge_image(w, "mirror.example.com/payment@" DIGEST_A)->allowed);
}

/* One digest in two repositories of one object: the outcome of the first is not the second's. */
static void a_repository_does_not_inherit_the_outcome_of_another(void **state)
{
	static const char elsewhere[] = "evil.example.com/payment@" DIGEST_A;
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A)->repository = STR(REPOSITORY);
	world_use(w, IMAGE_A);
	world_use(w, elsewhere);
	world_use(w, IMAGE_A);
	assert_false(world_judge(w)->allowed);
	assert_int_equal(w->decision.finding_count, 1);
	assert_true(str_eq_c(w->decision.findings[0].image, elsewhere));
	w->use_count = 0;
	world_use(w, elsewhere);
	world_use(w, IMAGE_A);
	assert_false(world_judge(w)->allowed);
	assert_int_equal(w->decision.finding_count, 1);
	assert_true(w->decision.judgements[1].holds);
}

static void a_policy_that_is_lifted_asks_nothing(void **state)
{
	cleanup(world) struct world *w = production();
	const struct attestor *security = world_attestor(w, "security", "n/sec", FPR_SECURITY);

	(void)state;
	world_exempt(w, world_policy(w, "second", 1, 1, &security), "gcr.io/**");
	world_judge_image(w, IMAGE_A);
	assert_int_equal(w->asked, 1);
	assert_int_equal(w->notes_asked, 1);
}

static void any_note_asks_for_every_note(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *pubkeys = world_attestor(w, "pubkeys", "", FPR_QA);

	(void)state;
	world_policy(w, "pubkeys", 1, 1, &pubkeys);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "pubkeys", "requires attestor pubkeys: no attestation found"));
	assert_int_equal(w->asked_every_note, 1);
	world_fact(w, "projects/x/notes/whatever", FPR_QA, DIGEST_A);
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	w->attestors[0].key_count = 0;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

static void a_digest_is_asked_once_for_the_notes_that_matter(void **state)
{
	cleanup(world) struct world *w = two_of_two();
	const struct attestor *qa = &w->attestors[0];

	(void)state;
	world_policy(w, "second", 1, 1, &qa);
	world_match_image(w,
			  world_policy(w, "elsewhere", 1, 1,
				       (const struct attestor *[]){world_attestor(w, "x", "n/x", FPR_RELEASE)}),
			  "elsewhere.example.com/**");
	for (int i = 0; i < 50; i++)
		world_use(w, i % 2 ? IMAGE_A : IMAGE_B);
	world_judge(w);
	assert_int_equal(w->asked, 2);
	assert_int_equal(w->notes_asked, 4);
	assert_int_equal(w->asked_every_note, 0);
}

static void exempt_lifts_only_its_own_policy(void **state)
{
	cleanup(world) struct world *w = production();
	const struct attestor *qa = &w->attestors[0];

	(void)state;
	world_exempt(w, &w->policies[0], "gcr.io/hightowerlabs/payment@sha256:*");
	assert_int_equal(world_judge_image(w, IMAGE_A)->kind, DECISION_EXEMPT);
	assert_true(w->decision.judgements[0].exempt);
	assert_true(w->decision.judgements[0].holds);
	assert_true(str_eq_c(w->decision.judgements[0].reason, "exempt by gcr.io/hightowerlabs/payment@sha256:*"));
	assert_true(str_eq_c(w->decision.policies[0], "production"));
	assert_int_equal(w->asked, 0);
	assert_int_equal(world_judge_image(w, REPOSITORY ":latest")->kind, DECISION_DENY);
	world_policy(w, "second", 1, 1, &qa);
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "second", "requires attestor qa: no attestation found"));
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	assert_int_equal(world_judge_image(w, IMAGE_A)->kind, DECISION_ALLOW);
}

static void exempt_beside_a_judged_image_is_an_allow(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_exempt(w, &w->policies[0], "registry.k8s.io/pause");
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_use(w, "registry.k8s.io/pause:3.9");
	assert_int_equal(world_judge(w)->kind, DECISION_EXEMPT);
	world_use(w, IMAGE_A);
	assert_int_equal(world_judge(w)->kind, DECISION_ALLOW);
	world_use(w, IMAGE_B);
	assert_int_equal(world_judge(w)->kind, DECISION_DENY);
}

/* peers, PO v0.14.2: an unanchored wildcard matched in the middle of another host or path. */
static void an_exemption_is_bound_to_its_host(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_exempt(w, &w->policies[0], "registry.io/**");
	assert_true(world_judge_image(w, "registry.io/app")->allowed);
	assert_false(world_judge_image(w, "registry.io.evil.com/app@" DIGEST_A)->allowed);
	assert_false(world_judge_image(w, "evil.com/registry.io/app@" DIGEST_A)->allowed);
	assert_false(world_judge_image(w, "registry.io:5000/app@" DIGEST_A)->allowed);
}

static void an_image_policy_rules_its_own_namespace_alone(void **state)
{
	cleanup(world) struct world *w = world_new();

	(void)state;
	world_policy(w, "team", 0, 0, NULL)->namespace_ = STR("prod");
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	w->subject.namespace_ = STR("prod-2");
	world_expect(world_judge_image(w, "nginx"), DECISION_DENY,
		     "No policy selects container image: nginx (spec.containers[0].image: the default action is deny)");
	w->subject.namespace_ = STR("");
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

/* CVE-2026-22039, CVE-2024-48921: what a namespace says about itself reaches no other and lifts nothing above it. */
static void CVE_2024_48921_a_namespace_can_t_lift_a_cluster_policy(void **state)
{
	cleanup(world) struct world *w = production();
	struct image_policy *own = world_policy(w, "own", 0, 0, NULL);

	(void)state;
	own->namespace_ = STR("prod");
	world_exempt(w, own, "gcr.io/**");
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production", "requires attestor qa: no attestation found"));
}

static const struct {
	const char *namespaces, *kinds, *accounts; /* one pattern each; NULL for absent */
	const char *namespace_, *group, *kind, *account;
	bool selects;
} matches[] = {
	{"prod", NULL, NULL, "prod", "", "Pod", "", true},
	{"prod-*", NULL, NULL, "prod-eu", "", "Pod", "", true},
	{"prod-*", NULL, NULL, "prod", "", "Pod", "", false},
	{"prod", NULL, NULL, "my-prod", "", "Pod", "", false},
	{"prod", NULL, NULL, "", "", "Pod", "", false},
	{NULL, "Pod", NULL, "prod", "", "Pod", "", true},
	{NULL, "Pod", NULL, "prod", "apps", "Pod", "", false},
	{NULL, "apps/Deployment", NULL, "prod", "apps", "Deployment", "", true},
	{NULL, "apps/Deployment", NULL, "prod", "", "Deployment", "", false},
	{NULL, "apps/*", NULL, "prod", "apps", "StatefulSet", "", true},
	{NULL, "Deployment", NULL, "prod", "apps", "Deployment", "", false},
	{NULL, NULL, "prod:deployer", "prod", "", "Pod", "deployer", true},
	{NULL, NULL, "prod:deployer", "prod", "", "Pod", "", false},
	{NULL, NULL, "prod:default", "prod", "", "Pod", "", true},
	{NULL, NULL, "prod:*", "prod", "", "Pod", "x", true},
	{NULL, NULL, "prod:deployer", "other", "", "Pod", "deployer", false},
	{NULL, NULL, "prod:deployer", "prod", "", "Pod", "deployer-2", false},
	{"prod", "Pod", "prod:default", "prod", "", "Pod", "", true},
	{"prod", "Pod", "prod:x", "prod", "", "Pod", "", false},
	{"prod", "Job", "prod:default", "prod", "", "Pod", "", false},
	{"other", "Pod", "prod:default", "prod", "", "Pod", "", false},
};

/* CVE-2025-29778, CVE-2025-46342: each field of match is heeded, and not heeding it would show here. */
static void CVE_2025_29778_every_field_of_match_is_heeded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		cleanup(world) struct world *w = world_new();
		struct image_policy *p = world_policy(w, "p", 0, 0, NULL);
		struct str namespaces = str_of(matches[i].namespaces), kinds = str_of(matches[i].kinds),
			   accounts = str_of(matches[i].accounts);

		p->match = (struct image_match){.namespaces = &namespaces, .kinds = &kinds};
		p->match.service_accounts = &accounts;
		p->match.namespace_count = matches[i].namespaces != NULL;
		p->match.kind_count = matches[i].kinds != NULL;
		p->match.service_account_count = matches[i].accounts != NULL;
		w->subject = (struct subject){str_of(matches[i].namespace_), str_of(matches[i].group),
					      str_of(matches[i].kind), str_of(matches[i].account), NULL};
		if (world_judge_image(w, IMAGE_A)->allowed != matches[i].selects)
			fail_msg("row %zu", i);
	}
}

static void world_rules(struct world *w, struct image_policy *p, enum label_operator operator)
{
	static const struct str stages[] = {{"prod", 4}, {"test", 4}};
	struct label_rule *rule = arena_alloc(&w->arena, sizeof(*rule));
	bool has_values = operator== LABEL_IN || operator== LABEL_NOT_IN;

	*rule = (struct label_rule){STR("stage"), operator, has_values ? stages : NULL, has_values ? 2 : 0};
	p->match.labels = rule;
	p->match.label_count = 1;
}

static void a_selector_heeds_the_labels_of_the_namespace(void **state)
{
	static const struct label prod[] = {{{"a", 1}, {"b", 1}}, {{"stage", 5}, {"test", 4}}};
	static const struct label other[] = {{{"stage", 5}, {"dev", 3}}, {{"prod", 4}, {"prod", 4}}};
	static const struct {
		struct labels labels;
		bool selects[4]; /* by operator */
	} rows[] = {
		{{prod, 2}, {[LABEL_IN] = true, [LABEL_EXISTS] = true}},
		{{other, 2}, {[LABEL_NOT_IN] = true, [LABEL_EXISTS] = true}},
		{{other + 1, 1}, {[LABEL_NOT_IN] = true, [LABEL_DOES_NOT_EXIST] = true}},
		{{NULL, 0}, {[LABEL_NOT_IN] = true, [LABEL_DOES_NOT_EXIST] = true}},
	};

	(void)state;
	for (size_t i = 0; i < 16; i++) {
		cleanup(world) struct world *w = world_new();
		struct image_policy *p = world_policy(w, "p", 0, 0, NULL);

		world_rules(w, p, (enum label_operator)(i % 4));
		w->subject.labels = &rows[i / 4].labels;
		if (world_judge_image(w, IMAGE_A)->allowed != rows[i / 4].selects[i % 4])
			fail_msg("row %zu, operator %zu", i / 4, i % 4);
	}
}

static void all_rules_of_a_selector_must_hold(void **state)
{
	cleanup(world) struct world *w = world_new();
	struct image_policy *p = world_policy(w, "p", 0, 0, NULL);
	struct label_rule rules[] = {{STR("a"), LABEL_EXISTS, NULL, 0}, {STR("b"), LABEL_DOES_NOT_EXIST, NULL, 0}};
	struct label items[] = {{STR("a"), STR("")}, {STR("b"), STR("")}};
	struct labels labels = {items, 1};

	(void)state;
	p->match.labels = rules;
	p->match.label_count = 2;
	w->subject.labels = &labels;
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	labels.count = 2;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	labels = (struct labels){items + 1, 1};
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

/* Nobody knows then whether the policy selects the image or the default action decides. */
static void unknown_labels_refuse_whatever_else_is_said(void **state)
{
	static const enum enforcement enforcements[] = {ENFORCE_DENY, ENFORCE_WARN, ENFORCE_AUDIT};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		cleanup(world) struct world *w = world_new();
		const struct attestor *qa = world_attestor(w, "qa", "", FPR_QA);
		struct image_policy *p = world_policy(w, "p", 1, 1, &qa);

		world_rules(w, p, LABEL_IN);
		p->enforcement = enforcements[i % 3];
		if (i >= 3)
			world_exempt(w, p, "gcr.io/**");
		w->how.default_action = DEFAULT_ALLOW;
		assert_false(world_judge_image(w, IMAGE_A)->allowed);
		assert_int_equal(w->asked, 0);
		assert_int_equal(w->decision.finding_count, 1);
		assert_int_equal(w->decision.findings[0].class, FINDING_BAD_POLICY);
		assert_int_equal(w->decision.findings[0].enforcement, ENFORCE_DENY);
		assert_non_null(
			strstr(w->decision.findings[0].text.ptr,
			       ": policy p has a namespaceSelector: the labels of namespace prod are not known)"));
	}
}

static void unknown_labels_matter_only_where_they_decide(void **state)
{
	cleanup(world) struct world *w = world_new();
	struct image_policy *p = world_policy(w, "p", 0, 0, NULL);
	struct str other = STR("other");

	(void)state;
	world_rules(w, p, LABEL_EXISTS);
	w->how.default_action = DEFAULT_ALLOW;
	p->match.namespaces = &other;
	p->match.namespace_count = 1;
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	p->match.namespace_count = 0;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	world_match_image(w, p, "quay.io/**");
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
}

static void an_unreadable_policy_refuses_what_it_could_select(void **state)
{
	cleanup(world) struct world *w = world_new();
	struct image_policy *p = world_policy(w, "p", 0, 0, NULL);

	(void)state;
	p->unreadable = STR("spec.match: unknown\nfield");
	p->enforcement = ENFORCE_AUDIT;
	w->how.default_action = DEFAULT_ALLOW;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_string_equal(w->decision.findings[0].text.ptr,
			    "No policy selects container image: " IMAGE_A
			    " (spec.containers[0].image: policy p can't be read: spec.match: unknown\\nfield)");
	assert_true(str_eq_c(w->decision.judgements[0].policy, "p"));
	assert_false(w->decision.judgements[0].holds);
	p->namespace_ = STR("other");
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	p->namespace_ = STR("prod");
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

static void what_stands_for_a_missing_attestor_never_counts(void **state)
{
	cleanup(world) struct world *w = world_new();
	struct attestor *gone = (struct attestor *)world_attestor(w, "gone", "", NULL);
	const struct attestor *both[] = {gone, world_attestor(w, "qa", "projects/p/notes/qa", FPR_QA)};
	struct image_policy *p;

	(void)state;
	world_policy(w, "p", 1, 1, both);
	gone->missing = STR("does not exist");
	world_fact(w, "projects/p/notes/qa", FPR_QA, DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_int_equal(w->asked, 0);
	assert_non_null(strstr(w->decision.findings[0].text.ptr, "requires attestor gone: does not exist"));
	p = world_policy(w, "q", 2, 2, both);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_int_equal(w->asked_every_note, 0);
	assert_non_null(strstr(w->decision.findings[1].text.ptr,
			       "requires 2 of attestors gone, qa: gone: does not exist; qa is satisfied"));
	w->policies[0] = *p;
	w->set.policy_count = 1;
	((struct attestation_rule *)w->policies[0].rules)->count = 1;
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
}

static void lists_of_match_are_or_and_fields_are_and(void **state)
{
	cleanup(world) struct world *w = world_new();
	struct image_policy *p = world_policy(w, "p", 0, 0, NULL);
	struct str namespaces[] = {STR("a"), STR("prod")};
	struct image_pattern images[] = {*world_patterns(w, "quay.io/**"), *world_patterns(w, "gcr.io/**")};

	(void)state;
	p->match = (struct image_match){.namespaces = namespaces, .namespace_count = 2};
	p->match.images = images;
	p->match.image_count = 2;
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	assert_false(world_judge_image(w, "docker.io/app@" DIGEST_A)->allowed);
	w->subject.namespace_ = STR("b");
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
}

static void findings_stand_in_path_order(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_use(w, IMAGE_B);
	world_use(w, "nginx");
	world_use(w, "NGINX");
	world_use(w, IMAGE_A);
	world_judge(w);
	assert_int_equal(w->decision.finding_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(str_eq(w->decision.findings[i].path, w->uses[i].path));
	assert_int_equal(w->decision.findings[0].class, FINDING_SIGNATURES);
	assert_int_equal(w->decision.findings[1].class, FINDING_NO_DIGEST);
	assert_int_equal(w->decision.findings[2].class, FINDING_REFERENCE);
	assert_int_equal(w->decision.findings[3].class, FINDING_SIGNATURES);
}

static void policy_names_are_sorted_and_distinct(void **state)
{
	static const char *const names[] = {"zeta", "alpha", "mid", "alpha"};
	cleanup(world) struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		world_policy(w, names[i], 0, 0, NULL);
	world_match_image(w, world_policy(w, "unused", 0, 0, NULL), "quay.io/**");
	world_judge_image(w, IMAGE_A);
	assert_int_equal(w->decision.policy_count, 3);
	assert_true(str_eq_c(w->decision.policies[0], "alpha"));
	assert_true(str_eq_c(w->decision.policies[1], "mid"));
	assert_true(str_eq_c(w->decision.policies[2], "zeta"));
}

static void no_image_is_nothing_to_refuse(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	assert_int_equal(world_judge(w)->kind, DECISION_ALLOW);
	assert_int_equal(w->decision.finding_count, 0);
	assert_int_equal(w->decision.judgement_count, 0);
}

static void past_the_deadline_everything_is_refused(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	w->how.deadline_ms = clock_monotonic_ms() - 1;
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     "Too late to decide: the deadline passed when 0 of 1 images were judged");
	assert_int_equal(w->decision.findings[0].class, FINDING_TOO_LATE);
	w->policies[0].enforcement = ENFORCE_AUDIT;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	w->how.deadline_ms = INT64_MAX;
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
}

static bool slow_attestations(void *context, const struct facts_query *query, struct arena *arena,
			      struct facts_answer *out, struct err *e)
{
	struct world *w = context;

	w->how.deadline_ms = clock_monotonic_ms() - 1;
	return world_attestations(context, query, arena, out, e);
}

static void an_answer_that_comes_too_late_is_not_used(void **state)
{
	cleanup(world) struct world *w = production();
	struct facts slow = {.context = w, .attestations = slow_attestations};

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	w->how.facts = &slow;
	w->how.deadline_ms = INT64_MAX;
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_int_equal(w->decision.findings[0].class, FINDING_TOO_LATE);
}

static void every_amount_of_memory_gives_a_decision_or_a_refusal(void **state)
{
	cleanup(world) struct world *w = two_of_two();
	bool complete = false;

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_use(w, IMAGE_A);
	world_use(w, "a\nb");
	world_use(w, "nginx");
	for (w->memory = 0; w->memory < 64 * 1024 && !complete; w->memory += 16) {
		world_judge(w);
		assert_int_equal(w->decision.kind, DECISION_DENY);
		assert_true(w->decision.finding_count >= 1);
		assert_true(w->decision.findings[0].text.len > 0);
		complete = w->decision.finding_count == 3;
		if (!complete)
			assert_int_equal(w->decision.findings[0].class, FINDING_TOO_COMPLEX);
	}
	assert_true(complete);
}

static void a_good_image_without_memory_is_refused(void **state)
{
	cleanup(world) struct world *w = production();
	bool allowed = false;

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	world_use(w, IMAGE_A);
	for (w->memory = 0; w->memory < 64 * 1024 && !allowed; w->memory += 16) {
		allowed = world_judge(w)->allowed;
		if (!allowed)
			assert_int_equal(w->decision.findings[0].class, FINDING_TOO_COMPLEX);
	}
	assert_true(allowed);
}

static void long_texts_are_cut_and_closed(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *many[WORLD_ATTESTORS];
	struct str image = arena_printf(&w->arena, "gcr.io/%0600d@%s", 0, DIGEST_A);

	(void)state;
	for (size_t i = 0; i < WORLD_ATTESTORS; i++)
		many[i] = world_attestor(w, arena_printf(&w->arena, "attestor-%0200zu", i).ptr, "n/qa", FPR_QA);
	world_policy(w, "long", WORLD_ATTESTORS, WORLD_ATTESTORS, many);
	world_judge_image(w, IMAGE_A);
	assert_true(w->decision.findings[0].text.len <= LIMIT_FINDING_TEXT);
	assert_true(str_ends_with(w->decision.findings[0].text, STR("...)")));
	world_judge_image(w, image.ptr);
	assert_int_equal(w->decision.findings[0].class, FINDING_REFERENCE);
	assert_int_equal(w->decision.findings[0].image.len, LIMIT_IMAGE_TEXT);
}

static void ten_thousand_images_ask_once_for_each_digest(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	for (unsigned i = 0; i < LIMIT_IMAGES; i++)
		world_use(w, IMAGE_A);
	assert_true(world_judge(w)->allowed);
	assert_int_equal(w->asked, 1);
	assert_int_equal(w->decision.judgement_count, LIMIT_IMAGES);
	w->uses[4321].text = STR(IMAGE_B);
	assert_false(world_judge(w)->allowed);
	assert_int_equal(w->asked, 2);
	assert_int_equal(w->decision.finding_count, 1);
	assert_true(str_eq_c(w->decision.findings[0].path, "spec.containers[4321].image"));
}

static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % below;
}

static void draw_facts(struct world *w, uint64_t *seed)
{
	static const char *const signers[] = {FPR_QA, FPR_SECURITY, FPR_RELEASE, FPR_STRANGER, ""};
	static const char *const notes[] = {"n/0", "n/1", "n/2", ""};
	static const char *const repositories[] = {"", REPOSITORY, "gcr.io/other"};
	size_t count = draw(seed, 7);

	w->fact_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct attestation_fact *f = world_fact(w, notes[draw(seed, 4)], signers[draw(seed, 5)],
							draw(seed, 4) ? DIGEST_A : DIGEST_B);

		w->facts[w->fact_count - 1].under = STR(DIGEST_A);
		f->verdict = draw(seed, 4) ? VERDICT_ACCEPTED : VERDICT_REJECTED;
		f->reason = draw(seed, 4) ? REASON_GOOD : (enum verdict_reason)draw(seed, REASON_COUNT);
		f->repository = str_of(repositories[draw(seed, 3)]);
		f->expires_at = draw(seed, 3) ? 0 : NOW - 2 + draw(seed, 5);
	}
}

/* The rule in other words: somebody's accepted, fitting, living signature under the attestor's note and key. */
static bool has_proof(const struct world *w, size_t attestor)
{
	static const char *const fingerprints[] = {FPR_QA, FPR_SECURITY, FPR_RELEASE};

	for (size_t i = 0; i < w->fact_count; i++) {
		const struct attestation_fact *f = &w->facts[i].fact;
		bool fits = str_eq(f->note, w->attestors[attestor].note) &&
			    str_eq_c(f->signer, fingerprints[attestor]) && str_eq_c(f->digest, DIGEST_A);
		bool here = f->repository.len == 0 || str_eq_c(f->repository, REPOSITORY);
		bool alive = f->expires_at == 0 || f->expires_at > NOW;

		if (fits && here && alive && f->verdict == VERDICT_ACCEPTED && f->reason == REASON_GOOD)
			return true;
	}
	return false;
}

/* Whatever is stored: allowed exactly when enough attestors have proof. */
static void nothing_is_accepted_without_proof_of_each_attestor(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *all[] = {world_attestor(w, "0", "n/0", FPR_QA),
					world_attestor(w, "1", "n/1", FPR_SECURITY),
					world_attestor(w, "2", "n/2", FPR_RELEASE)};
	struct attestation_rule *rule;
	uint64_t seed = 20171124;
	size_t allowed = 0;

	(void)state;
	rule = (struct attestation_rule *)world_policy(w, "p", 1, 3, all)->rules;
	for (int round = 0; round < 20000; round++) {
		size_t proofs = 0;

		draw_facts(w, &seed);
		rule->attestor_count = 1 + draw(&seed, 3);
		rule->count = draw(&seed, (uint32_t)rule->attestor_count + 2);
		for (size_t i = 0; i < rule->attestor_count; i++)
			proofs += has_proof(w, i);
		world_judge_image(w, IMAGE_A);
		assert_int_equal(w->decision.allowed,
				 rule->count > 0 && rule->count <= rule->attestor_count && proofs >= rule->count);
		allowed += w->decision.allowed;
	}
	assert_true(allowed > 100);
}

/* A tag may name another image tomorrow: nothing that is known of a digest is known of it. */
static void GHSA_2r43_6962_xcw5_a_tag_never_borrows_the_verdict_of_a_digest(void **state)
{
	cleanup(world) struct world *w = production();

	(void)state;
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	assert_true(world_judge_image(w, "gcr.io/hightowerlabs/payment:v1@" DIGEST_A)->allowed);
	assert_false(world_judge_image(w, "gcr.io/hightowerlabs/payment:v1")->allowed);
	assert_false(world_judge_image(w, "gcr.io/hightowerlabs/payment:v1@" DIGEST_B)->allowed);
}

static void GHSA_gg4x_fgg2_h9w9_exemptions_do_not_add_up(void **state)
{
	cleanup(world) struct world *w = production();
	const struct attestor *security = world_attestor(w, "security", "n/sec", FPR_SECURITY);

	(void)state;
	world_exempt(w, world_policy(w, "second", 1, 1, &security), "gcr.io/**");
	world_exempt(w, world_policy(w, "third", 1, 1, &security), "gcr.io/hightowerlabs/*");
	world_expect(world_judge_image(w, IMAGE_A), DECISION_DENY,
		     MISSING(IMAGE_A, "production", "requires attestor qa: no attestation found"));
}

static void CVE_2026_22039_CVE_2026_41068_GHSA_79gf_7frw_68m9_a_namespace_s_policy_reaches_no_other(void **state)
{
	cleanup(world) struct world *w = production();
	struct image_policy *own = world_policy(w, "own", 0, 0, NULL);

	(void)state;
	own->namespace_ = STR("elsewhere");
	world_exempt(w, own, "gcr.io/**");
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	assert_int_equal(w->decision.policy_count, 1);
	assert_false(world_judge_image(w, IMAGE_B)->allowed);
	assert_int_equal(w->decision.finding_count, 1);
}

/* A source that shows its attestations one by one, and stops when it is told so. */
static struct {
	size_t shown;
	bool told;
} eager;

static bool attestations_one_by_one(void *context, const struct facts_query *query, struct arena *arena,
				    struct facts_answer *out, struct err *e)
{
	struct facts_answer all = {0};

	if (!world_attestations(context, query, arena, &all, e))
		return false;
	*out = (struct facts_answer){.items = all.items};
	for (eager.told = false; out->count < all.count && !eager.told; out->count++)
		eager.told = query->enough(query->context, out);
	eager.told = eager.told || query->enough(query->context, out);
	eager.shown = out->count;
	return true;
}

static void a_source_learns_when_enough_is_known(void **state)
{
	cleanup(world) struct world *w = two_of_two();
	struct facts facts = {w, attestations_one_by_one};

	(void)state;
	w->how.facts = &facts;
	world_fact(w, "n/qa", FPR_STRANGER, DIGEST_A);
	world_fact(w, "n/qa", FPR_QA, DIGEST_A);
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_false(eager.told);
	world_fact(w, "n/sec", FPR_SECURITY, DIGEST_A)->repository = STR("example.com/other");
	assert_false(world_judge_image(w, IMAGE_A)->allowed);
	assert_false(eager.told);
	world_fact(w, "n/sec", FPR_SECURITY, DIGEST_A);
	assert_true(world_judge_image(w, IMAGE_A)->allowed);
	assert_true(eager.told);
	/* One image is proven, the other one of the same digest is not. */
	w->use_count = 0;
	w->facts[3].fact.repository = STR(REPOSITORY);
	world_use(w, IMAGE_A);
	world_use(w, "example.com/third@" DIGEST_A);
	assert_false(world_judge(w)->allowed);
	assert_false(eager.told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_an_image_without_attestation),
		cmocka_unit_test(admits_an_attested_image_and_says_by_whom),
		cmocka_unit_test(refuses_the_same_repository_at_another_digest),
		cmocka_unit_test(says_why_each_attestation_does_not_count),
		cmocka_unit_test(explains_three_attestations_and_counts_the_rest),
		cmocka_unit_test(a_bad_attestation_beside_a_good_one_does_no_harm),
		cmocka_unit_test(as_many_reasons_as_are_told_leave_none_to_count),
		cmocka_unit_test(counts_what_was_left_unverified),
		cmocka_unit_test(a_store_that_can_t_be_read_refuses_and_says_so),
		cmocka_unit_test(no_source_of_facts_refuses),
		cmocka_unit_test(a_broken_store_does_not_touch_what_needs_no_facts),
		cmocka_unit_test(a_tag_has_no_digest_and_can_t_be_attested),
		cmocka_unit_test(a_tag_beside_a_digest_changes_nothing),
		cmocka_unit_test(a_policy_that_requires_a_digest_alone_takes_any),
		cmocka_unit_test(vacuous_truth_admits_nothing),
		cmocka_unit_test(without_a_policy_the_default_action_rules),
		cmocka_unit_test(an_invalid_reference_is_refused_in_every_mode),
		cmocka_unit_test(an_empty_image_is_refused),
		cmocka_unit_test(enforcement_decides_what_a_finding_does),
		cmocka_unit_test(a_warning_never_weakens_a_refusal_in_any_order),
		cmocka_unit_test(a_warning_for_one_image_does_not_weaken_another),
		cmocka_unit_test(every_policy_that_selects_must_hold),
		cmocka_unit_test(an_unsigned_sidecar_is_named),
		cmocka_unit_test(each_entry_that_is_missing_is_named),
		cmocka_unit_test(a_choice_of_attestors_is_told_as_one),
		cmocka_unit_test(CVE_2026_49834_threshold_counts_distinct_attestors),
		cmocka_unit_test(GHSA_3633_5h82_39pq_an_attestor_named_twice_counts_once),
		cmocka_unit_test(CVE_2026_23992_a_threshold_of_zero_admits_nothing),
		cmocka_unit_test(CVE_2022_35930_an_attestation_of_another_note_does_not_count),
		cmocka_unit_test(CVE_2023_33959_an_attestation_of_another_digest_does_not_count),
		cmocka_unit_test(CVE_2026_54787_a_key_past_its_end_does_not_count),
		cmocka_unit_test(CVE_2023_46737_many_attestations_are_explained_within_limits),
		cmocka_unit_test(CVE_2022_47633_two_spellings_of_one_digest_get_one_answer),
		cmocka_unit_test(a_payload_that_names_a_repository_counts_there_alone),
		cmocka_unit_test(a_repository_does_not_inherit_the_outcome_of_another),
		cmocka_unit_test(a_policy_that_is_lifted_asks_nothing),
		cmocka_unit_test(any_note_asks_for_every_note),
		cmocka_unit_test(a_digest_is_asked_once_for_the_notes_that_matter),
		cmocka_unit_test(exempt_lifts_only_its_own_policy),
		cmocka_unit_test(exempt_beside_a_judged_image_is_an_allow),
		cmocka_unit_test(an_exemption_is_bound_to_its_host),
		cmocka_unit_test(an_image_policy_rules_its_own_namespace_alone),
		cmocka_unit_test(CVE_2024_48921_a_namespace_can_t_lift_a_cluster_policy),
		cmocka_unit_test(CVE_2025_29778_every_field_of_match_is_heeded),
		cmocka_unit_test(a_selector_heeds_the_labels_of_the_namespace),
		cmocka_unit_test(all_rules_of_a_selector_must_hold),
		cmocka_unit_test(unknown_labels_refuse_whatever_else_is_said),
		cmocka_unit_test(unknown_labels_matter_only_where_they_decide),
		cmocka_unit_test(an_unreadable_policy_refuses_what_it_could_select),
		cmocka_unit_test(what_stands_for_a_missing_attestor_never_counts),
		cmocka_unit_test(lists_of_match_are_or_and_fields_are_and),
		cmocka_unit_test(findings_stand_in_path_order),
		cmocka_unit_test(policy_names_are_sorted_and_distinct),
		cmocka_unit_test(no_image_is_nothing_to_refuse),
		cmocka_unit_test(past_the_deadline_everything_is_refused),
		cmocka_unit_test(an_answer_that_comes_too_late_is_not_used),
		cmocka_unit_test(every_amount_of_memory_gives_a_decision_or_a_refusal),
		cmocka_unit_test(a_good_image_without_memory_is_refused),
		cmocka_unit_test(long_texts_are_cut_and_closed),
		cmocka_unit_test(ten_thousand_images_ask_once_for_each_digest),
		cmocka_unit_test(nothing_is_accepted_without_proof_of_each_attestor),
		cmocka_unit_test(GHSA_2r43_6962_xcw5_a_tag_never_borrows_the_verdict_of_a_digest),
		cmocka_unit_test(GHSA_gg4x_fgg2_h9w9_exemptions_do_not_add_up),
		cmocka_unit_test(
			CVE_2026_22039_CVE_2026_41068_GHSA_79gf_7frw_68m9_a_namespace_s_policy_reaches_no_other),
		cmocka_unit_test(a_source_learns_when_enough_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
