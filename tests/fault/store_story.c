#include "tests/fault/store_story.h"

#include <pthread.h>

#include "base/clock.h"

#define DIGEST "sha256:4444444444444444444444444444444444444444444444444444444444444444"
#define NOTE "projects/p/notes/note01"
#define THREADS 4u
#define READ_MEMORY (24u << 20)

/* Rows by number: which kind, and so their ids. */
enum { PROJECT = 0, NOTES = 1, OPERATIONS = 4, OCCURRENCES = 6 };
enum { BATCH_END = 22, STEPS_END = 30, GO_ON = 36 };

enum { VERSIONS = 3 };

enum deed { CREATE, UPDATE, DELETE };

static void broken(struct story *s, const char *what, size_t row)
{
	if (!s->broken[0])
		snprintf(s->broken, sizeof(s->broken), "row %zu (version %d): %s", row, s->rows[row].version, what);
}

static int64_t deadline(const struct story *s)
{
	return s->patience_ms ? clock_monotonic_ms() + s->patience_ms : 0;
}

static struct str id_of(size_t row, struct arena *arena)
{
	static const char *const kinds[] = {"project", "note", "operation", "occurrence"};
	int kind = row < NOTES ? 0 : row < OPERATIONS ? 1 : row < OCCURRENCES ? 2 : 3;

	return arena_printf(arena, "%s%02zu", kinds[kind], row);
}

/* What a row of this version holds. */
static struct str text_of(const struct story *s, size_t row, int version, struct arena *arena)
{
	return arena_printf(arena, "text %zu %d %*s", row, version, row >= OCCURRENCES ? (int)s->padding : 0, "");
}

static void evidence_of(size_t row, int version, struct evidence evidence[2], struct arena *arena)
{
	for (size_t i = 0; i < 2; i++)
		evidence[i] = (struct evidence){arena_printf(arena, "signature %zu %d %zu", row, version, i),
						arena_printf(arena, "payload %zu %d", row, version)};
}

static struct occurrence_row occurrence(const struct story *s, size_t row, int version, struct evidence evidence[2],
					struct arena *arena)
{
	evidence_of(row, version, evidence, arena);
	return (struct occurrence_row){.project = STR("p"),
				       .id = id_of(row, arena),
				       .note = STR(NOTE),
				       .kind = STR("ATTESTATION"),
				       .resource = STR("https://example.com/app@" DIGEST),
				       .repository = STR("example.com/app"),
				       .digest = STR(DIGEST),
				       .json = text_of(s, row, version, arena),
				       .created_us = 1000,
				       .updated_us = 1000,
				       .evidence = evidence,
				       .evidence_count = 2};
}

static bool do_occurrence(struct story *s, enum deed deed, size_t row, int version, struct arena *arena, struct err *e)
{
	struct evidence evidence[2];
	struct occurrence_row o = occurrence(s, row, version, evidence, arena);

	if (deed == DELETE)
		return store_delete_occurrence(s->store, o.project, o.id, deadline(s), e);
	return (deed == CREATE ? store_create_occurrence : store_update_occurrence)(s->store, &o, deadline(s), e);
}

static bool do_note(struct story *s, enum deed deed, size_t row, int version, struct arena *arena, struct err *e)
{
	struct note_row n = {.project = STR("p"),
			     .id = id_of(row, arena),
			     .kind = STR("ATTESTATION"),
			     .json = text_of(s, row, version, arena)};

	if (deed == DELETE)
		return store_delete_note(s->store, n.project, n.id, deadline(s), e);
	return (deed == CREATE ? store_create_note : store_update_note)(s->store, &n, deadline(s), e);
}

static bool do_operation(struct story *s, enum deed deed, size_t row, int version, struct arena *arena, struct err *e)
{
	struct operation_row o = {
		.project = STR("p"), .id = id_of(row, arena), .json = text_of(s, row, version, arena)};

	if (deed == DELETE)
		return store_delete_operation(s->store, o.project, o.id, deadline(s), e);
	return (deed == CREATE ? store_create_operation : store_update_operation)(s->store, &o, deadline(s), e);
}

static bool do_project(struct story *s, enum deed deed, size_t row, int version, struct arena *arena, struct err *e)
{
	struct project_row p = {id_of(row, arena), text_of(s, row, version, arena)};

	if (deed == DELETE)
		return store_delete_project(s->store, p.id, deadline(s), e);
	return store_create_project(s->store, &p, deadline(s), e);
}

static bool try_deed(struct story *s, enum deed deed, size_t row, int version, struct err *e)
{
	cleanup(arena) struct arena arena = arena_init(READ_MEMORY);

	if (row < NOTES)
		return do_project(s, deed, row, version, &arena, e);
	if (row < OPERATIONS)
		return do_note(s, deed, row, version, &arena, e);
	if (row < OCCURRENCES)
		return do_operation(s, deed, row, version, &arena, e);
	return do_occurrence(s, deed, row, version, &arena, e);
}

/* What the answer means for the row. A deed on a row that an earlier failure kept from being is refused in its own
 * way. */
static void note_answer(struct story *s, size_t row, int version, bool ok, const struct err *e)
{
	bool was = s->rows[row].version > 0, creates = version == 1;

	if (ok && was == creates)
		broken(s, "a deed that can't be done was acknowledged", row);
	if (ok) {
		s->rows[row].version = version;
		s->rows[row].maybe = 0;
		return;
	}
	if (e->kind == (creates ? ERR_EXISTS : ERR_NOT_FOUND) && was == creates)
		return;
	s->failed++;
	if (e->kind != s->allowed || !e->text[0])
		broken(s, e->text[0] ? e->text : "refused without words", row);
	s->rows[row].maybe |= 1u << version;
}

static void deed(struct story *s, enum deed deed, size_t row, int version)
{
	struct err e = ERR_INIT;
	bool ok = try_deed(s, deed, row, version, &e);

	note_answer(s, row, version, ok, &e);
}

/* One thread's share of what is created at the same time. */
struct share {
	struct story *s;
	size_t first;
	bool ok[STORY_ROWS];
	struct err err[STORY_ROWS];
};

static void *create_share(void *context)
{
	struct share *share = context;

	for (size_t row = share->first; row < BATCH_END; row += THREADS) {
		share->err[row] = ERR_INIT;
		share->ok[row] = try_deed(share->s, CREATE, row, 1, &share->err[row]);
	}
	return NULL;
}

static void create_together(struct story *s)
{
	static struct share shares[THREADS];
	pthread_t threads[THREADS];

	for (size_t t = 0; t < THREADS; t++) {
		shares[t].s = s;
		shares[t].first = OCCURRENCES + t;
		if (pthread_create(&threads[t], NULL, create_share, &shares[t]))
			abort();
	}
	for (size_t t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	for (size_t t = 0; t < THREADS; t++)
		for (size_t row = shares[t].first; row < BATCH_END; row += THREADS)
			note_answer(s, row, 1, shares[t].ok[row], &shares[t].err[row]);
}

/* A hint proves nothing: whether it is kept is not followed, but it may fail only as everything else. */
static void hint(struct story *s, size_t row)
{
	cleanup(arena) struct arena arena = arena_init(READ_MEMORY);
	struct err e = ERR_INIT;
	struct attestation_hint h = {.project = STR("p"),
				     .id = id_of(row, &arena),
				     .digest = STR(DIGEST),
				     .note = STR(NOTE),
				     .signer = arena_printf(&arena, "signer %zu", row),
				     .repository = STR("")};

	if (store_keep_hint(s->store, &h, deadline(s), &e))
		return;
	s->failed++;
	if (e.kind != s->allowed)
		broken(s, e.text, row);
}

static bool read_row(struct story *s, size_t row, struct arena *arena, struct str *json, struct err *e)
{
	struct str id = id_of(row, arena);

	if (row < NOTES)
		return store_get_project(s->store, id, deadline(s), arena, json, e);
	if (row < OPERATIONS)
		return store_get_note(s->store, STR("p"), id, deadline(s), arena, json, e);
	if (row < OCCURRENCES)
		return store_get_operation(s->store, STR("p"), id, deadline(s), arena, json, e);
	return store_get_occurrence(s->store, STR("p"), id, deadline(s), arena, json, e);
}

/* False when the call failed as it may. */
static bool may_fail(struct story *s, bool ok, const struct err *e, size_t row)
{
	if (ok)
		return true;
	s->failed++;
	if (e->kind != s->allowed || s->allowed == ERR_NONE)
		broken(s, e->text, row);
	return false;
}

static void look_at(struct story *s, size_t row)
{
	cleanup(arena) struct arena arena = arena_init(READ_MEMORY);
	struct err e = ERR_INIT;
	struct str json;
	bool found = read_row(s, row, &arena, &json, &e);

	if (!may_fail(s, found || e.kind == ERR_NOT_FOUND, &e, row))
		return;
	if (found != (s->rows[row].version > 0))
		broken(s, found ? "is there and should not" : "was acknowledged and is gone", row);
	else if (found && !str_eq(json, text_of(s, row, s->rows[row].version, &arena)))
		broken(s, "holds something else", row);
}

struct seen {
	struct story *s;
	unsigned of[STORY_ROWS];
};

/* Each signature of an occurrence once, with the bytes of its version. */
static bool see(void *context, const struct attestation_row *attestation)
{
	cleanup(arena) struct arena arena = arena_init(READ_MEMORY);
	struct seen *seen = context;

	for (size_t row = OCCURRENCES; row < STORY_ROWS; row++) {
		struct evidence evidence[2];

		if (!str_eq(attestation->id, id_of(row, &arena)))
			continue;
		evidence_of(row, seen->s->rows[row].version, evidence, &arena);
		seen->of[row]++;
		if (attestation->index > 1 || !str_eq(attestation->signature, evidence[attestation->index].signature) ||
		    !str_eq(attestation->payload, evidence[attestation->index].payload))
			broken(seen->s, "has evidence of another version", row);
	}
	return true;
}

static void walk(struct story *s)
{
	struct seen seen = {.s = s}, hinted = {.s = s};
	struct str note = STR(NOTE);
	struct err e = ERR_INIT;

	if (!may_fail(s, store_attestations(s->store, STR(DIGEST), &note, 1, deadline(s), see, &seen, &e), &e, 0))
		return;
	for (size_t row = OCCURRENCES; row < STORY_ROWS; row++)
		if (seen.of[row] != (s->rows[row].version > 0 ? 2 : 0))
			broken(s, "a walk does not see its signatures", row);
	(void)may_fail(s, store_hinted_attestations(s->store, STR(DIGEST), NULL, 0, deadline(s), see, &hinted, &e), &e,
		       0);
}

static size_t count_rows(const struct story *s, size_t from, size_t to)
{
	size_t count = 0;

	for (size_t row = from; row < to; row++)
		count += s->rows[row].version > 0;
	return count;
}

/* All pages: one is cut short where its rows are long. */
static bool count_listed(struct story *s, size_t *count, struct err *e)
{
	char token[512] = "";

	for (*count = 0;;) {
		cleanup(arena) struct arena arena = arena_init(READ_MEMORY);
		struct page page = {str_of(token), 100};
		struct row_list rows;

		if (!store_list_occurrences(s->store, STR("p"), page, deadline(s), &arena, &rows, e))
			return false;
		*count += rows.count;
		if (rows.next.len == 0)
			return true;
		snprintf(token, sizeof(token), "%.*s", STR_ARG(rows.next));
	}
}

static void list(struct story *s)
{
	cleanup(arena) struct arena arena = arena_init(READ_MEMORY);
	struct page page = {STR(""), 100};
	struct row_list rows = {0};
	struct err e = ERR_INIT;
	size_t listed = 0;

	if (may_fail(s, store_list_notes(s->store, STR("p"), page, deadline(s), &arena, &rows, &e), &e, NOTES) &&
	    rows.count != count_rows(s, NOTES, OPERATIONS))
		broken(s, "the list of notes is another", NOTES);
	if (may_fail(s, count_listed(s, &listed, &e), &e, OCCURRENCES) &&
	    listed != count_rows(s, OCCURRENCES, STORY_ROWS))
		broken(s, "the list of occurrences is another", OCCURRENCES);
}

static void look_at_all(struct story *s)
{
	for (size_t row = 0; row < STORY_ROWS; row++)
		look_at(s, row);
	walk(s);
	list(s);
}

void story_check(struct story *s)
{
	enum err_kind allowed = s->allowed;

	s->allowed = ERR_NONE;
	look_at_all(s);
	s->allowed = allowed;
}

static bool may_hold(const struct story *s, size_t row, bool found, struct str json, int version, struct arena *arena)
{
	if (!(s->rows[row].maybe & 1u << version))
		return false;
	return version ? found && str_eq(json, text_of(s, row, version, arena)) : !found;
}

void story_settle(struct story *s)
{
	for (size_t row = 0; row < STORY_ROWS; row++) {
		cleanup(arena) struct arena arena = arena_init(READ_MEMORY);
		struct err e = ERR_INIT;
		struct str json = STR("");
		bool found = read_row(s, row, &arena, &json, &e);

		for (int version = 0; version < VERSIONS && (found || e.kind == ERR_NOT_FOUND); version++)
			if (may_hold(s, row, found, json, version, &arena))
				s->rows[row].version = version;
		s->rows[row].maybe = 0;
	}
}

void story_tell(struct story *s)
{
	for (size_t row = 0; row < OCCURRENCES; row++)
		deed(s, CREATE, row, 1);
	create_together(s);
	look_at_all(s);
	deed(s, UPDATE, OCCURRENCES, 2);
	deed(s, UPDATE, OCCURRENCES + 1, 2);
	deed(s, UPDATE, NOTES, 2);
	deed(s, UPDATE, OPERATIONS, 2);
	look_at(s, OCCURRENCES);
	hint(s, OCCURRENCES + 3);
	hint(s, OCCURRENCES + 4);
	deed(s, DELETE, OCCURRENCES + 3, 0);
	deed(s, DELETE, NOTES + 2, 0);
	deed(s, DELETE, OPERATIONS + 1, 0);
	deed(s, CREATE, OCCURRENCES, 1);
	for (size_t row = BATCH_END; row < STEPS_END; row++)
		deed(s, CREATE, row, 1);
	look_at_all(s);
}

void story_go_on(struct story *s)
{
	enum err_kind allowed = s->allowed;

	s->allowed = ERR_NONE;
	s->failed = 0;
	deed(s, CREATE, GO_ON, 1);
	deed(s, CREATE, GO_ON + 1, 1);
	deed(s, UPDATE, GO_ON, 2);
	deed(s, DELETE, GO_ON + 1, 0);
	hint(s, GO_ON);
	if (s->failed)
		broken(s, "a write failed although nothing was wrong any more", GO_ON);
	s->allowed = allowed;
}
