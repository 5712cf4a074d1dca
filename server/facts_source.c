#include "server/facts_source.h"

#include "base/clock.h"
#include "base/limits.h"
#include "server/fact_list.h"

/* An attestation whose verdict is on its way. */
struct pending {
	struct verify_ticket *ticket;
	size_t fact; /* its place in the list */
};

struct walk {
	struct facts_source *source;
	const struct facts_query *query;
	int64_t patience_ms; /* until when verdicts are waited for */
	struct fact_list list;
	struct pending *pending;
	size_t pending_count;
	size_t pending_capacity;
	const struct str *note; /* the one being walked; NULL before the first, and when all are walked together */
	size_t rows_of_note;
	size_t bytes_of_note;
	size_t pending_of_note;
	size_t unverified;
	bool only_known; /* the first walk: ends at the first attestation without a verdict */
	bool missed;
	bool known; /* the first walk has seen everything, and a verdict for each */
	bool no_memory;
	bool late;
};

static bool grow_pending(struct walk *w)
{
	size_t capacity = w->pending_capacity ? 2 * w->pending_capacity : 16;
	struct pending *pending = arena_grow(w->list.arena, w->pending, w->pending_capacity * sizeof(*pending),
					     capacity * sizeof(*pending));

	if (!pending)
		return false;
	w->pending = pending;
	w->pending_capacity = capacity;
	return true;
}

/* Asks for a verdict; what is beyond the limit is counted. */
static bool ask(struct walk *w, const struct attestation_row *row)
{
	struct pending *one;

	if (w->pending_of_note >= LIMIT_UNVERIFIED) {
		w->unverified++;
		return true;
	}
	if (w->pending_count == w->pending_capacity && !grow_pending(w))
		return false;
	one = &w->pending[w->pending_count];
	if (!fact_list_reserve(&w->list, row, &one->fact))
		return false;
	one->ticket = verify_queue_request(w->source->queue, w->source->trust->keys, w->query->digest, row);
	w->pending_count++;
	w->pending_of_note++;
	return true;
}

static bool look_at(struct walk *w, const struct attestation_row *row)
{
	struct signature_facts facts;
	struct sha256 key;

	if (!verdict_cache_key(row->signature, row->payload, &key))
		return false;
	if (verify_queue_peek(w->source->queue, w->source->trust->keys, &key, &facts))
		return fact_list_add(&w->list, row, &facts);
	w->missed = w->only_known;
	return w->only_known || ask(w, row);
}

/* Whether to go on: not when the time is over, the memory is full or this walk has seen enough. */
static bool goes_on(struct walk *w)
{
	w->late = w->late || clock_left_ms(w->source->deadline_ms) == 0;
	return !w->late && !w->no_memory && !w->missed;
}

/* Starts the counts of a note again; with no notes asked for there is one count of all. */
static void enter_note(struct walk *w, struct str note)
{
	const struct facts_query *query = w->query;

	if (query->note_count == 0 || (w->note && str_eq(*w->note, note)))
		return;
	for (size_t i = 0; i < query->note_count; i++)
		if (str_eq(query->notes[i], note))
			w->note = &query->notes[i];
	w->rows_of_note = 0;
	w->bytes_of_note = 0;
	w->pending_of_note = 0;
}

static bool has_room(const struct walk *w, const struct attestation_row *row)
{
	size_t bytes = w->bytes_of_note + row->signature.len + row->payload.len;

	return w->rows_of_note < LIMIT_WALK && bytes <= LIMIT_WALK_BYTES;
}

static bool visit(void *context, const struct attestation_row *row)
{
	struct walk *w = context;

	if (!goes_on(w))
		return false;
	enter_note(w, row->note);
	if (!has_room(w, row)) {
		w->unverified++;
		return false;
	}
	w->rows_of_note++;
	w->bytes_of_note += row->signature.len + row->payload.len;
	w->no_memory = !look_at(w, row);
	return !w->no_memory && !w->missed;
}

static bool visit_hinted(void *context, const struct attestation_row *row)
{
	struct walk *w = context;

	w->no_memory = w->no_memory || !look_at(w, row);
	return goes_on(w);
}

static bool walk_hinted(struct walk *w, attestation_visitor *visitor, struct err *e)
{
	const struct facts_query *query = w->query;

	w->pending_of_note = 0;
	return store_hinted_attestations(w->source->store, query->digest, query->notes, query->note_count,
					 w->source->deadline_ms, visitor, w, e);
}

static bool is_enough(const struct walk *w)
{
	const struct facts_query *query = w->query;
	const struct facts_answer so_far = {w->list.items, w->list.count, w->unverified};

	return !w->no_memory && query->enough && query->enough(query->context, &so_far);
}

/* Takes every ticket back, whatever happened; without waiting once enough is known. */
static void wait_for_all(struct walk *w)
{
	bool enough = is_enough(w);

	for (size_t i = 0; i < w->pending_count; i++) {
		struct signature_facts facts;

		verify_ticket_wait(w->pending[i].ticket, enough ? 1 : w->patience_ms, &facts);
		if (!w->no_memory)
			w->no_memory = !fact_list_settle(&w->list, w->pending[i].fact, &facts);
		enough = enough || (facts.verdict == VERDICT_ACCEPTED && is_enough(w));
	}
	w->pending_count = 0;
}

static bool walk_all(struct walk *w, struct err *e)
{
	const struct facts_query *query = w->query;

	return store_attestations(w->source->store, query->digest, query->notes, query->note_count,
				  w->source->deadline_ms, visit, w, e);
}

/* Forgets what the first walk has gathered; the arena keeps it until the review ends. */
static void start_again(struct walk *w)
{
	const struct fact_list *list = &w->list;

	*w = (struct walk){
		.source = w->source,
		.query = w->query,
		.patience_ms = w->patience_ms,
		.list = {.arena = list->arena, .digest = list->digest, .now = list->now, .window = FACT_LIST_ALWAYS}};
}

/* What has been good before is verified ahead of the rest, and is enough most of the time. */
static bool walk_unknown(struct walk *w, struct err *e)
{
	start_again(w);
	if (!walk_hinted(w, visit_hinted, e))
		return false;
	wait_for_all(w);
	if (!goes_on(w) || is_enough(w))
		return true;
	start_again(w);
	return walk_all(w, e);
}

/* One probe is all when every attestation has its verdict, as nearly always. */
static bool walk_store(struct walk *w, struct err *e)
{
	w->only_known = true;
	if (!walk_all(w, e))
		return false;
	w->known = !w->missed && w->unverified == 0 && goes_on(w);
	if (w->missed && !walk_unknown(w, e))
		return false;
	w->only_known = false;
	return w->unverified == 0 || !goes_on(w) || walk_hinted(w, visit_hinted, e);
}

/* A quarter of the time is left for deciding by what is known: what takes long to verify must not make the whole answer
 * late. */
static int64_t patience(int64_t deadline_ms)
{
	return deadline_ms ? deadline_ms - clock_left_ms(deadline_ms) / 4 : 0;
}

/* The window stays as it is when the answer is not finished: another review may find out more. */
static bool gather(struct facts_source *source, const struct facts_query *query, struct arena *arena,
		   struct facts_answer *out, struct facts_window *window, struct err *e)
{
	struct walk w = {
		.source = source,
		.query = query,
		.patience_ms = patience(source->deadline_ms),
		.list = {.arena = arena, .digest = query->digest, .now = source->now, .window = FACT_LIST_ALWAYS}};
	bool read = walk_store(&w, e);

	wait_for_all(&w);
	if (!read)
		return err_context(e, "the store can't be read");
	if (w.no_memory)
		return err_set(e, ERR_TOO_LARGE, "too many attestations for the memory of one review");
	if (w.late)
		return err_set(e, ERR_TIMEOUT, "too many attestations to read in time");
	*out = (struct facts_answer){w.list.items, w.list.count, w.unverified};
	if (w.known)
		*window = w.list.window;
	return true;
}

/* Without a version nothing is taken from the cache and nothing kept. */
static bool has_version(struct facts_source *source)
{
	if (!source->looked && source->cache)
		source->has_version = store_version(source->store, source->deadline_ms, &source->version, NULL);
	source->looked = true;
	return source->has_version;
}

static bool recall(struct facts_source *source, const struct facts_question *question, struct arena *arena,
		   struct facts_answer *out)
{
	bool hit = facts_cache_get(source->cache, question, source->now, arena, out);

	if (source->metrics)
		metrics_facts_cache(source->metrics, hit);
	return hit;
}

static bool attestations(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
			 struct err *e)
{
	struct facts_source *source = context;
	struct facts_window window = {0, 0};
	bool cached = has_version(source);
	const struct facts_question question = {source->version, key_set_id(source->trust->keys), query->digest,
						query->notes, query->note_count};

	if (cached && recall(source, &question, arena, out))
		return true;
	if (!gather(source, query, arena, out, &window, e))
		return false;
	if (cached && window.from < window.until)
		facts_cache_put(source->cache, &question, window, out);
	return true;
}

struct facts facts_source_interface(struct facts_source *source)
{
	source->looked = source->has_version = false;
	return (struct facts){source, attestations};
}
