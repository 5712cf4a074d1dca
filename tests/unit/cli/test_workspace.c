#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/workspace.h"

static void fill(const struct workspace *workspace)
{
	char path[512];
	struct err e = ERR_INIT;

	(void)snprintf(path, sizeof(path), "%s/home", workspace->path);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/home/secret", workspace->path);
	assert_true(file_write(path, STR("secret"), 0600, &e));
	(void)snprintf(path, sizeof(path), "%s/link", workspace->path);
	assert_int_equal(symlink("/tmp", path), 0);
}

static void is_private_and_removed_with_all_that_is_in_it(void **state)
{
	struct workspace workspace = {0};
	struct err e = ERR_INIT;
	struct stat st;
	char path[256];

	(void)state;
	assert_true(workspace_make(&workspace, &e));
	(void)snprintf(path, sizeof(path), "%s", workspace.path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	fill(&workspace);
	workspace_remove(&workspace);
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(stat("/tmp", &st), 0);
	workspace_remove(&workspace);
}

/* Ends without cleaning up, as a verb does that is killed while it asks for a passphrase. */
static void make_and_die(int report)
{
	struct workspace workspace = {0};

	if (workspace_make(&workspace, NULL)) {
		fill(&workspace);
		(void)!write(report, workspace.path, sizeof(workspace.path));
	}
	(void)raise(SIGKILL);
}

static void disappears_also_when_the_verb_is_killed(void **state)
{
	char path[256] = "", rest;
	struct stat st;
	int ends[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0)
		make_and_die(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], path, sizeof(path)), sizeof(path));
	assert_int_equal(waitpid(child, NULL, 0), child);
	/* The guard holds the other end too: end of file is its end. */
	assert_int_equal(read(ends[0], &rest, 1), 0);
	close(ends[0]);
	assert_true(path[0] != 0);
	assert_int_equal(lstat(path, &st), -1);
}

static void refuses_a_parent_that_is_not_there(void **state)
{
	struct workspace workspace = {0};
	struct err e = ERR_INIT;
	const char *before = getenv("TMPDIR");
	cleanup(memory) char *kept = before ? strdup(before) : NULL;

	(void)state;
	assert_int_equal(setenv("TMPDIR", "/nonexistent/directory", 1), 0);
	assert_false(workspace_make(&workspace, &e));
	assert_non_null(strstr(e.text, "/nonexistent/directory"));
	assert_string_equal(workspace.path, "");
	assert_int_equal(kept ? setenv("TMPDIR", kept, 1) : unsetenv("TMPDIR"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_private_and_removed_with_all_that_is_in_it),
		cmocka_unit_test(disappears_also_when_the_verb_is_killed),
		cmocka_unit_test(refuses_a_parent_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
