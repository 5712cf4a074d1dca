/* The scan of the server with decisions of the test's choice: when one begins, and what comes of it. */
#include "server/scan_job.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/log.h"
#include "server/scan.h"
#include "tests/unit/server/scripted_api.h"

#define HOUR_MS 3600000
#define EMPTY "{\"metadata\":{},\"items\":[]}"
#define REST                                                                                        \
	{.path = "/apis/apps/v1/deployments?limit=500", .status = 200, .body = EMPTY},              \
		{.path = "/apis/apps/v1/statefulsets?limit=500", .status = 200, .body = EMPTY},     \
		{.path = "/apis/apps/v1/daemonsets?limit=500", .status = 200, .body = EMPTY},       \
		{.path = "/apis/batch/v1/jobs?limit=500", .status = 200, .body = EMPTY},            \
		{.path = "/apis/batch/v1/cronjobs?limit=500", .status = 200, .body = EMPTY},        \
		{.path = "/apis/apps/v1/replicasets?limit=500", .status = 200, .body = EMPTY},      \
		{.path = "/api/v1/replicationcontrollers?limit=500", .status = 200, .body = EMPTY}, \
	{                                                                                           \
		.path = "/api/v1/podtemplates?limit=500", .status = 200, .body = EMPTY              \
	}
#define NO_REPORTS                                                                      \
	{.path = "/apis/wgpolicyk8s.io/v1alpha2/policyreports?limit=10&labelSelector="  \
		 "app.kubernetes.io%2Fmanaged-by%3Dsealgate",                           \
	 .status = 404,                                                                 \
	 .body = "{}"},                                                                 \
	{                                                                               \
		.path = "/apis/openreports.io/v1alpha1/reports?limit=10&labelSelector=" \
			"app.kubernetes.io%2Fmanaged-by%3Dsealgate",                    \
		.status = 404, .body = "{}"                                             \
	}
#define PODS(items)                                                                                                \
	{                                                                                                          \
		.path = "/api/v1/pods?limit=500", .status = 200, .body = "{\"metadata\":{},\"items\":[" items "]}" \
	}
#define POD(space, image)                                                                      \
	"{\"metadata\":{\"name\":\"p\",\"namespace\":\"" space "\"},\"spec\":{\"containers\":" \
	"[{\"name\":\"c\",\"image\":\"" image "\"}]}}"

static struct image_policy policy = {.name = {"signed", 6}, .namespace_ = {"", 0}};
static struct policy_set policies = {.policies = &policy, .policy_count = 1};
static struct trust trust_in_force = {.policies = &policies, .references = 1};

struct trust *trust_holder_pin(struct trust_holder *holder, uint64_t *generation)
{
	(void)holder;
	(void)generation;
	return trust_ref(&trust_in_force);
}

/* Refuses what begins with "bad", in the name of the policy. */
void review_decide(struct review_service *service, const struct subject *subject, const struct image_uses *uses,
		   int64_t deadline_ms, struct arena *arena, struct decision *out)
{
	struct finding *finding = arena_alloc(arena, sizeof(*finding));

	(void)service;
	(void)subject;
	assert_true(deadline_ms > 0);
	assert_non_null(finding);
	*finding = (struct finding){.class = FINDING_SIGNATURES,
				    .policy = policy.name,
				    .text = STR("no"),
				    .path = uses->items[0].path,
				    .image = uses->items[0].text};
	*out = (struct decision){.allowed = !str_starts_with(uses->items[0].text, STR("bad")),
				 .findings = finding,
				 .policies = &policy.name,
				 .policy_count = 1};
	out->finding_count = !out->allowed;
}

struct bed {
	struct scripted_api *api;
	struct scan_job *owner;
	struct cluster_job job;
	struct cluster_metrics metrics;
	struct review_service review;
	struct cluster_job_means means;
	int64_t now_ms;
	uint64_t generation;
};

static const char *const exempt[] = {"kube-system"};

static void open_bed(struct bed *bed, int64_t interval_ms)
{
	log_setup("json", "error");
	bed->owner = scan_job_new(interval_ms, &bed->metrics);
	assert_non_null(bed->owner);
	bed->job = scan_job_interface(bed->owner);
	bed->review = (struct review_service){.exempt_namespaces = exempt, .exempt_namespace_count = 1};
	bed->means = (struct cluster_job_means){.transport = &bed->api->transport, .review = &bed->review};
	bed->now_ms = 1000;
	bed->generation = 1;
}

static void close_bed(struct bed *bed)
{
	bed->job.stop(bed->job.context, &bed->means);
	scan_job_free(bed->owner);
	buf_release(&bed->api->sent);
}

/* Until it wants to be called after `until_ms` only, which becomes the time; returns when. */
static int64_t run_until(struct bed *bed, int64_t until_ms)
{
	struct err e;

	for (;;) {
		int64_t next = bed->job.step(bed->job.context, &bed->means, bed->now_ms, bed->generation);

		if (next != INT64_MAX && next > until_ms) {
			bed->now_ms = until_ms;
			return next;
		}
		if (next != INT64_MAX && next > bed->now_ms)
			bed->now_ms = next;
		assert_true(kube_transport_run(&bed->api->transport, next, &e));
		sched_yield(); /* its thread may have a page */
	}
}

static void a_scan_is_made_at_start_and_after_each_interval(void **state)
{
	static const struct scripted_step script[] = {
		PODS(POD("shop", "bad:1") "," POD("shop", "good:1") "," POD("kube-system", "bad:2")),
		REST,
		NO_REPORTS,
		PODS(""),
		REST,
		NO_REPORTS,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};
	struct cluster_matched counts;

	(void)state;
	open_bed(&bed, HOUR_MS);
	assert_false(bed.job.matched(bed.job.context, "ClusterImagePolicy", STR(""), STR("signed"), &counts));
	assert_int_equal(bed.job.revision(bed.job.context), 0);
	assert_int_equal(run_until(&bed, 60000), 1000 + HOUR_MS);
	assert_int_equal(atomic_load(&bed.metrics.scanned[SCANNED_ALLOWED]), 1);
	assert_int_equal(atomic_load(&bed.metrics.scanned[SCANNED_REFUSED]), 1);
	assert_true(atomic_load(&bed.metrics.scanned_ms) > 1000);
	assert_true(bed.job.matched(bed.job.context, "ClusterImagePolicy", STR(""), STR("signed"), &counts));
	assert_int_equal(counts.workloads, 2);
	assert_int_equal(counts.refused, 1);
	assert_int_equal(bed.job.revision(bed.job.context), 1);

	assert_int_equal(run_until(&bed, HOUR_MS + 60000), 1000 + 2 * HOUR_MS);
	assert_int_equal(bed.job.revision(bed.job.context), 2);
	assert_int_equal(api.at, api.count);
	close_bed(&bed);
}

static void changes_of_trust_are_one_scan_five_seconds_later(void **state)
{
	static const struct scripted_step script[] = {PODS(""), REST, NO_REPORTS, PODS(""), REST, NO_REPORTS};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	open_bed(&bed, HOUR_MS);
	(void)run_until(&bed, 60000);
	bed.generation = 2;
	assert_int_equal(run_until(&bed, 62000), 65000);
	bed.generation = 3;
	assert_int_equal(run_until(&bed, 64000), 65000);
	assert_int_equal(run_until(&bed, 90000), 65000 + HOUR_MS);
	assert_int_equal(api.at, api.count);
	close_bed(&bed);
}

static void a_scan_that_fails_changes_nothing_and_is_tried_again(void **state)
{
	static struct scripted_step script[SCAN_ATTEMPTS + 12] = {PODS(POD("shop", "good:1")), REST, NO_REPORTS};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	for (size_t i = 11; i < 11 + SCAN_ATTEMPTS; i++)
		script[i] = (struct scripted_step){.path = "/api/v1/pods?limit=500", .status = 500, .body = "{}"};
	api.count = 11 + SCAN_ATTEMPTS;
	open_bed(&bed, HOUR_MS);
	(void)run_until(&bed, 60000);
	bed.generation = 2;
	assert_in_range(run_until(&bed, 200000), 300000, 500000);
	assert_int_equal(api.at, api.count);
	assert_int_equal(atomic_load(&bed.metrics.scanned[SCANNED_ALLOWED]), 1);
	assert_int_equal(bed.job.revision(bed.job.context), 1);
	close_bed(&bed);
}

static void without_an_interval_there_is_no_scan(void **state)
{
	static const struct scripted_step script[] = {PODS("")};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	open_bed(&bed, 0);
	assert_int_equal(bed.job.step(bed.job.context, &bed.means, 1000, 1), INT64_MAX);
	assert_int_equal(bed.job.step(bed.job.context, &bed.means, 2000, 2), INT64_MAX);
	close_bed(&bed);
}

static void a_scan_is_stopped_wherever_it_is(void **state)
{
	static const struct scripted_step script[] = {PODS(POD("shop", "good:1")), REST, NO_REPORTS};

	(void)state;
	for (int steps = 0; steps < 40; steps++) {
		struct scripted_api api = SCRIPTED_API(script);
		struct bed bed = {.api = &api};
		struct err e;

		open_bed(&bed, HOUR_MS);
		for (int i = 0; i < steps; i++) {
			(void)bed.job.step(bed.job.context, &bed.means, bed.now_ms += 200, 1);
			if (i % 2)
				assert_true(kube_transport_run(&api.transport, 0, &e));
		}
		close_bed(&bed);
		assert_false(api.waiting);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scan_is_made_at_start_and_after_each_interval),
		cmocka_unit_test(changes_of_trust_are_one_scan_five_seconds_later),
		cmocka_unit_test(a_scan_that_fails_changes_nothing_and_is_tried_again),
		cmocka_unit_test(without_an_interval_there_is_no_scan),
		cmocka_unit_test(a_scan_is_stopped_wherever_it_is),
	};

	return cmocka_run_group_tests_name("server/scan_job", tests, NULL, NULL);
}
