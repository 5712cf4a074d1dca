/* What the API server holds at one moment, as far as trust depends on it: policy objects, and the ConfigMaps and
 * Secrets of the server's own namespace that keys may come from. Built by whoever follows the API server; once finished
 * it is immutable and reference-counted, and may be read from any thread. */
#ifndef SEALGATE_ATTEST_TRUST_OBJECTS_H
#define SEALGATE_ATTEST_TRUST_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

enum trust_object_kind { TRUST_OBJECT_ATTESTOR, TRUST_OBJECT_CLUSTER_POLICY, TRUST_OBJECT_POLICY, TRUST_OBJECT_KINDS };

struct trust_object {
	enum trust_object_kind kind;
	struct str namespace_; /* of an ImagePolicy, else "" */
	struct str name;
	struct str uid;
	int64_t generation;
	struct str text; /* the object as JSON; "" when it is too large to be held, which makes it TooLarge */
};

enum key_source_kind { KEY_SOURCE_CONFIG_MAP, KEY_SOURCE_SECRET, KEY_SOURCE_KINDS };

/* One value of a ConfigMap or Secret. */
struct key_source {
	enum key_source_kind kind;
	struct str namespace_;
	struct str name;
	struct str key;
	struct str text; /* of a Secret too as it is meant, not in base64; "" unless it may be a public key */
};

struct trust_objects {
	const struct trust_object *objects; /* by kind, namespace and name once finished */
	size_t object_count;
	const struct key_source *sources; /* by kind, namespace, name and key once finished */
	size_t source_count;
};

/* "Attestor", "ClusterImagePolicy", "ImagePolicy". */
const char *trust_object_kind_name(enum trust_object_kind kind);
/* "configMap", "secret": the member of `from`. */
const char *key_source_kind_name(enum key_source_kind kind);

/* An empty snapshot with one reference, to be filled by one thread; NULL when there is no memory. */
struct trust_objects *trust_objects_new(void);
/* Copies the object. ERR_TOO_LARGE past LIMIT_OBJECTS. The text of one that is larger than LIMIT_OBJECT_TEXT, or comes
 * when LIMIT_OBJECTS_BYTES are used up, is left out: the object stays, as TooLarge. */
bool trust_objects_add(struct trust_objects *objects, const struct trust_object *object, struct err *e) MUST_USE;
/* Copies the value, with its text only if that is one armoured public key text of at most LIMIT_KEY_FILE bytes: nothing
 * else of a Secret is kept. ERR_TOO_LARGE past LIMIT_KEY_SOURCES or LIMIT_OBJECTS_BYTES. */
bool trust_objects_add_source(struct trust_objects *objects, const struct key_source *source, struct err *e) MUST_USE;
/* Puts them in order; nothing may be added afterwards. ERR_INTERNAL when one was added twice. */
bool trust_objects_finish(struct trust_objects *objects, struct err *e) MUST_USE;

/* Returns `objects`, which may be NULL. Any thread. */
struct trust_objects *trust_objects_ref(struct trust_objects *objects);
/* NULL is legal. Any thread. */
void trust_objects_unref(struct trust_objects *objects);

/* Where it stands in objects->objects; object_count when it is not there. `objects` is finished; NULL holds nothing,
 * which gives 0. */
size_t trust_objects_find(const struct trust_objects *objects, enum trust_object_kind kind, struct str namespace_,
			  struct str name);
/* NULL when there is no such value. `objects` may be NULL. */
const struct key_source *trust_objects_source(const struct trust_objects *objects, enum key_source_kind kind,
					      struct str namespace_, struct str name, struct str key);

CLEANUP_POINTER(trust_objects, struct trust_objects, trust_objects_unref)

#endif
