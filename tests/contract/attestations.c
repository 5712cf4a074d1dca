/* From a digest to its attestations, and hints. */
#include "tests/contract/bed.h"

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define QA "projects/p/notes/qa"
#define SECURITY "projects/p/notes/security"

/* What a walk showed: "id id id ". `stop_after` rows of a note (0 = never) it asks for the next note. */
struct walk {
	char ids[512];
	size_t rows;
	size_t rows_of_note;
	size_t stop_after;
	char note[128];
	struct str signature, payload;
	struct arena *arena;
};

static bool show(void *context, const struct attestation_row *row)
{
	struct walk *walk = context;
	size_t at = strlen(walk->ids);

	snprintf(walk->ids + at, sizeof(walk->ids) - at, "%.*s ", STR_ARG(row->id));
	if (!str_eq_c(row->note, walk->note))
		walk->rows_of_note = 0;
	snprintf(walk->note, sizeof(walk->note), "%.*s", STR_ARG(row->note));
	walk->rows++;
	walk->signature = arena_copy(walk->arena, row->signature);
	walk->payload = row->payload.ptr ? arena_copy(walk->arena, row->payload) : (struct str){NULL, 0};
	return ++walk->rows_of_note != walk->stop_after;
}

static struct walk walk_of(struct bed *bed, const char *digest, const struct str *notes, size_t count, size_t stop)
{
	struct walk walk = {.stop_after = stop, .arena = &bed->arena};

	assert_done(store_attestations(bed->store, S(digest), notes, count, 0, show, &walk, &bed->err));
	return walk;
}

static struct walk hinted(struct bed *bed, const char *digest, const struct str *notes, size_t count)
{
	struct walk walk = {.arena = &bed->arena};

	assert_done(store_hinted_attestations(bed->store, S(digest), notes, count, 0, show, &walk, &bed->err));
	return walk;
}

static void add(struct bed *bed, const char *id, const char *note, const char *digest)
{
	struct occurrence_row row = attestation_of(bed, id, note, digest);

	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
}

static void add_five(struct bed *bed)
{
	add(bed, "qa1", QA, D1);
	add(bed, "sec1", SECURITY, D1);
	add(bed, "other", QA, D2);
	add(bed, "qa2", QA, D1);
	add(bed, "sec2", SECURITY, D1);
	add(bed, "qa3", QA, D1);
}

static void attestations_of_a_note_come_newest_first(void **state)
{
	struct bed *bed = *state;

	add_five(bed);
	assert_string_equal(walk_of(bed, D1, (struct str[]){STR(QA)}, 1, 0).ids, "qa3 qa2 qa1 ");
	assert_string_equal(walk_of(bed, D2, (struct str[]){STR(QA)}, 1, 0).ids, "other ");
}

static void notes_are_walked_in_the_order_asked_for(void **state)
{
	struct bed *bed = *state;

	add_five(bed);
	assert_string_equal(walk_of(bed, D1, (struct str[]){STR(SECURITY), STR(QA)}, 2, 0).ids,
			    "sec2 sec1 qa3 qa2 qa1 ");
}

static void without_notes_all_come_newest_first(void **state)
{
	struct bed *bed = *state;

	add_five(bed);
	assert_string_equal(walk_of(bed, D1, NULL, 0, 0).ids, "qa3 sec2 qa2 sec1 qa1 ");
}

static void no_row_is_shown_for_another_digest_or_note(void **state)
{
	static const char *const strangers[] = {"", "sha256:", "sha256:1111", D1 "1", "sha512:1111", "%"};
	struct bed *bed = *state;

	add_five(bed);
	for (size_t i = 0; i < COUNT(strangers); i++)
		assert_int_equal(walk_of(bed, strangers[i], NULL, 0, 0).rows, 0);
	assert_int_equal(walk_of(bed, D1, (struct str[]){STR("projects/p/notes/q"), STR("")}, 2, 0).rows, 0);
}

static void a_visitor_that_has_seen_enough_of_a_note_gets_the_next(void **state)
{
	struct bed *bed = *state;

	add_five(bed);
	assert_string_equal(walk_of(bed, D1, (struct str[]){STR(QA), STR(SECURITY)}, 2, 1).ids, "qa3 sec2 ");
	assert_string_equal(walk_of(bed, D1, NULL, 0, 1).ids, "qa3 ");
}

static void shows_the_bytes_of_signature_and_payload(void **state)
{
	struct bed *bed = *state;
	struct str bytes = STR("\0\xff\xfe binary \0");
	struct evidence kinds[] = {{bytes, {NULL, 0}}, {bytes, STR("")}, {bytes, STR("\0payload")}};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct occurrence_row row = attestation_of(bed, arena_printf(&bed->arena, "o%zu", i).ptr, QA, D1);
		struct walk walk;

		row.evidence = &kinds[i];
		assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
		walk = walk_of(bed, D1, NULL, 0, 1);
		assert_true(str_eq(walk.signature, bytes));
		assert_true(str_eq(walk.payload, kinds[i].payload));
		assert_true((walk.payload.ptr == NULL) == (kinds[i].payload.ptr == NULL));
	}
}

static bool check_row(void *context, const struct attestation_row *row)
{
	size_t *seen = context;

	assert_str(row->project, "p");
	assert_str(row->id, "o");
	assert_str(row->note, QA);
	assert_int_equal(row->created_us, 4711);
	assert_int_equal(row->index, *seen);
	++*seen;
	return true;
}

static void every_signature_of_an_occurrence_is_shown_with_its_index(void **state)
{
	struct bed *bed = *state;
	struct evidence three[] = {{STR("a"), {NULL, 0}}, {STR("b"), {NULL, 0}}, {STR("a"), {NULL, 0}}};
	struct occurrence_row row = attestation_of(bed, "o", QA, D1);
	size_t seen = 0;

	row.evidence = three;
	row.evidence_count = COUNT(three);
	row.created_us = 4711;
	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	assert_done(store_attestations(bed->store, S(D1), &row.note, 1, 0, check_row, &seen, &bed->err));
	assert_int_equal(seen, 3);
	seen = 0;
	assert_done(store_attestations(bed->store, S(D1), NULL, 0, 0, check_row, &seen, &bed->err));
	assert_int_equal(seen, 3);
}

static void a_deleted_attestation_is_shown_no_more(void **state)
{
	struct bed *bed = *state;

	add_five(bed);
	assert_done(store_delete_occurrence(bed->store, STR("p"), STR("qa2"), 0, &bed->err));
	assert_string_equal(walk_of(bed, D1, (struct str[]){STR(QA)}, 1, 0).ids, "qa3 qa1 ");
}

static void an_update_moves_the_evidence_and_leaves_nothing_behind(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = attestation_of(bed, "qa1", SECURITY, D2);

	add_five(bed);
	assert_done(store_update_occurrence(bed->store, &row, 0, &bed->err));
	assert_string_equal(walk_of(bed, D1, (struct str[]){STR(QA)}, 1, 0).ids, "qa3 qa2 ");
	assert_string_equal(walk_of(bed, D2, (struct str[]){STR(SECURITY)}, 1, 0).ids, "qa1 ");
	row.evidence_count = 0;
	assert_done(store_update_occurrence(bed->store, &row, 0, &bed->err));
	assert_int_equal(walk_of(bed, D2, (struct str[]){STR(SECURITY)}, 1, 0).rows, 0);
}

static void a_refused_duplicate_adds_no_evidence(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = attestation_of(bed, "qa1", QA, D2);

	add(bed, "qa1", QA, D1);
	assert_refused(store_create_occurrence(bed->store, &row, 0, &bed->err), ERR_EXISTS);
	assert_int_equal(walk_of(bed, D2, NULL, 0, 0).rows, 0);
}

static void an_attestation_without_digest_is_stored_and_found_by_none(void **state)
{
	struct bed *bed = *state;
	struct str json;

	add(bed, "o", QA, "");
	assert_int_equal(walk_of(bed, "", NULL, 0, 0).rows, 0);
	assert_done(store_get_occurrence(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err));
}

static struct attestation_hint hint_to(const char *id, int64_t expires_at, int64_t signed_at)
{
	return (struct attestation_hint){.project = STR("p"),
					 .id = S(id),
					 .digest = STR(D1),
					 .note = STR(QA),
					 .signer = STR("KEY"),
					 .repository = STR(""),
					 .expires_at = expires_at,
					 .signed_at = signed_at};
}

static void keep(struct bed *bed, struct attestation_hint hint)
{
	assert_done(store_keep_hint(bed->store, &hint, 0, &bed->err));
}

static void a_hint_leads_to_its_attestation_under_its_note_only(void **state)
{
	struct bed *bed = *state;

	add_five(bed);
	assert_int_equal(hinted(bed, D1, NULL, 0).rows, 0);
	keep(bed, hint_to("qa2", 0, 0));
	assert_string_equal(hinted(bed, D1, NULL, 0).ids, "qa2 ");
	assert_string_equal(hinted(bed, D1, (struct str[]){STR(QA)}, 1).ids, "qa2 ");
	assert_int_equal(hinted(bed, D1, (struct str[]){STR(SECURITY)}, 1).rows, 0);
	assert_int_equal(hinted(bed, D2, NULL, 0).rows, 0);
}

static void of_the_hints_of_one_signer_the_one_that_lasts_longest_stays(void **state)
{
	struct bed *bed = *state;

	add_five(bed);
	keep(bed, hint_to("qa1", 100, 50));
	keep(bed, hint_to("qa2", 99, 60));
	assert_string_equal(hinted(bed, D1, NULL, 0).ids, "qa1 ");
	keep(bed, hint_to("qa2", 100, 51));
	assert_string_equal(hinted(bed, D1, NULL, 0).ids, "qa2 ");
	keep(bed, hint_to("qa3", 0, 1));
	assert_string_equal(hinted(bed, D1, NULL, 0).ids, "qa3 ");
	keep(bed, hint_to("qa1", 100, 99));
	assert_string_equal(hinted(bed, D1, NULL, 0).ids, "qa3 ");
}

static void signers_and_repositories_have_hints_of_their_own(void **state)
{
	struct bed *bed = *state;
	struct attestation_hint other_signer = hint_to("qa2", 0, 0), other_repository = hint_to("qa3", 0, 0);

	add_five(bed);
	keep(bed, hint_to("qa1", 0, 0));
	other_signer.signer = STR("OTHER");
	other_repository.repository = STR("example.com/app");
	keep(bed, other_signer);
	keep(bed, other_repository);
	assert_int_equal(hinted(bed, D1, NULL, 0).rows, 3);
}

static void a_hint_goes_with_its_attestation(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = attestation_of(bed, "qa2", QA, D1);

	add_five(bed);
	keep(bed, hint_to("qa1", 0, 0));
	assert_done(store_delete_occurrence(bed->store, STR("p"), STR("qa1"), 0, &bed->err));
	assert_int_equal(hinted(bed, D1, NULL, 0).rows, 0);
	keep(bed, hint_to("qa2", 1, 0));
	assert_string_equal(hinted(bed, D1, NULL, 0).ids, "qa2 ");
	assert_done(store_update_occurrence(bed->store, &row, 0, &bed->err));
	assert_int_equal(hinted(bed, D1, NULL, 0).rows, 0);
}

static void a_hint_that_does_not_fit_its_attestation_is_dropped(void **state)
{
	struct bed *bed = *state;
	struct attestation_hint hint = hint_to("absent", 0, 0);

	add_five(bed);
	keep(bed, hint);
	hint = hint_to("qa1", 0, 0);
	hint.digest = STR(D2);
	keep(bed, hint);
	hint = hint_to("qa1", 0, 0);
	hint.note = STR(SECURITY);
	keep(bed, hint);
	hint = hint_to("qa1", 0, 0);
	hint.index = 1;
	keep(bed, hint);
	assert_int_equal(hinted(bed, D1, NULL, 0).rows, 0);
	assert_int_equal(hinted(bed, D2, NULL, 0).rows, 0);
}

static const struct CMUnitTest tests[] = {
	CASE(attestations_of_a_note_come_newest_first),
	CASE(notes_are_walked_in_the_order_asked_for),
	CASE(without_notes_all_come_newest_first),
	CASE(no_row_is_shown_for_another_digest_or_note),
	CASE(a_visitor_that_has_seen_enough_of_a_note_gets_the_next),
	CASE(shows_the_bytes_of_signature_and_payload),
	CASE(every_signature_of_an_occurrence_is_shown_with_its_index),
	CASE(a_deleted_attestation_is_shown_no_more),
	CASE(an_update_moves_the_evidence_and_leaves_nothing_behind),
	CASE(a_refused_duplicate_adds_no_evidence),
	CASE(an_attestation_without_digest_is_stored_and_found_by_none),
	CASE(a_hint_leads_to_its_attestation_under_its_note_only),
	CASE(of_the_hints_of_one_signer_the_one_that_lasts_longest_stays),
	CASE(signers_and_repositories_have_hints_of_their_own),
	CASE(a_hint_goes_with_its_attestation),
	CASE(a_hint_that_does_not_fit_its_attestation_is_dropped),
};
const struct contract_part contract_attestations = {tests, COUNT(tests)};
