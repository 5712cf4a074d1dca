/* What gpg may say, and what becomes of it: a gpg before the real one in PATH hands on an edited account of what the
 * real one said. Only one that says good, once, completely, and nothing against it, counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "attest/openpgp.h"
#include "attest/openpgp_home.h"
#include "base/file.h"
#include "tests/unit/attest/fixtures.h"

#define SIGNER "5DAA3308FEAFEE1EED5673C66A8B6AA78DF353AF"
#define VALIDSIG "^\\[GNUPG:\\] VALIDSIG"

/* The edits are files in `scratch`: `verify` for what gpg says of signatures, `list` for its lists of keys, `import`;
 * each is a script for sed and holds for the first calls only, as many as the number in its first line says. */
static char scratch[] = "/tmp/sealgate-words-XXXXXX";

static const char gpg[] = "#!/bin/bash\n"
			  "dir=${0%/gpg}\n"
			  "PATH=${PATH#*:}\n"
			  "case \" $* \" in\n"
			  "*import-show*|*show-only*) what=list;;\n"
			  "*' --import '*) what=import;;\n"
			  "*' --verify '*|*' --output '*) what=verify;;\n"
			  "*' --list-keys '*|*' --list-secret-keys '*) what=list;;\n"
			  "*) exec gpg \"$@\";;\n"
			  "esac\n"
			  "[ -e $dir/$what ] || exec gpg \"$@\"\n"
			  "echo >>$dir/$what.calls\n"
			  "[ $(wc -l <$dir/$what.calls) -le $(head -n 1 $dir/$what) ] || exec gpg \"$@\"\n"
			  "tail -n +2 $dir/$what >$dir/script\n"
			  "if [ $what = list ]; then\n"
			  "  gpg \"$@\" | LC_ALL=C sed -f $dir/script\n"
			  "  exit\n"
			  "fi\n"
			  "words=\" $* \" words=${words#* --status-fd } words=${words%% *}\n"
			  "eval \"gpg \\\"\\$@\\\" $words>$dir/said\"\n"
			  "status=$?\n"
			  "sed -f $dir/script $dir/said >$dir/says\n"
			  "eval \"cat $dir/says >&$words\"\n"
			  "exit $status\n";

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	unlink(path);
	if (text)
		assert_true(file_write(path, str_of(text), mode, NULL));
}

/* From now on the first `calls` calls of that kind are edited; none when `edit` is NULL. */
static void edit_words(const char *what, const char *edit, int calls)
{
	cleanup(buf) struct buf script = buf_init(4096);
	char counter[32];

	snprintf(counter, sizeof(counter), "%s.calls", what);
	write_file(counter, NULL, 0);
	buf_printf(&script, "%d\n%s\n", calls, edit ? edit : "");
	write_file(what, edit ? script.data : NULL, 0600);
}

static struct openpgp *home_with(const char *key)
{
	cleanup(buf) struct buf text = fixture_key(str_of(key));
	const struct str keys = buf_str(&text);
	struct err e = ERR_INIT;
	struct openpgp *p = openpgp_new(scratch, &e);

	if (!p || !openpgp_import(p, &keys, 1, &e))
		fail_msg("%s", e.text);
	return p;
}

static struct signature_facts verdict_on(struct openpgp *p, const char *signature)
{
	cleanup(buf) struct buf upload = fixture_signature(str_of(signature));
	struct signature_facts facts;

	openpgp_verify(p, buf_str(&upload), (struct str){NULL, 0}, NOW, &facts);
	return facts;
}

static int setup(void **state)
{
	cleanup(buf) struct buf path = buf_init(8192);

	assert_non_null(mkdtemp(scratch));
	write_file("gpg", gpg, 0755);
	buf_printf(&path, "%s:%s", scratch, getenv("PATH"));
	setenv("PATH", path.data, 1);
	setenv("GNUPGHOME", scratch, 1);
	*state = home_with("ed");
	return 0;
}

static int teardown(void **state)
{
	openpgp_free(*state);
	directory_remove(scratch);
	return 0;
}

static int silence(void **state)
{
	(void)state;
	edit_words("verify", NULL, 0);
	edit_words("list", NULL, 0);
	edit_words("import", NULL, 0);
	return 0;
}

/* What follows when gpg speaks so once and then in earnest; and when it always does, where it is asked twice. */
struct words {
	const char *edit;
	enum verdict_reason once;
	enum verdict_reason always;
};

static void check_words(struct openpgp *p, const char *signature, const struct words *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (int calls = 1; calls <= (cases[i].once == REASON_GOOD ? 9 : 1); calls += 8) {
			enum verdict_reason expected = calls == 1 ? cases[i].once : cases[i].always;
			struct signature_facts facts;

			edit_words("verify", cases[i].edit, calls);
			facts = verdict_on(p, signature);
			if (facts.reason != expected ||
			    (facts.verdict == VERDICT_ACCEPTED) != (expected == REASON_GOOD))
				fail_msg("%s, %s, %d times: %s instead of %s", signature, cases[i].edit, calls,
					 verdict_reason_name(facts.reason), verdict_reason_name(expected));
		}
}

#define CHECK(signature, cases) check_words(*state, signature, cases, sizeof(cases) / sizeof((cases)[0]))

/* Such is the account of a gpg that was killed on the way: it is asked again, once. */
static void an_incomplete_account_counts_for_nothing(void **state)
{
	static const struct words cases[] = {
		{"/GOODSIG/,$d", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"/VALIDSIG/,$d", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"/VALIDSIG/d", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"/GOODSIG/d;/VALIDSIG/d", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"d", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"s/" VALIDSIG " ./& /", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"s/\\(" VALIDSIG "\\) ./\\1 /", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"s/\\(" VALIDSIG "\\) ./\\1 G/", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"s/" VALIDSIG " [^ ]*/&00000000/", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"s/" VALIDSIG " [^ ]*/&" SIGNER "/", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"s/\\(" VALIDSIG " [^ ]* [^ ]*\\) [0-9]*/\\1 0/", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"$a[GNUPG:] NOTATION_DATA of-no-name", REASON_GOOD, REASON_BAD_SIGNATURE},
	};

	CHECK("clear-url.asc", cases);
}

static void one_word_against_it_is_enough(void **state)
{
	static const char *const words[] = {
		"BADSIG 6A8B6AA78DF353AF ed@example.com",
		"ERRSIG 6A8B6AA78DF353AF 22 8 01 1717243200 0",
		"ERRSIG 6A8B6AA78DF353AF 22 8 01 1717243200 4",
		"NODATA 4",
		"UNEXPECTED 0",
		"ERROR proc_pkt.plaintext 89",
		"FAILURE gpg-exit 33554433",
		"DECRYPTION_FAILED",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int place = 0; place < 2; place++) {
			cleanup(buf) struct buf edit = buf_init(200);
			struct words refused = {NULL, REASON_BAD_SIGNATURE, REASON_BAD_SIGNATURE};

			buf_printf(&edit, place ? "$a[GNUPG:] %s" : "/SIG_ID/i[GNUPG:] %s", words[i]);
			/* A second verdict is a second signature, wherever it stands. */
			if (strstr(words[i], "SIG "))
				refused.once = refused.always = REASON_SEVERAL_SIGNATURES;
			refused.edit = edit.data;
			check_words(*state, "clear-url.asc", &refused, 1);
		}
}

/* In the place of gpg's word that the signature is good. */
static void another_word_than_good_has_its_own_reason(void **state)
{
	static const struct words cases[] = {
		{"s/GOODSIG/BADSIG/", REASON_BAD_SIGNATURE, REASON_BAD_SIGNATURE},
		{"s/GOODSIG/REVKEYSIG/", REASON_KEY_REVOKED, REASON_KEY_REVOKED},
		{"s/GOODSIG/EXPKEYSIG/", REASON_KEY_EXPIRED, REASON_KEY_EXPIRED},
		{"s/GOODSIG/EXPSIG/", REASON_SIGNATURE_EXPIRED, REASON_SIGNATURE_EXPIRED},
		{"s/GOODSIG.*/ERRSIG 6A8B6AA78DF353AF 22 8 01 1717243200 0/;/VALIDSIG/d", REASON_BAD_SIGNATURE,
		 REASON_BAD_SIGNATURE},
		{"s/GOODSIG.*/ERRSIG 6A8B6AA78DF353AF 22 8 01 1717243200 4/;/VALIDSIG/d", REASON_BAD_SIGNATURE,
		 REASON_BAD_SIGNATURE},
		{"s/GOODSIG.*/ERRSIG 6A8B6AA78DF353AF 22 8 01 1717243200 9/;/VALIDSIG/d", REASON_UNKNOWN_KEY,
		 REASON_UNKNOWN_KEY},
		{"s/GOODSIG.*/ERRSIG 6A8B6AA78DF353AF 22 8 01 1717243200 125/;/VALIDSIG/d", REASON_KEY_CANNOT_SIGN,
		 REASON_KEY_CANNOT_SIGN},
		{"s/GOODSIG.*/ERRSIG 6A8B6AA78DF353AF 22 8 01 1717243200 5/;/VALIDSIG/d", REASON_WEAK_HASH,
		 REASON_WEAK_HASH},
	};

	CHECK("clear-url.asc", cases);
}

static void a_good_word_that_gpg_itself_contradicts_is_bad(void **state)
{
	static const struct words cases[] = {
		{"$a[GNUPG:] TRUST_NEVER", REASON_BAD_SIGNATURE, REASON_BAD_SIGNATURE},
		{"$a[GNUPG:] TRUST_UNDEFINED 94", REASON_BAD_SIGNATURE, REASON_BAD_SIGNATURE},
		{"$a[GNUPG:] TRUST_FULLY 94", REASON_BAD_SIGNATURE, REASON_BAD_SIGNATURE},
		{"$a[GNUPG:] TRUST_FULLY 0", REASON_GOOD, REASON_GOOD},
		{"$a[GNUPG:] TRUST_UNDEFINED 0", REASON_GOOD, REASON_GOOD},
	};

	CHECK("clear-url.asc", cases);
}

/* Who, when and over which hash is what gpg says, not what the reader would like. */
static void what_gpg_says_of_a_good_signature_is_judged(void **state)
{
	static const struct words cases[] = {
		{"s/\\(" VALIDSIG "\\) .\\{40\\}/\\1 0DAA3308FEAFEE1EED5673C66A8B6AA78DF353AF/", REASON_UNKNOWN_KEY,
		 REASON_UNKNOWN_KEY},
		{"s/\\(" VALIDSIG "\\) " SIGNER "/\\1 5daa3308feafee1eed5673c66a8b6aa78df353af/", REASON_UNKNOWN_KEY,
		 REASON_UNKNOWN_KEY},
		{"s/\\(" VALIDSIG " [^ ]* [^ ]*\\) [0-9]*/\\1 1767225901/", REASON_NOT_YET_VALID, REASON_NOT_YET_VALID},
		{"s/\\(" VALIDSIG " [^ ]* [^ ]*\\) [0-9]*/\\1 1767225900/", REASON_GOOD, REASON_GOOD},
		{"s/\\(" VALIDSIG " [^ ]* [^ ]* [0-9]*\\) 0/\\1 1767225600/", REASON_SIGNATURE_EXPIRED,
		 REASON_SIGNATURE_EXPIRED},
		{"s/\\(" VALIDSIG " [^ ]* [^ ]* [0-9]*\\) 0/\\1 1767225601/", REASON_GOOD, REASON_GOOD},
		{"s/ 22 8 01 / 22 2 01 /", REASON_WEAK_HASH, REASON_WEAK_HASH},
		{"s/ 22 8 01 / 22 10 01 /", REASON_GOOD, REASON_GOOD},
	};

	CHECK("clear-url.asc", cases);
}

/* An attached message comes with its text: both accounts must be whole. */
static void an_attached_message_is_judged_by_the_same_words(void **state)
{
	static const struct words cases[] = {
		{"/VALIDSIG/d", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"d", REASON_GOOD, REASON_BAD_SIGNATURE},
		{"$a[GNUPG:] DECRYPTION_FAILED", REASON_BAD_SIGNATURE, REASON_BAD_SIGNATURE},
		{"$a[GNUPG:] NODATA 4", REASON_BAD_SIGNATURE, REASON_BAD_SIGNATURE},
		{"/SIG/d;$a[GNUPG:] NODATA 4", REASON_BAD_SIGNATURE, REASON_BAD_SIGNATURE},
	};

	CHECK("attached.asc", cases);
}

/* What one verification said must not weigh on the next. */
static void a_refusal_is_forgotten_with_the_next_signature(void **state)
{
	edit_words("verify", "$a[GNUPG:] ERROR x 1", 1);
	assert_int_equal(verdict_on(*state, "clear-url.asc").reason, REASON_BAD_SIGNATURE);
	assert_int_equal(verdict_on(*state, "clear-url.asc").reason, REASON_GOOD);
	assert_int_equal(verdict_on(*state, "attached.asc").reason, REASON_GOOD);
}

/* --- lists of keys --- */

struct listing {
	const char *edit;
	int calls;
	const char *key;
	enum verdict_reason reason;
};

/* `signature` under a new home whose key lists are edited. */
static void check_listing(const char *signature, const struct listing *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct openpgp *p = home_with(cases[i].key);
		struct signature_facts facts;

		edit_words("list", cases[i].edit, cases[i].calls);
		facts = verdict_on(p, signature);
		openpgp_free(p);
		if (facts.reason != cases[i].reason ||
		    (facts.verdict == VERDICT_ACCEPTED) != (cases[i].reason == REASON_GOOD))
			fail_msg("%s, %s: %s instead of %s", signature, cases[i].edit,
				 verdict_reason_name(facts.reason), verdict_reason_name(cases[i].reason));
	}
}

/* Two lists have to agree: the list of a gpg that was killed is shorter, and looks whole. */
static void a_list_that_is_short_once_proves_no_key_unknown(void **state)
{
	static const struct listing cases[] = {
		{"d", 1, "ed", REASON_WORKER_FAILED},
		{"/^sub/,$d", 1, "subkey", REASON_WORKER_FAILED},
		{"d", 2, "ed", REASON_UNKNOWN_KEY},
	};

	(void)state;
	check_listing("clear-url.asc", cases, 1);
	check_listing("clear-subkey.asc", cases + 1, 1);
	check_listing("clear-url.asc", cases + 2, 1);
}

static void a_key_counts_as_the_list_describes_it(void **state)
{
	static const struct listing primary[] = {
		{"s/^pub:-/pub:r/", 9, "ed", REASON_KEY_REVOKED},
		{"s/^pub:-/pub:i/", 9, "ed", REASON_UNKNOWN_KEY},
		{"s/:scSC:/:cC:/", 9, "ed", REASON_KEY_CANNOT_SIGN},
		{"s/:255:22:/:1024:1:/", 9, "ed", REASON_WEAK_KEY},
		{"s/:1704067200:/:1767225901:/", 9, "ed", REASON_NOT_YET_VALID},
		{"s/:1704067200::/:1704067200:1767225600:/", 9, "ed", REASON_KEY_EXPIRED},
		{"s/:1704067200::/:1704067200:1767225601:/", 9, "ed", REASON_GOOD},
		{"s/^fpr:.*/fpr:::::::::ABC:/", 9, "ed", REASON_UNKNOWN_KEY},
		{"s/^fpr:.*/fpr:::::::::ZDAA3308FEAFEE1EED5673C66A8B6AA78DF353AF:/", 9, "ed", REASON_UNKNOWN_KEY},
		{"/^fpr/d", 9, "ed", REASON_UNKNOWN_KEY},
	};
	static const struct listing subkey[] = {
		{"s/^sub:-/sub:r/", 9, "subkey", REASON_SUBKEY_REVOKED},
		{"s/^sub:-/sub:i/", 9, "subkey", REASON_UNKNOWN_KEY},
		{"s/^pub:-/pub:r/", 9, "subkey", REASON_KEY_REVOKED},
		{"s/^\\(sub.*\\):s:/\\1:e:/", 9, "subkey", REASON_KEY_CANNOT_SIGN},
		{"s/^sub:-:255:22/sub:-:1024:17/", 9, "subkey", REASON_WEAK_KEY},
		{"s/^pub:-:255:22/pub:-:1024:17/", 9, "subkey", REASON_WEAK_KEY},
		{"s/^\\(sub.*:1704067200:\\):/\\11767225600:/", 9, "subkey", REASON_SUBKEY_EXPIRED},
		{"s/^pub:-/pub:-/", 9, "subkey", REASON_GOOD},
	};

	(void)state;
	check_listing("clear-url.asc", primary, sizeof(primary) / sizeof(primary[0]));
	check_listing("clear-subkey.asc", subkey, sizeof(subkey) / sizeof(subkey[0]));
}

static void a_fingerprint_in_small_letters_is_the_same_key(void **state)
{
	static const struct listing cases[] = {
		{"/^fpr/{s/^fpr//;y/ABCDEF/abcdef/;s/^/fpr/}", 9, "ed", REASON_GOOD},
	};

	(void)state;
	check_listing("clear-url.asc", cases, 1);
}

/* A message that gpg says nothing about is judged only by a gpg that still lists its keys. */
static void a_gpg_that_lost_its_keys_judges_nothing(void **state)
{
	struct openpgp *p = home_with("ed");

	(void)state;
	assert_int_equal(verdict_on(p, "clear-url.asc").reason, REASON_GOOD);
	edit_words("verify", "d", 9);
	edit_words("list", "d", 9);
	assert_int_equal(verdict_on(p, "clear-url.asc").reason, REASON_WORKER_FAILED);
	edit_words("list", NULL, 0);
	edit_words("verify", NULL, 0);
	assert_int_equal(verdict_on(p, "clear-url.asc").reason, REASON_GOOD);
	openpgp_free(p);
}

/* --- descriptions --- */

static struct key_info described(struct openpgp *p, const char *edit)
{
	cleanup(buf) struct buf text = fixture_key(STR("subkey"));
	struct key_info info = {.bits = 1};
	struct key_list list = {0};
	struct err e = ERR_INIT;

	edit_words("list", edit, 9);
	if (openpgp_inspect(p, buf_str(&text), &list, &e))
		info = list.items[0];
	else
		assert_int_equal(e.kind, ERR_INVALID);
	key_list_release(&list);
	return info;
}

static void a_user_id_is_shown_without_what_a_terminal_would_obey(void **state)
{
	const struct {
		const char *edit;
		const char *shown;
	} cases[] = {
		{"s/::subkey@example.com/::sub\\\\x1b[1mkey\\\\x7f/", "sub[1mkey"},
		{"s/::subkey@example.com/::sub\\\\xc3\\\\xa9key/", "sub\xc3\xa9key"},
		{"s/::subkey@example.com/::sub\\\\xffkey/", "(not UTF-8)"},
		{"/^uid/d", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(described(*state, cases[i].edit).user_id, cases[i].shown);
}

/* A certificate whose only key for signing is the subkey. */
static void a_key_is_described_by_the_subkeys_that_may_sign(void **state)
{
	const struct {
		const char *edit;
		bool can_sign, weak, expired;
		int64_t expires_at;
	} cases[] = {
		{"p", true, false, false, 0},
		{"/^sub/s/:s:/:e:/", false, false, false, 0},
		{"/:s:/s/^sub:[^:]*/sub:i/", false, false, false, 0},
		{"/:s:/s/^sub:[^:]*/sub:r/", true, false, true, 0},
		{"/:s:/s/^sub:[^:]*/sub:e/", true, false, true, 0},
		{"/:s:/s/:255:22:/:1024:1:/", true, true, false, 0},
		{"/^pub/s/:255:22:/:1024:1:/", true, true, false, 0},
		{"/:s:/s/:1704067200::/:1704067200:1800000000:/", true, false, false, 1800000000},
		{"s/:1704067200::::/:1704067200:1800000000:::/", true, false, false, 1800000000},
		{"s/^\\(pub.*:1704067200:\\):/\\11700000000:/", true, false, false, 1700000000},
		{"s/^\\(pub.*:1704067200:\\):/\\11900000000:/;/:s:/s/:1704067200::/:1704067200:1800000000:/", true,
		 false, false, 1800000000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct key_info info = described(*state, i ? cases[i].edit : NULL);

		if (info.can_sign != cases[i].can_sign || info.weak != cases[i].weak ||
		    info.expired != cases[i].expired || info.expires_at != cases[i].expires_at)
			fail_msg("%s: sign %d weak %d expired %d at %ld", cases[i].edit, info.can_sign, info.weak,
				 info.expired, (long)info.expires_at);
	}
}

static void a_certificate_without_a_fingerprint_is_no_key(void **state)
{
	assert_string_equal(described(*state, "/^fpr/d").fingerprint, "");
	assert_string_equal(described(*state, "s/^fpr:.*/fpr:::::::::ABC:/").fingerprint, "");
	assert_string_equal(described(*state, "d").fingerprint, "");
}

/* --- signing --- */

static enum err_kind sign_with_list(const char *edit)
{
	struct sign_request request = {.key = FIXTURES "keys/ed-secret.asc", .payload = STR("x")};
	cleanup(buf) struct buf signature = buf_init(LIMIT_SIGNATURE);
	char fingerprint[FINGERPRINT_MAX + 1];
	struct err e = ERR_INIT;

	edit_words("list", edit, 9);
	(void)!openpgp_sign(&request, scratch, &signature, fingerprint, &e);
	return e.kind;
}

static void only_one_key_that_counts_signs(void **state)
{
	(void)state;
	assert_int_equal(sign_with_list("s/^sec:[^:]*/sec:r/"), ERR_NOT_FOUND);
	assert_int_equal(sign_with_list("s/^sec:[^:]*/sec:e/"), ERR_NOT_FOUND);
	assert_int_equal(sign_with_list("s/^sec:[^:]*/sec:i/"), ERR_NOT_FOUND);
	assert_int_equal(sign_with_list("s/:scESC:/:scESCD:/;s/:scSC:/:scSCD:/"), ERR_NOT_FOUND);
	assert_int_equal(sign_with_list("H;$!d;x;s/^\\n//;p"), ERR_INVALID);
	assert_int_equal(sign_with_list(NULL), ERR_NONE);
}

/* --- homes --- */

static void a_home_that_can_t_be_made_is_said_so(void **state)
{
	char deep[OPENPGP_HOME_PATH_MAX + 10];
	struct err e = ERR_INIT;

	(void)state;
	memset(deep, 'x', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = 0;
	assert_null(openpgp_new(deep, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_null(openpgp_new("/nonexistent", &e));
	assert_int_equal(e.kind, ERR_INTERNAL);
	assert_false(openpgp_home_has_room("/nonexistent", &e));
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	assert_false(openpgp_home_has_room("/proc", NULL));
	assert_true(openpgp_home_has_room(scratch, &e));
}

#define OF(test) cmocka_unit_test_setup_teardown(test, silence, silence)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(an_incomplete_account_counts_for_nothing),
		OF(one_word_against_it_is_enough),
		OF(another_word_than_good_has_its_own_reason),
		OF(a_good_word_that_gpg_itself_contradicts_is_bad),
		OF(what_gpg_says_of_a_good_signature_is_judged),
		OF(an_attached_message_is_judged_by_the_same_words),
		OF(a_refusal_is_forgotten_with_the_next_signature),
		OF(a_list_that_is_short_once_proves_no_key_unknown),
		OF(a_key_counts_as_the_list_describes_it),
		OF(a_fingerprint_in_small_letters_is_the_same_key),
		OF(a_gpg_that_lost_its_keys_judges_nothing),
		OF(a_user_id_is_shown_without_what_a_terminal_would_obey),
		OF(a_key_is_described_by_the_subkeys_that_may_sign),
		OF(a_certificate_without_a_fingerprint_is_no_key),
		OF(only_one_key_that_counts_signs),
		OF(a_home_that_can_t_be_made_is_said_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
