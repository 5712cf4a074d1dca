/* Objects of one resource by namespace and name, in that order, as a watch tells of them. Not for several threads. */
#ifndef SEALGATE_SERVER_OBJECT_TABLE_H
#define SEALGATE_SERVER_OBJECT_TABLE_H

#include "base/err.h"
#include "base/str.h"

/* The first member of what is kept. Texts belong to whoever made the entry. */
struct object_entry {
	struct str namespace_; /* "" for none */
	struct str name;
	bool listed; /* since object_table_begin */
};

struct object_table {
	struct object_entry **entries; /* by namespace, then name */
	size_t count;
	size_t room;
	size_t max;
	void (*free_entry)(struct object_entry *entry);
};

/* An empty table of at most `max` entries. */
struct object_table object_table_init(size_t max, void (*free_entry)(struct object_entry *entry));
void object_table_release(struct object_table *table);
struct object_entry *object_table_find(const struct object_table *table, struct str namespace_, struct str name);
/* Takes it over and frees the one that had its name. ERR_TOO_LARGE past the maximum: it is then still the caller's. */
bool object_table_put(struct object_table *table, struct object_entry *entry, struct err *e) MUST_USE;
/* Frees it. False when there was none. */
bool object_table_remove(struct object_table *table, struct str namespace_, struct str name);
/* A list begins: what is not put before object_table_end is gone then. Returns how many went. */
void object_table_begin(struct object_table *table);
size_t object_table_end(struct object_table *table);

#endif
