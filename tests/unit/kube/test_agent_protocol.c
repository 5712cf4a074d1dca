#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/agent_protocol.h"

#define ALL (AGENT_REQUEST_MAX + 1024u)

static const struct kube_request usual = {.method = "PATCH",
					  .path = {"/apis/x?force=true", 18},
					  .content_type = "application/apply-patch+yaml",
					  .body = {"{}", 2},
					  .timeout_ms = 10000};

static struct buf encoded_start(void)
{
	struct buf out = buf_init(ALL);

	agent_encode_start(&out, 7, &usual);
	assert_false(out.failed);
	return out;
}

static void what_is_asked_is_what_was_meant(void **state)
{
	cleanup(buf) struct buf bytes = encoded_start();
	struct agent_record record;
	size_t used = 0;

	(void)state;
	buf_add_char(&bytes, 0);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_ASKS, &record, &used), AGENT_RECORD);
	assert_int_equal(used, bytes.len - 1);
	assert_int_equal(record.kind, AGENT_START);
	assert_int_equal(record.id, 7);
	assert_string_equal(record.method, "PATCH");
	assert_string_equal(record.accept, "");
	assert_string_equal(record.content_type, "application/apply-patch+yaml");
	assert_true(str_eq(record.path, usual.path) && str_eq(record.body, usual.body));
	assert_int_equal(record.timeout_ms, 10000);
}

static void what_is_told_is_what_was_meant(void **state)
{
	cleanup(buf) struct buf bytes = buf_init(ALL);
	struct err e = ERR_INIT;
	struct agent_record record;
	size_t used = 0;

	(void)state;
	agent_encode_head(&bytes, 1, 429, 7);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_TELLS, &record, &used), AGENT_RECORD);
	assert_true(record.kind == AGENT_HEAD && record.status == 429 && record.retry_after == 7);
	buf_clear(&bytes);
	agent_encode_head(&bytes, 1, 200, -1);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_TELLS, &record, &used), AGENT_RECORD);
	assert_int_equal(record.retry_after, -1);
	buf_clear(&bytes);
	agent_encode_end(&bytes, 1, &e);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_TELLS, &record, &used), AGENT_RECORD);
	assert_true(record.kind == AGENT_END && record.error == ERR_NONE && record.text.len == 0);
	buf_clear(&bytes);
	err_set(&e, ERR_TIMEOUT, "too late");
	agent_encode_failed(&bytes, &e);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_TELLS, &record, &used), AGENT_RECORD);
	assert_true(record.kind == AGENT_FAILED && record.error == ERR_TIMEOUT && str_eq_c(record.text, "too late"));
}

static void the_longest_error_still_arrives(void **state)
{
	cleanup(buf) struct buf bytes = buf_init(ALL);
	struct err e = ERR_INIT;
	struct agent_record record;
	size_t used = 0;

	(void)state;
	err_set(&e, ERR_INVALID, "%02000d", 1);
	agent_encode_end(&bytes, 1, &e);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_TELLS, &record, &used), AGENT_RECORD);
	assert_true(str_eq_c(record.text, e.text));
}

static void half_a_record_waits_for_the_rest(void **state)
{
	cleanup(buf) struct buf bytes = encoded_start();
	struct agent_record record;
	size_t used = 0;

	(void)state;
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(agent_decode(str_head(buf_str(&bytes), len), AGENT_ASKS, &record, &used), AGENT_MORE);
}

static void neither_end_sends_the_other_ends_records(void **state)
{
	cleanup(buf) struct buf bytes = encoded_start();
	struct agent_record record;
	size_t used = 0;

	(void)state;
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_TELLS, &record, &used), AGENT_BROKEN);
	buf_clear(&bytes);
	agent_encode_head(&bytes, 1, 200, -1);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_ASKS, &record, &used), AGENT_BROKEN);
}

static void bad(const char *bytes, size_t len, enum agent_side sender)
{
	struct agent_record record = {.id = 99};
	size_t used = 77;

	assert_int_equal(agent_decode(str_make(bytes, len), sender, &record, &used), AGENT_BROKEN);
	assert_true(record.id == 99 && used == 77);
}
#define BAD(sender, literal) bad(literal, sizeof(literal) - 1, sender)

static void what_is_no_record_is_refused(void **state)
{
	(void)state;
	/* lengths that can't be */
	BAD(AGENT_TELLS, "\0\0\0\0");
	BAD(AGENT_TELLS, "\0\0\0\x08");
	BAD(AGENT_TELLS, "\xff\xff\xff\xff");
	BAD(AGENT_TELLS, "\0\x01\0\x41");
	BAD(AGENT_ASKS, "\0\x31\0\0");
	/* kinds that aren't */
	BAD(AGENT_TELLS, "\0\0\0\x09\0\0\0\0\0\0\0\0\x01");
	BAD(AGENT_TELLS, "\0\0\0\x09\x08\0\0\0\0\0\0\0\x01");
	/* a number where there is none, and none where there is one */
	BAD(AGENT_TELLS, "\0\0\0\x09\x03\0\0\0\0\0\0\0\x01");
	BAD(AGENT_ASKS, "\0\0\0\x09\x02\0\0\0\0\0\0\0\0");
	/* something behind the last field */
	BAD(AGENT_ASKS, "\0\0\0\x0a\x02\0\0\0\0\0\0\0\x01\0");
	/* data without a byte, and one whose length lies */
	BAD(AGENT_TELLS, "\0\0\0\x0d\x06\0\0\0\0\0\0\0\x01\0\0\0\0");
	BAD(AGENT_TELLS, "\0\0\0\x0e\x06\0\0\0\0\0\0\0\x01\0\0\0\x02x");
	/* a status that isn't; half of one */
	BAD(AGENT_TELLS, "\0\0\0\x0f\x05\0\0\0\0\0\0\0\x01\0\x63\0\0\0\0");
	BAD(AGENT_TELLS, "\0\0\0\x0f\x05\0\0\0\0\0\0\0\x01\x03\xe8\0\0\0\0");
	BAD(AGENT_TELLS, "\0\0\0\x0a\x05\0\0\0\0\0\0\0\x01\0");
	BAD(AGENT_TELLS, "\0\0\0\x0f\x05\0\0\0\0\0\0\0\x01\0\xc8\xff\xff\xff\xff");
	/* an error that isn't, one without a kind, a failure that is none */
	BAD(AGENT_TELLS, "\0\0\0\x0e\x07\0\0\0\0\0\0\0\x01\x0c\0\0\0\0");
	BAD(AGENT_TELLS, "\0\0\0\x0f\x07\0\0\0\0\0\0\0\x01\0\0\0\0\x01x");
	BAD(AGENT_TELLS, "\0\0\0\x0e\x04\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

/* What would become a line of a request's head. */
static void a_line_is_one_line(void **state)
{
	struct kube_request request = usual;
	cleanup(buf) struct buf bytes = buf_init(ALL);
	char long_type[AGENT_TYPE_MAX + 2];
	struct agent_record record;
	size_t used = 0;

	(void)state;
	request.accept = "a\r\nX-Remote-User: root";
	agent_encode_start(&bytes, 1, &request);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_ASKS, &record, &used), AGENT_BROKEN);
	(void)snprintf(long_type, sizeof(long_type), "%0*d", (int)AGENT_TYPE_MAX + 1, 0);
	request.accept = long_type;
	buf_clear(&bytes);
	agent_encode_start(&bytes, 1, &request);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_ASKS, &record, &used), AGENT_BROKEN);
	request.accept = long_type + 1;
	buf_clear(&bytes);
	agent_encode_start(&bytes, 1, &request);
	assert_int_equal(agent_decode(buf_str(&bytes), AGENT_ASKS, &record, &used), AGENT_RECORD);
}

static void the_largest_body_fits_and_no_larger_one(void **state)
{
	struct kube_request request = usual;
	char *body = calloc(1, KUBE_BODY_MAX + 1);
	struct agent_record record;
	size_t used = 0;

	(void)state;
	assert_non_null(body);
	for (size_t more = 0; more < 2; more++) {
		cleanup(buf) struct buf bytes = buf_init(ALL);

		request.body = str_make(body, KUBE_BODY_MAX + more);
		agent_encode_start(&bytes, 1, &request);
		assert_int_equal(agent_decode(buf_str(&bytes), AGENT_ASKS, &record, &used),
				 more ? AGENT_BROKEN : AGENT_RECORD);
	}
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_is_what_was_meant),
		cmocka_unit_test(what_is_told_is_what_was_meant),
		cmocka_unit_test(the_longest_error_still_arrives),
		cmocka_unit_test(half_a_record_waits_for_the_rest),
		cmocka_unit_test(neither_end_sends_the_other_ends_records),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(a_line_is_one_line),
		cmocka_unit_test(the_largest_body_fits_and_no_larger_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
