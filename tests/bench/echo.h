/* The reference: libmicrohttpd over TLS, a thread per connection, reads the body and answers fixed bytes. Nothing else:
 * the ceiling. */
#ifndef SEALGATE_TESTS_BENCH_ECHO_H
#define SEALGATE_TESTS_BENCH_ECHO_H

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

/* Forks a server with this certificate and key (PEM text) on a free port of 127.0.0.1. Returns its pid, or -1. */
pid_t echo_start(const char *certificate, const char *key, struct str answer, uint16_t *port);
void echo_stop(pid_t pid);

#endif
