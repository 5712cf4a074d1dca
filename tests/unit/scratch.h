/* A directory of a test's own below /tmp, and its removal with all that is in it. */
#ifndef SEALGATE_TESTS_UNIT_SCRATCH_H
#define SEALGATE_TESTS_UNIT_SCRATCH_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SCRATCH_SIZE 64

static inline bool scratch_make(char dir[SCRATCH_SIZE])
{
	(void)snprintf(dir, SCRATCH_SIZE, "/tmp/sealgate-test-XXXXXX");
	return mkdtemp(dir) != NULL;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* True also when it is gone already. */
static inline bool scratch_remove(const char *dir)
{
	struct stat st;

	return lstat(dir, &st) != 0 || nftw(dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

#endif
