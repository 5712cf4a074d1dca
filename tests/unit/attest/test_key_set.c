#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "attest/key_set.h"
#include "base/limits.h"

#define ANNA "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BOB "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static struct key_set_entry entry(const char *text, const char *fingerprint)
{
	return (struct key_set_entry){.text = str_of(text), .fingerprint = str_of(fingerprint)};
}

static struct key_set *set_of(struct key_set_entry first, struct key_set_entry second)
{
	const struct key_set_entry entries[] = {first, second};
	struct key_set *set = key_set_new(entries, 2);

	assert_non_null(set);
	return set;
}

static void an_empty_set_knows_nobody(void **state)
{
	struct key_set *set = key_set_new(NULL, 0);
	struct sha256 material;

	(void)state;
	assert_non_null(set);
	assert_int_equal(key_set_texts(set), 0);
	assert_null(key_set_text(set, 0).ptr);
	assert_false(key_set_material(set, STR(ANNA), &material));
	assert_false(key_set_material(set, STR(""), &material));
	key_set_unref(set);
}

static void a_text_with_two_certificates_is_imported_once(void **state)
{
	struct key_set *set = set_of(entry("both", ANNA), entry("both", BOB));
	struct sha256 material;

	(void)state;
	assert_int_equal(key_set_texts(set), 1);
	assert_true(str_eq(key_set_text(set, 0), STR("both")));
	assert_true(key_set_material(set, STR(ANNA), &material));
	assert_true(key_set_material(set, STR(BOB), &material));
	key_set_unref(set);
}

static void finds_only_whole_fingerprints(void **state)
{
	struct key_set *set = set_of(entry("anna", ANNA), entry("bob", BOB));
	struct sha256 material;

	(void)state;
	assert_false(key_set_material(set, STR("AAAAAAAAAAAAAAAA"), &material));
	assert_false(key_set_material(set, STR(ANNA "A"), &material));
	assert_false(key_set_material(set, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), &material));
	key_set_unref(set);
}

/* `count` different texts of `size` bytes each. */
static struct key_set *large_set(size_t count, size_t size)
{
	struct key_set_entry *entries = calloc(count, sizeof(*entries));
	char *texts = calloc(count, size);
	struct key_set *set;

	assert_true(entries && texts);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(texts + i * size, size, "%zu", i);
		entries[i] = (struct key_set_entry){str_make(texts + i * size, size), STR(ANNA)};
	}
	set = key_set_new(entries, count);
	assert_non_null(set);
	free(entries);
	free(texts);
	return set;
}

static void check_size(size_t count, size_t size, bool fits)
{
	struct key_set *set = large_set(count, size);
	struct err e = ERR_INIT;

	assert_int_equal(key_set_check(set, &e), fits);
	if (!fits) {
		assert_int_equal(e.kind, ERR_TOO_LARGE);
		assert_non_null(strstr(e.text, "can't be loaded in time"));
	}
	key_set_unref(set);
}

static void a_set_that_no_worker_loads_in_time_is_too_large(void **state)
{
	(void)state;
	check_size(LIMIT_KEY_TEXTS, 10, true);
	check_size(LIMIT_KEY_TEXTS + 1, 10, false);
	check_size(16, LIMIT_KEY_TEXTS_BYTES / 16, true);
	check_size(16, LIMIT_KEY_TEXTS_BYTES / 16 + 1, false);
}

static bool same_material(const struct key_set *a, const struct key_set *b, const char *fingerprint)
{
	struct sha256 left;
	struct sha256 right;

	assert_true(key_set_material(a, str_of(fingerprint), &left));
	assert_true(key_set_material(b, str_of(fingerprint), &right));
	return memcmp(left.bytes, right.bytes, SHA256_SIZE) == 0;
}

static void material_changes_with_the_bytes_of_the_key_alone(void **state)
{
	struct key_set *set = set_of(entry("anna", ANNA), entry("bob", BOB));
	struct key_set *other_bob = set_of(entry("bob 2", BOB), entry("anna", ANNA));
	struct key_set *more_anna = set_of(entry("anna", ANNA), entry("anna, revoked", ANNA));

	(void)state;
	assert_true(same_material(set, other_bob, ANNA));
	assert_false(same_material(set, other_bob, BOB));
	assert_false(same_material(set, more_anna, ANNA));
	key_set_unref(set);
	key_set_unref(other_bob);
	key_set_unref(more_anna);
}

static void equal_means_same_texts_for_same_fingerprints(void **state)
{
	struct key_set *set = set_of(entry("anna", ANNA), entry("bob", BOB));
	struct key_set *turned = set_of(entry("bob", BOB), entry("anna", ANNA));
	struct key_set *swapped = set_of(entry("anna", BOB), entry("bob", ANNA));
	struct key_set *fewer = set_of(entry("anna", ANNA), entry("anna", ANNA));
	struct key_set *other = set_of(entry("anna", ANNA), entry("bob 2", BOB));

	(void)state;
	assert_true(key_set_equal(set, set));
	assert_true(key_set_equal(set, turned));
	assert_false(key_set_equal(set, swapped));
	assert_false(key_set_equal(set, fewer));
	assert_false(key_set_equal(fewer, set));
	assert_false(key_set_equal(set, other));
	key_set_unref(other);
	assert_true(key_set_id(turned) > key_set_id(set));
	assert_true(key_set_id(fewer) > key_set_id(turned));
	key_set_unref(set);
	key_set_unref(turned);
	key_set_unref(swapped);
	key_set_unref(fewer);
}

static void copies_what_it_is_given(void **state)
{
	char text[] = "anna";
	struct key_set_entry given = entry(text, ANNA);
	struct key_set *set = key_set_new(&given, 1);

	(void)state;
	assert_non_null(set);
	text[0] = 'X';
	assert_true(str_eq(key_set_text(set, 0), STR("anna")));
	assert_ptr_equal(key_set_ref(set), set);
	key_set_unref(set);
	assert_int_equal(key_set_texts(set), 1);
	key_set_unref(set);
	key_set_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_that_no_worker_loads_in_time_is_too_large),
		cmocka_unit_test(an_empty_set_knows_nobody),
		cmocka_unit_test(a_text_with_two_certificates_is_imported_once),
		cmocka_unit_test(finds_only_whole_fingerprints),
		cmocka_unit_test(material_changes_with_the_bytes_of_the_key_alone),
		cmocka_unit_test(equal_means_same_texts_for_same_fingerprints),
		cmocka_unit_test(copies_what_it_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
