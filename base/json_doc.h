/* JSON read in one strict pass over the caller's own bytes, into one array of nodes.
 *
 * A reader that sees a document differently from the API server is a bypass, so exactly RFC 8259 is accepted: UTF-8
 * without byte order mark, no trailing bytes, at most LIMIT_JSON_DEPTH levels, no lone surrogate in an escape, no
 * object with the same key twice (compared after unescaping, found in near-linear time). Nothing is copied: strings
 * stay where they are and are unescaped on demand.
 *
 * Nodes stand in document order: the root is node 0, a container's children follow it, and `end` says which node
 * follows the container, so that a subtree is skipped in one step. A member is its value; the value's node knows where
 * its key is. A node is 16 bytes. */
#ifndef SEALGATE_BASE_JSON_DOC_H
#define SEALGATE_BASE_JSON_DOC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum json_kind { JSON_NULL_VALUE, JSON_FALSE_VALUE, JSON_TRUE_VALUE, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_MAP };

/* No such node. */
#define JSON_NONE UINT32_MAX

struct json_node; /* json_node.h, private to json_doc*.c */

struct json_doc {
	struct str text;	       /* the caller's bytes, which must outlive the doc */
	const struct json_node *nodes; /* in the arena */
	uint32_t count;
};

/* Member names, at any depth, whose values are checked like everything else but not recorded: looked up, they are
 * present with kind JSON_NULL_VALUE. A key written with escapes is recorded; so are names beyond the sixteenth. For
 * what no decision reads: managedFields, the last-applied annotation. */
struct json_skip {
	const char *const *names;
	size_t count;
};

/* Reads `text`. `skip` may be NULL. ERR_INVALID with "line L, column C: what is wrong", ERR_TOO_LARGE past a limit
 * (more than 4 GiB, or the arena is full). */
bool json_doc_parse(struct str text, const struct json_skip *skip, struct arena *arena, struct json_doc *out,
		    struct err *e) MUST_USE;

enum json_kind json_doc_kind(const struct json_doc *doc, uint32_t node);
/* First child of a list or map, the next sibling, JSON_NONE at the end. O(1). */
uint32_t json_doc_child(const struct json_doc *doc, uint32_t node);
uint32_t json_doc_next(const struct json_doc *doc, uint32_t node);
/* Number of children. O(children). */
uint32_t json_doc_size(const struct json_doc *doc, uint32_t node);
/* The bytes of a value as written (a string with its quotes). */
struct str json_doc_raw(const struct json_doc *doc, uint32_t node);

/* The value of member `name` of the map `node`; *out is JSON_NONE when it is absent or `node` is JSON_NONE. False
 * (ERR_INVALID) when `node` is not a map, or when a key equals `name` only if case is ignored: some readers take
 * such a key for `name` and some don't. */
bool json_doc_member(const struct json_doc *doc, uint32_t node, struct str name, uint32_t *out, struct err *e) MUST_USE;
/* The same, and the member, if present and not null, must have `kind`. Null gives JSON_NONE. */
bool json_doc_member_of(const struct json_doc *doc, uint32_t node, struct str name, enum json_kind kind, uint32_t *out,
			struct err *e) MUST_USE;
/* A string member, unescaped; the empty str with ptr NULL when absent or null. Copied into the arena only when it has
 * escapes. */
bool json_doc_text_member(const struct json_doc *doc, uint32_t node, struct str name, struct arena *arena,
			  struct str *out, struct err *e) MUST_USE;

/* The key of a member, or the content of a string value, unescaped; copied into the arena only when it has escapes.
 * False only when there is no memory. */
bool json_doc_key(const struct json_doc *doc, uint32_t node, struct arena *arena, struct str *out,
		  struct err *e) MUST_USE;
bool json_doc_text(const struct json_doc *doc, uint32_t node, struct arena *arena, struct str *out,
		   struct err *e) MUST_USE;

#endif
