/* The server as a process: flags and exit statuses, signals, files that change while it runs, and kill -9. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/bed.h"

static int setup(void **state)
{
	bed_setup(state);
	bed_key(*state, "qa", "qa_bob@example.com");
	return 0;
}

static void flags_and_configuration_end_with_2(void **state)
{
	struct bed *bed = *state;
	char *bad = text_of("%s/bad", bed->dir);
	char *file = text_of("%s/bad/policy.yaml", bed->dir);
	char *config = text_of("%s/config.yaml", bed->dir);
	char *log;

	assert_int_equal(bed_start_fails(bed, "--no-such-flag", NULL), 2);
	assert_int_equal(bed_start_fails(bed, "--default-action", "maybe", NULL), 2);
	assert_int_equal(bed_start_fails(bed, "--api-listen", "nowhere", NULL), 2);
	assert_int_equal(bed_start_fails(bed, "--store", "mysql://x", NULL), 2);
	assert_int_equal(bed_start_fails(bed, "--token-file", "/nonexistent/tokens", NULL), 2);
	assert_int_equal(bed_start_fails(bed, "--policy-dir", "/nonexistent/policies", NULL), 2);
	assert_int_equal(bed_start_fails(bed, "--kubeconfig", "/nonexistent/kubeconfig", NULL), 2);
	assert_int_equal(bed_start_fails(bed, "--kubeconfig", "a", "--in-cluster", NULL), 2);
	mkdir(bad, 0700);
	bed_write(file, "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\nspec:\n  "
			"require:\n    digst: true\n");
	assert_int_equal(bed_start_fails(bed, "--policy-dir", bad, NULL), 2);
	log = bed_read(bed->log);
	assert_non_null(strstr(log, "document 1: spec.require.digst"));
	free(log);
	bed_write(config, "no-such-key: 1\n");
	assert_int_equal(bed_start_fails(bed, "--config", config, NULL), 2);
	free(bad);
	free(file);
	free(config);
}

static int check_config(struct bed *bed, const char *flag, const char *value, char **err)
{
	char *data = text_of("%s/never", bed->dir);
	const char *argv[] = {bed_program("sealgated"), "--data-dir", data, "--check-config", flag, value, NULL};
	struct stat st;
	int status = bed_run(bed, argv, NULL, NULL, err);

	assert_int_equal(stat(data, &st), -1);
	free(data);
	return status;
}

static void check_config_writes_nothing_and_says_where(void **state)
{
	struct bed *bed = *state;
	char *file = text_of("%s/policy.yaml", bed->policies);
	char *err = NULL;

	assert_int_equal(check_config(bed, "--pubkeys", bed->keys, &err), 0);
	free(err);
	bed_write(file, "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\nspec: "
			"{require: {digest: true}, maxAge: 3}\n");
	assert_int_equal(check_config(bed, "--policy-dir", bed->policies, &err), 2);
	assert_non_null(strstr(err, "policy.yaml: document 1: spec.maxAge: "));
	free(err);
	unlink(file);
	free(file);
	assert_int_equal(check_config(bed, "--kubeconfig", "/nonexistent/kubeconfig", &err), 2);
	assert_non_null(strstr(err, "--kubeconfig: /nonexistent/kubeconfig"));
	free(err);
}

static void version_and_help(void **state)
{
	const char *version[] = {bed_program("sealgated"), "--version", NULL};
	const char *help[] = {bed_program("sealgated"), "--help", NULL};
	char *out = NULL;

	assert_int_equal(bed_run(*state, version, NULL, &out, NULL), 0);
	assert_memory_equal(out, "sealgated ", 10);
	free(out);
	assert_int_equal(bed_run(*state, help, NULL, &out, NULL), 0);
	assert_non_null(strstr(out, "--webhook-listen"));
	free(out);
}

static void a_taken_port_ends_with_1(void **state)
{
	struct bed *bed = *state;
	struct bed other = *bed;
	char *port;

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	snprintf(other.data, sizeof(other.data), "%.200s/other", bed->dir);
	snprintf(other.log, sizeof(other.log), "%.200s/other.log", bed->dir);
	port = text_of("%s", strstr(bed->ops, "://") + 3);
	assert_int_equal(bed_start_fails(&other, "--ops-listen", port, NULL), 1);
	free(port);
	assert_int_equal(bed_stop(bed), 0);
}

static void a_damaged_database_ends_with_1_and_is_not_touched(void **state)
{
	struct bed *bed = *state;
	char *path = text_of("%s/damaged.db", bed->dir);
	char *url = text_of("sqlite:%s", path);
	char *after;

	bed_write(path, "this is not a database, and it is longer than the sixteen bytes of a header");
	assert_int_equal(bed_start_fails(bed, "--store", url, NULL), 1);
	after = bed_read(path);
	assert_string_equal(after, "this is not a database, and it is longer than the sixteen bytes of a header");
	free(after);
	free(url);
	free(path);
}

static void both_signals_end_with_0(void **state)
{
	struct bed *bed = *state;

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_stop(bed), 0);
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	kill(bed->server, SIGINT);
	assert_int_equal(bed_stop(bed), 0);
}

static bool readyz_has(struct bed *bed, void *text)
{
	struct reply reply = bed_request(bed, "GET", bed->ops, "/readyz", NULL, 0, NULL);
	bool yes = reply.status == 200 && strstr(reply.body, text) != NULL;

	reply_release(&reply);
	return yes;
}

static bool pod_allowed(struct bed *bed, void *image)
{
	json_t *response = bed_review_pod(bed, image);
	bool yes = response_allowed(response);

	json_decref(response);
	return yes;
}

static bool pod_refused(struct bed *bed, void *image)
{
	return !pod_allowed(bed, image);
}

static bool last_reload_failed(struct bed *bed, void *context)
{
	struct reply reply = bed_request(bed, "GET", bed->ops, "/metrics", NULL, 0, NULL);
	bool yes = strstr(reply.body, "sealgate_config_last_reload_successful 0\n") != NULL;

	(void)context;
	reply_release(&reply);
	return yes;
}

static const char permissive[] = "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: "
				 "p}\nspec:\n  require: {digest: true}\n";

static void policies_are_followed_and_a_bad_change_is_kept_out(void **state)
{
	struct bed *bed = *state;
	char *file = text_of("%s/p.yaml", bed->policies);
	char *image = text_of("%s", IMAGE_A);
	char *not_loaded = text_of("%s", "not loaded: ");

	bed_write(file, permissive);
	bed_start(bed, "--policy-dir", bed->policies, NULL);
	assert_true(pod_allowed(bed, image));
	bed_write(file, "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\nspec: "
			"{require: {digest: maybe}}\n");
	assert_true(bed_eventually(bed, readyz_has, not_loaded));
	assert_true(bed_eventually(bed, last_reload_failed, NULL));
	assert_true(pod_allowed(bed, image));
	bed_write(file, "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n"
			"spec:\n  match: {images: [\"registry.example.com/**\"]}\n  require: {digest: true}\n");
	assert_true(bed_eventually(bed, pod_refused, image));
	assert_int_equal(bed_stop(bed), 0);
	unlink(file);
	free(file);
	free(image);
	free(not_loaded);
}

/* A ConfigMap mount: files are links through ..data, which is swapped in one rename. */
static void a_configmap_swap_is_one_change(void **state)
{
	struct bed *bed = *state;
	char *mount = text_of("%s/mount", bed->dir);
	char *image = text_of("%s", IMAGE_A);
	char *paths[6] = {text_of("%s/..one", mount),	     text_of("%s/..two", mount),
			  text_of("%s/..data", mount),	     text_of("%s/..data_tmp", mount),
			  text_of("%s/..one/p.yaml", mount), text_of("%s/..two/p.yaml", mount)};
	char *link_path = text_of("%s/p.yaml", mount);

	mkdir(mount, 0700);
	mkdir(paths[0], 0700);
	mkdir(paths[1], 0700);
	bed_write(paths[4], permissive);
	bed_write(paths[5], "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n"
			    "spec:\n  match: {images: [\"registry.example.com/**\"]}\n  require: {digest: true}\n");
	assert_int_equal(symlink("..one", paths[2]), 0);
	assert_int_equal(symlink("..data/p.yaml", link_path), 0);
	bed_start(bed, "--policy-dir", mount, NULL);
	assert_true(pod_allowed(bed, image));
	assert_int_equal(symlink("..two", paths[3]), 0);
	assert_int_equal(rename(paths[3], paths[2]), 0);
	assert_true(bed_eventually(bed, pod_refused, image));
	assert_int_equal(bed_stop(bed), 0);
	for (int i = 0; i < 6; i++)
		free(paths[i]);
	free(link_path);
	free(image);
	free(mount);
}

static void revoking_by_removing_a_key_takes_effect(void **state)
{
	struct bed *bed = *state;
	char *signature = bed_clearsign(bed, "qa_bob@example.com", DIGEST_A);
	char *key = text_of("%s/qa.asc", bed->keys);
	char *aside = text_of("%s/qa.aside", bed->dir);
	char *image = text_of("%s", IMAGE_A);

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_note(bed, "p", "n"), 200);
	assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, signature), 200);
	assert_true(pod_allowed(bed, image));
	assert_int_equal(rename(key, aside), 0);
	assert_true(bed_eventually(bed, pod_refused, image));
	assert_int_equal(rename(aside, key), 0);
	assert_true(bed_eventually(bed, pod_allowed, image));
	assert_int_equal(bed_stop(bed), 0);
	free(signature);
	free(key);
	free(aside);
	free(image);
}

static void without_keys_and_policies_the_default_action_rules(void **state)
{
	struct bed *bed = *state;
	char *image = text_of("%s", IMAGE_A);

	bed_start(bed, NULL);
	assert_false(pod_allowed(bed, image));
	assert_int_equal(bed_stop(bed), 0);
	bed_start(bed, "--default-action", "allow", NULL);
	assert_true(pod_allowed(bed, image));
	assert_int_equal(bed_stop(bed), 0);
	free(image);
}

static char *server_fingerprint(struct bed *bed)
{
	char *address = text_of("%s", strstr(bed->webhook, "://") + 3);
	const char *argv[] = {"openssl", "s_client", "-connect", address, "-showcerts", NULL};
	char *out = NULL, *begin, *end, *pem;

	bed_run(bed, argv, "", &out, NULL);
	begin = out ? strstr(out, "-----BEGIN CERTIFICATE-----") : NULL;
	end = begin ? strstr(begin, "-----END CERTIFICATE-----") : NULL;
	pem = end ? text_of("%.*s", (int)(end - begin), begin) : text_of("%s", "");
	free(out);
	free(address);
	return pem;
}

static bool certificate_differs(struct bed *bed, void *before)
{
	char *now = server_fingerprint(bed);
	bool differs = now[0] && strcmp(now, before) != 0;

	free(now);
	return differs;
}

static void a_new_certificate_serves_the_next_handshake(void **state)
{
	struct bed *bed = *state;
	char *certs = text_of("%s/certs", bed->data);
	const char *renew[] = {bed_program("sealgate"), "certs", "renew", "--dir", certs, NULL};
	char *image = text_of("%s", IMAGE_A);
	char *before;

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	before = server_fingerprint(bed);
	assert_true(before[0]);
	assert_int_equal(bed_run(bed, renew, NULL, NULL, NULL), 0);
	assert_true(bed_eventually(bed, certificate_differs, before));
	pod_allowed(bed, image);
	assert_int_equal(bed_stop(bed), 0);
	free(before);
	free(certs);
	free(image);
}

static pid_t kill_later(pid_t victim, useconds_t delay_us)
{
	pid_t killer = fork();

	if (killer == 0) {
		usleep(delay_us);
		kill(victim, SIGKILL);
		_exit(0);
	}
	return killer;
}

/* Uploads until the server is gone: it is killed some time after its first acknowledgement. Returns how many were
 * acknowledged and leaves their names. */
static size_t upload_until_killed(struct bed *bed, const char *body, char **names, size_t max, useconds_t delay_us)
{
	size_t count = 0;
	pid_t killer = 0;

	while (count < max) {
		struct reply reply = bed_request(bed, "POST", bed->api, "/v1alpha1/projects/crash/occurrences", body,
						 strlen(body), NULL);
		json_t *answer = reply.status == 200 ? reply_json(&reply) : NULL;

		if (answer)
			names[count++] = text_of("%s", json_string_value(json_object_get(answer, "name")));
		json_decref(answer);
		bool gone = reply.status != 200;

		reply_release(&reply);
		if (gone)
			break;
		if (killer == 0)
			killer = kill_later(bed->server, delay_us);
	}
	if (killer > 0)
		waitpid(killer, NULL, 0);
	return count;
}

static void kill_9_loses_no_acknowledged_upload(void **state)
{
	enum { MAX = 4000, ROUNDS = 10 };
	struct bed *bed = *state;
	char *signature = bed_clearsign(bed, "qa_bob@example.com", DIGEST_A);
	json_t *json =
		json_pack("{s:s,s:s,s:{s:{s:s}}}", "resourceUrl", "https://" IMAGE_A, "noteName",
			  "projects/crash/notes/n", "attestation", "pgpSignedAttestation", "signature", signature);
	char *body = json_dumps(json, 0);
	char **names = calloc(MAX, sizeof(*names));
	size_t total = 0;

	assert_non_null(names);
	for (int round = 0; round < ROUNDS; round++) {
		size_t count;

		bed_start(bed, "--pubkeys", bed->keys, NULL);
		bed_note(bed, "crash", "n");
		count = upload_until_killed(bed, body, names, MAX, 100000 + (useconds_t)round * 23000);
		bed_kill(bed);
		assert_true(count > 0);
		total += count;
		bed_start(bed, "--pubkeys", bed->keys, NULL);
		for (size_t i = 0; i < count; i++) {
			char *path = text_of("/v1alpha1/%s", names[i]);
			struct reply reply = bed_request(bed, "GET", bed->api, path, NULL, 0, NULL);

			if (reply.status != 200)
				fail_msg("round %d: %s was acknowledged and is gone (HTTP %ld)", round, names[i],
					 reply.status);
			reply_release(&reply);
			free(path);
			free(names[i]);
		}
		assert_int_equal(bed_stop(bed), 0);
	}
	print_message("%zu acknowledged uploads, none lost\n", total);
	free(names);
	free(body);
	json_decref(json);
	free(signature);
}

/* The verify worker dies with the server: nothing is left running or lying around. */
/* In one call of gpg, then a file for each: keys/many-N.asc. */
static void make_many_keys(struct bed *bed, int count)
{
	static const char make[] =
		"{ echo %no-protection; for i in $(seq $0); do printf 'Key-Type: eddsa\\nKey-Curve: Ed25519\\n"
		"Key-Usage: sign\\nName-Email: many-%d-@example.com\\nExpire-Date: 0\\n%%commit\\n' $i; "
		"done; } | gpg --batch --quiet --generate-key && for i in $(seq $0); do "
		"gpg --batch --armor --output \"$1/many-$i.asc\" --export many-$i-@example.com || exit 1; "
		"done";
	char *number = text_of("%d", count);
	const char *argv[] = {"bash", "-c", make, number, bed->keys, NULL};

	assert_int_equal(bed_run(bed, argv, NULL, NULL, NULL), 0);
	free(number);
}

static bool first_review_admits(struct bed *bed, const char *image)
{
	json_t *response = bed_review_pod(bed, image);
	bool allowed = response_allowed(response);

	json_decref(response);
	return allowed;
}

/* Ready means that the keys can be verified with: a restart refuses nothing that is signed. */
static void the_first_review_after_a_restart_with_many_keys_is_right(void **state)
{
	struct bed *bed = *state;
	char *signature = bed_clearsign(bed, "qa_bob@example.com", IMAGE_A "\n"), *many;

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_note(bed, "many-keys", "qa"), 200);
	assert_int_equal(bed_attest(bed, "many-keys", "qa", IMAGE_A, signature), 200);
	assert_int_equal(bed_stop(bed), 0);
	make_many_keys(bed, 300);
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_true(first_review_admits(bed, IMAGE_A));
	assert_int_equal(bed_stop(bed), 0);
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_false(first_review_admits(bed, IMAGE_B));
	assert_int_equal(bed_stop(bed), 0);
	many = text_of("%s/many-7.asc", bed->keys);
	assert_int_equal(unlink(many), 0);
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_true(first_review_admits(bed, IMAGE_A));
	assert_int_equal(bed_stop(bed), 0);
	free(many);
	free(signature);
}

static bool no_process_uses_the_data(struct bed *bed, void *context)
{
	DIR *proc = opendir("/proc");
	bool found = false;

	(void)context;
	assert_non_null(proc);
	for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
		char *path = text_of("/proc/%s/cmdline", entry->d_name);
		FILE *file = fopen(path, "r");
		char line[4096] = "";
		size_t length = file ? fread(line, 1, sizeof(line) - 1, file) : 0;

		for (size_t i = 0; i < length; i++)
			line[i] = line[i] ? line[i] : ' ';
		found = found || strstr(line, bed->data);
		if (file)
			fclose(file);
		free(path);
	}
	closedir(proc);
	return !found;
}

static void kill_9_leaves_no_worker_behind(void **state)
{
	struct bed *bed = *state;

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	bed_kill(bed);
	assert_true(bed_eventually(bed, no_process_uses_the_data, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_and_configuration_end_with_2),
		cmocka_unit_test(check_config_writes_nothing_and_says_where),
		cmocka_unit_test(version_and_help),
		cmocka_unit_test(a_taken_port_ends_with_1),
		cmocka_unit_test(a_damaged_database_ends_with_1_and_is_not_touched),
		cmocka_unit_test(both_signals_end_with_0),
		cmocka_unit_test(policies_are_followed_and_a_bad_change_is_kept_out),
		cmocka_unit_test(a_configmap_swap_is_one_change),
		cmocka_unit_test(revoking_by_removing_a_key_takes_effect),
		cmocka_unit_test(without_keys_and_policies_the_default_action_rules),
		cmocka_unit_test(a_new_certificate_serves_the_next_handshake),
		cmocka_unit_test(kill_9_loses_no_acknowledged_upload),
		cmocka_unit_test(kill_9_leaves_no_worker_behind),
		cmocka_unit_test(the_first_review_after_a_restart_with_many_keys_is_right),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
