/* From the fork of a server to its first answer. */
#ifndef SEALGATE_TESTS_BENCH_START_H
#define SEALGATE_TESTS_BENCH_START_H

#include "tests/bench/site.h"

/* Milliseconds from fork until `body` is admitted, asked over a connection that is tried until it is taken. The server
 * is ended again. The site's own must not run; it must have run once. */
double start_of_server_ms(struct site *site, const char *body);
/* The same of the echo, which reads nothing at its start. */
double start_of_echo_ms(struct site *site, const char *body);

#endif
