#include "server/data_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "certs/x509.h"

static char dir[128];

static const char *below(const char *name)
{
	static char paths[4][256];
	static size_t next;
	char *path = paths[next++ % 4];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	(void)state;
	(void)snprintf(dir, sizeof(dir), "%.80s/data-dir-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = {"data/lock",
					    "lock",
					    "file",
					    "data",
					    "certs/ca.pem",
					    "certs/ca-key.pem",
					    "certs/server.pem",
					    "certs/server-key.pem",
					    "certs/client.pem",
					    "certs/client-key.pem",
					    "certs"};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)remove(below(names[i]));
	return rmdir(dir);
}

static void makes_a_private_directory_once(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct stat st;
	assert_true(data_dir_make(below("data"), &e));
	assert_int_equal(stat(below("data"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(data_dir_make(below("data"), &e));
}

static void refuses_a_path_that_is_no_directory(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	assert_true(file_write(below("file"), STR("x"), 0600, &e));
	assert_false(data_dir_make(below("file"), &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_false(data_dir_make(below("absent/data"), &e));
	assert_int_equal(e.kind, ERR_INVALID);
}

/* In a process of its own, since a process may lock again what it has locked. */
static bool another_process_can_lock(void)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		int fd = -1;
		bool locked = data_dir_lock(dir, &fd, &e);
		_exit(locked ? 0 : e.kind == ERR_UNAVAILABLE ? 1 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

static void the_directory_belongs_to_one_process(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	int fd = -1;
	assert_true(another_process_can_lock());
	assert_true(data_dir_lock(dir, &fd, &e));
	assert_false(another_process_can_lock());
	close(fd);
	assert_true(another_process_can_lock());
}

static void certificates_are_made_once_and_name_how_the_server_is_called(void **state)
{
	(void)state;
	struct config config;
	struct certificate_info info;
	struct err e = ERR_INIT;
	bool made = false;
	char *words[] = {"sealgated", "--data-dir", dir, "--webhook-listen", "10.1.2.3:8443", NULL};
	assert_true(config_load(5, words, &config, &e));
	assert_true(data_dir_certificates(&config, "security", &made, &e));
	assert_true(made);
	assert_true(certs_show(below("certs"), "server.pem", &info, &e));
	assert_true(info.fits);
	assert_non_null(strstr(info.names, "sealgate.security.svc"));
	assert_non_null(strstr(info.names, "10.1.2.3"));
	assert_non_null(strstr(info.names, "localhost"));
	assert_true(data_dir_certificates(&config, "security", &made, &e));
	assert_false(made);
	config_release(&config);
}

static void certificates_of_the_user_are_never_made(void **state)
{
	(void)state;
	struct config config;
	struct stat st;
	struct err e = ERR_INIT;
	bool made = true;
	char *words[] = {"sealgated", "--data-dir", dir, "--tls-cert=/none.pem", "--tls-key=/none-key.pem", NULL};
	assert_true(config_load(5, words, &config, &e));
	assert_true(data_dir_certificates(&config, "", &made, &e));
	assert_false(made);
	assert_int_equal(stat(below("certs"), &st), -1);
	config_release(&config);
}

static void a_broken_set_of_certificates_is_not_overwritten(void **state)
{
	(void)state;
	struct config config;
	struct err e = ERR_INIT;
	bool made = false;
	char *words[] = {"sealgated", "--data-dir", dir, NULL};
	assert_true(config_load(3, words, &config, &e));
	assert_true(data_dir_certificates(&config, "", &made, &e));
	assert_int_equal(unlink(below("certs/server.pem")), 0);
	assert_false(data_dir_certificates(&config, "", &made, &e));
	assert_int_equal(e.kind, ERR_FORBIDDEN);
	assert_false(made);
	config_release(&config);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(makes_a_private_directory_once),
		IN_DIR(refuses_a_path_that_is_no_directory),
		IN_DIR(the_directory_belongs_to_one_process),
		IN_DIR(certificates_are_made_once_and_name_how_the_server_is_called),
		IN_DIR(certificates_of_the_user_are_never_made),
		IN_DIR(a_broken_set_of_certificates_is_not_overwritten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
