#include "base/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/landlock.h"

/* The one place that says which builds go without: their run time writes reports and counts, opens /proc, starts
 * programs and makes calls that differ from version to version. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEALGATE_INSTRUMENTED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SEALGATE_COVERAGE)
#define SEALGATE_INSTRUMENTED
#endif

#ifdef SEALGATE_INSTRUMENTED
static const char *const instrumented = "built for a sanitizer or for coverage, whose own calls and files can't be "
					"listed";
#else
static const char *const instrumented = NULL;
#endif

static bool has_filters(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

void sandbox_offer_ask(struct sandbox_offer *out)
{
	*out = (struct sandbox_offer){.no_landlock = instrumented, .no_syscalls = instrumented};
	if (instrumented)
		return;
	out->landlock = landlock_abi();
	if (out->landlock == 0)
		out->no_landlock = errno == EOPNOTSUPP ? "this kernel has Landlock but it is not switched on (lsm=)"
						       : "this kernel has no Landlock (Linux 5.13 and later), or "
							 "something around this process forbids it";
	out->syscalls = has_filters();
	if (!out->syscalls)
		out->no_syscalls = "this kernel has no seccomp filters (Linux 4.14 and later), or something around "
				   "this process forbids them";
}

bool sandbox_enter_basics(struct err *e)
{
	const struct rlimit no_core = {0, 0};

	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		return err_errno(e, "core dumps");
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 || err_errno(e, "no_new_privs");
}

void sandbox_close_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}
