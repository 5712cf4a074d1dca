/* Records leave in the order in which they were given, whole, and no last one is kept back. */
#include "server/tls_push.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct wire {
	struct tls_push push;
	int peer;
};

static int setup(void **state)
{
	static struct wire wire;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	tls_push_init(&wire.push, ends[0]);
	wire.peer = ends[1];
	*state = &wire;
	return 0;
}

static int teardown(void **state)
{
	struct wire *wire = *state;

	close(wire->push.fd);
	close(wire->peer);
	return 0;
}

/* As gnutls does it: again and again until all of the record was taken. */
static void give(struct wire *wire, const char *record)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)record, 1}, {(void *)(uintptr_t)(record + 1), strlen(record) - 1}};

	assert_int_equal(tls_push_vector(&wire->push, parts, 2), strlen(record));
}

static void assert_arrived(struct wire *wire, const char *bytes)
{
	char text[4096] = {0};
	ssize_t n = recv(wire->peer, text, sizeof(text) - 1, 0);

	assert_int_equal(n < 0 ? 0 : (size_t)n, strlen(bytes));
	assert_string_equal(text, bytes);
}

static void head_and_body_leave_together(void **state)
{
	tls_push_expect_body(&((struct wire *)*state)->push, 20);
	give(*state, "the head");
	assert_arrived(*state, "");
	give(*state, "and a body of twenty");
	assert_arrived(*state, "the headand a body of twenty");
}

static void only_the_next_record_is_kept_back(void **state)
{
	tls_push_expect_body(&((struct wire *)*state)->push, 20);
	give(*state, "the head");
	give(*state, "half");
	assert_arrived(*state, "the headhalf");
	give(*state, "of it");
	assert_arrived(*state, "of it");
}

static void a_record_that_could_hold_the_body_leaves_at_once(void **state)
{
	tls_push_expect_body(&((struct wire *)*state)->push, 8);
	give(*state, "headbody");
	assert_arrived(*state, "headbody");
	tls_push_expect_body(&((struct wire *)*state)->push, 0);
	give(*state, "h");
	assert_arrived(*state, "h");
}

static void a_record_of_another_kind_keeps_its_place(void **state)
{
	tls_push_expect_body(&((struct wire *)*state)->push, 100);
	give(*state, "key update");
	give(*state, "the head");
	assert_arrived(*state, "key updatethe head");
}

static void a_large_head_leaves_at_once(void **state)
{
	char head[TLS_PUSH_HELD_MAX + 2];

	memset(head, 'h', sizeof(head));
	head[sizeof(head) - 1] = 0;
	tls_push_expect_body(&((struct wire *)*state)->push, 100000);
	give(*state, head);
	assert_arrived(*state, head);
}

static size_t fill(int fd)
{
	char block[1024] = {0};
	size_t all = 0;

	for (ssize_t n; (n = send(fd, block, sizeof(block), MSG_NOSIGNAL)) > 0;)
		all += (size_t)n;
	return all;
}

static void drain(int fd, size_t bytes)
{
	char block[1024];

	while (bytes > 0) {
		ssize_t n = recv(fd, block, bytes < sizeof(block) ? bytes : sizeof(block), 0);

		assert_true(n > 0);
		bytes -= (size_t)n;
	}
}

static void a_full_socket_takes_nothing_and_loses_nothing(void **state)
{
	struct wire *wire = *state;
	struct iovec body = {(char[]){"the body"}, 8};
	size_t before = fill(wire->push.fd);

	tls_push_expect_body(&wire->push, 100);
	give(wire, "the head, ");
	assert_int_equal(tls_push_vector(&wire->push, &body, 1), -1);
	assert_int_equal(errno, EAGAIN);
	drain(wire->peer, before);
	give(wire, "the body");
	assert_arrived(wire, "the head, the body");
}

/* The socket takes a few bytes at a time: first of what was kept back, then of both. */
static void a_slow_socket_gets_every_byte_once(void **state)
{
	struct wire *wire = *state;
	size_t body = 300000, given = 0, got = 0;
	char *bytes = test_malloc(body), *seen = test_malloc(body + 400);
	char head[401];

	memset(head, 'h', 400);
	head[400] = 0;
	memset(bytes, 'b', body);
	fill(wire->push.fd);
	drain(wire->peer, 1024);
	tls_push_expect_body(&wire->push, body);
	give(wire, head);
	while (given < body || got < body + 400) {
		struct iovec rest = {bytes + given, body - given};
		ssize_t n = given < body ? tls_push_vector(&wire->push, &rest, 1) : 0;
		char part[777];

		assert_true(n >= 0 || errno == EAGAIN);
		given += n > 0 ? (size_t)n : 0;
		n = recv(wire->peer, part, sizeof(part), 0);
		for (ssize_t i = 0; i < n; i++)
			if (part[i])
				seen[got++] = part[i];
	}
	assert_memory_equal(seen, head, 400);
	assert_memory_equal(seen + 400, bytes, body);
	test_free(bytes);
	test_free(seen);
}

static void a_closed_socket_is_told(void **state)
{
	struct wire *wire = *state;
	struct iovec body = {(char[]){"the body"}, 8};

	shutdown(wire->push.fd, SHUT_RDWR);
	tls_push_expect_body(&wire->push, 100);
	give(wire, "the head");
	assert_int_equal(tls_push_vector(&wire->push, &body, 1), -1);
	assert_int_equal(errno, EPIPE);
}

#define WIRE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE(head_and_body_leave_together),
		WIRE(only_the_next_record_is_kept_back),
		WIRE(a_record_that_could_hold_the_body_leaves_at_once),
		WIRE(a_record_of_another_kind_keeps_its_place),
		WIRE(a_large_head_leaves_at_once),
		WIRE(a_full_socket_takes_nothing_and_loses_nothing),
		WIRE(a_slow_socket_gets_every_byte_once),
		WIRE(a_closed_socket_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
