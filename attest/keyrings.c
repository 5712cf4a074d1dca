#include "attest/keyrings.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "attest/keyring.h"
#include "attest/worker_protocol.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"

/* A child that was killed on the way says nothing about the keys. */
#define ATTEMPTS 2
#define THREADS_MAX 8u

_Static_assert(KEY_GROUPS <= OPENPGP_KEYRINGS_MAX, "a home takes the keyrings of all groups");

struct keyrings {
	struct keyring *items[KEY_GROUPS];
	size_t count;
};

void keyrings_free(struct keyrings *keyrings)
{
	for (size_t i = 0; keyrings && i < keyrings->count; i++)
		keyring_unref(keyrings->items[i]);
	free(keyrings);
}

const struct key_info *keyrings_find(const struct keyrings *keyrings, const struct sha256 *text)
{
	const struct key_info *found = NULL;

	for (size_t i = 0; keyrings && i < keyrings->count && !found; i++)
		found = keyring_find(keyrings->items[i], text);
	return found;
}

size_t keyrings_list(const struct keyrings *keyrings, struct str out[OPENPGP_KEYRINGS_MAX])
{
	size_t count = keyrings ? keyrings->count : 0;

	for (size_t i = 0; i < count; i++)
		out[i] = keyring_record(keyrings->items[i]);
	return count;
}

static struct keyring *find_by_id(const struct keyrings *keyrings, const struct sha256 *id)
{
	for (size_t i = 0; keyrings && i < keyrings->count; i++)
		if (sha256_equal(keyring_id(keyrings->items[i]), id))
			return keyrings->items[i];
	return NULL;
}

/* Keyrings on their way, by group. */
struct making {
	struct worker_pool *pool;
	struct key_groups groups;
	int64_t deadline_ms; /* 0: each its own */
	struct keyring *made[KEY_GROUPS];
	struct err failures[KEY_GROUPS];
	unsigned wanted[KEY_GROUPS]; /* the groups that nobody has made yet */
	size_t wanted_count;
	atomic_size_t next; /* of the wanted ones */
};

static void making_release(struct making *m)
{
	for (unsigned group = 0; group < KEY_GROUPS; group++)
		keyring_unref(m->made[group]);
	key_groups_release(&m->groups);
}

CLEANUP_VALUE(making, struct making, making_release)

static struct keyring *ask_worker(struct making *m, unsigned group, const struct str *texts, size_t count,
				  struct err *e)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	cleanup(key_list) struct key_list certificates = {0};
	int64_t deadline_ms = m->deadline_ms ? m->deadline_ms : clock_monotonic_ms() + LIMIT_VERIFY_MS;

	if (!worker_make_keyring(m->pool, key_group_needs_repair(group), texts, count, deadline_ms, &record,
				 &certificates, e))
		return NULL;
	return keyring_new(&m->groups, group, &record, &certificates, e);
}

static struct keyring *make_one(struct making *m, unsigned group, struct err *e)
{
	cleanup(memory) struct str *texts = calloc(m->groups.count + 1, sizeof(*texts));
	struct keyring *made = NULL;
	size_t count = 0;

	if (!texts) {
		err_no_memory(e);
		return NULL;
	}
	for (size_t i = 0; i < m->groups.count; i++)
		if (m->groups.texts[i].group == group)
			texts[count++] = m->groups.texts[i].key.text;
	for (int i = 0; i < ATTEMPTS && !made; i++) {
		*e = ERR_INIT;
		made = ask_worker(m, group, texts, count, e);
		if (e->kind == ERR_TIMEOUT)
			break;
	}
	return made;
}

/* A thread's share: whatever is wanted next. */
static void *make_wanted(void *context)
{
	struct making *m = context;
	size_t next;

	while ((next = atomic_fetch_add(&m->next, 1)) < m->wanted_count) {
		unsigned group = m->wanted[next];

		m->made[group] = make_one(m, group, &m->failures[group]);
	}
	return NULL;
}

/* One slot is left to reviews. */
static size_t threads_for(const struct making *m)
{
	size_t slots = worker_pool_slots(m->pool);
	size_t threads = slots > 2 ? slots - 1 : slots;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	return threads < m->wanted_count ? threads : m->wanted_count;
}

/* With this thread and a few more; those that can't be started are not missed. */
static void make_all_wanted(struct making *m)
{
	pthread_t threads[THREADS_MAX];
	size_t started = 0, count;

	if (m->wanted_count == 0)
		return;
	count = threads_for(m);
	atomic_store(&m->next, 0);
	while (started + 1 < count && thread_start(&threads[started], make_wanted, m, NULL))
		started++;
	(void)make_wanted(m);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	m->wanted_count = 0;
}

/* Takes the group's keyring from `known`, or else makes it wanted. */
static bool want(struct making *m, unsigned group, const struct keyrings *const *known, size_t count, struct err *e)
{
	struct keyring *found = NULL;
	struct sha256 id;

	if (key_groups_size(&m->groups, group) == 0)
		return true;
	if (!key_groups_id(&m->groups, group, &id))
		return err_no_memory(e);
	for (size_t i = 0; i < count && !found; i++)
		found = find_by_id(known[i], &id);
	if (found)
		m->made[group] = keyring_ref(found);
	else
		m->wanted[m->wanted_count++] = group;
	return true;
}

/* Where it failed, the texts are looked at one by one: only so the reason can be told. */
static void doubt(struct making *m, unsigned group)
{
	keyring_unref(m->made[group]);
	m->made[group] = NULL;
	key_groups_doubt(&m->groups, group);
}

static bool make_described(struct making *m, const struct keyrings *const *known, size_t count, struct err *e)
{
	for (unsigned group = 0; group < KEY_GROUP_ODD; group++)
		if (!want(m, group, known, count, e))
			return false;
	make_all_wanted(m);
	for (unsigned group = 0; group < KEY_GROUP_ODD; group++)
		if (!m->made[group] || !keyring_describes(m->made[group]))
			doubt(m, group);
	return true;
}

static bool make_odd(struct making *m, const struct keyrings *const *known, size_t count, struct err *e)
{
	const struct err *failure = &m->failures[KEY_GROUP_ODD];

	if (!want(m, KEY_GROUP_ODD, known, count, e))
		return false;
	make_all_wanted(m);
	if (m->made[KEY_GROUP_ODD] || key_groups_size(&m->groups, KEY_GROUP_ODD) == 0)
		return true;
	return err_set(e, failure->kind, "%s", failure->text);
}

/* gpg takes the first of two keys with one fingerprint, and what the second says of it, such as that it is revoked,
 * would go unheard. */
static bool has_doubles(const struct making *m, bool *doubles, struct err *e)
{
	cleanup(signer_table) struct signer_table signers = {0};

	for (unsigned group = 0; group < KEY_GROUPS; group++)
		if (m->made[group] && !keyring_add_signers(m->made[group], &signers, e))
			return false;
	signer_table_sort(&signers);
	*doubles = false;
	for (size_t i = 1; i < signers.count; i++)
		if (strcmp(signers.items[i - 1].fingerprint, signers.items[i].fingerprint) == 0)
			*doubles = true;
	return true;
}

/* All in one keyring, where gpg merges what belongs together. */
static bool merge_doubles(struct making *m, const struct keyrings *const *known, size_t count, struct err *e)
{
	bool doubles = false;

	if (!has_doubles(m, &doubles, e))
		return false;
	if (!doubles)
		return true;
	for (unsigned group = 0; group < KEY_GROUPS; group++)
		doubt(m, group);
	return make_odd(m, known, count, e);
}

static bool collect(struct making *m, struct keyrings **out, struct err *e)
{
	struct keyrings *keyrings = calloc(1, sizeof(*keyrings));

	if (!keyrings)
		return err_no_memory(e);
	for (unsigned group = 0; group < KEY_GROUPS; group++)
		if (m->made[group])
			keyrings->items[keyrings->count++] = take(m->made[group]);
	*out = keyrings;
	return true;
}

bool keyrings_make(struct worker_pool *pool, const struct key_set *set, const struct keyrings *const *known,
		   size_t count, int64_t deadline_ms, struct keyrings **out, struct err *e)
{
	cleanup(making) struct making m = {.pool = pool, .deadline_ms = deadline_ms};

	return key_groups_make(set, &m.groups, e) && make_described(&m, known, count, e) &&
	       make_odd(&m, known, count, e) && merge_doubles(&m, known, count, e) && collect(&m, out, e);
}

bool keyrings_describe(struct worker_pool *pool, const struct key_set *set, const struct keyrings *known,
		       struct keyrings **out, struct err *e)
{
	cleanup(making) struct making m = {.pool = pool};

	return key_groups_make(set, &m.groups, e) && make_described(&m, &known, 1, e) && collect(&m, out, e);
}

bool keyrings_ready(struct worker_pool *pool, struct key_set *set, int64_t deadline_ms, struct err *e)
{
	struct keyrings *made = NULL;

	if (key_set_keyrings(set))
		return true;
	if (!keyrings_make(pool, set, NULL, 0, deadline_ms, &made, e))
		return false;
	key_set_give_keyrings(set, made);
	return true;
}
