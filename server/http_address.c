#include "server/http_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/str.h"
#include "server/http.h"

static bool bad(const char *text, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s: must be ADDR:PORT or [ADDR]:PORT with a numeric address", text);
}

static bool parse_port(struct str text, in_port_t *port)
{
	unsigned value = 0;
	if (text.len == 0 || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*port = htons((in_port_t)value);
	return value <= 65535;
}

static bool set_v4(const char *host, in_port_t port, struct http_address *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&out->socket;
	v4->sin_family = AF_INET;
	v4->sin_port = port;
	out->size = sizeof(*v4);
	return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4->sin_addr) == 1;
}

static bool set_v6(const char *host, in_port_t port, struct http_address *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&out->socket;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	out->size = sizeof(*v6);
	return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

bool http_address_parse(const char *text, struct http_address *out, struct err *e)
{
	struct http_address address = {0};
	char host[INET6_ADDRSTRLEN];
	in_port_t port = 0;
	const char *colon = strrchr(text, ':');
	bool v6 = text[0] == '[';
	if (!colon || !parse_port(str_of(colon + 1), &port) || (v6 && colon[-1] != ']'))
		return bad(text, e);
	struct str name = str_make(text + v6, (size_t)(colon - text) - 2 * (size_t)v6);
	if (name.len >= sizeof(host))
		return bad(text, e);
	(void)snprintf(host, sizeof(host), "%.*s", STR_ARG(name));
	if (v6 ? !set_v6(host, port, &address) : !set_v4(host, port, &address))
		return bad(text, e);
	*out = address;
	return true;
}

bool http_address_is_loopback(const char *address, bool *loopback, struct err *e)
{
	struct http_address parsed;
	if (!http_address_parse(address, &parsed, e))
		return false;
	if (parsed.socket.ss_family == AF_INET6)
		*loopback = IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)(void *)&parsed.socket)->sin6_addr);
	else
		*loopback = ntohl(((struct sockaddr_in *)(void *)&parsed.socket)->sin_addr.s_addr) >> 24 == 127;
	return true;
}

static bool bind_and_listen(int fd, const struct http_address *address)
{
	int on = 1, off = 0;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return false;
	if (address->socket.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		return false;
	return bind(fd, (const struct sockaddr *)&address->socket, address->size) == 0 &&
	       listen(fd, (int)LIMIT_CONNECTIONS) == 0;
}

int http_address_listen(const char *text, struct err *e)
{
	struct http_address address;
	if (!http_address_parse(text, &address, e))
		return -1;
	int fd = socket(address.socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind_and_listen(fd, &address))
		return fd;
	err_errno(e, "%s: cannot listen there", text);
	if (fd >= 0)
		close(fd);
	return -1;
}

void http_address_of(int fd, char out[HTTP_ADDRESS_MAX])
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "?";
	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		address.ss_family = AF_UNSPEC;
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&address;
	if (address.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		(void)snprintf(out, HTTP_ADDRESS_MAX, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		(void)snprintf(out, HTTP_ADDRESS_MAX, "%s:%u", host, ntohs(v4->sin_port));
	}
}
