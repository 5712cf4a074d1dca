#include "server/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/server/scripted_api.h"

#define PAGE_MAX (32u * 1024 * 1024)

#define EMPTY "{\"metadata\":{},\"items\":[]}"
/* Each kind but the first, without objects. */
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

#define POD(name, image) POD_IN("shop", name, image)
#define POD_IN(space, name, image)                                                         \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" space "\",\"uid\":\"u\"}," \
	"\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"" image "\"}]}}"
#define PAGE(token, items) "{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"" token "\"},\"items\":[" items "]}"

/* Refuses images that begin with "bad", and remembers what it was asked. */
struct recorder {
	char asked[4096];
	size_t count;
	atomic_bool stop;
};

static bool exempt(void *context, struct str namespace_)
{
	(void)context;
	return str_eq_c(namespace_, "kube-system");
}

static void decide(void *context, const struct subject *subject, const struct image_uses *uses, struct arena *arena,
		   struct decision *out)
{
	struct recorder *recorder = context;
	size_t used = strlen(recorder->asked);

	(void)snprintf(recorder->asked + used, sizeof(recorder->asked) - used, "%.*s/%.*s %.*s;",
		       STR_ARG(subject->group), STR_ARG(subject->kind), STR_ARG(uses->items[0].text));
	recorder->count += uses->count;
	*out = decision_without_images(DECISION_ALLOW);
	for (size_t i = 0; i < uses->count; i++)
		if (str_starts_with(uses->items[i].text, STR("bad")))
			decision_refuse(FINDING_SIGNATURES, uses->items[i].path, STR("no"), arena, out);
}

struct bed {
	struct scripted_api *api;
	struct scan_findings *findings;
	struct scan *scan;
	struct recorder recorder;
	int64_t now_ms;
	struct str namespace_;
};

static void open_bed(struct bed *bed)
{
	bed->findings = scan_findings_new();
	bed->scan = scan_new(&bed->api->transport, bed->namespace_, bed->findings);
	assert_non_null(bed->scan);
}

static void close_bed(struct bed *bed)
{
	scan_free(bed->scan);
	scan_findings_free(bed->findings);
	buf_release(&bed->api->sent);
}

/* One turn: what is due, then what the server answers. The clock goes to when the scan wants to be called. */
static void turn(struct bed *bed)
{
	const struct scan_judge judge = {
		.context = &bed->recorder, .exempt = exempt, .decide = decide, .stop = &bed->recorder.stop};
	int64_t next = scan_step(bed->scan, bed->now_ms);
	struct err e;

	if (scan_state(bed->scan) == SCAN_READ)
		scan_judge_page(bed->scan, &judge);
	if (next != INT64_MAX && next > bed->now_ms)
		bed->now_ms = next;
	assert_true(kube_transport_run(&bed->api->transport, next, &e));
}

/* Until it has ended. */
static void run(struct bed *bed)
{
	open_bed(bed);
	for (int i = 0; i < 10000 && scan_state(bed->scan) < SCAN_DONE; i++)
		turn(bed);
	assert_int_equal(bed->api->at, bed->api->count);
}

static void every_kind_is_listed_page_by_page(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500", .status = 200, .body = PAGE("a/b+c=", POD("p1", "good:1"))},
		{.path = "/api/v1/pods?limit=500&continue=a%2Fb%2Bc%3D",
		 .status = 200,
		 .body = PAGE("", POD("p2", "bad:1") "," POD("p3", "good:2"))},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_int_equal(scan_state(bed.scan), SCAN_DONE);
	assert_int_equal(scan_objects(bed.scan), 3);
	assert_string_equal(bed.recorder.asked, "/Pod good:1;/Pod bad:1;/Pod good:2;");
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_PASS), 2);
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_FAIL), 1);
	assert_int_equal(scan_left_out(bed.scan).len, 0);
	close_bed(&bed);
}

static void requests_begin_at_most_ten_times_a_second(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500", .status = 200, .body = EMPTY},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .now_ms = 5000};

	(void)state;
	run(&bed);
	assert_int_equal(bed.now_ms, 5000 + (SCAN_RESOURCES - 1) * SCAN_PAUSE_MS);
	close_bed(&bed);
}

static void what_a_scanned_controller_owns_is_left_out(void **state)
{
#define OWNED(name, owner)                                                                              \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"ownerReferences\":[" owner "]}," \
	"\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"" name "\"}]}}"
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500",
		 .status = 200,
		 .body = PAGE(
			 "",
			 OWNED("of-replicaset",
			       "{\"apiVersion\":\"apps/"
			       "v1\",\"kind\":\"ReplicaSet\",\"controller\":"
			       "true}") "," OWNED("of-job", "{\"apiVersion\":"
							    "\"batch/"
							    "v1\",\"kind\":"
							    "\"Job\","
							    "\"controller\":"
							    "true}") "," OWNED("of-node",
									       "{\"apiVersion\":\"v1\",\"kind\":"
									       "\"Node\",\"controller\":"
									       "true}") "," OWNED("of-other",
												  "{\"apiVersion\":"
												  "\"other/"
												  "v1\",\"kind\":"
												  "\"ReplicaSet\","
												  "\"controller\":"
												  "true}") "," OWNED("n"
														     "o"
														     "-"
														     "c"
														     "o"
														     "n"
														     "t"
														     "r"
														     "o"
														     "l"
														     "l"
														     "e"
														     "r",
														     "{"
														     "\"apiVe"
														     "r"
														     "s"
														     "i"
														     "o"
														     "n"
														     "\":"
														     "\"apps/"
														     "v"
														     "1"
														     "\","
														     "\"kind\""
														     ":"
														     "\"Repli"
														     "c"
														     "a"
														     "S"
														     "e"
														     "t"
														     "\","
														     "\"contro"
														     "l"
														     "l"
														     "e"
														     "r"
														     "\":"
														     "f"
														     "a"
														     "l"
														     "s"
														     "e"
														     "}") "," OWNED("says-nothing",
																    "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\"}") "," OWNED("odd",
																								      "7"))},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_string_equal(bed.recorder.asked,
			    "/Pod of-node;/Pod of-other;/Pod no-controller;/Pod says-nothing;/Pod odd;");
	close_bed(&bed);
}

static void exempt_namespaces_are_told_as_skipped(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500",
		 .status = 200,
		 .body = PAGE("", POD_IN("kube-system", "dns", "bad:1") "," POD("web", "good:1"))},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_SKIP), 1);
	assert_int_equal(scan_findings_at(bed.findings, 0)->counts[SCAN_SKIP], 1);
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_FAIL), 0);
	close_bed(&bed);
}

static void an_object_that_cannot_be_read_counts_as_refused(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500",
		 .status = 200,
		 .body = PAGE("",
			      "{\"metadata\":{\"name\":\"odd\",\"namespace\":\"shop\"},\"spec\":{\"containers\":7}},"
			      "{\"metadata\":{\"name\":\"none\",\"namespace\":\"shop\"}},"
			      "{\"metadata\":{\"name\":\"nowhere\"}},7,null," POD("web", "good:1"))},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_int_equal(scan_state(bed.scan), SCAN_DONE);
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_FAIL), 2);
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_ERROR), 3);
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_PASS), 1);
	assert_true(str_starts_with(scan_findings_at(bed.findings, 0)->first->text, STR("Object can't be read: ")));
	close_bed(&bed);
}

static void a_list_that_was_forgotten_goes_on_with_the_token_it_is_given(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500", .status = 200, .body = PAGE("t1", POD("p1", "good:1"))},
		{.path = "/api/v1/pods?limit=500&continue=t1",
		 .status = 410,
		 .body = "{\"kind\":\"Status\",\"metadata\":{\"continue\":\"t2\"},\"message\":\"expired\"}"},
		{.path = "/api/v1/pods?limit=500&continue=t2", .status = 200, .body = PAGE("", POD("p2", "good:2"))},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_string_equal(bed.recorder.asked, "/Pod good:1;/Pod good:2;");
	close_bed(&bed);
}

static void a_list_that_begins_anew_judges_nothing_twice(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500",
		 .status = 200,
		 .body = PAGE("t1", POD_IN("a", "p1", "good:1") "," POD_IN("a", "p2", "good:2"))},
		{.path = "/api/v1/pods?limit=500&continue=t1", .status = 410, .body = "{\"message\":\"expired\"}"},
		{.path = "/api/v1/pods?limit=500",
		 .status = 200,
		 .body = PAGE("t2", POD_IN("a", "p1", "good:1") "," POD_IN("a", "p2", "good:2"))},
		{.path = "/api/v1/pods?limit=500&continue=t2",
		 .status = 200,
		 .body = PAGE("", POD_IN("a", "p3", "good:3") "," POD_IN("a-b", "p0", "good:4"))},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_string_equal(bed.recorder.asked, "/Pod good:1;/Pod good:2;/Pod good:3;/Pod good:4;");
	close_bed(&bed);
}

static void a_list_that_is_forgotten_for_ever_ends_the_scan(void **state)
{
	static struct scripted_step script[SCAN_RESTARTS + 1];
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	for (size_t i = 0; i <= SCAN_RESTARTS; i++)
		script[i] = (struct scripted_step){.path = "/api/v1/pods?limit=500", .status = 410, .body = "{}"};
	run(&bed);
	assert_int_equal(scan_state(bed.scan), SCAN_FAILED);
	close_bed(&bed);
}

static void a_kind_that_may_not_be_listed_is_left_out_and_told(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500",
		 .status = 403,
		 .body = "{\"kind\":\"Status\",\"message\":\"pods is forbidden\\u001b[2J\"}"},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_int_equal(scan_state(bed.scan), SCAN_DONE);
	assert_true(str_eq_c(scan_left_out(bed.scan), "pods: pods is forbidden\\x1b[2J"));
	close_bed(&bed);
}

static void what_may_pass_is_tried_again(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500", .status = 429, .retry_after = 7, .body = "{}"},
		{.path = "/api/v1/pods?limit=500", .status = 500, .body = "oops"},
		{.path = "/api/v1/pods?limit=500", .error = ERR_TIMEOUT},
		{.path = "/api/v1/pods?limit=500", .status = 200, .body = "half a pa"},
		{.path = "/api/v1/pods?limit=500", .status = 200, .body = "{\"items\":[" POD("p", "bad:1") "]}"},
		{.path = "/api/v1/pods?limit=500", .status = 200, .body = PAGE("", POD("p1", "good:1"))},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_int_equal(scan_state(bed.scan), SCAN_DONE);
	assert_string_equal(bed.recorder.asked, "/Pod good:1;");
	assert_in_range(bed.now_ms, 7000 + 2000 + 4000 + 8000 + 16000, 40000);
	close_bed(&bed);
}

static void what_does_not_pass_fails_the_scan(void **state)
{
	static struct scripted_step script[SCAN_ATTEMPTS];
	static const struct scripted_step failures[] = {
		{.path = "/api/v1/pods?limit=500", .status = 503, .body = "{\"message\":\"busy\"}"},
		{.path = "/api/v1/pods?limit=500", .status = 200, .body = "[]"},
		{.path = "/api/v1/pods?limit=500", .status = 401, .body = "{}"},
		{.path = "/api/v1/pods?limit=500", .error = ERR_UNAVAILABLE},
	};

	(void)state;
	for (size_t f = 0; f < sizeof(failures) / sizeof(failures[0]); f++) {
		struct scripted_api api = SCRIPTED_API(script);
		struct bed bed = {.api = &api};

		for (size_t i = 0; i < SCAN_ATTEMPTS; i++)
			script[i] = failures[f];
		run(&bed);
		assert_int_equal(scan_state(bed.scan), SCAN_FAILED);
		assert_true(str_starts_with(str_of(scan_error(bed.scan)->text), STR("pods: ")));
		close_bed(&bed);
	}
}

static void a_page_that_is_too_large_is_asked_for_in_pieces(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500", .error = ERR_TOO_LARGE},
		{.path = "/api/v1/pods?limit=100", .status = 200, .body = PAGE("t", POD("p1", "good:1"))},
		{.path = "/api/v1/pods?limit=100&continue=t", .status = 413, .body = "{}"},
		{.path = "/api/v1/pods?limit=20&continue=t", .error = ERR_TOO_LARGE},
		{.path = "/api/v1/pods?limit=4&continue=t", .error = ERR_TOO_LARGE},
		{.path = "/api/v1/pods?limit=1&continue=t", .status = 200, .body = PAGE("", POD("p2", "good:2"))},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	run(&bed);
	assert_string_equal(bed.recorder.asked, "/Pod good:1;/Pod good:2;");
	close_bed(&bed);
}

static void a_page_beyond_the_limit_is_never_held(void **state)
{
	static struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500", .status = 200},
		{.path = "/api/v1/pods?limit=100", .status = 200, .body = EMPTY},
		REST,
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};
	char *large = malloc(SCAN_PAGE_BYTES + 2);

	(void)state;
	assert_non_null(large);
	memset(large, ' ', SCAN_PAGE_BYTES + 1);
	large[SCAN_PAGE_BYTES + 1] = 0;
	script[0].body = large;
	run(&bed);
	assert_int_equal(scan_state(bed.scan), SCAN_DONE);
	free(large);
	close_bed(&bed);
}

static void five_hundred_pods_with_ten_containers_are_one_page(void **state)
{
	static struct scripted_step script[] = {{.path = "/api/v1/pods?limit=500", .status = 200}, REST};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};
	cleanup(buf) struct buf page = buf_init(PAGE_MAX);

	(void)state;
	buf_add_c(&page, "{\"metadata\":{},\"items\":[");
	for (int pod = 0; pod < 500; pod++) {
		buf_printf(&page,
			   "%s{\"metadata\":{\"name\":\"p%03d\",\"namespace\":\"n%d\"},\"spec\":{\"containers\":[",
			   pod ? "," : "", pod, pod % 7);
		for (int c = 0; c < 10; c++)
			buf_printf(&page, "%s{\"name\":\"c%d\",\"image\":\"%s:%d\"}", c ? "," : "", c,
				   c == 9 && pod % 5 == 0 ? "bad" : "good", pod);
		buf_add_c(&page, "]}}");
	}
	buf_add_c(&page, "]}");
	script[0].body = page.data;
	run(&bed);
	assert_int_equal(bed.recorder.count, 5000);
	assert_int_equal(scan_findings_count(bed.findings), 7);
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_FAIL), 100);
	assert_true(str_eq_c(scan_findings_at(bed.findings, 0)->first->path, "spec.containers[9].image"));
	close_bed(&bed);
}

static void one_namespace_can_be_asked_for(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/namespaces/shop/pods?limit=500", .status = 200, .body = PAGE("", POD("p", "bad:1"))},
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api, .namespace_ = STR("shop")};

	(void)state;
	open_bed(&bed);
	turn(&bed);
	turn(&bed);
	assert_int_equal(api.at, 1);
	assert_int_equal(scan_findings_objects(bed.findings, SCAN_FAIL), 1);
	close_bed(&bed);
}

static void a_scan_that_is_stopped_leaves_nothing_behind(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/pods?limit=500", .status = 200, .body = PAGE("", POD("p", "bad:1"))},
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct bed bed = {.api = &api};

	(void)state;
	open_bed(&bed);
	assert_int_equal(scan_step(bed.scan, 0), INT64_MAX);
	scan_free(bed.scan);
	assert_true(api.cancelled);

	api.at = 0;
	bed.scan = scan_new(&api.transport, STR(""), bed.findings);
	turn(&bed);
	atomic_store(&bed.recorder.stop, true);
	turn(&bed);
	assert_int_equal(bed.recorder.count, 0);
	close_bed(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_listed_page_by_page),
		cmocka_unit_test(requests_begin_at_most_ten_times_a_second),
		cmocka_unit_test(what_a_scanned_controller_owns_is_left_out),
		cmocka_unit_test(exempt_namespaces_are_told_as_skipped),
		cmocka_unit_test(an_object_that_cannot_be_read_counts_as_refused),
		cmocka_unit_test(a_list_that_was_forgotten_goes_on_with_the_token_it_is_given),
		cmocka_unit_test(a_list_that_begins_anew_judges_nothing_twice),
		cmocka_unit_test(a_list_that_is_forgotten_for_ever_ends_the_scan),
		cmocka_unit_test(a_kind_that_may_not_be_listed_is_left_out_and_told),
		cmocka_unit_test(what_may_pass_is_tried_again),
		cmocka_unit_test(what_does_not_pass_fails_the_scan),
		cmocka_unit_test(a_page_that_is_too_large_is_asked_for_in_pieces),
		cmocka_unit_test(a_page_beyond_the_limit_is_never_held),
		cmocka_unit_test(five_hundred_pods_with_ten_containers_are_one_page),
		cmocka_unit_test(one_namespace_can_be_asked_for),
		cmocka_unit_test(a_scan_that_is_stopped_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("server/scan", tests, NULL, NULL);
}
