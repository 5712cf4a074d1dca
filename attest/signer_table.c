#include "attest/signer_table.h"

#include <stdlib.h>

#define KEY_ID_DIGITS 16
#define V4_DIGITS 40
#define FIRST_CAPACITY 16
#define BITS_MIN 2048

void signer_table_release(struct signer_table *table)
{
	free(table->items);
	*table = (struct signer_table){0};
}

bool signer_table_add(struct signer_table *table, const struct signer *signer, struct err *e)
{
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
		struct signer *items = reallocarray(table->items, capacity, sizeof(*items));

		if (!items)
			return err_no_memory(e);
		table->items = items;
		table->capacity = capacity;
	}
	table->items[table->count++] = *signer;
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct signer *)a)->fingerprint, ((const struct signer *)b)->fingerprint);
}

void signer_table_sort(struct signer_table *table)
{
	if (table->count)
		qsort(table->items, table->count, sizeof(*table->items), compare);
}

const struct signer *signer_table_find(const struct signer_table *table, const char *fingerprint)
{
	struct signer wanted = {0};
	size_t length = strlen(fingerprint);

	if (table->count == 0 || length > FINGERPRINT_MAX)
		return NULL;
	memcpy(wanted.fingerprint, fingerprint, length);
	return bsearch(&wanted, table->items, table->count, sizeof(wanted), compare);
}

/* The key id is the end of a v4 fingerprint and the beginning of a v5 one. */
static bool has_key_id(const struct signer *signer, const char *key_id)
{
	size_t length = strlen(signer->fingerprint);
	size_t at = length == V4_DIGITS ? V4_DIGITS - KEY_ID_DIGITS : 0;

	return length >= V4_DIGITS && memcmp(signer->fingerprint + at, key_id, KEY_ID_DIGITS) == 0;
}

const struct signer *signer_table_find_key_id(const struct signer_table *table, const char *key_id)
{
	const struct signer *found = NULL;

	if (strlen(key_id) != KEY_ID_DIGITS)
		return NULL;
	for (size_t i = 0; i < table->count; i++) {
		if (!has_key_id(&table->items[i], key_id))
			continue;
		if (found)
			return NULL;
		found = &table->items[i];
	}
	return found;
}

bool signer_is_weak(const char *algorithm, unsigned bits)
{
	bool is_small_kind = strncmp(algorithm, "rsa", 3) == 0 || strncmp(algorithm, "dsa", 3) == 0;

	return is_small_kind && bits < BITS_MIN;
}
