/* Fields of a manifest, read strictly: a table says which members a map may have, of which type, and which must be
 * there; what the table doesn't name is an error. Every error begins with the field's path as Kubernetes writes it. */
#ifndef SEALGATE_POLICY_FIELDS_H
#define SEALGATE_POLICY_FIELDS_H

#include "base/json.h"

/* A value and where it stands. Lives on the stack of whoever walks; the parents must outlive it. */
struct field {
	const struct field *parent; /* NULL for the root */
	const char *name;	    /* of a member; NULL for an element and for the root */
	size_t index;		    /* of an element */
	const json_t *value;	    /* NULL when absent; owned by the document */
};

struct field field_root(const json_t *document);
/* The value is NULL when `map` has no such member or is absent itself. `name` must outlive the field. */
struct field field_member(const struct field *map, const char *name);
struct field field_element(const struct field *list, size_t index);
/* Elements of a list; 0 when it is absent. */
size_t field_count(const struct field *list);
/* A string's text; the empty str when it is absent. */
struct str field_text(const struct field *field);
/* Appends "spec.require.attestations[0].count"; nothing for the root. */
void field_path(const struct field *field, struct buf *out);
/* ERR_INVALID, "PATH: " and the text. Returns false. */
bool field_error(const struct field *field, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

enum field_type {
	FIELD_ANY,
	FIELD_TEXT,   /* a string with something in it */
	FIELD_SWITCH, /* true or false */
	FIELD_NUMBER, /* an integer */
	FIELD_LIST,   /* at least one element */
	FIELD_TEXTS,  /* a list of FIELD_TEXT */
	FIELD_MAP,    /* at least one member */
	FIELD_LABELS, /* a map of strings; may be empty */
};

enum field_presence {
	FIELD_OPTIONAL,
	FIELD_REQUIRED,
	FIELD_UNSUPPORTED, /* part of the format, not evaluated by this version: an error that says so */
};

struct field_rule {
	const char *name;
	enum field_type type;
	enum field_presence presence;
};

/* True when the field is there and has the type. Null is a type of its own: it is never "absent". */
bool field_is(const struct field *field, enum field_type type, struct err *e) MUST_USE;
/* True when `map` is a FIELD_MAP whose members all stand in `rules`, have their types, and lack nothing required. */
bool field_check(const struct field *map, const struct field_rule *rules, size_t count, struct err *e) MUST_USE;

#endif
