#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/syscall_filter.h"
#include "server/sandbox_places.h"

#define SOCKET_TYPE 0xfu

const char *const sandbox_measure_names[] = {"privileges", "system_calls", "files", "ports", "signals"};

/* Seen in use, under strace, by every path that the tests take; and what older and newer libcs use in place of it. */
static const char *const permitted[] = {
	/* memory */
	"brk", "madvise", "mremap", "munmap",
	/* the time, and waiting for it */
	"clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "restart_syscall", "time",
	/* threads and their locks */
	"exit", "exit_group", "futex", "futex_time64", "membarrier", "rseq", "sched_getaffinity", "sched_yield",
	"set_robust_list",
	/* its own signals; SIGTERM and the like are waited for */
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigtimedwait_time64",
	"sigaltstack", "sigreturn",
	/* who it is, and what it may use */
	"getegid", "geteuid", "getgid", "getpid", "getppid", "getrandom", "getrlimit", "getrusage", "gettid", "getuid",
	"sysinfo", "ugetrlimit", "uname",
	/* files: Landlock says which; SQLite needs most of these */
	"access", "faccessat", "faccessat2", "fallocate", "fchmod", "fchown", "fdatasync", "flock", "fstat", "fstat64",
	"fstatfs", "fsync", "ftruncate", "getcwd", "getdents", "getdents64", "link", "linkat", "lstat", "mkdir",
	"mkdirat", "msync", "newfstatat", "open", "openat", "readlink", "readlinkat", "rename", "renameat", "renameat2",
	"rmdir", "stat", "stat64", "statfs", "statx", "umask", "unlink", "unlinkat",
	/* what is open */
	"close", "dup", "dup2", "dup3", "fcntl", "fcntl64", "lseek", "pread64", "preadv", "pwrite64", "pwritev", "read",
	"readv", "write", "writev",
	/* connections that come in, and the worker's sockets */
	"accept", "accept4", "bind", "eventfd2", "getpeername", "getsockname", "getsockopt", "listen", "pipe2", "poll",
	"ppoll", "pselect6", "recvfrom", "recvmsg", "select", "setsockopt", "shutdown",
	/* the end of the verify worker */
	"wait4", "waitid", NULL};

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
	/* Connections come in, none goes out: no datagrams, and no data in a connection's first packet either. */
	{"socket", CALL_PERMITTED, {{0, SYSCALL_INT, AF_INET}, {1, SOCKET_TYPE, SOCK_STREAM}}},
	{"socket", CALL_PERMITTED, {{0, SYSCALL_INT, AF_INET6}, {1, SOCKET_TYPE, SOCK_STREAM}}},
	{"socket", CALL_NO_FAMILY, {{0, SYSCALL_INT, AF_UNIX}}},
	{"socket", CALL_NO_FAMILY, {{0, SYSCALL_INT, AF_NETLINK}}},
	{"socket", CALL_NO_FAMILY, {{0, SYSCALL_INT, AF_PACKET}}},
	{.name = "connect", .answer = CALL_REFUSED},
	{"sendmsg", CALL_PERMITTED, {{2, MSG_FASTOPEN, 0}}},
	{"sendto", CALL_PERMITTED, {{3, MSG_FASTOPEN, 0}}},
	/* Threads are named, and those of the API step back; what is open is asked and told a little. */
	{"prctl", CALL_PERMITTED, {{0, SYSCALL_INT, PR_SET_NAME}}},
	{"prctl", CALL_PERMITTED, {{0, SYSCALL_INT, PR_GET_NO_NEW_PRIVS}}},
	{"prctl", CALL_PERMITTED, {{0, SYSCALL_INT, PR_GET_DUMPABLE}}},
	{"getpriority", CALL_PERMITTED, {{0, SYSCALL_INT, PRIO_PROCESS}, {1, SYSCALL_INT, 0}}},
	{"setpriority", CALL_PERMITTED, {{0, SYSCALL_INT, PRIO_PROCESS}, {1, SYSCALL_INT, 0}}},
	{"ioctl", CALL_PERMITTED, {{1, SYSCALL_INT, FIONREAD}}},
	{"ioctl", CALL_PERMITTED, {{1, SYSCALL_INT, FIONBIO}}},
	{"ioctl", CALL_PERMITTED, {{1, SYSCALL_INT, TCGETS}}},
	/* Limits are read, of this process alone. */
	{"prlimit64", CALL_PERMITTED, {{0, SYSCALL_INT, 0}, {2, UINT64_MAX, 0}}},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

/* Asked of the kernel itself: what only seems to be in force would not be missed until it is needed. */
static bool is_closed(const struct sandbox_places *places)
{
	cleanup(fd) int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = places->system; i < places->count; i++)
		if (strcmp(places->rules[i].path, "/") == 0)
			return true;
	return root < 0;
}

static bool not_in_force(const char *measure, struct err *e)
{
	return err_set(e, ERR_INTERNAL, "%s: the kernel has accepted it, but it is not in force", measure);
}

static bool confine_files(int abi, const struct config *config, struct err *e)
{
	cleanup(sandbox_places) struct sandbox_places places = {0};
	struct landlock_rules confined = {.paths = places.rules, .ports = places.ports, .port_count = SANDBOX_PORTS};

	if (!sandbox_places_find(config, &places, e))
		return false;
	confined.path_count = places.count;
	return landlock_confine(abi, &confined, e) && (is_closed(&places) || not_in_force("Landlock", e));
}

static bool filter_calls(struct err *e)
{
	const char *const *const lists[] = {permitted, NULL};
	struct syscall_rule all[RULES + 1];
	const struct syscall_filter filter = {.permitted = lists, .rules = all, .rule_count = RULES + 1};

	for (size_t i = 0; i < RULES; i++)
		all[i] = rules[i];
	/* abort() signals its own process. */
	all[RULES] = (struct syscall_rule){"tgkill", CALL_PERMITTED, {{0, SYSCALL_INT, (uint64_t)getpid()}, {0, 0, 0}}};
	if (!syscall_filter_load(&filter, e))
		return false;
	return (syscall(SYS_getsid, 0) < 0 && errno == ENOSYS) || not_in_force("filter of system calls", e);
}

bool sandbox_enter(const struct sandbox_offer *offer, const struct config *config, struct err *e)
{
	sandbox_close_memory();
	if (sandbox_enter_basics(e) && (!offer->landlock || confine_files(offer->landlock, config, e)) &&
	    (!offer->syscalls || filter_calls(e)))
		return true;
	return err_context(e, "the sandbox can't be set up");
}

const char *sandbox_lacks(const struct sandbox_offer *offer, enum sandbox_measure measure)
{
	static const struct {
		int abi;
		const char *older;
	} needs[SANDBOX_MEASURES] = {
		[SANDBOX_FILES] = {LANDLOCK_ABI_FILES, NULL},
		[SANDBOX_PORTS] = {LANDLOCK_ABI_PORTS, "this kernel's Landlock knows no ports (Linux 6.7 and later)"},
		[SANDBOX_SIGNALS] = {LANDLOCK_ABI_SIGNALS,
				     "this kernel's Landlock knows no signals (Linux 6.12 and later)"},
	};

	if (measure == SANDBOX_CALLS)
		return offer->no_syscalls;
	if (needs[measure].abi && !offer->landlock)
		return offer->no_landlock;
	return needs[measure].abi > offer->landlock ? needs[measure].older : NULL;
}
