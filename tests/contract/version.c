/* When the version of what is stored grows. */
#include "tests/contract/bed.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define NOTE "projects/p/notes/qa"

static uint64_t version_of(struct bed *bed, struct store *store)
{
	uint64_t version = 0;

	assert_done(store_version(store, 0, &version, &bed->err));
	return version;
}

/* Whoever keeps `before` must see that it is over, as often as it looks. */
static uint64_t grown(struct bed *bed, uint64_t before)
{
	uint64_t now = version_of(bed, bed->store);

	assert_true(now > before);
	assert_true(version_of(bed, bed->store) >= now);
	return now;
}

/* Create, update and delete of an attestation through `writer`, seen through the bed's store. */
static void change_through(struct bed *bed, struct store *writer)
{
	struct occurrence_row row = attestation_of(bed, "o", NOTE, DIGEST);
	uint64_t version = version_of(bed, bed->store);

	assert_done(store_create_occurrence(writer, &row, 0, &bed->err));
	version = grown(bed, version);
	row.updated_us++;
	assert_done(store_update_occurrence(writer, &row, 0, &bed->err));
	version = grown(bed, version);
	assert_done(store_delete_occurrence(writer, row.project, row.id, 0, &bed->err));
	grown(bed, version);
}

static void every_change_of_an_attestation_makes_it_grow(void **state)
{
	struct bed *bed = *state;

	change_through(bed, bed->store);
}

static void every_change_through_another_handle_makes_it_grow(void **state)
{
	struct bed *bed = *state;
	struct store *other = store_open(bed->url, STORE_READ_WRITE, &bed->err);

	assert_non_null(other);
	change_through(bed, other);
	store_close(other);
}

static void a_store_for_reading_sees_it_grow(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = attestation_of(bed, "o", NOTE, DIGEST);
	struct store *reader = store_open(bed->url, STORE_READ_ONLY, &bed->err);
	uint64_t before;

	assert_non_null(reader);
	before = version_of(bed, reader);
	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	assert_true(version_of(bed, reader) > before);
	store_close(reader);
}

static bool ignore(void *context, const struct attestation_row *row)
{
	(void)context;
	return row->index == 0;
}

static void it_rests_while_nothing_is_written(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = attestation_of(bed, "o", NOTE, DIGEST);
	uint64_t version;

	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	version = version_of(bed, bed->store);
	for (int i = 0; i < 100; i++) {
		assert_done(store_attestations(bed->store, STR(DIGEST), NULL, 0, 0, ignore, NULL, &bed->err));
		assert_int_equal(version_of(bed, bed->store), version);
	}
}

/* The walk has noticed the commit before the look: the look must tell it nevertheless. */
static void a_walk_between_hides_no_change(void **state)
{
	struct bed *bed = *state;
	struct occurrence_row row = attestation_of(bed, "o", NOTE, DIGEST);
	uint64_t version = version_of(bed, bed->store);

	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	assert_done(store_attestations(bed->store, STR(DIGEST), NULL, 0, 0, ignore, NULL, &bed->err));
	grown(bed, version);
}

static const struct CMUnitTest tests[] = {
	CASE(every_change_of_an_attestation_makes_it_grow),
	CASE(every_change_through_another_handle_makes_it_grow),
	CASE(a_store_for_reading_sees_it_grow),
	CASE(it_rests_while_nothing_is_written),
	CASE(a_walk_between_hides_no_change),
};
const struct contract_part contract_version = {tests, COUNT(tests)};
