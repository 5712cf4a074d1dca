#include "server/admission_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"

static struct arena arena;
static struct err error;

static int setup(void **state)
{
	(void)state;
	arena = arena_init(LIMIT_REVIEW_MEMORY);
	error = ERR_INIT;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

#define GOOD                                                                                                    \
	"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\","    \
	"\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"                                        \
	"\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},\"subResource\":\"\","          \
	"\"name\":\"n\",\"namespace\":\"ns\",\"operation\":\"CREATE\","                                         \
	"\"userInfo\":{\"username\":\"alice\",\"groups\":[\"g\"]},\"object\":{\"spec\":{}},\"oldObject\":null," \
	"\"dryRun\":false,\"options\":{\"kind\":\"CreateOptions\"}}}"

static bool reads(const char *text, struct admission_request *out)
{
	return admission_request_read(str_of(text), &arena, out, &error);
}

/* The good review with the one `from` replaced by `to`. */
static const char *changed(const char *from, const char *to)
{
	const char *at = strstr(GOOD, from);

	assert_non_null(at);
	return arena_printf(&arena, "%.*s%s%s", (int)(at - GOOD), GOOD, to, at + strlen(from)).ptr;
}

static struct admission_request read_changed(const char *from, const char *to)
{
	struct admission_request r;

	if (!reads(changed(from, to), &r))
		fail_msg("%s -> %s: %s", from, to, error.text);
	return r;
}

static void reads_every_field(void **state)
{
	struct admission_request r;

	(void)state;
	assert_true(reads(GOOD, &r));
	assert_string_equal(r.api_version, "admission.k8s.io/v1");
	assert_true(str_eq_c(r.uid, "u-1"));
	assert_true(str_eq_c(r.kind, "Pod"));
	assert_true(str_eq_c(r.group, ""));
	assert_true(str_eq_c(r.resource, "pods"));
	assert_true(str_eq_c(r.subresource, ""));
	assert_true(str_eq_c(r.name, "n"));
	assert_true(str_eq_c(r.namespace_, "ns"));
	assert_true(str_eq_c(r.user, "alice"));
	assert_int_equal(r.operation, OPERATION_CREATE);
	assert_false(r.dry_run);
	assert_non_null(r.workload);
	assert_int_not_equal(r.object, JSON_NONE);
	assert_int_equal(r.old_object, JSON_NONE);
	assert_int_not_equal(r.groups, JSON_NONE);
	assert_false(r.too_complex);
}

static void accepts_what_older_and_newer_servers_send(void **state)
{
	static const char *const changes[][2] = {
		{"admission.k8s.io/v1", "admission.k8s.io/v1beta1"},
		{"\"version\":\"v1\",\"kind\":\"Pod\"", "\"version\":\"v7\",\"kind\":\"Pod\""},
		{"\"subResource\":\"\",", ""},
		{"\"name\":\"n\",", ""},
		{"\"namespace\":\"ns\",", "\"namespace\":null,"},
		{",\"dryRun\":false", ""},
		{"\"dryRun\":false", "\"dryRun\":null"},
		{"\"userInfo\":{\"username\":\"alice\",\"groups\":[\"g\"]},", ""},
		{"\"groups\":[\"g\"]", "\"groups\":null"},
		{"\"groups\":[\"g\"]", "\"extra\":{\"k\":[\"v\"]}"},
		{",\"oldObject\":null", ""},
		{"\"options\":{\"kind\":\"CreateOptions\"}", "\"requestKind\":7,\"new field\":[1]"},
		{"\"kind\":{\"group\":\"\",", "\"kind\":{"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		read_changed(changes[i][0], changes[i][1]);
	assert_string_equal(read_changed("k8s.io/v1", "k8s.io/v1beta1").api_version, "admission.k8s.io/v1beta1");
	assert_true(read_changed("\"dryRun\":false", "\"dryRun\":true").dry_run);
}

static void refuses_a_review_with_one_fault(void **state)
{
	static const char *const changes[][2] = {
		{"admission.k8s.io/v1", "admission.k8s.io/v2"},
		{"admission.k8s.io/v1", "admission.k8s.io/v1 "},
		{"admission.k8s.io/v1", "Admission.k8s.io/v1"},
		{"\"apiVersion\":", "\"apiversion\":"},
		{"\"apiVersion\":\"admission.k8s.io/v1\",", ""},
		{"\"AdmissionReview\"", "\"admissionReview\""},
		{"\"AdmissionReview\"", "7"},
		{"\"request\":", "\"Request\":"},
		{"\"request\":{", "\"request\":null,\"x\":{"},
		{"\"uid\":\"u-1\",", ""},
		{"\"uid\":\"u-1\"", "\"uid\":\"\""},
		{"\"uid\":\"u-1\"", "\"uid\":null"},
		{"\"uid\":\"u-1\"", "\"uid\":7"},
		{"\"uid\":\"u-1\"", "\"UID\":\"u-1\""},
		{"\"uid\":\"u-1\"", "\"uid\":\"u-1\",\"Uid\":\"u-2\""},
		{"\"uid\":\"u-1\"", "\"uid\":\"u-1\",\"uid\":\"u-2\""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"create\""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"PATCH\""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"\""},
		{"\"operation\":\"CREATE\"", "\"operation\":null"},
		{"\"operation\":\"CREATE\"", "\"operation\":[\"CREATE\"]"},
		{"\"operation\":\"CREATE\",", ""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"CREATE\",\"\\u006fperation\":\"DELETE\""},
		{"\"operation\":\"CREATE\"", "\"operation\":\"CREATE\",\"Operation\":\"DELETE\""},
		{"\"kind\":\"Pod\"", "\"kind\":\"Deployment\""},
		{"\"kind\":\"Pod\"", "\"kind\":\"pod\""},
		{"\"kind\":\"Pod\"", "\"kind\":\"Widget\""},
		{"\"kind\":\"Pod\"", "\"kind\":\"\""},
		{"\"kind\":\"Pod\"", "\"kind\":7"},
		{"\"kind\":{\"group\":\"\"", "\"kind\":{\"group\":\"apps\""},
		{"\"kind\":{\"group\":\"\"", "\"kind\":{\"group\":[]"},
		{"\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"}", "\"kind\":\"Pod\""},
		{"\"resource\":\"pods\"", "\"resource\":\"configmaps\""},
		{"\"resource\":\"pods\"", "\"resource\":\"\""},
		{"\"resource\":\"pods\"", "\"resource\":[]"},
		{"\"resource\":{\"group\":\"\"", "\"resource\":{\"group\":\"apps\""},
		{"\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},", ""},
		{"\"subResource\":\"\"", "\"subResource\":\"exec\""},
		{"\"subResource\":\"\"", "\"subResource\":7"},
		{"\"subResource\":\"\"", "\"subresource\":\"status\""},
		{"\"namespace\":\"ns\"", "\"namespace\":{}"},
		{"\"namespace\":\"ns\"", "\"namespace\":\"ns\",\"Namespace\":\"kube-system\""},
		{"\"name\":\"n\"", "\"name\":7"},
		{"\"dryRun\":false", "\"dryRun\":\"true\""},
		{"\"dryRun\":false", "\"dryRun\":0"},
		{"\"dryRun\":false", "\"dryrun\":true"},
		{"\"userInfo\":{", "\"userInfo\":[],\"x\":{"},
		{"\"username\":\"alice\"", "\"username\":1"},
		{"\"groups\":[\"g\"]", "\"groups\":\"system:nodes\""},
		{"\"groups\":[\"g\"]", "\"groups\":[7]"},
		{"\"groups\":[\"g\"]", "\"groups\":{}"},
		{"\"object\":{", "\"Object\":{"},
		{"\"oldObject\":null", "\"oldobject\":null"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct admission_request r = {.api_version = "untouched"};

		if (reads(changed(changes[i][0], changes[i][1]), &r))
			fail_msg("accepted: %s -> %s", changes[i][0], changes[i][1]);
		assert_int_equal(error.kind, ERR_INVALID);
		assert_string_equal(r.api_version, "untouched");
	}
}

static void refuses_what_is_no_review_at_all(void **state)
{
	static const char *const bodies[] = {"",       "{",	   "[]",
					     "null",   "7",	   "\"x\"",
					     "{}",     "not json", "{\"kind\":\"AdmissionReview\"}",
					     GOOD "x", GOOD GOOD,  "\xef\xbb\xbf" GOOD};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct admission_request r;

		if (reads(bodies[i], &r))
			fail_msg("accepted: %s", bodies[i]);
		assert_int_equal(error.kind, ERR_INVALID);
	}
}

static void refuses_every_truncation(void **state)
{
	struct admission_request r;

	(void)state;
	for (size_t n = 0; n < sizeof(GOOD) - 1; n++)
		assert_false(admission_request_read(str_make(GOOD, n), &arena, &r, &error));
}

static void a_uid_has_a_length_limit(void **state)
{
	char uid[LIMIT_UID + 2];
	struct admission_request r;

	(void)state;
	for (size_t length = LIMIT_UID; length <= LIMIT_UID + 1; length++) {
		memset(uid, 'x', length);
		uid[length] = '\0';
		assert_int_equal(reads(changed("u-1", uid), &r), length == LIMIT_UID);
	}
}

static void says_which_field_is_wrong(void **state)
{
	struct admission_request r;

	(void)state;
	assert_false(reads(changed("\"username\":\"alice\"", "\"username\":1"), &r));
	assert_string_equal(error.text, "AdmissionReview: request.userInfo: username must be a string");
	assert_false(reads(changed("\"uid\":\"u-1\",", ""), &r));
	assert_string_equal(error.text, "AdmissionReview: request: uid is missing");
}

#define RESOURCE(kind_group, kind, group, resource, sub)                                                   \
	"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\"," \
	"\"kind\":{\"group\":\"" kind_group "\",\"kind\":\"" kind "\"},\"resource\":{\"group\":\"" group   \
	"\",\"resource\":\"" resource "\"},\"subResource\":\"" sub "\",\"operation\":\"UPDATE\"}}"

static void only_what_may_bring_images_is_looked_at(void **state)
{
	static const struct {
		const char *body;
		bool may;
	} rows[] = {
		{RESOURCE("", "Pod", "", "pods", ""), true},
		{RESOURCE("", "Pod", "", "pods", "ephemeralcontainers"), true},
		{RESOURCE("", "EphemeralContainers", "", "pods", "ephemeralcontainers"), true},
		{RESOURCE("", "Pod", "", "pods", "resize"), true},
		{RESOURCE("", "Pod", "", "pods", "status"), false},
		{RESOURCE("apps", "Deployment", "apps", "deployments", ""), true},
		{RESOURCE("extensions", "Deployment", "extensions", "deployments", ""), true},
		{RESOURCE("apps", "Deployment", "apps", "deployments", "status"), false},
		{RESOURCE("autoscaling", "Scale", "apps", "deployments", "scale"), false},
		{RESOURCE("extensions", "DeploymentRollback", "extensions", "deployments", "rollback"), false},
		{RESOURCE("", "Binding", "", "pods", "binding"), false},
		{RESOURCE("", "Binding", "", "bindings", ""), false},
		{RESOURCE("policy", "Eviction", "", "pods", "eviction"), false},
		{RESOURCE("authentication.k8s.io", "TokenRequest", "", "serviceaccounts", "token"), false},
		{RESOURCE("", "ConfigMap", "", "configmaps", ""), false},
		{RESOURCE("example.com", "Pod", "example.com", "pods", ""), false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct admission_request r;

		if (!reads(rows[i].body, &r))
			fail_msg("%s: %s", rows[i].body, error.text);
		if (admission_may_bring_images(&r) != rows[i].may)
			fail_msg("%s", rows[i].body);
	}
	struct admission_request deleted = read_changed("CREATE", "DELETE");
	struct admission_request connected = read_changed("CREATE", "CONNECT");
	assert_false(admission_may_bring_images(&deleted));
	assert_false(admission_may_bring_images(&connected));
}

static void refuses_a_kind_that_travels_as_another(void **state)
{
	static const char *const bad[] = {RESOURCE("apps", "Deployment", "", "pods", ""),
					  RESOURCE("", "Pod", "apps", "deployments", ""),
					  RESOURCE("", "ConfigMap", "", "pods", ""),
					  RESOURCE("example.com", "Widget", "apps", "deployments", ""),
					  RESOURCE("", "Widget", "", "pods", "ephemeralcontainers"),
					  RESOURCE("", "Pod", "", "pods", "exec"),
					  RESOURCE("", "EphemeralContainers", "", "pods", ""),
					  RESOURCE("apps", "Deployment", "extensions", "deployments", ""),
					  RESOURCE("apps", "Deployment", "apps", "deployments", "scale"),
					  RESOURCE("", "PodList", "", "pods", "")};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct admission_request r;

		if (reads(bad[i], &r))
			fail_msg("accepted: %s", bad[i]);
	}
}

#define MIRROR(key, node) \
	"\"object\":{\"metadata\":{\"annotations\":{\"" key "\":\"h\"}},\"spec\":{\"nodeName\":\"" node "\"}}"

static bool is_mirror(const char *object, const char *user, const char *groups)
{
	static const char user_info[] =
		"\"userInfo\":{\"username\":\"alice\",\"groups\":[\"g\"]},\"object\":{\"spec\":{}}";
	struct str to =
		arena_printf(&arena, "\"userInfo\":{\"username\":\"%s\",\"groups\":[%s]},%s", user, groups, object);
	struct admission_request r = read_changed(user_info, to.ptr);

	return admission_is_mirror_pod(&r, &arena);
}

static void a_mirror_pod_fulfils_all_three_conditions(void **state)
{
	static const char good[] = MIRROR("kubernetes.io/config.mirror", "n1");

	(void)state;
	assert_true(is_mirror(good, "system:node:n1", "\"system:nodes\""));
	assert_true(is_mirror(good, "system:node:n1", "\"a\",\"system:node\\u0073\",\"b\""));
	assert_false(is_mirror(good, "system:node:n1", ""));
	assert_false(is_mirror(good, "system:node:n1", "\"system:authenticated\",\"system:nodes2\""));
	assert_false(is_mirror(good, "system:node:n2", "\"system:nodes\""));
	assert_false(is_mirror(good, "system:node:n1x", "\"system:nodes\""));
	assert_false(is_mirror(good, "system:node:", "\"system:nodes\""));
	assert_false(is_mirror(good, "n1", "\"system:nodes\""));
	assert_false(is_mirror(good, "", "\"system:nodes\""));
	assert_false(is_mirror(MIRROR("kubernetes.io/config.mirror", ""), "system:node:", "\"system:nodes\""));
	assert_false(is_mirror(MIRROR("kubernetes.io/config.source", "n1"), "system:node:n1", "\"system:nodes\""));
	assert_false(is_mirror(MIRROR("Kubernetes.io/config.mirror", "n1"), "system:node:n1", "\"system:nodes\""));
	assert_false(is_mirror("\"object\":{\"metadata\":{\"labels\":{\"kubernetes.io/"
			       "config.mirror\":\"h\"}},\"spec\":{\"nodeName\":\"n1\"}}",
			       "system:node:n1", "\"system:nodes\""));
	assert_false(is_mirror("\"object\":{\"metadata\":[],\"spec\":{\"nodeName\":\"n1\"}}", "system:node:n1",
			       "\"system:nodes\""));
	assert_false(is_mirror("\"object\":null", "system:node:n1", "\"system:nodes\""));
}

/* The node of a dry list takes eight times its bytes; the envelope is read all the same, to refuse with its uid. */
static void objects_that_do_not_fit_are_left_out_and_said_so(void **state)
{
	struct arena small = arena_init(64u * 1024);
	struct buf list = buf_init(64u * 1024);
	struct admission_request r;

	(void)state;
	buf_add_c(&list, "\"object\":[0");
	for (int i = 0; i < 10000; i++)
		buf_add_c(&list, ",0");
	buf_add_c(&list, "]");
	const char *body = changed("\"object\":{\"spec\":{}}", list.data);
	assert_true(admission_request_read(str_of(body), &small, &r, &error));
	assert_true(r.too_complex);
	assert_true(str_eq_c(r.uid, "u-1"));
	assert_int_equal(r.object, JSON_NONE);
	buf_release(&list);
	arena_release(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(reads_every_field),
		CASE(accepts_what_older_and_newer_servers_send),
		CASE(refuses_a_review_with_one_fault),
		CASE(refuses_what_is_no_review_at_all),
		CASE(refuses_every_truncation),
		CASE(a_uid_has_a_length_limit),
		CASE(says_which_field_is_wrong),
		CASE(only_what_may_bring_images_is_looked_at),
		CASE(refuses_a_kind_that_travels_as_another),
		CASE(a_mirror_pod_fulfils_all_three_conditions),
		CASE(objects_that_do_not_fit_are_left_out_and_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
