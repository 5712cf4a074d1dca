#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "attest/armor.h"
#include "base/codec.h"
#include "tests/unit/attest/fixtures.h"

/* The binary packet c2 00: an empty signature packet is enough for armour. */
#define BODY "wgA=\n"
#define SIGNATURE "-----BEGIN PGP SIGNATURE-----\n\n" BODY "-----END PGP SIGNATURE-----\n"
#define CLEAR "-----BEGIN PGP SIGNED MESSAGE-----\n"
#define HASH "Hash: SHA256\n\n"

static enum verdict_reason unwrap(struct str upload)
{
	cleanup(armor_message) struct armor_message message = armor_message_init();

	return armor_unwrap(upload, &message);
}

static void reads_each_kind(void **state)
{
	const struct {
		const char *upload;
		enum armor_kind kind;
	} cases[] = {
		{SIGNATURE, ARMOR_SIGNATURE},
		{" \r\n\t" SIGNATURE " \n ", ARMOR_SIGNATURE},
		{"-----BEGIN PGP MESSAGE-----\r\n\r\nwgA=\r\n-----END PGP MESSAGE-----", ARMOR_MESSAGE},
		{"-----BEGIN PGP MESSAGE-----\nVersion: 1\nComment: x\n\nwgA=\n-----END PGP MESSAGE-----",
		 ARMOR_MESSAGE},
		{CLEAR HASH "text\n" SIGNATURE, ARMOR_CLEAR_SIGNED},
		{CLEAR "Hash: SHA256, SHA512\nHash: SHA1\n\ntext\n" SIGNATURE, ARMOR_CLEAR_SIGNED},
		{CLEAR "\ntext\n" SIGNATURE, ARMOR_CLEAR_SIGNED},
		{"wgA=", ARMOR_BINARY},
		{"wgA", ARMOR_BINARY},
		{"w\ngA\r\n=\n", ARMOR_BINARY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup(armor_message) struct armor_message message = armor_message_init();

		assert_int_equal(armor_unwrap(str_of(cases[i].upload), &message), REASON_GOOD);
		assert_int_equal(message.kind, cases[i].kind);
		assert_true(str_eq(buf_str(&message.packets), STR("\xc2\0")));
	}
}

static void refuses_what_is_not_exactly_one_message(void **state)
{
	const struct {
		const char *upload;
		enum verdict_reason reason;
	} cases[] = {
		{"-----BEGIN PGP SIGNATURE-----\n-----BEGIN PGP SIGNATURE-----: x\n\n" BODY
		 "-----END PGP SIGNATURE-----\n",
		 REASON_NOT_OPENPGP},
		{CLEAR HASH "text\n-----BEGIN PGP SIGNATURE-----\n-----BEGIN PGP MESSAGE-----Comment: x\n\n" BODY
			    "-----END PGP SIGNATURE-----\n",
		 REASON_NOT_OPENPGP},
		{"", REASON_NOT_OPENPGP},
		{" \n\t", REASON_NOT_OPENPGP},
		{"not base64!", REASON_NOT_OPENPGP},
		{"dGV4dA==", REASON_NOT_OPENPGP},
		{SIGNATURE "x", REASON_SEVERAL_MESSAGES},
		{"x\n" SIGNATURE, REASON_SEVERAL_MESSAGES},
		{SIGNATURE SIGNATURE, REASON_SEVERAL_MESSAGES},
		{CLEAR HASH "text\n" SIGNATURE "sha256:00", REASON_SEVERAL_MESSAGES},
		{"-----BEGIN PGP SIGNATURE-----\n\nwgA=\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\n\nwgA=\n-----END PGP MESSAGE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\nwgA=\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\nno header\nwgA=\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\n-No: header\nwgA=\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\nComment: x\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\n\nwg\rA=\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\n\nwgA=\n\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\n\nwg_=\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\n\nwgA=\n=AAAA\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE-----\n\nwgA=\n=\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP SIGNATURE----- \n\nwgA=\n-----END PGP SIGNATURE-----\n", REASON_NOT_OPENPGP},
		{"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nwgA=\n-----END PGP PUBLIC KEY BLOCK-----\n",
		 REASON_NOT_OPENPGP},
		{"-----BEGIN PGP MESSAGE, PART 1/2-----\n\nwgA=\n-----END PGP MESSAGE, PART 1/2-----\n",
		 REASON_NOT_OPENPGP},
		{CLEAR HASH "text\n", REASON_NOT_OPENPGP},
		{CLEAR HASH "-text\n" SIGNATURE, REASON_NOT_OPENPGP},
		{CLEAR HASH "-----BEGIN PGP MESSAGE-----\n" SIGNATURE, REASON_NOT_OPENPGP},
		{CLEAR HASH SIGNATURE, REASON_NO_PAYLOAD},
		{CLEAR "Hash: SHA256\nComment: x\n\ntext\n" SIGNATURE, REASON_BAD_HEADER},
		{CLEAR "NotDashEscaped: yes\n\ntext\n" SIGNATURE, REASON_BAD_HEADER},
		{CLEAR "Hash: sha256:00\n\ntext\n" SIGNATURE, REASON_BAD_HEADER},
		{CLEAR "Hash: \n\ntext\n" SIGNATURE, REASON_BAD_HEADER},
		{CLEAR "hash: SHA256\n\ntext\n" SIGNATURE, REASON_BAD_HEADER},
		{CLEAR "Hash: SHA256\n \ntext\n" SIGNATURE, REASON_BAD_HEADER},
		{CLEAR HASH "text \n" SIGNATURE, REASON_BAD_PAYLOAD},
		{CLEAR HASH "text\t\nmore\n" SIGNATURE, REASON_BAD_PAYLOAD},
		{CLEAR HASH "text\r\r\n" SIGNATURE, REASON_BAD_PAYLOAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum verdict_reason reason = unwrap(str_of(cases[i].upload));

		if (reason != cases[i].reason)
			fail_msg("%s: %s", cases[i].upload, verdict_reason_name(reason));
	}
}

static void refuses_a_null_byte_in_armour(void **state)
{
	(void)state;
	assert_int_equal(unwrap(STR(CLEAR HASH "te\0xt\n" SIGNATURE)), REASON_NOT_OPENPGP);
	assert_int_equal(
		unwrap(STR("-----BEGIN PGP SIGNATURE-----\nComment: \0\n\nwgA=\n-----END PGP SIGNATURE-----\n")),
		REASON_NOT_OPENPGP);
}

static void undoes_dash_escapes_and_line_ends(void **state)
{
	cleanup(armor_message) struct armor_message message = armor_message_init();

	(void)state;
	assert_int_equal(
		armor_unwrap(STR(CLEAR HASH "- -----BEGIN PGP SIGNATURE-----\n- x\r\n\ny\n" SIGNATURE), &message),
		REASON_GOOD);
	assert_string_equal(message.text.data, "-----BEGIN PGP SIGNATURE-----\r\nx\r\n\r\ny\r\n");
}

static void unwraps_base64_once(void **state)
{
	cleanup(buf) struct buf once = buf_init(LIMIT_SIGNATURE);
	cleanup(buf) struct buf twice = buf_init(LIMIT_SIGNATURE);
	cleanup(armor_message) struct armor_message message = armor_message_init();

	(void)state;
	base64_encode(&once, STR(SIGNATURE), BASE64_STANDARD);
	base64_encode(&twice, buf_str(&once), BASE64_STANDARD);
	assert_int_equal(armor_unwrap(buf_str(&once), &message), REASON_GOOD);
	assert_int_equal(message.kind, ARMOR_SIGNATURE);
	assert_int_equal(unwrap(buf_str(&twice)), REASON_NOT_OPENPGP);
}

static void base64_of_more_than_one_message_is_refused(void **state)
{
	cleanup(buf) struct buf upload = buf_init(LIMIT_SIGNATURE);

	(void)state;
	base64_encode(&upload, STR("text\n" SIGNATURE), BASE64_STANDARD);
	assert_int_equal(unwrap(buf_str(&upload)), REASON_SEVERAL_MESSAGES);
}

/* An upload of `length` bytes: armour with white space behind it. */
static struct buf upload_of(size_t length)
{
	struct buf upload = buf_init(LIMIT_SIGNATURE + 1);

	buf_add_c(&upload, SIGNATURE);
	while (upload.len < length)
		buf_add_char(&upload, '\n');
	assert_true(buf_ok(&upload, NULL));
	return upload;
}

static void one_signature_has_a_limit(void **state)
{
	cleanup(buf) struct buf fits = upload_of(LIMIT_SIGNATURE);
	cleanup(buf) struct buf over = upload_of(LIMIT_SIGNATURE + 1);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(unwrap(buf_str(&fits)), REASON_GOOD);
	assert_true(armor_acceptable(buf_str(&fits), &e));
	assert_int_equal(unwrap(buf_str(&over)), REASON_TOO_LARGE);
	assert_false(armor_acceptable(buf_str(&over), &e));
	assert_int_equal(e.kind, ERR_INVALID);
}

/* Its line ends take two bytes each in what is signed, which may be twice as long. */
static void clear_signed_text_of_line_ends_is_read_whole(void **state)
{
	cleanup(armor_message) struct armor_message message = armor_message_init();
	cleanup(buf) struct buf upload = buf_init(LIMIT_SIGNATURE);
	const size_t lines = LIMIT_SIGNATURE - strlen(CLEAR HASH SIGNATURE);

	(void)state;
	buf_add_c(&upload, CLEAR HASH);
	for (size_t i = 0; i < lines; i++)
		buf_add_char(&upload, '\n');
	buf_add_c(&upload, SIGNATURE);
	assert_int_equal(upload.len, LIMIT_SIGNATURE);
	assert_int_equal(armor_unwrap(buf_str(&upload), &message), REASON_GOOD);
	assert_int_equal(message.text.len, 2 * lines);
}

static void an_upload_is_armour_or_base64(void **state)
{
	const struct {
		const char *upload;
		bool acceptable;
	} cases[] = {
		{SIGNATURE, true},
		{CLEAR HASH "text\n" SIGNATURE "and more", true},
		{"first\n" SIGNATURE, true},
		{"wgA=", true},
		{"dGV4dA", true},
		{"", false},
		{" \r\n", false},
		{"signed, honestly", false},
		{"-----BEGIN CERTIFICATE-----", false},
		{"wgA==", false},
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (armor_acceptable(str_of(cases[i].upload), &e) != cases[i].acceptable)
			fail_msg("%s", cases[i].upload);
	assert_int_equal(e.kind, ERR_INVALID);
}

static void every_truncation_of_a_fixture_is_refused(void **state)
{
	cleanup(buf) struct buf whole = fixture_signature(STR("clear-url.asc"));
	size_t end = str_trim(buf_str(&whole)).len;

	(void)state;
	/* From the first space on: a few dashes alone are base64 in the URL alphabet. */
	for (size_t length = strlen("-----BEGIN "); length < end; length++)
		if (unwrap(str_head(buf_str(&whole), length)) == REASON_GOOD)
			fail_msg("cut at %zu of %zu", length, end);
	assert_int_equal(unwrap(str_head(buf_str(&whole), end)), REASON_GOOD);
}

static void reads_blocks_of_keys_and_nothing_beside_them(void **state)
{
#define KEYS "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" BODY "-----END PGP PUBLIC KEY BLOCK-----\n"
	const struct {
		const char *text;
		size_t size; /* 0: refused */
	} cases[] = {
		{KEYS, 2},
		{" \n" KEYS "\n\n" KEYS, 4},
		{"", 0},
		{KEYS "comment", 0},
		{"comment\n" KEYS, 0},
		{KEYS SIGNATURE, 0},
		{"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" BODY "-----END PGP PRIVATE KEY BLOCK-----\n", 0},
		{"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" BODY, 0},
		{"-----BEGIN PGP MESSAGE-----\n\n" BODY "-----END PGP PUBLIC KEY BLOCK-----\n", 0},
		{"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" BODY "-----END PGP MESSAGE-----\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup(buf) struct buf packets = buf_init(64);

		assert_int_equal(armor_unwrap_keys(str_of(cases[i].text), &packets), cases[i].size > 0);
		if (cases[i].size)
			assert_int_equal(packets.len, cases[i].size);
	}
#undef KEYS
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_kind),
		cmocka_unit_test(refuses_what_is_not_exactly_one_message),
		cmocka_unit_test(refuses_a_null_byte_in_armour),
		cmocka_unit_test(undoes_dash_escapes_and_line_ends),
		cmocka_unit_test(unwraps_base64_once),
		cmocka_unit_test(base64_of_more_than_one_message_is_refused),
		cmocka_unit_test(one_signature_has_a_limit),
		cmocka_unit_test(clear_signed_text_of_line_ends_is_read_whole),
		cmocka_unit_test(an_upload_is_armour_or_base64),
		cmocka_unit_test(reads_blocks_of_keys_and_nothing_beside_them),
		cmocka_unit_test(every_truncation_of_a_fixture_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
