/* The load generator: closed loop over HTTP/1.1 (each connection sends its next request when its answer has come and
 * was checked), TLS by OpenSSL or plain, in one or two threads of this process. */
#ifndef SEALGATE_TESTS_BENCH_LOAD_H
#define SEALGATE_TESTS_BENCH_LOAD_H

#include <sys/types.h>

#include "base/str.h"
#include "tests/bench/wire.h"

/* Alters the bytes of request `number` (0, 1, ...) before it is sent: same length. Called from several threads, each
 * with a body of its own that other numbers altered before. */
typedef void load_vary(void *context, uint64_t number, char *body);

struct load_plan {
	uint16_t port; /* on 127.0.0.1 */
	bool plain;    /* without TLS */
	const char *path;
	struct str body;
	load_vary *vary; /* NULL: always the same bytes */
	void *context;
	unsigned connections; /* opened before the clock starts */
	unsigned idle;	      /* so many more that stay open and send nothing */
	double seconds;
	uint64_t requests;    /* 0: until `seconds` have passed; else so many */
	bool new_connections; /* a full handshake for each request, in a thread per connection */
	const char *expect;   /* must stand in every answer; NULL: only status 200 */
	bool own_uid;	      /* every review gets a uid of its own, which must stand in its answer */
	pid_t server;	      /* whose CPU time is read; 0: none */
};

struct load_result {
	uint64_t answers;
	uint64_t failures; /* not 200, without `expect`, or with another's uid */
	char wrong[256];   /* the first of those */
	double per_second;
	double p50_us, p99_us, max_us;
	double gap_ms;	       /* the longest time without any answer */
	double cpu_us;	       /* of the server, per request */
	double generator_busy; /* CPU of the busiest thread that sent, as a part of the time: at 1 it is the limit */
};

/* False when a connection broke or nothing was answered; wrong answers are counted instead. */
bool load_run(const struct load_plan *plan, struct load_result *result, struct err *e) MUST_USE;

#endif
