/* Certificate, key and client CA from files, reloaded when they change: the next handshake uses the new pair. A pair
 * that doesn't fit is ignored until it does. The only file that includes gnutls (libmicrohttpd's TLS), so that pointers
 * to its sessions pass here as void *. */
#ifndef SEALGATE_SERVER_TLS_FILES_H
#define SEALGATE_SERVER_TLS_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "server/tls_push.h"

struct tls_files;

/* `client_ca` may be NULL. ERR_INVALID names the file and what is wrong. */
struct tls_files *tls_files_open(const char *certificate, const char *key, const char *client_ca, struct err *e);
/* No session uses it any more. NULL is legal. */
void tls_files_close(struct tls_files *files);
/* Looks whether the files changed and takes them over when they fit. True when something new is in force. `e` tells why
 * not (kind ERR_NONE: nothing changed); the same reason is told once. */
bool tls_files_refresh(struct tls_files *files, struct err *e);
/* Seconds since 1970 when the certificate in force expires. */
int64_t tls_files_expiry(struct tls_files *files);

/* One connection's part of it, kept by the connection. */
struct tls_session {
	struct tls_files *files;
	bool ask_certificate;		    /* request a client certificate, when there is a client CA */
	void (*established)(void *context); /* called by the connection's thread when the handshake is done */
	void *context;
	struct tls_push push;
	/* private */
	void *session;
	bool client_accepted;
	unsigned checked_generation;
	int64_t checked_ms;
};

/* Before the handshake: `s` with its public fields set, for a gnutls_session_t on the socket `fd`. */
void tls_session_begin(struct tls_session *s, void *gnutls_session, int fd);
/* True when the peer proved a certificate that the client CA in force issued for client authentication and that is
 * within its dates. Only the connection's own thread may ask; a verdict is kept for a minute. */
bool tls_session_client_accepted(struct tls_session *s);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2: gives each handshake the pair in force. */
typedef void tls_function(void);
tls_function *tls_files_certificate_callback(void);
/* For MHD_OPTION_HTTPS_PRIORITIES: TLS 1.2 and 1.3, forward secrecy, no SHA-1. X25519 comes first, because that is the
 * share that clients send unasked (Go, OpenSSL): another first choice costs each of them a second round. */
extern const char tls_priorities[];

#endif
