/* What a child of the verify worker, and so gpg, can't do: each attempt is made by a process that is confined the same
 * way, and works in one that isn't. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/openpgp_home.h"
#include "attest/worker.h"
#include "attest/worker_sandbox.h"
#include "base/clock.h"
#include "tests/unit/attest/fixtures.h"
#include "tests/unit/attempt.h"

static struct sandbox_offer offer;
static char data[64];  /* stands for the data directory */
static char home[128]; /* data/run: the child's own */

/* A child is confined within its supervisor. */
static bool enter(enum worker_role role)
{
	struct err e = ERR_INIT;

	return worker_sandbox_enter(&offer, WORKER_SUPERVISOR, home, &e) &&
	       (role == WORKER_SUPERVISOR || worker_sandbox_enter(&offer, role, home, &e));
}

static int try(enum worker_role role, attempt *one)
{
	pid_t child = fork();

	if (child == 0)
		_exit(enter(role) ? one() : 255);
	return outcome(child);
}

static int list_data(void)
{
	return open_for(data, O_RDONLY | O_DIRECTORY);
}

static int read_database(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/sealgate.db", data);
	return open_for(path, O_RDONLY);
}

static int write_beside(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/planted", data);
	return open_for(path, O_WRONLY | O_CREAT);
}

static int write_home(void)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/own", home);
	if (open_for(path, O_RDWR | O_CREAT) != 0 || unlink(path) != 0)
		return errno;
	return 0;
}

static int look_at_processes(void)
{
	return open_for("/proc/1", O_RDONLY | O_DIRECTORY);
}

static int run_shell(void)
{
	execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
	return errno;
}

static int run_gpg(void)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 1);
	execlp("gpg", "gpg", "--version", (char *)NULL);
	return errno;
}

static int socket_of(int family)
{
	return socket(family, family == AF_NETLINK ? SOCK_RAW : SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int socket_inet(void)
{
	return socket_of(AF_INET);
}

static int socket_unix(void)
{
	return socket_of(AF_UNIX);
}

static int socket_netlink(void)
{
	return socket_of(AF_NETLINK);
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno;
}

static int write_and_run_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
		       ? 0
		       : errno;
}

static int make_memory_run(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

static int signal_parent(void)
{
	return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int gain_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}

static int dump_core(void)
{
	const struct rlimit one = {1, 1};

	return setrlimit(RLIMIT_CORE, &one) == 0 ? 0 : errno;
}

static int take_more_time(void)
{
	const struct rlimit seconds = {2, 60};

	return setrlimit(RLIMIT_CPU, &seconds) == 0 ? 0 : errno;
}

static int open_more_files(void)
{
	return fcntl(0, F_DUPFD, 100) >= 0 ? 0 : errno;
}

static int steer_a_terminal(void)
{
	unsigned size;

	return ioctl(0, TIOCSTI, &size) == 0 || errno != ENOSYS ? 0 : errno;
}

static bool has_files(void)
{
	return offer.landlock > 0;
}

static bool always(void)
{
	return true;
}

static bool has_calls(void)
{
	return offer.syscalls;
}

/* What is around a test may forbid these as well. */
static bool is_rare(attempt *one)
{
	attempt *const rare[] = {trace, dump_core};

	for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
		if (rare[i] == one)
			return true;
	return false;
}

static void a_child_is_refused_what_works_elsewhere(void **state)
{
	static const struct {
		const char *name;
		attempt *attempt;
		bool (*offered)(void);
		int refusal;
	} rows[] = {
		{"read /etc/passwd", read_passwd, has_files, EACCES},
		{"list the data directory", list_data, has_files, EACCES},
		{"read the database", read_database, has_files, EACCES},
		{"write into the data directory", write_beside, has_files, EACCES},
		{"look at other processes", look_at_processes, has_files, EACCES},
		{"run a shell", run_shell, has_files, EACCES},
		{"socket AF_INET", socket_inet, has_calls, EAFNOSUPPORT},
		{"socket AF_UNIX", socket_unix, has_calls, EAFNOSUPPORT},
		{"socket AF_NETLINK", socket_netlink, has_calls, EAFNOSUPPORT},
		{"ptrace", trace, has_calls, DIED + SIGSYS},
		{"memory written and run", write_and_run_memory, has_calls, EPERM},
		{"memory made to run", make_memory_run, has_calls, EPERM},
		{"a signal to its parent", signal_parent, has_calls, ENOSYS},
		{"dump core", dump_core, has_calls, ENOSYS},
		{"steer a terminal", steer_a_terminal, has_calls, ENOSYS},
		{"open a hundred files", open_more_files, always, EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int elsewhere = try_free(rows[i].attempt), refused = try(WORKER_CHILD, rows[i].attempt);

		if (elsewhere != 0 && !is_rare(rows[i].attempt))
			fail_msg("%s: does not work elsewhere either: %d", rows[i].name, elsewhere);
		if (rows[i].offered() && refused != rows[i].refusal)
			fail_msg("%s: %d instead of %d", rows[i].name, refused, rows[i].refusal);
	}
	assert_int_equal(try(WORKER_CHILD, gain_privileges), EPERM);
}

static void a_child_keeps_what_it_needs(void **state)
{
	(void)state;
	assert_int_equal(try(WORKER_CHILD, write_home), 0);
	assert_int_equal(try(WORKER_CHILD, run_gpg), 0);
	assert_int_equal(try(WORKER_CHILD, take_more_time), 0);
}

static int own_group(void)
{
	return setpgid(0, 0) == 0 ? 0 : errno;
}

/* The child gives up what its supervisor still has. */
static int child_of_a_supervisor(void)
{
	struct err e = ERR_INIT;

	if (own_group() != 0 || !worker_sandbox_enter(&offer, WORKER_CHILD, home, &e))
		return 255;
	return own_group();
}

static void a_child_gives_up_more_than_its_supervisor(void **state)
{
	(void)state;
	assert_int_equal(try(WORKER_SUPERVISOR, child_of_a_supervisor), has_calls() ? ENOSYS : 0);
}

static void a_confined_worker_verifies_and_is_replaced(void **state)
{
	struct err e = ERR_INIT;
	struct worker_pool *pool = worker_pool_start_confined(1, home, &offer, &e);
	cleanup(buf) struct buf key = fixture_key(STR("rsa"));
	struct key_list list = {0};

	(void)state;
	if (!pool)
		fail_msg("%s", e.text);
	for (int round = 0; round < 2; round++) {
		/* Nonsense costs nothing, and a key is described. */
		assert_false(worker_inspect_key(pool, STR("no key"), clock_monotonic_ms() + 60000, &list, &e));
		if (!worker_inspect_key(pool, buf_str(&key), clock_monotonic_ms() + 60000, &list, &e))
			fail_msg("%s", e.text);
		assert_int_equal(list.count, 1);
		key_list_release(&list);
	}
	worker_pool_stop(pool);
	/* The supervisor removes all that it made. */
	assert_int_equal(rmdir(home), 0);
	assert_int_equal(mkdir(home, 0700), 0);
}

static void a_gpg_that_is_a_script_is_told(void **state)
{
	struct err e = ERR_INIT;
	char path[160], *before = strdup(getenv("PATH"));
	int file;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/gpg", data);
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_int_equal(write(file, "#!/bin/sh\n", 10), 10);
	close(file);
	setenv("PATH", data, 1);
	if (has_files()) {
		assert_null(worker_pool_start_confined(1, home, &offer, &e));
		assert_int_equal(e.kind, ERR_UNSUPPORTED);
		assert_non_null(strstr(e.text, "/gpg is a script"));
	}
	setenv("PATH", before, 1);
	free(before);
	assert_true(worker_sandbox_can_run_gpg(&offer, &e));
}

static int setup(void **state)
{
	char path[128];
	int file;

	(void)state;
	sandbox_offer_ask(&offer);
	(void)snprintf(data, sizeof(data), "/tmp/sealgate-confined-XXXXXX");
	assert_non_null(mkdtemp(data));
	(void)snprintf(home, sizeof(home), "%s/run", data);
	assert_int_equal(mkdir(home, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/sealgate.db", data);
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	close(file);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	directory_remove(data);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_is_refused_what_works_elsewhere),
		cmocka_unit_test(a_child_keeps_what_it_needs),
		cmocka_unit_test(a_child_gives_up_more_than_its_supervisor),
		cmocka_unit_test(a_confined_worker_verifies_and_is_replaced),
		cmocka_unit_test(a_gpg_that_is_a_script_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
