/* The contract of the store, kept by SQLite. */
#include "tests/contract/bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A file in a directory of its own, below $TMPDIR. */
static char *fresh(void)
{
	const char *parent = getenv("TMPDIR");
	char directory[256];
	char *url = malloc(512);

	snprintf(directory, sizeof(directory), "%s/sealgate-contract-XXXXXX", parent ? parent : "/tmp");
	if (!url || !mkdtemp(directory))
		abort();
	snprintf(url, 512, "sqlite:%s/store.db", directory);
	return url;
}

static void discard(char *url)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[600];

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", url + strlen("sqlite:"), suffixes[i]);
		unlink(path);
	}
	*strrchr(url, '/') = 0;
	rmdir(url + strlen("sqlite:"));
	free(url);
}

int main(void)
{
	const struct store_factory factory = {fresh, discard};

	return store_contract_run("store contract: sqlite", &factory);
}
