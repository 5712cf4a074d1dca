#include "cli/scan_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/verb.h"

#define OUT_MAX 65536u

static void add(struct scan_findings *findings, const char *name, enum finding_class class,
		enum enforcement enforcement)
{
	const struct scan_subject about = {
		.api_version = "v1", .kind = "Pod", .namespace_ = STR("shop"), .name = str_of(name), .uid = STR("u")};
	const struct finding finding = {.class = class,
					.enforcement = enforcement,
					.path = STR("spec.containers[0].image"),
					.image = STR("a:1"),
					.policy = STR("signed"),
					.text = STR("no attestation")};
	const struct decision decision = {
		.findings = &finding, .finding_count = 1, .allowed = enforcement != ENFORCE_DENY};
	struct err e;

	assert_true(scan_findings_add(findings, &about, &decision, &e));
}

static json_t *no_report(void *context, struct str namespace_)
{
	(void)context;
	(void)namespace_;
	return NULL;
}

/* Knows one of the pods since a while. */
static json_t *a_report(void *context, struct str namespace_)
{
	(void)context;
	return str_eq_c(namespace_, "shop")
		       ? json_pack("{s:[{s:s, s:[{s:s, s:s}], s:{s:s, s:s, s:s}}]}", "results", "policy", "signed",
				   "resources", "kind", "Pod", "name", "old", "properties", "path",
				   "spec.containers[0].image", "image", "a:1", "since", "2025-11-13T02:13:20Z")
		       : NULL;
}

static void each_finding_is_a_row_with_its_time(void **state)
{
	cleanup(scan_findings) struct scan_findings *findings = scan_findings_new();
	const struct scan_summary summary = {.findings = findings, .objects = 2, .report = a_report};
	cleanup(buf) struct buf out = buf_init(OUT_MAX);
	struct err e;

	(void)state;
	add(findings, "old", FINDING_SIGNATURES, ENFORCE_DENY);
	add(findings, "new\x1b[2J", FINDING_SIGNATURES, ENFORCE_WARN);
	assert_true(scan_table_write(&summary, &out, &e));
	assert_non_null(strstr(out.data, "Pod/old"));
	assert_non_null(strstr(out.data, "refused  2025-11-13T02:13:20Z  no attestation"));
	assert_non_null(strstr(out.data, "warned   -"));
	assert_null(strchr(out.data, '\x1b'));
	assert_non_null(strstr(out.data, "\n2 objects: 0 allowed, 1 refused, 1 warned, 0 unknown; 0 skipped\n"));
}

static void without_findings_there_is_the_last_line_alone(void **state)
{
	cleanup(scan_findings) struct scan_findings *findings = scan_findings_new();
	const struct scan_summary summary = {.findings = findings, .report = no_report, .left_out = STR("jobs: no")};
	cleanup(buf) struct buf out = buf_init(OUT_MAX);
	struct err e;

	(void)state;
	assert_true(scan_table_write(&summary, &out, &e));
	assert_string_equal(out.data, "0 objects: 0 allowed, 0 refused, 0 warned, 0 unknown; 0 skipped\n"
				      "not looked at: jobs: no\n");
}

static void what_does_not_fit_is_counted(void **state)
{
	cleanup(scan_findings) struct scan_findings *findings = scan_findings_new();
	const struct scan_summary summary = {.findings = findings, .report = no_report};
	cleanup(buf) struct buf out = buf_init(4u * 1024 * 1024);
	struct err e;

	(void)state;
	for (size_t i = 0; i < SCAN_FINDINGS + 3; i++)
		add(findings, "p", FINDING_SIGNATURES, ENFORCE_DENY);
	assert_true(scan_table_write(&summary, &out, &e));
	assert_non_null(strstr(out.data, "\nand 3 more findings\n"));
}

static void json_says_the_same(void **state)
{
	cleanup(scan_findings) struct scan_findings *findings = scan_findings_new();
	const struct scan_summary summary = {.findings = findings, .objects = 2, .report = a_report};
	cleanup(json) json_t *value = NULL;
	const json_t *list;
	struct err e;

	(void)state;
	add(findings, "old", FINDING_SIGNATURES, ENFORCE_DENY);
	add(findings, "new", FINDING_NO_FACTS, ENFORCE_DENY);
	value = scan_table_json(&summary, &e);
	assert_non_null(value);
	assert_int_equal(json_integer_value(json_object_get(value, "refused")), 1);
	assert_int_equal(json_integer_value(json_object_get(value, "unknown")), 1);
	list = json_object_get(value, "findings");
	assert_true(str_eq_c(json_text(json_array_get(list, 0), "since"), "2025-11-13T02:13:20Z"));
	assert_true(json_is_null(json_object_get(json_array_get(list, 1), "since")));
	assert_true(str_eq_c(json_text(json_array_get(list, 1), "verdict"), "unknown"));
}

static void the_exit_status_says_what_would_be_refused_or_that_nobody_knows(void **state)
{
	static const struct {
		bool has_finding;
		enum finding_class class;
		enum enforcement enforcement;
		const char *left_out;
		int status;
	} rows[] = {
		{false, 0, 0, "", EXIT_YES},
		{true, FINDING_SIGNATURES, ENFORCE_WARN, "", EXIT_YES},
		{true, FINDING_SIGNATURES, ENFORCE_DENY, "", EXIT_NO},
		{true, FINDING_UNREADABLE, ENFORCE_DENY, "jobs", EXIT_NO},
		{true, FINDING_TOO_LATE, ENFORCE_DENY, "", EXIT_UNKNOWN},
		{false, 0, 0, "jobs", EXIT_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup(scan_findings) struct scan_findings *findings = scan_findings_new();
		const struct scan_summary summary = {.findings = findings, .left_out = str_of(rows[i].left_out)};

		if (rows[i].has_finding)
			add(findings, "p", rows[i].class, rows[i].enforcement);
		assert_int_equal(scan_table_status(&summary), rows[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finding_is_a_row_with_its_time),
		cmocka_unit_test(without_findings_there_is_the_last_line_alone),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(the_exit_status_says_what_would_be_refused_or_that_nobody_knows),
	};

	return cmocka_run_group_tests_name("cli/scan_table", tests, NULL, NULL);
}
