#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/combine.h"
#include "tests/unit/policy/world.h"

static const struct vouched what = {{DIGEST_A, sizeof(DIGEST_A) - 1}, {REPOSITORY, sizeof(REPOSITORY) - 1}, NOW};

static const struct {
	const char *rule;
	const char *note;
	enum verdict verdict;
	enum verdict_reason reason;
	const char *digest;
	const char *repository;
	const char *signer;
	int64_t expires_at;
	bool key_first;
	enum evidence evidence;
} rows[] = {
	{"a good one counts", "n/qa", 1, REASON_GOOD, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_COUNTS},
	{"of this repository", "n/qa", 1, REASON_GOOD, DIGEST_A, REPOSITORY, FPR_QA, 0, false, EVIDENCE_COUNTS},
	{"not yet expired", "n/qa", 1, REASON_GOOD, DIGEST_A, "", FPR_QA, NOW + 1, false, EVIDENCE_COUNTS},
	{"expires now", "n/qa", 1, REASON_GOOD, DIGEST_A, "", FPR_QA, NOW, false, EVIDENCE_SIGNATURE_EXPIRED},
	{"its key expired", "n/qa", 1, REASON_GOOD, DIGEST_A, "", FPR_QA, NOW - 9, true, EVIDENCE_KEY_EXPIRED},
	{"expired before 1970", "n/qa", 1, REASON_GOOD, DIGEST_A, "", FPR_QA, -1, false, EVIDENCE_SIGNATURE_EXPIRED},
	{"another note", "n/sec", 1, REASON_GOOD, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_OTHER_NOTE},
	{"no note", "", 1, REASON_GOOD, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_OTHER_NOTE},
	{"a longer note", "n/qa2", 1, REASON_GOOD, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_OTHER_NOTE},
	{"rejected", "n/qa", 0, REASON_KEY_REVOKED, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_REJECTED},
	{"nothing proven", "n/qa", 0, REASON_NOT_VERIFIED, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_REJECTED},
	{"good, not accepted", "n/qa", 0, REASON_GOOD, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_REJECTED},
	{"accepted, not good", "n/qa", 1, REASON_WEAK_HASH, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_REJECTED},
	{"an odd verdict", "n/qa", 2, REASON_GOOD, DIGEST_A, "", FPR_QA, 0, false, EVIDENCE_REJECTED},
	{"another digest", "n/qa", 1, REASON_GOOD, DIGEST_B, "", FPR_QA, 0, false, EVIDENCE_OTHER_DIGEST},
	{"no digest", "n/qa", 1, REASON_GOOD, "", "", FPR_QA, 0, false, EVIDENCE_OTHER_DIGEST},
	{"half a digest", "n/qa", 1, REASON_GOOD, "sha256:aba4", "", FPR_QA, 0, false, EVIDENCE_OTHER_DIGEST},
	{"another repository", "n/qa", 1, REASON_GOOD, DIGEST_A, "gcr.io/x", FPR_QA, 0, false,
	 EVIDENCE_OTHER_REPOSITORY},
	{"a repository below", "n/qa", 1, REASON_GOOD, DIGEST_A, REPOSITORY "/x", FPR_QA, 0, false,
	 EVIDENCE_OTHER_REPOSITORY},
	{"another signer", "n/qa", 1, REASON_GOOD, DIGEST_A, "", FPR_STRANGER, 0, false, EVIDENCE_OTHER_SIGNER},
	{"no signer", "n/qa", 1, REASON_GOOD, DIGEST_A, "", "", 0, false, EVIDENCE_OTHER_SIGNER},
	{"a short key id", "n/qa", 1, REASON_GOOD, DIGEST_A, "", "AAAAAAAAAAAAAAAA", 0, false, EVIDENCE_OTHER_SIGNER},
	{"a longer fingerprint", "n/qa", 1, REASON_GOOD, DIGEST_A, "", FPR_QA "A", 0, false, EVIDENCE_OTHER_SIGNER},
	{"a fingerprint in lower case", "n/qa", 1, REASON_GOOD, DIGEST_A, "",
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, false, EVIDENCE_OTHER_SIGNER},
};

static struct attestation_fact fact_of(size_t i)
{
	return (struct attestation_fact){
		.note = str_of(rows[i].note),
		.verdict = rows[i].verdict,
		.reason = rows[i].reason,
		.digest = str_of(rows[i].digest),
		.repository = str_of(rows[i].repository),
		.signer = str_of(rows[i].signer),
		.expires_at = rows[i].expires_at,
		.key_expires_first = rows[i].key_first,
	};
}

static void one_attestation_counts_only_when_everything_fits(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct attestation_fact fact = fact_of(i);

		if (evidence_of(&fact, qa, &what) != rows[i].evidence)
			fail_msg("%s", rows[i].rule);
	}
}

static void an_image_without_a_digest_can_t_be_vouched_for(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);
	struct vouched tag = what;
	struct attestation_fact fact = fact_of(0);

	(void)state;
	tag.digest = STR("");
	assert_int_equal(evidence_of(&fact, qa, &tag), EVIDENCE_OTHER_DIGEST);
	fact.digest = STR("");
	assert_int_equal(evidence_of(&fact, qa, &tag), EVIDENCE_OTHER_DIGEST);
}

static void an_attestor_without_keys_is_never_satisfied(void **state)
{
	cleanup(world) struct world *w = world_new();
	struct attestation_fact fact = fact_of(0);

	(void)state;
	assert_int_equal(evidence_of(&fact, world_attestor(w, "none", "n/qa", NULL), &what), EVIDENCE_OTHER_SIGNER);
	fact.signer = STR("");
	assert_int_equal(evidence_of(&fact, world_attestor(w, "empty", "n/qa", ""), &what), EVIDENCE_OTHER_SIGNER);
}

static void an_attestor_without_a_note_takes_any(void **state)
{
	cleanup(world) struct world *w = world_new();
	struct attestation_fact fact = fact_of(0);

	(void)state;
	fact.note = STR("projects/other/notes/any");
	assert_int_equal(evidence_of(&fact, world_attestor(w, "pubkeys", "", FPR_QA), &what), EVIDENCE_COUNTS);
}

/* Thresholds over three attestors; who has evidence is a set of letters: q, s, r. */
static const struct {
	const char *attestors; /* of the rule, one letter each */
	size_t count;
	const char *vouching;
	bool holds;
} thresholds[] = {
	{"q", 1, "q", true},	{"q", 1, "", false},	 {"q", 1, "sr", false},	  {"qs", 2, "qs", true},
	{"qs", 2, "q", false},	{"qs", 2, "s", false},	 {"qs", 1, "s", true},	  {"qsr", 2, "qr", true},
	{"qsr", 2, "r", false}, {"qsr", 3, "qs", false}, {"qsr", 3, "qsr", true}, {"qsr", 1, "", false},
	{"", 0, "qsr", false},	{"q", 0, "q", false},	 {"", 1, "qsr", false},	  {"qs", 3, "qsr", false},
	{"qq", 2, "q", false},	{"qqs", 2, "q", false},	 {"qqs", 2, "qs", true},  {"qsq", 3, "qs", false},
};

static void make_rule(struct world *w, const char *letters, const struct attestor *const all[3],
		      struct attestation_rule *rule)
{
	rule->attestors = arena_array(&w->arena, 4, sizeof(*rule->attestors));
	rule->attestor_count = strlen(letters);
	for (size_t i = 0; i < rule->attestor_count; i++)
		rule->attestors[i] = all[letters[i] == 'q' ? 0 : letters[i] == 's' ? 1 : 2];
}

static void make_facts(const char *letters, struct attestation_fact *facts, struct facts_answer *out)
{
	static const char *const signers[] = {['q'] = FPR_QA, ['s'] = FPR_SECURITY, ['r'] = FPR_RELEASE};

	*out = (struct facts_answer){.items = facts, .count = strlen(letters)};
	for (size_t i = 0; i < out->count; i++) {
		facts[i] = fact_of(0);
		facts[i].signer = str_of(signers[(unsigned char)letters[i]]);
	}
}

static void a_threshold_counts_different_attestors(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *const all[] = {world_attestor(w, "qa", "n/qa", FPR_QA),
					      world_attestor(w, "security", "n/qa", FPR_SECURITY),
					      world_attestor(w, "release", "n/qa", FPR_RELEASE)};

	(void)state;
	for (size_t i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++) {
		struct attestation_rule rule = {.count = thresholds[i].count};
		struct attestation_fact facts[4];
		struct facts_answer answer;

		make_rule(w, thresholds[i].attestors, all, &rule);
		make_facts(thresholds[i].vouching, facts, &answer);
		if (rule_holds(&rule, &answer, &what) != thresholds[i].holds)
			fail_msg("%zu of %s with %s", rule.count, thresholds[i].attestors, thresholds[i].vouching);
	}
}

static void a_copy_of_an_attestor_with_the_same_name_is_the_same(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *twins[] = {world_attestor(w, "qa", "n/qa", FPR_QA),
					  world_attestor(w, "qa", "n/qa", FPR_QA)};
	struct attestation_rule rule = {.attestors = twins, .attestor_count = 2, .count = 2};
	struct attestation_fact fact = fact_of(0);
	struct facts_answer answer = {.items = &fact, .count = 1};

	(void)state;
	assert_false(rule_holds(&rule, &answer, &what));
	rule.count = 1;
	assert_true(rule_holds(&rule, &answer, &what));
}

static void all_rules_must_hold_and_none_is_not_all(void **state)
{
	cleanup(world) struct world *w = world_new();
	const struct attestor *qa = world_attestor(w, "qa", "n/qa", FPR_QA);
	const struct attestor *security = world_attestor(w, "security", "n/qa", FPR_SECURITY);
	struct attestation_rule rules[] = {{.attestors = &qa, .attestor_count = 1, .count = 1},
					   {.attestors = &security, .attestor_count = 1, .count = 1}};
	struct image_policy policy = {.rules = rules, .rule_count = 0};
	struct attestation_fact facts[2];
	struct facts_answer both, one;

	(void)state;
	make_facts("q", facts, &one);
	make_facts("qs", facts, &both);
	assert_false(rules_hold(&policy, &both, &what));
	policy.rule_count = 1;
	assert_true(rules_hold(&policy, &one, &what));
	policy.rule_count = 2;
	assert_false(rules_hold(&policy, &one, &what));
	assert_true(rules_hold(&policy, &both, &what));
}

static const struct {
	struct tally tally;
	size_t images;
	enum decision_kind kind;
} tallies[] = {
	{{.images = 1, .applied = 1}, 1, DECISION_ALLOW},
	{{.images = 0}, 0, DECISION_ALLOW},
	{{.images = 0}, 1, DECISION_DENY},
	{{.images = 1, .applied = 1}, 2, DECISION_DENY},
	{{.images = 2, .applied = 1}, 1, DECISION_DENY},
	{{.images = 1, .applied = 1, .deny = 1}, 1, DECISION_DENY},
	{{.images = 1, .applied = 3, .deny = 1, .warn = 1, .audit = 1}, 1, DECISION_DENY},
	{{.images = 1, .applied = 2, .warn = 1, .audit = 1}, 1, DECISION_WARN},
	{{.images = 1, .applied = 1, .audit = 1}, 1, DECISION_AUDIT},
	{{.images = 1, .exempt = 1}, 1, DECISION_EXEMPT},
	{{.images = 2, .exempt = 1, .applied = 1}, 2, DECISION_ALLOW},
	{{.images = 1, .exempt = 1, .applied = 1, .deny = 1}, 1, DECISION_DENY},
	{{.images = 0, .exempt = 1}, 1, DECISION_DENY},
};

static void the_strictest_finding_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tallies) / sizeof(tallies[0]); i++)
		if (tally_decide(&tallies[i].tally, tallies[i].images) != tallies[i].kind)
			fail_msg("row %zu", i);
}

static void no_number_of_findings_counts_as_none(void **state)
{
	struct tally tally = {.images = 1, .deny = SIZE_MAX, .warn = SIZE_MAX, .audit = SIZE_MAX};

	(void)state;
	tally_finding(&tally, ENFORCE_DENY);
	tally_finding(&tally, ENFORCE_WARN);
	tally_finding(&tally, ENFORCE_AUDIT);
	assert_true(tally.deny == SIZE_MAX && tally.warn == SIZE_MAX && tally.audit == SIZE_MAX);
	assert_int_equal(tally_decide(&tally, 1), DECISION_DENY);
}

static void an_unknown_enforcement_denies(void **state)
{
	struct tally tally = {0};

	(void)state;
	tally_finding(&tally, (enum enforcement)7);
	tally_finding(&tally, ENFORCE_WARN);
	tally_finding(&tally, ENFORCE_AUDIT);
	assert_int_equal(tally.deny, 1);
	assert_int_equal(tally.warn, 1);
	assert_int_equal(tally.audit, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_attestation_counts_only_when_everything_fits),
		cmocka_unit_test(an_image_without_a_digest_can_t_be_vouched_for),
		cmocka_unit_test(an_attestor_without_keys_is_never_satisfied),
		cmocka_unit_test(an_attestor_without_a_note_takes_any),
		cmocka_unit_test(a_threshold_counts_different_attestors),
		cmocka_unit_test(a_copy_of_an_attestor_with_the_same_name_is_the_same),
		cmocka_unit_test(all_rules_must_hold_and_none_is_not_all),
		cmocka_unit_test(the_strictest_finding_decides),
		cmocka_unit_test(no_number_of_findings_counts_as_none),
		cmocka_unit_test(an_unknown_enforcement_denies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
