/* What /proc says of processes and descriptors. */
#ifndef SEALGATE_TESTS_FAULT_PROCESSES_H
#define SEALGATE_TESTS_FAULT_PROCESSES_H

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Children of `parent`, zombies included: at most `max`. Returns how many. */
static inline size_t children_of(pid_t parent, pid_t *out, size_t max)
{
	DIR *proc = opendir("/proc");
	size_t count = 0;

	for (struct dirent *entry; proc && (entry = readdir(proc)) != NULL;) {
		char path[300], line[512] = "";
		FILE *file;
		char *after;
		int owner = 0;

		(void)snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file) && (after = strrchr(line, ')')) &&
		    sscanf(after + 2, "%*c %d", &owner) == 1 && owner == parent && count < max)
			out[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return count;
}

/* The same once there are `wanted`, at most ten seconds later: who has just ended, or makes a filter of system calls
 * for itself, is counted too. */
static inline size_t children_settled(pid_t parent, pid_t *out, size_t max, size_t wanted)
{
	size_t count = children_of(parent, out, max);

	for (int tries = 0; tries < 500 && count != wanted; tries++) {
		poll(NULL, 0, 20);
		count = children_of(parent, out, max);
	}
	return count;
}

static inline size_t open_descriptors(void)
{
	DIR *fds = opendir("/proc/self/fd");
	size_t count = 0;

	while (fds && readdir(fds))
		count++;
	if (fds)
		closedir(fds);
	return count;
}

#endif
