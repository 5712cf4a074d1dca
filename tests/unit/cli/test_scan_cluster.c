#include "cli/scan_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/server/scripted_api.h"

#define EMPTY "{\"metadata\":{},\"items\":[]}"
#define OURS "/apis/sealgate.dev/v1alpha1/"
#define OBJECT(kind, name, spec)                                                                         \
	"{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"" kind "\",\"metadata\":{\"name\":\"" name \
	"\",\"uid\":\"u-" name "\",\"generation\":1},\"spec\":" spec "}"

static void the_policies_of_a_cluster_are_read_without_its_secrets(void **state)
{
	static const struct scripted_step script[] = {
		{.path = OURS "attestors?limit=500",
		 .status = 200,
		 .body = "{\"metadata\":{\"continue\":\"t\"},\"items\":[" OBJECT("Attestor", "a", "{}") "]}"},
		{.path = OURS "attestors?limit=500&continue=t",
		 .status = 200,
		 .body = "{\"metadata\":{},\"items\":[" OBJECT("Attestor", "b", "{}") "]}"},
		{.path = OURS "clusterimagepolicies?limit=500",
		 .status = 200,
		 .body = "{\"metadata\":{},\"items\":[" OBJECT("ClusterImagePolicy", "p", "{}") "]}"},
		{.path = OURS "imagepolicies?limit=500", .status = 200, .body = EMPTY},
	};
	struct scripted_api api = SCRIPTED_API(script);
	cleanup(trust_objects) struct trust_objects *objects = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(scan_cluster_policies(&api.transport, "sealgate", &objects, &e));
	assert_int_equal(objects->object_count, 3);
	assert_int_equal(objects->source_count, 0);
	assert_int_equal(api.at, api.count);
	buf_release(&api.sent);
}

static void keys_from_elsewhere_are_looked_up_in_the_server_s_namespace(void **state)
{
	static const struct scripted_step script[] = {
		{.path = OURS "attestors?limit=500",
		 .status = 200,
		 .body = "{\"metadata\":{},\"items\":[" OBJECT("Attestor", "a",
							       "{\"publicKeys\":[{\"from\":{\"secret\":{}}}]}") "]}"},
		{.path = OURS "clusterimagepolicies?limit=500", .status = 200, .body = EMPTY},
		{.path = OURS "imagepolicies?limit=500", .status = 200, .body = EMPTY},
		{.path = "/api/v1/namespaces/seal/configmaps?limit=500",
		 .status = 200,
		 .body = "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"m\",\"namespace\":\"seal\"},"
			 "\"data\":{\"k\":\"x\"}}]}"},
		{.path = "/api/v1/namespaces/seal/secrets?limit=500", .status = 200, .body = EMPTY},
	};
	struct scripted_api api = SCRIPTED_API(script);
	cleanup(trust_objects) struct trust_objects *objects = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(scan_cluster_policies(&api.transport, "seal", &objects, &e));
	assert_int_equal(objects->object_count, 1);
	assert_int_equal(objects->source_count, 1);
	assert_int_equal(api.at, api.count);
	buf_release(&api.sent);
}

static void a_cluster_without_our_kinds_is_an_error(void **state)
{
	static const struct scripted_step script[] = {
		{.path = OURS "attestors?limit=500", .status = 404, .body = "{}"},
	};
	struct scripted_api api = SCRIPTED_API(script);
	struct trust_objects *objects = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_false(scan_cluster_policies(&api.transport, "sealgate", &objects, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_null(objects);
	buf_release(&api.sent);
}

static void labels_are_known_of_the_namespaces_that_are_there(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/api/v1/namespaces?limit=500",
		 .status = 200,
		 .body = "{\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"shop\",\"labels\":{\"team\":\"a\"}}},"
			 "{\"metadata\":{\"name\":\"bare\"}},{\"metadata\":{\"name\":\"odd\",\"labels\":7}},7]}"},
	};
	struct scripted_api api = SCRIPTED_API(script);
	cleanup(arena) struct arena arena = arena_init(65536);
	cleanup(json) json_t *namespaces = NULL;
	struct labels labels;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(scan_cluster_labels(&api.transport, &namespaces, &e));
	assert_true(scan_cluster_labels_of(namespaces, STR("shop"), &arena, &labels));
	assert_int_equal(labels.count, 1);
	assert_true(str_eq_c(labels.items[0].key, "team") && str_eq_c(labels.items[0].value, "a"));
	assert_true(scan_cluster_labels_of(namespaces, STR("bare"), &arena, &labels));
	assert_int_equal(labels.count, 0);
	assert_true(scan_cluster_labels_of(namespaces, STR("odd"), &arena, &labels));
	assert_false(scan_cluster_labels_of(namespaces, STR("gone"), &arena, &labels));
	buf_release(&api.sent);
}

static void a_report_of_either_kind_is_found(void **state)
{
	static const struct scripted_step script[] = {
		{.path = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports/sealgate",
		 .status = 404,
		 .body = "{}"},
		{.path = "/apis/openreports.io/v1alpha1/namespaces/shop/reports/sealgate",
		 .status = 200,
		 .body = "{\"results\":[]}"},
		{.path = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/web/policyreports/sealgate",
		 .status = 404,
		 .body = "{}"},
		{.path = "/apis/openreports.io/v1alpha1/namespaces/web/reports/sealgate", .status = 403, .body = "{}"},
	};
	struct scripted_api api = SCRIPTED_API(script);
	cleanup(json) json_t *report = NULL;

	(void)state;
	report = scan_cluster_report(&api.transport, STR("shop"));
	assert_non_null(report);
	assert_null(scan_cluster_report(&api.transport, STR("web")));
	buf_release(&api.sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_policies_of_a_cluster_are_read_without_its_secrets),
		cmocka_unit_test(keys_from_elsewhere_are_looked_up_in_the_server_s_namespace),
		cmocka_unit_test(a_cluster_without_our_kinds_is_an_error),
		cmocka_unit_test(labels_are_known_of_the_namespaces_that_are_there),
		cmocka_unit_test(a_report_of_either_kind_is_found),
	};

	return cmocka_run_group_tests_name("cli/scan_cluster", tests, NULL, NULL);
}
