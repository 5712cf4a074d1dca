/* Attestations gathered in an arena. */
#ifndef SEALGATE_CLI_KEPT_LIST_H
#define SEALGATE_CLI_KEPT_LIST_H

#include "cli/judge.h"

struct kept_list {
	struct arena *arena;
	struct kept_attestation *items;
	size_t count;
	size_t capacity;
};

/* Adds a copy. ERR_TOO_LARGE when the arena is full. */
bool kept_list_add(struct kept_list *list, const struct kept_attestation *item, struct err *e) MUST_USE;

#endif
