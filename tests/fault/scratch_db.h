/* Directories for databases that don't outlive a round, and whether a test runs in full (`make faults`) or in part. */
#ifndef SEALGATE_TESTS_FAULT_SCRATCH_DB_H
#define SEALGATE_TESTS_FAULT_SCRATCH_DB_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct scratch_db {
	char dir[256];
	char path[300];
	char url[320];
};

static inline bool soaking(void)
{
	return getenv("FAULTS") != NULL;
}

static inline bool scratch_db_make(struct scratch_db *db)
{
	const char *parent = getenv("TMPDIR");

	snprintf(db->dir, sizeof(db->dir), "%.200s/sealgate-fault-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(db->dir))
		return false;
	snprintf(db->path, sizeof(db->path), "%s/store.db", db->dir);
	snprintf(db->url, sizeof(db->url), "sqlite:%s", db->path);
	return true;
}

/* Removes every file in it. */
static inline void scratch_db_empty(const struct scratch_db *db)
{
	DIR *dir = opendir(db->dir);

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

static inline void scratch_db_remove(const struct scratch_db *db)
{
	scratch_db_empty(db);
	rmdir(db->dir);
}

#endif
