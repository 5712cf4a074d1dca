#include "attest/cpu_limit.h"

#include <stddef.h>

/* A handler, unlike a signal that is ignored or blocked, is gone in the program that is started. */
static void live_on(int number)
{
	(void)number;
}

void cpu_limit_set(unsigned seconds, struct cpu_limit *before)
{
	struct sigaction action = {.sa_handler = live_on, .sa_flags = SA_RESTART};
	struct rlimit time;

	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGXCPU, &action, &before->action);
	(void)getrlimit(RLIMIT_CPU, &before->time);
	time = before->time;
	if (time.rlim_cur == RLIM_INFINITY || time.rlim_cur > seconds)
		time.rlim_cur = seconds;
	(void)setrlimit(RLIMIT_CPU, &time);
}

void cpu_limit_lift(const struct cpu_limit *before)
{
	(void)setrlimit(RLIMIT_CPU, &before->time);
	(void)sigaction(SIGXCPU, &before->action, NULL);
}
