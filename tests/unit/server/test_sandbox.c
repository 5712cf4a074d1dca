/* What sealgated can't do once it is confined: each attempt works in a process that isn't. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
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
#include "server/sandbox.h"
#include "tests/unit/attempt.h"

static struct config config;
static struct sandbox_offer offer;
static char root[64], data[96], policies[128], policy[160];
static uint16_t listening; /* by the parent, on another port than the server's */

static int try(attempt *one)
{
	struct err e = ERR_INIT;
	pid_t child = fork();

	if (child == 0)
		_exit(sandbox_enter(&offer, &config, &e) ? one() : 255);
	return outcome(child);
}

static int list_root(void)
{
	return open_for("/", O_RDONLY | O_DIRECTORY);
}

static int change_policy(void)
{
	return open_for(policy, O_WRONLY);
}

static int add_policy(void)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/planted.yaml", policies);
	return open_for(path, O_WRONLY | O_CREAT);
}

static int remove_policy(void)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/planted.yaml", policies);
	return unlink(path) == 0 ? 0 : errno;
}

static int run_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int start_process(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child > 0 ? 0 : errno;
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno;
}

static int socket_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) >= 0 ? 0 : errno;
}

static int socket_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int connect_out(void)
{
	struct sockaddr_in address = loopback(listening);

	return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

static int send_datagram(void)
{
	struct sockaddr_in address = loopback(listening);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return fd >= 0 && sendto(fd, "", 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1 ? 0 : errno;
}

/* A connection that no call of connect() opens. */
static int connect_by_sending(void)
{
	struct sockaddr_in address = loopback(listening);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof(address)) >= 0 ? 0 : errno;
}

static int connect_by_a_message(void)
{
	struct sockaddr_in address = loopback(listening);
	struct iovec part = {(char[]){"x"}, 1};
	struct msghdr message = {
		.msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &part, .msg_iovlen = 1};

	return sendmsg(socket(AF_INET, SOCK_STREAM, 0), &message, MSG_FASTOPEN) >= 0 ? 0 : errno;
}

/* Any port will do outside; inside the server's are 1, 2 and 3. */
static int listen_elsewhere(void)
{
	struct sockaddr_in address = loopback(0);

	return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

static int new_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0 : errno;
}

static int make_memory_run(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

static int be_dumped(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 ? 0 : errno;
}

static int dump_core(void)
{
	const struct rlimit one = {1, 1};

	return setrlimit(RLIMIT_CORE, &one) == 0 ? 0 : errno;
}

static int show_memory(void)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 ? 0 : EPERM;
}

static int gain_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}

static int signal_parent(void)
{
	return kill(getppid(), 0) == 0 ? 0 : errno;
}

static bool always(void)
{
	return true;
}

static bool has_calls(void)
{
	return !sandbox_lacks(&offer, SANDBOX_CALLS);
}

static bool has_files(void)
{
	return !sandbox_lacks(&offer, SANDBOX_FILES);
}

static bool has_ports(void)
{
	return !sandbox_lacks(&offer, SANDBOX_PORTS);
}

/* What is around a test may forbid these as well. */
static bool is_rare(attempt *one)
{
	attempt *const rare[] = {trace, connect_by_sending, connect_by_a_message, dump_core, gain_privileges};

	for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
		if (rare[i] == one)
			return true;
	return false;
}

static void the_server_is_refused_what_works_elsewhere(void **state)
{
	static const struct {
		const char *name;
		attempt *attempt;
		bool (*offered)(void);
		int refusal;
	} rows[] = {
		{"read /etc/passwd", read_passwd, has_files, EACCES},
		{"list /", list_root, has_files, EACCES},
		{"change a policy", change_policy, has_files, EACCES},
		{"add a policy", add_policy, has_files, EACCES},
		{"run a program", run_program, has_calls, DIED + SIGSYS},
		{"start a process", start_process, has_calls, DIED + SIGSYS},
		{"ptrace", trace, has_calls, DIED + SIGSYS},
		{"socket AF_NETLINK", socket_netlink, has_calls, EAFNOSUPPORT},
		{"socket AF_UNIX", socket_unix, has_calls, EAFNOSUPPORT},
		{"connect", connect_out, has_calls, EPERM},
		{"connect by sending", connect_by_sending, has_calls, ENOSYS},
		{"connect by a message", connect_by_a_message, has_calls, ENOSYS},
		{"send a datagram", send_datagram, has_calls, ENOSYS},
		{"listen on another port", listen_elsewhere, has_ports, EACCES},
		{"code that is new", new_code, has_calls, EPERM},
		{"memory made to run", make_memory_run, has_calls, EPERM},
		{"let itself be dumped", be_dumped, has_calls, ENOSYS},
		{"a signal to its parent", signal_parent, has_calls, ENOSYS},
		{"dump core", dump_core, has_calls, ENOSYS},
		{"show its memory", show_memory, has_calls, EPERM},
		{"gain privileges", gain_privileges, always, EPERM},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int elsewhere = try_free(rows[i].attempt), refused;

		(void)remove_policy();
		refused = try(rows[i].attempt);
		if (elsewhere != 0 && !is_rare(rows[i].attempt))
			fail_msg("%s: does not work elsewhere either: %d", rows[i].name, elsewhere);
		if (rows[i].offered() && refused != rows[i].refusal)
			fail_msg("%s: %d instead of %d", rows[i].name, refused, rows[i].refusal);
	}
}

static void *nothing(void *argument)
{
	return argument;
}

static int make_thread(void)
{
	pthread_t thread;
	int code = pthread_create(&thread, NULL, nothing, NULL);

	return code ? code : pthread_join(thread, NULL);
}

/* Nobody steps further back than this, and tests may have been told to. */
#define LAST_PRIORITY 19

/* As threads of the API do. */
static int step_back(void)
{
	int before = getpriority(PRIO_PROCESS, 0), wanted = before < LAST_PRIORITY ? before + 1 : before;

	if (setpriority(PRIO_PROCESS, 0, wanted) != 0)
		return errno;
	return getpriority(PRIO_PROCESS, 0) == wanted ? 0 : 255;
}

static int write_data(void)
{
	char path[160], renamed[160];

	(void)snprintf(path, sizeof(path), "%s/sealgate.db-wal", data);
	(void)snprintf(renamed, sizeof(renamed), "%s/sealgate.db", data);
	if (open_for(path, O_RDWR | O_CREAT) != 0 || rename(path, renamed) != 0 || unlink(renamed) != 0)
		return errno;
	return 0;
}

static int give_up(void)
{
	abort();
}

static int read_policy(void)
{
	return open_for(policy, O_RDONLY);
}

/* Policies that are put in place by a rename of their directory. */
static int read_policy_made_anew(void)
{
	char again[256];

	(void)snprintf(again, sizeof(again), "%s.new/again.yaml", policies);
	return open_for(again, O_RDONLY);
}

static int listen_on_own_port(void)
{
	struct sockaddr_in address = loopback(1);

	return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

static void the_server_keeps_what_it_needs(void **state)
{
	char path[160];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s.new", policies);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s.new/again.yaml", policies);
	assert_int_equal(open_for(path, O_WRONLY | O_CREAT), 0);
	assert_int_equal(try(make_thread), 0);
	assert_int_equal(try(step_back), 0);
	/* Ends as everywhere else, so that the log of the container says what it was. */
	assert_int_equal(try(give_up), DIED + SIGABRT);
	assert_int_equal(try(write_data), 0);
	assert_int_equal(try(read_policy), 0);
	assert_int_equal(try(read_policy_made_anew), 0);
	if (geteuid() == 0)
		assert_int_equal(try(listen_on_own_port), 0);
}

static void an_older_kernel_lacks_with_a_reason(void **state)
{
	struct sandbox_offer old = {.landlock = 3, .no_syscalls = "no seccomp"};

	(void)state;
	assert_null(sandbox_lacks(&old, SANDBOX_PRIVILEGES));
	assert_null(sandbox_lacks(&old, SANDBOX_FILES));
	assert_string_equal(sandbox_lacks(&old, SANDBOX_CALLS), "no seccomp");
	assert_non_null(strstr(sandbox_lacks(&old, SANDBOX_PORTS), "Linux 6.7"));
	assert_non_null(strstr(sandbox_lacks(&old, SANDBOX_SIGNALS), "Linux 6.12"));
	old = (struct sandbox_offer){.syscalls = true, .no_landlock = "no Landlock"};
	assert_string_equal(sandbox_lacks(&old, SANDBOX_FILES), "no Landlock");
	assert_string_equal(sandbox_lacks(&old, SANDBOX_SIGNALS), "no Landlock");
	assert_null(sandbox_lacks(&old, SANDBOX_CALLS));
}

/* What a kernel from before 5.13 has is enough for a start, and still in force. */
static void what_a_kernel_lacks_is_left_out(void **state)
{
	struct sandbox_offer all = offer;

	(void)state;
	for (int abi = 0; abi <= all.landlock; abi++) {
		offer.landlock = abi;
		assert_int_equal(try(read_passwd), abi ? EACCES : 0);
		assert_int_equal(try(trace), all.syscalls ? DIED + SIGSYS : 0);
	}
	offer = (struct sandbox_offer){.landlock = all.landlock};
	assert_int_equal(try(trace), 0);
	offer = all;
}

static void listen_somewhere(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	listening = ntohs(address.sin_port);
}

static int setup(void **state)
{
	struct err e = ERR_INIT;
	const char *argv[] = {"sealgated",   "--data-dir",	 data,		"--policy-dir",
			      policies,	     "--webhook-listen", "127.0.0.1:1", "--api-listen",
			      "127.0.0.1:2", "--ops-listen",	 "127.0.0.1:3"};

	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/sealgate-sandbox-XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(data, sizeof(data), "%s/data", root);
	(void)snprintf(policies, sizeof(policies), "%s/policies", root);
	(void)snprintf(policy, sizeof(policy), "%s/p.yaml", policies);
	assert_int_equal(mkdir(data, 0700), 0);
	assert_int_equal(mkdir(policies, 0700), 0);
	assert_int_equal(open_for(policy, O_WRONLY | O_CREAT), 0);
	if (!config_load(sizeof(argv) / sizeof(argv[0]), (char **)(uintptr_t)argv, &config, &e))
		fail_msg("%s", e.text);
	sandbox_offer_ask(&offer);
	listen_somewhere();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	config_release(&config);
	directory_remove(root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_is_refused_what_works_elsewhere),
		cmocka_unit_test(the_server_keeps_what_it_needs),
		cmocka_unit_test(an_older_kernel_lacks_with_a_reason),
		cmocka_unit_test(what_a_kernel_lacks_is_left_out),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
