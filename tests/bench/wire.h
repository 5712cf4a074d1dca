/* A client's connection to 127.0.0.1, with TLS or without, that never blocks once it is open. */
#ifndef SEALGATE_TESTS_BENCH_WIRE_H
#define SEALGATE_TESTS_BENCH_WIRE_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "base/err.h"

struct wire {
	int fd; /* -1: closed */
	SSL *ssl;
};

/* Connects and shakes hands, blocking; `tls` NULL for plain TCP. */
bool wire_open(struct wire *w, SSL_CTX *tls, uint16_t port, struct err *e) MUST_USE;
void wire_close(struct wire *w);
/* Bytes moved; 0 when it would block; -1 when the connection is gone. */
long wire_send(struct wire *w, const char *bytes, size_t length);
long wire_receive(struct wire *w, char *bytes, size_t size);
/* A port of 127.0.0.1 that nobody listens on now. */
uint16_t wire_free_port(void);

#endif
