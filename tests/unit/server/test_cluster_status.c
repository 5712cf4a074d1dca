#include "server/cluster_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW 1764000000
#define NOW_TEXT "2025-11-24T16:00:00Z"

static char in_force_text[] = "this generation is in force";
static const struct trust_outcome in_force = {
	.state = TRUST_IN_FORCE, .reason = TRUST_REASON_IN_FORCE, .message = in_force_text};

static struct status_question question(const struct trust_outcome *outcome, const json_t *seen)
{
	return (struct status_question){.kind = TRUST_OBJECT_CLUSTER_POLICY,
					.namespace_ = STR(""),
					.name = STR("prod"),
					.resource_version = STR("42"),
					.generation = 3,
					.seen = seen,
					.outcome = outcome,
					.now = NOW};
}

/* The body to apply; NULL when the status stands. */
static json_t *due(const struct status_question *q)
{
	cleanup(buf) struct buf body = buf_init(STATUS_BODY_MAX);
	struct err e = ERR_INIT;
	json_t *json = NULL;

	assert_true(cluster_status_due(q, &body, &e));
	if (body.len > 0 && !json_read(buf_str(&body), &json, &e))
		fail_msg("%s", e.text);
	return json;
}

/* What stands there once `q` was applied. */
static json_t *applied(const struct status_question *q)
{
	cleanup(json) json_t *body = due(q);

	assert_non_null(body);
	return json_incref(json_object_get(body, "status"));
}

static const char *text_in(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static const json_t *condition(const json_t *status, const char *type)
{
	const json_t *conditions = json_object_get(status, "conditions");

	for (size_t i = 0; i < json_array_size(conditions); i++)
		if (strcmp(text_in(json_array_get(conditions, i), "type"), type) == 0)
			return json_array_get(conditions, i);
	fail_msg("no condition %s", type);
	return NULL;
}

static void an_object_in_force_says_so_for_its_generation(void **state)
{
	const struct status_question q = question(&in_force, NULL);
	cleanup(json) json_t *body = due(&q);

	(void)state;
	assert_string_equal(text_in(body, "kind"), "ClusterImagePolicy");
	assert_string_equal(text_in(json_object_get(body, "metadata"), "resourceVersion"), "42");
	assert_null(json_object_get(json_object_get(body, "metadata"), "namespace"));
	const json_t *status = json_object_get(body, "status"), *ready = condition(status, "Ready");
	assert_int_equal(json_integer_value(json_object_get(status, "observedGeneration")), 3);
	assert_string_equal(text_in(ready, "status"), "True");
	assert_string_equal(text_in(ready, "reason"), "InForce");
	assert_string_equal(text_in(ready, "lastTransitionTime"), NOW_TEXT);
	assert_string_equal(text_in(condition(status, "Rejected"), "status"), "False");
	assert_null(json_object_get(status, "keys"));
	assert_null(json_object_get(status, "matched"));
}

static void what_was_applied_stands_whatever_the_time(void **state)
{
	struct status_question q = question(&in_force, NULL);
	cleanup(json) json_t *seen = applied(&q);

	(void)state;
	q.seen = seen;
	q.now += 1000;
	assert_null(due(&q));
	/* A condition of somebody else is none of ours. */
	json_array_append_new(json_object_get(seen, "conditions"),
			      json_pack("{s:s, s:s}", "type", "Other", "status", "True"));
	assert_null(due(&q));
}

static void a_reason_has_its_words(void **state)
{
	static const struct {
		enum trust_state state;
		enum trust_reason reason;
		const char *ready, *rejected;
	} cases[] = {
		{TRUST_REJECTED, TRUST_REASON_INVALID, "False", "True"},
		{TRUST_LAST_GOOD, TRUST_REASON_INVALID, "False", "True"},
		{TRUST_OVERRIDDEN, TRUST_REASON_OVERRIDDEN, "False", "True"},
		{TRUST_REJECTED, TRUST_REASON_KEY_SOURCE_FORBIDDEN, "False", "True"},
		{TRUST_REJECTED, TRUST_REASON_TOO_LARGE, "False", "True"},
		{TRUST_INCOMPLETE, TRUST_REASON_ATTESTOR_NOT_FOUND, "False", "False"},
		{TRUST_INCOMPLETE, TRUST_REASON_KEY_SOURCE_NOT_FOUND, "False", "False"},
		{TRUST_INCOMPLETE, TRUST_REASON_NO_USABLE_KEY, "False", "False"},
		{TRUST_IN_FORCE, TRUST_REASON_IN_FORCE, "True", "False"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct trust_outcome outcome = {
			.state = cases[i].state, .reason = cases[i].reason, .message = in_force_text};
		const struct status_question q = question(&outcome, NULL);
		cleanup(json) json_t *status = applied(&q);

		assert_string_equal(text_in(condition(status, "Ready"), "status"), cases[i].ready);
		assert_string_equal(text_in(condition(status, "Rejected"), "status"), cases[i].rejected);
		assert_string_equal(text_in(condition(status, "Ready"), "reason"), trust_reason_name(cases[i].reason));
	}
}

static void the_time_of_a_condition_changes_with_its_word_only(void **state)
{
	char why[] = "spec.match: must be a mapping";
	const struct trust_outcome invalid = {.state = TRUST_REJECTED, .reason = TRUST_REASON_INVALID, .message = why};
	const struct trust_outcome too_large = {
		.state = TRUST_REJECTED, .reason = TRUST_REASON_TOO_LARGE, .message = why};
	struct status_question q = question(&invalid, NULL);
	cleanup(json) json_t *first = applied(&q);

	(void)state;
	q = question(&too_large, first);
	q.now += 60;
	cleanup(json) json_t *second = applied(&q);
	assert_string_equal(text_in(condition(second, "Ready"), "reason"), "TooLarge");
	assert_string_equal(text_in(condition(second, "Ready"), "lastTransitionTime"), NOW_TEXT);

	q = question(&in_force, second);
	q.now += 120;
	cleanup(json) json_t *third = applied(&q);
	assert_string_equal(text_in(condition(third, "Ready"), "lastTransitionTime"), "2025-11-24T16:02:00Z");
}

static void an_attestor_lists_its_keys(void **state)
{
	struct trust_key_outcome keys[] = {
		{.fingerprint = "AB12", .algorithm = "ed25519", .state = "Usable"},
		{.fingerprint = "CD34", .algorithm = "rsa3072", .expires_at = NOW, .state = "Expired"},
		{.state = "NotFound"}};
	const struct trust_outcome outcome = {.state = TRUST_INCOMPLETE,
					      .reason = TRUST_REASON_KEY_SOURCE_NOT_FOUND,
					      .message = in_force_text,
					      .keys = keys,
					      .key_count = 3};
	struct status_question q = question(&outcome, NULL);

	(void)state;
	q.kind = TRUST_OBJECT_ATTESTOR;
	cleanup(json) json_t *status = applied(&q);
	const json_t *listed = json_object_get(status, "keys");
	assert_int_equal(json_array_size(listed), 3);
	assert_string_equal(text_in(json_array_get(listed, 0), "fingerprint"), "AB12");
	assert_null(json_object_get(json_array_get(listed, 0), "expires"));
	assert_string_equal(text_in(json_array_get(listed, 1), "expires"), NOW_TEXT);
	assert_int_equal(json_object_size(json_array_get(listed, 2)), 1);
	q.seen = status;
	assert_null(due(&q));
	keys[0].state = "Revoked";
	json_decref(applied(&q));
}

static void counts_of_a_scan_stay_until_there_are_others(void **state)
{
	const struct cluster_matched counts = {.workloads = 7, .refused = 2}, others = {.workloads = 7, .refused = 3};
	struct status_question q = question(&in_force, NULL);

	(void)state;
	q.matched = &counts;
	cleanup(json) json_t *seen = applied(&q);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(seen, "matched"), "refused")), 2);
	q.seen = seen;
	assert_null(due(&q));
	q.matched = NULL;
	assert_null(due(&q));
	q.matched = &others;
	json_decref(applied(&q));
}

static void a_status_of_any_shape_is_written_over(void **state)
{
	static const char *const shapes[] = {
		"{}",
		"{\"conditions\": {\"type\": \"Ready\"}}",
		"{\"conditions\": [1, null, {\"type\": 5}, {\"type\": \"Ready\", \"status\": \"True\", "
		"\"lastTransitionTime\": \"yesterday\"}]}",
		"{\"observedGeneration\": \"3\", \"matched\": [], \"keys\": {}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		cleanup(json) json_t *seen = NULL;
		struct err e = ERR_INIT;
		assert_true(json_read(str_of(shapes[i]), &seen, &e));
		struct status_question q = question(&in_force, seen);
		cleanup(json) json_t *status = applied(&q);
		assert_string_equal(text_in(condition(status, "Ready"), "lastTransitionTime"), NOW_TEXT);
		assert_null(json_object_get(status, "matched"));
		q.seen = status;
		assert_null(due(&q));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_in_force_says_so_for_its_generation),
		cmocka_unit_test(what_was_applied_stands_whatever_the_time),
		cmocka_unit_test(a_reason_has_its_words),
		cmocka_unit_test(the_time_of_a_condition_changes_with_its_word_only),
		cmocka_unit_test(an_attestor_lists_its_keys),
		cmocka_unit_test(counts_of_a_scan_stay_until_there_are_others),
		cmocka_unit_test(a_status_of_any_shape_is_written_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
