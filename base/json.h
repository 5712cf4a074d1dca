/* JSON that we build, keep or edit: jansson values, read strictly. Everything that judges a request reads
 * base/json_doc.h instead; this is for API bodies, policies and the CLI. */
#ifndef SEALGATE_BASE_JSON_H
#define SEALGATE_BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

CLEANUP_POINTER(json, json_t, json_decref)

/* Reads one document of any kind, as strictly as json_doc_parse (which checks it first): UTF-8, no duplicate keys,
 * nothing after the value, bounded depth. Integers that don't fit 64 bits and strings with U+0000 are ERR_INVALID. The
 * caller owns *out. */
bool json_read(struct str text, json_t **out, struct err *e) MUST_USE;
/* The same for what others may store and we only look at: U+0000 is read as U+FFFD, and an integer that doesn't fit 64
 * bits as some number that is no integer; members that only this makes equal are one. So nobody's odd value keeps what
 * stands beside it from being read. */
bool json_read_foreign(struct str text, json_t **out, struct err *e) MUST_USE;
/* Compact text, keys in insertion order; appended to `out`. */
bool json_write(const json_t *value, struct buf *out, struct err *e) MUST_USE;

/* Member `name` of the object as text; the empty str (ptr NULL) when absent, null or not a string. */
struct str json_text(const json_t *object, const char *name);
struct str json_text_of(const json_t *string);
/* A new string value; NULL when `s` is not UTF-8 or there is no memory. */
json_t *json_from_str(struct str s);
/* The name of a value's type for a message: "a string", "a list", "null", ...; "absent" for NULL. */
const char *json_type_name(const json_t *value);

#endif
