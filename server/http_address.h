/* "ADDR:PORT" and "[ADDR]:PORT", and sockets that listen there. */
#ifndef SEALGATE_SERVER_HTTP_ADDRESS_H
#define SEALGATE_SERVER_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

#define HTTP_ADDRESS_MAX 64u

struct http_address {
	struct sockaddr_storage socket;
	socklen_t size;
};

/* Numeric addresses and "localhost" (127.0.0.1); names would ask the network at start. */
bool http_address_parse(const char *text, struct http_address *out, struct err *e) MUST_USE;
/* A listening socket, close-on-exec. [::] takes IPv4 as well. -1: ERR_INVALID for the address, ERR_INTERNAL when the
 * port is taken. */
int http_address_listen(const char *text, struct err *e);
/* The address in use of a listening socket. */
void http_address_of(int fd, char out[HTTP_ADDRESS_MAX]);

#endif
