#include "cli/kept_list.h"

static bool make_room(struct kept_list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 64;
	struct kept_attestation *items;

	if (list->count < list->capacity)
		return true;
	items = arena_grow(list->arena, list->items, list->capacity * sizeof(*items), capacity * sizeof(*items));
	if (!items)
		return false;
	list->items = items;
	list->capacity = capacity;
	return true;
}

bool kept_list_add(struct kept_list *list, const struct kept_attestation *item, struct err *e)
{
	struct kept_attestation copy = {
		.name = arena_copy(list->arena, item->name),
		.note = arena_copy(list->arena, item->note),
		.signature = arena_copy(list->arena, item->signature),
		.created_us = item->created_us,
	};

	if (item->payload.ptr)
		copy.payload = arena_copy(list->arena, item->payload);
	if (!copy.name.ptr || !copy.note.ptr || !copy.signature.ptr || (item->payload.ptr && !copy.payload.ptr) ||
	    !make_room(list))
		return err_set(e, ERR_TOO_LARGE, "too many attestations to hold in memory");
	list->items[list->count++] = copy;
	return true;
}
