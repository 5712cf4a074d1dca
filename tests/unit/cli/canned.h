/* A server for tests: answers each request with what was prepared for it, and remembers the last one. Header only: a
 * test program links nothing but the archives. */
#ifndef SEALGATE_TESTS_UNIT_CLI_CANNED_H
#define SEALGATE_TESTS_UNIT_CLI_CANNED_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct canned_answer {
	const char *request; /* "GET /path?query" */
	int status;	     /* 0 closes the connection without an answer */
	const char *body;
	size_t repeat; /* send the body this often; 0 means once */
};

struct canned {
	const struct canned_answer *answers;
	size_t count;
	int listener;
	pthread_t thread;
	char url[64];
	char last[16384]; /* head and body of the last request */
	size_t requests;
};

static const struct canned_answer *canned_find(const struct canned *server)
{
	for (size_t i = 0; i < server->count; i++) {
		size_t len = strlen(server->answers[i].request);

		if (strncmp(server->last, server->answers[i].request, len) == 0 && server->last[len] == ' ')
			return &server->answers[i];
	}
	return NULL;
}

/* Reads a head and as much body as Content-Length says. */
static void canned_receive(struct canned *server, int fd)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, server->last + len, sizeof(server->last) - 1 - len);
		const char *end, *length;

		if (n <= 0)
			break;
		len += (size_t)n;
		server->last[len] = 0;
		end = strstr(server->last, "\r\n\r\n");
		length = strstr(server->last, "Content-Length: ");
		if (end && (!length || len >= (size_t)(end + 4 - server->last) + strtoul(length + 16, NULL, 10)))
			break;
	}
	server->last[len] = 0;
}

static void canned_send(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

static void canned_answer(const struct canned *server, int fd)
{
	static const struct canned_answer absent = {"", 404, "no such thing\n", 0};
	const struct canned_answer *answer = canned_find(server);
	char head[256];
	size_t repeat, len;

	if (!answer)
		answer = &absent;
	if (answer->status == 0)
		return;
	repeat = answer->repeat ? answer->repeat : 1;
	len = strlen(answer->body);
	(void)snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
		       answer->status, repeat * len, answer->status == 301 ? "Location: /moved\r\n" : "");
	canned_send(fd, head, strlen(head));
	for (size_t i = 0; i < repeat; i++)
		canned_send(fd, answer->body, len);
}

static void *canned_serve(void *context)
{
	struct canned *server = context;

	for (;;) {
		int fd = accept(server->listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		canned_receive(server, fd);
		server->requests++;
		canned_answer(server, fd);
		close(fd);
	}
}

/* Serves on a free port of 127.0.0.1 until canned_stop; what is not prepared is 404. The answers must outlive it. */
static struct canned *canned_start(const struct canned_answer *answers, size_t count)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct canned *server = calloc(1, sizeof(*server));

	if (!server)
		abort();
	server->answers = answers;
	server->count = count;
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, size) ||
	    listen(server->listener, 16) || getsockname(server->listener, (struct sockaddr *)&address, &size) ||
	    pthread_create(&server->thread, NULL, canned_serve, server))
		abort();
	(void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	return server;
}

static void canned_stop(struct canned *server)
{
	(void)shutdown(server->listener, SHUT_RDWR);
	(void)pthread_join(server->thread, NULL);
	close(server->listener);
	free(server);
}

#endif
