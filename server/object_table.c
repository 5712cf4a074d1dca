#include "server/object_table.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 16u

struct object_table object_table_init(size_t max, void (*free_entry)(struct object_entry *entry))
{
	return (struct object_table){.max = max, .free_entry = free_entry};
}

void object_table_release(struct object_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		table->free_entry(table->entries[i]);
	free(table->entries);
	*table = object_table_init(table->max, table->free_entry);
}

static int compare(const struct object_entry *entry, struct str namespace_, struct str name)
{
	int order = str_compare(entry->namespace_, namespace_);

	return order ? order : str_compare(entry->name, name);
}

/* Where it stands, or would. */
static size_t place_of(const struct object_table *table, struct str namespace_, struct str name)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(table->entries[middle], namespace_, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct object_table *table, size_t place, struct str namespace_, struct str name)
{
	return place < table->count && compare(table->entries[place], namespace_, name) == 0;
}

struct object_entry *object_table_find(const struct object_table *table, struct str namespace_, struct str name)
{
	size_t place = place_of(table, namespace_, name);

	return is_at(table, place, namespace_, name) ? table->entries[place] : NULL;
}

static bool make_room(struct object_table *table, struct err *e)
{
	size_t room = table->room ? 2 * table->room : ROOM_MIN;
	struct object_entry **grown;

	if (table->count == table->max)
		return err_set(e, ERR_TOO_LARGE, "there are more than %zu objects", table->max);
	if (table->count < table->room)
		return true;
	grown = reallocarray(table->entries, room, sizeof(struct object_entry *));
	if (!grown)
		return err_no_memory(e);
	table->entries = grown;
	table->room = room;
	return true;
}

bool object_table_put(struct object_table *table, struct object_entry *entry, struct err *e)
{
	size_t place = place_of(table, entry->namespace_, entry->name);

	if (is_at(table, place, entry->namespace_, entry->name)) {
		table->free_entry(table->entries[place]);
	} else {
		if (!make_room(table, e))
			return false;
		memmove(table->entries + place + 1, table->entries + place,
			(table->count - place) * sizeof(struct object_entry *));
		table->count++;
	}
	table->entries[place] = entry;
	entry->listed = true;
	return true;
}

bool object_table_remove(struct object_table *table, struct str namespace_, struct str name)
{
	size_t place = place_of(table, namespace_, name);

	if (!is_at(table, place, namespace_, name))
		return false;
	table->free_entry(table->entries[place]);
	table->count--;
	memmove(table->entries + place, table->entries + place + 1,
		(table->count - place) * sizeof(struct object_entry *));
	return true;
}

void object_table_begin(struct object_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		table->entries[i]->listed = false;
}

size_t object_table_end(struct object_table *table)
{
	size_t kept = 0, count = table->count;

	for (size_t i = 0; i < count; i++) {
		if (table->entries[i]->listed)
			table->entries[kept++] = table->entries[i];
		else
			table->free_entry(table->entries[i]);
	}
	table->count = kept;
	return count - kept;
}
