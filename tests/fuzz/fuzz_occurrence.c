/* Uploads: the heredoc's repair, strict reading, both dialects, update masks, and what an attestation must have. */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "policy/image_ref.h"
#include "server/grafeas_attestation.h"
#include "server/grafeas_version.h"
#include "server/heredoc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What is written is read again as the same, in both dialects at once; and a merge with itself changes nothing. */
static void check_round_trip(const struct message *m, const json_t *canonical)
{
	cleanup(json) json_t *written = message_encode(m, canonical);
	cleanup(json) json_t *again = NULL;
	cleanup(json) json_t *merged = json_deep_copy(canonical);
	struct err e = ERR_INIT;

	require(written && merged);
	require(message_decode(m, written, &again, &e));
	require(json_equal(again, canonical));
	require(message_merge(m, merged, canonical, STR(""), &e));
	require(json_equal(merged, canonical));
	require(message_merge(m, merged, canonical, STR("*"), &e));
	require(json_equal(merged, canonical));
}

static void check_row(json_t *occurrence)
{
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct evidence evidence;
	struct occurrence_row row = {0};
	struct err e = ERR_INIT;

	if (!grafeas_kind_settle(occurrence, &e) || !attestation_fill_row(occurrence, &arena, &evidence, &row, &e)) {
		require(e.kind == ERR_INVALID && e.text[0]);
		return;
	}
	require(row.evidence_count == (str_eq_c(row.kind, "ATTESTATION") ? 1u : 0u));
	require(row.digest.len == 0 || image_digest_valid(row.digest));
	if (row.evidence_count == 0)
		return;
	require(row.digest.len && row.repository.len);
	require(evidence.signature.len && evidence.signature.len <= LIMIT_SIGNATURE);
}

static void check_message(const struct message *m, const json_t *body, bool occurrence)
{
	cleanup(json) json_t *canonical = NULL;
	struct err e = ERR_INIT;

	if (!message_decode(m, body, &canonical, &e)) {
		require(e.kind == ERR_INVALID && e.text[0]);
		return;
	}
	check_round_trip(m, canonical);
	if (occurrence)
		check_row(canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = {(const char *)data, size};
	cleanup(buf) struct buf repaired = buf_init(HEREDOC_MAX);
	cleanup(buf) struct buf twice = buf_init(HEREDOC_MAX);
	cleanup(json) json_t *body = NULL;
	cleanup(json) json_t *strict = NULL;
	struct err e = ERR_INIT;

	heredoc_repair(text, &repaired);
	heredoc_repair(buf_str(&repaired), &twice);
	require(str_eq(buf_str(&repaired), buf_str(&twice)));
	require(heredoc_needs_repair(text) == !str_eq(text, buf_str(&repaired)));
	if (json_read(text, &strict, &e))
		require(!heredoc_needs_repair(text));
	if (!json_read(buf_str(&repaired), &body, &e))
		return 0;
	check_message(grafeas_v1alpha1.occurrence, body, true);
	check_message(grafeas_v1alpha1.note, body, false);
	check_message(grafeas_v1alpha1.operation_request, body, false);
	return 0;
}
