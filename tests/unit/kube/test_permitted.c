#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kube/permitted.h"
#include "kube/transport.h"

static bool permitted(const char *method, const char *path)
{
	return kube_permitted(method, str_of(path), STR("sealgate"));
}

static void what_is_followed_told_and_scanned_is_permitted(void **state)
{
	static const char *const asked[][2] = {
		{"GET", "/apis/sealgate.dev/v1alpha1/attestors?limit=500"},
		{"GET", "/apis/sealgate.dev/v1alpha1/imagepolicies?watch=1&allowWatchBookmarks=true&timeoutSeconds=300&"
			"sendInitialEvents=true&resourceVersionMatch=NotOlderThan"},
		{"GET", "/api/v1/namespaces/sealgate/secrets?watch=1&resourceVersion=10%2F2"},
		{"GET", "/api/v1/namespaces/sealgate/configmaps"},
		{"PATCH", "/apis/sealgate.dev/v1alpha1/namespaces/team-a/imagepolicies/a.b-c/status?"
			  "fieldManager=sealgate&force=true"},
		{"PATCH", "/apis/sealgate.dev/v1alpha1/attestors/built/status?fieldManager=sealgate&force=true"},
		{"POST", "/apis/events.k8s.io/v1/namespaces/team-a/events"},
		{"PATCH", "/apis/events.k8s.io/v1/namespaces/team-a/events/web.17a0"},
		{"GET", "/apis/apps/v1/deployments?limit=500&continue=eyJ2IjoibWV0YS5"},
		{"GET",
		 "/apis/openreports.io/v1alpha1/reports?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dsealgate"},
		{"DELETE", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/team-a/policyreports/sealgate"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (!permitted(asked[i][0], asked[i][1]))
			fail_msg("%s %s", asked[i][0], asked[i][1]);
}

static void nothing_else_is(void **state)
{
	static const char *const others[][2] = {
		{"GET", "/api/v1/secrets"},
		{"GET", "/api/v1/namespaces/kube-system/secrets"},
		{"GET", "/api/v1/namespaces/sealgate2/secrets"},
		{"GET", "/api/v1/namespaces//secrets"},
		{"GET", "/api/v1/namespaces/sealgate/secrets/one"},
		{"GET", "/api/v1/namespaces/sealgate/secrets/"},
		{"GET", "/api/v1/namespaces/*/secrets"},
		{"GET", "/api/v1/namespaces/@/secrets"},
		{"GET", "/api/v1/namespaces/./secrets"},
		{"GET", "/api/v1/namespaces/x/../sealgate/secrets"},
		{"GET", "/api/v1/namespaces/sealgate%2Fsecrets"},
		{"DELETE", "/api/v1/namespaces/sealgate/secrets"},
		{"PATCH", "/api/v1/namespaces/sealgate/secrets"},
		{"POST", "/apis/sealgate.dev/v1alpha1/attestors"},
		{"PATCH", "/apis/sealgate.dev/v1alpha1/attestors/built"},
		{"PATCH", "/apis/sealgate.dev/v1alpha1/attestors//status"},
		{"PATCH", "/apis/sealgate.dev/v1alpha1/attestors/../status"},
		{"PATCH", "/apis/sealgate.dev/v1alpha1/attestors/a%2Fb/status"},
		{"PATCH", "/apis/sealgate.dev/v1alpha1/attestors/a/status/"},
		{"POST", "/api/v1/pods"},
		{"GET", "/api/v1/pods/one/exec"},
		{"GET", "/api/v1/nodes"},
		{"DELETE", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/team-a/policyreports/of-another"},
		{"PATCH", "/apis/openreports.io/v1alpha1/namespaces/team-a/reports/of-another"},
		{"GET", "//api/v1/pods"},
		{"GET", "/api/v1/pods/"},
		{"GET", "/api/v1/"},
		{"GET", "/"},
		{"GET", ""},
		{"get", "/api/v1/pods"},
		{"PUT", "/api/v1/pods"},
		{"GET", "/api/v1/pods?pretty=1"},
		{"GET", "/api/v1/pods?limit=1&stdin=true"},
		{"GET", "/api/v1/pods?limit=1#x"},
		{"GET", "/api/v1/pods?limit=1/../secrets"},
		{"GET", "/api/v1/pods?&limit=1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (permitted(others[i][0], others[i][1]))
			fail_msg("%s %s", others[i][0], others[i][1]);
}

static void without_a_namespace_of_its_own_no_secret_is_read(void **state)
{
	(void)state;
	assert_true(kube_permitted("GET", STR("/api/v1/pods"), STR("")));
	assert_false(kube_permitted("GET", STR("/api/v1/namespaces//secrets"), STR("")));
	assert_false(kube_permitted("GET", STR("/api/v1/namespaces/../secrets"), STR("..")));
	assert_false(kube_permitted("GET", STR("/api/v1/namespaces/default/secrets"), STR("")));
}

static void a_name_is_no_longer_than_a_name(void **state)
{
	char path[600];

	(void)state;
	for (size_t len = 253; len < 258; len++) {
		(void)snprintf(path, sizeof(path), "/apis/sealgate.dev/v1alpha1/attestors/%0*d/status", (int)len, 0);
		assert_int_equal(permitted("PATCH", path), len <= 255);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_followed_told_and_scanned_is_permitted),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(without_a_namespace_of_its_own_no_secret_is_read),
		cmocka_unit_test(a_name_is_no_longer_than_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
