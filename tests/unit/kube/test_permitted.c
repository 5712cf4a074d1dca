#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/yaml.h"
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

/* What RBAC calls a row of the table. */
struct right {
	struct str group;
	char resource[64]; /* "attestors/status" */
	const char *verb;
	bool own; /* of the own namespace alone */
};

static struct right right_of(const struct kube_permission *row)
{
	static const char *const verbs[][2] = {
		{"GET", "list"}, {"POST", "create"}, {"PATCH", "patch"}, {"DELETE", "delete"}};
	struct right right = {0};
	struct str parts[10] = {{0}}, rest = str_skip(str_of(row->path), 1);
	size_t count = 0, at;

	while (rest.len > 0 && count < 10) {
		parts[count] = str_head(rest, str_find(rest, '/'));
		rest = str_skip(rest, parts[count++].len + 1);
	}
	at = str_eq_c(parts[0], "apis") ? 3 : 2;
	right.group = at == 3 ? parts[1] : STR("");
	if (str_eq_c(parts[at], "namespaces") && count > at + 2) {
		right.own = str_eq_c(parts[at + 1], "@");
		at += 2;
	}
	(void)snprintf(right.resource, sizeof(right.resource), "%.*s%s", STR_ARG(parts[at]),
		       count > at + 2 ? "/status" : "");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(row->method, verbs[i][0]) == 0)
			right.verb = verbs[i][1];
	assert_non_null(right.verb);
	return right;
}

static bool lists(const json_t *rule, const char *member, struct str wanted)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(rule, member), i, one) if (str_eq(json_text_of(one), wanted)) return true;
	return false;
}

static bool is_granted(const json_t *roles, const struct right *right)
{
	const json_t *role, *rule;
	size_t i, k;

	json_array_foreach(roles, i, role)
	{
		if (!str_eq_c(json_text(role, "kind"), right->own ? "Role" : "ClusterRole"))
			continue;
		json_array_foreach(json_object_get(role, "rules"), k,
				   rule) if (lists(rule, "apiGroups", right->group) &&
					     lists(rule, "resources", str_of(right->resource)) &&
					     lists(rule, "verbs", str_of(right->verb))) return true;
	}
	return false;
}

/* The other direction: a resource that the roles name is one of the table's. */
static bool is_used(struct str group, struct str resource)
{
	size_t count;
	const struct kube_permission *rows = kube_permissions(&count);

	for (size_t i = 0; i < count; i++) {
		struct right right = right_of(&rows[i]);

		if (str_eq(right.group, group) && str_eq_c(resource, right.resource))
			return true;
	}
	return false;
}

static void check_rule(const json_t *rule)
{
	const json_t *group, *resource;
	size_t i, k;

	json_array_foreach(json_object_get(rule, "apiGroups"), i, group) json_array_foreach(
		json_object_get(rule, "resources"), k,
		resource) if (!is_used(json_text_of(group), json_text_of(resource)))
		fail_msg("granted and never asked for: %s %s", json_string_value(group), json_string_value(resource));
}

static void the_roles_of_the_manifests_grant_the_same(void **state)
{
	cleanup(buf) struct buf text = buf_init(1u << 20);
	cleanup(json) json_t *roles = NULL;
	const json_t *role, *rule;
	struct err e = ERR_INIT;
	size_t count, i, k;
	const struct kube_permission *rows = kube_permissions(&count);

	(void)state;
	if (!file_read("manifests/base/rbac.yaml", &text, &e) || !yaml_read(buf_str(&text), &roles, &e))
		fail_msg("%s", e.text);
	for (i = 0; i < count; i++) {
		struct right right = right_of(&rows[i]);

		if (!is_granted(roles, &right))
			fail_msg("asked for and not granted: %s %s", right.verb, rows[i].path);
	}
	json_array_foreach(roles, i, role) json_array_foreach(json_object_get(role, "rules"), k, rule) check_rule(rule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_followed_told_and_scanned_is_permitted),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(without_a_namespace_of_its_own_no_secret_is_read),
		cmocka_unit_test(a_name_is_no_longer_than_a_name),
		cmocka_unit_test(the_roles_of_the_manifests_grant_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
