/* A private directory below $TMPDIR (/tmp without it) for one run of a verb. */
#ifndef SEALGATE_CLI_WORKSPACE_H
#define SEALGATE_CLI_WORKSPACE_H

#include "base/cleanup.h"
#include "base/err.h"

struct workspace {
	char path[256]; /* "" when there is none */
};

/* Makes it, 0700. */
bool workspace_make(struct workspace *workspace, struct err *e) MUST_USE;
/* Removes it with everything in it; does nothing when there is none. */
void workspace_remove(struct workspace *workspace);

CLEANUP_VALUE(workspace, struct workspace, workspace_remove)

#endif
