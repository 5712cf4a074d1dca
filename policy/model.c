#include "policy/model.h"

#include <stdlib.h>

#include "base/limits.h"

struct policy_set *policy_set_new(void)
{
	struct policy_set *set = calloc(1, sizeof(*set));

	if (set)
		set->arena = arena_init(LIMIT_POLICY_MEMORY);
	return set;
}

void policy_set_free(struct policy_set *set)
{
	if (!set)
		return;
	arena_release(&set->arena);
	free(set);
}
