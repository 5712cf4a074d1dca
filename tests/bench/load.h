/* The load generator of the benches: closed-loop HTTPS over keep-alive connections, one thread, its own histogram. */
#ifndef SEALGATE_TESTS_BENCH_LOAD_H
#define SEALGATE_TESTS_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct load_plan {
	uint16_t port;	  /* on 127.0.0.1 */
	const char *path; /* "/validate?timeout=10s" */
	struct str body;
	unsigned connections; /* 1 to 1024, opened before the clock starts */
	double seconds;
	bool new_connections; /* a handshake for each request */
	const char *expect;   /* must stand in every answer; NULL: only status 200 */
	pid_t server;	      /* whose CPU time is read; 0: none */
};

struct load_result {
	uint64_t answers;
	uint64_t failures; /* anything but 200 with `expect` in it */
	double per_second;
	double p50_us, p99_us, max_us;
	double cpu_us; /* of the server, per request */
	double rss_mb; /* of the server, after the run */
};

bool load_run(const struct load_plan *plan, struct load_result *result, struct err *e);

/* CPU seconds and resident megabytes of a process. */
double process_cpu_seconds(pid_t pid);
double process_resident_mb(pid_t pid);

#endif
