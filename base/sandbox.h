/* What this kernel offers to a process that wants to give up rights: Landlock (base/landlock.h) and filters of system
 * calls (base/syscall_filter.h); and what every such process gives up first, which every kernel can. */
#ifndef SEALGATE_BASE_SANDBOX_H
#define SEALGATE_BASE_SANDBOX_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"

struct sandbox_offer {
	int landlock; /* its ABI; 0: none */
	bool syscalls;
	const char *no_landlock; /* why there is none; NULL when there is */
	const char *no_syscalls;
};

/* Asks the kernel. Nothing is offered in a build for a sanitizer or for coverage: the system calls and files of their
 * run time can't be listed. */
void sandbox_offer_ask(struct sandbox_offer *out);

/* For this process and all that it starts: no program gains rights by being set-uid, and no core is dumped. */
bool sandbox_enter_basics(struct err *e) MUST_USE;
/* No other process of its user may look into this one's memory, until it runs another program. Does nothing in a
 * build whose leak check does just that. */
void sandbox_close_memory(void);

#endif
