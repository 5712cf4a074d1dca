#include "policy/reason.h"

enum { NAME_MAX_SHOWN = 256 };

static const char *const first_words[] = {
	[FINDING_REFERENCE] = "Container image is not a valid reference",
	[FINDING_NO_DIGEST] = "Container image has no digest",
	[FINDING_NO_POLICY] = "No policy selects container image",
	[FINDING_SIGNATURES] = "No matched signatures for container image",
	[FINDING_TOO_LATE] = "Too late to decide",
	[FINDING_TOO_MANY] = "Too many images",
	[FINDING_TOO_COMPLEX] = "Too complex",
	[FINDING_UNREADABLE] = "Object can't be read",
	[FINDING_NO_FACTS] = "No matched signatures for container image",
	[FINDING_BAD_POLICY] = "No policy selects container image",
};

static void add_name(struct line *line, struct str name)
{
	line_add_escaped(line, name, NAME_MAX_SHOWN);
}

static void add_separator(struct line *line, const char *separator, bool first)
{
	if (!first)
		line_add(line, str_of(separator));
}

static void add_attested(struct line *line, const struct attestation_rule *rule, const struct facts_answer *facts,
			 const struct vouched *what, bool *first)
{
	for (size_t i = 0; i < rule->attestor_count; i++) {
		const struct attestation_fact *fact = attestor_evidence(rule->attestors[i], facts, what);

		if (!fact)
			continue;
		line_add(line, *first ? STR("attested by ") : STR(", "));
		add_name(line, rule->attestors[i]->name);
		line_add(line, STR(" ("));
		add_name(line, fact->signer);
		line_add(line, STR(")"));
		*first = false;
	}
}

void reason_holds(struct line *line, const struct image_policy *policy, const struct facts_answer *facts,
		  const struct vouched *what)
{
	bool first = true;

	for (size_t i = 0; i < policy->rule_count; i++)
		add_attested(line, &policy->rules[i], facts, what, &first);
	if (first)
		line_add(line, STR("has a digest"));
}

/* The sentence without signer and name. */
static void add_sentence(struct line *line, enum evidence evidence, const struct attestation_fact *fact,
			 const struct attestor *attestor)
{
	static const enum verdict_reason told[] = {
		[EVIDENCE_OTHER_DIGEST] = REASON_OTHER_DIGEST,
		[EVIDENCE_OTHER_REPOSITORY] = REASON_OTHER_REPOSITORY,
		[EVIDENCE_SIGNATURE_EXPIRED] = REASON_SIGNATURE_EXPIRED,
		[EVIDENCE_KEY_EXPIRED] = REASON_KEY_EXPIRED,
	};
	bool confused = fact->verdict == VERDICT_REJECTED && fact->reason == REASON_GOOD;

	if (evidence == EVIDENCE_OTHER_SIGNER) {
		line_add(line, STR("signed by a key that attestor "));
		add_name(line, attestor->name);
		line_add(line, STR(" does not list"));
	} else if (evidence == EVIDENCE_REJECTED) {
		line_printf(line, "%s", verdict_reason_text(confused ? REASON_NOT_VERIFIED : fact->reason));
	} else {
		line_printf(line, "%s", verdict_reason_text(told[evidence]));
	}
}

/* "signed by an expired key FPR (projects/p/occurrences/1)", "payload names another digest (..., key FPR)". */
static void add_attestation(struct line *line, enum evidence evidence, const struct attestation_fact *fact,
			    const struct attestor *attestor)
{
	bool follows;

	add_sentence(line, evidence, fact, attestor);
	follows = str_ends_with(line_str(line), STR("key"));
	if (follows && fact->signer.len) {
		line_add(line, STR(" "));
		add_name(line, fact->signer);
	}
	line_add(line, STR(" ("));
	add_name(line, fact->name);
	if (!follows && fact->signer.len) {
		line_add(line, STR(", key "));
		add_name(line, fact->signer);
	}
	line_add(line, STR(")"));
}

static void add_attestor(struct line *line, const struct attestor *attestor, const struct facts_answer *facts,
			 const struct vouched *what)
{
	size_t found = 0;

	if (attestor->missing.len) {
		line_add_escaped(line, attestor->missing, LIMIT_REASON_TEXT);
		return;
	}
	for (size_t i = 0; i < facts->count; i++) {
		enum evidence evidence = evidence_of(&facts->items[i], attestor, what);

		if (evidence == EVIDENCE_OTHER_NOTE)
			continue;
		if (found < LIMIT_REASONS) {
			add_separator(line, ", ", found == 0);
			add_attestation(line, evidence, &facts->items[i], attestor);
		}
		found++;
	}
	if (found == 0)
		line_add(line, STR("no attestation found"));
	if (found > LIMIT_REASONS)
		line_printf(line, " and %zu more", found - LIMIT_REASONS);
}

static void add_rule_head(struct line *line, const struct attestation_rule *rule)
{
	if (rule->attestor_count == 1 && rule->count == 1)
		line_add(line, STR("requires attestor "));
	else
		line_printf(line, "requires %zu of attestors ", rule->count);
	for (size_t i = 0; i < rule->attestor_count; i++) {
		add_separator(line, ", ", i == 0);
		add_name(line, rule->attestors[i]->name);
	}
	line_add(line, STR(": "));
}

static void add_rule(struct line *line, const struct attestation_rule *rule, const struct facts_answer *facts,
		     const struct vouched *what)
{
	add_rule_head(line, rule);
	for (size_t i = 0; i < rule->attestor_count; i++) {
		const struct attestor *attestor = rule->attestors[i];

		add_separator(line, "; ", i == 0);
		if (rule->attestor_count > 1)
			add_name(line, attestor->name);
		if (attestor_evidence(attestor, facts, what)) {
			line_add(line, STR(" is satisfied"));
			continue;
		}
		if (rule->attestor_count > 1)
			line_add(line, STR(": "));
		add_attestor(line, attestor, facts, what);
	}
}

void reason_missing(struct line *line, const struct image_policy *policy, const struct facts_answer *facts,
		    const struct vouched *what)
{
	bool first = true;

	for (size_t i = 0; i < policy->rule_count; i++) {
		if (rule_holds(&policy->rules[i], facts, what))
			continue;
		add_separator(line, "; ", first);
		add_rule(line, &policy->rules[i], facts, what);
		first = false;
	}
	if (policy->rule_count == 0)
		line_add(line, STR("requires nothing, which nothing can prove"));
	if (facts->unverified)
		line_printf(line, "; %zu more attestations were not verified, %u at most are", facts->unverified,
			    LIMIT_UNVERIFIED);
}

void reason_no_digest(struct line *line, const struct image_policy *policy)
{
	if (policy->require_digest)
		line_add(line, STR("requires a digest"));
	else
		line_add(line, STR("requires attestations, which a tag can't have"));
}

void reason_unreadable(struct line *line, const struct image_policy *policy)
{
	line_add(line, STR("can't be read: "));
	line_add_escaped(line, policy->unreadable, LIMIT_REASON_TEXT);
}

void reason_unknown_labels(struct line *line, struct str namespace_)
{
	line_add(line, STR("has a namespaceSelector: the labels of namespace "));
	add_name(line, namespace_);
	line_add(line, STR(" are not known"));
}

void finding_line(struct line *line, enum finding_class class, struct str image, struct str path, struct str detail)
{
	line_printf(line, "%s: ", first_words[class]);
	line_add(line, image);
	line_add(line, STR(" ("));
	line_add(line, path);
	line_add(line, STR(": "));
	line_add(line, detail);
	line_add(line, STR(")"));
}
