/* Policy, token and certificate files are spoiled in every way beneath a running server: the last good ones stay in
 * force, the words are clear and clean, nothing blocks and nothing leaks. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/e2e/bed.h"
#include "tests/fault/scratch_db.h"

#define HEAD "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: "
#define ANY_BODY "}\nspec:\n  match: {images: [\"gcr.io/**\"]}\n  require: {digest: true}\n"
/* Without its second half the image below is nobody's business, and the default action admits it. */
#define SECOND_HALF HEAD "second}\nspec:\n  match: {images: [\"registry.example.com/**\"]}\n  require: {digest: true}\n"
#define GOOD HEAD "first" ANY_BODY "---\n" SECOND_HALF
#define NEVER "registry.example.com/app:1"

static char *in(const char *dir, const char *name)
{
	return text_of("%s/%s", dir, name);
}

static void put_policy(const char *path)
{
	char *fresh = text_of("%s.new", path);

	bed_write(fresh, GOOD);
	assert_int_equal(rename(fresh, path), 0);
	free(fresh);
}

static void is_refused(struct bed *bed, const char *image)
{
	json_t *response = bed_review_pod(bed, image);

	if (response_allowed(response))
		fail_msg("%s is admitted", image);
	json_decref(response);
}

static char *readyz(struct bed *bed)
{
	struct reply reply = bed_request(bed, "GET", bed->ops, "/readyz", NULL, 0, NULL);

	assert_int_equal(reply.status, 200);
	return reply.body;
}

static bool readyz_has(struct bed *bed, void *words)
{
	char *body = readyz(bed);
	bool yes = strstr(body, words);

	free(body);
	return yes;
}

static bool readyz_is_ok(struct bed *bed, void *context)
{
	char *body = readyz(bed);
	bool yes = strcmp(body, "ok\n") == 0;

	(void)context;
	free(body);
	return yes;
}

static size_t descriptors(struct bed *bed)
{
	char *path = text_of("/proc/%d/fd", (int)bed->server);
	DIR *dir = opendir(path);
	size_t count = 0;

	while (dir && readdir(dir))
		count++;
	closedir(dir);
	free(path);
	return count;
}

static void loop(const char *dir)
{
	char *path = in(dir, "p.yaml");

	unlink(path);
	assert_int_equal(symlink("p.yaml", path), 0);
	free(path);
}

static void cut_in_the_middle(const char *dir)
{
	char *path = in(dir, "p.yaml");

	assert_int_equal(truncate(path, sizeof(GOOD) - 30), 0);
	free(path);
}

static void pipe_in_it(const char *dir)
{
	char *path = in(dir, "q.yaml");

	assert_int_equal(mkfifo(path, 0600), 0);
	free(path);
}

static void socket_in_it(const char *dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/q.yaml", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void link_to(const char *dir, const char *target)
{
	char *path = in(dir, "q.yaml");

	assert_int_equal(symlink(target, path), 0);
	free(path);
}

static void device_in_it(const char *dir)
{
	link_to(dir, "/dev/zero");
}

static void link_outside(const char *dir)
{
	link_to(dir, "/etc/passwd");
}

static void huge(const char *dir)
{
	char *path = in(dir, "q.yaml");

	bed_write(path, "");
	assert_int_equal(truncate(path, 1l << 40), 0);
	free(path);
}

static void odd_name(const char *dir)
{
	char *path = in(dir, "a\n{\"level\":\"forged\"}\x1b[31m.yaml");

	bed_write(path, "what: [is\n");
	free(path);
}

static void too_many(const char *dir)
{
	unsigned count = soaking() ? 100000 : LIMIT_POLICY_FILES;

	for (unsigned i = 0; i < count; i++) {
		char *path = text_of("%s/n%u.txt", dir, i);

		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		free(path);
	}
}

static void gone(const char *dir)
{
	char *aside = text_of("%s.aside", dir);

	assert_int_equal(rename(dir, aside), 0);
	free(aside);
}

/* A directory as it was at first, made anew. */
static void mend(const char *dir)
{
	char *fresh = text_of("%s.fresh", dir), *old = text_of("%s.old", dir), *path = in(fresh, "p.yaml");

	assert_int_equal(mkdir(fresh, 0700), 0);
	put_policy(path);
	(void)rename(dir, old);
	assert_int_equal(rename(fresh, dir), 0);
	free(fresh);
	free(old);
	free(path);
}

static void remove_old(struct bed *bed)
{
	char *old = text_of("%s.old", bed->policies), *aside = text_of("%s.aside", bed->policies);
	const char *argv[] = {"rm", "-rf", old, aside, NULL};

	bed_run(bed, argv, NULL, NULL, NULL);
	free(old);
	free(aside);
}

static void last_good_policies_stay_whatever_happens_to_the_files(void **state)
{
	static const struct {
		void (*spoil)(const char *dir);
		const char *words;
	} faults[] = {
		{loop, "p.yaml: Too many levels of symbolic links"},
		{cut_in_the_middle, "not loaded: "},
		{pipe_in_it, "q.yaml: not a regular file"},
		{socket_in_it, "q.yaml: not a regular file"},
		{device_in_it, "q.yaml: not a regular file"},
		{link_outside, "q.yaml: "},
		{huge, "q.yaml: "},
		{odd_name, "a {\"level\":\"forged\"} [31m.yaml: "},
		{too_many, "more than 10000 files"},
		{gone, "No such file or directory"},
	};
	struct bed *bed = *state;
	size_t open_files, count = sizeof(faults) / sizeof(faults[0]);

	rmdir(bed->policies);
	mend(bed->policies);
	bed_start(bed, "--policy-dir", bed->policies, "--default-action", "allow", NULL);
	is_refused(bed, NEVER);
	open_files = descriptors(bed);
	for (size_t i = 0; i < count; i++) {
		char words[128];

		snprintf(words, sizeof(words), "%s", faults[i].words);
		faults[i].spoil(bed->policies);
		if (!bed_eventually(bed, readyz_has, words))
			fail_msg("fault %zu: /readyz does not say: %s", i, words);
		is_refused(bed, NEVER);
		mend(bed->policies);
		if ((soaking() || i % 4 == 0 || i == count - 1) && !bed_eventually(bed, readyz_is_ok, NULL))
			fail_msg("fault %zu: the directory made anew is not taken", i);
		is_refused(bed, NEVER);
		remove_old(bed);
	}
	assert_int_equal(bed_log_lines(bed, "forged"), 0);
	assert_true(descriptors(bed) <= open_files + 4);
	assert_int_equal(bed_stop(bed), 0);
}

/* Writes the file in place, half by half; it rests for long only when it is whole. */
static pid_t rewrite(const char *path)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0;; i++) {
		int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		size_t half = sizeof(GOOD) - sizeof(SECOND_HALF) - 4;

		(void)!write(fd, GOOD, half);
		poll(NULL, 0, (int)(i % 4));
		(void)!write(fd, GOOD + half, sizeof(GOOD) - 1 - half);
		close(fd);
		poll(NULL, 0, i % 20 == 19 ? 1200 : (int)(i % 3));
	}
}

static bool was_loaded_again(struct bed *bed, void *context)
{
	(void)context;
	return bed_log_lines(bed, "policies and keys are in force") > 1;
}

static void half_a_file_is_never_in_force(void **state)
{
	struct bed *bed = *state;
	char *path = in(bed->policies, "p.yaml");
	int64_t until;
	pid_t writer;

	bed_start(bed, "--policy-dir", bed->policies, "--default-action", "allow", NULL);
	writer = rewrite(path);
	until = clock_monotonic_ms() + (soaking() ? 60000 : 3000);
	while (clock_left_ms(until) > 0)
		is_refused(bed, NEVER);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	put_policy(path);
	assert_true(bed_eventually(bed, was_loaded_again, NULL));
	assert_true(bed_eventually(bed, readyz_is_ok, NULL));
	is_refused(bed, NEVER);
	assert_int_equal(bed_stop(bed), 0);
	free(path);
}

/* A ConfigMap whose ..data is swapped all the time: each decision is by one whole version, and the last one wins. */
static void swaps_in_a_loop_leak_nothing(void **state)
{
	struct bed *bed = *state;
	char *data = in(bed->policies, "..data"), *next = in(bed->policies, "..next"),
	     *link = in(bed->policies, "p.yaml");
	char *versions[2] = {in(bed->policies, "..v0"), in(bed->policies, "..v1")};
	int64_t until;
	size_t open_files;

	for (int i = 0; i < 2; i++) {
		char *file = in(versions[i], "p.yaml");

		mkdir(versions[i], 0700);
		put_policy(file);
		free(file);
	}
	unlink(link);
	assert_int_equal(symlink("..v0", data), 0);
	assert_int_equal(symlink("..data/p.yaml", link), 0);
	bed_start(bed, "--policy-dir", bed->policies, "--default-action", "allow", NULL);
	is_refused(bed, NEVER);
	open_files = descriptors(bed);
	until = clock_monotonic_ms() + (soaking() ? 60000 : 2000);
	for (int i = 1; clock_left_ms(until) > 0; i = !i) {
		assert_int_equal(symlink(i ? "..v1" : "..v0", next), 0);
		assert_int_equal(rename(next, data), 0);
		is_refused(bed, NEVER);
	}
	assert_true(descriptors(bed) <= open_files + 4);
	assert_true(bed_eventually(bed, readyz_is_ok, NULL));
	assert_int_equal(bed_stop(bed), 0);
	free(data);
	free(next);
	free(link);
	free(versions[0]);
	free(versions[1]);
}

static bool log_has(struct bed *bed, void *message)
{
	return bed_log_lines(bed, message) > 0;
}

static void tokens_and_certificates_that_are_pipes_block_nothing(void **state)
{
	struct bed *bed = *state;
	char *tokens = in(bed->dir, "tokens"), *certificate = text_of("%s/certs/server.pem", bed->data);
	char *aside = text_of("%s.aside", certificate);
	char no_tokens[] = "tokens cannot be loaded, the last good ones stay in force";
	char no_certificates[] = "certificates cannot be loaded, the last good ones stay in force";

	bed_write(tokens, "# none\n");
	bed_start(bed, "--policy-dir", bed->policies, "--default-action", "allow", "--token-file", tokens, NULL);
	unlink(tokens);
	assert_int_equal(mkfifo(tokens, 0600), 0);
	assert_true(bed_eventually(bed, log_has, no_tokens));
	assert_int_equal(rename(certificate, aside), 0);
	assert_int_equal(mkfifo(certificate, 0600), 0);
	assert_true(bed_eventually(bed, log_has, no_certificates));
	is_refused(bed, NEVER);
	assert_int_equal(rename(aside, certificate), 0);
	assert_int_equal(bed_stop(bed), 0);
	free(tokens);
	free(certificate);
	free(aside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_good_policies_stay_whatever_happens_to_the_files),
		cmocka_unit_test(half_a_file_is_never_in_force),
		cmocka_unit_test(swaps_in_a_loop_leak_nothing),
		cmocka_unit_test(tokens_and_certificates_that_are_pipes_block_nothing),
	};

	return cmocka_run_group_tests_name("files", tests, bed_setup, bed_teardown);
}
