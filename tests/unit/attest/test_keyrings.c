/* Keyrings made of many key texts at once: what is said of each text is what gpg says of it alone, and where that is
 * not certain nothing is said. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/armor.h"
#include "attest/key_text.h"
#include "attest/keyrings.h"
#include "attest/openpgp_home.h"
#include "base/clock.h"
#include "base/codec.h"
#include "tests/fault/processes.h"
#include "tests/unit/attest/fixtures.h"
#include "tests/unit/attest/worker_bed.h"

#define TEXTS_MAX 32

static int setup(void **state)
{
	return worker_bed_begin(state, 3);
}

static int teardown(void **state)
{
	return worker_bed_end(state);
}

/* A set of texts, in any order. */
struct texts {
	struct buf items[TEXTS_MAX];
	size_t count;
};

static void texts_release(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		buf_release(&texts->items[i]);
}

CLEANUP_VALUE(texts, struct texts, texts_release)

static void add_fixtures(struct texts *texts, const char *names)
{
	struct str rest = str_of(names);

	while (rest.len) {
		assert_true(texts->count < TEXTS_MAX);
		texts->items[texts->count++] = fixture_key(fixture_field(&rest, ' '));
	}
}

static void add_text(struct texts *texts, struct str text)
{
	struct buf *item = &texts->items[texts->count++];

	*item = buf_init(LIMIT_KEY_FILE);
	buf_add(item, text);
}

static struct key_set *set_of(const struct texts *texts)
{
	struct key_set_entry entries[TEXTS_MAX];
	struct key_set *set;

	for (size_t i = 0; i < texts->count; i++)
		entries[i] = (struct key_set_entry){buf_str(&texts->items[i]), STR("")};
	set = key_set_new(entries, texts->count);
	assert_non_null(set);
	return set;
}

static struct keyrings *describe(struct bed *bed, const struct key_set *set)
{
	struct keyrings *keyrings = NULL;
	struct err e = ERR_INIT;

	if (!keyrings_describe(bed->pool, set, NULL, &keyrings, &e))
		fail_msg("%s", e.text);
	return keyrings;
}

static const struct key_info *find(const struct keyrings *keyrings, const struct buf *text)
{
	struct sha256 hash;

	assert_true(sha256_of(buf_str(text), &hash));
	return keyrings_find(keyrings, &hash);
}

/* The texts of one group share what happens to one of them. */
static void together_as_alone(void **state)
{
	cleanup(texts) struct texts texts = {0};
	struct bed *bed = *state;
	struct key_set *set;
	struct keyrings *keyrings;

	add_fixtures(&texts,
		     "dsa1024 dsa2048 ed encryptonly expired p256 revoked rsa rsa1024 stranger subexpired subkey "
		     "subrevoked subweak");
	set = set_of(&texts);
	keyrings = describe(bed, set);
	for (size_t i = 0; i < texts.count; i++) {
		const struct key_info *described = find(keyrings, &texts.items[i]);
		cleanup(key_list) struct key_list alone = {0};
		struct err e = ERR_INIT;

		assert_true(worker_inspect_key(bed->pool, buf_str(&texts.items[i]), soon(), &alone, &e));
		assert_int_equal(alone.count, 1);
		if (!described)
			fail_msg("text %zu is not described", i);
		assert_memory_equal(described, &alone.items[0], sizeof(*described));
	}
	keyrings_free(keyrings);
	key_set_unref(set);
}

/* Armour without a checksum around what `packets` holds. */
static void add_armoured(struct texts *texts, const struct buf *packets)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_KEY_FILE);

	buf_add_c(&text, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
	base64_encode(&text, buf_str(packets), BASE64_STANDARD);
	buf_add_c(&text, "\n-----END PGP PUBLIC KEY BLOCK-----\n");
	add_text(texts, buf_str(&text));
}

/* A key whose user id is another than the one it was signed with: gpg imports nothing of it. */
static void add_with_foreign_name(struct texts *texts, const char *name)
{
	cleanup(buf) struct buf text = fixture_key(str_of(name)), packets = buf_init(LIMIT_KEY_FILE);
	char *at;

	assert_true(armor_unwrap_keys(buf_str(&text), &packets));
	at = memmem(packets.data, packets.len, "example", 7);
	assert_non_null(at);
	at[0] = 'E';
	add_armoured(texts, &packets);
}

static void assert_described_rightly_or_not_at_all(struct bed *bed, const struct texts *texts, size_t odd)
{
	struct key_set *set = set_of(texts);
	struct keyrings *keyrings = describe(bed, set);

	assert_null(find(keyrings, &texts->items[odd]));
	for (size_t i = 0; i < texts->count; i++) {
		const struct key_info *key = find(keyrings, &texts->items[i]);
		struct key_text text;

		key_text_read(buf_str(&texts->items[i]), &text);
		if (key)
			assert_string_equal(key->fingerprint, text.fingerprint);
	}
	keyrings_free(keyrings);
	key_set_unref(set);
}

/* A text beside two good ones that tries to be taken for one of them, or to break what stands behind it. */
static void a_text_that_is_not_one_key_is_asked_about_alone(void **state)
{
	cleanup(buf) struct buf ed = fixture_key(STR("ed")), secret = fixture_key(STR("ed-secret")),
				both = fixture_key(STR("both")), binary = fixture_file("keys", STR("rsa.gpg"), "");
	struct str good = buf_str(&ed);
	const struct str cases[] = {buf_str(&both),
				    buf_str(&secret),
				    buf_str(&binary),
				    str_head(good, good.len - 40),
				    STR("not a key"),
				    STR(""),
				    str_make(good.ptr + 1, good.len - 1)};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup(texts) struct texts texts = {0};

		add_text(&texts, cases[i]);
		add_fixtures(&texts, "stranger rsa");
		assert_described_rightly_or_not_at_all(*state, &texts, 0);
	}
}

static void a_text_that_gpg_does_not_import_leaves_all_in_doubt(void **state)
{
	cleanup(texts) struct texts texts = {0};
	struct bed *bed = *state;
	struct key_set *set;
	struct keyrings *keyrings;

	add_fixtures(&texts, "stranger rsa");
	add_with_foreign_name(&texts, "ed");
	set = set_of(&texts);
	keyrings = describe(bed, set);
	for (size_t i = 0; i < texts.count; i++)
		assert_null(find(keyrings, &texts.items[i]));
	keyrings_free(keyrings);
	key_set_unref(set);
}

static void a_key_given_twice_with_different_words_is_asked_about_alone(void **state)
{
	cleanup(texts) struct texts texts = {0};
	struct bed *bed = *state;
	struct key_set *set;
	struct keyrings *keyrings;

	add_fixtures(&texts, "revoked revoked-before ed");
	set = set_of(&texts);
	keyrings = describe(bed, set);
	assert_null(find(keyrings, &texts.items[0]));
	assert_null(find(keyrings, &texts.items[1]));
	assert_non_null(find(keyrings, &texts.items[2]));
	keyrings_free(keyrings);
	key_set_unref(set);
}

/* ---- verifying under them ---- */

static bool case_fits(struct bed *bed, const struct fixture_case *c, struct key_set *set)
{
	cleanup(buf) struct buf upload = fixture_signature(c->signature), payload = buf_init(LIMIT_SIGNATURE);
	struct str given = {0};
	struct signature_facts facts;
	struct payload_claim claim;

	if (!str_eq_c(c->payload, "-")) {
		payload = fixture_signature(c->payload);
		given = buf_str(&payload);
	}
	worker_verify(bed->pool, set, buf_str(&upload), given, fixture_now(c), soon(), &facts);
	claim = (struct payload_claim){.digest = str_of(facts.digest), .repository = str_of(facts.repository)};
	if (facts.verdict == VERDICT_ACCEPTED)
		facts.verdict = payload_matches(&claim, fixture_repository(c), fixture_digest(c), &facts.reason);
	if (str_eq_c(c->reason, verdict_reason_name(facts.reason)) &&
	    (facts.verdict == VERDICT_ACCEPTED) == str_eq_c(c->verdict, "accepted"))
		return true;
	print_error("%.*s with keys %.*s: expected %.*s, got %s\n", STR_ARG(c->signature), STR_ARG(c->keys),
		    STR_ARG(c->reason), verdict_reason_name(facts.reason));
	return false;
}

static void every_fixture_gives_its_stated_verdict_under_keyrings(void **state)
{
	cleanup(fixture_cases) struct fixture_cases cases;
	struct key_set *set = NULL;
	struct str names = {0};
	size_t wrong = 0;

	fixture_cases_read(&cases);
	for (size_t i = 0; i < cases.count; i++) {
		cleanup(fixture_keys) struct fixture_keys keys = {0};
		cleanup(texts) struct texts texts = {0};

		if (!set || !str_eq(names, cases.items[i].keys)) {
			names = cases.items[i].keys;
			fixture_keys_read(names, &keys);
			for (size_t k = 0; k < keys.count; k++)
				add_text(&texts, keys.texts[k]);
			key_set_unref(set);
			set = set_of(&texts);
		}
		wrong += !case_fits(*state, &cases.items[i], set);
	}
	key_set_unref(set);
	assert_int_equal(wrong, 0);
}

static enum verdict_reason reason_of(struct bed *bed, struct key_set *set, const char *signature)
{
	cleanup(buf) struct buf text = fixture_signature(str_of(signature));
	struct signature_facts facts;

	worker_verify(bed->pool, set, buf_str(&text), (struct str){NULL, 0}, NOW, soon(), &facts);
	return facts.reason;
}

/* Whichever keyring the two words about one key stand in, the revocation is heard: gpg takes the first key that it
 * finds. */
static void a_revocation_in_another_text_is_heard(void **state)
{
	cleanup(texts) struct texts texts = {0};
	cleanup(buf) struct buf two = buf_init(LIMIT_KEY_FILE);
	struct str list[OPENPGP_KEYRINGS_MAX];
	struct key_set *set;
	cleanup(buf) struct buf revoked = fixture_key(STR("revoked")), rsa = fixture_key(STR("rsa"));

	/* Two certificates in one text are odd, so that the plain one would be in a keyring of its own. */
	buf_add(&two, buf_str(&rsa));
	buf_add(&two, buf_str(&revoked));
	add_text(&texts, buf_str(&two));
	add_fixtures(&texts, "revoked-before ed");
	set = set_of(&texts);
	assert_int_equal(reason_of(*state, set, "by-revoked.asc"), REASON_KEY_REVOKED);
	assert_int_equal(reason_of(*state, set, "clear-url.asc"), REASON_GOOD);
	assert_int_equal(keyrings_list(key_set_keyrings(set), list), 1);
	key_set_unref(set);
}

/* A text that nothing is made of costs the others nothing. */
static void one_text_in_doubt_does_not_keep_the_others_from_counting(void **state)
{
	cleanup(texts) struct texts texts = {0};
	struct key_set *set;

	add_with_foreign_name(&texts, "rsa");
	add_text(&texts, STR("nonsense"));
	add_fixtures(&texts, "ed stranger");
	set = set_of(&texts);
	assert_int_equal(reason_of(*state, set, "clear-url.asc"), REASON_GOOD);
	key_set_unref(set);
}

/* ---- again ---- */

static void the_same_texts_need_no_worker_again(void **state)
{
	cleanup(texts) struct texts texts = {0};
	struct bed *bed = *state;
	struct key_set *first, *second;
	struct keyrings *made = NULL;
	const struct keyrings *known[2] = {NULL, NULL};
	struct err e = ERR_INIT;

	add_fixtures(&texts, "ed subkey stranger");
	add_text(&texts, STR("odd"));
	first = set_of(&texts);
	second = set_of(&texts);
	assert_true(keyrings_ready(bed->pool, first, soon(), &e));
	worker_pool_stop(bed->pool);
	bed->pool = NULL;
	known[1] = key_set_keyrings(first);
	assert_true(keyrings_make(NULL, second, known, 2, soon(), &made, &e));
	key_set_give_keyrings(second, made);
	key_set_unref(first);
	key_set_unref(second);
}

struct killer {
	pid_t supervisor;
	atomic_bool stop;
};

static void *kill_again_and_again(void *context)
{
	struct killer *killer = context;
	const struct timespec pause = {0, 7000000};
	pid_t children[8];

	while (!atomic_load(&killer->stop)) {
		size_t count = children_of(killer->supervisor, children, 8);

		for (size_t i = 0; i < count; i++)
			kill(children[i], SIGKILL);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Either there are keyrings, and good ones, or there are none, and the next try makes them. */
static void children_killed_on_the_way_leave_no_half_keyring(void **state)
{
	cleanup(texts) struct texts texts = {0};
	struct bed *bed = *state;
	struct killer killer = {0};
	pthread_t thread;

	add_fixtures(&texts, "ed subkey stranger both revoked");
	assert_int_equal(children_of(getpid(), &killer.supervisor, 1), 1);
	assert_int_equal(pthread_create(&thread, NULL, kill_again_and_again, &killer), 0);
	for (int i = 0; i < 10; i++) {
		struct key_set *set = set_of(&texts);
		struct keyrings *keyrings = NULL;
		struct err e = ERR_INIT;

		if (keyrings_describe(bed->pool, set, NULL, &keyrings, &e))
			for (size_t k = 0; k < 3; k++)
				(void)find(keyrings, &texts.items[k]);
		keyrings_free(keyrings);
		if (i == 9) {
			(void)!keyrings_ready(bed->pool, set, soon(), &e);
			atomic_store(&killer.stop, true);
			pthread_join(thread, NULL);
			/* What has not been noticed yet costs a rejection for each slot. */
			for (int k = 0; k < 4; k++)
				(void)reason_of(bed, set, "clear-url.asc");
			assert_int_equal(reason_of(bed, set, "clear-url.asc"), REASON_GOOD);
			assert_int_equal(reason_of(bed, set, "by-revoked.asc"), REASON_KEY_REVOKED);
		}
		key_set_unref(set);
	}
}

#define OF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(together_as_alone),
		OF(a_text_that_is_not_one_key_is_asked_about_alone),
		OF(a_text_that_gpg_does_not_import_leaves_all_in_doubt),
		OF(a_key_given_twice_with_different_words_is_asked_about_alone),
		OF(every_fixture_gives_its_stated_verdict_under_keyrings),
		OF(a_revocation_in_another_text_is_heard),
		OF(one_text_in_doubt_does_not_keep_the_others_from_counting),
		OF(the_same_texts_need_no_worker_again),
		OF(children_killed_on_the_way_leave_no_half_keyring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
