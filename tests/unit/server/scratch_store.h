/* A store in a directory of its own. */
#ifndef SEALGATE_TESTS_UNIT_SERVER_SCRATCH_STORE_H
#define SEALGATE_TESTS_UNIT_SERVER_SCRATCH_STORE_H

#include <unistd.h>

#include "store/store.h"

struct scratch_store {
	char directory[256];
	char path[300];
	struct store *store;
};

static inline bool scratch_store_open(struct scratch_store *s)
{
	const char *parent = getenv("TMPDIR");
	char url[320];

	snprintf(s->directory, sizeof(s->directory), "%s/sealgate-store-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(s->directory))
		return false;
	snprintf(s->path, sizeof(s->path), "%s/store.db", s->directory);
	snprintf(url, sizeof(url), "sqlite:%s", s->path);
	s->store = store_open(url, STORE_READ_WRITE, NULL);
	return s->store;
}

static inline void scratch_store_remove(struct scratch_store *s)
{
	store_close(s->store);
	unlink(s->path);
	rmdir(s->directory);
}

#endif
