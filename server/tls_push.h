/* How the records of a TLS connection get to its socket. libmicrohttpd sends the head of an answer and its body as a
 * record each; here they leave in one call, and the client wakes once.
 *
 * A record that is shorter than the body it comes before can't hold all of that body: another one follows. Only such a
 * record is kept back, until the next. */
#ifndef SEALGATE_SERVER_TLS_PUSH_H
#define SEALGATE_SERVER_TLS_PUSH_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define TLS_PUSH_HELD_MAX 512u

struct tls_push {
	int fd;		   /* does not block */
	size_t hold_below; /* the next record is kept back when it is shorter; 0: it is not */
	size_t held;
	char bytes[TLS_PUSH_HELD_MAX];
};

void tls_push_init(struct tls_push *push, int fd);
/* The next record is the head of an answer with a body of this size. */
void tls_push_expect_body(struct tls_push *push, size_t body);
/* gnutls's vec_push_function with a struct tls_push: the number of bytes that it need not give again, or -1 with errno
 * (EAGAIN: later). */
ssize_t tls_push_vector(void *push, const struct iovec *parts, int count);

#endif
