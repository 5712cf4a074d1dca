#include "server/review.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/limits.h"

#define START 1000000

/* Milliseconds from the start to the deadline; -1 when the timeout can't be read. */
static int64_t time_for(const char *timeout)
{
	struct http_parameter parameter = {
		.name = STR("timeout"), .value = str_of(timeout), .has_value = timeout != NULL};
	struct http_request request = {.started_ms = START, .query = &parameter, .query_count = 1};
	int64_t deadline = -1;
	struct err e;

	if (review_deadline(&request, &deadline, &e))
		return deadline - START;
	assert_int_equal(e.kind, ERR_INVALID);
	assert_int_equal(deadline, -1);
	return -1;
}

static void the_answer_comes_before_the_timeout(void **state)
{
	(void)state;
	assert_int_equal(time_for("10s"), 9000);
	assert_int_equal(time_for("1s"), 900);
	assert_int_equal(time_for("1.5s"), 1350);
	assert_int_equal(time_for("500ms"), 400);
	assert_int_equal(time_for("30s"), 27000);
	assert_int_equal(time_for("31s"), 27000);
	assert_int_equal(time_for("1h"), 27000);
}

/* Too short to decide anything: the deadline has passed already, which the evaluation answers. */
static void a_timeout_shorter_than_the_reserve_is_over_at_once(void **state)
{
	(void)state;
	assert_int_equal(time_for("100ms"), 0);
	assert_int_equal(time_for("1ms"), -99);
	assert_int_equal(time_for("0s"), -100);
}

static void without_a_timeout_it_is_ten_seconds(void **state)
{
	struct http_request request = {.started_ms = START};
	int64_t deadline;
	struct err e;

	(void)state;
	assert_true(review_deadline(&request, &deadline, &e));
	assert_int_equal(deadline, START + 9000);
}

/* 0 would mean no deadline at all. */
static void a_deadline_is_never_none(void **state)
{
	struct http_parameter parameter = {.name = STR("timeout"), .value = STR("0s"), .has_value = true};
	struct http_request request = {.started_ms = 100, .query = &parameter, .query_count = 1};
	int64_t deadline;
	struct err e;

	(void)state;
	assert_true(review_deadline(&request, &deadline, &e));
	assert_int_equal(deadline, 1);
}

static void refuses_timeouts_that_are_no_duration(void **state)
{
	static const char *const bad[] = {
		NULL, "", "10", "s", "-1s", "10 s", "10s ", "1e3s", "10S", "tens", "9999999999999999999h"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (time_for(bad[i]) != -1)
			fail_msg("accepted: %s", bad[i] ? bad[i] : "none");
}

static void a_namespace_is_exempt_by_its_whole_name(void **state)
{
	static const char *const names[] = {"kube-system", ""};
	const struct review_service service = {.exempt_namespaces = names, .exempt_namespace_count = 2};

	(void)state;
	assert_true(review_namespace_exempt(&service, STR("kube-system")));
	assert_false(review_namespace_exempt(&service, STR("kube-system2")));
	assert_false(review_namespace_exempt(&service, STR("kube")));
	assert_false(review_namespace_exempt(&service, STR("Kube-system")));
	assert_false(review_namespace_exempt(&service, STR("kube-system\0")));
	assert_false(review_namespace_exempt(&service, STR("")));
	assert_false(review_namespace_exempt(&(struct review_service){0}, STR("kube-system")));
}

static void a_problem_of_an_object_has_its_words(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *text, *wanted;
		enum finding_class class;
	} rows[] = {
		{ERR_TOO_LARGE, WORKLOAD_TOO_MANY,
		 "Too many images: the object has more than 10000, the most that one object may have",
		 FINDING_TOO_MANY},
		{ERR_TOO_LARGE, "there is no room", "Too complex: there is no room", FINDING_TOO_COMPLEX},
		{ERR_INTERNAL, "out of memory", "Too complex: out of memory", FINDING_TOO_COMPLEX},
		{ERR_INVALID, "spec is missing", "Object can't be read: spec is missing", FINDING_UNREADABLE},
	};
	struct arena arena = arena_init(65536);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct decision decision = {.allowed = true};
		struct err e = ERR_INIT;

		(void)err_set(&e, rows[i].kind, "%s", rows[i].text);
		decision_refuse_object(&e, &arena, &decision);
		assert_false(decision.allowed);
		assert_int_equal(decision.findings[0].class, rows[i].class);
		assert_true(str_eq_c(decision.findings[0].text, rows[i].wanted));
	}
	arena_release(&arena);
}

static void counts_by_result_and_class(void **state)
{
	static const struct {
		enum decision_kind kind;
		enum finding_class class;
		const char *wanted;
	} rows[] = {
		{DECISION_ALLOW, 0, "{result=\"allowed\",reason=\"none\"} 1"},
		{DECISION_EXEMPT, 0, "{result=\"allowed\",reason=\"exempt\"} 1"},
		{DECISION_WARN, 0, "{result=\"allowed\",reason=\"warn\"} 1"},
		{DECISION_AUDIT, 0, "{result=\"allowed\",reason=\"audit\"} 1"},
		{DECISION_BREAK_GLASS, 0, "{result=\"allowed\",reason=\"break-glass\"} 1"},
		{DECISION_DENY, FINDING_REFERENCE, "{result=\"refused\",reason=\"reference\"} 1"},
		{DECISION_DENY, FINDING_NO_DIGEST, "{result=\"refused\",reason=\"digest\"} 1"},
		{DECISION_DENY, FINDING_NO_POLICY, "{result=\"refused\",reason=\"policy\"} 1"},
		{DECISION_DENY, FINDING_SIGNATURES, "{result=\"refused\",reason=\"signatures\"} 1"},
		{DECISION_DENY, FINDING_TOO_LATE, "{result=\"refused\",reason=\"deadline\"} 1"},
		{DECISION_DENY, FINDING_TOO_MANY, "{result=\"refused\",reason=\"too_many\"} 1"},
		{DECISION_DENY, FINDING_TOO_COMPLEX, "{result=\"refused\",reason=\"too_complex\"} 1"},
		{DECISION_DENY, FINDING_NO_FACTS, "{result=\"refused\",reason=\"store\"} 1"},
		{DECISION_DENY, FINDING_BAD_POLICY, "{result=\"refused\",reason=\"policy\"} 1"},
		{DECISION_DENY, FINDING_UNREADABLE, "{result=\"refused\",reason=\"invalid\"} 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct review_service service = {.metrics = metrics_new()};
		struct finding findings[] = {{.class = FINDING_TOO_LATE, .enforcement = ENFORCE_WARN},
					     {.class = rows[i].class, .enforcement = ENFORCE_DENY}};
		struct decision decision = {.kind = rows[i].kind,
					    .allowed = rows[i].kind != DECISION_DENY,
					    .findings = findings,
					    .finding_count = 2};
		cleanup(buf) struct buf out = buf_init(1u << 20);

		review_count(&service, &decision, 100);
		metrics_write(service.metrics, 0, &out);
		if (!strstr(out.data, rows[i].wanted) || strstr(out.data, "reason=\"other\"} 1"))
			fail_msg("%s in %s", rows[i].wanted, out.data);
		metrics_free(service.metrics);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_comes_before_the_timeout),
		cmocka_unit_test(a_timeout_shorter_than_the_reserve_is_over_at_once),
		cmocka_unit_test(without_a_timeout_it_is_ten_seconds),
		cmocka_unit_test(a_deadline_is_never_none),
		cmocka_unit_test(refuses_timeouts_that_are_no_duration),
		cmocka_unit_test(a_namespace_is_exempt_by_its_whole_name),
		cmocka_unit_test(a_problem_of_an_object_has_its_words),
		cmocka_unit_test(counts_by_result_and_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
