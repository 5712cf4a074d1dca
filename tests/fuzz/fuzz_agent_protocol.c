/* Both ends of the protocol of sealgate-kube on arbitrary bytes: no crash, nothing beyond the record, and what is read
 * is what the other end would have written. */
#include <stdint.h>
#include <stdlib.h>

#include "kube/agent_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_again(struct buf *out, const struct agent_record *record)
{
	const struct kube_request request = {.method = record->method,
					     .path = record->path,
					     .accept = record->accept,
					     .content_type = record->content_type,
					     .body = record->body,
					     .timeout_ms = record->timeout_ms};
	struct err e = {.kind = record->error};

	(void)snprintf(e.text, sizeof(e.text), "%.*s", STR_ARG(record->text));
	if (record->kind == AGENT_START)
		agent_encode_start(out, record->id, &request);
	else if (record->kind == AGENT_CANCEL)
		agent_encode_cancel(out, record->id);
	else if (record->kind == AGENT_READY)
		agent_encode_ready(out);
	else if (record->kind == AGENT_HEAD)
		agent_encode_head(out, record->id, record->status, record->retry_after);
	else if (record->kind == AGENT_DATA)
		agent_encode_data(out, record->id, record->text);
	else if (record->kind == AGENT_FAILED)
		agent_encode_failed(out, &e);
	else
		agent_encode_end(out, record->id, &e);
}

/* The text of an error travels as a C string. */
static bool has_no_zero(const struct agent_record *record)
{
	return record->kind == AGENT_DATA ||
	       (str_find(record->text, 0) == record->text.len && record->text.len < ERR_TEXT_MAX);
}

static void check(struct str bytes, enum agent_side sender)
{
	cleanup(buf) struct buf written = buf_init(AGENT_REQUEST_MAX + 64);
	struct agent_record record;
	size_t used = 0;

	while (agent_decode(bytes, sender, &record, &used) == AGENT_RECORD) {
		if (used == 0 || used > bytes.len ||
		    (record.id == 0) != (record.kind == AGENT_READY || record.kind == AGENT_FAILED))
			abort();
		buf_clear(&written);
		encode_again(&written, &record);
		if (has_no_zero(&record) && !str_eq(buf_str(&written), str_head(bytes, used)))
			abort();
		bytes = str_skip(bytes, used);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_make((const char *)data, size);

	check(bytes, AGENT_ASKS);
	check(bytes, AGENT_TELLS);
	return 0;
}
