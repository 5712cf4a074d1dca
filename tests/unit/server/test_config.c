#include "server/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char file[128];

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	(void)state;
	(void)snprintf(file, sizeof(file), "%.80s/config-XXXXXX", tmp ? tmp : "/tmp");
	int fd = mkstemp(file);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

static bool load(struct config *config, struct err *e, char **words)
{
	int argc = 0;
	while (words[argc])
		argc++;
	return config_load(argc, words, config, e);
}
#define WORDS(...) ((char *[]){"sealgated", __VA_ARGS__, NULL})

static void only_the_data_directory_is_required(void **state)
{
	(void)state;
	struct config c;
	struct err e = ERR_INIT;
	if (!load(&c, &e, WORDS("--data-dir", "/d")))
		fail_msg("%s", e.text);
	assert_string_equal(c.webhook_listen, "0.0.0.0:8443");
	assert_string_equal(c.api_listen, "127.0.0.1:8080");
	assert_string_equal(c.ops_listen, "127.0.0.1:9090");
	assert_string_equal(c.certificate, "/d/certs/server.pem");
	assert_string_equal(c.key, "/d/certs/server-key.pem");
	assert_string_equal(c.store_url, "sqlite:/d/sealgate.db");
	assert_string_equal(c.log_format, "json");
	assert_string_equal(c.log_level, "info");
	assert_int_equal(config_default_action(&c), DEFAULT_DENY);
	assert_true(c.own_certificates);
	assert_true(c.api_loopback);
	assert_null(c.pubkeys);
	assert_int_equal(c.policy_dirs.count, 0);
	config_release(&c);
}

static void refuses_what_cannot_work(void **state)
{
	(void)state;
	const struct {
		char **words;
		const char *text;
	} rows[] = {
		{WORDS("--log-level", "info"), "--data-dir: "},
		{WORDS("--data-dir="), "--data-dir: "},
		{WORDS("--data-dir", "d", "--data-dri", "e"), "--data-dri: unknown option (did you mean --data-dir?)"},
		{WORDS("--data-dir", "d", "word"), "word: unexpected argument"},
		{WORDS("--data-dir", "d", "--webhook-listen", "8443"), "--webhook-listen: 8443: must be ADDR:PORT"},
		{WORDS("--data-dir", "d", "--ops-listen", "host:1"), "--ops-listen: host:1: must be ADDR:PORT"},
		{WORDS("--data-dir", "d", "--api-listen", "nowhere"), "--api-listen: nowhere: must be ADDR:PORT"},
		{WORDS("--data-dir", "d", "--api-listen", "0.0.0.0:8080"),
		 "--api-listen: 0.0.0.0:8080 is not loopback"},
		{WORDS("--data-dir", "d", "--api-listen", "[::]:8080"), "give --token-file or --client-ca"},
		{WORDS("--data-dir", "d", "--tls-cert", "c"), "--tls-cert and --tls-key: give both or neither"},
		{WORDS("--data-dir", "d", "--tls-key", "c"), "--tls-cert and --tls-key: give both or neither"},
		{WORDS("--data-dir", "d", "--kubeconfig", "k", "--in-cluster"),
		 "--kubeconfig and --in-cluster: give one of them"},
		{WORDS("--data-dir", "d", "--kubeconfig="), "--kubeconfig: name a file"},
		{WORDS("--data-dir", "d", "--scan-interval", "often"), "--scan-interval: must be a duration like 6h"},
		{WORDS("--data-dir", "d", "--scan-interval", "59s"), "--scan-interval: must be 1m or more, or 0"},
		{WORDS("--data-dir", "d", "--store", "mysql://x"), "--store: must be sqlite:PATH"},
		{WORDS("--data-dir", "d", "--store", "sqlite:"), "--store: must be sqlite:PATH"},
		{WORDS("--data-dir", "d", "--store", "postgres://h/db"), "--store: PostgreSQL is not supported"},
		{WORDS("--data-dir", "d", "--default-action", "maybe"),
		 "--default-action: must be one of deny|warn|allow"},
		{WORDS("--data-dir", "d", "--exempt-namespace", "No_Name"),
		 "--exempt-namespace: No_Name is not the name"},
		{WORDS("--data-dir", "d", "--config", "/nonexistent/file"), "--config: /nonexistent/file"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config c;
		struct err e = ERR_INIT;
		assert_false(load(&c, &e, rows[i].words));
		assert_int_equal(e.kind, ERR_INVALID);
		if (!strstr(e.text, rows[i].text))
			fail_msg("expected \"%s\" in \"%s\"", rows[i].text, e.text);
		config_release(&c);
	}
}

static void a_cluster_is_followed_only_when_asked_for(void **state)
{
	(void)state;
	static const struct {
		const char *flag, *interval;
		bool cluster;
		int64_t scan_ms;
	} rows[] = {{"--log-level=info", "--scan-interval=6h", false, 6 * 3600000},
		    {"--in-cluster", "--scan-interval=0", true, 0},
		    {"--in-cluster", "--scan-interval=0s", true, 0},
		    {"--kubeconfig=k", "--scan-interval=90m", true, 90 * 60000}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config c;
		struct err e = ERR_INIT;
		char flag[32], interval[32];
		(void)snprintf(flag, sizeof(flag), "%s", rows[i].flag);
		(void)snprintf(interval, sizeof(interval), "%s", rows[i].interval);
		if (!load(&c, &e, WORDS("--data-dir", "/d", flag, interval)))
			fail_msg("%s", e.text);
		assert_int_equal(c.cluster, rows[i].cluster);
		assert_int_equal(c.scan_interval_ms, rows[i].scan_ms);
		config_release(&c);
	}
}

static void an_api_beyond_loopback_needs_a_way_to_prove_who_calls(void **state)
{
	(void)state;
	char **rows[] = {WORDS("--data-dir", "d", "--api-listen", "0.0.0.0:1", "--token-file", "t"),
			 WORDS("--data-dir", "d", "--api-listen", "[::]:1", "--client-ca", "c")};
	for (size_t i = 0; i < 2; i++) {
		struct config c;
		struct err e = ERR_INIT;
		assert_true(load(&c, &e, rows[i]));
		assert_false(c.api_loopback);
		config_release(&c);
	}
}

static bool load_file(struct config *c, struct err *e, const char *text, char **words)
{
	assert_true(file_write(file, str_of(text), 0600, e));
	return load(c, e, words);
}

static void every_key_of_the_file_is_a_flag_and_flags_win(void **state)
{
	(void)state;
	struct config c;
	struct err e = ERR_INIT;
	const char *text = "data-dir: /from/file\nlog-format: text\nlog-level: debug\npolicy-dir: [/a, /b]\n"
			   "pubkeys: /keys\nexempt-namespace: one\n";
	if (!load_file(&c, &e, text, WORDS("--config", file, "--log-level", "error")))
		fail_msg("%s", e.text);
	assert_string_equal(c.data_dir, "/from/file");
	assert_string_equal(c.log_format, "text");
	assert_string_equal(c.log_level, "error");
	assert_int_equal(c.policy_dirs.count, 2);
	assert_string_equal(c.policy_dirs.items[1], "/b");
	assert_int_equal(c.exempt_given.count, 1);
	config_release(&c);
	assert_true(load_file(&c, &e, "", WORDS("--config", file, "--data-dir", "d")));
	config_release(&c);
}

static void errors_of_the_file_name_file_and_key(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"data-dri: d\n", ": document 1: data-dri: unknown option (did you mean data-dir?)"},
		{"config: x\n", ": document 1: config: is a flag only"},
		{"check-config: true\n", ": document 1: check-config: is a flag only"},
		{"man: true\n", ": document 1: man: is a flag only"},
		{"data-dir: 5\n", ": document 1: data-dir: must be text"},
		{"data-dir: true\n", ": document 1: data-dir: must be text"},
		{"data-dir:\n", ": document 1: data-dir: must be text"},
		{"data-dir: [d]\n", ": document 1: data-dir: must not be a list"},
		{"policy-dir: [5]\n", ": document 1: policy-dir[0]: must be text"},
		{"policy-dir: [a, \"\"]\n", ": document 1: policy-dir[1]: must be text"},
		{"policy-dir: {a: b}\n", ": document 1: policy-dir: must be text"},
		{"default-action: maybe\n", ": document 1: default-action: must be one of"},
		{"- data-dir\n", ": document 1: must be a mapping"},
		{"data-dir: d\n---\ndata-dir: e\n", ": document 2: there may be only one"},
		{"data-dir: d\ndata-dir: e\n", ": document 1: "},
		{"data-dir: [\n", ": document 1: "},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config c;
		struct err e = ERR_INIT;
		assert_false(load_file(&c, &e, rows[i].text, WORDS("--config", file, "--data-dir", "d")));
		if (strncmp(e.text, file, strlen(file)) != 0 || !strstr(e.text, rows[i].error))
			fail_msg("expected \"%s\" in \"%s\"", rows[i].error, e.text);
		config_release(&c);
	}
}

static void help_and_version_require_nothing(void **state)
{
	(void)state;
	char **rows[] = {WORDS("--help"), WORDS("-h"), WORDS("--version"), WORDS("--man"),
			 WORDS("--help", "--config", "/nonexistent")};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config c;
		struct err e = ERR_INIT;
		assert_true(load(&c, &e, rows[i]));
		config_release(&c);
	}
}

static void expect_exempt(char **words, const char *own, const char *expected)
{
	struct config c;
	struct err e = ERR_INIT;
	struct option_list list = {0};
	cleanup(buf) struct buf joined = buf_init(1000);
	assert_true(load(&c, &e, words));
	assert_true(config_exempt_namespaces(&c, own, &list, &e));
	for (size_t i = 0; i < list.count; i++)
		buf_printf(&joined, "%s ", list.items[i]);
	assert_string_equal(joined.data ? joined.data : "", expected);
	option_list_release(&list);
	config_release(&c);
}

static void exempt_namespaces_add_to_the_standard_ones_until_cleared(void **state)
{
	(void)state;
	expect_exempt(WORDS("--data-dir", "d"), "sealgate", "kube-system kube-node-lease sealgate ");
	expect_exempt(WORDS("--data-dir", "d"), "", "kube-system kube-node-lease ");
	expect_exempt(WORDS("--data-dir", "d", "--exempt-namespace", "a", "--exempt-namespace=b"), "own",
		      "kube-system kube-node-lease own a b ");
	expect_exempt(WORDS("--data-dir", "d", "--exempt-namespace", ""), "own", "");
	expect_exempt(WORDS("--data-dir", "d", "--exempt-namespace=", "--exempt-namespace=a"), "own", "a ");
}

static void the_own_namespace_is_the_environments_or_the_service_accounts(void **state)
{
	(void)state;
	static const struct {
		const char *environment, *text, *expected;
	} rows[] = {{"one", "two", "one"}, {NULL, "two\n", "two"},  {"", "two", "two"},
		    {NULL, "", ""},	   {"Bad/Name", "two", ""}, {NULL, "a b", ""}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		cleanup(buf) struct buf own = buf_init(100);
		assert_true(file_write(file, str_of(rows[i].text), 0600, &e));
		config_own_namespace(rows[i].environment, file, &own);
		assert_string_equal(own.data ? own.data : "", rows[i].expected);
	}
	cleanup(buf) struct buf own = buf_init(100);
	config_own_namespace(NULL, "/nonexistent/namespace", &own);
	assert_int_equal(own.len, 0);
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_data_directory_is_required),
		cmocka_unit_test(refuses_what_cannot_work),
		cmocka_unit_test(a_cluster_is_followed_only_when_asked_for),
		cmocka_unit_test(an_api_beyond_loopback_needs_a_way_to_prove_who_calls),
		WITH_FILE(every_key_of_the_file_is_a_flag_and_flags_win),
		WITH_FILE(errors_of_the_file_name_file_and_key),
		cmocka_unit_test(help_and_version_require_nothing),
		cmocka_unit_test(exempt_namespaces_add_to_the_standard_ones_until_cleared),
		WITH_FILE(the_own_namespace_is_the_environments_or_the_service_accounts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
