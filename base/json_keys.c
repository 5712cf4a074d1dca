#include "base/json_keys.h"

#include "base/json_escape.h"
#include "base/starvation.h"

/* Objects up to this many keys are compared pair by pair. */
#define PAIRWISE_KEYS 32u

void json_keys_release(struct json_keys *keys)
{
	free(keys->items);
	*keys = (struct json_keys){0};
}

/* Length, first and last eight bytes. */
static inline uint32_t mix(uint64_t head, uint64_t tail, uint64_t length)
{
	uint64_t h = (head ^ length * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;

	h = (h ^ h >> 32 ^ tail) * 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(h >> 32);
}

static inline uint64_t load_be(const char *at, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, at, size);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(word) >> (64 - 8 * size);
#else
	return word >> (64 - 8 * size);
#endif
}

/* Two loads that overlap put each byte in the same place. */
static inline uint32_t hash_plain(struct str key)
{
	uint64_t head = 0;

	if (key.len >= 8)
		return mix(load_be(key.ptr, 8), load_be(key.ptr + key.len - 8, 8), key.len);
	if (key.len >= 4)
		head = load_be(key.ptr, 4) << 8 * (key.len - 4) | load_be(key.ptr + key.len - 4, 4);
	for (size_t i = 0; key.len < 4 && i < key.len; i++)
		head = head << 8 | (unsigned char)key.ptr[i];
	return mix(head, head, key.len);
}

uint32_t json_key_hash(struct str key)
{
	return hash_plain(key);
}

__attribute__((noinline)) static uint32_t hash_escaped(struct str raw)
{
	struct unescaped u = unescaped_of(raw);
	uint64_t head = 0, tail = 0, length = 0;

	for (int c; (c = unescaped_next(&u)) >= 0; length++) {
		tail = tail << 8 | (unsigned)c;
		if (length < 8)
			head = tail;
	}
	return mix(head, tail, length);
}

__attribute__((noinline)) static bool grow(struct json_keys *keys)
{
	size_t capacity = keys->capacity ? keys->capacity * 2 : 128;
	struct seen_key *items = reallocarray(keys->items, capacity, sizeof(*items));

	if (!items) {
		starvation_note();
		return false;
	}
	keys->items = items;
	keys->capacity = capacity;
	return true;
}

const struct seen_key *json_keys_add(struct json_keys *keys, struct str raw, bool escaped)
{
	struct seen_key *key;

	if (keys->count == keys->capacity && !grow(keys))
		return NULL;
	key = &keys->items[keys->count++];
	key->hash = escaped ? hash_escaped(raw) : hash_plain(raw);
	key->offset = (uint32_t)(raw.ptr - keys->text);
	key->length = (uint32_t)raw.len;
	key->escaped = escaped;
	return key;
}

static int compare(const struct json_keys *keys, const struct seen_key *a, const struct seen_key *b)
{
	struct str left = str_make(keys->text + a->offset, a->length);
	struct str right = str_make(keys->text + b->offset, b->length);
	struct unescaped l, r;
	int x, y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (!a->escaped && !b->escaped)
		return str_compare(left, right);
	l = unescaped_of(left);
	r = unescaped_of(right);
	do {
		x = unescaped_next(&l);
		y = unescaped_next(&r);
	} while (x == y && x >= 0);
	return x - y;
}

static int compare_for_sort(const void *a, const void *b, void *keys)
{
	return compare(keys, a, b);
}

static bool refuse(const struct seen_key *a, const struct seen_key *b, uint32_t *offset)
{
	*offset = a->offset > b->offset ? a->offset : b->offset;
	return false;
}

static bool check_few(const struct json_keys *keys, const struct seen_key *items, size_t count, uint32_t *offset)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (items[i].hash == items[j].hash && compare(keys, &items[i], &items[j]) == 0)
				return refuse(&items[i], &items[j], offset);
	return true;
}

static bool check_many(struct json_keys *keys, struct seen_key *items, size_t count, uint32_t *offset)
{
	qsort_r(items, count, sizeof(*items), compare_for_sort, keys);
	for (size_t i = 1; i < count; i++)
		if (compare(keys, &items[i - 1], &items[i]) == 0)
			return refuse(&items[i - 1], &items[i], offset);
	return true;
}

bool json_keys_end(struct json_keys *keys, size_t first, uint32_t *offset)
{
	size_t count = keys->count - first;

	keys->count = first;
	if (count < 2)
		return true;
	if (count <= PAIRWISE_KEYS)
		return check_few(keys, keys->items + first, count, offset);
	return check_many(keys, keys->items + first, count, offset);
}
