/* The keys of the objects that are open while a document is read, to find one that stands twice in its object.
 *
 * Keys are compared as they are meant, not as they are written. A set of marks says of most keys that none before can
 * be the same; few keys are compared one by one as they come, many are sorted when their object ends. A cheap hash
 * makes both fast, and because what collides is compared in full and sorted, no choice of keys makes the work more than
 * n log n. */
#ifndef SEALGATE_BASE_JSON_KEYS_H
#define SEALGATE_BASE_JSON_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Objects up to this many keys are compared one by one. */
#define JSON_FEW_KEYS 32u

struct seen_key {
	uint32_t hash;
	uint32_t offset; /* of its first byte */
	uint32_t length; /* as written */
	bool escaped;
};

struct json_keys {
	const char *text; /* the document */
	const char *end;  /* of the document */
	struct seen_key *items;
	size_t count;
	size_t capacity;
};

/* The keys of one object. */
struct object_keys {
	size_t first;	/* the index of its first key */
	uint64_t marks; /* a bit for each key's hash */
};

void json_keys_release(struct json_keys *keys);
/* Of the length and the first and last eight bytes; a shorter key has no last ones. */
static inline uint32_t json_key_mix(uint64_t head, uint64_t tail, uint64_t length)
{
	uint64_t h = (head ^ length * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;

	h = (h ^ h >> 32 ^ tail) * 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(h >> 32);
}

/* The first byte is the lowest. */
static inline uint64_t json_key_load(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* The hash of a key that has no escapes; `end`: of the memory that may be read, at or behind the end of the key. */
static inline uint32_t json_key_hash(struct str key, const char *end)
{
	uint64_t word = 0;

	if (key.len >= 8)
		return json_key_mix(json_key_load(key.ptr), json_key_load(key.ptr + key.len - 8), key.len);
	if (end - key.ptr >= 8)
		word = json_key_load(key.ptr) & (((uint64_t)1 << 8 * key.len) - 1);
	else
		for (size_t i = 0; i < key.len; i++)
			word |= (uint64_t)(unsigned char)key.ptr[i] << 8 * i;
	return json_key_mix(word, 0, key.len);
}

/* For the functions below. The hash of a key with escapes; room for one more key; whether one from index `first` on is
 * the same as the newest; what json_keys_end finds among many. */
uint32_t json_key_hash_escaped(struct str raw);
bool json_keys_grow(struct json_keys *keys);
bool json_keys_has_newest(const struct json_keys *keys, size_t first);
bool json_keys_sort(struct json_keys *keys, size_t first, size_t count, uint32_t *offset);

/* Begins an object inside the others. */
static inline struct object_keys json_keys_begin(const struct json_keys *keys)
{
	return (struct object_keys){.first = keys->count};
}

/* Adds the key whose bytes between the quotes are `raw`, a part of the document. NULL when there is no memory; the
 * pointer is good until the next call. *twice is true when a key before it in its object is the same: of objects of
 * many keys json_keys_end may tell instead. */
static inline const struct seen_key *json_keys_add(struct json_keys *keys, struct object_keys *object, struct str raw,
						   bool escaped, bool *twice)
{
	struct seen_key *key;
	uint64_t mark;

	if (keys->count == keys->capacity && !json_keys_grow(keys))
		return NULL;
	key = &keys->items[keys->count++];
	key->hash = escaped ? json_key_hash_escaped(raw) : json_key_hash(raw, keys->end);
	key->offset = (uint32_t)(raw.ptr - keys->text);
	key->length = (uint32_t)raw.len;
	key->escaped = escaped;
	mark = (uint64_t)1 << (key->hash & 63);
	*twice = (object->marks & mark) && keys->count - object->first <= JSON_FEW_KEYS &&
		 json_keys_has_newest(keys, object->first);
	object->marks |= mark;
	return key;
}

/* Ends the innermost object: takes its keys away. False when two of them are the same; *offset is then where the later
 * one begins. */
static inline bool json_keys_end(struct json_keys *keys, const struct object_keys *object, uint32_t *offset)
{
	size_t count = keys->count - object->first;

	keys->count = object->first;
	return count <= JSON_FEW_KEYS || json_keys_sort(keys, object->first, count, offset);
}

#endif
