#include "attest/worker_sandbox.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/str.h"
#include "base/syscall_filter.h"

/* gpgme closes one by one all that could be open, since it can't look into /proc. */
#define OPEN_FILES 64
#define USUAL_PATH "/usr/local/bin:/usr/bin:/bin"
#define NEW_TIME_NAMESPACE 0x80u
#define NAMESPACES                                                                                                   \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 NEW_TIME_NAMESPACE)

static const char *const basic_calls[] = {
	/* memory */
	"brk", "madvise", "mlock", "mremap", "munlock", "munmap",
	/* the time, and waiting for it */
	"clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "restart_syscall", "time",
	"times",
	/* threads that libc prepares for, and the way out */
	"arch_prctl", "exit", "exit_group", "futex", "futex_time64", "rseq", "sched_getaffinity", "sched_yield",
	"set_robust_list", "set_tid_address",
	/* its own signals */
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "sigaltstack", "sigreturn",
	/* who and where it is, and what it may use */
	"getegid", "geteuid", "getgid", "getpgrp", "getpid", "getppid", "getrandom", "getrlimit", "getrusage", "gettid",
	"getuid", "sysinfo", "ugetrlimit", "uname", NULL};

static const char *const file_calls[] = {
	/* Landlock says which files. gpg links its locks and renames its keyrings. */
	"access", "chmod", "copy_file_range", "faccessat", "faccessat2", "fadvise64", "fchmod", "fchmodat", "fdatasync",
	"flock", "fstat", "fstat64", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents", "getdents64", "link",
	"linkat", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "readlink", "readlinkat", "rename",
	"renameat", "renameat2", "rmdir", "stat", "stat64", "statfs", "statx", "umask", "unlink", "unlinkat",
	"utimensat",
	/* what is open: files, and the pipes between gpgme and gpg */
	"close", "close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64", "lseek", "pipe", "pipe2", "pread64",
	"preadv", "pwrite64", "pwritev", "read", "readv", "write", "writev", NULL};

static const char *const child_calls[] = {
	/* gpgme starts gpg and waits for it; which program that is, Landlock says */
	"execve", "fork", "poll", "ppoll", "pselect6", "select", "vfork", "wait4", "waitid",
	/* the time that a request may take, and the socket to the server that is there from the start */
	"alarm", "recvfrom", "sendto", "setitimer", NULL};

static const char *const supervisor_calls[] = {
	/* starts, ends and reaps children */
	"kill", "setpgid", "signalfd4",
	/* hands their sockets to the server */
	"sendmsg", "socketpair",
	/* and each child gives up more */
	"landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "seccomp", NULL};

static const char *const *const calls[][5] = {
	[WORKER_SUPERVISOR] = {basic_calls, file_calls, child_calls, supervisor_calls, NULL},
	[WORKER_CHILD] = {basic_calls, file_calls, child_calls, NULL},
};

static const struct syscall_rule rules[] = {
	/* No memory that is both written and run; the loader needs neither. */
	{"mmap", CALL_PERMITTED, {{2, PROT_EXEC, 0}}},
	{"mmap", CALL_PERMITTED, {{2, PROT_EXEC | PROT_WRITE, PROT_EXEC}}},
	{"mmap", CALL_REFUSED, {{2, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE}}},
	{"mprotect", CALL_PERMITTED, {{2, PROT_EXEC, 0}}},
	{"mprotect", CALL_REFUSED, {{2, PROT_EXEC, PROT_EXEC}}},
	{"clone", CALL_PERMITTED, {{0, NAMESPACES, 0}}},
	/* gpg asks for an agent, and goes on without. */
	{.name = "socket", .answer = CALL_NO_FAMILY},
	{.name = "connect", .answer = CALL_REFUSED},
	/* A process names itself, goes with its parent, and gives rights up. */
	{"prctl", CALL_PERMITTED, {{0, SYSCALL_INT, PR_SET_NAME}}},
	{"prctl", CALL_PERMITTED, {{0, SYSCALL_INT, PR_SET_PDEATHSIG}}},
	{"prctl", CALL_PERMITTED, {{0, SYSCALL_INT, PR_SET_NO_NEW_PRIVS}}},
	{"prctl", CALL_PERMITTED, {{0, SYSCALL_INT, PR_GET_NO_NEW_PRIVS}}},
	/* "Is it a terminal?", "what can be read?" */
	{"ioctl", CALL_PERMITTED, {{1, SYSCALL_INT, TCGETS}}},
	{"ioctl", CALL_PERMITTED, {{1, SYSCALL_INT, FIONREAD}}},
	/* Limits are read; gpg's processor time is set. */
	{"prlimit64", CALL_PERMITTED, {{2, UINT64_MAX, 0}}},
	{"prlimit64", CALL_PERMITTED, {{0, SYSCALL_INT, 0}, {1, SYSCALL_INT, RLIMIT_CPU}}},
	{"setrlimit", CALL_PERMITTED, {{0, SYSCALL_INT, RLIMIT_CPU}}},
};

static const struct path_rule system_paths[] = {
	{"/dev/null", PATH_WRITE},
	{"/dev/urandom", PATH_READ},
	{"/etc/gcrypt", PATH_READ},
	{"/etc/gnupg", PATH_READ},
	{"/etc/ld.so.cache", PATH_READ},
	{"/etc/ld.so.preload", PATH_READ},
	{"/etc/locale.alias", PATH_READ},
	{"/etc/localtime", PATH_READ},
	{"/lib", PATH_READ},
	{"/lib64", PATH_READ},
	{"/proc/sys/crypto/fips_enabled", PATH_READ},
	{"/usr/lib", PATH_READ},
	{"/usr/lib64", PATH_READ},
	{"/usr/local/lib", PATH_READ},
	{"/usr/share/gnupg", PATH_READ},
	{"/usr/share/locale", PATH_READ},
	{"/usr/share/zoneinfo", PATH_READ},
};
#define SYSTEM_PATHS (sizeof(system_paths) / sizeof(system_paths[0]))

/* The program that gpgme and posix_spawnp will find. */
static bool find_program(const char *name, char *out, size_t size)
{
	const char *path = getenv("PATH");
	struct str rest = str_of(path ? path : USUAL_PATH);

	while (rest.len > 0) {
		size_t length = 0;

		while (length < rest.len && rest.ptr[length] != ':')
			length++;
		if (snprintf(out, size, "%.*s/%s", (int)length, rest.ptr, name) < (int)size && access(out, X_OK) == 0)
			return true;
		rest = str_skip(rest, length < rest.len ? length + 1 : length);
	}
	return false;
}

bool worker_sandbox_can_run_gpg(const struct sandbox_offer *offer, struct err *e)
{
	char path[PATH_MAX], head[2];
	cleanup(fd) int file = -1;

	if (!offer->landlock || !find_program("gpg", path, sizeof(path)))
		return true;
	file = open(path, O_RDONLY | O_CLOEXEC);
	return file < 0 || read(file, head, sizeof(head)) != sizeof(head) || memcmp(head, "#!", sizeof(head)) != 0 ||
	       err_set(e, ERR_UNSUPPORTED,
		       "%s is a script, which the confined verify worker can't run: put gpg itself first in $PATH",
		       path);
}

/* Our own loader, which gpg's is too. */
static int note_loader(struct dl_phdr_info *program, size_t size, void *path)
{
	(void)size;
	for (size_t i = 0; i < program->dlpi_phnum; i++)
		if (program->dlpi_phdr[i].p_type == PT_INTERP)
			(void)snprintf(path, PATH_MAX, "%s",
				       (const char *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr));
	return 1;
}

static bool confine_files(int abi, enum worker_role role, const char *directory, struct err *e)
{
	char gpg[PATH_MAX] = "", loader[PATH_MAX] = "", parent[PATH_MAX] = "";
	const char *slash = strrchr(directory, '/');
	struct path_rule paths[SYSTEM_PATHS + 4];
	/* The last one is for the supervisor, which removes its own directory at the end. */
	struct landlock_rules confined = {.paths = paths,
					  .path_count = SYSTEM_PATHS + (role == WORKER_SUPERVISOR ? 4 : 3)};

	if (!find_program("gpg", gpg, sizeof(gpg)))
		gpg[0] = 0;
	dl_iterate_phdr(note_loader, loader);
	(void)snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - directory) : 0, directory);
	memcpy(paths, system_paths, sizeof(system_paths));
	paths[SYSTEM_PATHS] = (struct path_rule){directory, PATH_WRITE};
	paths[SYSTEM_PATHS + 1] = (struct path_rule){gpg, PATH_RUN};
	paths[SYSTEM_PATHS + 2] = (struct path_rule){loader, PATH_RUN};
	paths[SYSTEM_PATHS + 3] = (struct path_rule){parent, PATH_PRUNE};
	return landlock_confine(abi, &confined, e);
}

static bool filter_calls(enum worker_role role, struct err *e)
{
	const struct syscall_filter filter = {
		.permitted = calls[role], .rules = rules, .rule_count = sizeof(rules) / sizeof(rules[0])};

	return syscall_filter_load(&filter, e);
}

bool worker_sandbox_enter(const struct sandbox_offer *offer, enum worker_role role, const char *directory,
			  struct err *e)
{
	const struct rlimit files = {OPEN_FILES, OPEN_FILES};

	/* A child has the supervisor's limits, and can't change them any more. */
	if (role == WORKER_SUPERVISOR && setrlimit(RLIMIT_NOFILE, &files) != 0)
		return err_errno(e, "open files");
	return (role == WORKER_CHILD || sandbox_enter_basics(e)) &&
	       (!offer->landlock || confine_files(offer->landlock, role, directory, e)) &&
	       (!offer->syscalls || filter_calls(role, e));
}
