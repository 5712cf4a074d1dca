/* Both ends of the worker's protocol on arbitrary bytes: no crash, and no accept without signer and digest. */
#include <stdint.h>
#include <stdlib.h>

#include "attest/worker_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No two records say the same: what is read is what the other end would have written. */
static void check_written(struct str record, const struct buf *written)
{
	if (written->failed || !str_eq(str_skip(buf_str(written), WORKER_LENGTH_SIZE), record))
		abort();
}

/* The texts of a request, all of them slices of the record. */
static size_t read_texts(struct str record, struct str rest, struct str *texts, size_t max)
{
	size_t count = 0;

	for (struct str text; worker_next_text(&rest, &text); count++) {
		if (text.len && (text.ptr < record.ptr || text.ptr + text.len > record.ptr + record.len))
			abort();
		if (count < max)
			texts[count] = text;
	}
	return count;
}

static void check_texts(struct str record, const struct worker_request *request)
{
	cleanup(buf) struct buf written = buf_init(WORKER_RECORD_MAX);
	struct str texts[64];
	size_t count = read_texts(record, request->texts, texts, 64);

	if (count > 64)
		return;
	if (request->kind == WORKER_MAKE)
		worker_encode_make(&written, request->id, request->budget_ms, request->repair, texts, count);
	else
		worker_encode_keys(&written, request->id, request->budget_ms, texts, count);
	check_written(record, &written);
}

static void check_request(struct str record, const struct worker_request *request)
{
	cleanup(buf) struct buf written = buf_init(WORKER_RECORD_MAX);

	if (request->kind == WORKER_VERIFY && (request->payload.ptr || request->payload.len == 0))
		worker_encode_verify(&written, request->id, request->budget_ms, request->upload, request->payload,
				     request->now);
	else if (request->kind == WORKER_INSPECT)
		worker_encode_inspect(&written, request->id, request->budget_ms, request->upload);
	else
		return;
	/* A payload that is said not to be there may still be sent; it is not looked at. */
	if (request->kind == WORKER_INSPECT || request->payload.ptr)
		check_written(record, &written);
}

static uint64_t number_at(struct str record, size_t at, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size && at + i < record.len; i++)
		value = value << 8 | (unsigned char)record.ptr[at + i];
	return value;
}

/* An accept is one for exactly this request, with its signer and digest, and nothing else in the record. */
static void check_facts(struct str record, uint64_t id, const struct signature_facts *facts)
{
	cleanup(buf) struct buf written = buf_init(WORKER_RECORD_MAX);
	struct signature_facts other = {.verdict = VERDICT_REJECTED};
	struct err e = ERR_INIT;

	worker_encode_facts(&written, id, facts);
	check_written(record, &written);
	if (worker_decode_facts(record, id + 1, &other, &e) || other.verdict != VERDICT_REJECTED)
		abort();
	if (facts->verdict == VERDICT_ACCEPTED &&
	    (number_at(record, 0, 1) != WORKER_FACTS || number_at(record, 1, 8) != id || number_at(record, 9, 1) != 1 ||
	     number_at(record, 10, 1) != REASON_GOOD || number_at(record, 11, 4) == 0))
		abort();
}

static void as_worker(struct str record)
{
	struct worker_request request;

	if (!worker_decode_request(record, &request))
		return;
	if (request.budget_ms == 0)
		abort();
	check_request(record, &request);
	if (request.kind == WORKER_KEYS || request.kind == WORKER_MAKE)
		check_texts(record, &request);
}

/* What is read of a keyring is what was written. */
static void check_keyring(struct str text)
{
	cleanup(openpgp_keyring) struct openpgp_keyring keyring = openpgp_keyring_init();
	cleanup(buf) struct buf written = buf_init(WORKER_RECORD_MAX);
	struct openpgp_files files;
	struct err e = ERR_INIT;

	if (!worker_decode_keyring(text, &files, &keyring.signers, &e))
		return;
	buf_add(&keyring.keyring, files.keyring);
	buf_add(&keyring.trust, files.trust);
	worker_encode_keyring(&written, &keyring);
	if (written.failed || !str_eq(buf_str(&written), text))
		abort();
}

static void check_made(struct str record, uint64_t id)
{
	cleanup(key_list) struct key_list certificates = {0};
	struct err e = ERR_INIT;
	struct str text;

	if (!worker_decode_made(record, id, &text, &certificates, &e))
		return;
	if (number_at(record, 0, 1) != WORKER_MADE || number_at(record, 1, 8) != id || number_at(record, 9, 1) != 0)
		abort();
	check_keyring(text);
}

static void as_server(struct str record)
{
	struct signature_facts facts = {.verdict = VERDICT_REJECTED};
	struct key_list list = {0};
	struct err e = ERR_INIT;

	uint64_t id = number_at(record, 1, 8);

	if (worker_decode_facts(record, id, &facts, &e))
		check_facts(record, id, &facts);
	if (facts.verdict == VERDICT_ACCEPTED && (facts.reason != REASON_GOOD || !facts.signer[0] || !facts.digest[0]))
		abort();
	if (worker_decode_described(record, 1, &list, &e) && (list.count == 0 || list.count > WORKER_KEYS_MAX))
		abort();
	key_list_release(&list);
	(void)!worker_decode_loaded(record, 1, &e);
	check_made(record, id);
	check_keyring(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str record = str_make((const char *)data, size);

	as_worker(record);
	as_server(record);
	return 0;
}
