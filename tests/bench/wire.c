#include "tests/bench/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static bool shake_hands(struct wire *w, SSL_CTX *tls, struct err *e)
{
	w->ssl = SSL_new(tls);
	if (!w->ssl || SSL_set_fd(w->ssl, w->fd) != 1 || SSL_connect(w->ssl) != 1)
		return err_set(e, ERR_INTERNAL, "the TLS handshake failed");
	return true;
}

bool wire_open(struct wire *w, SSL_CTX *tls, uint16_t port, struct err *e)
{
	struct sockaddr_in address = loopback(port);
	int on = 1;

	*w = (struct wire){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		err_errno(e, "connect");
	else if (setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		err_errno(e, "TCP_NODELAY");
	else if ((!tls || shake_hands(w, tls, e)) && ioctl(w->fd, FIONBIO, &on) == 0)
		return true;
	wire_close(w);
	return false;
}

void wire_close(struct wire *w)
{
	SSL_free(w->ssl);
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct wire){.fd = -1};
}

static long plain(long n)
{
	if (n > 0)
		return n;
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

static long secured(struct wire *w, int n)
{
	int why = n > 0 ? SSL_ERROR_NONE : SSL_get_error(w->ssl, n);

	if (n > 0)
		return n;
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

long wire_send(struct wire *w, const char *bytes, size_t length)
{
	size_t now = length > 65536 ? 65536 : length;

	return w->ssl ? secured(w, SSL_write(w->ssl, bytes, (int)now)) : plain(send(w->fd, bytes, now, MSG_NOSIGNAL));
}

long wire_receive(struct wire *w, char *bytes, size_t size)
{
	return w->ssl ? secured(w, SSL_read(w->ssl, bytes, (int)size)) : plain(recv(w->fd, bytes, size, 0));
}

uint16_t wire_free_port(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		address.sin_port = 0;
	if (fd >= 0)
		close(fd);
	return ntohs(address.sin_port);
}
