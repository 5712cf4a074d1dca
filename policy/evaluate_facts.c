#include "policy/evaluate_run.h"

static bool needs_facts(const struct run *run, const struct image_case *c)
{
	if (c->invalid.ptr || c->ref.digest.len == 0)
		return false;
	for (size_t i = 0; i < c->selection_count; i++) {
		const struct candidate *candidate = &run->candidates[c->selections[i].candidate];

		if (!c->selections[i].exempt && !candidate->unknown && candidate->policy->rule_count)
			return true;
	}
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
			return run_out_of_memory(run);
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
			if (!policy->rules[r].attestors[a]->missing.len &&
			    !add_note(run, notes, policy->rules[r].attestors[a]->note))
				return false;
	return true;
}

static bool add_case_notes(struct run *run, struct notes *notes, const struct image_case *c)
{
	for (size_t i = 0; i < c->selection_count; i++) {
		struct candidate *candidate = &run->candidates[c->selections[i].candidate];

		if (c->selections[i].exempt || candidate->asked == c->facts)
			continue;
		candidate->asked = c->facts;
		if (!add_policy_notes(run, notes, candidate->policy))
			return false;
	}
	return true;
}

/* The cases that share a digest. */
struct group {
	const struct run *run;
	struct image_case **cases;
	size_t count;
};

static bool is_enough_for(const struct run *run, const struct image_case *c, const struct facts_answer *so_far)
{
	struct vouched what = {c->ref.digest, c->ref.repository, run->how->now};

	for (size_t i = 0; i < c->selection_count; i++) {
		const struct image_policy *policy = run->candidates[c->selections[i].candidate].policy;

		if (!c->selections[i].exempt && policy->rule_count && !rules_hold(policy, so_far, &what))
			return false;
	}
	return true;
}

static bool is_enough(void *context, const struct facts_answer *so_far)
{
	const struct group *group = context;

	for (size_t i = 0; i < group->count; i++)
		if (!is_enough_for(group->run, group->cases[i], so_far))
			return false;
	return true;
}

static bool ask(struct run *run, struct group *group, const struct notes *notes, struct digest_facts *out)
{
	const struct facts *facts = run->how->facts;
	struct facts_query query = {.digest = group->cases[0]->ref.digest, .enough = is_enough, .context = group};
	struct err e = ERR_INIT;

	query.notes = notes->every ? NULL : notes->items;
	query.note_count = notes->every ? 0 : notes->count;
	/* No note would stand for every one. */
	if (!notes->every && notes->count == 0)
		return true;
	if (facts && facts->attestations(facts->context, &query, run->arena, &out->answer, &e))
		return true;
	out->answer = (struct facts_answer){0};
	out->error = run_keep(run, e.text[0] ? str_of(e.text) : STR("the reason is not known"));
	return run->progress == GOING_ON;
}

/* One query for the `count` cases that share a digest. */
static bool ask_for_group(struct run *run, struct image_case **cases, size_t count)
{
	struct digest_facts *facts = arena_alloc(run->arena, sizeof(*facts));
	struct group group = {run, cases, count};
	struct notes notes = {0};

	if (!facts)
		return run_out_of_memory(run);
	for (size_t i = 0; i < count; i++) {
		cases[i]->facts = facts;
		if (!add_case_notes(run, &notes, cases[i]))
			return false;
	}
	return ask(run, &group, &notes, facts);
}

static int by_digest(const void *a, const void *b)
{
	const struct image_case *const *left = a, *const *right = b;

	return str_compare((*left)->ref.digest, (*right)->ref.digest);
}

bool run_gather_facts(struct run *run)
{
	struct image_case **sorted = arena_array(run->arena, run->case_count, sizeof(*sorted));
	size_t count = 0, end;

	if (!sorted)
		return run_out_of_memory(run);
	for (size_t i = 0; i < run->case_count; i++)
		if (needs_facts(run, &run->cases[i]))
			sorted[count++] = &run->cases[i];
	qsort(sorted, count, sizeof(*sorted), by_digest);
	for (size_t from = 0; from < count; from = end) {
		for (end = from + 1; end < count && by_digest(&sorted[from], &sorted[end]) == 0;)
			end++;
		if (!run_goes_on(run) || !ask_for_group(run, sorted + from, end - from))
			return false;
	}
	return true;
}
