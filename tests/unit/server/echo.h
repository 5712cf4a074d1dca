/* A listener whose handler echoes what it got, and clients of it. */
#ifndef SEALGATE_TESTS_UNIT_SERVER_ECHO_H
#define SEALGATE_TESTS_UNIT_SERVER_ECHO_H

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "server/http.h"
#include "server/log.h"

#define BODY_LIMIT 100000u
#define PATIENCE_MS 20000

/* Not every program of tests uses all of this. */
#define SHARED __attribute__((unused)) static

/* What the handler is told to do, and what it saw. */
static struct {
	atomic_int calls;
	atomic_int waiting;
	atomic_bool hold; /* requests to /hold wait until let_go */
	pthread_mutex_t lock;
	pthread_cond_t gone;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .gone = PTHREAD_COND_INITIALIZER};

SHARED void let_go(void)
{
	pthread_mutex_lock(&seen.lock);
	atomic_store(&seen.hold, false);
	pthread_cond_broadcast(&seen.gone);
	pthread_mutex_unlock(&seen.lock);
}

SHARED void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

/* Echoes what it got. */
SHARED void echo(void *context, struct http_request *request, struct http_response *response)
{
	(void)context;
	atomic_fetch_add(&seen.calls, 1);
	if (str_eq_c(request->path, "/nothing"))
		return;
	if (str_eq_c(request->path, "/hold")) {
		atomic_fetch_add(&seen.waiting, 1);
		pthread_mutex_lock(&seen.lock);
		while (atomic_load(&seen.hold))
			pthread_cond_wait(&seen.gone, &seen.lock);
		pthread_mutex_unlock(&seen.lock);
		atomic_fetch_sub(&seen.waiting, 1);
	}
	response->status = 200;
	response->content_type = "text/plain";
	buf_printf(&response->body, "%.*s %.*s type=%.*s auth=%.*s body=%zu", STR_ARG(request->method),
		   STR_ARG(request->path), STR_ARG(request->content_type), STR_ARG(request->authorization),
		   request->body.len);
	for (size_t i = 0; i < request->query_count; i++)
		buf_printf(&response->body, " %.*s%s%.*s", STR_ARG(request->query[i].name),
			   request->query[i].has_value ? "=" : "", STR_ARG(request->query[i].value));
	if (str_eq_c(request->path, "/nice"))
		buf_printf(&response->body, " nice=%d", getpriority(PRIO_PROCESS, 0));
	for (size_t wanted = LIMIT_BODY_FREE + (str_eq_c(request->path, "/longer") ? 1001u : 1000u);
	     str_starts_with(request->path, STR("/long")) && response->body.len < wanted;)
		buf_add_char(&response->body, 'x');
	if (str_eq_c(request->path, "/full")) {
		response->status = 405;
		response->allow = "GET";
		response->retry_after = 7;
		response->location = "/elsewhere";
		response->authenticate = "Bearer";
		response->content_type = NULL;
		response->close = true;
	}
}

SHARED struct http_listener *start(const char *address)
{
	struct http_config config = {.name = "api", .address = address, .body_limit = BODY_LIMIT, .handler = echo};
	struct err e = ERR_INIT;
	struct http_listener *listener = http_start(&config, &e);
	if (!listener)
		fail_msg("%s", e.text);
	return listener;
}

SHARED int setup(void **state)
{
	log_setup("json", "error");
	let_go();
	*state = start("127.0.0.1:0");
	return 0;
}

SHARED int teardown(void **state)
{
	let_go();
	http_stop(*state);
	return 0;
}

SHARED int connect_to(struct http_listener *listener)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	to.sin_port = htons((in_port_t)strtol(strrchr(http_address(listener), ':') + 1, NULL, 10));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

SHARED void put(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* Reads until the peer closes or `until` has come; true when it closed. */
SHARED bool get(int fd, char *out, size_t max, const char *until)
{
	size_t length = 0;
	out[0] = 0;
	while (length < max - 1 && !(until && strstr(out, until))) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		if (poll(&ready, 1, PATIENCE_MS) <= 0)
			fail_msg("nothing came after: %s", out);
		ssize_t n = recv(fd, out + length, max - 1 - length, 0);
		if (n <= 0)
			return true;
		length += (size_t)n;
		out[length] = 0;
	}
	return false;
}

/* One request on a connection of its own. */
SHARED void ask(struct http_listener *listener, const char *request, char *out, size_t max)
{
	int fd = connect_to(listener);
	assert_true(fd >= 0);
	put(fd, request);
	(void)get(fd, out, max, NULL);
	close(fd);
}

SHARED void assert_answer(struct http_listener *listener, const char *request, const char *status, const char *part)
{
	char out[8192];
	ask(listener, request, out, sizeof(out));
	if (strncmp(out, status, strlen(status)) != 0 || !strstr(out, part))
		fail_msg("%s\n--- answered ---\n%s", request, out);
}

#define CLOSE "Host: x\r\nConnection: close\r\n\r\n"

SHARED bool eventually(bool (*holds)(void *), void *context)
{
	for (int i = 0; i < PATIENCE_MS / 2; i++) {
		if (holds(context))
			return true;
		pause_ms(2);
	}
	return false;
}

SHARED bool one_busy(void *listener)
{
	return http_busy(listener) == 1;
}

SHARED bool none_connected(void *listener)
{
	return http_connections(listener) == 0;
}

SHARED bool one_waiting(void *context)
{
	(void)context;
	return atomic_load(&seen.waiting) == 1;
}

SHARED struct http_listener *start_with(const struct http_config *limits)
{
	struct http_config config = *limits;
	struct err e = ERR_INIT;
	config.name = "api";
	config.address = "127.0.0.1:0";
	config.body_limit = BODY_LIMIT;
	config.handler = echo;
	struct http_listener *listener = http_start(&config, &e);
	assert_non_null(listener);
	return listener;
}

SHARED void assert_told_to_come_back(const char *answer)
{
	assert_memory_equal(answer, "HTTP/1.1 503", 12);
	assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
}

#endif
