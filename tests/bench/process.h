/* What another process costs. */
#ifndef SEALGATE_TESTS_BENCH_PROCESS_H
#define SEALGATE_TESTS_BENCH_PROCESS_H

#include <sys/types.h>

/* CPU seconds of all its threads since its start, to the nanosecond, without its children; 0 when it can't be read. */
double process_cpu_seconds(pid_t pid);
/* Resident megabytes now, and the most since process_forget_peak. */
double process_resident_mb(pid_t pid);
double process_peak_mb(pid_t pid);
void process_forget_peak(pid_t pid);

#endif
