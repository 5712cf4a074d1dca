/* A verify worker whose children lie, are late or end: behind the real pool and the real supervisor stands a child of
 * the test's own. Whatever it does is a rejection, and the pool works again. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/key_text.h"
#include "attest/keyrings.h"
#include "attest/openpgp_home.h"
#include "attest/worker.h"
#include "attest/worker_child.h"
#include "attest/worker_protocol.h"
#include "attest/worker_stream.h"
#include "base/clock.h"
#include "tests/fault/processes.h"
#include "tests/unit/attest/fixtures.h"

#define SLOTS 2
#define SIGNER "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define DIGEST "sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define PATIENCE_MS 150

enum manner {
	HONEST,
	ENDS,
	GARBAGE,
	SILENT,
	LATE,
	TWICE,
	ANSWERS_THE_LAST,
	ANSWERS_THE_NEXT,
	WITHOUT_PROOF,
	WITHOUT_SIGNER,
	GOOD_FOR_A_BAD_REASON,
	ANOTHER_KIND,
	HALF,
	HUGE,
	LONG,
	TRAILING,
	MANNERS,
	/* Only of a keyring: what it says is in it. */
	LEAVES_ONE_OUT = MANNERS,
	GIVES_ONE_TWICE,
	GIVES_A_THIRD,
	GIVES_ANOTHERS_NAME,
	GIVES_A_SECRET_KEY,
	GIVES_A_FOREIGN_SIGNER,
	GIVES_NO_SIGNER,
	GIVES_HALF_A_KEYRING,
	KEYRING_MANNERS
};

/* Shared with the children. */
static struct {
	atomic_int manner;
	atomic_int harmed; /* which requests: an enum worker_kind */
} * plan;

static bool is_good(struct str upload)
{
	return str_starts_with(upload, STR("good"));
}

static struct signature_facts accepted(void)
{
	struct signature_facts facts = {.verdict = VERDICT_ACCEPTED, .reason = REASON_GOOD, .signed_at = 1000};

	snprintf(facts.signer, sizeof(facts.signer), SIGNER);
	snprintf(facts.digest, sizeof(facts.digest), DIGEST);
	return facts;
}

static void add_certificate(struct openpgp_keyring *keyring, const char *fingerprint, bool secret)
{
	struct key_info key = {.can_sign = true, .secret = secret};
	struct signer signer = {.can_sign = true};

	snprintf(key.fingerprint, sizeof(key.fingerprint), "%s", fingerprint);
	snprintf(signer.fingerprint, sizeof(signer.fingerprint), "%s", fingerprint);
	snprintf(signer.primary, sizeof(signer.primary), "%s", fingerprint);
	if (!key_list_add(&keyring->certificates, &key, NULL) || !signer_table_add(&keyring->signers, &signer, NULL))
		_exit(9);
}

/* What the texts say, but for the one lie. */
static void fill_keyring(struct openpgp_keyring *keyring, struct str texts, int manner)
{
	const struct signer foreign = {.fingerprint = "BB", .primary = SIGNER, .can_sign = true};
	struct key_text key;
	size_t count = 0;

	for (struct str text; worker_next_text(&texts, &text); count++) {
		bool last = texts.len == 0;

		key_text_read(text, &key);
		if (!key.fingerprint[0])
			memcpy(key.fingerprint, SIGNER, sizeof(SIGNER));
		if (manner == LEAVES_ONE_OUT && last)
			continue;
		add_certificate(keyring, manner == GIVES_ANOTHERS_NAME && last ? SIGNER : key.fingerprint,
				manner == GIVES_A_SECRET_KEY && last);
		if (manner == GIVES_ONE_TWICE && last)
			add_certificate(keyring, key.fingerprint, false);
	}
	if (manner == GIVES_A_THIRD)
		add_certificate(keyring, SIGNER, false);
	if (manner == GIVES_A_FOREIGN_SIGNER && !signer_table_add(&keyring->signers, &foreign, NULL))
		_exit(9);
	if (manner == GIVES_NO_SIGNER)
		keyring->signers.count--;
}

static void make_keyring(struct buf *out, const struct worker_request *request, int manner)
{
	cleanup(openpgp_keyring) struct openpgp_keyring keyring = openpgp_keyring_init();
	struct err none = ERR_INIT;

	buf_add_c(&keyring.keyring, "ring");
	buf_add_c(&keyring.trust, "trust");
	fill_keyring(&keyring, request->texts, manner);
	worker_encode_made(out, request->id, &keyring, &none);
	/* The length of the keyring stands behind kind, id and an empty failure. */
	if (manner == GIVES_HALF_A_KEYRING)
		out->data[WORKER_LENGTH_SIZE + 9 + 1 + 4 + 3]--;
}

static void answer_honestly(struct buf *out, const struct worker_request *request)
{
	struct signature_facts facts = {.verdict = VERDICT_REJECTED, .reason = REASON_BAD_SIGNATURE};
	struct err none = ERR_INIT;

	if (request->kind == WORKER_KEYS)
		worker_encode_loaded(out, request->id, &none);
	else if (request->kind == WORKER_MAKE)
		make_keyring(out, request, HONEST);
	else if (is_good(request->upload))
		facts = accepted();
	if (request->kind == WORKER_VERIFY)
		worker_encode_facts(out, request->id, &facts);
}

/* Whatever is asked, it says good, with something wrong about it. */
static void answer_badly(struct buf *out, const struct worker_request *request, int manner)
{
	struct signature_facts facts = accepted();
	uint64_t id = request->id;
	struct err none = ERR_INIT;

	if (manner == ANSWERS_THE_LAST)
		id -= 2;
	if (manner == ANSWERS_THE_NEXT)
		id += 2;
	if (manner == WITHOUT_PROOF)
		facts.digest[0] = 0;
	if (manner == WITHOUT_SIGNER)
		facts.signer[0] = 0;
	if (manner == GOOD_FOR_A_BAD_REASON)
		facts.reason = REASON_KEY_EXPIRED;
	if (request->kind == WORKER_KEYS ? manner != ANOTHER_KIND : manner == ANOTHER_KIND)
		worker_encode_loaded(out, id, &none);
	else
		worker_encode_facts(out, id, &facts);
	if (manner == GARBAGE)
		for (size_t i = 0; i < out->len; i++)
			out->data[i] = (char)(i * 167 + 13);
	if (manner == HUGE)
		memset(out->data, 0xff, 4);
	if (manner == LONG)
		out->data[0] = 3; /* 48 MiB, which never come */
	if (manner == TRAILING)
		out->data[3]++;
	if (manner == TRAILING)
		buf_add_char(out, 'x');
}

static void answer(int socket, struct buf *out, const struct worker_request *request)
{
	int manner = atomic_load(&plan->manner);

	buf_clear(out);
	if (manner == HONEST || (int)request->kind != atomic_load(&plan->harmed)) {
		answer_honestly(out, request);
		(void)stream_send(socket, buf_str(out), 0);
		return;
	}
	if (manner == ENDS)
		_exit(0);
	if (manner == TWICE || manner == LATE)
		answer_honestly(out, request);
	else if (manner >= MANNERS)
		make_keyring(out, request, manner);
	else
		answer_badly(out, request, manner);
	if (manner == LATE)
		poll(NULL, 0, PATIENCE_MS * 2);
	if (manner != SILENT)
		(void)stream_send(socket, manner == HALF ? str_head(buf_str(out), out->len / 2) : buf_str(out), 0);
	if (manner == TWICE)
		(void)stream_send(socket, buf_str(out), 0);
}

/* In place of the real one (attest/worker_child.c). */
void worker_child_run(int socket, const char *directory)
{
	struct buf request_text = buf_init(WORKER_RECORD_MAX), out = buf_init(WORKER_RECORD_MAX);
	struct worker_request request;

	(void)directory;
	while (stream_receive(socket, &request_text, 0) == STREAM_OK &&
	       worker_decode_request(buf_str(&request_text), &request))
		answer(socket, &out, &request);
	_exit(0);
}

struct bed {
	char run[64];
	struct worker_pool *pool;
	struct key_set *keys[2];
	size_t descriptors;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	const struct key_set_entry one = {STR("key"), STR("0")}, other = {STR("other key"), STR("1")};
	struct err e = ERR_INIT;

	assert_non_null(bed);
	plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(plan != MAP_FAILED);
	snprintf(bed->run, sizeof(bed->run), "/tmp/sealgate-worker-XXXXXX");
	assert_non_null(mkdtemp(bed->run));
	bed->pool = worker_pool_start(SLOTS, bed->run, &e);
	if (!bed->pool || !worker_pool_ready(bed->pool, &e))
		fail_msg("%s", e.text);
	bed->keys[0] = key_set_new(&one, 1);
	bed->keys[1] = key_set_new(&other, 1);
	bed->descriptors = open_descriptors();
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	size_t descriptors = open_descriptors();
	bool leaked = descriptors != bed->descriptors;

	worker_pool_stop(bed->pool);
	directory_remove(bed->run);
	key_set_unref(bed->keys[0]);
	key_set_unref(bed->keys[1]);
	munmap(plan, sizeof(*plan));
	free(bed);
	return leaked ? -1 : 0;
}

static struct signature_facts verify(struct bed *bed, size_t keys, const char *upload, int64_t patience_ms)
{
	struct signature_facts facts;

	worker_verify(bed->pool, bed->keys[keys], str_of(upload), (struct str){NULL, 0}, 1000,
		      clock_monotonic_ms() + patience_ms, &facts);
	return facts;
}

static void assert_works_again(struct bed *bed)
{
	pid_t own[8], children[8];

	atomic_store(&plan->manner, HONEST);
	/* What has not been noticed yet costs one rejection for each slot. */
	for (int i = 0; i < 2 * SLOTS; i++)
		(void)verify(bed, 0, "good", 20000);
	for (int i = 0; i < 2 * SLOTS; i++) {
		assert_int_equal(verify(bed, 0, "good", 20000).verdict, VERDICT_ACCEPTED);
		assert_int_equal(verify(bed, 1, "bad", 20000).reason, REASON_BAD_SIGNATURE);
	}
	assert_int_equal(children_of(getpid(), own, 8), 1);
	assert_int_equal(children_settled(own[0], children, 8, SLOTS), SLOTS);
}

/* Every answer to a bad signature is a rejection while the child behaves so, and so is the first one afterwards, which
 * may find what was left behind. */
static void misbehave(struct bed *bed, enum manner manner, enum worker_kind harmed)
{
	atomic_store(&plan->harmed, (int)harmed);
	atomic_store(&plan->manner, (int)manner);
	for (int i = 0; i < 2 * SLOTS; i++)
		if (verify(bed, (size_t)i & 1, "bad", PATIENCE_MS).verdict == VERDICT_ACCEPTED)
			fail_msg("manner %d, kind %d: accepted", (int)manner, (int)harmed);
	atomic_store(&plan->manner, HONEST);
	for (int i = 0; i < 2 * SLOTS; i++)
		if (verify(bed, (size_t)i & 1, "bad", 20000).verdict == VERDICT_ACCEPTED)
			fail_msg("manner %d, kind %d: accepted afterwards", (int)manner, (int)harmed);
	assert_works_again(bed);
}

static void a_child_that_lies_about_a_signature_is_not_believed(void **state)
{
	for (int manner = ENDS; manner < MANNERS; manner++)
		misbehave(*state, (enum manner)manner, WORKER_VERIFY);
}

static void a_child_that_lies_about_keys_is_not_believed(void **state)
{
	for (int manner = ENDS; manner < MANNERS; manner++)
		misbehave(*state, (enum manner)manner, WORKER_KEYS);
}

static struct key_set *two_keys(const char *first, const char *second)
{
	cleanup(buf) struct buf a = fixture_key(str_of(first)), b = fixture_key(str_of(second));
	const struct key_set_entry entries[] = {{buf_str(&a), STR("")}, {buf_str(&b), STR("")}};

	return key_set_new(entries, 2);
}

static size_t described(const struct keyrings *keyrings, const struct key_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < key_set_texts(set); i++) {
		const struct key_info *key = keyrings_find(keyrings, key_set_text_hash(set, i));
		struct key_text text;

		key_text_read(key_set_text(set, i), &text);
		if (key)
			assert_string_equal(key->fingerprint, text.fingerprint);
		count += key != NULL;
	}
	return count;
}

/* Both texts are described, or none is: where anything is wrong each is asked about by itself. */
static void a_child_that_lies_about_a_keyring_is_not_believed(void **state)
{
	struct bed *bed = *state;

	atomic_store(&plan->harmed, WORKER_MAKE);
	for (int manner = HONEST; manner < KEYRING_MANNERS; manner++) {
		struct keyrings *keyrings = NULL;
		struct str list[OPENPGP_KEYRINGS_MAX];
		struct err e = ERR_INIT;
		struct key_set *set;
		bool honest = manner == HONEST || manner == TWICE;

		if (manner == SILENT || manner == LATE || manner == LONG || manner == HALF)
			continue; /* each costs the whole deadline of a keyring */
		set = two_keys("ed", "stranger");
		atomic_store(&plan->manner, manner);
		assert_true(keyrings_describe(bed->pool, set, NULL, &keyrings, &e));
		assert_int_equal(keyrings_list(keyrings, list), honest);
		if (described(keyrings, set) != (honest ? 2 : 0))
			fail_msg("manner %d: %zu texts are described", manner, described(keyrings, set));
		keyrings_free(keyrings);
		key_set_unref(set);
	}
	assert_works_again(bed);
}

/* What a child says of a keyring that is not believed makes no verdict either, and is asked again later. */
static void a_set_without_its_keyrings_is_a_rejection(void **state)
{
	struct bed *bed = *state;

	atomic_store(&plan->harmed, WORKER_MAKE);
	for (int manner = ENDS; manner < MANNERS; manner++) {
		if (manner == TWICE)
			continue;
		key_set_unref(bed->keys[0]);
		bed->keys[0] = two_keys("ed", "stranger");
		atomic_store(&plan->manner, manner);
		assert_int_equal(verify(bed, 0, "good", PATIENCE_MS).verdict, VERDICT_REJECTED);
		assert_null(key_set_keyrings(bed->keys[0]));
		atomic_store(&plan->manner, HONEST);
		assert_int_equal(verify(bed, 0, "good", 20000).verdict, VERDICT_ACCEPTED);
	}
	assert_works_again(bed);
}

/* Only a child that has seen no signature makes keyrings: the slot's process is another then. */
static void a_child_that_saw_a_signature_makes_no_keyring(void **state)
{
	struct bed *bed = *state;
	struct key_set *set = two_keys("ed", "stranger");
	pid_t own[8], before[8], after[8];
	struct err e = ERR_INIT;

	atomic_store(&plan->manner, HONEST);
	worker_pool_stop(bed->pool);
	bed->pool = worker_pool_start(1, bed->run, &e);
	assert_true(bed->pool && worker_pool_ready(bed->pool, &e));
	bed->descriptors = open_descriptors();
	assert_int_equal(children_of(getpid(), own, 8), 1);
	assert_int_equal(children_settled(own[0], before, 8, 1), 1);
	assert_true(keyrings_ready(bed->pool, bed->keys[0], clock_monotonic_ms() + 20000, &e));
	assert_int_equal(children_settled(own[0], after, 8, 1), 1);
	assert_int_equal(before[0], after[0]);
	assert_int_equal(verify(bed, 0, "good", 20000).verdict, VERDICT_ACCEPTED);
	assert_true(keyrings_ready(bed->pool, set, clock_monotonic_ms() + 20000, &e));
	assert_int_equal(children_settled(own[0], after, 8, 1), 1);
	assert_int_not_equal(before[0], after[0]);
	key_set_unref(set);
}

/* The second answer says good; what is asked next is bad. */
static void a_second_answer_is_not_the_answer_to_the_next_question(void **state)
{
	struct bed *bed = *state;

	atomic_store(&plan->harmed, WORKER_VERIFY);
	for (int i = 0; i < 20; i++) {
		atomic_store(&plan->manner, TWICE);
		(void)verify(bed, 0, "good", 20000);
		assert_int_equal(verify(bed, 0, "bad", 20000).verdict, VERDICT_REJECTED);
	}
	assert_works_again(bed);
}

/* A late answer comes to nobody: the child that gave it has been replaced. */
static void a_late_answer_is_nobodys(void **state)
{
	struct bed *bed = *state;

	atomic_store(&plan->harmed, WORKER_VERIFY);
	for (int i = 0; i < 4; i++) {
		atomic_store(&plan->manner, LATE);
		assert_int_equal(verify(bed, 0, "good", PATIENCE_MS).reason, REASON_TIMEOUT);
		atomic_store(&plan->manner, HONEST);
		assert_int_equal(verify(bed, 0, "bad", 20000).verdict, VERDICT_REJECTED);
		poll(NULL, 0, PATIENCE_MS);
		assert_int_equal(verify(bed, 0, "bad", 20000).verdict, VERDICT_REJECTED);
	}
	assert_works_again(bed);
}

#define OF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(a_child_that_lies_about_a_signature_is_not_believed),
		OF(a_child_that_lies_about_keys_is_not_believed),
		OF(a_child_that_lies_about_a_keyring_is_not_believed),
		OF(a_set_without_its_keyrings_is_a_rejection),
		OF(a_child_that_saw_a_signature_makes_no_keyring),
		OF(a_second_answer_is_not_the_answer_to_the_next_question),
		OF(a_late_answer_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
