#include "policy/evaluate.h"

#include "base/clock.h"
#include "policy/evaluate_run.h"
#include "policy/select.h"

bool run_goes_on(struct run *run)
{
	if (run->progress == GOING_ON && run->how->deadline_ms && clock_left_ms(run->how->deadline_ms) == 0)
		run->progress = TOO_LATE;
	return run->progress == GOING_ON;
}

bool run_out_of_memory(struct run *run)
{
	run->progress = NO_MEMORY;
	return false;
}

/* Copies a text that must not be lost. */
struct str run_keep(struct run *run, struct str text)
{
	struct str kept = arena_copy(run->arena, text);

	if (!kept.ptr)
		run_out_of_memory(run);
	return kept;
}

static bool find_candidates(struct run *run, const struct subject *subject)
{
	const struct policy_set *set = run->how->policies;
	const struct image_policy **fitting = arena_array(run->arena, set->policy_count, sizeof(*fitting));
	bool *unknown = arena_array(run->arena, set->policy_count, sizeof(*unknown));
	struct selector selector;
	size_t count = 0;

	if (!fitting || !unknown || !selector_init(subject, run->arena, &selector))
		return run_out_of_memory(run);
	for (size_t i = 0; i < set->policy_count; i++) {
		enum fit fit = policy_fits(&set->policies[i], &selector);

		fitting[count] = &set->policies[i];
		unknown[count] = fit == FIT_UNKNOWN;
		count += fit != FIT_NOT;
	}
	run->candidates = arena_array(run->arena, count, sizeof(*run->candidates));
	run->scratch = arena_array(run->arena, count, sizeof(*run->scratch));
	if (!run->candidates || !run->scratch)
		return run_out_of_memory(run);
	for (size_t i = 0; i < count; i++)
		run->candidates[i] = (struct candidate){.policy = fitting[i], .unknown = unknown[i]};
	run->candidate_count = count;
	return true;
}

static bool select_policies(struct run *run, struct image_case *c)
{
	size_t count = 0;

	for (size_t i = 0; i < run->candidate_count; i++) {
		struct candidate *candidate = &run->candidates[i];

		if (!policy_selects(candidate->policy, &c->ref))
			continue;
		candidate->applied = true;
		/* What may not apply at all exempts nothing: the default action might refuse. */
		run->scratch[count].exempt = !candidate->unknown && policy_exempts(candidate->policy, &c->ref) != NULL;
		run->scratch[count++].candidate = (uint32_t)i;
	}
	c->selections = arena_array(run->arena, count, sizeof(*c->selections));
	if (!c->selections)
		return run_out_of_memory(run);
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
		return run_out_of_memory(run);
	if (image_ref_parse(use->text, run->arena, &c->ref, &e))
		return select_policies(run, c);
	if (e.kind != ERR_INVALID)
		return run_out_of_memory(run);
	c->invalid = run_keep(run, str_of(e.text));
	return c->invalid.ptr != NULL;
}

static bool read_cases(struct run *run, const struct image_uses *uses)
{
	run->cases = arena_array(run->arena, uses->count, sizeof(*run->cases));
	if (!run->cases)
		return run_out_of_memory(run);
	run->case_count = uses->count;
	for (size_t i = 0; i < uses->count; i++)
		if (!run_goes_on(run) || !read_case(run, &uses->items[i], &run->cases[i]))
			return false;
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct str *left = a, *right = b;

	return str_compare(*left, *right);
}

static size_t count_applied(const struct run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < run->candidate_count; i++)
		count += run->candidates[i].applied;
	return count;
}

/* The names of the policies that selected an image, sorted, each once. */
static bool name_policies(struct run *run, struct decision *out)
{
	struct str *names = arena_array(run->arena, count_applied(run), sizeof(*names));
	size_t count = 0, distinct = 0;

	if (!names)
		return run_out_of_memory(run);
	for (size_t i = 0; i < run->candidate_count; i++)
		if (run->candidates[i].applied)
			names[count++] = run->candidates[i].policy->name;
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
	return (finding.text.ptr || run_out_of_memory(run)) && run_add_finding(run, &finding);
}

/* The one place that allows. */
static void conclude(struct run *run, size_t images, struct decision *out)
{
	struct decision decision = {.kind = DECISION_DENY};

	if (!run_goes_on(run) && (run->progress == NO_MEMORY || !add_too_late(run, images)))
		return;
	if (run->candidates && !name_policies(run, &decision))
		return;
	decision.findings = run->findings;
	decision.finding_count = run->finding_count;
	decision.judgements = run->judgements;
	decision.judgement_count = run->judgement_count;
	decision.kind = tally_decide(&run->tally, images);
	decision.allowed = decision.kind != DECISION_DENY;
	/* A refusal that would give no reason keeps the one it began with. */
	if (decision.allowed || decision.finding_count)
		*out = decision;
}

void evaluate(const struct evaluation *how, const struct subject *subject, const struct image_uses *uses,
	      struct arena *arena, struct decision *out)
{
	struct run run = {.how = how, .arena = arena};

	decision_refuse(FINDING_TOO_COMPLEX, STR(""), STR("Too complex: no memory is left to decide"), arena, out);
	run.namespace_ = subject->namespace_;
	if (find_candidates(&run, subject) && read_cases(&run, uses) && run_gather_facts(&run))
		run_judge(&run);
	conclude(&run, uses->count, out);
}
