#include "base/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELPER_SECONDS 5

/* As many instructions as the kernel takes. */
struct program {
	struct sock_filter instructions[BPF_MAXINSNS];
	size_t size; /* bytes */
};

static const char not_made[] = "filter of system calls: libseccomp did not make it, for want of memory it seems";

CLEANUP_POINTER(filter, void, seccomp_release)

static const uint32_t actions[] = {
	[CALL_PERMITTED] = SCMP_ACT_ALLOW,
	[CALL_REFUSED] = SCMP_ACT_ERRNO(EPERM),
	[CALL_NO_FAMILY] = SCMP_ACT_ERRNO(EAFNOSUPPORT),
	[CALL_FATAL] = SCMP_ACT_KILL_PROCESS,
};

#define FATAL(call)                                  \
	{                                            \
		.name = (call), .answer = CALL_FATAL \
	}
const struct syscall_rule syscall_rules_fatal[] = {
	FATAL("ptrace"),
	FATAL("process_vm_readv"),
	FATAL("process_vm_writev"),
	FATAL("pidfd_getfd"),
	FATAL("bpf"),
	FATAL("perf_event_open"),
	FATAL("userfaultfd"),
	FATAL("kexec_load"),
	FATAL("kexec_file_load"),
	FATAL("init_module"),
	FATAL("finit_module"),
	FATAL("delete_module"),
	FATAL("mount"),
	FATAL("umount2"),
	FATAL("move_mount"),
	FATAL("open_tree"),
	FATAL("fsopen"),
	FATAL("fsmount"),
	FATAL("mount_setattr"),
	FATAL("pivot_root"),
	FATAL("chroot"),
	FATAL("setns"),
	FATAL("unshare"),
	FATAL("keyctl"),
	FATAL("add_key"),
	FATAL("request_key"),
	FATAL("open_by_handle_at"),
	FATAL("iopl"),
	FATAL("ioperm"),
	FATAL("modify_ldt"),
	FATAL("swapon"),
	FATAL("reboot"),
};
const size_t syscall_rules_fatal_count = sizeof(syscall_rules_fatal) / sizeof(syscall_rules_fatal[0]);

static bool failed(int code, const char *what, struct err *e)
{
	errno = -code;
	return err_errno(e, "filter of system calls: %s", what);
}

static bool set_up(scmp_filter_ctx filter, struct err *e)
{
	static const struct {
		enum scmp_filter_attr name;
		uint32_t value;
		bool needed;
	} settings[] = {
		{SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS, true},
		/* A tree instead of a list. */
		{SCMP_FLTATR_CTL_OPTIMIZE, 2, false},
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int code = seccomp_attr_set(filter, settings[i].name, settings[i].value);

		if (code != 0 && settings[i].needed)
			return failed(code, "settings", e);
	}
	return true;
}

static bool add_rule(scmp_filter_ctx filter, const struct syscall_rule *rule, struct err *e)
{
	struct scmp_arg_cmp conditions[SYSCALL_CONDITIONS];
	int number = seccomp_syscall_resolve_name(rule->name);
	unsigned count = 0;
	int code;

	/* Negative: of other processors. */
	if (number < 0)
		return true;
	for (size_t i = 0; i < SYSCALL_CONDITIONS; i++)
		if (rule->when[i].mask != 0)
			conditions[count++] = (struct scmp_arg_cmp){rule->when[i].argument, SCMP_CMP_MASKED_EQ,
								    rule->when[i].mask, rule->when[i].value};
	code = seccomp_rule_add_array(filter, actions[rule->answer], number, count, conditions);
	return code == 0 || failed(code, rule->name, e);
}

static bool add_rules(scmp_filter_ctx filter, const struct syscall_rule *rules, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (!add_rule(filter, &rules[i], e))
			return false;
	return true;
}

static bool permit(scmp_filter_ctx filter, const char *const *names, struct err *e)
{
	for (; *names; names++)
		if (!add_rule(filter, &(struct syscall_rule){.name = *names, .answer = CALL_PERMITTED}, e))
			return false;
	return true;
}

static bool build(const struct syscall_filter *wanted, int out, struct err *e)
{
	cleanup(filter) void *filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int code;

	if (!filter)
		return err_no_memory(e);
	if (!set_up(filter, e))
		return false;
	for (const char *const *const *list = wanted->permitted; *list; list++)
		if (!permit(filter, *list, e))
			return false;
	if (!add_rules(filter, syscall_rules_fatal, syscall_rules_fatal_count, e) ||
	    !add_rules(filter, wanted->rules, wanted->rule_count, e))
		return false;
	code = seccomp_export_bpf(filter, out);
	return code == 0 || failed(code, "cannot be made", e);
}

static _Noreturn void help(const struct syscall_filter *wanted, int out)
{
	sigset_t none;

	sigemptyset(&none);
	(void)signal(SIGALRM, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(HELPER_SECONDS);
	_exit(build(wanted, out, NULL) ? 0 : 1);
}

/* The whole of what comes, and how the helper ended. */
static bool collect(pid_t helper, int in, struct program *out)
{
	int status = -1;
	ssize_t n;

	out->size = 0;
	do {
		n = read(in, (char *)out->instructions + out->size, sizeof(out->instructions) - out->size);
		out->size += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	while (waitpid(helper, &status, 0) < 0 && errno == EINTR)
		continue;
	return n == 0 && status == 0 && out->size > 0 && out->size < sizeof(out->instructions) &&
	       out->size % sizeof(out->instructions[0]) == 0;
}

/* In a process of its own: without memory libseccomp hangs, crashes, or makes a part of a filter and says nothing. */
static bool make(const struct syscall_filter *wanted, struct program *out, struct err *e)
{
	int ends[2];
	pid_t helper;
	bool made;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(e, "filter of system calls");
	helper = fork();
	if (helper == 0)
		help(wanted, ends[1]);
	close(ends[1]);
	made = helper > 0 ? collect(helper, ends[0], out) || err_set(e, ERR_INTERNAL, "%s", not_made)
			  : err_errno(e, "filter of system calls: fork");
	close(ends[0]);
	return made;
}

/* Kernels before 4.17 know no flags; kernels before 5.16 slow a filtered process down without this one, lest code of
 * others in it guess at its memory: none is there. */
static bool load(const struct program *program, struct err *e)
{
	struct sock_fprog code = {.len = (unsigned short)(program->size / sizeof(program->instructions[0])),
				  .filter = (struct sock_filter *)(uintptr_t)program->instructions};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &code) == 0 ||
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &code) == 0 ||
	       err_errno(e, "filter of system calls: cannot be loaded");
}

bool syscall_filter_load(const struct syscall_filter *wanted, struct err *e)
{
	struct program program, again;

	if (!make(wanted, &program, e) || !make(wanted, &again, e))
		return false;
	if (program.size != again.size || memcmp(program.instructions, again.instructions, program.size) != 0)
		return err_set(e, ERR_INTERNAL, "%s", not_made);
	return load(&program, e);
}
