#include "attest/key_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Texts that gpg imports in about a tenth of a second. */
#define TEXTS_WANTED 128u

void key_groups_release(struct key_groups *groups)
{
	free(groups->texts);
	*groups = (struct key_groups){0};
}

static int compare_fingerprints(const void *a, const void *b)
{
	const struct grouped_text *const *left = a;
	const struct grouped_text *const *right = b;

	return strcmp((*left)->key.fingerprint, (*right)->key.fingerprint);
}

static bool are_doubles(const struct grouped_text *a, const struct grouped_text *b)
{
	return a->key.fingerprint[0] && strcmp(a->key.fingerprint, b->key.fingerprint) == 0;
}

static bool find_doubles(struct key_groups *groups)
{
	cleanup(memory) struct grouped_text **sorted = calloc(groups->count + 1, sizeof(struct grouped_text *));

	if (!sorted)
		return false;
	for (size_t i = 0; i < groups->count; i++)
		sorted[i] = &groups->texts[i];
	if (groups->count)
		qsort(sorted, groups->count, sizeof(struct grouped_text *), compare_fingerprints);
	for (size_t i = 1; i < groups->count; i++)
		if (are_doubles(sorted[i - 1], sorted[i]))
			sorted[i - 1]->key.shape = sorted[i]->key.shape = CERTIFICATE_ODD;
	return true;
}

/* The first digits, which are spread evenly. */
static unsigned number_of(const char *fingerprint)
{
	unsigned number = 0;

	for (size_t i = 0; i < 4; i++)
		number = number << 4 |
			 (unsigned)(fingerprint[i] <= '9' ? fingerprint[i] - '0' : fingerprint[i] - 'A' + 10);
	return number;
}

/* A power of two, so that growing splits groups and mixes none. */
static unsigned groups_for(size_t count)
{
	unsigned groups = 1;

	while (groups < KEY_GROUPS_EACH && count > (size_t)groups * TEXTS_WANTED)
		groups *= 2;
	return groups;
}

static void place(struct key_groups *groups, enum packets_certificate shape, unsigned first)
{
	size_t count = 0;
	unsigned used;

	for (size_t i = 0; i < groups->count; i++)
		count += groups->texts[i].key.shape == shape;
	used = groups_for(count);
	for (size_t i = 0; i < groups->count; i++)
		if (groups->texts[i].key.shape == shape)
			groups->texts[i].group = first + number_of(groups->texts[i].key.fingerprint) % used;
}

bool key_groups_make(const struct key_set *set, struct key_groups *out, struct err *e)
{
	cleanup(key_groups) struct key_groups groups = {.count = key_set_texts(set)};

	groups.texts = calloc(groups.count + 1, sizeof(*groups.texts));
	if (!groups.texts)
		return err_no_memory(e);
	for (size_t i = 0; i < groups.count; i++) {
		key_text_read(key_set_text(set, i), &groups.texts[i].key);
		groups.texts[i].hash = *key_set_text_hash(set, i);
		groups.texts[i].group = KEY_GROUP_ODD;
	}
	if (!find_doubles(&groups))
		return err_no_memory(e);
	place(&groups, CERTIFICATE_PLAIN, 0);
	place(&groups, CERTIFICATE_COMPLEX, KEY_GROUPS_EACH);
	*out = groups;
	groups = (struct key_groups){0};
	return true;
}

size_t key_groups_size(const struct key_groups *groups, unsigned group)
{
	size_t size = 0;

	for (size_t i = 0; i < groups->count; i++)
		size += groups->texts[i].group == group;
	return size;
}

void key_groups_doubt(struct key_groups *groups, unsigned group)
{
	for (size_t i = 0; i < groups->count; i++)
		if (groups->texts[i].group == group)
			groups->texts[i].group = KEY_GROUP_ODD;
}

bool key_group_needs_repair(unsigned group)
{
	return group >= KEY_GROUPS_EACH;
}

bool key_groups_id(const struct key_groups *groups, unsigned group, struct sha256 *out)
{
	cleanup(memory) struct str *parts = calloc(groups->count + 1, sizeof(*parts));
	char kind = (char)('0' + (int)(group / KEY_GROUPS_EACH));
	size_t count = 0;

	if (!parts)
		return false;
	parts[count++] = str_make(&kind, 1);
	for (size_t i = 0; i < groups->count; i++)
		if (groups->texts[i].group == group)
			parts[count++] = str_make((const char *)groups->texts[i].hash.bytes, SHA256_SIZE);
	return sha256_parts(parts, count, out);
}
