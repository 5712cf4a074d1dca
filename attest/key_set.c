#include "attest/key_set.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "attest/keyrings.h"
#include "base/cleanup.h"
#include "base/limits.h"

/* A text, with its hash as its identity. */
struct text {
	struct sha256 hash;
	struct str bytes; /* owned */
};

/* One of the certificates: which text holds which primary key. */
struct member {
	struct str fingerprint; /* owned */
	struct sha256 text;
};

/* A signer with the hash over every text that speaks of it. */
struct key_material {
	struct str fingerprint; /* a member's */
	struct sha256 material;
};

struct key_set {
	atomic_uint references;
	uint64_t id;
	struct text *texts; /* by hash, distinct */
	size_t text_count;
	struct member *members; /* by fingerprint, then text; distinct */
	size_t member_count;
	struct key_material *signers; /* by fingerprint, distinct */
	size_t signer_count;
	_Atomic(struct keyrings *) keyrings; /* NULL until given */
};

static atomic_uint_fast64_t last_id;

static int compare_hashes(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->bytes, b->bytes, SHA256_SIZE);
}

static int compare_texts(const void *a, const void *b)
{
	return compare_hashes(&((const struct text *)a)->hash, &((const struct text *)b)->hash);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a;
	const struct member *right = b;
	int order = str_compare(left->fingerprint, right->fingerprint);

	return order ? order : compare_hashes(&left->text, &right->text);
}

static int compare_signers(const void *a, const void *b)
{
	return str_compare(((const struct key_material *)a)->fingerprint,
			   ((const struct key_material *)b)->fingerprint);
}

static bool copy_str(struct str from, struct str *to)
{
	char *copy = malloc(from.len + 1);

	if (!copy)
		return false;
	if (from.len)
		memcpy(copy, from.ptr, from.len);
	copy[from.len] = 0;
	*to = str_make(copy, from.len);
	return true;
}

static void free_str(struct str s)
{
	free((char *)s.ptr);
}

static void key_set_free(struct key_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->text_count; i++)
		free_str(set->texts[i].bytes);
	for (size_t i = 0; i < set->member_count; i++)
		free_str(set->members[i].fingerprint);
	keyrings_free(atomic_load(&set->keyrings));
	free(set->texts);
	free(set->members);
	free(set->signers);
	free(set);
}

CLEANUP_POINTER(key_set_free, struct key_set, key_set_free)

/* Copies and hashes every entry; doubles are still in. */
static bool copy_entries(struct key_set *set, const struct key_set_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct text *text = &set->texts[i];
		struct member *member = &set->members[i];

		if (!sha256_of(entries[i].text, &text->hash))
			return false;
		if (!copy_str(entries[i].text, &text->bytes))
			return false;
		set->text_count++;
		if (!copy_str(entries[i].fingerprint, &member->fingerprint))
			return false;
		member->text = text->hash;
		set->member_count++;
	}
	return true;
}

static void drop_double_texts(struct key_set *set)
{
	size_t kept = 0;

	qsort(set->texts, set->text_count, sizeof(struct text), compare_texts);
	for (size_t i = 0; i < set->text_count; i++) {
		if (kept && compare_texts(&set->texts[kept - 1], &set->texts[i]) == 0)
			free_str(set->texts[i].bytes);
		else
			set->texts[kept++] = set->texts[i];
	}
	set->text_count = kept;
}

static void drop_double_members(struct key_set *set)
{
	size_t kept = 0;

	qsort(set->members, set->member_count, sizeof(struct member), compare_members);
	for (size_t i = 0; i < set->member_count; i++) {
		if (kept && compare_members(&set->members[kept - 1], &set->members[i]) == 0)
			free_str(set->members[i].fingerprint);
		else
			set->members[kept++] = set->members[i];
	}
	set->member_count = kept;
}

/* Members [first, end) speak of one signer. */
static bool add_signer(struct key_set *set, size_t first, size_t end)
{
	cleanup(memory) struct str *parts = calloc(end - first, sizeof(*parts));
	struct key_material *signer = &set->signers[set->signer_count];

	if (!parts)
		return false;
	for (size_t i = first; i < end; i++)
		parts[i - first] = str_make((const char *)set->members[i].text.bytes, SHA256_SIZE);
	if (!sha256_parts(parts, end - first, &signer->material))
		return false;
	signer->fingerprint = set->members[first].fingerprint;
	set->signer_count++;
	return true;
}

static bool gather_signers(struct key_set *set)
{
	for (size_t first = 0, end; first < set->member_count; first = end) {
		end = first + 1;
		while (end < set->member_count &&
		       str_eq(set->members[first].fingerprint, set->members[end].fingerprint))
			end++;
		if (!add_signer(set, first, end))
			return false;
	}
	return true;
}

struct key_set *key_set_new(const struct key_set_entry *entries, size_t count)
{
	cleanup(key_set_free) struct key_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->texts = calloc(count + 1, sizeof(*set->texts));
	set->members = calloc(count + 1, sizeof(*set->members));
	set->signers = calloc(count + 1, sizeof(*set->signers));
	if (!set->texts || !set->members || !set->signers || !copy_entries(set, entries, count))
		return NULL;
	drop_double_texts(set);
	drop_double_members(set);
	if (!gather_signers(set))
		return NULL;
	atomic_init(&set->references, 1);
	atomic_init(&set->keyrings, NULL);
	set->id = atomic_fetch_add(&last_id, 1) + 1;
	return take(set);
}

struct key_set *key_set_ref(struct key_set *set)
{
	atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
	return set;
}

void key_set_unref(struct key_set *set)
{
	if (set && atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) == 1)
		key_set_free(set);
}

uint64_t key_set_id(const struct key_set *set)
{
	return set->id;
}

bool key_set_equal(const struct key_set *a, const struct key_set *b)
{
	if (a->text_count != b->text_count || a->member_count != b->member_count)
		return false;
	for (size_t i = 0; i < a->text_count; i++)
		if (compare_texts(&a->texts[i], &b->texts[i]) != 0)
			return false;
	for (size_t i = 0; i < a->member_count; i++)
		if (compare_members(&a->members[i], &b->members[i]) != 0)
			return false;
	return true;
}

size_t key_set_texts(const struct key_set *set)
{
	return set->text_count;
}

struct str key_set_text(const struct key_set *set, size_t index)
{
	return index < set->text_count ? set->texts[index].bytes : (struct str){0};
}

const struct sha256 *key_set_text_hash(const struct key_set *set, size_t index)
{
	return &set->texts[index].hash;
}

const struct keyrings *key_set_keyrings(const struct key_set *set)
{
	return atomic_load(&set->keyrings);
}

void key_set_give_keyrings(struct key_set *set, struct keyrings *keyrings)
{
	struct keyrings *none = NULL;

	if (!atomic_compare_exchange_strong(&set->keyrings, &none, keyrings))
		keyrings_free(keyrings);
}

bool key_set_material(const struct key_set *set, struct str fingerprint, struct sha256 *out)
{
	struct key_material wanted = {.fingerprint = fingerprint};
	const struct key_material *found;

	found = bsearch(&wanted, set->signers, set->signer_count, sizeof(*found), compare_signers);
	if (!found)
		return false;
	*out = found->material;
	return true;
}

bool key_set_check(const struct key_set *set, struct err *e)
{
	size_t count = key_set_texts(set), bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += key_set_text(set, i).len;
	if (count <= LIMIT_KEY_TEXTS && bytes <= LIMIT_KEY_TEXTS_BYTES)
		return true;
	return err_set(
		e, ERR_TOO_LARGE,
		"%zu different keys of %zu bytes in all: more than %u, or more than %u bytes, can't be loaded in "
		"time to verify with",
		count, bytes, LIMIT_KEY_TEXTS, LIMIT_KEY_TEXTS_BYTES);
}
