#include "cli/facts_watch.h"

static bool attestations(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
			 struct err *e)
{
	struct facts_watch *watch = context;

	if (!watch->failed)
		watch->failed = !watch->inner.attestations(watch->inner.context, query, arena, out, &watch->error);
	if (watch->failed)
		return err_set(e, watch->error.kind, "%s", watch->error.text);
	watch->seen = *out;
	return true;
}

struct facts facts_watch_interface(struct facts_watch *watch)
{
	return (struct facts){.context = watch, .attestations = attestations};
}
