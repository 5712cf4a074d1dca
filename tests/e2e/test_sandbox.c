/* The sandbox around real processes: it is in force in every thread, and what operators do meanwhile still works. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "tests/e2e/bed.h"

static const char permissive[] = "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n"
				 "spec:\n  require: {digest: true}\n";

static struct sandbox_offer offered(void)
{
	struct sandbox_offer offer;

	sandbox_offer_ask(&offer);
	return offer;
}

static bool has_all(void)
{
	struct sandbox_offer offer = offered();

	return offer.landlock >= 6 && offer.syscalls;
}

static void the_table_says_what_is_in_force(void **state)
{
	struct bed *bed = *state;
	const char *argv[] = {bed_program("sealgated"), "--data-dir", bed->data, "--check-sandbox", NULL};
	char *out = NULL;
	int status;

	mkdir(bed->data, 0700);
	status = bed_run(bed, argv, NULL, &out, NULL);
	assert_int_equal(status, has_all() ? 0 : 1);
	assert_non_null(strstr(out, "\nsealgated      starts no program "));
	assert_non_null(strstr(out, "\nverify worker  does not see the data directory "));
	assert_non_null(strstr(out, "\n  port   8443\n"));
	assert_null(strstr(out, " no       "));
	assert_null(strstr(out, " unknown  "));
	if (has_all()) {
		assert_non_null(strstr(out, " starts no program                yes "));
		assert_non_null(strstr(out, "25 of 25 measures are in force.\n"));
	} else {
		assert_non_null(strstr(out, " missing  "));
	}
	free(out);
}

/* What is in the way of everybody is no merit of the sandbox. */
static void the_table_claims_nothing_that_held_before(void **state)
{
	struct bed *bed = *state;
	const char *argv[] = {"setpriv",    "--no-new-privs", bed_program("sealgated"),
			      "--data-dir", bed->data,	      "--check-sandbox",
			      NULL};
	char *out = NULL;

	mkdir(bed->data, 0700);
	(void)bed_run(bed, argv, NULL, &out, NULL);
	assert_non_null(strstr(out, "sealgated      gains no rights by set-uid       already "));
	assert_non_null(strstr(out, "verify worker  gains no rights by set-uid       already "));
	free(out);
}

static long number_in(const char *path, const char *name)
{
	char *text = bed_read(path), *at;
	long number = -1;

	if (text && (at = strstr(text, name)))
		number = strtol(at + strlen(name), NULL, 10);
	free(text);
	return number;
}

static long status_number(pid_t pid, const char *name)
{
	char *path = text_of("/proc/%d/status", (int)pid);
	long number = number_in(path, name);

	free(path);
	return number;
}

static pid_t parent_of(pid_t pid)
{
	return (pid_t)status_number(pid, "\nPPid:");
}

/* A child of the worker: a grandchild of the server. */
static pid_t find_child(pid_t server)
{
	DIR *all = opendir("/proc");
	pid_t found = 0;

	for (struct dirent *entry; all && (entry = readdir(all)) != NULL;) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && parent_of(pid) > 0 && parent_of(parent_of(pid)) == server)
			found = pid;
	}
	if (all)
		closedir(all);
	return found;
}

static bool has_child(struct bed *bed, void *found)
{
	*(pid_t *)found = find_child(bed->server);
	return *(pid_t *)found > 0;
}

/* They are started while nobody waits for them. */
static pid_t some_child(struct bed *bed)
{
	pid_t child = 0;

	assert_true(bed_eventually(bed, has_child, &child));
	return child;
}

static void process_is_confined(pid_t pid)
{
	assert_int_equal(status_number(pid, "\nNoNewPrivs:"), 1);
	if (offered().syscalls)
		assert_int_equal(status_number(pid, "\nSeccomp:"), 2);
}

static void each_process_is_confined(void **state)
{
	struct bed *bed = *state;
	struct sandbox_offer offer = offered();
	pid_t child;

	bed_start(bed, NULL);
	child = some_child(bed);
	process_is_confined(bed->server);
	process_is_confined(parent_of(child));
	process_is_confined(child);
	assert_int_equal(bed_log_lines(bed, "a measure of the sandbox is not in force"),
			 (offer.syscalls ? 0u : 1u) + (offer.landlock < 1) + (offer.landlock < 4) +
				 (offer.landlock < 6));
}

/* A filter holds for the thread that asks for it and those that it starts: one that was there before would be free. */
static void each_thread_is_confined(void **state)
{
	struct bed *bed = *state;
	char *path;
	DIR *threads;
	size_t count = 0;

	bed_start(bed, NULL);
	path = text_of("/proc/%d/task", (int)bed->server);
	threads = opendir(path);
	assert_non_null(threads);
	for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
		char *status = text_of("%s/%s/status", path, entry->d_name);

		if (entry->d_name[0] != '.' && offered().syscalls)
			assert_int_equal(number_in(status, "\nSeccomp:"), 2);
		count++;
		free(status);
	}
	assert_true(count > 4);
	closedir(threads);
	free(path);
}

static bool metric_is(struct bed *bed, const char *measure, bool in_force)
{
	struct reply reply = bed_request(bed, "GET", bed->ops, "/metrics", NULL, 0, NULL);
	char *line = text_of("sealgate_sandbox{measure=\"%s\"} %d\n", measure, in_force);
	bool found = reply.status == 200 && strstr(reply.body, line);

	free(line);
	reply_release(&reply);
	return found;
}

static void the_metrics_say_what_is_in_force(void **state)
{
	struct bed *bed = *state;
	struct sandbox_offer offer = offered();

	bed_start(bed, NULL);
	assert_true(metric_is(bed, "privileges", true));
	assert_true(metric_is(bed, "system_calls", offer.syscalls));
	assert_true(metric_is(bed, "files", offer.landlock >= 1));
	assert_true(metric_is(bed, "ports", offer.landlock >= 4));
	assert_true(metric_is(bed, "signals", offer.landlock >= 6));
}

static bool pod_allowed(struct bed *bed, void *context)
{
	json_t *response = bed_review_pod(bed, context);
	bool allowed = response_allowed(response);

	json_decref(response);
	return allowed;
}

static bool pod_refused(struct bed *bed, void *context)
{
	return !pod_allowed(bed, context);
}

static char image[] = IMAGE_A;

static void remove_tree(struct bed *bed, const char *path)
{
	const char *argv[] = {"rm", "-rf", path, NULL};

	assert_int_equal(bed_run(bed, argv, NULL, NULL, NULL), 0);
}

static void a_policy_directory_made_anew_is_followed(void **state)
{
	struct bed *bed = *state;
	char *file = text_of("%s/p.yaml", bed->policies);

	bed_start(bed, "--policy-dir", bed->policies, NULL);
	assert_true(pod_refused(bed, image));
	remove_tree(bed, bed->policies);
	assert_int_equal(mkdir(bed->policies, 0700), 0);
	bed_write(file, permissive);
	assert_true(bed_eventually(bed, pod_allowed, image));
	/* And once more on a signal. */
	assert_int_equal(unlink(file), 0);
	kill(bed->server, SIGHUP);
	assert_true(bed_eventually(bed, pod_refused, image));
	free(file);
}

static void turn(struct bed *bed, const char *name, const char *target)
{
	char *link = text_of("%s/%s", bed->dir, name), *fresh = text_of("%s.fresh", link);

	assert_int_equal(symlink(target, fresh), 0);
	assert_int_equal(rename(fresh, link), 0);
	free(fresh);
	free(link);
}

static void put(struct bed *bed, const char *name, const char *text)
{
	char *path = text_of("%s/%s", bed->dir, name);

	if (text)
		bed_write(path, text);
	else
		assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

/* As git-sync and deployments by release do. */
static void a_link_on_the_way_that_is_turned_is_followed(void **state)
{
	struct bed *bed = *state;
	char *policies = text_of("%s/tree/current/policies", bed->dir);

	put(bed, "tree", NULL);
	put(bed, "tree/one", NULL);
	put(bed, "tree/one/policies", NULL);
	turn(bed, "tree/current", "one");
	bed_start(bed, "--policy-dir", policies, NULL);
	assert_true(pod_refused(bed, image));
	put(bed, "tree/two", NULL);
	put(bed, "tree/two/policies", NULL);
	put(bed, "tree/two/policies/p.yaml", permissive);
	turn(bed, "tree/current", "two");
	assert_true(bed_eventually(bed, pod_allowed, image));
	free(policies);
}

static bool says_permission_denied(struct bed *bed, void *context)
{
	struct reply reply = bed_request(bed, "GET", bed->ops, "/readyz", NULL, 0, NULL);
	bool told = strstr(reply.body, "Permission denied");

	(void)context;
	reply_release(&reply);
	return told;
}

/* What it leads to then was never granted: as with every bad change, the last good one stays, with words. */
static void a_link_turned_to_elsewhere_keeps_the_last_good_policies(void **state)
{
	struct bed *bed = *state;
	char outside[] = "/tmp/sealgate-outside-XXXXXX";
	char *policies = text_of("%s/tree/policies", bed->dir), *file;

	assert_non_null(mkdtemp(outside));
	file = text_of("%s/p.yaml", outside);
	bed_write(file, permissive);
	put(bed, "tree", NULL);
	put(bed, "tree/one", NULL);
	turn(bed, "tree/policies", "one");
	bed_start(bed, "--policy-dir", policies, NULL);
	assert_true(pod_refused(bed, image));
	turn(bed, "tree/policies", outside);
	if (offered().landlock)
		assert_true(bed_eventually(bed, says_permission_denied, NULL));
	else
		assert_true(bed_eventually(bed, pod_allowed, image));
	assert_int_equal(pod_refused(bed, image), offered().landlock > 0);
	remove_tree(bed, outside);
	free(file);
	free(policies);
}

static void a_killed_child_is_replaced_inside(void **state)
{
	struct bed *bed = *state;
	char *signature;
	pid_t child;

	bed_key(bed, "qa", "qa@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	while ((child = find_child(bed->server)) > 0)
		kill(child, SIGKILL), usleep(10000);
	signature = bed_clearsign(bed, "qa@example.com", DIGEST_A);
	assert_true(pod_refused(bed, image));
	assert_int_equal(bed_note(bed, "p", "n"), 200);
	assert_int_equal(bed_attest(bed, "p", "n", image, signature), 200);
	assert_true(bed_eventually(bed, pod_allowed, image));
	process_is_confined(some_child(bed));
	free(signature);
}

/* A gpg that is a script would need a shell: that it is refused shows that the worker is confined. */
static void all_that_verify_confine_their_worker(void **state)
{
	struct bed *bed = *state;
	char *gpg = text_of("%s/gpg", bed->dir), *before = text_of("%s", getenv("PATH"));
	char *path = text_of("%s:%s", bed->dir, before), *key = text_of("%s/qa.asc", bed->keys);
	char *pod = text_of("%s/pod.yaml", bed->dir);
	const char *const commands[][8] = {
		{"sealgate", "key", "show", key, NULL},
		{"sealgate", "verify", IMAGE_A, "--pubkeys", bed->keys, "--server=http://127.0.0.1:1", NULL},
		{"sealgate", "check", "-f", pod, "--pubkeys", bed->keys, "--server=http://127.0.0.1:1", NULL},
		{"sealgated", "--data-dir", bed->data, "--pubkeys", bed->keys, "--check-config", NULL},
		{"sealgated", "--data-dir", bed->data, "--pubkeys", bed->keys, NULL},
	};

	bed_key(bed, "qa", "qa@example.com");
	bed_write(pod, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: a}]}\n");
	bed_write(gpg, "#!/bin/sh\n");
	assert_int_equal(chmod(gpg, 0755), 0);
	for (size_t i = 0; offered().landlock && i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *argv[8];
		char *err = NULL;

		memcpy(argv, commands[i], sizeof(argv));
		argv[0] = bed_program(argv[0]);
		setenv("PATH", path, 1);
		assert_int_equal(bed_run(bed, argv, NULL, NULL, &err), 2);
		setenv("PATH", before, 1);
		if (!strstr(err, "/gpg is a script, which the confined verify worker can't run"))
			fail_msg("%s", err);
		free(err);
	}
	free(pod);
	free(key);
	free(path);
	free(before);
	free(gpg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_table_says_what_is_in_force, bed_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(the_table_claims_nothing_that_held_before, bed_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(each_process_is_confined, bed_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(each_thread_is_confined, bed_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(the_metrics_say_what_is_in_force, bed_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(a_policy_directory_made_anew_is_followed, bed_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(a_link_on_the_way_that_is_turned_is_followed, bed_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(a_link_turned_to_elsewhere_keeps_the_last_good_policies, bed_setup,
						bed_teardown),
		cmocka_unit_test_setup_teardown(a_killed_child_is_replaced_inside, bed_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(all_that_verify_confine_their_worker, bed_setup, bed_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
