/* Reviews of policy objects, with a loader of the test's choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "server/log.h"
#include "server/refusal_queue.h"
#include "server/review.h"

/* What the loader was asked, and what it says. */
static struct {
	unsigned asked;
	enum trust_object_kind kind;
	char namespace_[64], name[64], text[256];
	struct trust_review review;
	enum err_kind failure;
	const char *users;
} loader;

bool review_policy_object(struct review_service *service, const struct trust_object *object, int64_t deadline_ms,
			  struct arena *arena, struct trust_review *out, struct err *e)
{
	(void)service;
	(void)arena;
	assert_true(deadline_ms > 0);
	loader.asked++;
	loader.kind = object->kind;
	(void)snprintf(loader.namespace_, sizeof(loader.namespace_), "%.*s", STR_ARG(object->namespace_));
	(void)snprintf(loader.name, sizeof(loader.name), "%.*s", STR_ARG(object->name));
	(void)snprintf(loader.text, sizeof(loader.text), "%.*s", STR_ARG(object->text));
	if (loader.failure)
		return err_set(e, loader.failure, "the worker is away");
	*out = loader.review;
	return true;
}

struct str review_attestor_users(struct review_service *service, struct str attestor, size_t max, struct arena *arena)
{
	(void)service;
	(void)max;
	(void)arena;
	assert_true(str_eq_c(attestor, "qa"));
	return str_of(loader.users);
}

struct bed {
	struct review_service service;
	struct arena arena;
	struct http_response response;
	json_t *answer;
};

static const char *const exempt[] = {"kube-system"};

static int setup(void **state)
{
	static struct bed bed;

	bed = (struct bed){
		.service = {.metrics = metrics_new(), .exempt_namespaces = exempt, .exempt_namespace_count = 1},
		.arena = arena_init(LIMIT_REQUEST_MEMORY),
		.response = {.body = buf_init(LIMIT_REQUEST_MEMORY)}};
	memset(&loader, 0, sizeof(loader));
	loader.review.usable = true;
	log_setup("json", "error");
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	metrics_free(bed->service.metrics);
	arena_release(&bed->arena);
	buf_release(&bed->response.body);
	json_decref(bed->answer);
	return 0;
}

/* "KIND/SUBRESOURCE" of sealgate.dev; the request's other members are `rest`. */
static json_t *review(struct bed *bed, const char *operation, const char *kind, const char *subresource,
		      const char *namespace_, const char *rest)
{
	cleanup(buf) struct buf body = buf_init(1u << 20);
	struct http_request request = {.method = STR("POST"), .started_ms = clock_monotonic_ms(), .arena = &bed->arena};
	struct err e;

	buf_printf(&body,
		   "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","
		   "\"kind\":{\"group\":\"sealgate.dev\",\"version\":\"v1alpha1\",\"kind\":\"%s\"},"
		   "\"resource\":{\"group\":\"sealgate.dev\",\"resource\":\"any\"},\"subResource\":\"%s\","
		   "\"namespace\":\"%s\",\"operation\":\"%s\"%s}}",
		   kind, subresource, namespace_, operation, rest);
	request.body = buf_str(&body);
	buf_clear(&bed->response.body);
	json_decref(take(bed->answer));
	admission_handle(&bed->service, &request, &bed->response);
	assert_int_equal(bed->response.status, 200);
	if (!json_read(buf_str(&bed->response.body), &bed->answer, &e))
		fail_msg("%s", e.text);
	return json_object_get(bed->answer, "response");
}

static bool allowed(const json_t *response)
{
	return json_is_true(json_object_get(response, "allowed"));
}

static const char *message(const json_t *response)
{
	return json_string_value(json_object_get(json_object_get(response, "status"), "message"));
}

static const char *warning(const json_t *response, size_t index)
{
	return json_string_value(json_array_get(json_object_get(response, "warnings"), index));
}

#define OBJECT(name) "\"object\":{\"metadata\":{\"name\":\"" name "\"},\"spec\":{\"a\":1}}"

static void unusable(const char *problem, size_t path)
{
	loader.review = (struct trust_review){.problem = str_of(problem), .field = str_head(str_of(problem), path)};
}

static void what_can_be_used_is_allowed(void **state)
{
	static const char *const kinds[] = {"Attestor", "ClusterImagePolicy", "ImagePolicy"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		json_t *response = review(*state, "CREATE", kinds[i], "", i == 2 ? "prod" : "", "," OBJECT("p"));

		assert_true(allowed(response));
		assert_null(json_object_get(response, "warnings"));
		assert_int_equal(loader.asked, i + 1);
		assert_int_equal(loader.kind, i);
		assert_string_equal(loader.namespace_, i == 2 ? "prod" : "");
		assert_string_equal(loader.name, "p");
		assert_string_equal(loader.text, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"a\":1}}");
	}
}

static void what_can_t_be_used_is_refused_with_its_place(void **state)
{
	static const char *const namespaces[] = {"prod", "kube-system"};

	for (size_t i = 0; i < 4; i++) {
		json_t *response, *status, *cause;

		unusable("spec.require.age: unknown field", strlen("spec.require.age"));
		response = review(*state, i % 2 ? "UPDATE" : "CREATE", "ImagePolicy", "", namespaces[i / 2],
				  ",\"dryRun\":true," OBJECT("p"));
		status = json_object_get(response, "status");
		assert_false(allowed(response));
		assert_int_equal(json_integer_value(json_object_get(status, "code")), 403);
		assert_string_equal(message(response), "ImagePolicy p can't be used: spec.require.age: unknown field");
		cause = json_array_get(json_object_get(json_object_get(status, "details"), "causes"), 0);
		assert_string_equal(json_string_value(json_object_get(cause, "field")), "spec.require.age");
	}
}

static void a_field_that_is_none_is_left_out(void **state)
{
	json_t *response, *causes;

	unusable("line 1, column 2: what is wrong", 0);
	response = review(*state, "CREATE", "Attestor", "", "", "," OBJECT("qa"));
	causes = json_object_get(json_object_get(json_object_get(response, "status"), "details"), "causes");
	assert_string_equal(message(response), "Attestor qa can't be used: line 1, column 2: what is wrong");
	assert_null(json_object_get(json_array_get(causes, 0), "field"));
}

/* Finalizers and labels of what is there already must stay changeable. */
static void an_update_that_leaves_the_spec_only_warns(void **state)
{
	json_t *response;

	unusable("spec.a: wrong", 6);
	response =
		review(*state, "UPDATE", "Attestor", "", "",
		       "," OBJECT("qa") ",\"oldObject\":{\"metadata\":{\"name\":\"qa\",\"x\":1},\"spec\":{\"a\":1}}");
	assert_true(allowed(response));
	assert_string_equal(warning(response, 0), "Attestor qa can't be used: spec.a: wrong");
	response = review(*state, "UPDATE", "Attestor", "", "", "," OBJECT("qa") ",\"oldObject\":{\"spec\":{\"a\":2}}");
	assert_false(allowed(response));
	response = review(*state, "UPDATE", "Attestor", "", "", "," OBJECT("qa") ",\"oldObject\":{}");
	assert_false(allowed(response));
	response =
		review(*state, "UPDATE", "Attestor", "", "",
		       ",\"object\":{\"metadata\":{\"name\":\"qa\"}},\"oldObject\":{\"metadata\":{\"name\":\"qa\"}}");
	assert_false(allowed(response));
	response = review(*state, "CREATE", "Attestor", "", "", "," OBJECT("qa") ",\"oldObject\":{\"spec\":{\"a\":1}}");
	assert_false(allowed(response));
}

static void warnings_are_passed_on(void **state)
{
	static const struct str warnings[] = {{"first", 5}, {"second\nline", 11}};
	json_t *response;

	loader.review.warnings = warnings;
	loader.review.warning_count = 2;
	response = review(*state, "CREATE", "ImagePolicy", "", "prod", "," OBJECT("p"));
	assert_true(allowed(response));
	assert_string_equal(warning(response, 0), "first");
	assert_string_equal(warning(response, 1), "second?line");
	assert_int_equal(json_array_size(json_object_get(response, "warnings")), 2);
}

static void what_can_t_be_looked_at_is_refused(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *count;
	} rows[] = {{ERR_TIMEOUT, "reason=\"deadline\"} 1"},
		    {ERR_UNAVAILABLE, "reason=\"deadline\"} 2"},
		    {ERR_INTERNAL, "reason=\"too_complex\"} 1"}};
	struct bed *bed = *state;

	for (size_t i = 0; i < 3; i++) {
		cleanup(buf) struct buf metrics = buf_init(1u << 20);
		json_t *response;

		loader.failure = rows[i].kind;
		response = review(bed, "CREATE", "Attestor", "", "", "," OBJECT("qa"));
		assert_false(allowed(response));
		assert_string_equal(message(response), "Attestor qa can't be checked: the worker is away");
		metrics_write(bed->service.metrics, 0, &metrics);
		assert_non_null(strstr(metrics.data, rows[i].count));
	}
}

static void an_object_that_is_missing_or_no_object_is_refused(void **state)
{
	assert_string_equal(message(review(*state, "CREATE", "Attestor", "", "", ",\"name\":\"qa\"")),
			    "Attestor qa can't be read: it is missing");
	assert_false(allowed(review(*state, "CREATE", "Attestor", "", "", ",\"object\":[]")));
	assert_false(allowed(review(*state, "CREATE", "Attestor", "", "", ",\"object\":{\"metadata\":{\"name\":1}}")));
	assert_int_equal(loader.asked, 0);
	/* It is the loader that finds no name. */
	loader.review.usable = false;
	assert_false(allowed(review(*state, "CREATE", "Attestor", "", "", ",\"object\":{}")));
	assert_int_equal(loader.asked, 1);
}

static void a_deletion_is_allowed_and_tells_who_is_left_behind(void **state)
{
	json_t *response;

	loader.users = "";
	response = review(*state, "DELETE", "Attestor", "", "", ",\"name\":\"qa\"");
	assert_true(allowed(response));
	assert_null(json_object_get(response, "warnings"));
	loader.users = "ImagePolicy prod/p and 3 more";
	response = review(*state, "DELETE", "Attestor", "", "", ",\"name\":\"qa\"");
	assert_true(allowed(response));
	assert_string_equal(warning(response, 0),
			    "Attestor qa is needed, and nothing will count for it: ImagePolicy prod/p and 3 more");
	response = review(*state, "DELETE", "ClusterImagePolicy", "", "", ",\"name\":\"p\"");
	assert_true(allowed(response));
	assert_null(json_object_get(response, "warnings"));
	assert_int_equal(loader.asked, 0);
}

static void what_is_no_policy_object_is_not_looked_at(void **state)
{
	assert_true(allowed(review(*state, "UPDATE", "Attestor", "status", "", "," OBJECT("qa"))));
	assert_true(allowed(review(*state, "CREATE", "Attestors", "", "", "," OBJECT("qa"))));
	assert_true(allowed(review(*state, "CONNECT", "Attestor", "", "", "," OBJECT("qa"))));
	assert_int_equal(loader.asked, 0);
}

static void no_event_tells_of_a_policy_object(void **state)
{
	struct bed *bed = *state;

	unusable("spec.a: wrong", 6);
	bed->service.refusals = refusal_queue_new();
	assert_false(allowed(review(bed, "CREATE", "ImagePolicy", "", "prod", "," OBJECT("p"))));
	assert_null(refusal_queue_take(bed->service.refusals));
	refusal_queue_free(bed->service.refusals);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_can_be_used_is_allowed),
		TEST(what_can_t_be_used_is_refused_with_its_place),
		TEST(a_field_that_is_none_is_left_out),
		TEST(an_update_that_leaves_the_spec_only_warns),
		TEST(warnings_are_passed_on),
		TEST(what_can_t_be_looked_at_is_refused),
		TEST(an_object_that_is_missing_or_no_object_is_refused),
		TEST(a_deletion_is_allowed_and_tells_who_is_left_behind),
		TEST(what_is_no_policy_object_is_not_looked_at),
		TEST(no_event_tells_of_a_policy_object),
	};

	return cmocka_run_group_tests_name("server/admission_policy", tests, NULL, NULL);
}
