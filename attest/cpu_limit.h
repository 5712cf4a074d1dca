/* A limit on the processor time of programs that are started while it is in force. A signature of a few hundred bytes
 * can unfold to data without end, and what takes too long for every deadline never gets a verdict.
 *
 * The process that sets it lives on, however much time it has used itself. For one thread alone. */
#ifndef SEALGATE_ATTEST_CPU_LIMIT_H
#define SEALGATE_ATTEST_CPU_LIMIT_H

#include <signal.h>
#include <sys/resource.h>

struct cpu_limit {
	struct rlimit time;
	struct sigaction action;
};

/* Every program started from now on ends by SIGXCPU after `seconds`. Keeps in *before what cpu_limit_lift restores. */
void cpu_limit_set(unsigned seconds, struct cpu_limit *before);
void cpu_limit_lift(const struct cpu_limit *before);

#endif
