#include "kube/agent_sandbox.h"

#include <limits.h>
#include <netdb.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/landlock.h"
#include "base/syscall_filter.h"
#include "client/transfer.h"

enum { NAME_SERVER_PORT = 53, CREDENTIALS = 4 };

/* Seen in use under strace; and what older and newer libcs use in place of it. */
static const char *const permitted[] = {
	/* memory */
	"brk", "madvise", "mremap", "munmap",
	/* the time, and waiting for it */
	"clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "restart_syscall", "time",
	/* threads and their locks: names are looked up in one */
	"exit", "exit_group", "futex", "futex_time64", "membarrier", "rseq", "sched_getaffinity", "sched_yield",
	"set_robust_list",
	/* its own signals */
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "sigreturn",
	/* who it is, and what it may use */
	"getegid", "geteuid", "getgid", "getpid", "getppid", "getrandom", "getrlimit", "getrusage", "gettid", "getuid",
	"sysinfo", "ugetrlimit", "uname",
	/* files to read: Landlock says which */
	"access", "faccessat", "faccessat2", "fstat", "fstat64", "fstatfs", "getcwd", "getdents64", "lstat",
	"newfstatat", "open", "openat", "readlink", "readlinkat", "stat", "stat64", "statfs", "statx",
	/* what is open */
	"close", "dup", "fcntl", "fcntl64", "lseek", "pread64", "read", "readv", "write", "writev",
	/* connections that go out, and name servers */
	"bind", "connect", "eventfd2", "getpeername", "getsockname", "getsockopt", "pipe2", "poll", "ppoll", "pselect6",
	"recvfrom", "recvmmsg", "recvmsg", "select", "sendmmsg", "setsockopt", "shutdown", "socketpair", NULL};

#define SOCKET_TYPE 0xfu

static const struct syscall_rule rules[] = {
	/* Nothing is started; a clone is a thread. */
	{.name = "execve", .answer = CALL_FATAL},
	{.name = "execveat", .answer = CALL_FATAL},
	{.name = "fork", .answer = CALL_FATAL},
	{.name = "vfork", .answer = CALL_FATAL},
	{"clone", CALL_PERMITTED, {{0, CLONE_THREAD, CLONE_THREAD}}},
	{"clone", CALL_FATAL, {{0, CLONE_THREAD, 0}}},
	/* No code comes to what was loaded at start. */
	{"mmap", CALL_PERMITTED, {{2, PROT_EXEC, 0}}},
	{"mmap", CALL_REFUSED, {{2, PROT_EXEC, PROT_EXEC}}},
	{"mprotect", CALL_PERMITTED, {{2, PROT_EXEC, 0}}},
	{"mprotect", CALL_REFUSED, {{2, PROT_EXEC, PROT_EXEC}}},
	/* The API server and name servers; libc asks the kernel for its addresses. */
	{"socket", CALL_PERMITTED, {{0, SYSCALL_INT, AF_INET}, {1, SOCKET_TYPE, SOCK_STREAM}}},
	{"socket", CALL_PERMITTED, {{0, SYSCALL_INT, AF_INET}, {1, SOCKET_TYPE, SOCK_DGRAM}}},
	{"socket", CALL_PERMITTED, {{0, SYSCALL_INT, AF_INET6}, {1, SOCKET_TYPE, SOCK_STREAM}}},
	{"socket", CALL_PERMITTED, {{0, SYSCALL_INT, AF_INET6}, {1, SOCKET_TYPE, SOCK_DGRAM}}},
	{"socket", CALL_PERMITTED, {{0, SYSCALL_INT, AF_NETLINK}}},
	{"socket", CALL_NO_FAMILY, {{0, SYSCALL_INT, AF_UNIX}}},
	{"socket", CALL_NO_FAMILY, {{0, SYSCALL_INT, AF_PACKET}}},
	/* Landlock sees connections, but not those that are made by sending. */
	{"sendmsg", CALL_PERMITTED, {{2, MSG_FASTOPEN, 0}}},
	{"sendto", CALL_PERMITTED, {{3, MSG_FASTOPEN, 0}}},
	{"prctl", CALL_PERMITTED, {{0, SYSCALL_INT, PR_SET_NAME}}},
	{"ioctl", CALL_PERMITTED, {{1, SYSCALL_INT, FIONREAD}}},
	{"ioctl", CALL_PERMITTED, {{1, SYSCALL_INT, FIONBIO}}},
	{"prlimit64", CALL_PERMITTED, {{0, SYSCALL_INT, 0}, {2, UINT64_MAX, 0}}},
};

static const struct path_rule system_paths[] = {
	{"/dev/null", PATH_READ},
	{"/dev/urandom", PATH_READ},
	{"/etc/gai.conf", PATH_READ},
	{"/etc/host.conf", PATH_READ},
	{"/etc/hosts", PATH_READ},
	{"/etc/localtime", PATH_READ},
	{"/etc/nsswitch.conf", PATH_READ},
	{"/etc/resolv.conf", PATH_READ},
	{"/etc/ssl", PATH_READ},
	{"/etc/pki", PATH_READ},
	{"/run/systemd/resolve", PATH_READ},
	{"/usr/lib/ssl", PATH_READ},
	{"/usr/share/ca-certificates", PATH_READ},
	{"/usr/local/share/ca-certificates", PATH_READ},
};
#define SYSTEM_PATHS (sizeof(system_paths) / sizeof(system_paths[0]))

/* Of a file, where it is named and where it lies now: each is replaced by its neighbours. */
struct places {
	char texts[2 * CREDENTIALS][PATH_MAX];
	struct path_rule rules[SYSTEM_PATHS + 2 * CREDENTIALS];
	size_t count;
	size_t used;
};

static bool add_directory(struct places *places, const char *file, struct err *e)
{
	char *text = places->texts[places->used];
	char *slash;

	if (snprintf(text, PATH_MAX, "%s", file) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "%s: the path is too long", file);
	slash = strrchr(text, '/');
	if (!slash)
		(void)snprintf(text, PATH_MAX, ".");
	else
		slash[slash == text] = 0;
	places->used++;
	places->rules[places->count++] = (struct path_rule){text, PATH_READ};
	return true;
}

static bool confine_files(int abi, const struct kube_config *c, uint16_t port, struct err *e)
{
	const char *const files[CREDENTIALS] = {c->ca_file, c->certificate_file, c->key_file, c->token_file};
	const uint16_t ports[] = {port, NAME_SERVER_PORT};
	struct places *places = calloc(1, sizeof(*places));
	cleanup(memory) struct places *held = places;
	struct landlock_rules confined = {.connect_ports = ports, .connect_count = 2};
	char real[PATH_MAX];

	if (!held)
		return err_no_memory(e);
	for (size_t i = 0; i < SYSTEM_PATHS; i++)
		places->rules[places->count++] = system_paths[i];
	for (size_t i = 0; i < CREDENTIALS; i++)
		if (files[i] && (!add_directory(places, files[i], e) ||
				 (realpath(files[i], real) && !add_directory(places, real, e))))
			return false;
	confined.paths = places->rules;
	confined.path_count = places->count;
	return landlock_confine(abi, &confined, e);
}

/* A server whose name can't be found now may be found later. */
static void look_up(const struct transfer_url *url)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;

	if (url->host[0] != '[' && getaddrinfo(url->host, NULL, &hints, &found) == 0)
		freeaddrinfo(found);
}

bool agent_sandbox_enter(const struct sandbox_offer *offer, const struct kube_config *config, struct err *e)
{
	const char *const *const lists[] = {permitted, NULL};
	const struct syscall_filter filter = {
		.permitted = lists, .rules = rules, .rule_count = sizeof(rules) / sizeof(rules[0])};
	struct transfer_url url = {0};
	bool unwanted = false;

	if (!transfer_url_read(config->server, &url, &unwanted, e))
		return false;
	look_up(&url);
	sandbox_close_memory();
	return sandbox_enter_basics(e) &&
	       (!offer->landlock || confine_files(offer->landlock, config, (uint16_t)url.port, e)) &&
	       (!offer->syscalls || syscall_filter_load(&filter, e));
}
