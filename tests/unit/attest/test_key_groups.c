/* Which key texts gpg is asked about together, and by which name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/key_groups.h"
#include "base/codec.h"
#include "base/limits.h"
#include "tests/unit/attest/fixtures.h"

#define ZEROS_15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SIGNATURE(type) "\xc2\x13\4" type "\1\x8" ZEROS_15
#define PRIMARY "\xc6\6\4abcd\1"
#define PRIMARY_V3 "\xc6\6\3abcd\1"
#define PRIMARY_V6 "\xc6\6\6abcd\1"
#define USER_ID "\xcd\2ab"
#define ATTRIBUTE "\xd1\2ab"
#define SUBKEY "\xce\6\4efgh\1"
#define RING_TRUST "\xcc\2\0\0"
#define MARKER "\xca\3PGP"
#define SECRET "\xc5\6\4abcd\1"
#define BOUND USER_ID SIGNATURE("\x13")

enum { MANY = 1500 };

static void only_a_certificate_in_order_travels_with_others(void **state)
{
	const struct {
		struct str bytes;
		enum packets_certificate shape;
	} cases[] = {
		{STR(PRIMARY BOUND), CERTIFICATE_PLAIN},
		{STR(PRIMARY USER_ID), CERTIFICATE_PLAIN},
		{STR(PRIMARY SIGNATURE("\x20") BOUND SUBKEY SIGNATURE("\x18") SIGNATURE("\x28")), CERTIFICATE_PLAIN},
		{STR(PRIMARY SIGNATURE("\x1f") USER_ID SIGNATURE("\x10") SIGNATURE("\x30")), CERTIFICATE_PLAIN},
		{STR(PRIMARY BOUND BOUND), CERTIFICATE_COMPLEX},
		{STR(PRIMARY BOUND ATTRIBUTE SIGNATURE("\x13")), CERTIFICATE_COMPLEX},
		{STR(PRIMARY BOUND SUBKEY SIGNATURE("\x18") SUBKEY SIGNATURE("\x18")), CERTIFICATE_COMPLEX},
		/* none, several, something before or behind */
		{STR(""), CERTIFICATE_ODD},
		{STR(PRIMARY), CERTIFICATE_ODD},
		{STR(PRIMARY SUBKEY SIGNATURE("\x18")), CERTIFICATE_ODD},
		{STR(PRIMARY BOUND PRIMARY BOUND), CERTIFICATE_ODD},
		{STR(USER_ID PRIMARY BOUND), CERTIFICATE_ODD},
		{STR(SIGNATURE("\x20") PRIMARY BOUND), CERTIFICATE_ODD},
		{STR(PRIMARY BOUND "junk"), CERTIFICATE_ODD},
		{STR(PRIMARY BOUND "\xc2\x13\4\x13"), CERTIFICATE_ODD},
		{STR(PRIMARY BOUND SUBKEY SIGNATURE("\x18") BOUND), CERTIFICATE_ODD},
		/* a revocation that is not where it speaks of the key */
		{STR(PRIMARY BOUND SIGNATURE("\x20")), CERTIFICATE_ODD},
		{STR(PRIMARY BOUND SUBKEY SIGNATURE("\x18") SIGNATURE("\x20")), CERTIFICATE_ODD},
		{STR(PRIMARY SIGNATURE("\x28") BOUND), CERTIFICATE_ODD},
		{STR(PRIMARY BOUND SUBKEY SIGNATURE("\x13")), CERTIFICATE_ODD},
		{STR(PRIMARY USER_ID SIGNATURE("\x18")), CERTIFICATE_ODD},
		{STR(PRIMARY USER_ID SIGNATURE("\0")), CERTIFICATE_ODD},
		/* packets of other things, and gpg's own notes of what it verified */
		{STR(PRIMARY BOUND RING_TRUST), CERTIFICATE_ODD},
		{STR(PRIMARY RING_TRUST BOUND), CERTIFICATE_ODD},
		{STR(MARKER PRIMARY BOUND), CERTIFICATE_ODD},
		{STR(PRIMARY BOUND "\xa3\1xxxx"), CERTIFICATE_ODD},
		{STR(SECRET BOUND), CERTIFICATE_ODD},
		{STR(PRIMARY BOUND SECRET), CERTIFICATE_ODD},
		/* keys whose fingerprint is made otherwise, signatures of other versions */
		{STR(PRIMARY_V3 BOUND), CERTIFICATE_ODD},
		{STR(PRIMARY_V6 BOUND), CERTIFICATE_ODD},
		{STR(PRIMARY USER_ID "\xc2\x13\5\x13\1\x8" ZEROS_15), CERTIFICATE_ODD},
		{STR("\xc6\4\4abc" BOUND), CERTIFICATE_ODD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str primary = {NULL, 0};

		if (packets_certificate(cases[i].bytes, &primary) != cases[i].shape)
			fail_msg("case %zu", i);
		if (cases[i].shape != CERTIFICATE_ODD)
			assert_true(str_eq(primary, str_make(PRIMARY + 2, 6)));
	}
}

static void a_text_is_called_as_gpg_calls_its_key(void **state)
{
	cleanup(buf) struct buf table = fixture_file("keys", STR("fingerprints.tsv"), "");
	struct str rest = buf_str(&table);
	size_t named = 0;

	(void)state;
	while (rest.len) {
		struct str line = fixture_field(&rest, '\n'), name = fixture_field(&line, '\t');
		cleanup(buf) struct buf text = fixture_key(name);
		struct key_text key;

		key_text_read(buf_str(&text), &key);
		assert_true((key.shape != CERTIFICATE_ODD) == (key.fingerprint[0] != 0));
		if (key.shape != CERTIFICATE_ODD && !str_eq_c(line, key.fingerprint))
			fail_msg("%.*s is called %s", STR_ARG(name), key.fingerprint);
		named += key.shape != CERTIFICATE_ODD;
	}
	assert_true(named >= 8);
}

static void a_text_that_could_run_into_the_next_goes_alone(void **state)
{
	static const char *const odd[] = {"both", "ed-secret", "ed-passphrase"};
	cleanup(buf) struct buf key = fixture_key(STR("ed")), twice = buf_init(LIMIT_KEY_FILE),
				cut = buf_init(LIMIT_KEY_FILE), junk = buf_init(LIMIT_KEY_FILE);
	struct str text = buf_str(&key), binary = STR("\x98\x33\4"), cases[6];
	struct key_text read;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		buf_add(&twice, text);
	buf_add(&cut, str_head(text, str_trim(text).len - 34));
	buf_add(&junk, text);
	buf_add_c(&junk, "junk\n");
	cases[0] = buf_str(&twice);
	cases[1] = buf_str(&cut);
	cases[2] = buf_str(&junk);
	cases[3] = binary;
	cases[4] = STR("");
	cases[5] = str_make(text.ptr + 1, text.len - 1);
	for (size_t i = 0; i < 6; i++) {
		key_text_read(cases[i], &read);
		if (read.shape != CERTIFICATE_ODD)
			fail_msg("case %zu", i);
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		cleanup(buf) struct buf other = fixture_key(str_of(odd[i]));

		key_text_read(buf_str(&other), &read);
		assert_int_equal(read.shape, CERTIFICATE_ODD);
	}
	key_text_read(text, &read);
	assert_int_equal(read.shape, CERTIFICATE_PLAIN);
}

/* ---- groups ---- */

static void add_made_up(struct buf *out, unsigned number)
{
	cleanup(buf) struct buf packets = buf_init(1024);
	char primary[] = PRIMARY;

	memcpy(primary + 3, &number, 4);
	buf_add(&packets, str_make(primary, sizeof(primary) - 1));
	buf_add(&packets, STR(BOUND));
	buf_add_c(out, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
	base64_encode(out, buf_str(&packets), BASE64_STANDARD);
	buf_add_c(out, "\n-----END PGP PUBLIC KEY BLOCK-----\n");
}

/* Texts of the numbers in [first, end). */
static struct key_set *made_up(unsigned first, unsigned end)
{
	struct key_set_entry *entries = calloc(end - first, sizeof(*entries));
	struct buf *texts = calloc(end - first, sizeof(*texts));
	struct key_set *set;

	assert_true(entries && texts);
	for (unsigned i = 0; i < end - first; i++) {
		texts[i] = buf_init(1024);
		add_made_up(&texts[i], first + i);
		entries[i] = (struct key_set_entry){buf_str(&texts[i]), STR("")};
	}
	set = key_set_new(entries, end - first);
	for (unsigned i = 0; i < end - first; i++)
		buf_release(&texts[i]);
	free(entries);
	free(texts);
	assert_non_null(set);
	return set;
}

static size_t count_changed(const struct key_groups *a, const struct key_groups *b)
{
	size_t changed = 0;

	for (unsigned group = 0; group < KEY_GROUPS; group++) {
		struct sha256 left, right;

		assert_true(key_groups_id(a, group, &left) && key_groups_id(b, group, &right));
		changed += !sha256_equal(&left, &right);
	}
	return changed;
}

static void one_text_more_changes_one_group(void **state)
{
	struct key_set *few = made_up(0, MANY), *more = made_up(0, MANY + 1), *other = made_up(1, MANY + 1);
	struct key_groups a, b, c;
	struct err e = ERR_INIT;
	size_t largest = 0;

	(void)state;
	assert_true(key_groups_make(few, &a, &e) && key_groups_make(more, &b, &e) && key_groups_make(other, &c, &e));
	assert_int_equal(key_groups_size(&a, KEY_GROUP_ODD), 0);
	for (unsigned group = 0; group < KEY_GROUPS; group++)
		largest = key_groups_size(&a, group) > largest ? key_groups_size(&a, group) : largest;
	assert_in_range(largest, MANY / KEY_GROUPS_EACH, MANY / 4);
	assert_int_equal(count_changed(&a, &b), 1);
	assert_in_range(count_changed(&a, &c), 1, 2);
	key_groups_release(&a);
	key_groups_release(&b);
	key_groups_release(&c);
	key_set_unref(few);
	key_set_unref(more);
	key_set_unref(other);
}

/* What one of them says of the key, the other may not know. */
static void two_texts_of_one_key_are_odd(void **state)
{
	cleanup(buf) struct buf revoked = fixture_key(STR("revoked")), before = fixture_key(STR("revoked-before")),
				ed = fixture_key(STR("ed"));
	const struct key_set_entry entries[] = {
		{buf_str(&revoked), STR("")}, {buf_str(&ed), STR("")}, {buf_str(&before), STR("")}};
	struct key_set *set = key_set_new(entries, 3);
	struct key_groups groups;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(key_groups_make(set, &groups, &e));
	assert_int_equal(key_groups_size(&groups, KEY_GROUP_ODD), 2);
	for (size_t i = 0; i < groups.count; i++)
		if (groups.texts[i].group != KEY_GROUP_ODD)
			assert_true(str_eq(groups.texts[i].key.text, buf_str(&ed)));
	key_groups_doubt(&groups, 0);
	assert_int_equal(key_groups_size(&groups, KEY_GROUP_ODD), 3);
	key_groups_release(&groups);
	key_set_unref(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_certificate_in_order_travels_with_others),
		cmocka_unit_test(a_text_is_called_as_gpg_calls_its_key),
		cmocka_unit_test(a_text_that_could_run_into_the_next_goes_alone),
		cmocka_unit_test(one_text_more_changes_one_group),
		cmocka_unit_test(two_texts_of_one_key_are_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
