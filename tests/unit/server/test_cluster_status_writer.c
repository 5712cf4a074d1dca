/* The writer of statuses, with calls that end when the test says so. */
#include "server/cluster_status_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/call.h"

#define NOW 1764000000
#define CALLS 64u

static struct call {
	char path[256];
	json_t *body;
	kube_answer_handler *handler;
	void *context;
	bool cancelled;
} calls[CALLS];
static size_t call_count;
static bool refuse_calls;

uint64_t kube_call(struct kube_transport *t, const struct kube_request *request, kube_answer_handler *handler,
		   void *context, struct err *e)
{
	struct call *call = &calls[call_count];

	(void)t;
	if (refuse_calls) {
		(void)err_set(e, ERR_UNAVAILABLE, "no room");
		return 0;
	}
	assert_true(call_count < CALLS);
	assert_string_equal(request->method, "PATCH");
	assert_string_equal(request->content_type, "application/apply-patch+yaml");
	*call = (struct call){.handler = handler, .context = context};
	(void)snprintf(call->path, sizeof(call->path), "%.*s", STR_ARG(request->path));
	assert_true(json_read(request->body, &call->body, NULL));
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
	buf_printf(out, "/%s/%s/%.*s/%s/%.*s/%s", group, version, STR_ARG(namespace_), plural, STR_ARG(name),
		   subresource);
}

static void answer(size_t i, enum err_kind kind)
{
	struct err e = {.kind = kind, .text = "as the test says"};

	calls[i].handler(calls[i].context, 0, NULL, -1, &e);
}

/* What the job of the test found. */
static struct cluster_matched matched;
static uint64_t revision;

static uint64_t job_revision(void *context)
{
	(void)context;
	return revision;
}

static bool job_matched(void *context, const char *kind, struct str namespace_, struct str name,
			struct cluster_matched *out)
{
	(void)context;
	(void)kind;
	(void)namespace_;
	(void)name;
	*out = matched;
	return revision > 0;
}

static const struct cluster_job job = {.revision = job_revision, .matched = job_matched};

struct bed {
	struct cluster_objects objects;
	struct cluster_metrics metrics;
	struct cluster_status_writer *writer;
	struct trust trust;
	struct trust_outcome outcomes[CALLS];
};

static char in_force[] = "in force";

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct cluster_status_means means = {.objects = &bed->objects, .metrics = &bed->metrics, .job = &job};

	cluster_objects_init(&bed->objects);
	bed->writer = cluster_status_writer_new(&means);
	bed->trust.references = 1;
	bed->trust.outcomes = bed->outcomes;
	for (size_t i = 0; i < CALLS; i++)
		bed->outcomes[i] = (struct trust_outcome){
			.state = TRUST_IN_FORCE, .reason = TRUST_REASON_IN_FORCE, .message = in_force};
	call_count = 0;
	refuse_calls = false;
	revision = 0;
	*state = bed;
	return bed->writer ? 0 : -1;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	cluster_status_writer_free(bed->writer);
	cluster_objects_release(&bed->objects);
	trust_objects_unref(bed->trust.objects);
	for (size_t i = 0; i < call_count; i++)
		json_decref(calls[i].body);
	free(bed);
	return 0;
}

static void see(struct bed *bed, const char *name, int generation, json_t *status)
{
	cleanup(json) json_t *object =
		json_pack("{s:{s:s, s:s, s:s, s:i, s:s}, s:{}}", "metadata", "name", name, "namespace", "shop", "uid",
			  name, "generation", generation, "resourceVersion", "9", "spec");

	if (status)
		json_object_set(object, "status", status);
	cluster_objects_present(&bed->objects, TRUST_OBJECT_POLICY, object);
}

/* What is known is in force. */
static void put_in_force(struct bed *bed)
{
	struct trust_objects *fresh = NULL;
	struct err e = ERR_INIT;

	if (!cluster_objects_snapshot(&bed->objects, &fresh, &e))
		fail_msg("%s", e.text);
	trust_objects_unref(bed->trust.objects);
	bed->trust.objects = fresh;
	cluster_status_writer_trust(bed->writer, &bed->trust);
}

static int64_t step(struct bed *bed, int64_t now_ms)
{
	return cluster_status_writer_step(bed->writer, now_ms, NOW);
}

static uint64_t writes(struct bed *bed, enum cluster_write result)
{
	return atomic_load(&bed->metrics.status_writes[result]);
}

static void a_status_is_written_once_and_then_stands(void **state)
{
	struct bed *bed = *state;

	see(bed, "a", 1, NULL);
	put_in_force(bed);
	(void)step(bed, 100000);
	assert_int_equal(call_count, 1);
	assert_string_equal(calls[0].path,
			    "/sealgate.dev/v1alpha1/shop/imagepolicies/a/status?fieldManager=sealgate&force=true");
	(void)step(bed, 100001);
	assert_int_equal(call_count, 1);
	answer(0, ERR_NONE);
	assert_int_equal(writes(bed, CLUSTER_WRITTEN), 1);
	see(bed, "a", 1, json_object_get(calls[0].body, "status"));
	(void)step(bed, 101000);
	put_in_force(bed);
	(void)step(bed, 300000);
	assert_int_equal(call_count, 1);
}

static void nothing_is_written_for_a_generation_that_was_not_judged(void **state)
{
	struct bed *bed = *state;

	see(bed, "a", 1, NULL);
	(void)step(bed, 100000);
	put_in_force(bed);
	see(bed, "a", 2, NULL);
	(void)step(bed, 100000);
	assert_int_equal(call_count, 0);
	put_in_force(bed);
	(void)step(bed, 100000);
	assert_int_equal(call_count, 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(calls[0].body, "status"), "observedGeneration")), 2);
}

static void eight_are_written_at_the_same_time(void **state)
{
	struct bed *bed = *state;
	char name[16];

	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "p%02u", i);
		see(bed, name, 1, NULL);
	}
	put_in_force(bed);
	(void)step(bed, 100000);
	assert_int_equal(call_count, STATUS_REQUESTS);
	answer(3, ERR_NONE);
	(void)step(bed, 100010);
	assert_int_equal(call_count, STATUS_REQUESTS + 1);
}

static void who_was_second_or_came_to_nothing_made_no_error(void **state)
{
	struct bed *bed = *state;

	see(bed, "a", 1, NULL);
	see(bed, "b", 1, NULL);
	put_in_force(bed);
	(void)step(bed, 100000);
	answer(0, ERR_CHANGED);
	answer(1, ERR_NOT_FOUND);
	assert_int_equal(writes(bed, CLUSTER_CHANGED), 2);
	assert_int_equal(writes(bed, CLUSTER_FAILED), 0);
	(void)step(bed, 101000);
	assert_int_equal(call_count, 2);
}

static void replicas_that_do_not_agree_write_ever_more_slowly(void **state)
{
	struct bed *bed = *state;
	cleanup(json) json_t *other = json_pack("{s:i}", "observedGeneration", 7);
	size_t before;

	see(bed, "a", 1, NULL);
	put_in_force(bed);
	for (int64_t now_ms = 1000000; now_ms < 1600000; now_ms += 100) {
		before = call_count;
		(void)step(bed, now_ms);
		if (call_count == before)
			continue;
		answer(before, ERR_NONE);
		see(bed, "a", 1, other);
	}
	assert_in_range(call_count, 5, 25);
}

static void failures_are_followed_by_a_rest(void **state)
{
	struct bed *bed = *state;

	see(bed, "a", 1, NULL);
	put_in_force(bed);
	(void)step(bed, 100000);
	answer(0, ERR_UNAVAILABLE);
	assert_int_equal(writes(bed, CLUSTER_FAILED), 1);
	assert_int_equal(step(bed, 100001), 100000 + STATUS_REST_MS);
	assert_int_equal(call_count, 1);
	(void)step(bed, 100000 + STATUS_REST_MS);
	assert_int_equal(call_count, 2);
}

static void one_that_is_refused_keeps_no_other_waiting(void **state)
{
	struct bed *bed = *state;

	see(bed, "a", 1, NULL);
	put_in_force(bed);
	(void)step(bed, 100000);
	answer(0, ERR_INVALID);
	see(bed, "b", 1, NULL);
	put_in_force(bed);
	(void)step(bed, 100001);
	assert_int_equal(call_count, 2);
	assert_string_equal(calls[1].path,
			    "/sealgate.dev/v1alpha1/shop/imagepolicies/b/status?fieldManager=sealgate&force=true");
}

static void a_transport_without_room_is_asked_again(void **state)
{
	struct bed *bed = *state;

	see(bed, "a", 1, NULL);
	put_in_force(bed);
	refuse_calls = true;
	assert_int_equal(step(bed, 100000), 100000 + STATUS_REST_MS);
	refuse_calls = false;
	(void)step(bed, 100000 + STATUS_REST_MS);
	assert_int_equal(call_count, 1);
}

static void counts_of_a_scan_are_written_once_and_not_fought_over(void **state)
{
	struct bed *bed = *state;
	json_t *status;

	see(bed, "a", 1, NULL);
	put_in_force(bed);
	(void)step(bed, 100000);
	answer(0, ERR_NONE);
	status = json_object_get(calls[0].body, "status");
	assert_null(json_object_get(status, "matched"));
	see(bed, "a", 1, status);
	(void)step(bed, 101000);

	revision = 1;
	matched = (struct cluster_matched){.workloads = 4, .refused = 1};
	(void)step(bed, 102000);
	assert_int_equal(call_count, 2);
	answer(1, ERR_NONE);
	status = json_object_get(calls[1].body, "status");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(status, "matched"), "workloads")), 4);
	/* Another replica counts something else. */
	json_object_set_new(json_object_get(status, "matched"), "workloads", json_integer(5));
	see(bed, "a", 1, status);
	(void)step(bed, 900000);
	assert_int_equal(call_count, 2);
}

static void an_object_that_went_meanwhile_is_no_matter(void **state)
{
	struct bed *bed = *state;
	cleanup(json) json_t *object = json_pack("{s:{s:s, s:s}}", "metadata", "name", "a", "namespace", "shop");

	see(bed, "a", 1, NULL);
	put_in_force(bed);
	(void)step(bed, 100000);
	cluster_objects_gone(&bed->objects, TRUST_OBJECT_POLICY, object);
	answer(0, ERR_NONE);
	(void)step(bed, 100001);
	assert_int_equal(call_count, 1);
}

static void what_is_running_at_the_end_is_cancelled(void **state)
{
	struct bed *bed = *state;

	see(bed, "a", 1, NULL);
	put_in_force(bed);
	(void)step(bed, 100000);
	cluster_status_writer_free(take(bed->writer));
	assert_true(calls[0].cancelled);
}

static void many_objects_are_looked_at_in_parts_and_nothing_spins(void **state)
{
	struct bed *bed = *state;
	char name[16];
	int64_t now_ms = 100000, next_ms;
	unsigned steps = 0;

	bed->trust.outcomes = calloc(1000, sizeof(struct trust_outcome));
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "p%03u", i);
		bed->trust.outcomes[i] = bed->outcomes[0];
		see(bed, name, 1, NULL);
	}
	put_in_force(bed);
	/* None is judged any more. */
	for (unsigned i = 0; i < bed->objects.objects[TRUST_OBJECT_POLICY].count; i++)
		((struct cluster_object *)(void *)bed->objects.objects[TRUST_OBJECT_POLICY].entries[i])->generation = 2;
	do {
		next_ms = step(bed, now_ms);
		steps++;
	} while (next_ms == now_ms && steps < 100);
	assert_in_range(steps, 2, 10);
	assert_true(next_ms > now_ms + 1000);
	assert_int_equal(call_count, 0);
	free(bed->trust.outcomes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_status_is_written_once_and_then_stands),
		TEST(nothing_is_written_for_a_generation_that_was_not_judged),
		TEST(eight_are_written_at_the_same_time),
		TEST(who_was_second_or_came_to_nothing_made_no_error),
		TEST(replicas_that_do_not_agree_write_ever_more_slowly),
		TEST(failures_are_followed_by_a_rest),
		TEST(one_that_is_refused_keeps_no_other_waiting),
		TEST(a_transport_without_room_is_asked_again),
		TEST(counts_of_a_scan_are_written_once_and_not_fought_over),
		TEST(an_object_that_went_meanwhile_is_no_matter),
		TEST(what_is_running_at_the_end_is_cancelled),
		TEST(many_objects_are_looked_at_in_parts_and_nothing_spins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
