/* What sealgate-kube can't do: each attempt is made by a process that is confined as it is, and works in one that
 * isn't. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/landlock.h"
#include "kube/agent_sandbox.h"
#include "tests/unit/attempt.h"
#include "tests/unit/scratch.h"

static struct sandbox_offer offer;
static struct kube_config config;
static char dir[SCRATCH_SIZE], token[128], server[64];
/* Two listeners on loopback: the API server's, and another's. */
static int listeners[2];
static uint16_t ports[2];

static int try_confined(attempt *one)
{
	struct err e = ERR_INIT;
	pid_t child = fork();

	if (child == 0)
		_exit(agent_sandbox_enter(&offer, &config, &e) ? one() : 255);
	return outcome(child);
}

static int connect_to(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

static int connect_to_server(void)
{
	return connect_to(ports[0]);
}

static int connect_elsewhere(void)
{
	return connect_to(ports[1]);
}

static int listen_somewhere(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0
		       ? 0
		       : errno;
}

static int send_without_connecting(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(ports[1]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof(address)) ==
				       1 ||
			       errno == EOPNOTSUPP
		       ? 0
		       : errno;
}

static int read_token(void)
{
	return open_for(token, O_RDONLY);
}

/* A token is rotated by making another file. */
static int read_rotated(void)
{
	char other[sizeof(token) + 8];

	(void)snprintf(other, sizeof(other), "%s.next", token);
	return open_for(other, O_RDONLY);
}

static int write_token(void)
{
	return open_for(token, O_WRONLY);
}

static int plant_a_file(void)
{
	char planted[sizeof(token) + 8];

	(void)snprintf(planted, sizeof(planted), "%s/planted", dir);
	return open_for(planted, O_WRONLY | O_CREAT);
}

static int run_shell(void)
{
	execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
	return errno;
}

static int make_child(void)
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

static int write_and_run_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
		       ? 0
		       : errno;
}

static int socket_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : errno;
}

static int signal_parent(void)
{
	return kill(getppid(), 0) == 0 ? 0 : errno;
}

static bool has_files(void)
{
	return offer.landlock > 0;
}

static bool has_ports(void)
{
	return offer.landlock >= LANDLOCK_ABI_PORTS;
}

static bool has_calls(void)
{
	return offer.syscalls;
}

static void inside_nothing_else_works(void **state)
{
	static const struct {
		const char *name;
		attempt *attempt;
		bool (*offered)(void);
		int refusal;
	} rows[] = {
		{"read /etc/passwd", read_passwd, has_files, EACCES},
		{"write the token", write_token, has_files, EACCES},
		{"write beside the token", plant_a_file, has_files, EACCES},
		{"connect to another port", connect_elsewhere, has_ports, EACCES},
		{"listen", listen_somewhere, has_calls, ENOSYS},
		{"send without connecting", send_without_connecting, has_calls, ENOSYS},
		{"run a shell", run_shell, has_calls, DIED + SIGSYS},
		{"make a child", make_child, has_calls, DIED + SIGSYS},
		{"ptrace", trace, has_calls, DIED + SIGSYS},
		{"memory written and run", write_and_run_memory, has_calls, EPERM},
		{"socket AF_UNIX", socket_unix, has_calls, EAFNOSUPPORT},
		{"a signal to its parent", signal_parent, has_calls, ENOSYS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int elsewhere = try_free(rows[i].attempt), refused = try_confined(rows[i].attempt);

		/* What is around a test may forbid tracing as well. */
		if (elsewhere != 0 && rows[i].attempt != trace)
			fail_msg("%s: does not work elsewhere either: %d", rows[i].name, elsewhere);
		/* Landlock may come before the filter. */
		if (rows[i].offered() && refused != rows[i].refusal && !(refused == EACCES && has_files()))
			fail_msg("%s: %d instead of %d", rows[i].name, refused, rows[i].refusal);
	}
}

static void what_it_is_for_goes_on_working(void **state)
{
	(void)state;
	assert_int_equal(try_confined(connect_to_server), 0);
	assert_int_equal(try_confined(read_token), 0);
	assert_int_equal(try_confined(read_rotated), 0);
}

static void listen_on(int i)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listeners[i], (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listeners[i], 64), 0);
	assert_int_equal(getsockname(listeners[i], (struct sockaddr *)&address, &size), 0);
	ports[i] = ntohs(address.sin_port);
}

static int setup(void **state)
{
	char next[sizeof(token) + 8];

	(void)state;
	sandbox_offer_ask(&offer);
	assert_true(scratch_make(dir));
	(void)snprintf(token, sizeof(token), "%s/token", dir);
	(void)snprintf(next, sizeof(next), "%s.next", token);
	assert_int_equal(open_for(token, O_WRONLY | O_CREAT), 0);
	assert_int_equal(open_for(next, O_WRONLY | O_CREAT), 0);
	listen_on(0);
	listen_on(1);
	(void)snprintf(server, sizeof(server), "https://127.0.0.1:%u", ports[0]);
	config = (struct kube_config){.server = server, .token_file = token};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(listeners[0]);
	close(listeners[1]);
	return scratch_remove(dir) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inside_nothing_else_works),
		cmocka_unit_test(what_it_is_for_goes_on_working),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
