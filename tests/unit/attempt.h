/* What a process may do, tried in a child: its exit status is what came of it. For the tests of sandboxes. */
#ifndef SEALGATE_TESTS_UNIT_ATTEMPT_H
#define SEALGATE_TESTS_UNIT_ATTEMPT_H

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0: done; else the errno of what was refused. */
typedef int attempt(void);

/* That status, or DIED and the signal that ended the child. */
enum { DIED = 1000 };

static inline int outcome(pid_t child)
{
	int status = 0;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? DIED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* In a child that is not confined. */
static inline int try_free(attempt *one)
{
	pid_t child = fork();

	if (child == 0)
		_exit(one());
	return outcome(child);
}

static inline int open_for(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC, 0600) >= 0 ? 0 : errno;
}

static inline int read_passwd(void)
{
	return open_for("/etc/passwd", O_RDONLY);
}

#endif
