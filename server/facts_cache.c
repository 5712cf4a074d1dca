#include "server/facts_cache.h"

#include <pthread.h>
#include <sys/queue.h>
#include <sys/random.h>

#define SHARDS 16u
#define BUCKETS 1024u
/* One answer takes at most this part of a shard. */
#define PART_OF_SHARD 16u

/* In one allocation with its facts, its notes and their texts. */
struct entry {
	struct entry *chain; /* of the bucket */
	TAILQ_ENTRY(entry) use;
	uint64_t hash;
	uint64_t key_set;
	struct facts_window window;
	struct str digest;
	struct str *notes;
	size_t note_count;
	size_t count;
	size_t bytes;  /* of everything */
	char *facts;   /* `count` facts, then their texts: copied as one */
	size_t length; /* bytes of both */
};

struct shard {
	pthread_mutex_t lock;
	uint64_t version; /* of all that is in it */
	struct entry *buckets[BUCKETS];
	TAILQ_HEAD(use_list, entry) uses; /* the last used first */
	size_t bytes;
};

struct facts_cache {
	struct shard shards[SHARDS];
	size_t max; /* bytes of one shard */
	uint64_t seed;
};

struct facts_cache *facts_cache_new(size_t max_bytes)
{
	struct facts_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->max = max_bytes / SHARDS;
	/* Without random bytes the chains may be made long by whoever chooses digests, and nothing else. */
	if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) != (ssize_t)sizeof(cache->seed))
		cache->seed = (uintptr_t)cache;
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&cache->shards[i].lock, NULL);
		TAILQ_INIT(&cache->shards[i].uses);
	}
	return cache;
}

/* The low bits choose the shard. */
static struct entry **bucket_of(struct shard *shard, uint64_t hash)
{
	return &shard->buckets[hash / SHARDS % BUCKETS];
}

static void drop(struct shard *shard, struct entry *entry)
{
	struct entry **place = bucket_of(shard, entry->hash);

	while (*place != entry)
		place = &(*place)->chain;
	*place = entry->chain;
	TAILQ_REMOVE(&shard->uses, entry, use);
	shard->bytes -= entry->bytes;
	free(entry);
}

static void drop_all(struct shard *shard)
{
	while (!TAILQ_EMPTY(&shard->uses))
		drop(shard, TAILQ_FIRST(&shard->uses));
}

void facts_cache_free(struct facts_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		drop_all(&cache->shards[i]);
		pthread_mutex_destroy(&cache->shards[i].lock);
	}
	free(cache);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

/* Eight bytes at a time; the length ends each text. */
static uint64_t hash_text(uint64_t hash, struct str text)
{
	uint64_t word;
	size_t at = 0;

	for (; text.len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, text.ptr + at, sizeof(word));
		hash = mix(hash, word);
	}
	for (; at < text.len; at++)
		hash = mix(hash, (unsigned char)text.ptr[at]);
	return mix(hash, text.len);
}

static uint64_t hash_of(const struct facts_cache *cache, const struct facts_question *question)
{
	uint64_t hash = hash_text(mix(cache->seed, question->key_set), question->digest);

	for (size_t i = 0; i < question->note_count; i++)
		hash = hash_text(hash, question->notes[i]);
	return hash;
}

static bool answers(const struct entry *entry, uint64_t hash, const struct facts_question *question)
{
	if (entry->hash != hash || entry->key_set != question->key_set || entry->note_count != question->note_count ||
	    !str_eq(entry->digest, question->digest))
		return false;
	for (size_t i = 0; i < entry->note_count; i++)
		if (!str_eq(entry->notes[i], question->notes[i]))
			return false;
	return true;
}

/* With the lock held. What was kept for an older version can never be given again. */
static bool is_at_version(struct shard *shard, uint64_t version)
{
	if (version > shard->version) {
		drop_all(shard);
		shard->version = version;
	}
	return version == shard->version;
}

static struct entry *find(struct shard *shard, uint64_t hash, const struct facts_question *question)
{
	struct entry *entry;

	if (!is_at_version(shard, question->version))
		return NULL;
	entry = *bucket_of(shard, hash);
	while (entry && !answers(entry, hash, question))
		entry = entry->chain;
	return entry;
}

/* The same text in the copy `to` of `from`. */
static struct str moved(struct str text, const char *from, char *to)
{
	return str_make(to + (text.ptr - from), text.len);
}

static bool copy_out(const struct entry *entry, struct arena *arena, struct facts_answer *out)
{
	char *copy = arena_alloc(arena, entry->length);
	struct attestation_fact *facts = (struct attestation_fact *)(void *)copy;

	if (!copy)
		return false;
	memcpy(copy, entry->facts, entry->length);
	for (size_t i = 0; i < entry->count; i++) {
		facts[i].name = moved(facts[i].name, entry->facts, copy);
		facts[i].note = moved(facts[i].note, entry->facts, copy);
		facts[i].signer = moved(facts[i].signer, entry->facts, copy);
		facts[i].digest = moved(facts[i].digest, entry->facts, copy);
		facts[i].repository = moved(facts[i].repository, entry->facts, copy);
	}
	*out = (struct facts_answer){facts, entry->count, 0};
	return true;
}

bool facts_cache_get(struct facts_cache *cache, const struct facts_question *question, int64_t now, struct arena *arena,
		     struct facts_answer *out)
{
	uint64_t hash = hash_of(cache, question);
	struct shard *shard = &cache->shards[hash % SHARDS];
	struct entry *entry;
	bool found;

	pthread_mutex_lock(&shard->lock);
	entry = find(shard, hash, question);
	found = entry && now >= entry->window.from && now < entry->window.until && copy_out(entry, arena, out);
	if (found) {
		TAILQ_REMOVE(&shard->uses, entry, use);
		TAILQ_INSERT_HEAD(&shard->uses, entry, use);
	}
	pthread_mutex_unlock(&shard->lock);
	return found;
}

/* Where texts go in an entry that is being made. */
static struct str put_text(char **place, struct str text)
{
	struct str made = str_make(*place, text.len);

	if (text.len)
		memcpy(*place, text.ptr, text.len);
	*place += text.len;
	return made;
}

static size_t text_bytes(const struct attestation_fact *fact)
{
	return fact->name.len + fact->note.len + fact->signer.len + fact->digest.len + fact->repository.len;
}

static size_t answer_bytes(const struct facts_answer *answer)
{
	size_t bytes = answer->count * sizeof(*answer->items);

	for (size_t i = 0; i < answer->count; i++)
		bytes += text_bytes(&answer->items[i]);
	return bytes;
}

static size_t question_bytes(const struct facts_question *question)
{
	size_t bytes = question->note_count * sizeof(*question->notes) + question->digest.len;

	for (size_t i = 0; i < question->note_count; i++)
		bytes += question->notes[i].len;
	return bytes;
}

static void put_facts(char *place, const struct facts_answer *answer)
{
	struct attestation_fact *facts = (struct attestation_fact *)(void *)place;
	char *text = place + answer->count * sizeof(*facts);

	for (size_t i = 0; i < answer->count; i++) {
		facts[i] = answer->items[i];
		facts[i].name = put_text(&text, facts[i].name);
		facts[i].note = put_text(&text, facts[i].note);
		facts[i].signer = put_text(&text, facts[i].signer);
		facts[i].digest = put_text(&text, facts[i].digest);
		facts[i].repository = put_text(&text, facts[i].repository);
	}
}

/* The entry, its notes, the facts, their texts, the texts of the question: what needs alignment comes first. */
static struct entry *entry_new(const struct facts_question *question, const struct facts_answer *answer, size_t max)
{
	size_t length = answer_bytes(answer), bytes = sizeof(struct entry) + question_bytes(question) + length;
	struct entry *entry = bytes <= max ? calloc(1, bytes) : NULL;
	char *text;

	if (!entry)
		return NULL;
	entry->notes = (struct str *)(void *)(entry + 1);
	entry->note_count = question->note_count;
	entry->facts = (char *)(entry->notes + question->note_count);
	entry->count = answer->count;
	entry->length = length;
	entry->bytes = bytes;
	entry->key_set = question->key_set;
	put_facts(entry->facts, answer);
	text = entry->facts + length;
	entry->digest = put_text(&text, question->digest);
	for (size_t i = 0; i < question->note_count; i++)
		entry->notes[i] = put_text(&text, question->notes[i]);
	return entry;
}

static void insert(struct shard *shard, struct entry *entry)
{
	struct entry **place = bucket_of(shard, entry->hash);

	entry->chain = *place;
	*place = entry;
	TAILQ_INSERT_HEAD(&shard->uses, entry, use);
	shard->bytes += entry->bytes;
}

/* With the lock held. Takes the entry. */
static void keep(struct shard *shard, struct entry *entry, const struct facts_question *question, size_t max)
{
	struct entry *present = find(shard, entry->hash, question);

	if (shard->version != question->version) {
		free(entry);
		return;
	}
	if (present)
		drop(shard, present);
	while (!TAILQ_EMPTY(&shard->uses) && shard->bytes + entry->bytes > max)
		drop(shard, TAILQ_LAST(&shard->uses, use_list));
	insert(shard, entry);
}

void facts_cache_put(struct facts_cache *cache, const struct facts_question *question, struct facts_window window,
		     const struct facts_answer *answer)
{
	struct shard *shard;
	struct entry *entry;

	if (answer->count == 0 || answer->unverified)
		return;
	entry = entry_new(question, answer, cache->max / PART_OF_SHARD);
	if (!entry)
		return;
	entry->hash = hash_of(cache, question);
	entry->window = window;
	shard = &cache->shards[entry->hash % SHARDS];
	pthread_mutex_lock(&shard->lock);
	keep(shard, entry, question, cache->max);
	pthread_mutex_unlock(&shard->lock);
}
