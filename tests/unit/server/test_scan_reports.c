#include "server/scan_reports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/server/scripted_api.h"

#define NOW 1764000000
#define SELECT "?limit=10&labelSelector=app.kubernetes.io%2Fmanaged-by%3Dsealgate"
#define SELECT_ONE "?limit=1&labelSelector=app.kubernetes.io%2Fmanaged-by%3Dsealgate"
#define LIST_ONE "/apis/wgpolicyk8s.io/v1alpha2/policyreports"
#define LIST_TWO "/apis/openreports.io/v1alpha1/reports"
#define AT(space) "/apis/wgpolicyk8s.io/v1alpha2/namespaces/" space "/policyreports/sealgate"
#define AT_TWO(space) "/apis/openreports.io/v1alpha1/namespaces/" space "/reports/sealgate"
#define APPLY "?fieldManager=sealgate&force=true"
#define EMPTY "{\"metadata\":{},\"items\":[]}"
#define NO_SECOND                                                    \
	{                                                            \
		.path = LIST_TWO SELECT, .status = 404, .body = "{}" \
	}
/* A report without a word about anything. */
#define OLD(space) "{\"metadata\":{\"name\":\"sealgate\",\"namespace\":\"" space "\"},\"summary\":{}}"
#define PAGE(token, items) "{\"metadata\":{\"continue\":\"" token "\"},\"items\":[" items "]}"

struct bed {
	struct scripted_api *api;
	struct scan_findings *findings;
	struct scan_reports *reports;
	bool keep; /* what has gone */
	int64_t now_ms;
};

static void find(struct scan_findings *findings, const char *namespace_)
{
	const struct scan_subject about = {.api_version = "v1",
					   .kind = "Pod",
					   .namespace_ = str_of(namespace_),
					   .name = STR("p"),
					   .uid = STR("u")};
	const struct finding finding = {.enforcement = ENFORCE_DENY,
					.class = FINDING_SIGNATURES,
					.path = STR("spec.containers[0].image"),
					.image = STR("a:1"),
					.policy = STR("signed"),
					.text = STR("no")};
	const struct decision decision = {.findings = &finding, .finding_count = 1};
	struct err e;

	assert_true(scan_findings_add(findings, &about, &decision, &e));
}

static void run(struct bed *bed)
{
	struct err e;

	bed->reports = scan_reports_new(&bed->api->transport, bed->findings, !bed->keep, NOW);
	assert_non_null(bed->reports);
	for (int i = 0; i < 1000 && !scan_reports_done(bed->reports); i++) {
		int64_t next = scan_reports_step(bed->reports, bed->now_ms);

		if (next != INT64_MAX && next > bed->now_ms)
			bed->now_ms = next;
		assert_true(kube_transport_run(&bed->api->transport, next, &e));
	}
	assert_true(scan_reports_done(bed->reports));
	assert_int_equal(bed->api->at, bed->api->count);
}

static void close_bed(struct bed *bed)
{
	scan_reports_free(bed->reports);
	scan_findings_free(bed->findings);
	buf_release(&bed->api->sent);
}

static void assert_outcome(const struct bed *bed, size_t written, size_t unchanged, size_t removed, size_t failed)
{
	const struct scan_reports_outcome *outcome = scan_reports_outcome(bed->reports);

	assert_int_equal(outcome->written, written);
	assert_int_equal(outcome->unchanged, unchanged);
	assert_int_equal(outcome->removed, removed);
	assert_int_equal(outcome->failed, failed);
}

static void both_kinds_are_written_where_the_server_has_them(void **state)
{
	static const struct scripted_step script[] = {
		{.path = LIST_ONE SELECT, .status = 200, .body = EMPTY},
		{.method = "PATCH",
		 .path = AT("shop") APPLY,
		 .status = 201,
		 .body = "{}",
		 .sends = "{\"apiVersion\":\"wgpolicyk8s.io/"
			  "v1alpha2\",\"kind\":\"PolicyReport\",\"metadata\":{\"name\":\"sealgate\","},
		{.path = LIST_TWO SELECT, .status = 200, .body = EMPTY},
		{.method = "PATCH",
		 .path = AT_TWO("shop") APPLY,
		 .status = 201,
		 .body = "{}",
		 .sends = "\"source\":\"sealgate\""},
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new()};

	(void)state;
	find(bed.findings, "shop");
	run(&bed);
	assert_outcome(&bed, 2, 0, 0, 0);
	assert_int_equal(bed.now_ms, 4 * SCAN_REPORTS_PAUSE_MS);
	close_bed(&bed);
}

static void a_kind_that_the_server_has_not_is_left_out(void **state)
{
	static const struct scripted_step script[] = {
		{.path = LIST_ONE SELECT, .status = 404, .body = "404 page not found"},
		NO_SECOND,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new()};

	(void)state;
	find(bed.findings, "shop");
	run(&bed);
	assert_outcome(&bed, 0, 0, 0, 0);
	assert_false(scan_reports_outcome(bed.reports)->there[REPORT_WGPOLICY]);
	close_bed(&bed);
}

/* What a report about `find` says, once it has been written. */
static json_t *report_of(struct scan_findings *findings)
{
	cleanup(report_since) struct report_since since = {0};
	struct err e;

	assert_true(report_since_read(NULL, &since, &e));
	return report_build(REPORT_WGPOLICY, scan_findings_at(findings, 0), &since, NOW - 1000, &e);
}

static void a_report_that_says_the_same_is_not_written(void **state)
{
	static struct scripted_step script[] = {{.path = LIST_ONE SELECT, .status = 200}, NO_SECOND};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new()};
	cleanup(json) json_t *list = NULL;
	cleanup(memory) char *text = NULL;

	(void)state;
	find(bed.findings, "shop");
	list = json_pack("{s:{}, s:[o]}", "metadata", "items", report_of(bed.findings));
	text = json_dumps(list, JSON_COMPACT);
	script[0].body = text;
	run(&bed);
	assert_outcome(&bed, 0, 1, 0, 0);
	close_bed(&bed);
}

static void what_changed_is_written_and_what_has_gone_is_removed(void **state)
{
	static const struct scripted_step script[] = {
		{.path = LIST_ONE SELECT,
		 .status = 200,
		 .body = PAGE("t/1", OLD("gone") ",7,{\"metadata\":{\"name\":\"other\",\"namespace\":\"shop\"}}")},
		{.method = "DELETE", .path = AT("gone"), .status = 200, .body = "{}"},
		{.path = LIST_ONE SELECT "&continue=t%2F1", .status = 200, .body = PAGE("", OLD("shop"))},
		{.method = "PATCH", .path = AT("shop") APPLY, .status = 200, .body = "{}"},
		{.method = "PATCH", .path = AT("web") APPLY, .status = 201, .body = "{}"},
		NO_SECOND,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new()};

	(void)state;
	find(bed.findings, "shop");
	find(bed.findings, "web");
	run(&bed);
	assert_outcome(&bed, 2, 0, 1, 0);
	close_bed(&bed);
}

static void nothing_is_removed_when_a_kind_was_not_looked_at(void **state)
{
	static const struct scripted_step script[] = {
		{.path = LIST_ONE SELECT, .status = 200, .body = PAGE("", OLD("gone"))},
		NO_SECOND,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new(), .keep = true};

	(void)state;
	run(&bed);
	assert_outcome(&bed, 0, 0, 0, 0);
	close_bed(&bed);
}

static void a_namespace_that_goes_meanwhile_is_no_failure(void **state)
{
	static const struct scripted_step script[] = {
		{.path = LIST_ONE SELECT, .status = 200, .body = PAGE("", OLD("gone"))},
		{.method = "DELETE", .path = AT("gone"), .status = 404, .body = "{}"},
		{.method = "PATCH", .path = AT("shop") APPLY, .status = 404, .body = "{}"},
		{.method = "PATCH", .path = AT("web") APPLY, .status = 409, .body = "{}"},
		{.method = "PATCH",
		 .path = AT("bad") APPLY,
		 .status = 422,
		 .body = "{\"kind\":\"Status\",\"message\":\"a field\"}"},
		NO_SECOND,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new()};

	(void)state;
	find(bed.findings, "shop");
	find(bed.findings, "web");
	find(bed.findings, "bad");
	run(&bed);
	assert_outcome(&bed, 0, 0, 0, 1);
	close_bed(&bed);
}

static void a_list_that_fails_gives_up_one_kind_only(void **state)
{
	static const struct scripted_step script[] = {
		{.path = LIST_ONE SELECT, .status = 503, .body = "{}"},
		{.path = LIST_ONE SELECT, .status = 200, .body = PAGE("t", "")},
		{.path = LIST_ONE SELECT "&continue=t", .status = 410, .body = "{}"},
		{.path = LIST_ONE SELECT, .error = ERR_TOO_LARGE},
		{.path = LIST_ONE SELECT_ONE, .error = ERR_TOO_LARGE},
		{.path = LIST_TWO SELECT, .status = 200, .body = EMPTY},
		{.method = "PATCH", .path = AT_TWO("shop") APPLY, .status = 201, .body = "{}"},
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new()};

	(void)state;
	find(bed.findings, "shop");
	run(&bed);
	assert_outcome(&bed, 1, 0, 0, 1);
	close_bed(&bed);
}

static void a_list_that_never_comes_is_given_up(void **state)
{
	static struct scripted_step script[SCAN_REPORTS_ATTEMPTS + 1];
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new()};

	(void)state;
	for (size_t i = 0; i < SCAN_REPORTS_ATTEMPTS; i++)
		script[i] = (struct scripted_step){.path = LIST_ONE SELECT, .status = 429, .body = "{}"};
	script[SCAN_REPORTS_ATTEMPTS] = (struct scripted_step)NO_SECOND;
	find(bed.findings, "shop");
	run(&bed);
	assert_outcome(&bed, 0, 0, 0, 1);
	close_bed(&bed);
}

static void one_that_is_stopped_leaves_nothing_behind(void **state)
{
	static const struct scripted_step script[] = {{.path = LIST_ONE SELECT, .status = 200, .body = EMPTY}};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .findings = scan_findings_new()};

	(void)state;
	bed.reports = scan_reports_new(&api.transport, bed.findings, true, NOW);
	assert_int_equal(scan_reports_step(bed.reports, 0), INT64_MAX);
	close_bed(&bed);
	assert_true(api.cancelled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_kinds_are_written_where_the_server_has_them),
		cmocka_unit_test(a_kind_that_the_server_has_not_is_left_out),
		cmocka_unit_test(a_report_that_says_the_same_is_not_written),
		cmocka_unit_test(what_changed_is_written_and_what_has_gone_is_removed),
		cmocka_unit_test(nothing_is_removed_when_a_kind_was_not_looked_at),
		cmocka_unit_test(a_namespace_that_goes_meanwhile_is_no_failure),
		cmocka_unit_test(a_list_that_fails_gives_up_one_kind_only),
		cmocka_unit_test(a_list_that_never_comes_is_given_up),
		cmocka_unit_test(one_that_is_stopped_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("server/scan_reports", tests, NULL, NULL);
}
