/* Names of the API: "projects/P", "projects/P/notes/N", and the ids in them. */
#ifndef SEALGATE_SERVER_GRAFEAS_NAME_H
#define SEALGATE_SERVER_GRAFEAS_NAME_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* An id: 1 to LIMIT_ID bytes of UTF-8 without slash and control characters, not "." or "..". ERR_INVALID says what is
 * wrong with the `what` ("noteId"). */
bool grafeas_id_check(struct str id, const char *what, struct err *e) MUST_USE;

/* Reads "projects/PROJECT/COLLECTION/ID"; with `collection` NULL "projects/PROJECT" (*id is then untouched). The parts
 * point into `name`. ERR_INVALID. */
bool grafeas_name_parse(struct str name, const char *collection, struct str *project, struct str *id,
			struct err *e) MUST_USE;

/* "projects/PROJECT/COLLECTION/ID" in the arena; ptr is NULL when there is no memory. */
struct str grafeas_name_make(struct arena *arena, struct str project, const char *collection, struct str id);

#define UUID_TEXT_SIZE 37
/* A UUID of version 7, terminated: the time (microseconds since 1970) and 62 random bits. Rows that are made one after
 * the other so stand beside each other in an index, which a random id would spread over all of its pages. */
bool grafeas_uuid(int64_t now_us, char out[UUID_TEXT_SIZE], struct err *e) MUST_USE;

#endif
