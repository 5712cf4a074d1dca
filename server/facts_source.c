#include "server/facts_source.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"

/* A signature may be dated this much after our clock, seconds. */
#define CLOCK_SKEW 300
/* Rejected attestations that a refusal could name; more are not kept, so that a flood of them costs no memory. */
#define REJECTED_KEPT 256u

/* An attestation whose verdict is on its way. */
struct pending {
	struct verify_ticket *ticket;
	size_t fact; /* its place in `facts` */
};

struct walk {
	struct facts_source *source;
	const struct facts_query *query;
	struct arena *arena;
	struct attestation_fact *facts;
	size_t count;
	size_t capacity;
	size_t rejected;
	struct pending *pending; /* LIMIT_UNVERIFIED for each note */
	size_t pending_count;
	size_t pending_capacity;
	struct str note; /* the one being walked */
	size_t pending_of_note;
	size_t unverified;
	bool no_memory;
	bool late;
};

static bool grow(struct walk *w)
{
	size_t capacity = w->capacity ? 2 * w->capacity : 16;
	struct attestation_fact *facts =
		arena_grow(w->arena, w->facts, w->capacity * sizeof(*facts), capacity * sizeof(*facts));

	if (!facts)
		return false;
	w->facts = facts;
	w->capacity = capacity;
	return true;
}

static bool grow_pending(struct walk *w)
{
	size_t capacity = w->pending_capacity ? 2 * w->pending_capacity : 16;
	struct pending *pending =
		arena_grow(w->arena, w->pending, w->pending_capacity * sizeof(*pending), capacity * sizeof(*pending));

	if (!pending)
		return false;
	w->pending = pending;
	w->pending_capacity = capacity;
	return true;
}

static void reject(struct attestation_fact *fact, enum verdict_reason reason)
{
	fact->verdict = VERDICT_REJECTED;
	fact->reason = reason;
}

/* The dates are compared with the clock each time: keys expire while the server runs. */
static void judge(const struct walk *w, const struct signature_facts *facts, struct attestation_fact *fact)
{
	int64_t key = facts->key_expires_at, own = facts->signature_expires_at, now = w->source->now;

	fact->verdict = facts->verdict;
	fact->reason = facts->reason;
	fact->signed_at = facts->signed_at;
	fact->key_expires_first = key && (!own || key <= own);
	fact->expires_at = fact->key_expires_first ? key : own;
	if (fact->verdict != VERDICT_ACCEPTED)
		return;
	if (!str_eq(fact->digest, w->query->digest))
		reject(fact, REASON_OTHER_DIGEST);
	else if (facts->signed_at > now + CLOCK_SKEW)
		reject(fact, REASON_NOT_YET_VALID);
	else if (fact->expires_at && fact->expires_at <= now)
		reject(fact, fact->key_expires_first ? REASON_KEY_EXPIRED : REASON_SIGNATURE_EXPIRED);
}

static bool set_fact(struct walk *w, size_t index, const struct signature_facts *facts)
{
	struct attestation_fact fact = w->facts[index];

	fact.signer = arena_copy(w->arena, str_of(facts->signer));
	fact.digest = arena_copy(w->arena, str_of(facts->digest));
	fact.repository = arena_copy(w->arena, str_of(facts->repository));
	if (!fact.signer.ptr || !fact.digest.ptr || !fact.repository.ptr)
		return false;
	judge(w, facts, &fact);
	w->facts[index] = fact;
	return true;
}

static bool add_fact(struct walk *w, const struct attestation_row *row)
{
	struct attestation_fact fact = {.verdict = VERDICT_REJECTED, .reason = REASON_NOT_VERIFIED};

	if (w->count == w->capacity && !grow(w))
		return false;
	fact.name = arena_printf(w->arena, "projects/%.*s/occurrences/%.*s", STR_ARG(row->project), STR_ARG(row->id));
	fact.note = arena_copy(w->arena, row->note);
	fact.signer = fact.digest = fact.repository = STR("");
	if (!fact.name.ptr || !fact.note.ptr)
		return false;
	w->facts[w->count++] = fact;
	return true;
}

static bool add_known(struct walk *w, const struct attestation_row *row, const struct signature_facts *facts)
{
	if (facts->verdict != VERDICT_ACCEPTED && w->rejected++ >= REJECTED_KEPT)
		return true;
	return add_fact(w, row) && set_fact(w, w->count - 1, facts);
}

/* Newest first, LIMIT_UNVERIFIED for each note; what is left out is counted. */
static bool add_unknown(struct walk *w, const struct attestation_row *row)
{
	if (w->pending_of_note >= LIMIT_UNVERIFIED) {
		w->unverified++;
		return true;
	}
	if ((w->pending_count == w->pending_capacity && !grow_pending(w)) || !add_fact(w, row))
		return false;
	w->pending[w->pending_count].ticket =
		verify_queue_request(w->source->queue, w->source->trust->keys, row->signature, row->payload);
	w->pending[w->pending_count].fact = w->count - 1;
	w->pending_count++;
	w->pending_of_note++;
	return true;
}

static void begin_note(struct walk *w, struct str note)
{
	if (w->query->note_count == 0 || str_eq(w->note, note))
		return;
	for (size_t i = 0; i < w->query->note_count; i++)
		if (str_eq(w->query->notes[i], note))
			w->note = w->query->notes[i];
	w->pending_of_note = 0;
}

static bool visit(void *context, const struct attestation_row *row)
{
	struct walk *w = context;
	struct signature_facts facts;
	struct sha256 key;
	bool ok;

	w->late = w->late || clock_left_ms(w->source->deadline_ms) == 0;
	if (w->late || w->no_memory)
		return false;
	begin_note(w, row->note);
	if (!verdict_cache_key(row->signature, row->payload, &key))
		ok = false;
	else if (verify_queue_peek(w->source->queue, w->source->trust->keys, &key, &facts))
		ok = add_known(w, row, &facts);
	else
		ok = add_unknown(w, row);
	w->no_memory = !ok;
	return ok;
}

/* Takes every ticket back, whatever happened. */
static void wait_for_all(struct walk *w)
{
	for (size_t i = 0; i < w->pending_count; i++) {
		struct signature_facts facts;

		verify_ticket_wait(w->pending[i].ticket, w->source->deadline_ms, &facts);
		if (!w->no_memory)
			w->no_memory = !set_fact(w, w->pending[i].fact, &facts);
	}
}

static bool attestations(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
			 struct err *e)
{
	struct walk w = {.source = context, .query = query, .arena = arena, .note = STR("")};
	bool read = store_attestations(w.source->store, query->digest, query->notes, query->note_count,
				       w.source->deadline_ms, visit, &w, e);

	wait_for_all(&w);
	if (!read)
		return err_context(e, "the store can't be read");
	if (w.no_memory)
		return err_set(e, ERR_TOO_LARGE, "too many attestations for the memory of one review");
	if (w.late)
		return err_set(e, ERR_TIMEOUT, "too many attestations to read in time");
	*out = (struct facts_answer){w.facts, w.count, w.unverified};
	return true;
}

struct facts facts_source_interface(struct facts_source *source)
{
	return (struct facts){source, attestations};
}
