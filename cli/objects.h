/* Kubernetes objects as kubectl reads them: YAML or JSON, several documents, lists, directories. */
#ifndef SEALGATE_CLI_OBJECTS_H
#define SEALGATE_CLI_OBJECTS_H

#include "base/arena.h"
#include "base/json.h"

/* One file or what comes through "-", bytes. */
#define OBJECTS_FILE_MAX (64u * 1024 * 1024)

struct object {
	struct str file;
	size_t document;  /* counts from 1 */
	struct str group; /* "" for core */
	struct str kind;
	struct str namespace_; /* as the object says; "" when it doesn't */
	struct str name;       /* metadata.name, else generateName */
	json_t *value;	       /* belongs to the list */
};

struct object_list {
	struct arena arena;
	json_t *documents; /* what was read, one element per file */
	struct object *items;
	size_t count;
	size_t capacity;
};

bool object_list_init(struct object_list *list, struct err *e) MUST_USE;
void object_list_release(struct object_list *list);
CLEANUP_VALUE(object_list, struct object_list, object_list_release)

/* Adds the objects of a file, of standard input ("-"), or of the .yaml, .yml and .json files of a directory. The items
 * of a list (kind List, or a kind that ends in List and has items) stand for themselves. ERR_INVALID "FILE: document N:
 * ..." when a document can't be read or has no apiVersion or kind. */
bool object_list_read(struct object_list *list, const char *path, struct err *e) MUST_USE;
/* The same for a text; `file` is how errors and objects call it. */
bool object_list_add(struct object_list *list, const char *file, struct str text, struct err *e) MUST_USE;

#endif
