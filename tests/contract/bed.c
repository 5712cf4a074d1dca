#include "tests/contract/bed.h"

const struct store_factory *contract_factory;

int bed_setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	bed->url = contract_factory->fresh();
	bed->arena = arena_init(64u * 1024 * 1024);
	bed->store = store_open(bed->url, STORE_READ_WRITE, &bed->err);
	*state = bed;
	if (!bed->store)
		print_error("%s: %s\n", bed->url, bed->err.text);
	return bed->store ? 0 : -1;
}

int bed_teardown(void **state)
{
	struct bed *bed = *state;

	store_close(bed->store);
	contract_factory->discard(bed->url);
	arena_release(&bed->arena);
	free(bed);
	return 0;
}

void bed_reopen(struct bed *bed, enum store_mode mode)
{
	store_close(bed->store);
	bed->store = store_open(bed->url, mode, &bed->err);
	if (!bed->store)
		fail_msg("%s", bed->err.text);
}

struct note_row note_of(const char *project, const char *id, const char *json)
{
	return (struct note_row){.project = S(project),
				 .id = S(id),
				 .kind = STR("ATTESTATION"),
				 .json = S(json),
				 .created_us = 1000,
				 .updated_us = 1000};
}

struct occurrence_row occurrence_of(const char *project, const char *id, const char *note)
{
	return (struct occurrence_row){.project = S(project),
				       .id = S(id),
				       .note = S(note),
				       .kind = STR("VULNERABILITY"),
				       .resource = STR("https://example.com/app"),
				       .repository = STR("example.com/app"),
				       .digest = STR(""),
				       .json = S(id),
				       .created_us = 1000,
				       .updated_us = 1000};
}

struct occurrence_row attestation_of(struct bed *bed, const char *id, const char *note, const char *digest)
{
	struct evidence *evidence = arena_array(&bed->arena, 1, sizeof(*evidence));
	struct occurrence_row row = occurrence_of("p", id, note);

	evidence->signature = arena_printf(&bed->arena, "signature of %s", id);
	row.kind = STR("ATTESTATION");
	row.digest = S(digest);
	row.evidence = evidence;
	row.evidence_count = 1;
	return row;
}
