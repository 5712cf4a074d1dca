#include "tests/bench/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

double child_measure(double (*work)(void *context), void *context)
{
	double value = 0;
	int ends[2];
	pid_t child;
	bool got;

	if (pipe(ends) != 0)
		bench_give_up("no pipe");
	fflush(NULL);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		value = work(context);
		_exit(write(ends[1], &value, sizeof(value)) != sizeof(value));
	}
	close(ends[1]);
	got = child > 0 && read(ends[0], &value, sizeof(value)) == sizeof(value);
	close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	if (!got)
		bench_give_up("a measurement in a process of its own went wrong");
	return value;
}
