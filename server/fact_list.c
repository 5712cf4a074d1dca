#include "server/fact_list.h"

/* A signature may be dated this much after our clock, seconds. */
#define CLOCK_SKEW 300

static bool reject(struct attestation_fact *fact, enum verdict_reason reason)
{
	fact->verdict = VERDICT_REJECTED;
	fact->reason = reason;
	return false;
}

/* At `date` the judgement about an accepted signature changes. */
static void note_date(struct fact_list *list, int64_t date)
{
	struct facts_window *window = &list->window;

	if (date > list->now)
		window->until = date < window->until ? date : window->until;
	else
		window->from = date > window->from ? date : window->from;
}

static void note_dates(struct fact_list *list, const struct signature_facts *facts, const struct attestation_fact *fact)
{
	if (facts->verdict != VERDICT_ACCEPTED)
		return;
	note_date(list, facts->signed_at < INT64_MIN + CLOCK_SKEW ? INT64_MIN : facts->signed_at - CLOCK_SKEW);
	if (fact->expires_at)
		note_date(list, fact->expires_at);
}

/* Starts from rejected; true when everything holds. The dates are compared with the clock each time: keys expire while
 * the server runs. */
static bool holds(const struct fact_list *list, const struct signature_facts *facts, struct attestation_fact *fact)
{
	if (facts->verdict != VERDICT_ACCEPTED || facts->reason != REASON_GOOD)
		return reject(fact, facts->reason == REASON_GOOD ? REASON_NOT_VERIFIED : facts->reason);
	if (!str_eq(fact->digest, list->digest))
		return reject(fact, REASON_OTHER_DIGEST);
	if (facts->signed_at > list->now + CLOCK_SKEW)
		return reject(fact, REASON_NOT_YET_VALID);
	if (fact->expires_at && fact->expires_at <= list->now)
		return reject(fact, fact->key_expires_first ? REASON_KEY_EXPIRED : REASON_SIGNATURE_EXPIRED);
	return true;
}

/* Fills what follows from the verdict. The texts still belong to `facts`. */
static void judge(struct fact_list *list, const struct signature_facts *facts, struct attestation_fact *fact)
{
	int64_t key = facts->key_expires_at, own = facts->signature_expires_at;

	fact->signer = str_of(facts->signer);
	fact->digest = str_of(facts->digest);
	fact->repository = str_of(facts->repository);
	fact->signed_at = facts->signed_at;
	fact->key_expires_first = key && (!own || key <= own);
	fact->expires_at = fact->key_expires_first ? key : own;
	note_dates(list, facts, fact);
	if (!holds(list, facts, fact))
		return;
	fact->verdict = VERDICT_ACCEPTED;
	fact->reason = REASON_GOOD;
}

/* The texts of the verdict, copied into the arena. */
static bool own_verdict(struct arena *arena, struct attestation_fact *fact)
{
	fact->signer = arena_copy(arena, fact->signer);
	fact->digest = arena_copy(arena, fact->digest);
	fact->repository = arena_copy(arena, fact->repository);
	return fact->signer.ptr && fact->digest.ptr && fact->repository.ptr;
}

static bool own_name(struct arena *arena, const struct attestation_row *row, struct attestation_fact *fact)
{
	fact->name = ARENA_JOIN(arena, STR("projects/"), row->project, STR("/occurrences/"), row->id);
	fact->note = arena_copy(arena, row->note);
	return fact->name.ptr && fact->note.ptr;
}

static bool append(struct fact_list *list, const struct attestation_fact *fact)
{
	size_t capacity = list->capacity ? 2 * list->capacity : 16;

	if (list->count == list->capacity) {
		struct attestation_fact *items = arena_grow(list->arena, list->items, list->capacity * sizeof(*items),
							    capacity * sizeof(*items));

		if (!items)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *fact;
	return true;
}

/* An accepted fact that says the same: same note, signer and repository. */
static struct attestation_fact *find_same(struct fact_list *list, const struct attestation_fact *fact)
{
	for (size_t i = 0; i < list->count; i++) {
		struct attestation_fact *other = &list->items[i];

		if (other->verdict == VERDICT_ACCEPTED && str_eq(other->signer, fact->signer) &&
		    str_eq(other->note, fact->note) && str_eq(other->repository, fact->repository))
			return other;
	}
	return NULL;
}

bool fact_list_add(struct fact_list *list, const struct attestation_row *row, const struct signature_facts *facts)
{
	struct attestation_fact fact = {.note = row->note};
	struct attestation_fact *same;

	judge(list, facts, &fact);
	if (fact.verdict != VERDICT_ACCEPTED && list->rejected++ >= FACTS_REJECTED_MAX)
		return true;
	same = fact.verdict == VERDICT_ACCEPTED ? find_same(list, &fact) : NULL;
	if (same && same->signed_at >= fact.signed_at)
		return true;
	if (!own_name(list->arena, row, &fact) || !own_verdict(list->arena, &fact))
		return false;
	if (!same)
		return append(list, &fact);
	*same = fact;
	return true;
}

bool fact_list_reserve(struct fact_list *list, const struct attestation_row *row, size_t *index)
{
	struct attestation_fact fact = {.verdict = VERDICT_REJECTED, .reason = REASON_NOT_VERIFIED};

	fact.signer = fact.digest = fact.repository = STR("");
	if (!own_name(list->arena, row, &fact) || !append(list, &fact))
		return false;
	*index = list->count - 1;
	return true;
}

bool fact_list_settle(struct fact_list *list, size_t index, const struct signature_facts *facts)
{
	struct attestation_fact fact = list->items[index];

	judge(list, facts, &fact);
	if (!own_verdict(list->arena, &fact))
		return false;
	list->items[index] = fact;
	return true;
}
