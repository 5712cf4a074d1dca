/* A worker pool in a directory of its own, for each test of those that include this. */
#ifndef SEALGATE_TESTS_UNIT_ATTEST_WORKER_BED_H
#define SEALGATE_TESTS_UNIT_ATTEST_WORKER_BED_H

#include <dirent.h>

#include "attest/openpgp_home.h"
#include "attest/worker.h"
#include "base/clock.h"

struct bed {
	char run[64];
	struct worker_pool *pool;
};

static inline int64_t soon(void)
{
	return clock_monotonic_ms() + 60000;
}

static inline int worker_bed_begin(void **state, unsigned slots)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct err e = ERR_INIT;

	if (!bed)
		return -1;
	snprintf(bed->run, sizeof(bed->run), "/tmp/sealgate-worker-XXXXXX");
	assert_non_null(mkdtemp(bed->run));
	bed->pool = worker_pool_start(slots, bed->run, &e);
	if (!bed->pool || !worker_pool_ready(bed->pool, &e))
		fail_msg("%s", e.text);
	*state = bed;
	return 0;
}

static inline size_t entries_in(const char *path)
{
	DIR *entries = opendir(path);
	size_t count = 0;

	for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;)
		count += entry->d_name[0] != '.';
	if (entries)
		closedir(entries);
	return count;
}

/* Fails when the pool leaves a home behind. */
static inline int worker_bed_end(void **state)
{
	struct bed *bed = *state;
	size_t left;

	worker_pool_stop(bed->pool);
	left = entries_in(bed->run);
	directory_remove(bed->run);
	free(bed);
	return left == 0 ? 0 : 1;
}

#endif
