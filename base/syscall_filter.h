/* A filter of system calls (seccomp), described by tables. It holds for this thread and all that it starts, and can be
 * tightened later, never loosened.
 *
 * What no table names is answered ENOSYS, as by a kernel that does not know it: a C library that tries something new
 * falls back to the older call, where an EPERM would be taken for an answer. Only deaths come into the kernel's log:
 * libc tries clone3 for each thread, and gpg a socket for each signature. */
#ifndef SEALGATE_BASE_SYSCALL_FILTER_H
#define SEALGATE_BASE_SYSCALL_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum syscall_answer {
	CALL_PERMITTED,
	CALL_REFUSED,	/* EPERM */
	CALL_NO_FAMILY, /* EAFNOSUPPORT */
	CALL_FATAL,	/* the process is killed by SIGSYS */
};

/* Holds when argument & mask == value; always when mask is 0. Pointers and numbers of 64 bits need the whole mask. */
struct syscall_condition {
	unsigned argument;
	uint64_t mask;
	uint64_t value;
};
/* For arguments of 32 bits, whose upper half the kernel ignores and a caller may fill with anything. */
#define SYSCALL_INT 0xffffffffu
#define SYSCALL_CONDITIONS 2

/* Holds when both conditions do. */
struct syscall_rule {
	const char *name;
	enum syscall_answer answer;
	struct syscall_condition when[SYSCALL_CONDITIONS];
};

/* Calls that a processor or libc lacks are passed over, so that one table serves all. */
struct syscall_filter {
	const char *const *const *permitted; /* lists of names, each ended by NULL; ended by NULL */
	const struct syscall_rule *rules;    /* for calls that aren't in the lists */
	size_t rule_count;
};

/* Puts it in force, for good. Call before any thread exists: it starts short-lived processes of its own, in which
 * libseccomp makes the filter, twice, since it does not tell when it runs out of memory. no_new_privs must be set. */
bool syscall_filter_load(const struct syscall_filter *filter, struct err *e) MUST_USE;

/* What nothing here ever does, and an attacker would: tracing, kernel modules, mounts, namespaces, key rings... All of
 * them fatal, in every filter. */
extern const struct syscall_rule syscall_rules_fatal[];
extern const size_t syscall_rules_fatal_count;

#endif
