#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "cli/webhook_config.h"
#include "cli/yaml_write.h"

static json_t *make(const char *service, const char *url)
{
	struct webhook_target target = {.service = service, .url = url, .ca = STR("-----BEGIN CERTIFICATE-----\n")};
	struct err e = ERR_INIT;
	json_t *out = NULL;

	if (!webhook_config(&target, &out, &e))
		fail_msg("%s", e.text);
	return out;
}

static const json_t *webhook_of(const json_t *config)
{
	return json_array_get(json_object_get(config, "webhooks"), 0);
}

static void assert_text(const json_t *object, const char *name, const char *value)
{
	assert_true(str_eq_c(json_text(object, name), value));
}

static void fails_closed_within_five_seconds(void **state)
{
	cleanup(json) json_t *config = make("sealgate/webhook", NULL);
	const json_t *hook = webhook_of(config);

	(void)state;
	assert_text(config, "apiVersion", "admissionregistration.k8s.io/v1");
	assert_text(config, "kind", "ValidatingWebhookConfiguration");
	assert_text(hook, "failurePolicy", "Fail");
	assert_text(hook, "matchPolicy", "Equivalent");
	assert_text(hook, "sideEffects", "None");
	assert_int_equal(json_integer_value(json_object_get(hook, "timeoutSeconds")), 5);
}

static void service_and_url_give_one_client_each(void **state)
{
	cleanup(json) json_t *by_service = make("ns-1/webhook", NULL);
	cleanup(json) json_t *by_url = make(NULL, "https://host.example.com:8443");
	const json_t *first = json_object_get(webhook_of(by_service), "clientConfig");
	const json_t *second = json_object_get(webhook_of(by_url), "clientConfig");

	(void)state;
	assert_null(json_object_get(first, "url"));
	assert_text(json_object_get(first, "service"), "namespace", "ns-1");
	assert_text(json_object_get(first, "service"), "name", "webhook");
	assert_text(json_object_get(first, "service"), "path", "/validate");
	assert_null(json_object_get(second, "service"));
	assert_text(second, "url", "https://host.example.com:8443/validate");
	assert_text(second, "caBundle", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==");
}

static void a_path_of_the_url_is_kept(void **state)
{
	static const char *const rows[][2] = {
		{"https://h/", "https://h/validate"},
		{"https://h/validate", "https://h/validate"},
		{"https://[::1]:8443/proxy/x", "https://[::1]:8443/proxy/x"},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		cleanup(json) json_t *config = make(NULL, rows[i][0]);
		assert_text(json_object_get(webhook_of(config), "clientConfig"), "url", rows[i][1]);
	}
}

static void refuses_what_the_api_server_would_refuse(void **state)
{
	static const char *const services[] = {"",    "/",     "a",    "a/",   "/b",	"a/b/c",
					       "A/b", "a/b_c", "-a/b", "a-/b", "a.b/c", "a/b:443"};
	static const char *const urls[] = {"",
					   "http://h",
					   "https://",
					   "https:///validate",
					   "https://u@h/",
					   "https://h/?x",
					   "https://h/#x",
					   "https://h h",
					   "HTTPS://h",
					   "https://h\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]) + sizeof(urls) / sizeof(urls[0]); i++) {
		size_t n = sizeof(services) / sizeof(services[0]);
		struct webhook_target target = {
			.service = i < n ? services[i] : NULL, .url = i < n ? NULL : urls[i - n], .ca = STR("x")};
		struct err e = ERR_INIT;
		json_t *out = NULL;

		if (webhook_config(&target, &out, &e))
			fail_msg("accepted \"%s\"", target.service ? target.service : target.url);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_null(out);
	}
}

static bool lists(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq_c(json_text_of(json_array_get(list, i)), text))
			return true;
	return false;
}

static bool covered(const json_t *hook, const char *group, const char *resource)
{
	const json_t *rules = json_object_get(hook, "rules");

	for (size_t i = 0; i < json_array_size(rules); i++) {
		const json_t *rule = json_array_get(rules, i);

		if (lists(json_object_get(rule, "apiGroups"), group) &&
		    lists(json_object_get(rule, "resources"), resource) &&
		    lists(json_object_get(rule, "operations"), "CREATE") &&
		    lists(json_object_get(rule, "operations"), "UPDATE") &&
		    lists(json_object_get(rule, "apiVersions"), "*"))
			return true;
	}
	return false;
}

static void every_resource_with_a_pod_spec_is_covered(void **state)
{
	static const char *const rows[][2] = {
		{"", "pods"},
		{"", "pods/ephemeralcontainers"},
		{"", "podtemplates"},
		{"", "replicationcontrollers"},
		{"apps", "deployments"},
		{"apps", "replicasets"},
		{"apps", "statefulsets"},
		{"apps", "daemonsets"},
		{"apps", "controllerrevisions"},
		{"extensions", "deployments"},
		{"extensions", "replicasets"},
		{"extensions", "daemonsets"},
		{"batch", "jobs"},
		{"batch", "cronjobs"},
	};
	cleanup(json) json_t *config = make("a/b", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!covered(webhook_of(config), rows[i][0], rows[i][1]))
			fail_msg("%s/%s is not covered", rows[i][0], rows[i][1]);
	assert_false(covered(webhook_of(config), "", "pods/status"));
}

static const json_t *excluded(const json_t *config)
{
	const json_t *selector = json_object_get(webhook_of(config), "namespaceSelector");
	const json_t *term = json_array_get(json_object_get(selector, "matchExpressions"), 0);

	assert_text(term, "key", "kubernetes.io/metadata.name");
	assert_text(term, "operator", "NotIn");
	return json_object_get(term, "values");
}

static void only_the_namespaces_that_a_cluster_starts_with_are_left_out(void **state)
{
	cleanup(json) json_t *own = make("sealgate/webhook", NULL);
	cleanup(json) json_t *system = make("kube-system/webhook", NULL);
	cleanup(json) json_t *outside = make(NULL, "https://h");

	(void)state;
	assert_int_equal(json_array_size(excluded(own)), 3);
	assert_true(lists(excluded(own), "kube-system"));
	assert_true(lists(excluded(own), "kube-node-lease"));
	assert_true(lists(excluded(own), "sealgate"));
	assert_int_equal(json_array_size(excluded(system)), 2);
	assert_int_equal(json_array_size(excluded(outside)), 2);
}

static void the_yaml_reads_back_as_the_same_value(void **state)
{
	cleanup(json) json_t *config = make("a/b", NULL);
	cleanup(json) json_t *again = NULL;
	cleanup(buf) struct buf text = buf_init(1 << 20);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(yaml_write(config, &text, &e));
	if (!yaml_read(buf_str(&text), &again, &e))
		fail_msg("%s", e.text);
	assert_true(json_equal(config, json_array_get(again, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fails_closed_within_five_seconds),
		cmocka_unit_test(service_and_url_give_one_client_each),
		cmocka_unit_test(a_path_of_the_url_is_kept),
		cmocka_unit_test(refuses_what_the_api_server_would_refuse),
		cmocka_unit_test(every_resource_with_a_pod_spec_is_covered),
		cmocka_unit_test(only_the_namespaces_that_a_cluster_starts_with_are_left_out),
		cmocka_unit_test(the_yaml_reads_back_as_the_same_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
