/* The handlers with an evaluation of the test's choice: what reaches it, what is answered, what is logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "server/log.h"
#include "server/review.h"

/* What review_decide was asked, and what it answers. */
static struct {
	unsigned calls;
	struct subject subject;
	char paths[4096];
	int64_t deadline_ms;
	const struct finding *findings;
	size_t finding_count;
	enum decision_kind kind;
} evaluation;

void review_decide(struct review_service *service, const struct subject *subject, const struct image_uses *uses,
		   int64_t deadline_ms, struct arena *arena, struct decision *out)
{
	size_t used = 0;

	(void)service;
	(void)arena;
	evaluation.calls++;
	evaluation.subject = *subject;
	evaluation.deadline_ms = deadline_ms;
	for (size_t i = 0; i < uses->count && used < sizeof(evaluation.paths) / 2; i++)
		used += (size_t)snprintf(evaluation.paths + used, sizeof(evaluation.paths) - used, "%.*s=%.*s ",
					 STR_ARG(uses->items[i].path), STR_ARG(uses->items[i].text));
	*out = (struct decision){.kind = evaluation.kind,
				 .allowed = evaluation.kind != DECISION_DENY,
				 .findings = evaluation.findings,
				 .finding_count = evaluation.finding_count};
}

struct bed {
	struct review_service service;
	struct arena arena;
	struct http_response response;
	json_t *answer;
};

static const char *const exempt[] = {"kube-system", "sealgate"};

static int setup(void **state)
{
	static struct bed bed;

	bed = (struct bed){
		.service = {.metrics = metrics_new(), .exempt_namespaces = exempt, .exempt_namespace_count = 2},
		.arena = arena_init(LIMIT_REQUEST_MEMORY),
		.response = {.body = buf_init(LIMIT_REQUEST_MEMORY)}};
	memset(&evaluation, 0, sizeof(evaluation));
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

typedef void handler(struct review_service *service, struct http_request *request, struct http_response *response);

static void post(struct bed *bed, handler *handle, const char *method, const char *body)
{
	struct http_request request = {.method = str_of(method),
				       .body = str_of(body),
				       .started_ms = clock_monotonic_ms(),
				       .arena = &bed->arena};
	struct err e;

	buf_clear(&bed->response.body);
	json_decref(take(bed->answer));
	bed->response.status = 0;
	handle(&bed->service, &request, &bed->response);
	if (!json_read(buf_str(&bed->response.body), &bed->answer, &e))
		fail_msg("%s: %s", bed->response.body.data, e.text);
}

static json_t *reviewed(struct bed *bed, const char *body)
{
	post(bed, admission_handle, "POST", body);
	if (bed->response.status != 200)
		fail_msg("HTTP %d: %s", bed->response.status, bed->response.body.data);
	return json_object_get(bed->answer, "response");
}

static bool allowed(const json_t *response)
{
	return json_is_true(json_object_get(response, "allowed"));
}

static const char *annotation(const json_t *response, const char *name)
{
	const char *text = json_string_value(json_object_get(json_object_get(response, "auditAnnotations"), name));

	return text ? text : "";
}

static const char *message(const json_t *response)
{
	return json_string_value(json_object_get(json_object_get(response, "status"), "message"));
}

#define REVIEW(operation, namespace, rest)                                                                   \
	"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\"," \
	"\"kind\":{\"group\":\"\",\"kind\":\"Pod\"},\"resource\":{\"group\":\"\",\"resource\":\"pods\"},"    \
	"\"namespace\":\"" namespace "\",\"operation\":\"" operation "\"," rest "}}"
#define C(name, image) "{\"name\":\"" name "\",\"image\":\"" image "\"}"
#define POD(list) "{\"spec\":{\"serviceAccountName\":\"robot\",\"containers\":[" list "]}}"

static void a_pod_is_judged_with_its_subject(void **state)
{
	json_t *response;

	evaluation.kind = DECISION_ALLOW;
	response = reviewed(*state, REVIEW("CREATE", "prod", "\"object\":" POD(C("a", "x") "," C("b", "y"))));
	assert_true(allowed(response));
	assert_int_equal(evaluation.calls, 1);
	assert_string_equal(evaluation.paths, "spec.containers[0].image=x spec.containers[1].image=y ");
	assert_true(str_eq_c(evaluation.subject.namespace_, "prod"));
	assert_true(str_eq_c(evaluation.subject.kind, "Pod"));
	assert_true(str_eq_c(evaluation.subject.service_account, "robot"));
	assert_string_equal(annotation(response, "decision"), "allow");
	assert_string_equal(annotation(response, "images"), "x y");
}

static void what_brings_no_image_is_allowed_without_a_look(void **state)
{
	static const char *const bodies[] = {
		REVIEW("DELETE", "prod", "\"object\":null,\"oldObject\":" POD(C("a", "x"))),
		REVIEW("CONNECT", "prod", "\"object\":{\"kind\":\"PodExecOptions\"}"),
		REVIEW("UPDATE", "prod", "\"subResource\":\"status\",\"object\":" POD(C("a", "x"))),
		REVIEW("CREATE", "prod", "\"object\":" POD("")),
		REVIEW("UPDATE", "prod", "\"object\":" POD(C("a", "x")) ",\"oldObject\":" POD(C("a", "x"))),
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		json_t *response = reviewed(*state, bodies[i]);

		assert_true(allowed(response));
		assert_string_equal(annotation(response, "decision"), "allow");
	}
	assert_int_equal(evaluation.calls, 0);
}

static void exempt_is_the_namespace_of_the_request_alone(void **state)
{
	static const char named[] =
		"{\"metadata\":{\"namespace\":\"kube-system\"},\"spec\":{\"containers\":[" C("a", "x") "]}}";
	json_t *response = reviewed(*state, REVIEW("CREATE", "kube-system", "\"object\":" POD(C("a", "x"))));

	assert_true(allowed(response));
	assert_string_equal(annotation(response, "decision"), "exempt");
	assert_int_equal(evaluation.calls, 0);
	for (int i = 0; i < 3; i++) {
		static const char *const outside[] = {REVIEW("CREATE", "prod", "\"object\":%s"),
						      REVIEW("CREATE", "kube-system2", "\"object\":%s"),
						      REVIEW("CREATE", "", "\"object\":%s")};
		const char *at = strstr(outside[i], "%s");
		cleanup(buf) struct buf body = buf_init(4096);

		buf_add(&body, str_make(outside[i], (size_t)(at - outside[i])));
		buf_add_c(&body, named);
		buf_add_c(&body, at + 2);
		assert_false(allowed(reviewed(*state, body.data)));
	}
	assert_int_equal(evaluation.calls, 3);
}

static void an_update_is_judged_by_what_is_new(void **state)
{
	static const struct {
		const char *body, *judged;
	} rows[] = {
		{REVIEW("UPDATE", "p",
			"\"object\":" POD(C("a", "y") "," C("b", "z")) ",\"oldObject\":" POD(
				C("a", "x") "," C("b", "z"))),
		 "spec.containers[0].image=y "},
		{REVIEW("UPDATE", "p", "\"object\":" POD(C("a", "x"))), "spec.containers[0].image=x "},
		{REVIEW("UPDATE", "p", "\"object\":" POD(C("a", "x")) ",\"oldObject\":null"),
		 "spec.containers[0].image=x "},
		{REVIEW("UPDATE", "p", "\"object\":" POD(C("a", "x")) ",\"oldObject\":{\"spec\":7}"),
		 "spec.containers[0].image=x "},
		{REVIEW("UPDATE", "p", "\"object\":" POD(C("a", "x")) ",\"oldObject\":[]"),
		 "spec.containers[0].image=x "},
		{REVIEW("CREATE", "p", "\"object\":" POD(C("a", "x")) ",\"oldObject\":" POD(C("a", "x"))),
		 "spec.containers[0].image=x "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(allowed(reviewed(*state, rows[i].body)));
		assert_string_equal(evaluation.paths, rows[i].judged);
	}
}

/* An answer, not an error: an API server that ignores failures would admit what is answered by an error. */
static void an_object_that_cannot_be_read_is_refused_by_an_answer(void **state)
{
	static const char *const rows[][2] = {
		{REVIEW("CREATE", "p", "\"object\":null"), "Object can't be read: it is missing"},
		{REVIEW("CREATE", "p", "\"oldObject\":null"), "Object can't be read: it is missing"},
		{REVIEW("CREATE", "p", "\"object\":7"), "Object can't be read: the object must be an object"},
		{REVIEW("CREATE", "p", "\"object\":{}"), "Object can't be read: spec is missing"},
		{REVIEW("CREATE", "p", "\"object\":{\"spec\":{\"containers\":{}}}"),
		 "Object can't be read: spec: containers must be a list"},
		{REVIEW("UPDATE", "p", "\"object\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"Image\":\"x\"}]}}"),
		 "Object can't be read: spec.containers[0]: has a key that is \"image\" but for case"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *response = reviewed(*state, rows[i][0]);

		assert_false(allowed(response));
		assert_string_equal(message(response), rows[i][1]);
	}
	assert_int_equal(evaluation.calls, 0);
}

static void too_many_images_are_refused_by_an_answer(void **state)
{
	cleanup(buf) struct buf body = buf_init(LIMIT_REVIEW_BODY);
	json_t *response;

	buf_add_c(&body, "{\"apiVersion\":\"admission.k8s.io/"
			 "v1beta1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","
			 "\"kind\":{\"kind\":\"Pod\"},\"resource\":{\"resource\":\"pods\"},\"operation\":\"CREATE\","
			 "\"object\":{\"spec\":{\"containers\":[");
	for (size_t i = 0; i <= LIMIT_IMAGES; i++)
		buf_printf(&body, "%s{\"name\":\"n%zu\",\"image\":\"x\"}", i ? "," : "", i);
	buf_add_c(&body, "]}}}}");
	response = reviewed(*state, body.data);
	assert_false(allowed(response));
	assert_ptr_equal(strstr(message(response), "Too many images"), message(response));
	assert_string_equal(json_string_value(json_object_get(((struct bed *)*state)->answer, "apiVersion")),
			    "admission.k8s.io/v1beta1");
}

static void an_object_beyond_the_memory_of_a_review_is_refused_with_its_uid(void **state)
{
	cleanup(buf) struct buf body = buf_init(LIMIT_REVIEW_BODY);
	json_t *response;

	buf_add_c(&body,
		  "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","
		  "\"kind\":{\"kind\":\"Pod\"},\"resource\":{\"resource\":\"pods\"},\"operation\":\"CREATE\","
		  "\"object\":{\"spec\":{\"x\":[0");
	while (body.len < LIMIT_REVIEW_BODY - 100)
		buf_add_c(&body, ",0");
	buf_add_c(&body, "]}}}}");
	response = reviewed(*state, body.data);
	assert_false(allowed(response));
	assert_ptr_equal(strstr(message(response), "Too complex: "), message(response));
	assert_string_equal(json_string_value(json_object_get(response, "uid")), "u-1");
}

static void a_request_that_cannot_be_read_is_400_with_a_status(void **state)
{
	struct bed *bed = *state;

	post(bed, admission_handle, "POST", "{}");
	assert_int_equal(bed->response.status, 400);
	assert_string_equal(json_string_value(json_object_get(bed->answer, "kind")), "Status");
	assert_string_equal(json_string_value(json_object_get(bed->answer, "apiVersion")), "v1");
	assert_string_equal(json_string_value(json_object_get(bed->answer, "status")), "Failure");
	assert_string_equal(json_string_value(json_object_get(bed->answer, "reason")), "BadRequest");
	assert_int_equal(json_integer_value(json_object_get(bed->answer, "code")), 400);
	assert_string_equal(json_string_value(json_object_get(bed->answer, "message")),
			    "AdmissionReview: kind must be AdmissionReview");
}

static void other_methods_are_405(void **state)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "post", ""};
	static handler *const handlers[] = {admission_handle, image_review_handle};
	struct bed *bed = *state;

	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < 2; k++) {
			post(bed, handlers[k], methods[i], REVIEW("CREATE", "p", "\"object\":" POD(C("a", "x"))));
			assert_int_equal(bed->response.status, 405);
			assert_string_equal(bed->response.allow, "POST");
		}
	assert_int_equal(evaluation.calls, 0);
}

static void ephemeral_containers_of_old_servers_count_as_a_pod(void **state)
{
	reviewed(*state,
		 "{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\","
		 "\"kind\":{\"kind\":\"EphemeralContainers\"},\"resource\":{\"resource\":\"pods\"},\"subResource\":"
		 "\"ephemeralcontainers\","
		 "\"operation\":\"UPDATE\",\"object\":{\"ephemeralContainers\":[" C("e", "x") "]}}}");
	assert_true(str_eq_c(evaluation.subject.kind, "Pod"));
	assert_string_equal(evaluation.paths, "ephemeralContainers[0].image=x ");
}

/* ---- ImageReview ---- */

#define IMAGES(spec) "{\"apiVersion\":\"imagepolicy.k8s.io/v1alpha1\",\"kind\":\"ImageReview\",\"spec\":" spec "}"

static json_t *image_reviewed(struct bed *bed, const char *body)
{
	post(bed, image_review_handle, "POST", body);
	if (bed->response.status != 200)
		fail_msg("HTTP %d: %s", bed->response.status, bed->response.body.data);
	assert_string_equal(json_string_value(json_object_get(bed->answer, "apiVersion")),
			    "imagepolicy.k8s.io/v1alpha1");
	assert_string_equal(json_string_value(json_object_get(bed->answer, "kind")), "ImageReview");
	return json_object_get(bed->answer, "status");
}

static void an_ImageReview_is_judged_as_a_pod(void **state)
{
	static const struct finding finding = {.text = {"No", 2}};
	json_t *status;

	evaluation.findings = &finding;
	evaluation.finding_count = 1;
	status = image_reviewed(*state, IMAGES("{\"containers\":[{\"image\":\"x\"},{}],\"namespace\":\"prod\","
					       "\"annotations\":{\"a.image-policy.k8s.io/break-glass\":\"yes\"}}"));
	assert_false(allowed(status));
	assert_string_equal(json_string_value(json_object_get(status, "reason")), "No");
	assert_string_equal(annotation(status, "decision"), "deny");
	assert_string_equal(evaluation.paths, "spec.containers[0].image=x spec.containers[1].image= ");
	assert_true(str_eq_c(evaluation.subject.namespace_, "prod"));
	assert_true(str_eq_c(evaluation.subject.kind, "Pod"));
	evaluation.kind = DECISION_ALLOW;
	status = image_reviewed(*state, IMAGES("{\"containers\":[{\"image\":\"x\"}]}"));
	assert_true(allowed(status));
	assert_null(json_object_get(status, "reason"));
}

static void exempt_namespaces_apply_to_an_ImageReview(void **state)
{
	json_t *status =
		image_reviewed(*state, IMAGES("{\"containers\":[{\"image\":\"x\"}],\"namespace\":\"kube-system\"}"));

	assert_true(allowed(status));
	assert_string_equal(annotation(status, "decision"), "exempt");
	assert_int_equal(evaluation.calls, 0);
}

static void an_ImageReview_that_cannot_be_read_is_400(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"null",
		IMAGES("null"),
		IMAGES("{}"),
		IMAGES("[]"),
		IMAGES("{\"containers\":[]}"),
		IMAGES("{\"containers\":null}"),
		IMAGES("{\"containers\":{}}"),
		IMAGES("{\"containers\":[7]}"),
		IMAGES("{\"containers\":[null]}"),
		IMAGES("{\"containers\":[{\"image\":7}]}"),
		IMAGES("{\"containers\":[{\"Image\":\"x\"}]}"),
		IMAGES("{\"Containers\":[{\"image\":\"x\"}]}"),
		IMAGES("{\"containers\":[{\"image\":\"x\"}],\"namespace\":7}"),
		IMAGES("{\"containers\":[{\"image\":\"x\"}],\"Namespace\":\"kube-system\"}"),
		IMAGES("{\"containers\":[{\"image\":\"x\"}],\"containers\":[{\"image\":\"y\"}]}"),
		"{\"apiVersion\":\"imagepolicy.k8s.io/"
		"v1\",\"kind\":\"ImageReview\",\"spec\":{\"containers\":[{\"image\":\"x\"}]}}",
		"{\"apiVersion\":\"imagepolicy.k8s.io/"
		"v1alpha1\",\"kind\":\"imageReview\",\"spec\":{\"containers\":[{\"image\":\"x\"}]}}",
		REVIEW("CREATE", "p", "\"object\":" POD(C("a", "x")))};
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		post(bed, image_review_handle, "POST", bad[i]);
		if (bed->response.status != 400)
			fail_msg("HTTP %d for %s", bed->response.status, bad[i]);
	}
	assert_int_equal(evaluation.calls, 0);
}

/* ---- The log ---- */

/* Runs one review with standard error in a file; the lines it left. */
static size_t log_of(struct bed *bed, const char *body, char *text, size_t size)
{
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);
	size_t length, lines = 0;

	assert_non_null(file);
	assert_true(before >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
	log_setup("json", "info");
	post(bed, admission_handle, "POST", body);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	rewind(file);
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	return lines;
}

static void a_review_leaves_one_line_and_a_dry_run_none(void **state)
{
	static const char review[] =
		REVIEW("CREATE", "prod",
		       "\"name\":\"web\",\"userInfo\":{\"username\":\"al\\nice\"},\"object\":" POD(C("a", "x\\n{}")));
	static const char *const names[] = {"time",	"level",     "msg",	 "request",    "uid",	    "decision",
					    "allowed",	"namespace", "kind",	 "name",       "operation", "user",
					    "policies", "images",    "findings", "duration_us"};
	char text[8192];
	cleanup(json) json_t *line = NULL;
	struct err e;

	assert_int_equal(log_of(*state, review, text, sizeof(text)), 1);
	assert_true(json_read(str_of(text), &line, &e));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!json_object_get(line, names[i]))
			fail_msg("no %s in %s", names[i], text);
	assert_string_equal(json_string_value(json_object_get(line, "msg")), "decision");
	assert_string_equal(json_string_value(json_object_get(line, "user")), "al\nice");
	assert_string_equal(json_string_value(json_array_get(json_object_get(line, "images"), 0)), "x\\n{}");
	assert_int_equal(log_of(*state, REVIEW("CREATE", "prod", "\"dryRun\":true,\"object\":" POD(C("a", "x"))), text,
				sizeof(text)),
			 0);
}

static void a_line_about_ten_thousand_images_stays_whole(void **state)
{
	cleanup(buf) struct buf body = buf_init(LIMIT_REVIEW_BODY);
	static char text[1u << 20];
	cleanup(json) json_t *line = NULL;
	json_t *images;
	struct err e;

	buf_add_c(&body,
		  "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","
		  "\"kind\":{\"kind\":\"Pod\"},\"resource\":{\"resource\":\"pods\"},\"operation\":\"CREATE\","
		  "\"object\":{\"spec\":{\"containers\":[");
	for (size_t i = 0; i < LIMIT_IMAGES; i++)
		buf_printf(&body, "%s{\"name\":\"n%zu\",\"image\":\"registry.example.com/%zu\"}", i ? "," : "", i, i);
	buf_add_c(&body, "]}}}}");
	assert_int_equal(log_of(*state, body.data, text, sizeof(text)), 1);
	assert_true(json_read(str_of(text), &line, &e));
	images = json_object_get(line, "images");
	assert_non_null(strstr(json_string_value(json_array_get(images, json_array_size(images) - 1)), "more"));
}

#define OWNED(namespace, owners)                                                      \
	REVIEW("CREATE", namespace,                                                   \
	       "\"object\":{\"metadata\":{\"ownerReferences\":" owners "},\"spec\":{" \
	       "\"containers\":[" C("a", "x") "]}}")
#define OWNER(kind, name, controller)                                        \
	"{\"apiVersion\":\"apps/v1\",\"kind\":\"" kind "\",\"name\":\"" name \
	"\",\"uid\":\"u-1\",\"controller\":" controller "}"

/* "KIND NAME: NOTE" of the refusal that was told; "" when none was. */
static const char *told_of(struct bed *bed, const char *body)
{
	static char text[2048];
	struct refusal *refusal;

	(void)reviewed(bed, body);
	refusal = refusal_queue_take(bed->service.refusals);
	text[0] = 0;
	if (refusal)
		(void)snprintf(text, sizeof(text), "%.*s %.*s in %.*s: %.*s", STR_ARG(refusal->kind),
			       STR_ARG(refusal->name), STR_ARG(refusal->namespace_), STR_ARG(refusal->note));
	free(refusal);
	return text;
}

static void a_refusal_is_told_of_with_what_people_look_at(void **state)
{
	struct bed *bed = *state;
	static const struct finding finding = {.enforcement = ENFORCE_DENY, .text = {"no good", 7}};
	static const struct {
		const char *owners, *told;
	} cases[] = {
		{"[]", "Namespace shop in shop: no good"},
		{"[" OWNER("ReplicaSet", "web-1", "true") "]", "ReplicaSet web-1 in shop: no good"},
		{"[" OWNER("Node", "n", "false") "," OWNER("Job", "j", "true") "]", "Job j in shop: no good"},
		{"[" OWNER("ReplicaSet", "web-1", "\"true\"") "]", "Namespace shop in shop: no good"},
		{"[" OWNER("ReplicaSet", "", "true") "]", "Namespace shop in shop: no good"},
		{"[5,null,{}]", "Namespace shop in shop: no good"},
		{"{}", "Namespace shop in shop: no good"},
	};
	char body[2048];

	bed->service.refusals = refusal_queue_new();
	evaluation.findings = &finding;
	evaluation.finding_count = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(body, sizeof(body), OWNED("shop", "%s"), cases[i].owners);
		assert_string_equal(told_of(bed, body), cases[i].told);
	}
	refusal_queue_free(bed->service.refusals);
}

static void nothing_is_told_of_what_is_admitted_or_tried(void **state)
{
	struct bed *bed = *state;

	bed->service.refusals = refusal_queue_new();
	assert_string_equal(told_of(bed, REVIEW("CREATE", "shop", "\"dryRun\":true,\"object\":" POD(C("a", "x")))), "");
	assert_string_equal(told_of(bed, REVIEW("CREATE", "", "\"object\":" POD(C("a", "x")))), "");
	evaluation.kind = DECISION_WARN;
	assert_string_equal(told_of(bed, REVIEW("CREATE", "shop", "\"object\":" POD(C("a", "x")))), "");
	refusal_queue_free(bed->service.refusals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(a_pod_is_judged_with_its_subject),
		CASE(what_brings_no_image_is_allowed_without_a_look),
		CASE(exempt_is_the_namespace_of_the_request_alone),
		CASE(an_update_is_judged_by_what_is_new),
		CASE(an_object_that_cannot_be_read_is_refused_by_an_answer),
		CASE(too_many_images_are_refused_by_an_answer),
		CASE(an_object_beyond_the_memory_of_a_review_is_refused_with_its_uid),
		CASE(a_request_that_cannot_be_read_is_400_with_a_status),
		CASE(other_methods_are_405),
		CASE(ephemeral_containers_of_old_servers_count_as_a_pod),
		CASE(an_ImageReview_is_judged_as_a_pod),
		CASE(exempt_namespaces_apply_to_an_ImageReview),
		CASE(an_ImageReview_that_cannot_be_read_is_400),
		CASE(a_review_leaves_one_line_and_a_dry_run_none),
		CASE(a_line_about_ten_thousand_images_stays_whole),
		cmocka_unit_test_setup_teardown(a_refusal_is_told_of_with_what_people_look_at, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_told_of_what_is_admitted_or_tried, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
