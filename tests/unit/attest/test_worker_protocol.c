/* The records of the verify worker: what one end writes the other reads, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/worker_protocol.h"

#define ID 0x0102030405060708u

/* Without the length. */
static struct str body(const struct buf *record)
{
	return str_skip(buf_str(record), WORKER_LENGTH_SIZE);
}

static void requests_arrive_as_sent(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct worker_request request;

	(void)state;
	worker_encode_verify(&record, ID, 1500, STR("signature"), STR("payload"), -7);
	assert_int_equal(worker_record_length((const unsigned char *)record.data), record.len - WORKER_LENGTH_SIZE);
	assert_true(worker_decode_request(body(&record), &request));
	assert_int_equal(request.kind, WORKER_VERIFY);
	assert_true(request.id == ID);
	assert_int_equal(request.budget_ms, 1500);
	assert_true(request.now == -7);
	assert_true(str_eq_c(request.upload, "signature"));
	assert_true(str_eq_c(request.payload, "payload"));
	worker_encode_verify(&record, ID, 1, STR("s"), (struct str){NULL, 0}, 0);
	assert_true(worker_decode_request(body(&record), &request));
	assert_null(request.payload.ptr);
	worker_encode_inspect(&record, ID, 1, STR("key"));
	assert_true(worker_decode_request(body(&record), &request));
	assert_int_equal(request.kind, WORKER_INSPECT);
	assert_true(str_eq_c(request.upload, "key"));
}

static size_t count_texts(struct str texts)
{
	struct str text;
	size_t count = 0;

	while (count < 3 && worker_next_text(&texts, &text)) {
		assert_int_equal(text.len, 7);
		count++;
	}
	return count;
}

static void texts_arrive_one_by_one(void **state)
{
	const struct str texts[] = {STR("key one"), STR("key two")};
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct worker_request request;

	(void)state;
	worker_encode_keys(&record, ID, 1, texts, 2);
	assert_true(worker_decode_request(body(&record), &request));
	assert_int_equal(request.kind, WORKER_KEYS);
	assert_int_equal(count_texts(request.texts), 2);
	assert_int_equal(count_texts(STR("\0\0\0\5four")), 0);
	for (int repair = 0; repair < 2; repair++) {
		worker_encode_make(&record, ID, 1, repair, texts, 2);
		assert_true(worker_decode_request(body(&record), &request));
		assert_int_equal(request.kind, WORKER_MAKE);
		assert_int_equal(request.repair, repair);
		assert_int_equal(count_texts(request.texts), 2);
	}
}

static struct openpgp_keyring some_keyring(void)
{
	const struct signer signers[] = {{.fingerprint = "AA", .primary = "AA", .created_at = 3, .can_sign = true},
					 {.fingerprint = "BB", .primary = "AA", .expires_at = 4, .weak = true}};
	const struct key_info key = {.fingerprint = "AA", .algorithm = "rsa3072", .bits = 3072, .can_sign = true};
	struct openpgp_keyring keyring = openpgp_keyring_init();

	buf_add_c(&keyring.keyring, "ring");
	buf_add_c(&keyring.trust, "trust");
	for (size_t i = 0; i < 2; i++)
		assert_true(signer_table_add(&keyring.signers, &signers[i], NULL));
	assert_true(key_list_add(&keyring.certificates, &key, NULL));
	return keyring;
}

static void a_keyring_arrives_as_sent(void **state)
{
	cleanup(openpgp_keyring) struct openpgp_keyring keyring = some_keyring();
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	cleanup(key_list) struct key_list certificates = {0};
	cleanup(signer_table) struct signer_table signers = {0};
	struct openpgp_files files;
	struct str text;
	struct err e = ERR_INIT;

	(void)state;
	worker_encode_made(&record, ID, &keyring, NULL);
	assert_true(worker_decode_made(body(&record), ID, &text, &certificates, &e));
	assert_int_equal(certificates.count, 1);
	assert_memory_equal(certificates.items, keyring.certificates.items, sizeof(struct key_info));
	assert_true(worker_decode_keyring(text, &files, &signers, &e));
	assert_true(str_eq_c(files.keyring, "ring"));
	assert_true(str_eq_c(files.trust, "trust"));
	assert_int_equal(signers.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(&signers.items[i], &keyring.signers.items[i], sizeof(struct signer));
}

/* Cut anywhere, it is none: a keyring that lost its last signers would refuse what they sign. */
static void a_keyring_cut_anywhere_is_refused(void **state)
{
	cleanup(openpgp_keyring) struct openpgp_keyring keyring = some_keyring();
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	cleanup(key_list) struct key_list certificates = {0};
	struct str whole, text;
	struct err e = ERR_INIT;

	(void)state;
	worker_encode_made(&record, ID, &keyring, NULL);
	whole = body(&record);
	assert_false(worker_decode_made(whole, ID + 1, &text, &certificates, &e));
	/* Behind the keyring stands one certificate, and none is legal too. */
	for (size_t n = 0; n < whole.len; n++)
		if (worker_decode_made(str_head(whole, n), ID, &text, &certificates, &e))
			assert_int_equal(certificates.count, 0);
	buf_add_char(&record, 'x');
	assert_false(worker_decode_made(body(&record), ID, &text, &certificates, &e));
	buf_clear(&record);
	worker_encode_keyring(&record, &keyring);
	for (size_t n = 0; n < record.len; n++) {
		cleanup(signer_table) struct signer_table signers = {0};
		struct openpgp_files files;
		bool read = worker_decode_keyring(str_head(buf_str(&record), n), &files, &signers, &e);

		/* Each signer is whole, and how many there are nobody but the keyring says. */
		assert_true(!read || signers.count < 2);
	}
}

static void a_signer_without_a_fingerprint_is_refused(void **state)
{
	const struct signer nameless[] = {{.primary = "A"}, {.fingerprint = "A"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		cleanup(openpgp_keyring) struct openpgp_keyring keyring = openpgp_keyring_init();
		cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
		cleanup(signer_table) struct signer_table signers = {0};
		struct openpgp_files files;
		struct err e = ERR_INIT;

		assert_true(signer_table_add(&keyring.signers, &nameless[i], NULL));
		worker_encode_keyring(&record, &keyring);
		assert_false(worker_decode_keyring(buf_str(&record), &files, &signers, &e));
		assert_int_equal(e.kind, ERR_INTERNAL);
		assert_int_equal(signers.count, 0);
	}
}

static void a_failure_to_make_a_keyring_is_told(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	cleanup(key_list) struct key_list certificates = {0};
	struct err failure = ERR_INIT, e = ERR_INIT;
	struct str text;

	(void)state;
	(void)err_set(&failure, ERR_UNAVAILABLE, "no room");
	worker_encode_made(&record, ID, NULL, &failure);
	assert_false(worker_decode_made(body(&record), ID, &text, &certificates, &e));
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	assert_string_equal(e.text, "no room");
}

/* Every shortened and every lengthened record is refused, and so is a changed kind. */
static void a_request_cut_or_lengthened_is_refused(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct worker_request request;
	struct str whole;

	(void)state;
	worker_encode_verify(&record, ID, 1500, STR("signature"), STR("payload"), 1);
	whole = body(&record);
	for (size_t n = 0; n < whole.len; n++)
		assert_false(worker_decode_request(str_head(whole, n), &request));
	buf_add_char(&record, 'x');
	assert_false(worker_decode_request(body(&record), &request));
	worker_encode_verify(&record, ID, 1500, STR("signature"), STR("payload"), 1);
	for (int kind = 0; kind < 256; kind++) {
		record.data[WORKER_LENGTH_SIZE] = (char)kind;
		if (kind != WORKER_VERIFY && kind != WORKER_KEYS && kind != WORKER_INSPECT && kind != WORKER_MAKE)
			assert_false(worker_decode_request(body(&record), &request));
	}
}

/* Whoever asks has some time left. */
static void a_request_without_time_is_refused(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct worker_request request;

	(void)state;
	worker_encode_inspect(&record, ID, 0, STR("key"));
	assert_false(worker_decode_request(body(&record), &request));
}

/* The length goes before the record, so that it is the last moment to see that it is too much. */
static void a_record_that_is_too_long_is_not_written(void **state)
{
	const size_t most = WORKER_RECORD_MAX - 1 - 8 - 4 - 4;
	cleanup(buf) struct buf record = buf_init(2 * WORKER_RECORD_MAX);
	char *key = calloc(1, most + 1);

	(void)state;
	assert_non_null(key);
	worker_encode_inspect(&record, ID, 1, str_make(key, most));
	assert_false(record.failed);
	assert_int_equal(worker_record_length((const unsigned char *)record.data), WORKER_RECORD_MAX);
	worker_encode_inspect(&record, ID, 1, str_make(key, most + 1));
	assert_true(record.failed);
	free(key);
}

static struct signature_facts good_facts(void)
{
	struct signature_facts facts = {.verdict = VERDICT_ACCEPTED,
					.reason = REASON_GOOD,
					.signed_at = 5,
					.signature_expires_at = 6,
					.key_expires_at = 7};

	memcpy(facts.signer, "0123456789ABCDEF0123456789ABCDEF01234567", 41);
	memcpy(facts.digest, "sha256:00", 10);
	memcpy(facts.repository, "gcr.io/a/b", 11);
	return facts;
}

static void facts_arrive_as_sent(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct signature_facts facts = good_facts(), read;
	struct err e = ERR_INIT;

	(void)state;
	worker_encode_facts(&record, ID, &facts);
	assert_true(worker_decode_facts(body(&record), ID, &read, &e));
	assert_memory_equal(&read, &facts, sizeof(facts));
}

static void an_answer_to_another_request_is_refused(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct signature_facts facts = good_facts(), read = {.verdict = VERDICT_REJECTED};
	struct key_list list = {0};
	struct err e = ERR_INIT;

	(void)state;
	worker_encode_facts(&record, ID - 1, &facts);
	assert_false(worker_decode_facts(body(&record), ID, &read, &e));
	worker_encode_loaded(&record, ID, NULL);
	assert_false(worker_decode_facts(body(&record), ID, &read, &e));
	worker_encode_facts(&record, ID, &facts);
	assert_false(worker_decode_loaded(body(&record), ID, &e));
	assert_false(worker_decode_described(body(&record), ID, &list, &e));
	assert_int_equal(read.verdict, VERDICT_REJECTED);
}

static void an_accept_without_its_proof_is_refused(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct signature_facts bad[4], read;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		bad[i] = good_facts();
	bad[0].reason = REASON_WEAK_HASH;
	bad[1].signer[0] = 0;
	bad[2].digest[0] = 0;
	bad[3].verdict = VERDICT_REJECTED;
	for (size_t i = 0; i < 4; i++) {
		worker_encode_facts(&record, ID, &bad[i]);
		assert_false(worker_decode_facts(body(&record), ID, &read, &e));
	}
}

static void facts_cut_anywhere_are_refused(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct signature_facts facts = good_facts(), read;
	struct err e = ERR_INIT;

	(void)state;
	worker_encode_facts(&record, ID, &facts);
	for (size_t n = 0; n < record.len - WORKER_LENGTH_SIZE; n++)
		assert_false(worker_decode_facts(str_head(body(&record), n), ID, &read, &e));
	record.data[WORKER_LENGTH_SIZE + 9] = 2;
	assert_false(worker_decode_facts(body(&record), ID, &read, &e));
	record.data[WORKER_LENGTH_SIZE + 9] = 1;
	record.data[WORKER_LENGTH_SIZE + 10] = (char)REASON_COUNT;
	assert_false(worker_decode_facts(body(&record), ID, &read, &e));
	record.data[WORKER_LENGTH_SIZE + 9] = 0;
	assert_false(worker_decode_facts(body(&record), ID, &read, &e));
	record.data[WORKER_LENGTH_SIZE + 10] = (char)(REASON_COUNT - 1);
	assert_true(worker_decode_facts(body(&record), ID, &read, &e));
}

/* A text where the signer stands, put there by a worker that is not ours. */
static bool is_read_with_signer(struct str signer)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX), forged = buf_init(WORKER_RECORD_MAX);
	struct signature_facts facts = good_facts(), read;
	struct str rest;

	worker_encode_facts(&record, ID, &facts);
	rest = body(&record);
	buf_add(&forged, str_head(rest, 11));
	for (int i = 0; i < 4; i++)
		buf_add_char(&forged, (char)(signer.len >> (24 - 8 * i)));
	buf_add(&forged, signer);
	buf_add(&forged, str_skip(rest, 11 + 4 + 40));
	return worker_decode_facts(buf_str(&forged), ID, &read, NULL);
}

static void a_text_that_does_not_fit_or_ends_early_is_refused(void **state)
{
	char text[4096];

	(void)state;
	memset(text, 'A', sizeof(text));
	assert_true(is_read_with_signer(str_make(text, 40)));
	assert_true(is_read_with_signer(str_make(text, FINGERPRINT_MAX)));
	assert_false(is_read_with_signer(str_make(text, FINGERPRINT_MAX + 1)));
	assert_false(is_read_with_signer(str_make(text, sizeof(text))));
	text[20] = 0;
	assert_false(is_read_with_signer(str_make(text, 40)));
}

static void an_answer_to_loading_is_read_exactly(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct err e = ERR_INIT, failure = ERR_INIT;

	(void)state;
	worker_encode_loaded(&record, ID, NULL);
	assert_true(worker_decode_loaded(body(&record), ID, &e));
	for (size_t n = 0; n < body(&record).len; n++)
		assert_false(worker_decode_loaded(str_head(body(&record), n), ID, &e));
	assert_false(worker_decode_loaded(body(&record), ID + 1, &e));
	buf_add_char(&record, 'x');
	assert_false(worker_decode_loaded(body(&record), ID, &e));
	err_set(&failure, ERR_UNAVAILABLE, "no room");
	worker_encode_loaded(&record, ID, &failure);
	assert_false(worker_decode_loaded(body(&record), ID, &e));
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	assert_string_equal(e.text, "no room");
	record.data[WORKER_LENGTH_SIZE + 9] = (char)ERR_KINDS;
	assert_false(worker_decode_loaded(body(&record), ID, &e));
	assert_int_equal(e.kind, ERR_INTERNAL);
	assert_string_equal(e.text, "the verify worker's answer can't be read");
}

static void a_key_text_is_described_with_a_bounded_number_of_keys(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct key_list list = {calloc(WORKER_KEYS_MAX + 1, sizeof(struct key_info)), WORKER_KEYS_MAX};
	struct key_list read = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(list.items);
	worker_encode_described(&record, ID, &list, NULL);
	assert_true(worker_decode_described(body(&record), ID, &read, &e));
	assert_int_equal(read.count, WORKER_KEYS_MAX);
	key_list_release(&read);
	for (size_t n = 0; n < 200; n++)
		assert_false(worker_decode_described(str_head(body(&record), n), ID, &read, &e));
	buf_add_char(&record, 0);
	assert_false(worker_decode_described(body(&record), ID, &read, &e));
	list.count++;
	worker_encode_described(&record, ID, &list, NULL);
	assert_false(worker_decode_described(body(&record), ID, &read, &e));
	assert_null(read.items);
	free(list.items);
}

static void described_keys_and_failures_arrive(void **state)
{
	cleanup(buf) struct buf record = buf_init(WORKER_RECORD_MAX);
	struct key_info info = {.bits = 3072, .created_at = 9, .expires_at = 10, .expired = true, .can_sign = true};
	struct key_list list = {&info, 1}, none = {0}, read = {0};
	struct err e = ERR_INIT, failure = ERR_INIT;

	(void)state;
	memcpy(info.fingerprint, "ABCD", 5);
	memcpy(info.algorithm, "rsa3072", 8);
	worker_encode_described(&record, ID, &list, NULL);
	assert_true(worker_decode_described(body(&record), ID, &read, &e));
	assert_int_equal(read.count, 1);
	assert_memory_equal(read.items, &info, sizeof(info));
	key_list_release(&read);
	err_set(&failure, ERR_INVALID, "not a key");
	worker_encode_described(&record, ID, &none, &failure);
	assert_false(worker_decode_described(body(&record), ID, &read, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_string_equal(e.text, "not a key");
	worker_encode_described(&record, ID, &none, NULL);
	assert_false(worker_decode_described(body(&record), ID, &read, &e));
}

static void CVE_2024_29903_impossible_lengths_are_none(void **state)
{
	static const unsigned char heads[][4] = {{0, 0, 0, 0}, {0, 0, 0, 8}, {0xff, 0xff, 0xff, 0xff}, {4, 0, 0, 1}};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(worker_record_length(heads[i]), 0);
	assert_int_equal(worker_record_length((const unsigned char[]){4, 0, 0, 0}), WORKER_RECORD_MAX);
	assert_int_equal(worker_record_length((const unsigned char[]){0, 0, 0, 9}), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_arrive_as_sent),
		cmocka_unit_test(texts_arrive_one_by_one),
		cmocka_unit_test(a_keyring_arrives_as_sent),
		cmocka_unit_test(a_keyring_cut_anywhere_is_refused),
		cmocka_unit_test(a_signer_without_a_fingerprint_is_refused),
		cmocka_unit_test(a_failure_to_make_a_keyring_is_told),
		cmocka_unit_test(a_request_cut_or_lengthened_is_refused),
		cmocka_unit_test(a_request_without_time_is_refused),
		cmocka_unit_test(a_record_that_is_too_long_is_not_written),
		cmocka_unit_test(facts_arrive_as_sent),
		cmocka_unit_test(an_answer_to_another_request_is_refused),
		cmocka_unit_test(an_accept_without_its_proof_is_refused),
		cmocka_unit_test(facts_cut_anywhere_are_refused),
		cmocka_unit_test(a_text_that_does_not_fit_or_ends_early_is_refused),
		cmocka_unit_test(an_answer_to_loading_is_read_exactly),
		cmocka_unit_test(a_key_text_is_described_with_a_bounded_number_of_keys),
		cmocka_unit_test(described_keys_and_failures_arrive),
		cmocka_unit_test(CVE_2024_29903_impossible_lengths_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
