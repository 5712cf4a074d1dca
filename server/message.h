/* API messages described by tables: one table of fields per message and version of the API, no parser per message.
 *
 * Inside there is one canonical form (docs/FORMATS.md, "Stored JSON"), a jansson object whose keys and enum words are
 * those of v1 wherever v1 has them; numbers of enums are never kept. A table says how one version spells each canonical
 * key. Two rows with the same canonical key are two spellings of one field (the two dialects of v1alpha1): either is
 * read, both are written, and when both are given they must agree. A row without canonical key is a message whose
 * members stand directly in the object around it: so `fixedLocation.cpeUri` becomes `fixedCpeUri`.
 *
 * Reading follows the JSON mapping of protobuf, strictly: camelCase or snake_case, unknown and repeated fields are
 * errors, so are two members of one oneof; null means absent; 64-bit integers are strings; times are UTC; bytes are
 * standard base64 with padding. */
#ifndef SEALGATE_SERVER_MESSAGE_H
#define SEALGATE_SERVER_MESSAGE_H

#include "base/json.h"

enum field_type {
	FIELD_TEXT,
	FIELD_BOOL,
	FIELD_INT32,
	FIELD_UINT32,
	FIELD_INT64,  /* number or text in, text out */
	FIELD_NUMBER, /* float or double; "NaN", "Infinity" and "-Infinity" are kept as text */
	FIELD_BYTES,
	FIELD_TIME,
	FIELD_ENUM,
	FIELD_OBJECT, /* Any, Struct: any JSON object, kept as it is */
	FIELD_MESSAGE,
	FIELD_TYPES
};

enum field_shape {
	FIELD_ONE,
	FIELD_LIST,
	FIELD_MAP,   /* of text to the type */
	FIELD_EITHER /* one value, or a map: a field whose type changed between dialects */
};

/* One word of an enum. Several rows may share a canonical word: all are read, the first is written. */
struct enum_word {
	const char *canonical;
	const char *name;
	int number; /* ENUM_NO_NUMBER when it has none */
};

#define ENUM_NO_NUMBER (-1)

struct enum_table {
	const struct enum_word *words; /* the first is what unknown canonical words are written as */
	size_t count;
	bool open; /* other words are kept as they are */
};

struct message;

struct field {
	const char *canonical; /* NULL: a message whose members stand in the object around it */
	const char *name;      /* as this version writes it; snake_case of it is read too */
	enum field_type type;
	enum field_shape shape;
	unsigned oneof; /* of the fields with the same number above 0 at most one may be given */
	const struct enum_table *words;
	const struct message *message;
	const char *absent; /* the canonical text of a field that is not given; NULL: it stays absent */
};

#define MESSAGE_FIELDS_MAX 64

struct message {
	const struct field *fields; /* at most MESSAGE_FIELDS_MAX */
	size_t count;
};

/* The canonical form of `in` (an object); the caller owns *out. ERR_INVALID "PATH: what is wrong". */
bool message_decode(const struct message *m, const json_t *in, json_t **out, struct err *e) MUST_USE;

/* `canonical` as this version spells it, fields in the order of the table; what this version has no field for is left
 * out. Owned by the caller; NULL only when there is no memory. */
json_t *message_encode(const struct message *m, const json_t *canonical);

/* Changes `stored` (canonical, of this message) as an update mask says: for each path of the comma separated `mask` the
 * value of `patch` (canonical) is taken over, or the field is removed when `patch` does not have it. Paths may be in
 * either case and go into single messages, not into lists or maps; "*" replaces everything. With an empty mask every
 * field that `patch` has is taken over, member by member in single messages. Setting a member of a oneof removes the
 * others. ERR_INVALID names a path that does not exist; `stored` may then be changed in part. */
bool message_merge(const struct message *m, json_t *stored, const json_t *patch, struct str mask,
		   struct err *e) MUST_USE;

/* One value of a scalar type in canonical form (message_scalar.c); NULL when `in` is not one, or `fits` and there is
 * no memory. Owned by the caller. */
json_t *scalar_decode(const struct field *f, const json_t *in, bool *fits);
/* The canonical value as this version writes it; NULL when there is no memory. */
json_t *scalar_encode(const struct field *f, const json_t *canonical);
/* What the type wants, for a message: "a string", "a 32-bit integer", ... */
const char *scalar_wants(enum field_type type);

/* True when `name` is `spelling` (camelCase) or its snake_case. */
bool field_spells(struct str name, const char *spelling);
/* The field that `name` (either case) is; NULL when there is none. */
const struct field *message_field(const struct message *m, struct str name);

#endif
