#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "attest/verdict_cache.h"

#define ANNA "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BOB "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static struct sha256 key_of(unsigned number)
{
	struct sha256 key;

	assert_true(sha256_of(str_make((const char *)&number, sizeof(number)), &key));
	return key;
}

static struct key_set *set_of(const char *text, const char *fingerprint)
{
	struct key_set_entry entry = {.text = str_of(text), .fingerprint = str_of(fingerprint)};
	struct key_set *set = key_set_new(&entry, 1);

	assert_non_null(set);
	return set;
}

static struct signature_facts facts_of(enum verdict_reason reason, const char *signer)
{
	struct signature_facts facts = {
		.reason = reason, .signed_at = 7, .signature_expires_at = 8, .key_expires_at = 9};

	facts.verdict = reason == REASON_GOOD ? VERDICT_ACCEPTED : VERDICT_REJECTED;
	memcpy(facts.signer, signer, strlen(signer));
	memcpy(facts.digest, "sha256:00", 9);
	memcpy(facts.repository, "docker.io/library/nginx", 23);
	return facts;
}

static void gives_back_all_facts(void **state)
{
	struct verdict_cache *cache = verdict_cache_new(10);
	struct key_set *keys = set_of("anna", ANNA);
	struct sha256 key = key_of(1);
	struct signature_facts put = facts_of(REASON_GOOD, ANNA);
	struct signature_facts got;

	(void)state;
	memset(&got, 0xaa, sizeof(got));
	assert_false(verdict_cache_get(cache, &key, keys, &got));
	verdict_cache_put(cache, &key, keys, &put);
	assert_true(verdict_cache_get(cache, &key, keys, &got));
	assert_int_equal(got.verdict, VERDICT_ACCEPTED);
	assert_int_equal(got.reason, REASON_GOOD);
	assert_string_equal(got.signer, put.signer);
	assert_string_equal(got.digest, put.digest);
	assert_string_equal(got.repository, put.repository);
	assert_int_equal(got.signed_at, 7);
	assert_int_equal(got.signature_expires_at, 8);
	assert_int_equal(got.key_expires_at, 9);
	key_set_unref(keys);
	verdict_cache_free(cache);
}

/* What no key was needed for holds whatever keys there are; the rest is another question under other keys. */
static void a_reason_holds_under_other_keys_only_if_it_needs_none(void **state)
{
	struct key_set *keys = set_of("anna", ANNA), *others = set_of("bob", BOB);
	struct signature_facts out;

	(void)state;
	for (int reason = REASON_GOOD; reason < REASON_COUNT; reason++) {
		struct verdict_cache *cache = verdict_cache_new(10);
		struct signature_facts facts = facts_of((enum verdict_reason)reason, "");
		bool any = reason == REASON_SEVERAL_SIGNATURES || reason == REASON_SEVERAL_MESSAGES ||
			   reason == REASON_NOT_OPENPGP || reason == REASON_BAD_HEADER || reason == REASON_TOO_LARGE;
		struct sha256 key = key_of(1);
		bool kept;

		verdict_cache_put(cache, &key, keys, &facts);
		kept = verdict_cache_get(cache, &key, keys, &out);
		if (verdict_cache_get(cache, &key, others, &out) != any || (any && !kept))
			fail_msg("%s", verdict_reason_name((enum verdict_reason)reason));
		verdict_cache_free(cache);
	}
	key_set_unref(keys);
	key_set_unref(others);
}

static void a_reason_that_is_none_is_not_kept(void **state)
{
	const int none[] = {-1, -1000, REASON_COUNT, REASON_COUNT + 1, 1000};
	struct verdict_cache *cache = verdict_cache_new(10);
	struct key_set *keys = set_of("anna", ANNA);
	struct signature_facts facts = facts_of(REASON_BAD_SIGNATURE, ANNA);
	struct sha256 key = key_of(1);

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		facts.reason = (enum verdict_reason)none[i];
		verdict_cache_put(cache, &key, keys, &facts);
		assert_int_equal(verdict_cache_count(cache), 0);
	}
	key_set_unref(keys);
	verdict_cache_free(cache);
}

static void never_accepts_for_a_reason_that_rejects(void **state)
{
	struct verdict_cache *cache = verdict_cache_new(10);
	struct key_set *keys = set_of("anna", ANNA);
	struct sha256 key = key_of(1);
	struct signature_facts facts = facts_of(REASON_KEY_EXPIRED, ANNA);

	(void)state;
	facts.verdict = VERDICT_ACCEPTED;
	verdict_cache_put(cache, &key, keys, &facts);
	assert_true(verdict_cache_get(cache, &key, keys, &facts));
	assert_int_equal(facts.verdict, VERDICT_REJECTED);
	key_set_unref(keys);
	verdict_cache_free(cache);
}

static void longest_texts_fit(void **state)
{
	struct verdict_cache *cache = verdict_cache_new(10);
	struct key_set *keys = set_of("anna", ANNA);
	struct sha256 key = key_of(1);
	struct signature_facts put = {.reason = REASON_BAD_PAYLOAD};
	struct signature_facts got;

	(void)state;
	memset(put.signer, 'A', sizeof(put.signer) - 1);
	memset(put.digest, 'b', sizeof(put.digest) - 1);
	memset(put.repository, 'c', sizeof(put.repository) - 1);
	verdict_cache_put(cache, &key, keys, &put);
	assert_true(verdict_cache_get(cache, &key, keys, &got));
	assert_memory_equal(got.signer, put.signer, sizeof(put.signer));
	assert_memory_equal(got.digest, put.digest, sizeof(put.digest));
	assert_memory_equal(got.repository, put.repository, sizeof(put.repository));
	key_set_unref(keys);
	verdict_cache_free(cache);
}

/* Whether a verdict put under the set {"anna": ANNA} is found under another set. */
static bool found_under(const struct signature_facts *facts, const char *text, const char *fingerprint)
{
	struct verdict_cache *cache = verdict_cache_new(10);
	struct key_set *first = set_of("anna", ANNA);
	struct key_set *second = set_of(text, fingerprint);
	struct sha256 key = key_of(1);
	struct signature_facts got;
	bool found;

	verdict_cache_put(cache, &key, first, facts);
	assert_true(verdict_cache_get(cache, &key, first, &got));
	found = verdict_cache_get(cache, &key, second, &got);
	key_set_unref(first);
	key_set_unref(second);
	verdict_cache_free(cache);
	return found;
}

static void a_verdict_holds_as_far_as_its_keys_are_the_same(void **state)
{
	const struct signature_facts good = facts_of(REASON_GOOD, ANNA);
	const struct signature_facts bad = facts_of(REASON_BAD_SIGNATURE, ANNA);
	const struct signature_facts unknown = facts_of(REASON_UNKNOWN_KEY, BOB);
	const struct signature_facts unknown_anna = facts_of(REASON_UNKNOWN_KEY, ANNA);
	const struct signature_facts garbage = facts_of(REASON_NOT_OPENPGP, "");
	const struct signature_facts nobody = facts_of(REASON_GOOD, "");
	const struct signature_facts stranger = facts_of(REASON_GOOD, BOB);

	(void)state;
	assert_true(found_under(&good, "anna", ANNA));
	assert_true(found_under(&bad, "anna", ANNA));
	assert_false(found_under(&good, "anna, with a revocation", ANNA));
	assert_false(found_under(&good, "bob", BOB));
	assert_false(found_under(&unknown, "anna", ANNA));
	assert_false(found_under(&unknown, "bob", BOB));
	assert_false(found_under(&unknown_anna, "anna", ANNA));
	assert_true(found_under(&garbage, "bob", BOB));
	assert_false(found_under(&nobody, "anna", ANNA));
	assert_false(found_under(&stranger, "bob", BOB));
}

static void what_may_pass_is_never_kept(void **state)
{
	const enum verdict_reason passing[] = {REASON_NOT_VERIFIED,  REASON_NOT_YET_VALID, REASON_TIMEOUT,
					       REASON_WORKER_FAILED, REASON_BUSY,	   REASON_COUNT};
	struct verdict_cache *cache = verdict_cache_new(10);
	struct key_set *keys = set_of("anna", ANNA);

	(void)state;
	for (unsigned i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		struct sha256 key = key_of(i);
		struct signature_facts facts = facts_of(passing[i], ANNA);

		verdict_cache_put(cache, &key, keys, &facts);
	}
	assert_int_equal(verdict_cache_count(cache), 0);
	key_set_unref(keys);
	verdict_cache_free(cache);
}

static void an_older_set_does_not_replace_what_a_newer_one_said(void **state)
{
	struct verdict_cache *cache = verdict_cache_new(10);
	struct key_set *older = set_of("bob", BOB);
	struct key_set *newer = set_of("anna", ANNA);
	struct sha256 key = key_of(1);
	struct signature_facts good = facts_of(REASON_GOOD, ANNA);
	struct signature_facts unknown = facts_of(REASON_UNKNOWN_KEY, ANNA);
	struct signature_facts got;

	(void)state;
	verdict_cache_put(cache, &key, newer, &good);
	verdict_cache_put(cache, &key, older, &unknown);
	assert_true(verdict_cache_get(cache, &key, newer, &got));
	assert_int_equal(got.verdict, VERDICT_ACCEPTED);
	assert_int_equal(verdict_cache_count(cache), 1);
	verdict_cache_put(cache, &key, newer, &unknown);
	assert_true(verdict_cache_get(cache, &key, newer, &got));
	assert_int_equal(got.verdict, VERDICT_REJECTED);
	key_set_unref(older);
	key_set_unref(newer);
	verdict_cache_free(cache);
}

static void the_least_recently_used_goes_first(void **state)
{
	struct verdict_cache *cache = verdict_cache_new(3);
	struct key_set *keys = set_of("anna", ANNA);
	struct signature_facts facts = facts_of(REASON_GOOD, ANNA);
	struct sha256 key[4] = {key_of(0), key_of(1), key_of(2), key_of(3)};

	(void)state;
	for (int i = 0; i < 3; i++)
		verdict_cache_put(cache, &key[i], keys, &facts);
	assert_true(verdict_cache_get(cache, &key[0], keys, &facts));
	verdict_cache_put(cache, &key[3], keys, &facts);
	assert_true(verdict_cache_get(cache, &key[0], keys, &facts));
	assert_false(verdict_cache_get(cache, &key[1], keys, &facts));
	assert_true(verdict_cache_get(cache, &key[2], keys, &facts));
	assert_true(verdict_cache_get(cache, &key[3], keys, &facts));
	assert_int_equal(verdict_cache_count(cache), 3);
	key_set_unref(keys);
	verdict_cache_free(cache);
}

static void stays_within_its_maximum(void **state)
{
	struct verdict_cache *cache = verdict_cache_new(2000);
	struct verdict_cache *none = verdict_cache_new(0);
	struct key_set *keys = set_of("anna", ANNA);
	struct signature_facts facts = facts_of(REASON_GOOD, ANNA);

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct sha256 key = key_of(i);

		verdict_cache_put(cache, &key, keys, &facts);
		verdict_cache_put(none, &key, keys, &facts);
	}
	assert_in_range(verdict_cache_count(cache), 1900, 2000);
	assert_int_equal(verdict_cache_count(none), 0);
	key_set_unref(keys);
	verdict_cache_free(cache);
	verdict_cache_free(none);
	verdict_cache_free(NULL);
}

static void no_payload_is_not_an_empty_payload(void **state)
{
	struct sha256 none;
	struct sha256 empty;
	struct sha256 joined;

	(void)state;
	assert_true(verdict_cache_key(STR("ab"), (struct str){0}, &none));
	assert_true(verdict_cache_key(STR("ab"), STR(""), &empty));
	assert_true(verdict_cache_key(STR("a"), STR("b"), &joined));
	assert_memory_not_equal(none.bytes, empty.bytes, SHA256_SIZE);
	assert_memory_not_equal(none.bytes, joined.bytes, SHA256_SIZE);
}

struct crowd {
	struct verdict_cache *cache;
	struct key_set *keys;
};

static void *churn(void *argument)
{
	struct crowd *crowd = argument;
	struct signature_facts facts = facts_of(REASON_GOOD, ANNA);
	struct signature_facts got;

	for (unsigned i = 0; i < 4000; i++) {
		unsigned number = i % 3000;
		struct sha256 key;

		if (!sha256_of(str_make((const char *)&number, sizeof(number)), &key))
			return NULL;
		verdict_cache_put(crowd->cache, &key, crowd->keys, &facts);
		if (verdict_cache_get(crowd->cache, &key, crowd->keys, &got) && got.verdict != VERDICT_ACCEPTED)
			return NULL;
	}
	return crowd;
}

static void four_threads_share_it(void **state)
{
	struct crowd crowd = {.cache = verdict_cache_new(2000), .keys = set_of("anna", ANNA)};
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, &crowd), 0);
	for (int i = 0; i < 4; i++) {
		void *result = NULL;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, &crowd);
	}
	assert_true(verdict_cache_count(crowd.cache) <= 2000);
	key_set_unref(crowd.keys);
	verdict_cache_free(crowd.cache);
}

static void put_many(struct verdict_cache *cache, struct key_set *keys, enum verdict_reason reason, unsigned from,
		     unsigned count)
{
	struct signature_facts facts = facts_of(reason, ANNA);

	for (unsigned i = from; i < from + count; i++) {
		struct sha256 key = key_of(i);

		verdict_cache_put(cache, &key, keys, &facts);
	}
}

static unsigned kept(struct verdict_cache *cache, struct key_set *keys, unsigned from, unsigned count)
{
	struct signature_facts facts;
	unsigned found = 0;

	for (unsigned i = from; i < from + count; i++) {
		struct sha256 key = key_of(i);

		found += verdict_cache_get(cache, &key, keys, &facts);
	}
	return found;
}

/* Each kind has half of the room to itself, and more while the other does not need it. */
static void a_flood_of_rejections_pushes_out_nothing_that_counts(void **state)
{
	struct verdict_cache *cache = verdict_cache_new(1000);
	struct key_set *keys = set_of("anna", ANNA);

	(void)state;
	put_many(cache, keys, REASON_GOOD, 0, 800);
	assert_int_equal(kept(cache, keys, 0, 800), 800);
	put_many(cache, keys, REASON_BAD_SIGNATURE, 10000, 5000);
	assert_int_equal(kept(cache, keys, 300, 500), 500);
	assert_int_equal(kept(cache, keys, 0, 300), 0);
	assert_int_equal(kept(cache, keys, 14500, 500), 500);
	put_many(cache, keys, REASON_GOOD, 20000, 5000);
	assert_int_equal(kept(cache, keys, 24500, 500), 500);
	assert_int_equal(kept(cache, keys, 14500, 500), 500);
	assert_int_equal(verdict_cache_count(cache), 1000);
	key_set_unref(keys);
	verdict_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_all_facts),
		cmocka_unit_test(never_accepts_for_a_reason_that_rejects),
		cmocka_unit_test(a_reason_holds_under_other_keys_only_if_it_needs_none),
		cmocka_unit_test(a_reason_that_is_none_is_not_kept),
		cmocka_unit_test(longest_texts_fit),
		cmocka_unit_test(a_verdict_holds_as_far_as_its_keys_are_the_same),
		cmocka_unit_test(what_may_pass_is_never_kept),
		cmocka_unit_test(an_older_set_does_not_replace_what_a_newer_one_said),
		cmocka_unit_test(the_least_recently_used_goes_first),
		cmocka_unit_test(stays_within_its_maximum),
		cmocka_unit_test(no_payload_is_not_an_empty_payload),
		cmocka_unit_test(four_threads_share_it),
		cmocka_unit_test(a_flood_of_rejections_pushes_out_nothing_that_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
