#include "cli/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPEN_DIRECTORIES = 16 };

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	(void)remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	(void)nftw(path, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}

/* Ctrl-C reaches the whole foreground group, so the guard leaves it. */
static _Noreturn void stand_guard(const char *path, int alive)
{
	char byte;

	(void)setsid();
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	while (read(alive, &byte, 1) < 0 && errno == EINTR)
		continue;
	remove_tree(path);
	_exit(0);
}

static bool start_guard(struct workspace *workspace, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return err_errno(e, "a pipe");
	workspace->guard = fork();
	if (workspace->guard == 0) {
		close(ends[1]);
		stand_guard(workspace->path, ends[0]);
	}
	close(ends[0]);
	workspace->alive = ends[1];
	if (workspace->guard > 0)
		return true;
	close(ends[1]);
	return err_errno(e, "a process");
}

bool workspace_make(struct workspace *workspace, struct err *e)
{
	const char *parent = getenv("TMPDIR");
	struct workspace made = {.alive = -1};

	if (!parent || !*parent)
		parent = "/tmp";
	if (snprintf(made.path, sizeof(made.path), "%s/sealgate.XXXXXX", parent) >= (int)sizeof(made.path))
		return err_set(e, ERR_INVALID, "TMPDIR is too long");
	if (!mkdtemp(made.path))
		return err_errno(e, "a directory below %s", parent);
	if (!start_guard(&made, e)) {
		(void)rmdir(made.path);
		return false;
	}
	*workspace = made;
	return true;
}

void workspace_remove(struct workspace *workspace)
{
	if (!workspace->path[0])
		return;
	remove_tree(workspace->path);
	close(workspace->alive);
	while (waitpid(workspace->guard, NULL, 0) < 0 && errno == EINTR)
		continue;
	workspace->path[0] = 0;
}
