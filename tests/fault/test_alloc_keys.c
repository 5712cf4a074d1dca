/* Keys during whose loading memory runs out, at every point: either all of them are known, as they are, or the loading
 * has failed, for a reason that is worth another try. A set that is short of a key would refuse good signatures for as
 * long as it is in force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/openpgp.h"
#include "attest/openpgp_home.h"
#include "attest/trust.h"
#include "attest/verdict_cache.h"
#include "attest/worker_protocol.h"
#include "tests/fault/alloc.h"
#include "tests/unit/attest/fixtures.h"

#define KEYS 3

struct bed {
	char dir[64];
	struct buf texts[KEYS];
	struct str keys[KEYS];
	struct buf signature; /* by the first of them */
	bool onwards;
};

static int setup(void **state)
{
	static const char *const names[KEYS] = {"ed", "rsa", "subkey"};
	struct bed *bed = calloc(1, sizeof(*bed));
	struct sha256 first;

	/* OpenSSL's first hash, too, must not be without memory. */
	if (!bed || !sha256_of(STR(""), &first))
		return -1;
	snprintf(bed->dir, sizeof(bed->dir), "/tmp/sealgate-alloc-XXXXXX");
	assert_non_null(mkdtemp(bed->dir));
	for (size_t i = 0; i < KEYS; i++) {
		bed->texts[i] = fixture_key(str_of(names[i]));
		bed->keys[i] = buf_str(&bed->texts[i]);
	}
	bed->signature = fixture_signature(STR("clear-url.asc"));
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	/* A gpg that was left alone with what it had may still write to its home. */
	directory_remove(bed->dir);
	for (size_t i = 0; i < KEYS; i++)
		buf_release(&bed->texts[i]);
	buf_release(&bed->signature);
	free(bed);
	return 0;
}

static void each_point(struct bed *bed, bool (*run)(void *bed, unsigned n))
{
	bed->onwards = false;
	alloc_each(run, bed);
	bed->onwards = true;
	alloc_each(run, bed);
}

/* A failure is one of memory or of the engine, never a finding about the key. */
static void assert_passing(const struct err *e, bool fired, unsigned n)
{
	if (!fired || (e->kind != ERR_INTERNAL && e->kind != ERR_UNAVAILABLE && e->kind != ERR_TIMEOUT))
		fail_msg("n = %u: kind %d: %s", n, e->kind, e->text);
}

static enum verdict_reason judged(struct openpgp *p, const struct bed *bed)
{
	struct signature_facts facts;

	openpgp_verify(p, buf_str(&bed->signature), (struct str){NULL, 0}, NOW, &facts);
	return facts.reason;
}

/* The home is made before: gpgme can't be initialised without memory, and takes the process along. */
static bool load_keys(void *context, unsigned n)
{
	struct bed *bed = context;
	struct err e = ERR_INIT;
	struct openpgp *p = openpgp_new(bed->dir, &e);
	bool loaded, fired;

	assert_non_null(p);
	alloc_fail(n, ALLOC_THREAD, bed->onwards);
	loaded = openpgp_import(p, bed->keys, KEYS, &e);
	fired = alloc_work_again();
	if (!loaded)
		assert_passing(&e, fired, n);
	else if (judged(p, bed) != REASON_GOOD)
		fail_msg("n = %u: loaded without its keys", n);
	openpgp_free(p);
	return fired;
}

static void keys_are_all_known_or_none_was_loaded(void **state)
{
	each_point(*state, load_keys);
}

static bool carry_keys(void *context, unsigned n)
{
	struct bed *bed = context;
	struct key_set_entry entries[KEYS];
	struct key_info info[2] = {{.fingerprint = "A"}, {.fingerprint = "B"}};
	const struct key_list known = {.items = info, .count = 2};
	struct key_list list = {0};
	struct buf record = buf_init(WORKER_RECORD_MAX);
	struct key_set *set;
	bool fired, encoded, decoded;

	for (size_t i = 0; i < KEYS; i++)
		entries[i] = (struct key_set_entry){bed->keys[i], str_make(&"012"[i], 1)};
	alloc_fail(n, ALLOC_THREAD, bed->onwards);
	set = key_set_new(entries, KEYS);
	if (set)
		worker_encode_make(&record, 1, 1000, false, bed->keys, KEYS);
	encoded = set && !record.failed;
	worker_encode_described(&record, 2, &known, NULL);
	decoded = !record.failed && worker_decode_described(str_skip(buf_str(&record), 4), 2, &list, NULL);
	fired = alloc_work_again();
	assert_true(fired || (encoded && decoded));
	assert_true(!set || key_set_texts(set) == KEYS);
	assert_true(list.count == (decoded ? 2 : 0));
	key_list_release(&list);
	key_set_unref(set);
	buf_release(&record);
	return fired;
}

static void keys_travel_as_a_whole(void **state)
{
	each_point(*state, carry_keys);
}

static bool keep_verdicts(void *context, unsigned n)
{
	struct bed *bed = context;
	struct key_set *keys = key_set_new(NULL, 0);
	const struct signature_facts bad = {.reason = REASON_BAD_SIGNATURE};
	struct signature_facts out;
	struct verdict_cache *cache;
	struct sha256 key = {{0}};
	bool fired;

	alloc_fail(n, ALLOC_THREAD, bed->onwards);
	cache = verdict_cache_new(2000);
	for (int i = 0; cache && i < 70; i++) {
		key.bytes[1] = (unsigned char)i;
		verdict_cache_put(cache, &key, keys, &bad);
	}
	fired = alloc_work_again();
	assert_true(cache || fired);
	for (int i = 0; cache && i < 70; i++) {
		key.bytes[1] = (unsigned char)i;
		if (verdict_cache_get(cache, &key, keys, &out))
			assert_int_equal(out.reason, REASON_BAD_SIGNATURE);
		else
			assert_true(fired);
	}
	verdict_cache_free(cache);
	key_set_unref(keys);
	return fired;
}

static void a_verdict_is_kept_as_it_is_or_not_at_all(void **state)
{
	each_point(*state, keep_verdicts);
}

/* --- policies and keys together --- */

static struct worker_pool *workers;
static struct trust_sources sources;
static size_t keys_due, warnings_due;

static void put(const struct bed *bed, const char *name, struct str text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", bed->dir, name);
	assert_true(file_write(path, text, 0600, NULL));
}

static bool load_trust(void *context, unsigned n)
{
	struct bed *bed = context;
	struct trust *trust = NULL;
	struct err e = ERR_INIT;
	bool loaded, fired;

	alloc_fail(n, ALLOC_THREAD, bed->onwards);
	loaded = trust_load(&sources, workers, NULL, &trust, &e);
	fired = alloc_work_again();
	if (!loaded)
		assert_passing(&e, fired, n);
	else if (trust->known_count != keys_due || trust->warning_count != warnings_due)
		fail_msg("n = %u: %zu keys, %zu warnings", n, trust->known_count, trust->warning_count);
	trust_unref(trust);
	return fired;
}

static void load_at_each_point(struct bed *bed, struct trust_sources from, size_t keys, size_t warnings)
{
	sources = from;
	keys_due = keys;
	warnings_due = warnings;
	each_point(bed, load_trust);
}

/* Two attestors, one with a key that has expired, files that are passed over; then a directory of keys alone. */
static void policies_and_keys_are_loaded_with_their_warnings_or_not_at_all(void **state)
{
	static const char head[] = "{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"Attestor\",\"metadata\":"
				   "{\"name\":\"%s\"},\"spec\":{\"note\":\"projects/p/notes/n\",\"publicKeys\":[";
	static const char *const names[2][2] = {{"ed", "rsa"}, {"subkey", "expired"}};
	struct bed *bed = *state;
	char policies[80], keys[80], run[80];
	const char *dirs[] = {policies};

	snprintf(policies, sizeof(policies), "%s/policies", bed->dir);
	snprintf(keys, sizeof(keys), "%s/keys", bed->dir);
	snprintf(run, sizeof(run), "%s/run", bed->dir);
	assert_true(mkdir(policies, 0700) == 0 && mkdir(keys, 0700) == 0);
	/* Not cmocka's handler, which children would inherit: one that crashes is to be gone. */
	signal(SIGSEGV, SIG_DFL);
	workers = worker_pool_start(1, run, NULL);
	assert_non_null(workers);
	for (int a = 0; a < 2; a++) {
		cleanup(buf) struct buf json = buf_init(1u << 20);

		buf_printf(&json, head, a ? "two" : "one");
		for (int k = 0; k < 2; k++) {
			cleanup(buf) struct buf text = fixture_key(str_of(names[a][k]));

			buf_add_c(&json, k ? ",{\"openpgp\":" : "{\"openpgp\":");
			buf_add_json_string(&json, buf_str(&text));
			buf_add_c(&json, "}");
			put(bed, k ? "keys/b.pub" : "keys/a.asc", buf_str(&text));
		}
		buf_add_c(&json, "]}}");
		put(bed, a ? "policies/a.json" : "policies/b.json", buf_str(&json));
	}
	put(bed, "policies/README", STR("passed over"));
	put(bed, "keys/README", STR("passed over"));
	put(bed, "keys/c.asc", STR("no key"));
	load_at_each_point(bed, (struct trust_sources){.policy_dirs = {.items = dirs, .count = 1, .given = true}}, 4,
			   3);
	load_at_each_point(bed, (struct trust_sources){.pubkeys = keys}, 2, 3);
	worker_pool_stop(workers);
	directory_remove(policies);
	directory_remove(keys);
	directory_remove(run);
}

#define OF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: its workers must not inherit a gpgme that was short of memory. */
		OF(policies_and_keys_are_loaded_with_their_warnings_or_not_at_all),
		OF(keys_are_all_known_or_none_was_loaded),
		OF(keys_travel_as_a_whole),
		OF(a_verdict_is_kept_as_it_is_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
