#include "server/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"

#define NOW 1764000000
#define EARLIER 1763000000
#define FILE_MAX (1u * 1024 * 1024)

static const struct scan_subject web = {.api_version = "apps/v1",
					.kind = "Deployment",
					.namespace_ = {"shop", 4},
					.name = {"web", 3},
					.uid = {"u-1", 3}};

static struct finding finding_of(enum enforcement enforcement, const char *path, const char *image, const char *text)
{
	return (struct finding){.class = FINDING_SIGNATURES,
				.enforcement = enforcement,
				.path = str_of(path),
				.image = str_of(image),
				.policy = STR("signed"),
				.text = str_of(text)};
}

static void add(struct scan_findings *findings, const struct scan_subject *about, const struct finding *items,
		size_t count)
{
	struct decision decision = {.findings = items, .finding_count = count, .allowed = true};
	struct err e;

	for (size_t i = 0; i < count; i++)
		decision.allowed = decision.allowed && items[i].enforcement != ENFORCE_DENY;
	assert_true(scan_findings_add(findings, about, &decision, &e));
}

static int setup(void **state)
{
	*state = scan_findings_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	scan_findings_free(*state);
	return 0;
}

static json_t *build(enum report_flavour flavour, struct scan_findings *findings, const json_t *there, int64_t now)
{
	cleanup(report_since) struct report_since since = {0};
	struct err e;
	json_t *report;

	assert_true(report_since_read(there, &since, &e));
	report = report_build(flavour, scan_findings_at(findings, 0), &since, now, &e);
	assert_non_null(report);
	return report;
}

static json_t *golden(const char *name)
{
	cleanup(buf) struct buf text = buf_init(FILE_MAX);
	struct err e = ERR_INIT;
	char path[128];
	json_t *value = NULL;

	(void)snprintf(path, sizeof(path), "tests/data/reports/%s", name);
	assert_true(file_read(path, &text, &e));
	assert_true(json_read(buf_str(&text), &value, &e));
	return value;
}

/* One of each, in a namespace with an object that passes. */
static void fill(struct scan_findings *findings)
{
	const struct scan_subject other = {
		.api_version = "v1", .kind = "Pod", .namespace_ = STR("shop"), .name = STR("once"), .uid = STR("u-2")};
	struct finding found[] = {
		finding_of(ENFORCE_DENY, "spec.template.spec.containers[0].image", "shop/web:1",
			   "No matched signatures for container image: shop/web:1 (…)"),
		finding_of(ENFORCE_WARN, "spec.template.spec.containers[1].image", "shop/log:1", "warned"),
		finding_of(ENFORCE_DENY, "", "", "Too late to decide: the deadline has passed"),
	};

	found[2].class = FINDING_TOO_LATE;
	found[2].policy = STR("");
	add(findings, &web, found, 3);
	add(findings, &other, NULL, 0);
}

static void a_report_has_the_fields_of_its_crd(void **state)
{
	static const char *const names[] = {
		[REPORT_WGPOLICY] = "policyreport.json", [REPORT_OPENREPORTS] = "report.json"};

	fill(*state);
	for (unsigned i = 0; i < REPORT_FLAVOURS; i++) {
		cleanup(json) json_t *report = build(i, *state, NULL, NOW);
		cleanup(json) json_t *wanted = golden(names[i]);

		if (!json_equal(report, wanted))
			(void)json_dumpf(report, stderr, JSON_INDENT(2));
		assert_true(json_equal(report, wanted));
	}
}

static json_t *result_at(json_t *report, size_t index)
{
	return json_array_get(json_object_get(report, "results"), index);
}

static const char *since_of(json_t *report, size_t index)
{
	return json_string_value(json_object_get(json_object_get(result_at(report, index), "properties"), "since"));
}

static void since_is_kept_from_the_report_that_is_there(void **state)
{
	struct finding first = finding_of(ENFORCE_DENY, "spec.containers[0].image", "a:1", "no attestation found");
	struct finding next[] = {
		finding_of(ENFORCE_WARN, "spec.containers[0].image", "a:1", "in other words"),
		finding_of(ENFORCE_DENY, "spec.containers[0].image", "a:2", "another image"),
		finding_of(ENFORCE_DENY, "spec.containers[1].image", "a:1", "another place"),
	};
	cleanup(scan_findings) struct scan_findings *later = scan_findings_new();
	cleanup(json) json_t *old = NULL, *report = NULL;

	add(*state, &web, &first, 1);
	old = build(REPORT_WGPOLICY, *state, NULL, EARLIER);
	add(later, &web, next, 3);
	report = build(REPORT_OPENREPORTS, later, old, NOW);
	assert_string_equal(since_of(report, 0), "2025-11-13T02:13:20Z");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(result_at(report, 0), "timestamp"), "seconds")),
		EARLIER);
	assert_string_equal(since_of(report, 1), "2025-11-24T16:00:00Z");
	assert_string_equal(since_of(report, 2), "2025-11-24T16:00:00Z");
}

static void a_time_that_cannot_be_is_not_kept(void **state)
{
	static const char *const times[] = {"2099-01-01T00:00:00Z", "yesterday", "", "0001-01-01T00:00:00Z"};
	struct finding found = finding_of(ENFORCE_DENY, "p", "a:1", "no");

	add(*state, &web, &found, 1);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		cleanup(json) json_t *old = build(REPORT_WGPOLICY, *state, NULL, EARLIER);
		cleanup(json) json_t *report = NULL;

		assert_int_equal(json_object_set_new(json_object_get(result_at(old, 0), "properties"), "since",
						     json_string(times[i])),
				 0);
		report = build(REPORT_WGPOLICY, *state, old, NOW);
		assert_string_equal(since_of(report, 0), "2025-11-24T16:00:00Z");
	}
}

static void nothing_in_a_foreign_report_can_break_one(void **state)
{
	static const char *const texts[] = {"{}",
					    "[]",
					    "7",
					    "{\"results\":7}",
					    "{\"results\":[7,{},[],null]}",
					    "{\"results\":[{\"resources\":[7],\"properties\":{\"since\":\"x\"}}]}",
					    "{\"results\":[{\"resources\":{},\"properties\":{\"since\":7}}]}"};
	struct finding found = finding_of(ENFORCE_DENY, "p", "a:1", "no");

	add(*state, &web, &found, 1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cleanup(json) json_t *old = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		cleanup(json) json_t *report = build(REPORT_WGPOLICY, *state, old, NOW);

		assert_string_equal(since_of(report, 0), "2025-11-24T16:00:00Z");
		assert_false(report_same(report, old));
	}
}

static void only_a_report_that_says_something_else_is_another(void **state)
{
	cleanup(json) json_t *report = NULL, *there = NULL;

	fill(*state);
	report = build(REPORT_WGPOLICY, *state, NULL, NOW);
	there = json_deep_copy(report);
	(void)json_object_set_new(json_object_get(there, "metadata"), "resourceVersion", json_string("7"));
	assert_true(report_same(report, there));
	(void)json_object_set_new(json_object_get(there, "summary"), "fail", json_integer(9));
	assert_false(report_same(report, there));
	json_decref(there);
	there = json_deep_copy(report);
	(void)json_object_set_new(result_at(there, 0), "message", json_string("edited"));
	assert_false(report_same(report, there));
	json_decref(there);
	there = json_deep_copy(report);
	(void)json_object_del(json_object_get(there, "metadata"), "labels");
	assert_false(report_same(report, there));
}

static void a_clean_namespace_has_counts_and_no_results(void **state)
{
	cleanup(json) json_t *report = NULL, *there = NULL;

	add(*state, &web, NULL, 0);
	report = build(REPORT_WGPOLICY, *state, NULL, NOW);
	assert_null(json_object_get(report, "results"));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(report, "summary"), "pass")), 1);
	there = json_deep_copy(report);
	(void)json_object_set_new(there, "results", json_array());
	assert_true(report_same(report, there));
	(void)json_array_append_new(json_object_get(there, "results"), json_object());
	assert_false(report_same(report, there));
}

static void results_are_bounded_and_the_last_one_says_how_many_more(void **state)
{
	struct finding found = finding_of(ENFORCE_DENY, "p", "a:1", "no");
	cleanup(json) json_t *full = NULL, *over = NULL;

	for (size_t i = 0; i < SCAN_FINDINGS; i++)
		add(*state, &web, &found, 1);
	full = build(REPORT_WGPOLICY, *state, NULL, NOW);
	assert_int_equal(json_array_size(json_object_get(full, "results")), SCAN_FINDINGS);
	add(*state, &web, &found, 1);
	add(*state, &web, &found, 1);
	over = build(REPORT_WGPOLICY, *state, NULL, NOW);
	assert_int_equal(json_array_size(json_object_get(over, "results")), SCAN_FINDINGS + 1);
	assert_string_equal(json_string_value(json_object_get(result_at(over, SCAN_FINDINGS), "message")),
			    "and 2 more, which the summary counts");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(over, "summary"), "fail")),
			 SCAN_FINDINGS + 2);
}

static void a_report_fits_what_an_api_server_stores(void **state)
{
	char words[4000];
	struct finding found;
	cleanup(json) json_t *report = NULL;
	size_t results;

	memset(words, '"', sizeof(words) - 1);
	words[sizeof(words) - 1] = 0;
	found = finding_of(ENFORCE_DENY, "p", "a:1", words);
	for (size_t i = 0; i < SCAN_FINDINGS; i++)
		add(*state, &web, &found, 1);
	report = build(REPORT_WGPOLICY, *state, NULL, NOW);
	assert_true(json_dumpb(report, NULL, 0, JSON_COMPACT) < REPORT_BODY_MAX);
	results = json_array_size(json_object_get(report, "results"));
	assert_in_range(results, 100, SCAN_FINDINGS - 1);
	assert_true(str_ends_with(json_text(result_at(report, 0), "message"), STR("...")));
	assert_true(str_starts_with(json_text(result_at(report, results - 1), "message"), STR("and ")));
}

static void counts_stay_exact_when_there_is_no_room_left(void **state)
{
	struct finding found = finding_of(ENFORCE_WARN, "p", "a:1", "a few words that take some room");
	struct scan_subject about = web;
	char name[32];
	uint64_t kept = 0;

	for (size_t n = 0; n < 200; n++) {
		(void)snprintf(name, sizeof(name), "ns-%zu", n);
		about.namespace_ = str_of(name);
		for (size_t i = 0; i < SCAN_FINDINGS; i++)
			add(*state, &about, &found, 1);
	}
	for (size_t n = 0; n < scan_findings_count(*state); n++) {
		kept += scan_findings_at(*state, n)->kept;
		assert_int_equal(scan_findings_at(*state, n)->counts[SCAN_WARN], SCAN_FINDINGS);
	}
	assert_int_equal(scan_findings_count(*state), 200);
	assert_in_range(kept, 20000, 199000);
	assert_int_equal(scan_findings_objects(*state, SCAN_WARN), 200 * SCAN_FINDINGS);
}

static void too_many_namespaces_are_an_error(void **state)
{
	struct err e = ERR_INIT;
	char name[32];

	for (size_t n = 0; n < SCAN_NAMESPACES; n++) {
		(void)snprintf(name, sizeof(name), "ns-%zu", n);
		assert_true(scan_findings_skip(*state, str_of(name), &e));
	}
	assert_true(scan_findings_skip(*state, STR("ns-7"), &e));
	assert_false(scan_findings_skip(*state, STR("one-more"), &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static void a_refusal_without_words_is_no_pass(void **state)
{
	const struct decision decision = {0};
	struct err e;

	assert_true(scan_findings_add(*state, &web, &decision, &e));
	assert_int_equal(scan_findings_objects(*state, SCAN_ERROR), 1);
	assert_int_equal(scan_findings_at(*state, 0)->counts[SCAN_PASS], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_report_has_the_fields_of_its_crd, setup, teardown),
		cmocka_unit_test_setup_teardown(since_is_kept_from_the_report_that_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_time_that_cannot_be_is_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_in_a_foreign_report_can_break_one, setup, teardown),
		cmocka_unit_test_setup_teardown(only_a_report_that_says_something_else_is_another, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clean_namespace_has_counts_and_no_results, setup, teardown),
		cmocka_unit_test_setup_teardown(results_are_bounded_and_the_last_one_says_how_many_more, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_report_fits_what_an_api_server_stores, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_stay_exact_when_there_is_no_room_left, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_namespaces_are_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_without_words_is_no_pass, setup, teardown),
	};

	return cmocka_run_group_tests_name("server/report", tests, NULL, NULL);
}
