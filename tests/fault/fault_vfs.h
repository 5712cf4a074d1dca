/* A SQLite VFS that breaks on command, over the one that the system has.
 *
 * Once registered it is the default, so that the store's own code opens its database through it. It counts what SQLite
 * asks of the disk, by point, and lets the calls fail that a plan names; syncs are counted and noted, never made. With
 * tests/fault/disk_model.h it knows what a power cut would leave. Any thread. */
#ifndef SEALGATE_TESTS_FAULT_FAULT_VFS_H
#define SEALGATE_TESTS_FAULT_FAULT_VFS_H

#include <stdbool.h>

enum fault_point {
	FAULT_OPEN,
	FAULT_READ,
	FAULT_WRITE,
	FAULT_TRUNCATE,
	FAULT_SYNC,
	FAULT_FILE_SIZE,
	FAULT_LOCK,
	FAULT_SHM_MAP,
	FAULT_SHM_LOCK,
	FAULT_DELETE,
	FAULT_ACCESS,
	FAULT_POINTS
};

/* What a write that fails has done before. */
enum fault_tear {
	TEAR_NOTHING,
	TEAR_HALF,   /* its first half stands */
	TEAR_GARBAGE /* its first half, and noise in place of the rest */
};

struct fault_plan {
	enum fault_point point;
	unsigned nth;	/* the first call that fails; 1 is the next one */
	unsigned count; /* how many fail in a row */
	int code;	/* what SQLite is told */
	enum fault_tear tear;
};

/* Makes it the default VFS, for the whole process; registering twice is harmless. */
void fault_vfs_register(void);
/* Counts from zero again. `plan` NULL: nothing fails. */
void fault_vfs_arm(const struct fault_plan *plan);
/* Whether a call has failed since. */
bool fault_vfs_fired(void);
/* Calls at a point since it was armed. */
unsigned fault_vfs_calls(enum fault_point point);
const char *fault_point_name(enum fault_point point);

#endif
