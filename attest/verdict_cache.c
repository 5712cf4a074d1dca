#include "attest/verdict_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/cleanup.h"

#define SHARDS 16
/* Below this one shard holds everything, so that "least recently used" is exact within accepted and rejected verdicts.
 */
#define SHARDED_FROM 1024
#define FIRST_BUCKETS 64

/* Which key sets a verdict holds in. */
enum scope {
	SCOPE_SET,    /* the set that said so */
	SCOPE_SIGNER, /* every set with the signer's same key bytes */
	SCOPE_ANY     /* no key was needed to see it */
};

/* One verdict. The texts follow each other in `text`: signer, digest, repository. */
struct entry {
	struct entry *chain; /* same bucket */
	TAILQ_ENTRY(entry) use;
	struct sha256 key;
	struct sha256 material; /* SCOPE_SIGNER */
	uint64_t set_id;	/* the set that said so */
	int64_t signed_at;
	int64_t signature_expires_at;
	int64_t key_expires_at;
	unsigned char verdict;
	unsigned char reason;
	unsigned char scope;
	unsigned char signer_length;
	unsigned char digest_length;
	unsigned short repository_length;
	char text[];
};

/* Accepted and rejected verdicts in lists of their own, the last used first. */
struct uses {
	TAILQ_HEAD(use_list, entry) list;
	size_t count;
};

#define LISTS 2

struct shard {
	pthread_mutex_t lock;
	struct entry **buckets;
	size_t bucket_count; /* a power of two */
	size_t max;
	struct uses lists[LISTS]; /* by verdict */
};

struct verdict_cache {
	size_t shard_count;
	struct shard shards[SHARDS];
};

static bool shard_init(struct shard *shard, size_t max)
{
	pthread_mutex_init(&shard->lock, NULL);
	for (size_t i = 0; i < LISTS; i++)
		TAILQ_INIT(&shard->lists[i].list);
	shard->max = max;
	shard->bucket_count = FIRST_BUCKETS;
	shard->buckets = calloc(FIRST_BUCKETS, sizeof(*shard->buckets));
	return shard->buckets;
}

struct verdict_cache *verdict_cache_new(size_t max_entries)
{
	struct verdict_cache *cache = calloc(1, sizeof(*cache));
	bool ok = cache;

	if (!cache)
		return NULL;
	cache->shard_count = max_entries < SHARDED_FROM ? 1 : SHARDS;
	for (size_t i = 0; i < cache->shard_count; i++)
		ok = shard_init(&cache->shards[i], max_entries / cache->shard_count) && ok;
	if (ok)
		return cache;
	verdict_cache_free(cache);
	return NULL;
}

static void shard_release(struct shard *shard)
{
	for (size_t i = 0; i < LISTS; i++)
		for (struct entry *entry; (entry = TAILQ_FIRST(&shard->lists[i].list)) != NULL; free(entry))
			TAILQ_REMOVE(&shard->lists[i].list, entry, use);
	free(shard->buckets);
	pthread_mutex_destroy(&shard->lock);
}

void verdict_cache_free(struct verdict_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->shard_count; i++)
		shard_release(&cache->shards[i]);
	free(cache);
}

bool verdict_cache_key(struct str upload, struct str payload, struct sha256 *key)
{
	/* No payload and an empty one are different inputs. */
	const struct str parts[] = {upload, payload.ptr ? STR("payload") : STR(""), payload};

	return sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), key);
}

/* The key is a hash already: its first byte chooses the shard, the next eight the bucket. */
static struct shard *shard_of(struct verdict_cache *cache, const struct sha256 *key)
{
	return &cache->shards[key->bytes[0] % cache->shard_count];
}

static struct entry **bucket_of(struct shard *shard, const struct sha256 *key)
{
	uint64_t value;

	memcpy(&value, key->bytes + 1, sizeof(value));
	return &shard->buckets[value & (shard->bucket_count - 1)];
}

static struct entry *find(struct shard *shard, const struct sha256 *key)
{
	struct entry *entry = *bucket_of(shard, key);

	while (entry && memcmp(entry->key.bytes, key->bytes, SHA256_SIZE) != 0)
		entry = entry->chain;
	return entry;
}

static struct uses *list_of(struct shard *shard, const struct entry *entry)
{
	return &shard->lists[entry->verdict == VERDICT_ACCEPTED];
}

static size_t count_of(const struct shard *shard)
{
	return shard->lists[VERDICT_REJECTED].count + shard->lists[VERDICT_ACCEPTED].count;
}

static void unlink_use(struct shard *shard, struct entry *entry)
{
	struct uses *uses = list_of(shard, entry);

	TAILQ_REMOVE(&uses->list, entry, use);
	uses->count--;
}

static void link_newest(struct shard *shard, struct entry *entry)
{
	struct uses *uses = list_of(shard, entry);

	TAILQ_INSERT_HEAD(&uses->list, entry, use);
	uses->count++;
}

static void drop(struct shard *shard, struct entry *entry)
{
	struct entry **place = bucket_of(shard, &entry->key);

	while (*place != entry)
		place = &(*place)->chain;
	*place = entry->chain;
	unlink_use(shard, entry);
	free(entry);
}

/* Whoever may upload can make rejected verdicts without end; accepted ones take a key that counts. So each kind has
 * half of the room for itself, and what neither needs is the other's. */
static struct entry *least_needed(const struct shard *shard, const struct entry *coming)
{
	const struct uses *own = &shard->lists[coming->verdict == VERDICT_ACCEPTED];
	const struct uses *other = &shard->lists[coming->verdict != VERDICT_ACCEPTED];

	bool others = other->count && (!own->count || other->count > shard->max / 2);

	return TAILQ_LAST(&(others ? other : own)->list, use_list);
}

static void chain(struct shard *shard, struct entry *entry)
{
	struct entry **place = bucket_of(shard, &entry->key);

	entry->chain = *place;
	*place = entry;
}

/* More buckets when there are more entries than buckets; without memory the chains grow instead. */
static void grow(struct shard *shard)
{
	struct entry **old = shard->buckets;
	size_t old_count = shard->bucket_count;
	struct entry **fresh;

	if (count_of(shard) < old_count)
		return;
	fresh = calloc(old_count * 2, sizeof(*fresh));
	if (!fresh)
		return;
	shard->buckets = fresh;
	shard->bucket_count = old_count * 2;
	for (size_t i = 0; i < LISTS; i++)
		for (struct entry *entry = TAILQ_FIRST(&shard->lists[i].list); entry; entry = TAILQ_NEXT(entry, use))
			chain(shard, entry);
	free(old);
}

static void insert(struct shard *shard, struct entry *entry)
{
	grow(shard);
	chain(shard, entry);
	link_newest(shard, entry);
}

static bool holds_under(const struct entry *entry, const struct key_set *keys)
{
	struct sha256 material;

	switch ((enum scope)entry->scope) {
	case SCOPE_ANY:
		return true;
	case SCOPE_SET:
		return entry->set_id == key_set_id(keys);
	case SCOPE_SIGNER:
		return key_set_material(keys, str_make(entry->text, entry->signer_length), &material) &&
		       memcmp(material.bytes, entry->material.bytes, SHA256_SIZE) == 0;
	}
	return false;
}

static void copy_out(const struct entry *entry, struct signature_facts *out)
{
	const char *text = entry->text;

	*out = (struct signature_facts){
		.reason = (enum verdict_reason)entry->reason,
		.signed_at = entry->signed_at,
		.signature_expires_at = entry->signature_expires_at,
		.key_expires_at = entry->key_expires_at,
	};
	memcpy(out->signer, text, entry->signer_length);
	text += entry->signer_length;
	memcpy(out->digest, text, entry->digest_length);
	text += entry->digest_length;
	memcpy(out->repository, text, entry->repository_length);
	if (entry->verdict == VERDICT_ACCEPTED && entry->reason == REASON_GOOD)
		out->verdict = VERDICT_ACCEPTED;
}

bool verdict_cache_get(struct verdict_cache *cache, const struct sha256 *key, const struct key_set *keys,
		       struct signature_facts *out)
{
	struct shard *shard = shard_of(cache, key);
	struct entry *entry;
	bool found;

	pthread_mutex_lock(&shard->lock);
	entry = find(shard, key);
	found = entry && holds_under(entry, keys);
	if (found) {
		copy_out(entry, out);
		unlink_use(shard, entry);
		link_newest(shard, entry);
	}
	pthread_mutex_unlock(&shard->lock);
	return found;
}

/* What another try, or a later one, may answer differently. */
static bool is_passing(enum verdict_reason reason)
{
	static const bool passing[REASON_COUNT] = {
		[REASON_NOT_VERIFIED] = true,  [REASON_NOT_YET_VALID] = true, [REASON_TIMEOUT] = true,
		[REASON_WORKER_FAILED] = true, [REASON_BUSY] = true,
	};

	return reason < 0 || reason >= REASON_COUNT || passing[reason];
}

/* What the bytes of the upload show without any key. */
static bool needs_no_key(enum verdict_reason reason)
{
	static const bool no_key[REASON_COUNT] = {
		[REASON_SEVERAL_SIGNATURES] = true, [REASON_SEVERAL_MESSAGES] = true, [REASON_NOT_OPENPGP] = true,
		[REASON_BAD_HEADER] = true,	    [REASON_TOO_LARGE] = true,
	};

	return no_key[reason];
}

static enum scope scope_of(const struct signature_facts *facts, const struct key_set *keys, struct sha256 *material)
{
	if (facts->reason == REASON_UNKNOWN_KEY)
		return SCOPE_SET;
	if (facts->signer[0])
		return key_set_material(keys, str_of(facts->signer), material) ? SCOPE_SIGNER : SCOPE_SET;
	return needs_no_key(facts->reason) ? SCOPE_ANY : SCOPE_SET;
}

static struct entry *entry_new(const struct sha256 *key, const struct key_set *keys,
			       const struct signature_facts *facts)
{
	size_t signer = strnlen(facts->signer, sizeof(facts->signer) - 1);
	size_t digest = strnlen(facts->digest, sizeof(facts->digest) - 1);
	size_t repository = strnlen(facts->repository, sizeof(facts->repository) - 1);
	struct entry *entry = calloc(1, sizeof(*entry) + signer + digest + repository);

	if (!entry)
		return NULL;
	entry->key = *key;
	entry->set_id = key_set_id(keys);
	entry->signed_at = facts->signed_at;
	entry->signature_expires_at = facts->signature_expires_at;
	entry->key_expires_at = facts->key_expires_at;
	entry->verdict = (unsigned char)facts->verdict;
	entry->reason = (unsigned char)facts->reason;
	entry->scope = (unsigned char)scope_of(facts, keys, &entry->material);
	entry->signer_length = (unsigned char)signer;
	entry->digest_length = (unsigned char)digest;
	entry->repository_length = (unsigned short)repository;
	memcpy(entry->text, facts->signer, signer);
	memcpy(entry->text + signer, facts->digest, digest);
	memcpy(entry->text + signer + digest, facts->repository, repository);
	return entry;
}

/* A verdict that a newer key set reached stays: the older set is on its way out. */
static bool is_outdated(const struct entry *present, const struct entry *entry)
{
	return present && present->set_id > entry->set_id;
}

void verdict_cache_put(struct verdict_cache *cache, const struct sha256 *key, const struct key_set *keys,
		       const struct signature_facts *facts)
{
	struct shard *shard = shard_of(cache, key);
	struct entry *entry;
	struct entry *present;

	if (is_passing(facts->reason) || shard->max == 0)
		return;
	entry = entry_new(key, keys, facts);
	if (!entry)
		return;
	pthread_mutex_lock(&shard->lock);
	present = find(shard, key);
	if (is_outdated(present, entry)) {
		free(entry);
	} else {
		if (present)
			drop(shard, present);
		else if (count_of(shard) >= shard->max)
			drop(shard, least_needed(shard, entry));
		insert(shard, entry);
	}
	pthread_mutex_unlock(&shard->lock);
}

size_t verdict_cache_count(struct verdict_cache *cache)
{
	size_t count = 0;

	for (size_t i = 0; i < cache->shard_count; i++) {
		struct shard *shard = &cache->shards[i];

		pthread_mutex_lock(&shard->lock);
		count += count_of(shard);
		pthread_mutex_unlock(&shard->lock);
	}
	return count;
}
