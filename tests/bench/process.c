#include "tests/bench/process.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double process_cpu_seconds(pid_t pid)
{
	clockid_t clock;
	struct timespec used;

	if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		return 0;
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* A line "NAME:  N kB" of /proc/PID/status. */
static double status_mb(pid_t pid, const char *name)
{
	char path[64], line[256];
	unsigned long kilobytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			(void)sscanf(line + strlen(name), ": %lu", &kilobytes);
	fclose(file);
	return (double)kilobytes / 1024.0;
}

double process_resident_mb(pid_t pid)
{
	return status_mb(pid, "VmRSS");
}

double process_peak_mb(pid_t pid)
{
	return status_mb(pid, "VmHWM");
}

void process_forget_peak(pid_t pid)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)pid);
	file = fopen(path, "w");
	if (!file)
		return;
	fputs("5", file);
	fclose(file);
}
