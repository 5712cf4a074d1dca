/* The keys of the objects that are open while a document is read, to find one that stands twice in its object.
 *
 * Keys are compared as they are meant, not as they are written. Few keys are compared pair by pair, many are sorted: a
 * cheap hash makes both fast, and because what collides is compared in full and sorted, no choice of keys makes the
 * work more than n log n. */
#ifndef SEALGATE_BASE_JSON_KEYS_H
#define SEALGATE_BASE_JSON_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct seen_key {
	uint32_t hash;
	uint32_t offset; /* of its first byte */
	uint32_t length; /* as written */
	bool escaped;
};

struct json_keys {
	const char *text; /* the document */
	struct seen_key *items;
	size_t count;
	size_t capacity;
};

void json_keys_release(struct json_keys *keys);
/* The hash of a key that has no escapes. */
uint32_t json_key_hash(struct str key);
/* Adds the key whose bytes between the quotes are `raw`, a part of `text`. NULL when there is no memory; the pointer is
 * good until the next call. */
const struct seen_key *json_keys_add(struct json_keys *keys, struct str raw, bool escaped);
/* Ends an object: takes the keys from index `first` on away. False when two of them are the same; *offset is then where
 * the later one begins. */
bool json_keys_end(struct json_keys *keys, size_t first, uint32_t *offset);

#endif
