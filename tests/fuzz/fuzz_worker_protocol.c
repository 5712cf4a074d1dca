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
	struct str key;

	if (!worker_decode_request(record, &request))
		return;
	if (request.budget_ms == 0)
		abort();
	check_request(record, &request);
	while (request.kind == WORKER_KEYS && worker_next_key(&request.keys, &key))
		if (key.len && (key.ptr < record.ptr || key.ptr + key.len > record.ptr + record.len))
			abort();
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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str record = str_make((const char *)data, size);

	as_worker(record);
	as_server(record);
	return 0;
}
