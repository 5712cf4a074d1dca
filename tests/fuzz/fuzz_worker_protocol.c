/* Both ends of the worker's protocol on arbitrary bytes: no crash, and no accept without signer and digest. */
#include <stdint.h>
#include <stdlib.h>

#include "attest/worker_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_worker(struct str record)
{
	struct worker_request request;
	struct str key;

	if (!worker_decode_request(record, &request))
		return;
	if (request.budget_ms == 0)
		abort();
	while (request.kind == WORKER_KEYS && worker_next_key(&request.keys, &key))
		if (key.len && (key.ptr < record.ptr || key.ptr + key.len > record.ptr + record.len))
			abort();
}

static void as_server(struct str record)
{
	struct signature_facts facts = {.verdict = VERDICT_REJECTED};
	struct key_list list = {0};
	struct err e = ERR_INIT;

	if (worker_decode_facts(record, 1, &facts, &e) && facts.verdict == VERDICT_ACCEPTED &&
	    (facts.reason != REASON_GOOD || !facts.signer[0] || !facts.digest[0]))
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
