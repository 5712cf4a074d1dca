#include "policy/evaluate_run.h"
#include "policy/reason.h"
#include "policy/select.h"

static bool make_room(struct run *run)
{
	size_t rows = 0;

	for (size_t i = 0; i < run->case_count; i++)
		rows += run->cases[i].selection_count ? run->cases[i].selection_count : 1;
	run->judgements = arena_array(run->arena, rows, sizeof(*run->judgements));
	return run->judgements || run_out_of_memory(run);
}

bool run_add_finding(struct run *run, const struct finding *finding)
{
	size_t size = sizeof(*finding);
	size_t capacity = run->finding_capacity ? 2 * run->finding_capacity : 4;

	if (run->finding_count == run->finding_capacity) {
		struct finding *grown =
			arena_grow(run->arena, run->findings, run->finding_capacity * size, capacity * size);

		if (!grown)
			return run_out_of_memory(run);
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
	finding.text = run_keep(run, line_str(&line));
	return finding.text.ptr && run_add_finding(run, &finding);
}

static bool record_exempt(struct run *run, const struct image_case *c, const struct image_policy *policy)
{
	const struct image_pattern *pattern = policy_exempts(policy, &c->ref);
	struct judgement row = {c->use->path, c->shown, policy->name, true, true, {0}};

	row.reason = arena_printf(run->arena, "exempt by %.*s", STR_ARG(pattern->text));
	if (!row.reason.ptr)
		return run_out_of_memory(run);
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
	line_add(&detail, str_of(joint));
	line_add(&detail, line_str(reason));
	outcome->detail = run_keep(run, line_str(&detail));
	outcome->reason = str_skip(outcome->detail, outcome->detail.len - reason->len);
	return outcome->detail.ptr != NULL;
}

static bool has_no_digest(const struct image_case *c, const struct image_policy *policy)
{
	return c->ref.digest.len == 0 && (policy->require_digest || policy->rule_count);
}

/* What such a policy demands, or of whom, nobody knows; whatever its enforcement, it must not be what admits. */
static bool decide_unreadable(struct run *run, const struct candidate *candidate, struct outcome *outcome)
{
	struct line reason;

	*outcome = (struct outcome){.class = FINDING_BAD_POLICY, .policy = candidate->policy->name};
	outcome->enforcement = ENFORCE_DENY;
	line_init(&reason, LIMIT_REASON_TEXT);
	if (candidate->unknown)
		reason_unknown_labels(&reason, run->namespace_);
	else
		reason_unreadable(&reason, candidate->policy);
	return explain(run, outcome, " ", &reason);
}

static bool decide_policy(struct run *run, const struct image_case *c, const struct image_policy *policy,
			  struct outcome *outcome)
{
	static const struct facts_answer nothing;
	const struct facts_answer *known = c->facts && c->facts->error.len == 0 ? &c->facts->answer : NULL;
	const struct facts_answer *facts = known ? known : &nothing;
	struct vouched what = {c->ref.digest, c->ref.repository, run->how->now};
	const char *joint = " ";
	struct line reason;

	*outcome = (struct outcome){.class = FINDING_SIGNATURES, .policy = policy->name};
	outcome->enforcement = policy->enforcement;
	line_init(&reason, LIMIT_REASON_TEXT);
	if (has_no_digest(c, policy)) {
		outcome->class = FINDING_NO_DIGEST;
		reason_no_digest(&reason, policy);
	} else if (policy->rule_count && c->facts && c->facts->error.len) {
		outcome->class = FINDING_NO_FACTS;
		joint = ": ";
		line_add(&reason, STR("attestations can't be read: "));
		line_add_escaped(&reason, c->facts->error, LIMIT_REASON_TEXT);
	} else if (policy_holds(policy, known, &what)) {
		outcome->holds = true;
		reason_holds(&reason, policy, facts, &what);
	} else {
		reason_missing(&reason, policy, facts, &what);
	}
	return explain(run, outcome, joint, &reason);
}

static bool judge_by_policy(struct run *run, const struct image_case *c, struct candidate *candidate)
{
	const struct precedent *last = candidate->precedent;
	struct precedent *made;

	if (last && c->facts && last->facts == c->facts && str_eq(last->repository, c->ref.repository))
		return record(run, c, &last->outcome);
	made = arena_alloc(run->arena, sizeof(*made));
	if (!made)
		return run_out_of_memory(run);
	made->facts = c->facts;
	made->repository = c->ref.repository;
	candidate->precedent = made;
	if (candidate->unknown || candidate->policy->unreadable.len)
		return decide_unreadable(run, candidate, &made->outcome) && record(run, c, &made->outcome);
	return decide_policy(run, c, candidate->policy, &made->outcome) && record(run, c, &made->outcome);
}

static bool judge_case(struct run *run, const struct image_case *c)
{
	if (c->invalid.ptr)
		return judge_invalid(run, c);
	if (c->selection_count == 0)
		return judge_by_default(run, c);
	for (size_t i = 0; i < c->selection_count; i++) {
		struct candidate *candidate = &run->candidates[c->selections[i].candidate];

		if (!run_goes_on(run))
			return false;
		if (c->selections[i].exempt ? !record_exempt(run, c, candidate->policy)
					    : !judge_by_policy(run, c, candidate))
			return false;
	}
	return true;
}

void run_judge(struct run *run)
{
	if (!make_room(run))
		return;
	for (size_t i = 0; i < run->case_count && run_goes_on(run); i++)
		if (judge_case(run, &run->cases[i]))
			run->tally.images++;
}
