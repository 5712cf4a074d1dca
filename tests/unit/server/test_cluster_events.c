/* The writer of Events, with calls that end when the test says so. */
#include "server/cluster_events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/call.h"

#define CALLS 64u
#define NOW ((struct timestamp){1764000000, 0})

static struct call {
	char line[256]; /* "METHOD PATH" */
	kube_answer_handler *handler;
	void *context;
	bool cancelled;
} calls[CALLS];
static size_t call_count;

uint64_t kube_call(struct kube_transport *t, const struct kube_request *request, kube_answer_handler *handler,
		   void *context, struct err *e)
{
	struct call *call = &calls[call_count];

	(void)t;
	(void)e;
	assert_true(call_count < CALLS);
	assert_true(request->body.len > 0);
	*call = (struct call){.handler = handler, .context = context};
	(void)snprintf(call->line, sizeof(call->line), "%s %.*s", request->method, STR_ARG(request->path));
	return ++call_count;
}

void kube_transport_cancel(struct kube_transport *t, uint64_t id)
{
	(void)t;
	calls[id - 1].cancelled = true;
}

void kube_path_add(struct buf *out, const char *group, const char *version, struct str namespace_, const char *plural,
		   struct str name, const char *subresource)
{
	(void)subresource;
	buf_printf(out, "/%s/%s/%.*s/%s/%.*s", group, version, STR_ARG(namespace_), plural, STR_ARG(name));
}

static void answer(size_t i, enum err_kind kind)
{
	struct err e = {.kind = kind, .text = "as the test says"};

	calls[i].handler(calls[i].context, 0, NULL, -1, &e);
}

struct bed {
	struct refusal_queue *refusals;
	struct cluster_metrics metrics;
	struct cluster_events *events;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	bed->refusals = refusal_queue_new();
	const struct cluster_events_means means = {
		.refusals = bed->refusals, .metrics = &bed->metrics, .instance = "pod-1", .seed = 3};
	bed->events = cluster_events_new(&means);
	call_count = 0;
	*state = bed;
	return bed->refusals && bed->events ? 0 : -1;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	cluster_events_free(bed->events);
	refusal_queue_free(bed->refusals);
	free(bed);
	return 0;
}

static void refuse(struct bed *bed, const char *name)
{
	const struct refusal refusal = {.namespace_ = STR("shop"),
					.api_version = STR("batch/v1"),
					.kind = STR("Job"),
					.name = str_of(name),
					.note = STR("no")};

	refusal_queue_offer(bed->refusals, &refusal);
}

static uint64_t counted(struct bed *bed, enum cluster_write result)
{
	return atomic_load(&bed->metrics.events[result]);
}

static void an_event_is_created_and_then_its_series_told(void **state)
{
	struct bed *bed = *state;
	static const char created[] = "POST /events.k8s.io/v1/shop/events/";
	static const char patched[] = "PATCH /events.k8s.io/v1/shop/events/sealgate.";

	refuse(bed, "a");
	refuse(bed, "a");
	assert_int_equal(cluster_events_step(bed->events, 5000, NOW), INT64_MAX);
	assert_int_equal(call_count, 1);
	assert_string_equal(calls[0].line, created);
	answer(0, ERR_NONE);
	assert_int_equal(counted(bed, CLUSTER_WRITTEN), 1);
	refuse(bed, "a");
	assert_int_equal(cluster_events_step(bed->events, 6000, NOW), 5000 + 30000);
	assert_int_equal(call_count, 1);
	(void)cluster_events_step(bed->events, 35000, NOW);
	assert_int_equal(call_count, 2);
	assert_memory_equal(calls[1].line, patched, sizeof(patched) - 1);
}

static void a_few_are_written_at_the_same_time(void **state)
{
	struct bed *bed = *state;
	char name[16];

	for (unsigned i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "j%u", i);
		refuse(bed, name);
	}
	assert_int_equal(cluster_events_step(bed->events, 5000, NOW), INT64_MAX);
	assert_int_equal(call_count, EVENT_REQUESTS);
	answer(2, ERR_NONE);
	(void)cluster_events_step(bed->events, 5001, NOW);
	assert_int_equal(call_count, EVENT_REQUESTS + 1);
}

static void failures_and_what_is_left_out_are_counted(void **state)
{
	struct bed *bed = *state;

	for (unsigned i = 0; i < REFUSALS_WAITING + 5; i++)
		refuse(bed, "a");
	(void)cluster_events_step(bed->events, 5000, NOW);
	assert_int_equal(counted(bed, CLUSTER_LEFT_OUT), 5);
	answer(0, ERR_FORBIDDEN);
	assert_int_equal(counted(bed, CLUSTER_FAILED), 1);
	assert_int_equal(cluster_events_step(bed->events, 5001, NOW), 5000 + 30000);
	(void)cluster_events_step(bed->events, 35000, NOW);
	assert_int_equal(call_count, 2);
	answer(1, ERR_NOT_FOUND);
	assert_int_equal(counted(bed, CLUSTER_CHANGED), 1);
}

static void what_is_running_at_the_end_is_cancelled(void **state)
{
	struct bed *bed = *state;

	refuse(bed, "a");
	(void)cluster_events_step(bed->events, 5000, NOW);
	cluster_events_free(take(bed->events));
	assert_true(calls[0].cancelled);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_event_is_created_and_then_its_series_told),
		TEST(a_few_are_written_at_the_same_time),
		TEST(failures_and_what_is_left_out_are_counted),
		TEST(what_is_running_at_the_end_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
