#include "policy/evaluate.h"

#include "base/clock.h"
#include "policy/combine.h"
#include "policy/reason.h"
#include "policy/select.h"

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

enum progress { GOING_ON, TOO_LATE, NO_MEMORY };

struct run {
	const struct evaluation *how;
	struct arena *arena;
	enum progress progress;
	struct tally tally;

	const struct image_policy **candidates; /* that fit the subject */
	size_t candidate_count;
	bool *applied;			       /* by candidate: selected some image */
	struct selection *scratch;	       /* one for each candidate */
	const struct digest_facts **asked_for; /* by candidate: the digest whose notes have it already */

	struct image_case *cases;
	size_t case_count;
	struct finding *findings;
	size_t finding_count;
	size_t finding_capacity;
	struct judgement *judgements;
	size_t judgement_count;
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

static bool going_on(struct run *run)
{
	if (run->progress == GOING_ON && run->how->deadline_ms && clock_left_ms(run->how->deadline_ms) == 0)
		run->progress = TOO_LATE;
	return run->progress == GOING_ON;
}

static bool out_of_memory(struct run *run)
{
	run->progress = NO_MEMORY;
	return false;
}

/* Copies a text that must not be lost. */
static struct str keep(struct run *run, struct str text)
{
	struct str kept = arena_copy(run->arena, text);

	if (!kept.ptr)
		out_of_memory(run);
	return kept;
}

static bool find_candidates(struct run *run, const struct subject *subject)
{
	const struct policy_set *set = run->how->policies;
	struct selector selector;

	run->candidates = arena_array(run->arena, set->policy_count, sizeof(const struct image_policy *));
	if (!run->candidates || !selector_init(subject, run->arena, &selector))
		return out_of_memory(run);
	for (size_t i = 0; i < set->policy_count; i++)
		if (policy_fits(&set->policies[i], &selector))
			run->candidates[run->candidate_count++] = &set->policies[i];
	run->applied = arena_array(run->arena, run->candidate_count, sizeof(bool));
	run->scratch = arena_array(run->arena, run->candidate_count, sizeof(struct selection));
	run->asked_for = arena_array(run->arena, run->candidate_count, sizeof(const struct digest_facts *));
	return (run->applied && run->scratch && run->asked_for) || out_of_memory(run);
}

static bool select_policies(struct run *run, struct image_case *c)
{
	size_t count = 0;

	for (size_t i = 0; i < run->candidate_count; i++) {
		if (!policy_selects(run->candidates[i], &c->ref))
			continue;
		run->applied[i] = true;
		run->scratch[count].exempt = policy_exempts(run->candidates[i], &c->ref) != NULL;
		run->scratch[count++].candidate = (uint32_t)i;
	}
	c->selections = arena_array(run->arena, count, sizeof(*c->selections));
	if (!c->selections)
		return out_of_memory(run);
	memcpy(c->selections, run->scratch, count * sizeof(*c->selections));
	c->selection_count = count;
	return true;
}

static bool read_case(struct run *run, const struct image_use *use, struct image_case *c)
{
	struct err e;

	c->use = use;
	c->shown = image_text_escape(use->text, run->arena);
	if (!c->shown.ptr && use->text.len)
		return out_of_memory(run);
	if (image_ref_parse(use->text, run->arena, &c->ref, &e))
		return select_policies(run, c);
	if (e.kind != ERR_INVALID)
		return out_of_memory(run);
	c->invalid = keep(run, str_of(e.text));
	return c->invalid.ptr != NULL;
}

static bool read_cases(struct run *run, const struct image_uses *uses)
{
	run->cases = arena_array(run->arena, uses->count, sizeof(*run->cases));
	if (!run->cases)
		return out_of_memory(run);
	run->case_count = uses->count;
	for (size_t i = 0; i < uses->count; i++)
		if (!going_on(run) || !read_case(run, &uses->items[i], &run->cases[i]))
			return false;
	return true;
}

static bool needs_facts(const struct run *run, const struct image_case *c)
{
	if (c->invalid.ptr || c->ref.digest.len == 0)
		return false;
	for (size_t i = 0; i < c->selection_count; i++)
		if (!c->selections[i].exempt && run->candidates[c->selections[i].candidate]->rule_count)
			return true;
	return false;
}

/* The notes of one query. */
struct notes {
	struct str *items;
	size_t count;
	size_t capacity;
	bool every; /* an attestor takes any note */
};

static bool add_note(struct run *run, struct notes *notes, struct str note)
{
	size_t capacity = notes->capacity ? 2 * notes->capacity : 8;

	notes->every = notes->every || note.len == 0;
	for (size_t i = 0; i < notes->count; i++)
		if (str_eq(notes->items[i], note))
			return true;
	if (notes->count == notes->capacity) {
		struct str *items = arena_grow(run->arena, notes->items, notes->capacity * sizeof(*items),
					       capacity * sizeof(*items));

		if (!items)
			return out_of_memory(run);
		notes->items = items;
		notes->capacity = capacity;
	}
	notes->items[notes->count++] = note;
	return true;
}

static bool add_policy_notes(struct run *run, struct notes *notes, const struct image_policy *policy)
{
	for (size_t r = 0; r < policy->rule_count; r++)
		for (size_t a = 0; a < policy->rules[r].attestor_count; a++)
			if (!add_note(run, notes, policy->rules[r].attestors[a]->note))
				return false;
	return true;
}

static bool add_case_notes(struct run *run, struct notes *notes, const struct image_case *c)
{
	for (size_t i = 0; i < c->selection_count; i++) {
		size_t candidate = c->selections[i].candidate;

		if (c->selections[i].exempt || run->asked_for[candidate] == c->facts)
			continue;
		run->asked_for[candidate] = c->facts;
		if (!add_policy_notes(run, notes, run->candidates[candidate]))
			return false;
	}
	return true;
}

static bool ask(struct run *run, struct str digest, const struct notes *notes, struct digest_facts *out)
{
	const struct facts *facts = run->how->facts;
	struct facts_query query = {.digest = digest};
	struct err e = ERR_INIT;

	query.notes = notes->every ? NULL : notes->items;
	query.note_count = notes->every ? 0 : notes->count;
	if (facts && facts->attestations(facts->context, &query, run->arena, &out->answer, &e))
		return true;
	out->answer = (struct facts_answer){0};
	out->error = keep(run, e.text[0] ? str_of(e.text) : STR("the reason is not known"));
	return run->progress == GOING_ON;
}

/* One query for the `count` cases that share a digest. */
static bool ask_for_group(struct run *run, struct image_case **group, size_t count)
{
	struct digest_facts *facts = arena_alloc(run->arena, sizeof(*facts));
	struct notes notes = {0};

	if (!facts)
		return out_of_memory(run);
	for (size_t i = 0; i < count; i++) {
		group[i]->facts = facts;
		if (!add_case_notes(run, &notes, group[i]))
			return false;
	}
	return ask(run, group[0]->ref.digest, &notes, facts);
}

static int by_digest(const void *a, const void *b)
{
	const struct image_case *const *left = a, *const *right = b;

	return str_compare((*left)->ref.digest, (*right)->ref.digest);
}

static bool gather_facts(struct run *run)
{
	struct image_case **sorted = arena_array(run->arena, run->case_count, sizeof(*sorted));
	size_t count = 0, end;

	if (!sorted)
		return out_of_memory(run);
	for (size_t i = 0; i < run->case_count; i++)
		if (needs_facts(run, &run->cases[i]))
			sorted[count++] = &run->cases[i];
	qsort(sorted, count, sizeof(*sorted), by_digest);
	for (size_t from = 0; from < count; from = end) {
		for (end = from + 1; end < count && by_digest(&sorted[from], &sorted[end]) == 0;)
			end++;
		if (!going_on(run) || !ask_for_group(run, sorted + from, end - from))
			return false;
	}
	return true;
}

static bool make_room(struct run *run)
{
	size_t rows = 0;

	for (size_t i = 0; i < run->case_count; i++)
		rows += run->cases[i].selection_count ? run->cases[i].selection_count : 1;
	run->judgements = arena_array(run->arena, rows, sizeof(*run->judgements));
	return run->judgements || out_of_memory(run);
}

static bool add_finding(struct run *run, const struct finding *finding)
{
	size_t size = sizeof(*finding);
	size_t capacity = run->finding_capacity ? 2 * run->finding_capacity : 4;

	if (run->finding_count == run->finding_capacity) {
		struct finding *grown =
			arena_grow(run->arena, run->findings, run->finding_capacity * size, capacity * size);

		if (!grown)
			return out_of_memory(run);
		run->findings = grown;
		run->finding_capacity = capacity;
	}
	run->findings[run->finding_count++] = *finding;
	tally_finding(&run->tally, finding->enforcement);
	return true;
}

static bool record(struct run *run, const struct image_case *c, const struct outcome *outcome)
{
	struct finding finding = {outcome->class, outcome->enforcement, c->use->path, c->shown, outcome->policy, {0}};
	struct judgement row = {c->use->path, c->shown, outcome->policy, outcome->holds, false, outcome->reason};
	struct line line;

	if (outcome->class == FINDING_NO_POLICY)
		row.policy = STR("default");
	run->judgements[run->judgement_count++] = row;
	run->tally.applied++;
	if (outcome->holds)
		return true;
	line_init(&line, LIMIT_FINDING_TEXT);
	finding_line(&line, outcome->class, c->shown, c->use->path, outcome->detail);
	finding.text = keep(run, line_str(&line));
	return finding.text.ptr && add_finding(run, &finding);
}

static bool record_exempt(struct run *run, const struct image_case *c, const struct image_policy *policy)
{
	const struct image_pattern *pattern = policy_exempts(policy, &c->ref);
	struct judgement row = {c->use->path, c->shown, policy->name, true, true, {0}};

	row.reason = arena_printf(run->arena, "exempt by %.*s", STR_ARG(pattern->text));
	if (!row.reason.ptr)
		return out_of_memory(run);
	run->judgements[run->judgement_count++] = row;
	run->tally.exempt++;
	return true;
}

static bool judge_invalid(struct run *run, const struct image_case *c)
{
	struct outcome outcome = {.class = FINDING_REFERENCE, .enforcement = ENFORCE_DENY};

	outcome.detail = outcome.reason = c->invalid;
	return record(run, c, &outcome);
}

static bool judge_by_default(struct run *run, const struct image_case *c)
{
	static const struct {
		bool holds;
		enum enforcement enforcement;
		const char *reason;
	} actions[] = {
		[DEFAULT_DENY] = {false, ENFORCE_DENY, "the default action is deny"},
		[DEFAULT_WARN] = {false, ENFORCE_WARN, "the default action is warn"},
		[DEFAULT_ALLOW] = {true, ENFORCE_DENY, "the default action is allow"},
	};
	unsigned action = run->how->default_action <= DEFAULT_ALLOW ? run->how->default_action : DEFAULT_DENY;
	struct outcome outcome = {.class = FINDING_NO_POLICY};

	outcome.holds = actions[action].holds;
	outcome.enforcement = actions[action].enforcement;
	outcome.detail = outcome.reason = str_of(actions[action].reason);
	return record(run, c, &outcome);
}

/* Puts "policy NAME" before the reason. */
static bool explain(struct run *run, struct outcome *outcome, const char *joint, const struct line *reason)
{
	struct line detail;

	line_init(&detail, LIMIT_FINDING_TEXT);
	line_add(&detail, STR("policy "));
	line_add_escaped(&detail, outcome->policy, LIMIT_REASON_TEXT);
	line_printf(&detail, "%s", joint);
	line_add(&detail, line_str(reason));
	outcome->detail = keep(run, line_str(&detail));
	outcome->reason = str_skip(outcome->detail, outcome->detail.len - reason->len);
	return outcome->detail.ptr != NULL;
}

static bool has_no_digest(const struct image_case *c, const struct image_policy *policy)
{
	return c->ref.digest.len == 0 && (policy->require_digest || policy->rule_count);
}

static bool is_fulfilled(const struct image_case *c, const struct image_policy *policy, const struct vouched *what)
{
	if (policy->rule_count == 0)
		return policy->require_digest && c->ref.digest.len > 0;
	return c->facts && c->facts->error.len == 0 && rules_hold(policy, &c->facts->answer, what);
}

static bool judge_by_policy(struct run *run, const struct image_case *c, const struct image_policy *policy)
{
	static const struct facts_answer nothing;
	const struct facts_answer *facts = c->facts ? &c->facts->answer : &nothing;
	struct vouched what = {c->ref.digest, c->ref.repository, run->how->now};
	struct outcome outcome = {
		.class = FINDING_SIGNATURES, .enforcement = policy->enforcement, .policy = policy->name};
	const char *joint = " ";
	struct line reason;

	line_init(&reason, LIMIT_REASON_TEXT);
	if (has_no_digest(c, policy)) {
		outcome.class = FINDING_NO_DIGEST;
		reason_no_digest(&reason, policy);
	} else if (policy->rule_count && c->facts && c->facts->error.len) {
		joint = ": ";
		line_add(&reason, STR("attestations can't be read: "));
		line_add_escaped(&reason, c->facts->error, LIMIT_REASON_TEXT);
	} else if (is_fulfilled(c, policy, &what)) {
		outcome.holds = true;
		reason_holds(&reason, policy, facts, &what);
	} else {
		reason_missing(&reason, policy, facts, &what);
	}
	return explain(run, &outcome, joint, &reason) && record(run, c, &outcome);
}

static bool judge_case(struct run *run, const struct image_case *c)
{
	if (c->invalid.ptr)
		return judge_invalid(run, c);
	if (c->selection_count == 0)
		return judge_by_default(run, c);
	for (size_t i = 0; i < c->selection_count; i++) {
		const struct image_policy *policy = run->candidates[c->selections[i].candidate];

		if (!going_on(run))
			return false;
		if (c->selections[i].exempt ? !record_exempt(run, c, policy) : !judge_by_policy(run, c, policy))
			return false;
	}
	return true;
}

static void judge_cases(struct run *run)
{
	for (size_t i = 0; i < run->case_count && going_on(run); i++)
		if (judge_case(run, &run->cases[i]))
			run->tally.images++;
}

static int by_name(const void *a, const void *b)
{
	const struct str *left = a, *right = b;

	return str_compare(*left, *right);
}

/* The names of the policies that selected an image, sorted, each once. */
static bool name_policies(struct run *run, struct decision *out)
{
	struct str *names = arena_array(run->arena, run->candidate_count, sizeof(*names));
	size_t count = 0, distinct = 0;

	if (!names)
		return out_of_memory(run);
	for (size_t i = 0; i < run->candidate_count; i++)
		if (run->applied[i])
			names[count++] = run->candidates[i]->name;
	qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++)
		if (distinct == 0 || !str_eq(names[distinct - 1], names[i]))
			names[distinct++] = names[i];
	out->policies = names;
	out->policy_count = distinct;
	return true;
}

static bool add_too_late(struct run *run, size_t images)
{
	struct finding finding = {.class = FINDING_TOO_LATE, .enforcement = ENFORCE_DENY};

	finding.text =
		arena_printf(run->arena, "Too late to decide: the deadline passed when %zu of %zu images were judged",
			     run->tally.images, images);
	return (finding.text.ptr || out_of_memory(run)) && add_finding(run, &finding);
}

/* The one place that allows. */
static void conclude(struct run *run, size_t images, struct decision *out)
{
	struct decision decision = {.kind = DECISION_DENY};

	if (!going_on(run) && (run->progress == NO_MEMORY || !add_too_late(run, images)))
		return;
	if (run->candidates && !name_policies(run, &decision))
		return;
	decision.findings = run->findings;
	decision.finding_count = run->finding_count;
	decision.judgements = run->judgements;
	decision.judgement_count = run->judgement_count;
	decision.kind = tally_decide(&run->tally, images);
	decision.allowed = decision.kind != DECISION_DENY;
	*out = decision;
}

void evaluate(const struct evaluation *how, const struct subject *subject, const struct image_uses *uses,
	      struct arena *arena, struct decision *out)
{
	struct run run = {.how = how, .arena = arena};

	decision_refuse(FINDING_TOO_COMPLEX, STR(""), STR("Too complex: no memory is left to decide"), arena, out);
	if (find_candidates(&run, subject) && read_cases(&run, uses) && gather_facts(&run) && make_room(&run))
		judge_cases(&run);
	conclude(&run, uses->count, out);
}
