#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "attest/openpgp.h"
#include "attest/openpgp_home.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/unit/attest/document.h"
#include "tests/unit/attest/fixtures.h"

static char scratch[] = "/tmp/sealgate-openpgp-XXXXXX";

static int make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) && setenv("GNUPGHOME", scratch, 1) == 0 ? 0 : -1;
}

static int remove_scratch(void **state)
{
	(void)state;
	directory_remove(scratch);
	return access(scratch, F_OK) == 0;
}

static struct openpgp *home_new(void)
{
	struct err e = ERR_INIT;
	struct openpgp *p = openpgp_new(scratch, &e);

	if (!p)
		fail_msg("%s", e.text);
	return p;
}

static struct openpgp *home_with(struct str names)
{
	struct openpgp *p = home_new();
	cleanup(fixture_keys) struct fixture_keys keys;
	struct err e = ERR_INIT;

	fixture_keys_read(names, &keys);
	if (!openpgp_import(p, keys.texts, keys.count, &e))
		fail_msg("%s", e.text);
	return p;
}

/* The verdict as a whole: what verification proves, then what was asked. */
static void ask(const struct fixture_case *c, struct signature_facts *facts)
{
	struct payload_claim claim = {.digest = str_of(facts->digest), .repository = str_of(facts->repository)};

	if (facts->verdict == VERDICT_ACCEPTED)
		facts->verdict = payload_matches(&claim, fixture_repository(c), fixture_digest(c), &facts->reason);
}

static void verify_case(const struct fixture_case *c, struct signature_facts *facts)
{
	struct openpgp *p = home_with(c->keys);
	cleanup(buf) struct buf upload = fixture_signature(c->signature);
	cleanup(buf) struct buf payload = buf_init(LIMIT_SIGNATURE);
	struct str given = {0};

	if (!str_eq_c(c->payload, "-")) {
		payload = fixture_signature(c->payload);
		given = buf_str(&payload);
	}
	openpgp_verify(p, buf_str(&upload), given, fixture_now(c), facts);
	ask(c, facts);
	openpgp_free(p);
}

static bool case_fits(const struct fixture_case *c)
{
	struct signature_facts facts;
	enum verdict expected = str_eq_c(c->verdict, "accepted") ? VERDICT_ACCEPTED : VERDICT_REJECTED;

	memset(&facts, 0xaa, sizeof(facts));
	verify_case(c, &facts);
	if (facts.verdict == expected && str_eq_c(c->reason, verdict_reason_name(facts.reason)) &&
	    (str_eq_c(c->signer, "-") || fixture_is_key(c->signer, str_of(facts.signer))))
		return true;
	print_error("%.*s with keys %.*s: expected %.*s %.*s by %.*s, got %s %s by \"%s\"\n", STR_ARG(c->signature),
		    STR_ARG(c->keys), STR_ARG(c->verdict), STR_ARG(c->reason), STR_ARG(c->signer),
		    facts.verdict == VERDICT_ACCEPTED ? "accepted" : "rejected", verdict_reason_name(facts.reason),
		    facts.signer);
	return false;
}

static void every_fixture_gives_its_stated_verdict(void **state)
{
	cleanup(fixture_cases) struct fixture_cases cases;
	size_t wrong = 0;

	(void)state;
	fixture_cases_read(&cases);
	assert_true(cases.count > 90);
	for (size_t i = 0; i < cases.count; i++)
		wrong += !case_fits(&cases.items[i]);
	assert_int_equal(wrong, 0);
}

static void the_example_of_the_document_is_accepted(void **state)
{
	cleanup(buf) struct buf example = document_block("clear-signed-example");
	struct openpgp *p = home_with(STR("ed"));
	struct signature_facts facts;

	(void)state;
	openpgp_verify(p, buf_str(&example), (struct str){0}, NOW, &facts);
	assert_int_equal(facts.verdict, VERDICT_ACCEPTED);
	assert_string_equal(facts.digest, ASKED);
	assert_string_equal(facts.repository, REPOSITORY);
	openpgp_free(p);
}

/* --- keys --- */

static bool inspect(struct str text, struct key_list *keys, struct err *e)
{
	struct openpgp *p = home_new();
	bool ok = openpgp_inspect(p, text, keys, e);

	openpgp_free(p);
	return ok;
}

static void describes_keys_without_importing_them(void **state)
{
	const struct {
		const char *name;
		const char *algorithm;
		const char *refusal;
		bool expired;
		bool revoked;
	} cases[] = {
		{"rsa", "rsa3072", NULL, false, false},
		{"ed", "ed25519", NULL, false, false},
		{"p256", "nistp256", NULL, false, false},
		{"dsa2048", "dsa2048", NULL, false, false},
		{"subkey", "ed25519", NULL, false, false},
		{"expired", "ed25519", NULL, true, false},
		{"subexpired", "ed25519", NULL, true, false},
		{"revoked", "ed25519", NULL, false, true},
		{"revoked-before", "ed25519", NULL, false, false},
		{"rsa1024", "rsa1024", "is too weak (rsa1024)", false, false},
		{"dsa1024", "dsa1024", "is too weak (dsa1024)", false, false},
		{"subweak", "ed25519", "is too weak", false, false},
		{"encryptonly", "ed25519", "cannot sign", false, false},
		{"ed-secret", "ed25519", "holds a secret key", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup(buf) struct buf text = fixture_key(str_of(cases[i].name));
		struct key_list keys = {0};
		struct err e = ERR_INIT;
		const char *refusal;

		if (!inspect(buf_str(&text), &keys, &e) || keys.count != 1)
			fail_msg("%s: %s", cases[i].name, e.text);
		refusal = key_refusal(&keys.items[0]);
		if (strcmp(keys.items[0].algorithm, cases[i].algorithm) != 0 ||
		    strcmp(refusal ? refusal : "", cases[i].refusal ? cases[i].refusal : "") != 0 ||
		    keys.items[0].expired != cases[i].expired || keys.items[0].revoked != cases[i].revoked)
			fail_msg("%s: %s, %s, %d, %d", cases[i].name, keys.items[0].algorithm, refusal,
				 keys.items[0].expired, keys.items[0].revoked);
		if (!keys.items[0].secret)
			assert_true(fixture_is_key(str_of(cases[i].name), str_of(keys.items[0].fingerprint)));
		key_list_release(&keys);
	}
}

static void tells_user_id_size_and_dates(void **state)
{
	cleanup(buf) struct buf text = fixture_key(STR("subexpired"));
	struct key_list keys = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_true(inspect(buf_str(&text), &keys, &e));
	assert_string_equal(keys.items[0].user_id, "subexpired@example.com");
	assert_int_equal(keys.items[0].created_at, 1704067200);
	/* The key itself never expires, but nothing of it can sign from then on. */
	assert_int_equal(keys.items[0].expires_at, 1725148800);
	key_list_release(&keys);
}

static void reads_several_and_binary_keys_in_one_text(void **state)
{
	cleanup(buf) struct buf both = fixture_key(STR("both"));
	cleanup(buf) struct buf binary = fixture_file("keys", STR("rsa.gpg"), "");
	struct key_list keys = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_true(inspect(buf_str(&both), &keys, &e));
	assert_int_equal(keys.count, 2);
	key_list_release(&keys);
	assert_true(inspect(buf_str(&binary), &keys, &e));
	assert_int_equal(keys.count, 1);
	assert_string_equal(keys.items[0].algorithm, "rsa3072");
	key_list_release(&keys);
}

static void verify_fixture(struct openpgp *p, const char *signature, struct signature_facts *facts)
{
	cleanup(buf) struct buf upload = fixture_signature(str_of(signature));

	openpgp_verify(p, buf_str(&upload), (struct str){0}, NOW, facts);
}

/* A key file without the lines that hold checksums. */
static struct buf without_checksums(const char *name)
{
	cleanup(buf) struct buf whole = fixture_key(str_of(name));
	struct buf text = buf_init(LIMIT_KEY_FILE);
	struct str rest = buf_str(&whole);

	while (rest.len) {
		struct str line = str_head(rest, str_find(rest, '\n') + 1);

		rest = str_skip(rest, line.len);
		if (line.ptr[0] != '=')
			buf_add(&text, line);
	}
	assert_int_not_equal(text.len, whole.len);
	return text;
}

/* Newer programs write none; gpg 2.2 then takes the END line for base64, unless padding stands before it. */
static void reads_keys_whose_armour_has_no_checksum(void **state)
{
	static const char *const names[] = {"rsa", "ed", "p256", "subkey", "revoked", "both"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cleanup(buf) struct buf text = without_checksums(names[i]);
		struct key_list keys = {0};
		struct err e = ERR_INIT;

		if (!inspect(buf_str(&text), &keys, &e))
			fail_msg("%s: %s", names[i], e.text);
		assert_int_equal(keys.count, strcmp(names[i], "both") == 0 ? 2 : 1);
		key_list_release(&keys);
	}
}

static void imports_keys_whose_armour_has_no_checksum(void **state)
{
	cleanup(buf) struct buf both = without_checksums("both");
	const struct str key = buf_str(&both);
	struct openpgp *p = home_new();
	struct signature_facts facts;

	(void)state;
	assert_true(openpgp_import(p, &key, 1, NULL));
	verify_fixture(p, "clear-url.asc", &facts);
	assert_int_equal(facts.reason, REASON_GOOD);
	verify_fixture(p, "clear-digest.asc", &facts);
	assert_int_equal(facts.reason, REASON_GOOD);
	openpgp_free(p);
}

static void what_is_no_key_is_invalid(void **state)
{
	cleanup(buf) struct buf signature = fixture_signature(STR("clear-url.asc"));
	cleanup(buf) struct buf key = fixture_key(STR("ed"));
	cleanup(buf) struct buf large = buf_init(LIMIT_KEY_FILE + 1);
	const struct str cases[] = {
		STR(""), STR("not a key"), buf_str(&signature), str_head(buf_str(&key), 100),
		STR("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n")};
	struct key_list keys = {0};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		e = ERR_INIT;
		assert_false(inspect(cases[i], &keys, &e));
		if (e.kind != ERR_INVALID)
			fail_msg("case %zu: %d %s", i, e.kind, e.text);
		assert_int_equal(keys.count, 0);
	}
	while (large.len <= LIMIT_KEY_FILE)
		buf_add_char(&large, '\n');
	assert_false(inspect(buf_str(&large), &keys, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static void an_unreadable_key_does_not_harm_the_others(void **state)
{
	struct openpgp *p = home_new();
	cleanup(buf) struct buf ed = fixture_key(STR("ed"));
	cleanup(buf) struct buf rsa = fixture_file("keys", STR("rsa.gpg"), "");
	const struct str keys[] = {
		STR("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----"),
		buf_str(&ed),
		STR("not a key"),
		STR(""),
		buf_str(&rsa),
		STR("\xff\xff\xff")};
	struct signature_facts facts;
	struct err e = ERR_INIT;

	(void)state;
	if (!openpgp_import(p, keys, sizeof(keys) / sizeof(keys[0]), &e))
		fail_msg("%s", e.text);
	verify_fixture(p, "clear-url.asc", &facts);
	assert_int_equal(facts.reason, REASON_GOOD);
	verify_fixture(p, "clear-digest.asc", &facts);
	assert_int_equal(facts.reason, REASON_GOOD);
	openpgp_free(p);
}

static void a_key_imported_later_counts_from_then_on(void **state)
{
	struct openpgp *p = home_with(STR("rsa"));
	cleanup(buf) struct buf ed = fixture_key(STR("ed"));
	const struct str key = buf_str(&ed);
	struct signature_facts facts;

	(void)state;
	verify_fixture(p, "clear-url.asc", &facts);
	assert_int_equal(facts.reason, REASON_UNKNOWN_KEY);
	assert_true(openpgp_import(p, &key, 1, NULL));
	verify_fixture(p, "clear-url.asc", &facts);
	assert_int_equal(facts.reason, REASON_GOOD);
	openpgp_free(p);
}

static void homes_are_private_and_go_away(void **state)
{
	struct openpgp *p = home_with(STR("ed"));

	(void)state;
	openpgp_free(p);
	assert_int_equal(rmdir(scratch), 0);
	assert_int_equal(mkdir(scratch, 0700), 0);
	openpgp_free(NULL);
}

/* --- signing --- */

static void sign_and_verify(enum sign_mode mode, const char *key, const char *passphrase)
{
	cleanup(buf) struct buf payload = buf_init(1024);
	cleanup(buf) struct buf signature = buf_init(LIMIT_SIGNATURE);
	struct openpgp *p = home_with(STR("ed"));
	struct signature_facts facts;
	char fingerprint[FINGERPRINT_MAX + 1];
	struct err e = ERR_INIT;
	struct sign_request request = {.key = key, .passphrase = passphrase, .mode = mode};

	payload_write(PAYLOAD_IMAGE_URL, STR(REPOSITORY), STR(ASKED), &payload);
	request.payload = buf_str(&payload);
	if (!openpgp_sign(&request, scratch, &signature, fingerprint, &e))
		fail_msg("%s", e.text);
	openpgp_verify(p, buf_str(&signature), mode == SIGN_DETACHED ? request.payload : (struct str){0},
		       clock_now().seconds, &facts);
	assert_int_equal(facts.reason, REASON_GOOD);
	assert_string_equal(facts.signer, fingerprint);
	assert_string_equal(facts.repository, REPOSITORY);
	openpgp_free(p);
}

static void signs_with_a_key_file_in_every_mode(void **state)
{
	(void)state;
	sign_and_verify(SIGN_CLEAR, FIXTURES "keys/ed-secret.asc", NULL);
	sign_and_verify(SIGN_ATTACHED, FIXTURES "keys/ed-secret.asc", NULL);
	sign_and_verify(SIGN_DETACHED, FIXTURES "keys/ed-secret.asc", NULL);
}

static void signs_with_a_passphrase(void **state)
{
	(void)state;
	sign_and_verify(SIGN_CLEAR, FIXTURES "keys/ed-passphrase.asc", "correct horse");
}

static void refused(const char *key, const char *passphrase, enum err_kind kind)
{
	cleanup(buf) struct buf signature = buf_init(LIMIT_SIGNATURE);
	char fingerprint[FINGERPRINT_MAX + 1] = "as before";
	struct err e = ERR_INIT;
	struct sign_request request = {.key = key, .passphrase = passphrase, .payload = STR("x")};

	assert_false(openpgp_sign(&request, scratch, &signature, fingerprint, &e));
	if (e.kind != kind)
		fail_msg("%s: %d %s", key, e.kind, e.text);
	assert_int_equal(signature.len, 0);
	assert_string_equal(fingerprint, "as before");
}

static void refuses_to_sign_without_a_fitting_key(void **state)
{
	(void)state;
	refused(FIXTURES "keys/ed-passphrase.asc", "wrong", ERR_INVALID);
	refused(FIXTURES "keys/ed.asc", NULL, ERR_NOT_FOUND);
	refused(FIXTURES "cases.tsv", NULL, ERR_NOT_FOUND);
	refused("nobody@example.com", NULL, ERR_NOT_FOUND);
}

/* --- weaknesses of others --- */

static struct signature_facts verdict_on(const char *signature, const char *key, const char *payload)
{
	struct openpgp *p = home_with(str_of(key));
	cleanup(buf) struct buf upload = fixture_signature(str_of(signature));
	struct signature_facts facts;

	openpgp_verify(p, buf_str(&upload), str_of(payload), NOW, &facts);
	openpgp_free(p);
	return facts;
}

static void CVE_2022_36056_CVE_2022_23649_CVE_2026_22703_a_signature_beside_another_payload_is_bad(void **state)
{
	struct signature_facts facts = verdict_on("detached.asc", "ed", ASKED);

	(void)state;
	assert_int_equal(facts.verdict, VERDICT_REJECTED);
	assert_int_equal(facts.reason, REASON_BAD_SIGNATURE);
	assert_string_equal(facts.digest, "");
	/* What a clear-signed text says is what it signs, whatever lies beside it. */
	facts = verdict_on("clear-url.asc", "ed",
			   "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	assert_true(facts.verdict == VERDICT_REJECTED || strcmp(facts.digest, ASKED) == 0);
}

static void CVE_2026_39395_a_good_signature_over_what_can_t_be_read_is_a_rejection(void **state)
{
	static const char *const signatures[] = {"prose.asc", "tag-only.asc", "two-lines.asc"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct signature_facts facts = verdict_on(signatures[i], "rsa", NULL);

		assert_int_equal(facts.verdict, VERDICT_REJECTED);
		assert_int_equal(facts.reason, REASON_BAD_PAYLOAD);
		assert_string_equal(facts.digest, "");
	}
}

static void CVE_2023_30551_a_message_that_unfolds_without_end_is_too_large(void **state)
{
	(void)state;
	assert_int_equal(verdict_on("bomb.asc", "ed", NULL).reason, REASON_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fixture_gives_its_stated_verdict),
		cmocka_unit_test(the_example_of_the_document_is_accepted),
		cmocka_unit_test(describes_keys_without_importing_them),
		cmocka_unit_test(tells_user_id_size_and_dates),
		cmocka_unit_test(reads_several_and_binary_keys_in_one_text),
		cmocka_unit_test(reads_keys_whose_armour_has_no_checksum),
		cmocka_unit_test(imports_keys_whose_armour_has_no_checksum),
		cmocka_unit_test(what_is_no_key_is_invalid),
		cmocka_unit_test(an_unreadable_key_does_not_harm_the_others),
		cmocka_unit_test(a_key_imported_later_counts_from_then_on),
		cmocka_unit_test(homes_are_private_and_go_away),
		cmocka_unit_test(signs_with_a_key_file_in_every_mode),
		cmocka_unit_test(signs_with_a_passphrase),
		cmocka_unit_test(refuses_to_sign_without_a_fitting_key),
		cmocka_unit_test(
			CVE_2022_36056_CVE_2022_23649_CVE_2026_22703_a_signature_beside_another_payload_is_bad),
		cmocka_unit_test(CVE_2026_39395_a_good_signature_over_what_can_t_be_read_is_a_rejection),
		cmocka_unit_test(CVE_2023_30551_a_message_that_unfolds_without_end_is_too_large),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
