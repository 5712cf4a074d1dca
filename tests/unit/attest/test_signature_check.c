#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "attest/signature_check.h"

#define PRIMARY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SUBKEY "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define STRANGER "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"
#define NOW 1000000

/* A keyring of one certificate, and a report that is good; each case changes what it is about. */
struct scene {
	struct signer primary;
	struct signer subkey;
	struct signature_report report;
};

static struct scene good_scene(void)
{
	return (struct scene){
		.primary = {.fingerprint = PRIMARY, .primary = PRIMARY, .created_at = 1000, .can_sign = true},
		.subkey = {.fingerprint = SUBKEY, .primary = PRIMARY, .created_at = 2000, .can_sign = true},
		.report = {.finding = FINDING_GOOD, .signer = SUBKEY, .hash_algorithm = 8, .created_at = 5000},
	};
}

static struct signature_facts judge(const struct scene *scene)
{
	struct signer_table table = {0};
	struct signature_facts facts = {0};

	assert_true(signer_table_add(&table, &scene->subkey, NULL));
	assert_true(signer_table_add(&table, &scene->primary, NULL));
	signer_table_sort(&table);
	signature_check(&scene->report, &table, NOW, &facts);
	signer_table_release(&table);
	assert_int_equal(facts.verdict, VERDICT_REJECTED);
	return facts;
}

static void a_good_signature_names_the_primary_key(void **state)
{
	struct scene scene = good_scene();
	struct signature_facts facts;

	(void)state;
	scene.primary.expires_at = NOW + 10;
	scene.subkey.expires_at = NOW + 20;
	scene.report.expires_at = NOW + 30;
	facts = judge(&scene);
	assert_int_equal(facts.reason, REASON_GOOD);
	assert_string_equal(facts.signer, PRIMARY);
	assert_int_equal(facts.signed_at, 5000);
	assert_int_equal(facts.key_expires_at, NOW + 10);
	assert_int_equal(facts.signature_expires_at, NOW + 30);
}

static void whatever_gpg_says_other_than_good_rejects(void **state)
{
	const enum verdict_reason expected[FINDING_COUNT] = {
		[FINDING_NONE] = REASON_WORKER_FAILED,
		[FINDING_GOOD] = REASON_GOOD,
		[FINDING_BAD] = REASON_BAD_SIGNATURE,
		[FINDING_NO_KEY] = REASON_UNKNOWN_KEY,
		[FINDING_WRONG_USAGE] = REASON_KEY_CANNOT_SIGN,
		[FINDING_HASH_REFUSED] = REASON_WEAK_HASH,
		[FINDING_KEY_EXPIRED] = REASON_SUBKEY_EXPIRED,
		[FINDING_KEY_REVOKED] = REASON_SUBKEY_REVOKED,
		[FINDING_SIGNATURE_EXPIRED] = REASON_SIGNATURE_EXPIRED,
	};

	(void)state;
	for (int finding = 0; finding <= FINDING_COUNT; finding++) {
		struct scene scene = good_scene();

		scene.report.finding = (enum finding)finding;
		assert_int_equal(judge(&scene).reason,
				 finding < FINDING_COUNT ? expected[finding] : REASON_WORKER_FAILED);
	}
}

/* Whoever remembers a reason remembers it for good; this one passes. */
static void what_can_t_be_relied_on_says_nothing_about_the_key(void **state)
{
	const enum finding findings[] = {FINDING_NONE, FINDING_COUNT};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene revoked = good_scene(), stranger = good_scene();

		revoked.primary.revoked = true;
		revoked.report.finding = stranger.report.finding = findings[i];
		memcpy(stranger.report.signer, STRANGER, sizeof(STRANGER));
		assert_int_equal(judge(&revoked).reason, REASON_WORKER_FAILED);
		assert_int_equal(judge(&stranger).reason, REASON_WORKER_FAILED);
	}
}

static void keys_that_may_not_count(void **state)
{
	struct scene revoked = good_scene(), subkey_revoked = good_scene(), no_usage = good_scene(),
		     weak = good_scene(), weak_primary = good_scene(), orphan = good_scene(), stranger = good_scene(),
		     by_id = good_scene();

	(void)state;
	revoked.primary.revoked = true;
	assert_int_equal(judge(&revoked).reason, REASON_KEY_REVOKED);
	subkey_revoked.subkey.revoked = true;
	assert_int_equal(judge(&subkey_revoked).reason, REASON_SUBKEY_REVOKED);
	no_usage.subkey.can_sign = false;
	assert_int_equal(judge(&no_usage).reason, REASON_KEY_CANNOT_SIGN);
	weak.subkey.weak = true;
	assert_int_equal(judge(&weak).reason, REASON_WEAK_KEY);
	weak_primary.primary.weak = true;
	assert_int_equal(judge(&weak_primary).reason, REASON_WEAK_KEY);
	memcpy(orphan.subkey.primary, STRANGER, sizeof(STRANGER));
	assert_int_equal(judge(&orphan).reason, REASON_UNKNOWN_KEY);
	memcpy(stranger.report.signer, STRANGER, sizeof(STRANGER));
	assert_int_equal(judge(&stranger).reason, REASON_UNKNOWN_KEY);
	memcpy(by_id.report.signer, SUBKEY, 16);
	by_id.report.signer[16] = 0;
	assert_int_equal(judge(&by_id).reason, REASON_UNKNOWN_KEY);
}

static void hashes_that_may_not_count(void **state)
{
	const unsigned weak[] = {0, 1, 2, 3, 4, 7, 110, 301};

	(void)state;
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		struct scene scene = good_scene();

		scene.report.hash_algorithm = weak[i];
		assert_int_equal(judge(&scene).reason, REASON_WEAK_HASH);
	}
}

/* Each date on both sides of its edge. */
static void dates_have_edges(void **state)
{
	const struct {
		int64_t primary_expires, subkey_expires, signature_expires, created, subkey_created;
		enum verdict_reason reason;
	} cases[] = {
		{NOW + 1, 0, 0, 5000, 2000, REASON_GOOD},     {NOW, 0, 0, 5000, 2000, REASON_KEY_EXPIRED},
		{0, NOW + 1, 0, 5000, 2000, REASON_GOOD},     {0, NOW, 0, 5000, 2000, REASON_SUBKEY_EXPIRED},
		{0, 0, NOW + 1, 5000, 2000, REASON_GOOD},     {0, 0, NOW, 5000, 2000, REASON_SIGNATURE_EXPIRED},
		{0, 0, 0, NOW + 300, 2000, REASON_GOOD},      {0, 0, 0, NOW + 301, 2000, REASON_NOT_YET_VALID},
		{0, 0, 0, NOW + 300, NOW + 300, REASON_GOOD}, {0, 0, 0, NOW + 301, NOW + 301, REASON_NOT_YET_VALID},
		{0, 0, 0, 2000, 2000, REASON_GOOD},	      {0, 0, 0, 1999, 2000, REASON_BAD_SIGNATURE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene = good_scene();

		scene.primary.expires_at = cases[i].primary_expires;
		scene.subkey.expires_at = cases[i].subkey_expires;
		scene.report.expires_at = cases[i].signature_expires;
		scene.report.created_at = cases[i].created;
		scene.subkey.created_at = cases[i].subkey_created;
		if (judge(&scene).reason != cases[i].reason)
			fail_msg("case %zu", i);
	}
}

/* A subkey can't be older than its certificate counts. */
static void a_key_of_tomorrow_does_not_count_today(void **state)
{
	const struct {
		int64_t primary_created, subkey_created;
		enum verdict_reason reason;
	} cases[] = {
		{NOW + 300, 2000, REASON_GOOD},
		{NOW + 301, 2000, REASON_NOT_YET_VALID},
		{1000, NOW + 300, REASON_BAD_SIGNATURE},
		{1000, NOW + 301, REASON_NOT_YET_VALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene = good_scene();

		scene.primary.created_at = cases[i].primary_created;
		scene.subkey.created_at = cases[i].subkey_created;
		assert_int_equal(judge(&scene).reason, cases[i].reason);
	}
}

static void a_key_ends_with_the_first_of_its_two_ends(void **state)
{
	const int64_t ends[][3] = {{0, 0, 0},
				   {NOW + 10, 0, NOW + 10},
				   {0, NOW + 10, NOW + 10},
				   {NOW + 10, NOW + 20, NOW + 10},
				   {NOW + 20, NOW + 10, NOW + 10}};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct scene scene = good_scene();

		scene.primary.expires_at = ends[i][0];
		scene.subkey.expires_at = ends[i][1];
		assert_int_equal(judge(&scene).key_expires_at, ends[i][2]);
	}
}

static void a_bad_signature_may_be_named_by_its_key_id(void **state)
{
	struct scene scene = good_scene();

	(void)state;
	scene.report.finding = FINDING_BAD;
	memcpy(scene.report.signer, SUBKEY, 16);
	scene.report.signer[16] = 0;
	assert_string_equal(judge(&scene).signer, PRIMARY);
	scene.report.signer[8] = 0;
	assert_string_equal(judge(&scene).signer, "BBBBBBBB");
}

static void key_ids_that_two_keys_share_name_nobody(void **state)
{
	const struct signer left = {.fingerprint = "0000000000000000000000001111111111111111"};
	const struct signer right = {.fingerprint = "2222222222222222222222221111111111111111"};
	struct signer_table table = {0};

	(void)state;
	assert_null(signer_table_find(&table, left.fingerprint));
	assert_true(signer_table_add(&table, &right, NULL));
	signer_table_sort(&table);
	assert_non_null(signer_table_find_key_id(&table, "1111111111111111"));
	assert_true(signer_table_add(&table, &left, NULL));
	signer_table_sort(&table);
	assert_null(signer_table_find_key_id(&table, "1111111111111111"));
	assert_null(signer_table_find_key_id(&table, "11111111"));
	assert_non_null(signer_table_find(&table, left.fingerprint));
	assert_non_null(signer_table_find(&table, right.fingerprint));
	signer_table_release(&table);
}

/* Of a v5 fingerprint the key id is the beginning, of a v4 one the end. */
static void a_key_id_is_the_right_end_of_a_fingerprint(void **state)
{
	const struct signer v5 = {.fingerprint = "1111111111111111" STRANGER "22222222"};
	const struct signer v4 = {.fingerprint = "333333333333333333333333"
						 "4444444444444444"};
	const struct signer none = {.fingerprint = ""};
	struct signer_table table = {0};

	(void)state;
	assert_true(signer_table_add(&table, &none, NULL));
	assert_true(signer_table_add(&table, &v5, NULL));
	assert_true(signer_table_add(&table, &v4, NULL));
	assert_ptr_equal(signer_table_find_key_id(&table, "1111111111111111"), &table.items[1]);
	assert_ptr_equal(signer_table_find_key_id(&table, "4444444444444444"), &table.items[2]);
	assert_null(signer_table_find_key_id(&table, "3333333333333333"));
	assert_null(signer_table_find_key_id(&table, "CCCCCCCC22222222"));
	signer_table_release(&table);
}

static void what_is_too_long_for_a_fingerprint_is_found_nowhere(void **state)
{
	struct signer signer = {.fingerprint = SUBKEY};
	struct signer_table table = {0};
	char text[4096];

	(void)state;
	memset(text, 'B', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_true(signer_table_add(&table, &signer, NULL));
	memset(signer.fingerprint, 'B', FINGERPRINT_MAX);
	assert_true(signer_table_add(&table, &signer, NULL));
	assert_null(signer_table_find(&table, text));
	text[FINGERPRINT_MAX + 1] = 0;
	assert_null(signer_table_find(&table, text));
	text[FINGERPRINT_MAX] = 0;
	assert_ptr_equal(signer_table_find(&table, text), &table.items[1]);
	text[40] = 0;
	assert_non_null(signer_table_find(&table, text));
	text[39] = 0;
	assert_null(signer_table_find(&table, text));
	signer_table_release(&table);
}

static void small_rsa_and_dsa_are_weak(void **state)
{
	(void)state;
	assert_true(signer_is_weak("rsa2047", 2047));
	assert_false(signer_is_weak("rsa2048", 2048));
	assert_true(signer_is_weak("dsa1024", 1024));
	assert_false(signer_is_weak("ed25519", 255));
	assert_false(signer_is_weak("nistp256", 256));
	assert_true(signer_is_weak("dsa2047", 2047));
	assert_false(signer_is_weak("dsa2048", 2048));
}

static void CVE_2026_24122_an_expired_primary_key_ends_its_subkeys(void **state)
{
	struct scene scene = good_scene();

	(void)state;
	scene.subkey.expires_at = NOW + 1000;
	scene.primary.expires_at = NOW - 1;
	assert_int_equal(judge(&scene).reason, REASON_KEY_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_signature_names_the_primary_key),
		cmocka_unit_test(whatever_gpg_says_other_than_good_rejects),
		cmocka_unit_test(what_can_t_be_relied_on_says_nothing_about_the_key),
		cmocka_unit_test(keys_that_may_not_count),
		cmocka_unit_test(hashes_that_may_not_count),
		cmocka_unit_test(dates_have_edges),
		cmocka_unit_test(a_key_ends_with_the_first_of_its_two_ends),
		cmocka_unit_test(a_key_of_tomorrow_does_not_count_today),
		cmocka_unit_test(a_bad_signature_may_be_named_by_its_key_id),
		cmocka_unit_test(key_ids_that_two_keys_share_name_nobody),
		cmocka_unit_test(a_key_id_is_the_right_end_of_a_fingerprint),
		cmocka_unit_test(what_is_too_long_for_a_fingerprint_is_found_nowhere),
		cmocka_unit_test(small_rsa_and_dsa_are_weak),
		cmocka_unit_test(CVE_2026_24122_an_expired_primary_key_ends_its_subkeys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
