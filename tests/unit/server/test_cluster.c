/* The thread "cluster" over an API server inside the test, with the loader of policies as it is. */
#include "server/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "server/log.h"
#include "tests/unit/server/fake_api.h"

/* Looks that a test waits for something, 10 ms apart. */
#define LOOKS 3000

#define POLICY(type, name, generation, spec)                                                                        \
	"{\"type\":\"" type "\",\"object\":{\"metadata\":{\"name\":\"" name "\",\"uid\":\"u\",\"resourceVersion\":" \
	"\"5\",\"generation\":" generation "},\"spec\":" spec "}}\n"
#define DIGEST "{\"require\":{\"digest\":true}}"

struct bed {
	struct fake_api *api;
	struct review_service review;
	struct cluster_namespaces *namespaces;
	struct cluster *cluster;
};

static const struct trust_sources sources = {.own_namespace = "sealgate", .namespace_labels = true};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	log_setup("json", "error");
	bed->api = fake_new();
	bed->namespaces = cluster_namespaces_new();
	bed->review.metrics = metrics_new();
	bed->review.refusals = refusal_queue_new();
	bed->review.trust = trust_holder_open(&sources, NULL, NULL);
	*state = bed;
	return bed->review.trust ? 0 : -1;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	cluster_stop(bed->cluster);
	assert_true(bed->api->freed);
	trust_holder_close(bed->review.trust);
	refusal_queue_free(bed->review.refusals);
	cluster_namespaces_free(bed->namespaces);
	metrics_free(bed->review.metrics);
	fake_delete(bed->api);
	free(bed);
	return 0;
}

static void start(struct bed *bed)
{
	const struct cluster_means means = {.transport = &bed->api->transport,
					    .review = &bed->review,
					    .namespaces = bed->namespaces,
					    .own_namespace = "sealgate",
					    .instance = "pod-1",
					    .seed = 7};
	struct err e = ERR_INIT;

	bed->cluster = cluster_start(&means, &e);
	if (!bed->cluster)
		fail_msg("%s", e.text);
}

static bool is_ready(struct bed *bed)
{
	return cluster_is_ready(bed->cluster);
}

static size_t policies_in_force(struct bed *bed)
{
	cleanup(trust) struct trust *trust = trust_holder_pin(bed->review.trust, NULL);

	return trust->policies->policy_count;
}

static bool one_is_in_force(struct bed *bed)
{
	return policies_in_force(bed) == 1;
}

static bool two_are_in_force(struct bed *bed)
{
	return policies_in_force(bed) == 2;
}

static bool status_is_written(struct bed *bed)
{
	return fake_wrote(bed->api, "PATCH /apis/sealgate.dev/v1alpha1/clusterimagepolicies/prod/status"
				    "?fieldManager=sealgate&force=true");
}

static bool event_is_written(struct bed *bed)
{
	return fake_wrote(bed->api, "POST /apis/events.k8s.io/v1/namespaces/shop/events {");
}

static bool is_told_stale(struct bed *bed)
{
	cleanup(buf) struct buf out = buf_init(65536);

	cluster_report(bed->cluster, clock_monotonic_ms(), &out);
	return out.len > 0 && strstr(out.data, "not followed: clusterimagepolicies: ") != NULL;
}

static bool is_told_nothing(struct bed *bed)
{
	cleanup(buf) struct buf out = buf_init(65536);

	cluster_report(bed->cluster, clock_monotonic_ms(), &out);
	return out.len == 0;
}

static bool is_lost(struct bed *bed)
{
	struct err e = ERR_INIT;

	return cluster_is_lost(bed->cluster, &e);
}

static void await(struct bed *bed, bool (*holds)(struct bed *bed))
{
	const struct timespec moment = {0, 10 * 1000000L};

	for (int i = 0; i < LOOKS; i++) {
		if (holds(bed))
			return;
		(void)nanosleep(&moment, NULL);
	}
	fail_msg("what the test waits for does not come");
}

static void send(struct bed *bed, const char *plural, const char *text)
{
	const struct timespec moment = {0, 10 * 1000000L};

	for (int i = 0; i < LOOKS && !fake_send(bed->api, plural, text); i++)
		(void)nanosleep(&moment, NULL);
}

static void what_is_there_is_in_force_before_it_is_ready(void **state)
{
	struct bed *bed = *state;

	fake_put(bed->api, "clusterimagepolicies", POLICY("ADDED", "prod", "1", DIGEST));
	start(bed);
	await(bed, is_ready);
	assert_int_equal(policies_in_force(bed), 1);
	await(bed, status_is_written);
	assert_true(fake_wrote(bed->api, "\"reason\":\"InForce\""));
	assert_true(is_told_nothing(bed));
}

static void what_is_applied_and_deleted_comes_and_goes(void **state)
{
	struct bed *bed = *state;

	fake_put(bed->api, "clusterimagepolicies", POLICY("ADDED", "prod", "1", DIGEST));
	start(bed);
	await(bed, is_ready);
	send(bed, "clusterimagepolicies", POLICY("ADDED", "more", "1", DIGEST));
	await(bed, two_are_in_force);
	send(bed, "clusterimagepolicies", POLICY("DELETED", "prod", "1", DIGEST));
	await(bed, one_is_in_force);
}

static void an_object_that_the_loader_refuses_stops_no_other_and_says_so(void **state)
{
	struct bed *bed = *state;

	fake_put(bed->api, "clusterimagepolicies",
		 POLICY("ADDED", "bad", "1", "{\"require\":5}") POLICY("ADDED", "prod", "1", DIGEST));
	start(bed);
	await(bed, is_ready);
	await(bed, status_is_written);
	assert_true(fake_wrote(bed->api, "\"reason\":\"Invalid\""));
	assert_true(fake_wrote(bed->api, "\"reason\":\"InForce\""));
}

static void half_an_event_and_then_errors_leave_what_is_in_force(void **state)
{
	struct bed *bed = *state;

	fake_put(bed->api, "clusterimagepolicies", POLICY("ADDED", "prod", "1", DIGEST));
	start(bed);
	await(bed, is_ready);
	fake_fail_lists(bed->api, 500);
	send(bed, "clusterimagepolicies", "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"half" FAKE_END);
	await(bed, is_told_stale);
	assert_int_equal(policies_in_force(bed), 1);
	fake_fail_lists(bed->api, 0);
	await(bed, is_told_nothing);
	assert_int_equal(policies_in_force(bed), 1);
}

static void a_list_that_is_refused_keeps_it_from_being_ready(void **state)
{
	struct bed *bed = *state;

	fake_fail_lists(bed->api, 403);
	start(bed);
	await(bed, is_told_stale);
	assert_false(cluster_is_ready(bed->cluster));
}

static void a_refusal_becomes_an_event(void **state)
{
	struct bed *bed = *state;
	const struct refusal refusal = {.namespace_ = STR("shop"),
					.api_version = STR("v1"),
					.kind = STR("Namespace"),
					.name = STR("shop"),
					.note = STR("No policy selects container image: x")};

	start(bed);
	await(bed, is_ready);
	refusal_queue_offer(bed->review.refusals, &refusal);
	await(bed, event_is_written);
}

static void when_the_agent_ends_decisions_go_on(void **state)
{
	struct bed *bed = *state;

	fake_put(bed->api, "clusterimagepolicies", POLICY("ADDED", "prod", "1", DIGEST));
	start(bed);
	await(bed, is_ready);
	fake_lose(bed->api);
	await(bed, is_lost);
	await(bed, is_told_stale);
	assert_int_equal(policies_in_force(bed), 1);
}

static void it_stops_while_it_waits(void **state)
{
	start(*state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_there_is_in_force_before_it_is_ready),
		TEST(what_is_applied_and_deleted_comes_and_goes),
		TEST(an_object_that_the_loader_refuses_stops_no_other_and_says_so),
		TEST(half_an_event_and_then_errors_leave_what_is_in_force),
		TEST(a_list_that_is_refused_keeps_it_from_being_ready),
		TEST(a_refusal_becomes_an_event),
		TEST(when_the_agent_ends_decisions_go_on),
		TEST(it_stops_while_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
