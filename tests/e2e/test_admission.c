/* The admission contract against the built server: every kind and place, what is judged and what is not, and what a bad
 * request gets. */
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/bed.h"

#define UID "705ab4f5-6393-11e8-b7cc-42010a800002"

static int setup(void **state)
{
	bed_setup(state);
	struct bed *bed = *state;
	char *signature;

	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_note(bed, "image-signing", "qa"), 200);
	signature = bed_clearsign(bed, "qa_bob@example.com", DIGEST_A);
	assert_int_equal(bed_attest(bed, "image-signing", "qa", IMAGE_A, signature), 200);
	free(signature);
	return 0;
}

/* Replaces each @ in a pattern by the image. */
static char *with_image(const char *pattern, const char *image)
{
	char *out = text_of("%s", "");

	for (const char *at = pattern; *at; at++) {
		char *longer = *at == '@' ? text_of("%s%s", out, image) : text_of("%s%c", out, *at);

		free(out);
		out = longer;
	}
	return out;
}

struct place {
	const char *group, *kind, *resource, *subresource, *object, *path;
};

#define POD_SPEC "{\"containers\":[{\"name\":\"a\",\"image\":\"@\"}]}"
#define TEMPLATE "{\"spec\":{\"template\":{\"spec\":" POD_SPEC "}}}"
#define IN_TEMPLATE "spec.template.spec.containers[0].image"

static const struct place places[] = {
	{"", "Pod", "pods", NULL, "{\"spec\":" POD_SPEC "}", "spec.containers[0].image"},
	{"", "Pod", "pods", NULL, "{\"spec\":{\"initContainers\":[{\"name\":\"a\",\"image\":\"@\"}]}}",
	 "spec.initContainers[0].image"},
	{"", "Pod", "pods", "ephemeralcontainers",
	 "{\"spec\":{\"ephemeralContainers\":[{\"name\":\"a\",\"image\":\"@\"}]}}",
	 "spec.ephemeralContainers[0].image"},
	{"", "Pod", "pods", NULL,
	 "{\"spec\":{\"containers\":[],\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}},{\"name\":\"w\",\"image\":{"
	 "\"reference\":\"@\"}}]}}",
	 "spec.volumes[1].image.reference"},
	{"", "PodTemplate", "podtemplates", NULL, "{\"template\":{\"spec\":" POD_SPEC "}}",
	 "template.spec.containers[0].image"},
	{"", "ReplicationController", "replicationcontrollers", NULL, TEMPLATE, IN_TEMPLATE},
	{"apps", "ReplicaSet", "replicasets", NULL, TEMPLATE, IN_TEMPLATE},
	{"apps", "Deployment", "deployments", NULL, TEMPLATE, IN_TEMPLATE},
	{"extensions", "Deployment", "deployments", NULL, TEMPLATE, IN_TEMPLATE},
	{"extensions", "ReplicaSet", "replicasets", NULL, TEMPLATE, IN_TEMPLATE},
	{"extensions", "DaemonSet", "daemonsets", NULL, TEMPLATE, IN_TEMPLATE},
	{"apps", "StatefulSet", "statefulsets", NULL, TEMPLATE, IN_TEMPLATE},
	{"apps", "DaemonSet", "daemonsets", NULL, TEMPLATE, IN_TEMPLATE},
	{"batch", "Job", "jobs", NULL, TEMPLATE, IN_TEMPLATE},
	{"batch", "CronJob", "cronjobs", NULL,
	 "{\"spec\":{\"jobTemplate\":{\"spec\":{\"template\":{\"spec\":" POD_SPEC "}}}}}",
	 "spec.jobTemplate.spec.template.spec.containers[0].image"},
	{"apps", "ControllerRevision", "controllerrevisions", NULL, "{\"data\":" TEMPLATE "}",
	 "data.spec.template.spec.containers[0].image"},
};

/* CVE class: container kinds forgotten (Connaisseur before 1.3.1 and 3.2.0), zero replicas skipped (PO#508). */
static void every_kind_and_place_is_judged(void **state)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct place *p = &places[i];

		for (int is_signed = 0; is_signed < 2; is_signed++) {
			char *object = with_image(p->object, is_signed ? IMAGE_A : IMAGE_B);
			const char *operation = p->subresource ? "UPDATE" : "CREATE";
			char *review = bed_review_text("v1", operation, p->group, p->kind, p->resource, p->subresource,
						       "default", object, NULL);
			json_t *response = bed_review(*state, review);

			if (response_allowed(response) != (is_signed == 1))
				fail_msg("%s/%s %s: %s", p->group, p->kind, is_signed ? "signed" : "unsigned",
					 response_message(response));
			if (!is_signed && !strstr(response_message(response), p->path))
				fail_msg("%s/%s: no %s in: %s", p->group, p->kind, p->path, response_message(response));
			json_decref(response);
			free(review);
			free(object);
		}
	}
}

struct plain {
	const char *operation, *group, *kind, *resource_group, *resource, *subresource;
};

static void what_runs_nothing_new_is_allowed_without_a_look(void **state)
{
	static const struct plain rows[] = {
		{"DELETE", "", "Pod", "", "pods", ""},
		{"CONNECT", "", "PodExecOptions", "", "pods", "exec"},
		{"CONNECT", "", "PodAttachOptions", "", "pods", "attach"},
		{"CONNECT", "", "PodPortForwardOptions", "", "pods", "portforward"},
		{"UPDATE", "autoscaling", "Scale", "apps", "deployments", "scale"},
		{"UPDATE", "", "Pod", "", "pods", "status"},
		{"UPDATE", "apps", "Deployment", "apps", "deployments", "status"},
		{"CREATE", "", "Binding", "", "pods", "binding"},
		{"CREATE", "policy", "Eviction", "", "pods", "eviction"},
		{"CREATE", "", "ConfigMap", "", "configmaps", ""},
		{"CREATE", "example.com", "Widget", "example.com", "widgets", ""},
	};
	char *object = with_image("{\"spec\":" POD_SPEC "}", IMAGE_B);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct plain *r = &rows[i];
		bool deletes = strcmp(r->operation, "DELETE") == 0;
		char *review = text_of(
			"{\"apiVersion\":\"admission.k8s.io/"
			"v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"" UID
			"\",\"kind\":{\"group\":\"%s\",\"version\":\"v1\",\"kind\":\"%s\"},\"resource\":{\"group\":\"%"
			"s\","
			"\"version\":\"v1\",\"resource\":\"%s\"},\"subResource\":\"%s\",\"namespace\":\"default\","
			"\"operation\":\"%s\",\"userInfo\":{\"username\":\"alice\"},\"object\":%s,\"oldObject\":%s}}",
			r->group, r->kind, r->resource_group, r->resource, r->subresource, r->operation,
			deletes ? "null" : object, deletes ? object : "null");
		json_t *response = bed_review(*state, review);

		if (!response_allowed(response))
			fail_msg("%s %s/%s: %s", r->operation, r->resource, r->subresource, response_message(response));
		json_decref(response);
		free(review);
	}
	free(object);
}

static bool update_allowed(struct bed *bed, const char *object, const char *old)
{
	char *review = bed_review_text("v1", "UPDATE", "", "Pod", "pods", NULL, "default", object, old);
	json_t *response = bed_review(bed, review);
	bool yes = response_allowed(response);

	json_decref(response);
	free(review);
	return yes;
}

#define ONE(name, image) "{\"spec\":{\"containers\":[{\"name\":\"" name "\",\"image\":\"" image "\"}]}}"
#define DELETING(name, image)                                                                \
	"{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"finalizers\":[\"a/" \
	"b\"]},\"spec\":{\"containers\":[{\"name\":\"" name "\",\"image\":\"" image "\"}]}}"
#define TWICE(image)                                                                                             \
	"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"" image "\"},{\"name\":\"a\",\"image\":\"" image \
	"\"}]}}"

static void update_judges_what_is_new_in_its_place(void **state)
{
	assert_true(update_allowed(*state, ONE("a", IMAGE_B), ONE("a", IMAGE_B)));
	assert_false(update_allowed(*state, ONE("a", IMAGE_B), ONE("a", IMAGE_A)));
	assert_false(update_allowed(*state, ONE("b", IMAGE_B), ONE("a", IMAGE_B)));
	assert_false(update_allowed(*state, ONE("a", IMAGE_B), NULL));
	assert_false(update_allowed(*state, ONE("a", IMAGE_B), "{\"spec\":7}"));
	assert_false(update_allowed(*state, TWICE(IMAGE_B), TWICE(IMAGE_B)));
	assert_true(update_allowed(*state, ONE("a", IMAGE_A), ONE("a", IMAGE_B)));
}

static void CVE_2023_34091_a_deleting_object_is_judged_like_any_other(void **state)
{
	assert_false(update_allowed(*state, DELETING("a", IMAGE_B), DELETING("a", IMAGE_A)));
	assert_true(update_allowed(*state, DELETING("a", IMAGE_B), DELETING("a", IMAGE_B)));
}

static json_t *in_namespace(struct bed *bed, const char *namespace_, const char *object, const char *user,
			    const char *groups)
{
	char *review = text_of(
		"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"" UID
		"\",\"kind\":"
		"{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"resource\":{\"group\":\"\",\"version\":\"v1\","
		"\"resource\":\"pods\"},"
		"\"namespace\":\"%s\",\"operation\":\"CREATE\",\"userInfo\":{\"username\":\"%s\",\"groups\":[%s]},"
		"\"object\":%s}}",
		namespace_, user, groups, object);
	json_t *response = bed_review(bed, review);

	free(review);
	return response;
}

static void exemption_looks_at_the_request_not_at_metadata(void **state)
{
	static const char object[] = "{\"metadata\":{\"namespace\":\"kube-system\"},\"spec\":{\"containers\":[{"
				     "\"name\":\"a\",\"image\":\"" IMAGE_B "\"}]}}";
	json_t *outside = in_namespace(*state, "default", object, "alice", "");
	json_t *inside = in_namespace(*state, "kube-system", object, "alice", "");

	assert_false(response_allowed(outside));
	assert_true(response_allowed(inside));
	assert_string_equal(json_string_value(json_object_get(json_object_get(inside, "auditAnnotations"), "decision")),
			    "exempt");
	json_decref(outside);
	json_decref(inside);
}

#define MIRROR(node)                                                                                             \
	"{\"metadata\":{\"annotations\":{\"kubernetes.io/config.mirror\":\"x\"}},\"spec\":{\"nodeName\":\"" node \
	"\",\"containers\":[{\"name\":\"a\",\"image\":\"" IMAGE_B "\"}]}}"

static void mirror_pods_need_all_three_conditions(void **state)
{
	static const struct {
		const char *object, *user, *groups;
		bool allowed;
	} rows[] = {
		{MIRROR("n1"), "system:node:n1", "\"system:nodes\"", true},
		{MIRROR("n1"), "system:node:n2", "\"system:nodes\"", false},
		{MIRROR("n1"), "system:node:n1", "\"system:authenticated\"", false},
		{MIRROR("n1"), "alice", "\"system:nodes\"", false},
		{MIRROR(""), "system:node:", "\"system:nodes\"", false},
		{ONE("a", IMAGE_B), "system:node:n1", "\"system:nodes\"", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *response = in_namespace(*state, "default", rows[i].object, rows[i].user, rows[i].groups);

		if (response_allowed(response) != rows[i].allowed)
			fail_msg("row %zu: %s", i, response_message(response));
		json_decref(response);
	}
}

static void the_version_and_uid_are_echoed(void **state)
{
	static const char *const versions[] = {"v1", "v1beta1"};

	for (size_t i = 0; i < 2; i++) {
		char *review = bed_review_text(versions[i], "CREATE", "", "Pod", "pods", NULL, "default",
					       ONE("a", IMAGE_B), NULL);
		char *wanted = text_of("admission.k8s.io/%s", versions[i]);
		struct reply reply =
			bed_request(*state, "POST", ((struct bed *)*state)->webhook, "/", review, strlen(review), NULL);
		json_t *answer = reply_json(&reply);

		assert_int_equal(reply.status, 200);
		assert_string_equal(json_string_value(json_object_get(answer, "apiVersion")), wanted);
		assert_string_equal(json_string_value(json_object_get(answer, "kind")), "AdmissionReview");
		assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "response"), "uid")),
				    UID);
		json_decref(answer);
		reply_release(&reply);
		free(wanted);
		free(review);
	}
}

static void a_dry_run_is_answered_and_leaves_no_line(void **state)
{
	struct bed *bed = *state;
	size_t before = bed_log_lines(bed, "decision");
	char *review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", ONE("a", IMAGE_B), NULL);
	json_t *response;

	memcpy(strstr(review, "\"dryRun\":false"), "\"dryRun\":true ", 14);
	response = bed_review(bed, review);
	assert_false(response_allowed(response));
	assert_int_equal(bed_log_lines(bed, "decision"), before);
	json_decref(response);
	free(review);
}

static void nobody_forges_a_log_line(void **state)
{
	struct bed *bed = *state;
	size_t before = bed_log_lines(bed, "decision");
	json_t *response = bed_review_pod(bed, "x\\n{\\\"msg\\\":\\\"decision\\\",\\\"allowed\\\":true}\\u0000\\u2028");

	assert_false(response_allowed(response));
	assert_null(strchr(response_message(response), '\n'));
	assert_int_equal(bed_log_lines(bed, "decision"), before + 1);
	json_decref(response);
}

static long status_of(struct bed *bed, const char *method, const char *path, const char *body, size_t length)
{
	struct reply reply = bed_request(bed, method, bed->webhook, path, body, length, NULL);
	long status = reply.status;

	if (status == 200)
		print_message("answered: %s\n", reply.body);
	reply_release(&reply);
	return status;
}

static void malformed_reviews_are_400(void **state)
{
	static const char *const bodies[] = {
		"",
		"{",
		"[]",
		"null",
		"\"x\"",
		"{}",
		"{\"kind\":\"AdmissionReview\"}",
		"not json",
		"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}",
		"{\"apiVersion\":\"admission.k8s.io/v2\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\"}}",
		"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"Pod\",\"request\":{\"uid\":\"u\"}}",
		"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":null}",
		"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":[]}",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		long status = status_of(*state, "POST", "/validate", bodies[i], strlen(bodies[i]));

		if (status != 400)
			fail_msg("%s: HTTP %ld", bodies[i], status);
	}
}

/* One change to a good review makes it 400. */
static void a_review_with_one_fault_is_400(void **state)
{
	static const char *const changes[][2] = {
		{"\"uid\":\"" UID "\"", "\"uid\":\"\""},
		{"\"uid\":\"" UID "\"", "\"uid\":7"},
		{"\"uid\":\"" UID "\"", "\"uid\":null"},
		{"\"uid\":\"" UID "\"", "\"UID\":\"x\""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"PATCH\""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"create\""},
		{"\"operation\":\"CREATE\"", "\"operation\":null"},
		{"\"operation\":\"CREATE\"", "\"operation\":\"CREATE\",\"operation\":\"DELETE\""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"CREATE\",\"\\u006fperation\":\"DELETE\""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"CREATE\",\"Operation\":\"DELETE\""},
		{"\"kind\":\"Pod\"", "\"kind\":\"Deployment\""},
		{"\"kind\":\"Pod\"", "\"kind\":7"},
		{"\"resource\":\"pods\"", "\"resource\":\"configmaps\""},
		{"\"resource\":\"pods\"", "\"resource\":[]"},
		{"\"namespace\":\"default\"", "\"namespace\":{}"},
		{"\"dryRun\":false", "\"dryRun\":\"true\""},
		{"\"userInfo\":{", "\"userInfo\":[{"},
		{"\"username\":\"alice\"", "\"username\":1"},
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char *review =
			bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", ONE("a", IMAGE_B), NULL);
		char *at = strstr(review, changes[i][0]);
		char *changed;
		long status;

		assert_non_null(at);
		changed = text_of("%.*s%s%s", (int)(at - review), review, changes[i][1], at + strlen(changes[i][0]));
		status = status_of(*state, "POST", "/validate", changed, strlen(changed));
		if (status != 400)
			fail_msg("%s -> %s: HTTP %ld", changes[i][0], changes[i][1], status);
		free(changed);
		free(review);
	}
}

static void an_object_that_cannot_be_read_is_never_admitted(void **state)
{
	static const char *const objects[] = {
		"null",
		"7",
		"[]",
		"\"x\"",
		"{\"spec\":null}",
		"{\"spec\":[]}",
		"{\"spec\":{\"containers\":{}}}",
		"{\"spec\":{\"containers\":[7]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":7}]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\"}]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"\"}]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\" \"}]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"" IMAGE_A "\",\"Image\":\"" IMAGE_B "\"}]}}",
		"{\"spec\":{\"Containers\":[{\"name\":\"a\",\"image\":\"" IMAGE_B "\"}]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"" IMAGE_A "\",\"image\":\"" IMAGE_B "\"}]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\" " IMAGE_A "\"}]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"" IMAGE_A "\\n\"}]}}",
		"{\"spec\":{\"volumes\":[{\"name\":\"v\",\"image\":{\"reference\":7}}]}}",
	};
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		char *review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", objects[i], NULL);
		struct reply reply = bed_request(bed, "POST", bed->webhook, "/validate", review, strlen(review), NULL);

		if (reply.status != 200 && reply.status != 400)
			fail_msg("%s: HTTP %ld", objects[i], reply.status);
		if (strstr(reply.body, "\"allowed\":true"))
			fail_msg("%s: admitted: %s", objects[i], reply.body);
		reply_release(&reply);
		free(review);
	}
}

static void CVE_2020_1702_limits_have_their_stated_answers(void **state)
{
	size_t size = 8u * 1024 * 1024;
	char *big = malloc(size + 2);
	char *deep = malloc(2000);

	assert_non_null(big);
	assert_non_null(deep);
	memset(big, ' ', size + 1);
	big[size + 1] = 0;
	assert_int_equal(status_of(*state, "POST", "/validate", big, size + 1), 413);
	assert_int_equal(status_of(*state, "POST", "/validate", big, size), 400);
	memset(deep, '[', 600);
	memset(deep + 600, ']', 600);
	assert_int_equal(status_of(*state, "POST", "/validate", deep, 1200), 400);
	free(big);
	free(deep);
}

static void too_many_images_is_a_refusal(void **state)
{
	struct bed *bed = *state;

	for (int over = 0; over < 2; over++) {
		char *list = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&list, &length);
		char *object, *review;
		json_t *response;

		for (int i = 0; i < 10000 + over; i++)
			fprintf(out, "%s{\"name\":\"c%d\",\"image\":\"" IMAGE_A "\"}", i ? "," : "", i);
		fclose(out);
		object = text_of("{\"spec\":{\"containers\":[%s]}}", list);
		review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", object, NULL);
		response = bed_review(bed, review);
		if (response_allowed(response) != (over == 0))
			fail_msg("%d images: %s", 10000 + over, response_message(response));
		if (over)
			assert_memory_equal(response_message(response), "Too many images", 15);
		json_decref(response);
		free(review);
		free(object);
		free(list);
	}
}

static void many_findings_end_in_an_exact_count(void **state)
{
	char *list = NULL;
	size_t length = 0, shown = 0;
	FILE *out = open_memstream(&list, &length);
	char *object, *review;
	json_t *response;
	const char *message, *at;
	long more;

	for (int i = 0; i < 200; i++)
		fprintf(out, "%s{\"name\":\"c%d\",\"image\":\"registry.example.com/app:v%d\"}", i ? "," : "", i, i);
	fclose(out);
	object = text_of("{\"spec\":{\"containers\":[%s]}}", list);
	review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", object, NULL);
	response = bed_review(*state, review);
	message = response_message(response);
	assert_false(response_allowed(response));
	assert_in_range(strlen(message), 2000, 4096);
	for (at = message; (at = strstr(at, "Container image has no digest")); at++)
		shown++;
	at = strstr(message, "and ");
	assert_non_null(at);
	more = strtol(at + 4, NULL, 10);
	assert_int_equal(shown + (size_t)more, 200);
	assert_string_equal(message + strlen(message) - 5, " more");
	json_decref(response);
	free(review);
	free(object);
	free(list);
}

static void other_methods_and_paths(void **state)
{
	assert_int_equal(status_of(*state, "GET", "/validate", NULL, 0), 405);
	assert_int_equal(status_of(*state, "DELETE", "/validate", NULL, 0), 405);
	assert_int_equal(status_of(*state, "POST", "/nothing", "{}", 2), 404);
	assert_int_equal(status_of(*state, "POST", "/validate?timeout=banana", "{}", 2), 400);
}

static void image_review_uses_the_same_evaluation(void **state)
{
	struct bed *bed = *state;

	for (int is_signed = 0; is_signed < 2; is_signed++) {
		char *body =
			text_of("{\"apiVersion\":\"imagepolicy.k8s.io/"
				"v1alpha1\",\"kind\":\"ImageReview\",\"spec\":{\"containers\":[{\"image\":\"%s\"}],"
				"\"annotations\":{\"sealgate.dev/break-glass\":\"please\"},\"namespace\":\"default\"}}",
				is_signed ? IMAGE_A : IMAGE_B);
		struct reply reply = bed_request(bed, "POST", bed->webhook, "/image-review", body, strlen(body), NULL);
		json_t *answer = reply_json(&reply);
		json_t *status = json_object_get(answer, "status");

		assert_int_equal(reply.status, 200);
		assert_string_equal(json_string_value(json_object_get(answer, "apiVersion")),
				    "imagepolicy.k8s.io/v1alpha1");
		assert_string_equal(json_string_value(json_object_get(answer, "kind")), "ImageReview");
		assert_int_equal(json_is_true(json_object_get(status, "allowed")), is_signed);
		if (!is_signed)
			assert_memory_equal(json_string_value(json_object_get(status, "reason")),
					    "No matched signatures", 21);
		json_decref(answer);
		reply_release(&reply);
		free(body);
	}
	assert_int_equal(status_of(bed, "POST", "/image-review",
				   "{\"apiVersion\":\"imagepolicy.k8s.io/"
				   "v1alpha1\",\"kind\":\"ImageReview\",\"spec\":{\"containers\":[]}}",
				   85),
			 400);
	assert_int_equal(status_of(bed, "POST", "/image-review", "{}", 2), 400);
}

static void a_short_timeout_is_answered_before_it(void **state)
{
	char *review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", ONE("a", IMAGE_A), NULL);

	assert_int_equal(status_of(*state, "POST", "/validate?timeout=1s", review, strlen(review)), 200);
	assert_int_equal(status_of(*state, "POST", "/validate?timeout=30s", review, strlen(review)), 200);
	free(review);
}

static bool create_allowed(struct bed *bed, const char *object)
{
	char *review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", object, NULL);
	json_t *response = bed_review(bed, review);
	bool yes = response_allowed(response);

	json_decref(response);
	free(review);
	return yes;
}

/* The object of an owner need not exist, and whoever makes the pod writes the reference. */
static void an_owner_reference_vouches_for_nothing(void **state)
{
	assert_false(create_allowed(*state, "{\"metadata\":{\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":"
					    "\"ReplicaSet\",\"name\":\"r\",\"uid\":\"u\",\"controller\":true}]},"
					    "\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"" IMAGE_B "\"}]}}"));
}

static void an_annotation_that_says_verified_proves_nothing(void **state)
{
	assert_false(create_allowed(*state,
				    "{\"metadata\":{\"annotations\":{\"sealgate.dev/verified\":\"true\",\"decision\":"
				    "\"allow\",\"images\":\"" IMAGE_B "\",\"alpha.image-policy.k8s.io/break-glass\":"
				    "\"true\"},\"labels\":{\"sealgate.dev/exempt\":\"true\"}},"
				    "\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"" IMAGE_B "\"}]}}"));
}

static void a_workload_of_zero_replicas_is_judged(void **state)
{
	char *review =
		bed_review_text("v1", "CREATE", "apps", "Deployment", "deployments", NULL, "default",
				"{\"spec\":{\"replicas\":0,\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\","
				"\"image\":\"" IMAGE_B "\"}]}}}}",
				NULL);
	json_t *response = bed_review(*state, review);

	assert_false(response_allowed(response));
	json_decref(response);
	free(review);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_and_place_is_judged),
		cmocka_unit_test(what_runs_nothing_new_is_allowed_without_a_look),
		cmocka_unit_test(update_judges_what_is_new_in_its_place),
		cmocka_unit_test(CVE_2023_34091_a_deleting_object_is_judged_like_any_other),
		cmocka_unit_test(exemption_looks_at_the_request_not_at_metadata),
		cmocka_unit_test(mirror_pods_need_all_three_conditions),
		cmocka_unit_test(the_version_and_uid_are_echoed),
		cmocka_unit_test(a_dry_run_is_answered_and_leaves_no_line),
		cmocka_unit_test(nobody_forges_a_log_line),
		cmocka_unit_test(malformed_reviews_are_400),
		cmocka_unit_test(a_review_with_one_fault_is_400),
		cmocka_unit_test(an_object_that_cannot_be_read_is_never_admitted),
		cmocka_unit_test(CVE_2020_1702_limits_have_their_stated_answers),
		cmocka_unit_test(too_many_images_is_a_refusal),
		cmocka_unit_test(many_findings_end_in_an_exact_count),
		cmocka_unit_test(other_methods_and_paths),
		cmocka_unit_test(image_review_uses_the_same_evaluation),
		cmocka_unit_test(a_short_timeout_is_answered_before_it),
		cmocka_unit_test(an_owner_reference_vouches_for_nothing),
		cmocka_unit_test(an_annotation_that_says_verified_proves_nothing),
		cmocka_unit_test(a_workload_of_zero_replicas_is_judged),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
