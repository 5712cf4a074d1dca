#include "server/scan_matched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(items) (sizeof(items) / sizeof((items)[0]))

static struct image_policy policies[] = {
	{.name = {"signed", 6}, .namespace_ = {"", 0}},
	{.name = {"strict", 6}, .namespace_ = {"", 0}},
	{.name = {"strict", 6}, .namespace_ = {"shop", 4}},
};

static struct scan_matched *open_set(void)
{
	const struct policy_set set = {.policies = policies, .policy_count = COUNT(policies)};
	struct scan_matched *matched = scan_matched_new(&set);

	assert_non_null(matched);
	return matched;
}

static void assert_counts(const struct scan_matched *matched, const char *kind, const char *namespace_,
			  const char *name, uint64_t workloads, uint64_t refused)
{
	struct cluster_matched counts = {.workloads = 99};

	assert_true(scan_matched_find(matched, kind, str_of(namespace_), str_of(name), &counts));
	assert_int_equal(counts.workloads, workloads);
	assert_int_equal(counts.refused, refused);
}

static void a_policy_counts_what_it_selects_and_what_it_refuses(void **state)
{
	cleanup(scan_matched) struct scan_matched *matched = open_set();
	const struct str both[] = {STR("signed"), STR("strict")};
	const struct str one[] = {STR("signed"), STR("came later")};
	const struct finding findings[] = {
		{.enforcement = ENFORCE_DENY, .policy = STR("signed")},
		{.enforcement = ENFORCE_DENY, .policy = STR("signed")},
		{.enforcement = ENFORCE_WARN, .policy = STR("strict")},
	};
	const struct decision first = {
		.policies = both, .policy_count = 2, .findings = findings, .finding_count = COUNT(findings)};
	const struct decision second = {.policies = one, .policy_count = 2, .allowed = true};

	(void)state;
	scan_matched_count(matched, STR("web"), &first);
	scan_matched_count(matched, STR("web"), &second);
	assert_counts(matched, "ClusterImagePolicy", "", "signed", 2, 1);
	assert_counts(matched, "ClusterImagePolicy", "", "strict", 1, 0);
	assert_counts(matched, "ImagePolicy", "shop", "strict", 0, 0);
}

static void a_policy_of_a_namespace_counts_there_alone(void **state)
{
	cleanup(scan_matched) struct scan_matched *matched = open_set();
	const struct str strict = STR("strict");
	const struct decision decision = {.policies = &strict, .policy_count = 1, .allowed = true};

	(void)state;
	scan_matched_count(matched, STR("shop"), &decision);
	scan_matched_count(matched, STR("web"), &decision);
	assert_counts(matched, "ImagePolicy", "shop", "strict", 1, 0);
	assert_counts(matched, "ClusterImagePolicy", "", "strict", 2, 0);
}

static void a_policy_that_the_scan_did_not_know_has_no_counts(void **state)
{
	cleanup(scan_matched) struct scan_matched *matched = open_set();
	struct cluster_matched counts;

	(void)state;
	assert_false(scan_matched_find(matched, "ImagePolicy", STR("web"), STR("strict"), &counts));
	assert_false(scan_matched_find(matched, "ImagePolicy", STR(""), STR("other"), &counts));
	assert_false(scan_matched_find(matched, "ClusterImagePolicy", STR(""), STR("other"), &counts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_counts_what_it_selects_and_what_it_refuses),
		cmocka_unit_test(a_policy_of_a_namespace_counts_there_alone),
		cmocka_unit_test(a_policy_that_the_scan_did_not_know_has_no_counts),
	};

	return cmocka_run_group_tests_name("server/scan_matched", tests, NULL, NULL);
}
