/* What the thread "cluster" does, with watches that tell what the test says and a trust that is what was set. */
#include "server/cluster_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kube/call.h"
#include "kube/list_watch.h"
#include "server/cluster_watches.h"
#include "server/log.h"

#define NOW ((struct timestamp){1764000000, 0})

struct list_watch {
	char name[32];
	char path[128];
	bool metadata_only;
	const struct list_watch_events *events;
	int64_t stale_since_ms;
};

static struct list_watch *watches[CLUSTER_RESOURCES];
static unsigned started;

struct list_watch *list_watch_new(struct kube_transport *transport, const struct list_watch_target *target,
				  const struct list_watch_events *events, uint64_t seed)
{
	struct list_watch *watch = calloc(1, sizeof(*watch));
	size_t i = 0;

	(void)transport;
	(void)seed;
	*watch = (struct list_watch){.metadata_only = target->metadata_only, .events = events, .stale_since_ms = -1};
	(void)snprintf(watch->name, sizeof(watch->name), "%s", target->name);
	(void)snprintf(watch->path, sizeof(watch->path), "%s", target->path);
	while (strcmp(cluster_resource_name((enum cluster_resource)i), target->name) != 0)
		i++;
	watches[i] = watch;
	started++;
	return watch;
}

void list_watch_free(struct list_watch *watch)
{
	free(watch);
}

int64_t list_watch_step(struct list_watch *watch, int64_t now_ms)
{
	(void)watch;
	(void)now_ms;
	return INT64_MAX;
}

int64_t list_watch_stale_since(const struct list_watch *watch)
{
	return watch->stale_since_ms;
}

static unsigned call_count;

uint64_t kube_call(struct kube_transport *t, const struct kube_request *request, kube_answer_handler *handler,
		   void *context, struct err *e)
{
	(void)t;
	(void)request;
	(void)handler;
	(void)context;
	(void)e;
	return ++call_count;
}

void kube_transport_cancel(struct kube_transport *t, uint64_t id)
{
	(void)t;
	(void)id;
}

void kube_path_add(struct buf *out, const char *group, const char *version, struct str namespace_, const char *plural,
		   struct str name, const char *subresource)
{
	(void)group;
	(void)version;
	(void)namespace_;
	(void)plural;
	(void)name;
	(void)subresource;
	buf_add_c(out, "/");
}

/* The trust in force is what was set last. */
static struct {
	struct trust trust;
	struct trust_outcome outcomes[8];
	uint64_t generation;
	unsigned loads;
	enum err_kind fails;
} holder;

struct trust *trust_holder_pin(struct trust_holder *unused, uint64_t *generation)
{
	(void)unused;
	*generation = holder.generation;
	return trust_ref(&holder.trust);
}

bool trust_holder_set_objects(struct trust_holder *unused, struct trust_objects *objects, struct err *e)
{
	(void)unused;
	holder.loads++;
	if (holder.fails != ERR_NONE)
		return err_set(e, holder.fails, "a.yaml: cannot be read");
	trust_objects_unref(holder.trust.objects);
	holder.trust.objects = trust_objects_ref(objects);
	holder.trust.outcomes = holder.outcomes;
	holder.generation++;
	return true;
}

static unsigned job_steps, job_stops;
static uint64_t job_generation;

static int64_t job_step(void *context, const struct cluster_job_means *means, int64_t now_ms, uint64_t generation)
{
	(void)context;
	assert_non_null(means->review);
	job_steps++;
	job_generation = generation;
	return now_ms + 77;
}

static uint64_t job_revision(void *context)
{
	(void)context;
	return 0;
}

static void job_stop(void *context, const struct cluster_job_means *means)
{
	(void)context;
	(void)means;
	job_stops++;
}

static const struct cluster_job job = {.step = job_step, .revision = job_revision, .stop = job_stop};

static char in_force[] = "in force";

struct bed {
	struct review_service review;
	struct cluster_namespaces *namespaces;
	struct cluster_run *run;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	log_setup("json", "error");
	call_count = started = job_steps = job_stops = 0;
	memset(&holder, 0, sizeof(holder));
	holder.trust.references = 1;
	holder.generation = 1;
	for (size_t i = 0; i < 8; i++)
		holder.outcomes[i] = (struct trust_outcome){
			.state = TRUST_IN_FORCE, .reason = TRUST_REASON_IN_FORCE, .message = in_force};
	bed->review.metrics = metrics_new();
	bed->namespaces = cluster_namespaces_new();
	const struct cluster_means means = {.review = &bed->review,
					    .namespaces = bed->namespaces,
					    .own_namespace = "sealgate",
					    .instance = "pod-1",
					    .job = &job};
	bed->run = cluster_run_new(&means);
	*state = bed;
	return bed->run ? 0 : -1;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	cluster_run_free(bed->run);
	cluster_namespaces_free(bed->namespaces);
	metrics_free(bed->review.metrics);
	trust_objects_unref(holder.trust.objects);
	free(bed);
	return 0;
}

static void tell(enum cluster_resource resource, const char *name, int generation)
{
	cleanup(json) json_t *object =
		json_pack("{s:{s:s, s:s, s:i}}", "metadata", "name", name, "uid", name, "generation", generation);

	watches[resource]->events->present(watches[resource]->events->context, object);
}

static void begin(enum cluster_resource resource)
{
	watches[resource]->events->begin(watches[resource]->events->context);
}

static void sync_one(enum cluster_resource resource)
{
	watches[resource]->events->synced(watches[resource]->events->context);
	watches[resource]->stale_since_ms = 0;
}

static void sync_all(void)
{
	for (enum cluster_resource i = 0; i < CLUSTER_RESOURCES; i++) {
		begin(i);
		sync_one(i);
	}
}

static void fail_one(enum cluster_resource resource, const char *text, int64_t since_ms)
{
	struct err e = {.kind = ERR_UNAVAILABLE};

	(void)snprintf(e.text, sizeof(e.text), "%s: %s", watches[resource]->name, text);
	watches[resource]->events->failed(watches[resource]->events->context, &e);
	watches[resource]->stale_since_ms = since_ms;
}

static int64_t step(struct bed *bed, int64_t now_ms)
{
	return cluster_run_step(bed->run, now_ms, NOW);
}

static const char *report(struct bed *bed, int64_t now_ms)
{
	static char text[4096];
	cleanup(buf) struct buf out = buf_init(sizeof(text) - 1);

	cluster_run_report(bed->run, now_ms, &out);
	(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(buf_str(&out)));
	return text;
}

static void each_resource_is_followed_and_keys_in_the_own_namespace_only(void **state)
{
	static const char *const paths[CLUSTER_RESOURCES] = {
		[CLUSTER_ATTESTORS] = "/apis/sealgate.dev/v1alpha1/attestors",
		[CLUSTER_CLUSTER_POLICIES] = "/apis/sealgate.dev/v1alpha1/clusterimagepolicies",
		[CLUSTER_POLICIES] = "/apis/sealgate.dev/v1alpha1/imagepolicies",
		[CLUSTER_NAMESPACES] = "/api/v1/namespaces",
		[CLUSTER_CONFIG_MAPS] = "/api/v1/namespaces/sealgate/configmaps",
		[CLUSTER_SECRETS] = "/api/v1/namespaces/sealgate/secrets",
	};

	(void)state;
	for (size_t i = 0; i < CLUSTER_RESOURCES; i++) {
		assert_string_equal(watches[i]->path, paths[i]);
		assert_int_equal(watches[i]->metadata_only, i == CLUSTER_NAMESPACES);
	}
}

static void nothing_is_taken_before_all_is_known(void **state)
{
	struct bed *bed = *state;

	for (enum cluster_resource i = 0; i < CLUSTER_RESOURCES; i++) {
		(void)step(bed, 1000);
		assert_int_equal(holder.loads, 0);
		assert_false(cluster_run_is_ready(bed->run));
		begin(i);
		if (i == CLUSTER_POLICIES)
			tell(i, "p", 1);
		sync_one(i);
	}
	assert_int_equal(job_steps, 0);
	assert_int_equal(step(bed, 1001), 1001 + 77);
	assert_int_equal(holder.loads, 1);
	assert_int_equal(holder.trust.objects->object_count, 1);
	assert_true(cluster_run_is_ready(bed->run));
	assert_int_equal(job_generation, 2);
	assert_int_equal(call_count, 1);
	assert_string_equal(report(bed, 1001), "");
}

static void an_empty_cluster_is_one_too(void **state)
{
	struct bed *bed = *state;

	sync_all();
	(void)step(bed, 1000);
	assert_true(cluster_run_is_ready(bed->run));
}

static void changes_within_a_moment_are_loaded_together(void **state)
{
	struct bed *bed = *state;

	sync_all();
	(void)step(bed, 1000);
	tell(CLUSTER_ATTESTORS, "a", 1);
	assert_int_equal(step(bed, 2000), 2050);
	tell(CLUSTER_ATTESTORS, "b", 1);
	assert_int_equal(step(bed, 2049), 2050);
	assert_int_equal(holder.loads, 1);
	(void)step(bed, 2050);
	assert_int_equal(holder.loads, 2);
	assert_int_equal(holder.trust.objects->object_count, 2);
	(void)step(bed, 9000);
	assert_int_equal(holder.loads, 2);
}

static void without_an_end_of_changes_they_are_loaded_all_the_same(void **state)
{
	struct bed *bed = *state;

	sync_all();
	(void)step(bed, 1000);
	for (int i = 0; i < 100; i++) {
		tell(CLUSTER_ATTESTORS, "a", i + 1);
		(void)step(bed, 2000 + 10 * i);
	}
	assert_in_range(holder.loads, 15, 25);
}

static void what_fails_is_told_and_what_was_known_stays(void **state)
{
	struct bed *bed = *state;

	sync_all();
	tell(CLUSTER_POLICIES, "p", 1);
	(void)step(bed, 1000);
	fail_one(CLUSTER_POLICIES, "HTTP 500", 4000);
	(void)step(bed, 5000);
	assert_string_equal(report(bed, 38000), "not followed: imagepolicies: HTTP 500 since 34 s\n");
	assert_true(cluster_run_is_ready(bed->run));
	assert_int_equal(atomic_load(&metrics_cluster(bed->review.metrics)->watches[CLUSTER_POLICIES].restarts), 1);
	/* A new list begins and breaks off. */
	begin(CLUSTER_POLICIES);
	fail_one(CLUSTER_POLICIES, "half an event", 4000);
	tell(CLUSTER_ATTESTORS, "a", 1);
	(void)step(bed, 6000);
	(void)step(bed, 6100);
	assert_int_equal(holder.trust.objects->object_count, 2);
	begin(CLUSTER_POLICIES);
	sync_one(CLUSTER_POLICIES);
	(void)step(bed, 7000);
	(void)step(bed, 7100);
	assert_int_equal(holder.trust.objects->object_count, 1);
	assert_string_equal(report(bed, 7100), "");
}

static void a_resource_that_was_never_listed_keeps_the_server_from_being_ready(void **state)
{
	struct bed *bed = *state;

	for (enum cluster_resource i = 1; i < CLUSTER_RESOURCES; i++) {
		begin(i);
		sync_one(i);
	}
	fail_one(CLUSTER_ATTESTORS, "HTTP 404: the server could not find the requested resource", -1);
	(void)step(bed, 1000);
	assert_false(cluster_run_is_ready(bed->run));
	assert_string_equal(report(bed, 2000),
			    "not followed: attestors: HTTP 404: the server could not find the requested resource\n");
}

static void a_load_that_fails_is_told(void **state)
{
	struct bed *bed = *state;

	sync_all();
	(void)step(bed, 1000);
	holder.fails = ERR_INVALID;
	tell(CLUSTER_ATTESTORS, "a", 1);
	(void)step(bed, 2000);
	(void)step(bed, 2050);
	assert_string_equal(report(bed, 2050), "not taken: a.yaml: cannot be read\n");
	holder.fails = ERR_NONE;
	tell(CLUSTER_ATTESTORS, "a", 2);
	(void)step(bed, 3000);
	(void)step(bed, 3050);
	assert_string_equal(report(bed, 3050), "");
}

static void what_cannot_be_held_is_listed_again(void **state)
{
	struct bed *bed = *state;
	cleanup(json) json_t *nameless = json_pack("{s:{}}", "metadata");
	struct list_watch *watch = watches[CLUSTER_POLICIES];

	sync_all();
	(void)step(bed, 1000);
	tell(CLUSTER_ATTESTORS, "a", 1);
	watch->events->present(watch->events->context, nameless);
	(void)step(bed, 2000);
	(void)step(bed, 2050);
	assert_int_equal(holder.loads, 1);
	assert_non_null(strstr(report(bed, 2050), "not followed: imagepolicies: an object without a name since 0 s\n"));
	assert_int_equal(started, CLUSTER_RESOURCES);
	(void)step(bed, 2000 + CLUSTER_RELIST_MS);
	assert_int_equal(started, CLUSTER_RESOURCES + 1);
	assert_ptr_not_equal(watches[CLUSTER_POLICIES], NULL);
	begin(CLUSTER_POLICIES);
	sync_one(CLUSTER_POLICIES);
	(void)step(bed, 40000);
	(void)step(bed, 40050);
	assert_int_equal(holder.loads, 2);
	assert_string_equal(report(bed, 40050), "");
}

static void when_the_transport_is_gone_all_is_stale(void **state)
{
	struct bed *bed = *state;
	const struct err why = {.kind = ERR_UNAVAILABLE, .text = "sealgate-kube has ended"};

	sync_all();
	(void)step(bed, 1000);
	cluster_run_lose(bed->run, &why, 5000);
	assert_non_null(strstr(report(bed, 7000), "not followed: secrets: sealgate-kube has ended since 2 s\n"));
	assert_true(cluster_run_is_ready(bed->run));
}

static void namespaces_have_their_labels(void **state)
{
	struct bed *bed = *state;
	cleanup(json) json_t *object = json_pack("{s:{s:s, s:{s:s}}}", "metadata", "name", "shop", "labels", "a", "b");
	cleanup(arena) struct arena arena = arena_init(4096);
	struct labels labels;
	struct list_watch *watch = watches[CLUSTER_NAMESPACES];

	watch->events->present(watch->events->context, object);
	assert_true(cluster_namespaces_labels(bed->namespaces, STR("shop"), 1, &arena, &labels));
	assert_int_equal(labels.count, 1);
}

static void the_job_is_stopped_once_it_was_begun(void **state)
{
	struct bed *bed = *state;

	sync_all();
	(void)step(bed, 1000);
	cluster_run_free(take(bed->run));
	assert_int_equal(job_stops, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_resource_is_followed_and_keys_in_the_own_namespace_only),
		TEST(nothing_is_taken_before_all_is_known),
		TEST(an_empty_cluster_is_one_too),
		TEST(changes_within_a_moment_are_loaded_together),
		TEST(without_an_end_of_changes_they_are_loaded_all_the_same),
		TEST(what_fails_is_told_and_what_was_known_stays),
		TEST(a_resource_that_was_never_listed_keeps_the_server_from_being_ready),
		TEST(a_load_that_fails_is_told),
		TEST(what_cannot_be_held_is_listed_again),
		TEST(when_the_transport_is_gone_all_is_stale),
		TEST(namespaces_have_their_labels),
		TEST(the_job_is_stopped_once_it_was_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
