#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "kube/config.h"
#include "tests/unit/scratch.h"

struct world {
	char dir[SCRATCH_SIZE];
	char file[128];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || !scratch_make(w->dir))
		return -1;
	(void)snprintf(w->file, sizeof(w->file), "%s/kubeconfig", w->dir);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	bool removed = scratch_remove(w->dir);

	free(w);
	return removed ? 0 : -1;
}

static void write_file(const struct world *w, const char *name, const char *text)
{
	char path[160];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	if (!file_write(path, str_of(text), 0600, &e))
		fail_msg("%s", e.text);
}

/* One context, whose cluster and user are these. */
static bool read_with(const struct world *w, const char *cluster, const char *user, struct kube_config *out,
		      struct err *e)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		       "apiVersion: v1\nkind: Config\ncurrent-context: two\ncontexts:\n"
		       "- {name: one, context: {cluster: x, user: x}}\n"
		       "- {name: two, context: {cluster: c, user: u, namespace: team-a}}\n"
		       "clusters:\n- {name: x, cluster: {server: \"https://wrong\"}}\n- name: c\n  cluster: %s\n"
		       "users:\n- {name: x, user: {token: wrong}}\n- name: u\n  user: %s\n",
		       cluster, user);
	write_file(w, "kubeconfig", text);
	return kube_config_read(w->file, out, e);
}

#define SERVER "{server: \"https://10.0.0.1:6443\"}"

static void the_current_context_counts(void **state)
{
	const struct world *w = *state;
	cleanup(kube_config) struct kube_config c = {0};
	struct err e = ERR_INIT;
	char wanted[160];

	assert_true(read_with(w,
			      "{server: \"https://h:6443/prefix//\", tls-server-name: api.example, "
			      "certificate-authority: pki/ca.pem}",
			      "{client-certificate: me.pem, client-key: /abs/me.key, tokenFile: token}", &c, &e));
	assert_string_equal(c.server, "https://h:6443/prefix");
	assert_string_equal(c.tls_name, "api.example");
	(void)snprintf(wanted, sizeof(wanted), "%s/pki/ca.pem", w->dir);
	assert_string_equal(c.ca_file, wanted);
	(void)snprintf(wanted, sizeof(wanted), "%s/me.pem", w->dir);
	assert_string_equal(c.certificate_file, wanted);
	assert_string_equal(c.key_file, "/abs/me.key");
	(void)snprintf(wanted, sizeof(wanted), "%s/token", w->dir);
	assert_string_equal(c.token_file, wanted);
	assert_string_equal(c.namespace_, "team-a");
	assert_null(c.token);
}

static void data_counts_before_files(void **state)
{
	const struct world *w = *state;
	cleanup(kube_config) struct kube_config c = {0};
	struct err e = ERR_INIT;

	assert_true(read_with(w, "{server: \"https://h\", certificate-authority: ca, certificate-authority-data: Q0E=}",
			      "{client-certificate-data: Q0VSVA==, client-key-data: S0VZ, client-certificate: a, "
			      "client-key: b, token: abc}",
			      &c, &e));
	assert_string_equal(c.ca_pem, "CA");
	assert_null(c.ca_file);
	assert_string_equal(c.certificate_pem, "CERT");
	assert_string_equal(c.key_pem, "KEY");
	assert_null(c.certificate_file);
	assert_null(c.key_file);
	assert_string_equal(c.token, "abc");
}

static void what_would_weaken_it_is_refused(void **state)
{
	static const struct {
		const char *cluster, *user, *said;
	} rows[] = {
		{"{server: \"http://10.0.0.1\"}", "{}", "c.server"},
		{"{server: \"https://me@10.0.0.1\"}", "{}", "c.server"},
		{"{server: \"https://10.0.0.1?x=1\"}", "{}", "c.server"},
		{"{server: \"10.0.0.1:6443\"}", "{}", "c.server"},
		{"{server: [a]}", "{}", "c.server"},
		{"{}", "{}", "c.server"},
		{"{server: \"https://h\", insecure-skip-tls-verify: true}", "{}", "insecure-skip-tls-verify"},
		{"{server: \"https://h\", proxy-url: \"http://p\"}", "{}", "proxy-url"},
		{"{server: \"https://h\", certificate-authority-data: \"*\"}", "{}", "certificate-authority-data"},
		{"{server: \"https://h\", certificate-authority-data: AEEA}", "{}", "certificate-authority-data"},
		{SERVER, "{exec: {command: sh}}", "exec"},
		{SERVER, "{auth-provider: {name: gcp}}", "auth-provider"},
		{SERVER, "{username: me, password: it}", "username"},
		{SERVER, "{as: root}", "as"},
		{SERVER, "{as-groups: [\"system:masters\"]}", "as-groups"},
		{SERVER, "{token: \"a b\"}", "token"},
		{SERVER, "{token: \"a\\r\\nb\"}", "token"},
		{SERVER, "{token: 7}", "token"},
		{SERVER, "{client-certificate: a}", "client-certificate"},
		{SERVER, "{client-key: a}", "client-certificate"},
		{SERVER, "{client-certificate-data: Q0E=}", "client-certificate"},
		{SERVER, "{client-certificate-data: Q0E=, client-key: a}", "client-certificate"},
		{"text", "{}", "clusters"},
		{SERVER, "text", "users"},
	};
	const struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kube_config c = {.server = "as before"};
		struct err e = ERR_INIT;

		if (read_with(w, rows[i].cluster, rows[i].user, &c, &e))
			fail_msg("accepted: %s %s", rows[i].cluster, rows[i].user);
		assert_int_equal(e.kind, ERR_INVALID);
		if (!strstr(e.text, rows[i].said) || !strstr(e.text, w->file))
			fail_msg("%s", e.text);
		assert_string_equal(c.server, "as before");
	}
}

static void what_is_no_kubeconfig_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"text",
		"{",
		"kind: Config",
		"current-context: 7",
		"current-context: a\ncontexts: {}",
		"current-context: a\ncontexts: [{name: a}]",
		"current-context: a\ncontexts: [{name: b, context: {}}]",
		"current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: []",
		"a: 1\n---\nb: 2\n"};
	const struct world *w = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct kube_config c;
		struct err e = ERR_INIT;

		write_file(w, "kubeconfig", texts[i]);
		if (kube_config_read(w->file, &c, &e))
			fail_msg("accepted: %s", texts[i]);
		assert_int_equal(e.kind, ERR_INVALID);
	}
}

static void a_kubeconfig_that_is_not_there_is_not_found(void **state)
{
	const struct world *w = *state;
	struct kube_config c;
	struct err e = ERR_INIT;

	assert_false(kube_config_read(w->file, &c, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void be_in_a_cluster(const struct world *w, const char *host, const char *port)
{
	write_file(w, "ca.crt", "CA");
	write_file(w, "token", "abc\n");
	write_file(w, "namespace", "sealgate\n");
	assert_int_equal(host ? setenv("KUBERNETES_SERVICE_HOST", host, 1) : unsetenv("KUBERNETES_SERVICE_HOST"), 0);
	assert_int_equal(port ? setenv("KUBERNETES_SERVICE_PORT", port, 1) : unsetenv("KUBERNETES_SERVICE_PORT"), 0);
}

static void a_pod_finds_its_server_and_files(void **state)
{
	static const char *const hosts[][2] = {{"10.96.0.1", "https://10.96.0.1:443"},
					       {"fd00::1", "https://[fd00::1]:443"},
					       {"[fd00::1]", "https://[fd00::1]:443"}};
	const struct world *w = *state;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		cleanup(kube_config) struct kube_config c = {0};
		struct err e = ERR_INIT;

		be_in_a_cluster(w, hosts[i][0], "443");
		if (!kube_config_in_cluster(w->dir, &c, &e))
			fail_msg("%s", e.text);
		assert_string_equal(c.server, hosts[i][1]);
		assert_non_null(strstr(c.token_file, "/token"));
		assert_non_null(strstr(c.ca_file, "/ca.crt"));
		assert_string_equal(c.namespace_, "sealgate");
	}
}

static void outside_of_a_pod_the_way_out_is_told(void **state)
{
	static const char *const places[][2] = {{NULL, "443"}, {"10.0.0.1", NULL}, {"", "443"}};
	const struct world *w = *state;
	struct kube_config c;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		be_in_a_cluster(w, places[i][0], places[i][1]);
		assert_false(kube_config_in_cluster(w->dir, &c, &e));
		assert_int_equal(e.kind, ERR_NOT_FOUND);
		assert_non_null(strstr(e.text, "--kubeconfig"));
	}
	be_in_a_cluster(w, "10.0.0.1", "443/x?");
	assert_false(kube_config_in_cluster(w->dir, &c, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	be_in_a_cluster(w, "10.0.0.1", "443");
	assert_false(kube_config_in_cluster("/nonexistent", &c, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_current_context_counts),
		TEST(data_counts_before_files),
		TEST(what_would_weaken_it_is_refused),
		TEST(what_is_no_kubeconfig_is_refused),
		TEST(a_kubeconfig_that_is_not_there_is_not_found),
		TEST(a_pod_finds_its_server_and_files),
		TEST(outside_of_a_pod_the_way_out_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
