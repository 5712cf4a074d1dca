#include <stdlib.h>
#include <string.h>

#include "attest/sha256.h"
#include "attest/trust_build.h"
#include "base/limits.h"

/* Names of all attestors that list one key. */
#define NAMES_MAX (1u << 20)

/* A key text and what the worker said of it. */
struct inspected_text {
	struct sha256 hash;
	struct key_list keys;
	enum err_kind kind; /* of why it holds no key that can be read; ERR_NONE when it does */
	char *refusal;
};

/* Where the text with this hash stands in trust->inspected, or would. */
static size_t position(const struct trust *trust, const struct sha256 *hash)
{
	size_t low = 0;
	size_t high = trust->inspected_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(trust->inspected[middle].hash.bytes, hash->bytes, SHA256_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct inspected_text *find_inspected(const struct trust *trust, const struct sha256 *hash)
{
	size_t at = trust ? position(trust, hash) : 0;

	if (!trust || at == trust->inspected_count ||
	    memcmp(trust->inspected[at].hash.bytes, hash->bytes, SHA256_SIZE) != 0)
		return NULL;
	return &trust->inspected[at];
}

static void release_text(struct inspected_text *text)
{
	key_list_release(&text->keys);
	free(text->refusal);
}

void trust_release_inspected(struct trust *trust)
{
	for (size_t i = 0; i < trust->inspected_count; i++)
		release_text(&trust->inspected[i]);
	free(trust->inspected);
}

static bool copy_keys(const struct key_list *from, struct key_list *to)
{
	to->items = calloc(from->count + 1, sizeof(*to->items));
	if (!to->items)
		return false;
	memcpy(to->items, from->items, from->count * sizeof(*to->items));
	to->count = from->count;
	return true;
}

/* Whether the previous trust knows what is in every text. */
static bool all_inspected(const struct trust_build *b, const struct key_set *texts)
{
	for (size_t i = 0; i < key_set_texts(texts); i++)
		if (!find_inspected(b->previous, key_set_text_hash(texts, i)))
			return false;
	return true;
}

/* As a key set, which knows each text once. */
static struct key_set *set_of(const struct str *texts, size_t count)
{
	struct key_set_entry *entries = calloc(count + 1, sizeof(*entries));
	struct key_set *set = NULL;

	for (size_t i = 0; entries && i < count; i++)
		entries[i] = (struct key_set_entry){texts[i], STR("")};
	if (entries)
		set = key_set_new(entries, count);
	free(entries);
	return set;
}

bool trust_describe(struct trust_build *b, const struct str *texts, size_t count, struct err *e)
{
	struct key_set *set = set_of(texts, count);
	bool ok = true;

	if (!set)
		return err_no_memory(e);
	if (b->described_count < sizeof(b->described) / sizeof(b->described[0]) && !all_inspected(b, set)) {
		ok = keyrings_describe(b->workers, set, b->previous ? key_set_keyrings(b->previous->keys) : NULL,
				       &b->described[b->described_count], e);
		b->described_count += ok;
	}
	key_set_unref(set);
	return ok;
}

static bool keep_refusal(struct inspected_text *inspected, enum err_kind kind, const char *text)
{
	inspected->kind = kind;
	inspected->refusal = strdup(text);
	return inspected->refusal != NULL;
}

static bool copy_text(const struct inspected_text *from, struct inspected_text *to)
{
	if (from->refusal)
		return keep_refusal(to, from->kind, from->refusal);
	return copy_keys(&from->keys, &to->keys);
}

static int64_t patience(const struct trust_build *b)
{
	int64_t usual = clock_monotonic_ms() + LIMIT_VERIFY_MS;

	return b->deadline_ms && b->deadline_ms < usual ? b->deadline_ms : usual;
}

/* What can't be read is remembered too: whoever writes such keys shall not have all of them read again with each load.
 */
static bool ask_worker(struct trust_build *b, struct str text, struct inspected_text *inspected, struct err *e)
{
	struct err why = ERR_INIT;

	if (worker_inspect_key(b->workers, text, patience(b), &inspected->keys, &why))
		return true;
	if (why.kind != ERR_INVALID && why.kind != ERR_TOO_LARGE)
		return err_set(e, why.kind, "%s", why.text);
	return keep_refusal(inspected, why.kind, why.text) || err_no_memory(e);
}

static const struct key_info *find_described(const struct trust_build *b, const struct sha256 *hash)
{
	const struct key_info *found = NULL;

	for (size_t i = 0; i < b->described_count && !found; i++)
		found = keyrings_find(b->described[i], hash);
	return found;
}

static bool ask(struct trust_build *b, struct str text, struct inspected_text *inspected, struct err *e)
{
	const struct inspected_text *known = find_inspected(b->previous, &inspected->hash);
	const struct key_info *described = find_described(b, &inspected->hash);

	if (known)
		return copy_text(known, inspected) || err_no_memory(e);
	if (described)
		return key_list_add(&inspected->keys, described, e);
	return ask_worker(b, text, inspected, e);
}

/* Keeps the order by hash. */
static bool insert(struct trust *trust, struct inspected_text inspected)
{
	struct inspected_text *items = trust_grow(trust->inspected, trust->inspected_count, sizeof(*items));
	size_t at;

	if (!items)
		return false;
	trust->inspected = items;
	at = position(trust, &inspected.hash);
	memmove(&items[at + 1], &items[at], (trust->inspected_count - at) * sizeof(*items));
	items[at] = inspected;
	trust->inspected_count++;
	return true;
}

static bool give(const struct inspected_text *text, struct key_list *out, struct err *e)
{
	if (text->refusal)
		return err_set(e, text->kind, "%s", text->refusal);
	*out = text->keys;
	return true;
}

bool trust_inspect(struct trust_build *b, struct str text, struct key_list *out, struct err *e)
{
	struct inspected_text inspected = {0};
	const struct inspected_text *known;

	if (!sha256_of(text, &inspected.hash))
		return err_set(e, ERR_INTERNAL, "a key can't be hashed");
	known = find_inspected(b->trust, &inspected.hash);
	if (known)
		return give(known, out, e);
	if (!ask(b, text, &inspected, e))
		return false;
	if (!insert(b->trust, inspected)) {
		release_text(&inspected);
		return err_no_memory(e);
	}
	return give(&inspected, out, e);
}

const char *trust_key_lapse(const struct key_info *key, int64_t now)
{
	if (key->revoked)
		return "is revoked";
	return key->expired || (key->expires_at && key->expires_at <= now) ? "has expired" : NULL;
}

static bool append_known(struct trust *trust, const struct key_info *key, struct str attestor)
{
	struct trusted_key *known = trust_grow(trust->known, trust->known_count, sizeof(*known));
	char *name = known ? strndup(attestor.ptr, attestor.len) : NULL;

	if (known)
		trust->known = known;
	if (!name)
		return false;
	known[trust->known_count++] = (struct trusted_key){*key, name};
	return true;
}

bool trust_know(struct trust_build *b, const struct key_info *key, struct str attestor, struct str place, struct err *e)
{
	const char *lapsed = trust_key_lapse(key, b->now);

	if (b->trust->known_count >= LIMIT_KEYS)
		return err_set(e, ERR_TOO_LARGE, "%.*s: more than %u keys", STR_ARG(place), LIMIT_KEYS);
	if (lapsed && !trust_warn(b, e, "%.*s: key %s %s", STR_ARG(place), key->fingerprint, lapsed))
		return false;
	return append_known(b->trust, key, attestor) || err_no_memory(e);
}

static int compare_known(const void *a, const void *b)
{
	const struct trusted_key *x = a;
	const struct trusted_key *y = b;
	int order = strcmp(x->info.fingerprint, y->info.fingerprint);

	return order ? order : strcmp(x->attestor, y->attestor);
}

static size_t group_size(const struct trusted_key *first, size_t left)
{
	size_t size = 1;

	while (size < left && strcmp(first[size].info.fingerprint, first->info.fingerprint) == 0)
		size++;
	return size;
}

/* "qa,security"; the names stand in order, so that doubles are neighbours. NULL when there is no memory. */
static char *group_names(const struct trusted_key *group, size_t size)
{
	cleanup(buf) struct buf names = buf_init(NAMES_MAX);

	for (size_t i = 0; i < size; i++)
		if (i == 0 || strcmp(group[i].attestor, group[i - 1].attestor) != 0)
			buf_printf(&names, "%s%s", i ? "," : "", group[i].attestor);
	return buf_detach(&names);
}

static void release_known(struct trusted_key *known, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(known[i].attestor);
	free(known);
}

/* One entry for each key, whoever lists it. */
static bool merge_known(struct trust *trust)
{
	struct trusted_key *merged = calloc(trust->known_count + 1, sizeof(*merged));
	size_t count = 0;

	if (!merged)
		return false;
	if (trust->known_count)
		qsort(trust->known, trust->known_count, sizeof(*merged), compare_known);
	for (size_t i = 0, size; i < trust->known_count; i += size) {
		size = group_size(&trust->known[i], trust->known_count - i);
		merged[count].info = trust->known[i].info;
		merged[count].attestor = group_names(&trust->known[i], size);
		if (!merged[count++].attestor) {
			release_known(merged, count);
			return false;
		}
	}
	release_known(trust->known, trust->known_count);
	trust->known = merged;
	trust->known_count = count;
	return true;
}

static size_t count_fingerprints(const struct policy_set *set)
{
	size_t count = 0;

	for (size_t a = 0; a < set->attestor_count; a++)
		for (size_t k = 0; k < set->attestors[a].key_count; k++)
			count += set->attestors[a].keys[k].fingerprint_count;
	return count;
}

static void fill_entries(const struct policy_set *set, struct key_set_entry *entries)
{
	size_t at = 0;

	for (size_t a = 0; a < set->attestor_count; a++)
		for (size_t k = 0; k < set->attestors[a].key_count; k++) {
			const struct attestor_key *key = &set->attestors[a].keys[k];

			for (size_t f = 0; f < key->fingerprint_count; f++)
				entries[at++] = (struct key_set_entry){key->openpgp, key->fingerprints[f]};
		}
}

static bool make_key_set(struct trust *trust)
{
	size_t count = count_fingerprints(trust->policies);
	struct key_set_entry *entries = calloc(count + 1, sizeof(*entries));

	if (!entries)
		return false;
	fill_entries(trust->policies, entries);
	trust->keys = key_set_new(entries, count);
	free(entries);
	return trust->keys != NULL;
}

/* Verdicts are kept by key set: the same keys keep theirs. */
static void keep_previous_set(struct trust *trust, const struct trust *previous)
{
	if (!previous || !key_set_equal(trust->keys, previous->keys))
		return;
	key_set_unref(trust->keys);
	trust->keys = key_set_ref(previous->keys);
}

/* So that the first verification finds them, and one key more does not make all of them new. */
static bool give_keyrings(struct trust_build *b, struct err *e)
{
	const struct keyrings *known[] = {b->described[0], b->described[1],
					  b->previous ? key_set_keyrings(b->previous->keys) : NULL};
	struct key_set *keys = b->trust->keys;
	struct keyrings *made = NULL;

	if (key_set_keyrings(keys))
		return true;
	if (!keyrings_make(b->workers, keys, known, sizeof(known) / sizeof(known[0]), 0, &made, e))
		return false;
	key_set_give_keyrings(keys, made);
	return true;
}

bool trust_collect_keys(struct trust_build *b, struct err *e)
{
	struct trust *trust = b->trust;

	if (!make_key_set(trust) || !merge_known(trust))
		return err_no_memory(e);
	if (!key_set_check(trust->keys, e))
		return false;
	keep_previous_set(trust, b->previous);
	return give_keyrings(b, e);
}
