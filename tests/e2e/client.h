/* A client that is not bound to behave: one connection, plain or TLS, and bytes. It trusts any certificate. */
#ifndef SEALGATE_TESTS_E2E_CLIENT_H
#define SEALGATE_TESTS_E2E_CLIENT_H

#include <gnutls/gnutls.h>

#include "tests/e2e/bed.h"

struct client {
	int fd; /* -1: not connected */
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t tls; /* NULL: plain, or no handshake yet */
};

/* A connection to the server of `url`, "https://..." or "http://...", without a handshake; fd is -1 when refused. */
struct client client_connect(const char *url);
/* A handshake with these priorities (NULL: GnuTLS's own); true when it is done. */
bool client_handshake(struct client *client, const char *priorities);
/* Both, as far as the url asks for it; fails the test otherwise. */
struct client client_open(const char *url);
bool client_send(struct client *client, const void *bytes, size_t length);
bool client_send_text(struct client *client, const char *text);
/* What comes until the server closes, `max` - 1 bytes have come or `wait_ms` pass without any; a 0 byte follows it.
 * *closed (may be NULL) tells whether the server closed. */
size_t client_receive(struct client *client, char *out, size_t max, int wait_ms, bool *closed);
/* Ends the writing half: close_notify under TLS, and FIN. */
void client_half_close(struct client *client);
/* FIN without a word. */
void client_close(struct client *client);
/* RST. */
void client_reset(struct client *client);

/* A POST of `body` to `path` with its head; to be freed. */
char *client_post(const char *path, const char *body);

/* How many rounds to go: `rounds`, in `make soak` SOAK times as many. */
int rounds_of(int rounds);

/* What the server holds open: descriptors, threads and connections of its listeners (its own figure). */
struct census {
	size_t descriptors, threads, connections;
};
struct census census_of(struct bed *bed);
/* For bed_eventually: the context is the census that it is to return to. */
bool census_is(struct bed *bed, void *census);

#endif
