#include "cli/facts_store.h"

#include "cli/kept_list.h"

struct visit {
	struct kept_list list;
	bool failed;
	struct err error;
};

/* Going on after a failure would leave attestations out without a word. */
static bool keep(void *context, const struct attestation_row *row)
{
	struct visit *visit = context;
	struct kept_attestation item = {
		.note = row->note, .signature = row->signature, .payload = row->payload, .created_us = row->created_us};

	item.name = arena_printf(visit->list.arena, "projects/%.*s/occurrences/%.*s", STR_ARG(row->project),
				 STR_ARG(row->id));
	if (!visit->failed)
		visit->failed = !kept_list_add(&visit->list, &item, &visit->error);
	return !visit->failed;
}

static bool attestations(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
			 struct err *e)
{
	struct facts_store *source = context;
	struct visit visit = {.list = {.arena = arena}};

	if (!store_attestations(source->store, query->digest, query->notes, query->note_count, 0, keep, &visit, e))
		return false;
	if (visit.failed)
		return err_set(e, visit.error.kind, "%s", visit.error.text);
	return judge_facts(source->judge, visit.list.items, visit.list.count, query->digest, arena, out, e);
}

struct facts facts_store_interface(struct facts_store *source)
{
	return (struct facts){.context = source, .attestations = attestations};
}
