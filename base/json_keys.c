#include "base/json_keys.h"

#include "base/json_escape.h"
#include "base/starvation.h"

void json_keys_release(struct json_keys *keys)
{
	free(keys->items);
	*keys = (struct json_keys){0};
}

uint32_t json_key_hash_escaped(struct str raw)
{
	struct unescaped u = unescaped_of(raw);
	uint64_t head = 0, tail = 0, length = 0;

	for (int c; (c = unescaped_next(&u)) >= 0; length++) {
		tail = tail >> 8 | (uint64_t)(unsigned)c << 56;
		if (length < 8)
			head |= (uint64_t)(unsigned)c << 8 * length;
	}
	return json_key_mix(head, length < 8 ? 0 : tail, length);
}

bool json_keys_grow(struct json_keys *keys)
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

bool json_keys_has_newest(const struct json_keys *keys, size_t first)
{
	const struct seen_key *newest = &keys->items[keys->count - 1];

	for (const struct seen_key *key = &keys->items[first]; key < newest; key++)
		if (key->hash == newest->hash && compare(keys, key, newest) == 0)
			return true;
	return false;
}

bool json_keys_sort(struct json_keys *keys, size_t first, size_t count, uint32_t *offset)
{
	struct seen_key *items = keys->items + first;

	qsort_r(items, count, sizeof(*items), compare_for_sort, keys);
	for (size_t i = 1; i < count; i++)
		if (compare(keys, &items[i - 1], &items[i]) == 0) {
			*offset = items[i].offset > items[i - 1].offset ? items[i].offset : items[i - 1].offset;
			return false;
		}
	return true;
}
