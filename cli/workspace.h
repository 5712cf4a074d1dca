/* A private directory below $TMPDIR (/tmp without it) for one run of a verb. It may hold secret keys, so it disappears
 * also when the verb is killed: a process of its own waits for that. */
#ifndef SEALGATE_CLI_WORKSPACE_H
#define SEALGATE_CLI_WORKSPACE_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"

struct workspace {
	char path[256]; /* "" when there is none */
	int alive;	/* closed when this process ends, however it ends */
	pid_t guard;
};

/* Makes it, 0700. Call before any thread exists. */
bool workspace_make(struct workspace *workspace, struct err *e) MUST_USE;
/* Removes it with everything in it; does nothing when there is none. */
void workspace_remove(struct workspace *workspace);

CLEANUP_VALUE(workspace, struct workspace, workspace_remove)

#endif
