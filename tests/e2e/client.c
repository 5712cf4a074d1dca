#include "tests/e2e/client.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client client_connect(const char *url)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	int on = 1;

	assert_true(client.fd >= 0);
	address.sin_port = htons((uint16_t)strtol(strrchr(url, ':') + 1, NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(client.fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		client_close(&client);
	return client;
}

bool client_handshake(struct client *client, const char *priorities)
{
	int code;

	assert_int_equal(gnutls_certificate_allocate_credentials(&client->credentials), 0);
	assert_int_equal(gnutls_init(&client->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
	gnutls_credentials_set(client->tls, GNUTLS_CRD_CERTIFICATE, client->credentials);
	if (priorities)
		assert_int_equal(gnutls_priority_set_direct(client->tls, priorities, NULL), 0);
	else
		gnutls_set_default_priority(client->tls);
	gnutls_transport_set_int(client->tls, client->fd);
	gnutls_handshake_set_timeout(client->tls, 20000);
	do
		code = gnutls_handshake(client->tls);
	while (code < 0 && !gnutls_error_is_fatal(code));
	return code == 0;
}

struct client client_open(const char *url)
{
	struct client client = client_connect(url);

	assert_true(client.fd >= 0);
	if (strncmp(url, "https", 5) == 0)
		assert_true(client_handshake(&client, NULL));
	return client;
}

static ssize_t send_some(struct client *client, const char *bytes, size_t length)
{
	return client->tls ? gnutls_record_send(client->tls, bytes, length)
			   : send(client->fd, bytes, length, MSG_NOSIGNAL);
}

bool client_send(struct client *client, const void *bytes, size_t length)
{
	for (size_t sent = 0; sent < length;) {
		ssize_t n = send_some(client, (const char *)bytes + sent, length - sent);

		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	return true;
}

bool client_send_text(struct client *client, const char *text)
{
	return client_send(client, text, strlen(text));
}

static bool has_bytes(struct client *client, int wait_ms)
{
	struct pollfd ready = {.fd = client->fd, .events = POLLIN};

	return (client->tls && gnutls_record_check_pending(client->tls) > 0) || poll(&ready, 1, wait_ms) > 0;
}

size_t client_receive(struct client *client, char *out, size_t max, int wait_ms, bool *closed)
{
	size_t length = 0;
	ssize_t got = 1;

	while (length < max - 1 && got > 0 && has_bytes(client, wait_ms)) {
		do
			got = client->tls ? gnutls_record_recv(client->tls, out + length, max - 1 - length)
					  : recv(client->fd, out + length, max - 1 - length, 0);
		while (client->tls && got < 0 && !gnutls_error_is_fatal((int)got));
		length += got > 0 ? (size_t)got : 0;
	}
	out[length] = 0;
	if (closed)
		*closed = got <= 0;
	return length;
}

void client_half_close(struct client *client)
{
	if (client->tls)
		(void)gnutls_bye(client->tls, GNUTLS_SHUT_WR);
	shutdown(client->fd, SHUT_WR);
}

void client_close(struct client *client)
{
	if (client->tls)
		gnutls_deinit(client->tls);
	if (client->credentials)
		gnutls_certificate_free_credentials(client->credentials);
	if (client->fd >= 0)
		close(client->fd);
	*client = (struct client){.fd = -1};
}

void client_reset(struct client *client)
{
	struct linger none = {.l_onoff = 1};

	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	client_close(client);
}

char *client_post(const char *path, const char *body)
{
	return text_of("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		       path, strlen(body), body);
}

int rounds_of(int rounds)
{
	const char *soak = getenv("SOAK");
	int times = soak ? (int)strtol(soak, NULL, 10) : 1;

	return times > 1 && times <= 10000 ? times * rounds : rounds;
}

static size_t entries_of(pid_t pid, const char *folder)
{
	char *path = text_of("/proc/%d/%s", (int)pid, folder);
	DIR *dir = opendir(path);
	size_t count = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	free(path);
	return count;
}

/* Without the one that asks. */
static size_t connections_of(struct bed *bed)
{
	static const char name[] = "\nsealgate_connections{";
	struct reply reply = bed_request(bed, "GET", bed->ops, "/metrics", NULL, 0, NULL);
	size_t sum = 0;

	assert_int_equal(reply.status, 200);
	for (const char *at = reply.body; (at = strstr(at, name)) != NULL; at += sizeof(name) - 1)
		sum += strtoul(strchr(at, '}') + 1, NULL, 10);
	reply_release(&reply);
	return sum - 1;
}

struct census census_of(struct bed *bed)
{
	struct census census = {.connections = connections_of(bed)};

	census.descriptors = entries_of(bed->server, "fd");
	census.threads = entries_of(bed->server, "task");
	return census;
}

bool census_is(struct bed *bed, void *context)
{
	const struct census *wanted = context;
	struct census now = census_of(bed);

	return now.descriptors <= wanted->descriptors && now.threads <= wanted->threads &&
	       now.connections <= wanted->connections;
}
