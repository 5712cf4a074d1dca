#include "server/admission_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/limits.h"

#define MANY 1000

static const struct admission_request request = {.api_version = "admission.k8s.io/v1", .uid = {"u\"1", 3}};

/* The answer; checked to be the one shape that an API server takes. To be decref'd. */
static json_t *answer_to(const struct decision *decision, const struct image_uses *uses)
{
	cleanup(buf) struct buf out = buf_init(16u * 1024 * 1024);
	json_t *answer = NULL, *response;
	struct err e;

	admission_response_write(&request, decision, uses, &out);
	if (!json_read(buf_str(&out), &answer, &e))
		fail_msg("%s", e.text);
	assert_int_equal(out.data[out.len - 1], '\n');
	response = json_object_get(answer, "response");
	assert_string_equal(json_string_value(json_object_get(answer, "kind")), "AdmissionReview");
	assert_string_equal(json_string_value(json_object_get(response, "uid")), "u\"1");
	assert_null(json_object_get(response, "patch"));
	assert_null(json_object_get(response, "patchType"));
	return answer;
}

static json_t *get(json_t *answer, const char *name)
{
	return json_object_get(json_object_get(answer, "response"), name);
}

static struct finding finding(enum enforcement enforcement, const char *path, const char *text)
{
	return (struct finding){.enforcement = enforcement, .path = str_of(path), .text = str_of(text)};
}

static void an_allowed_answer_has_no_status(void **state)
{
	struct decision decision = {.allowed = true, .kind = DECISION_ALLOW};
	cleanup(json) json_t *answer = answer_to(&decision, NULL);

	(void)state;
	assert_true(json_is_true(get(answer, "allowed")));
	assert_null(get(answer, "status"));
	assert_null(get(answer, "warnings"));
	assert_int_equal(json_object_size(get(answer, "auditAnnotations")), 1);
}

static void a_refusal_has_a_status_with_a_cause_for_each_denial(void **state)
{
	struct finding findings[] = {finding(ENFORCE_DENY, "spec.containers[0].image", "first"),
				     finding(ENFORCE_AUDIT, "spec.containers[0].image", "audited"),
				     finding(ENFORCE_DENY, "", "second")};
	struct decision decision = {.findings = findings, .finding_count = 3};
	cleanup(json) json_t *answer = answer_to(&decision, NULL);
	json_t *status = get(answer, "status"), *causes = json_object_get(json_object_get(status, "details"), "causes");

	(void)state;
	assert_true(json_is_false(get(answer, "allowed")));
	assert_int_equal(json_integer_value(json_object_get(status, "code")), 403);
	assert_string_equal(json_string_value(json_object_get(status, "reason")), "Forbidden");
	assert_string_equal(json_string_value(json_object_get(status, "status")), "Failure");
	assert_string_equal(json_string_value(json_object_get(status, "message")), "first; second");
	assert_int_equal(json_array_size(causes), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(causes, 0), "field")),
			    "spec.containers[0].image");
	assert_string_equal(json_string_value(json_object_get(json_array_get(causes, 1), "message")), "second");
	assert_null(json_object_get(json_array_get(causes, 1), "field"));
	assert_null(get(answer, "warnings"));
}

static void a_decision_that_nobody_made_is_a_refusal(void **state)
{
	struct decision decision = {0};
	cleanup(json) json_t *answer = answer_to(&decision, NULL);

	(void)state;
	assert_true(json_is_false(get(answer, "allowed")));
	assert_string_equal(json_string_value(json_object_get(get(answer, "auditAnnotations"), "decision")), "deny");
}

static void message_and_causes_are_bounded(void **state)
{
	static struct finding findings[MANY];
	struct decision decision = {.findings = findings, .finding_count = MANY};
	cleanup(json) json_t *answer = NULL;
	const char *message;
	json_t *status;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		findings[i] = finding(ENFORCE_DENY, "spec.containers[7].image",
				      "No matched signatures for container image: x");
	answer = answer_to(&decision, NULL);
	status = get(answer, "status");
	message = json_string_value(json_object_get(status, "message"));
	assert_in_range(strlen(message), LIMIT_DENY_MESSAGE / 2, LIMIT_DENY_MESSAGE);
	assert_non_null(strstr(message, " more"));
	assert_int_equal(json_array_size(json_object_get(json_object_get(status, "details"), "causes")), LIMIT_CAUSES);
}

static void warnings_keep_the_limits_of_the_API_server(void **state)
{
	static struct finding findings[MANY];
	static char text[600];
	struct decision decision = {
		.allowed = true, .kind = DECISION_WARN, .findings = findings, .finding_count = MANY};
	cleanup(json) json_t *answer = NULL;
	size_t total = 0, count;
	json_t *warnings;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i < MANY; i++)
		findings[i] = finding(ENFORCE_WARN, "p", text);
	answer = answer_to(&decision, NULL);
	warnings = get(answer, "warnings");
	count = json_array_size(warnings);
	for (size_t i = 0; i < count; i++) {
		assert_in_range(json_string_length(json_array_get(warnings, i)), 1, LIMIT_WARNING_TEXT);
		total += json_string_length(json_array_get(warnings, i));
	}
	assert_in_range(total, LIMIT_WARNINGS_TOTAL / 2, LIMIT_WARNINGS_TOTAL);
	assert_string_equal(json_string_value(json_array_get(warnings, count - 1)), "and 985 more");
	assert_int_equal(count - 1 + 985, MANY);
}

/* A warning with one control character is dropped whole by the API server. */
static void warnings_have_no_control_characters(void **state)
{
	struct finding findings[] = {finding(ENFORCE_WARN, "p",
					     "a\nb\tc\x7f"
					     "d\xc2\x85"
					     "e\xc3\xa9"),
				     finding(ENFORCE_DENY, "p", "denied")};
	struct decision decision = {.findings = findings, .finding_count = 2};
	cleanup(json) json_t *answer = answer_to(&decision, NULL);

	(void)state;
	assert_int_equal(json_array_size(get(answer, "warnings")), 1);
	assert_string_equal(json_string_value(json_array_get(get(answer, "warnings"), 0)), "a?b?c?d??e\xc3\xa9");
}

static void annotations_are_cut_at_their_limit(void **state)
{
	static struct image_use items[MANY];
	static const struct str policies[] = {{"a", 1}, {"b", 1}};
	struct image_uses uses = {.items = items, .count = MANY};
	struct decision decision = {.allowed = true, .kind = DECISION_AUDIT, .policies = policies, .policy_count = 2};
	cleanup(json) json_t *answer = NULL;
	json_t *annotations;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		items[i].text = STR("registry.example.com/\xc3\xa9");
	answer = answer_to(&decision, &uses);
	annotations = get(answer, "auditAnnotations");
	assert_string_equal(json_string_value(json_object_get(annotations, "decision")), "audit");
	assert_string_equal(json_string_value(json_object_get(annotations, "policy")), "a,b");
	assert_in_range(json_string_length(json_object_get(annotations, "images")), LIMIT_AUDIT_IMAGES - 32,
			LIMIT_AUDIT_IMAGES);
}

static void images_are_told_as_written_but_steer_no_terminal(void **state)
{
	struct image_use items[] = {{.text = {"x\n\"y\"", 5}}, {.text = {"", 0}}, {.text = {"z", 1}}};
	struct image_uses uses = {.items = items, .count = 3};
	struct decision decision = {0};
	cleanup(json) json_t *answer = answer_to(&decision, &uses);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(get(answer, "auditAnnotations"), "images")),
			    "x\\n\"y\"  z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allowed_answer_has_no_status),
		cmocka_unit_test(a_refusal_has_a_status_with_a_cause_for_each_denial),
		cmocka_unit_test(a_decision_that_nobody_made_is_a_refusal),
		cmocka_unit_test(message_and_causes_are_bounded),
		cmocka_unit_test(warnings_keep_the_limits_of_the_API_server),
		cmocka_unit_test(warnings_have_no_control_characters),
		cmocka_unit_test(annotations_are_cut_at_their_limit),
		cmocka_unit_test(images_are_told_as_written_but_steer_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
