#include "cli/workspace.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPEN_DIRECTORIES = 16 };

bool workspace_make(struct workspace *workspace, struct err *e)
{
	const char *parent = getenv("TMPDIR");
	struct workspace made;

	if (!parent || !*parent)
		parent = "/tmp";
	if (snprintf(made.path, sizeof(made.path), "%s/sealgate.XXXXXX", parent) >= (int)sizeof(made.path))
		return err_set(e, ERR_INVALID, "TMPDIR is too long");
	if (!mkdtemp(made.path))
		return err_errno(e, "a directory below %s", parent);
	*workspace = made;
	return true;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void workspace_remove(struct workspace *workspace)
{
	if (workspace->path[0])
		(void)nftw(workspace->path, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS);
	workspace->path[0] = 0;
}
