/* How long connections may take, and how many there may be. */
#include "tests/unit/server/echo.h"

/* Reaps with a clock `seconds` ahead, until one connection was late or patience ends. */
static bool is_cut_after(struct http_listener *listener, int fd, unsigned seconds)
{
	char out[1024];
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	for (int i = 0; i < PATIENCE_MS / 5; i++) {
		(void)http_reap(listener, clock_monotonic_ms() + 1000 * (int64_t)seconds);
		if (poll(&ready, 1, 5) > 0)
			return recv(fd, out, sizeof(out), 0) <= 0;
	}
	return false;
}

static void a_head_has_its_time_even_byte_by_byte(void **state)
{
	int64_t now_ms = clock_monotonic_ms();
	int fd = connect_to(*state);
	put(fd, "GET / HTTP/1.1\r\nX: ");
	for (int second = 1; second < (int)LIMIT_REQUEST_HEAD_SECONDS; second++) {
		put(fd, "y");
		pause_ms(1);
		assert_int_equal(http_reap(*state, now_ms + second * 1000), 0);
	}
	assert_true(is_cut_after(*state, fd, 2 * LIMIT_REQUEST_HEAD_SECONDS + 2));
	close(fd);
}

static void an_idle_connection_outlives_the_time_of_a_head(void **state)
{
	char out[4096];
	int64_t now_ms = clock_monotonic_ms();
	int fd = connect_to(*state);
	put(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	(void)get(fd, out, sizeof(out), "body=0");
	for (unsigned second = 0; second < LIMIT_IDLE_SECONDS; second += 10)
		assert_int_equal(http_reap(*state, now_ms + 1000 * (int64_t)second), 0);
	put(fd, "GET /two HTTP/1.1\r\n" CLOSE);
	(void)get(fd, out, sizeof(out), NULL);
	assert_non_null(strstr(out, "GET /two"));
	close(fd);
}

static void a_body_has_its_time(void **state)
{
	int64_t now_ms = clock_monotonic_ms();
	int fd = connect_to(*state);
	put(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
	assert_true(eventually(one_busy, *state));
	assert_int_equal(http_reap(*state, now_ms + 1000 * (LIMIT_REQUEST_BODY_SECONDS - 1)), 0);
	assert_true(is_cut_after(*state, fd, LIMIT_REQUEST_BODY_SECONDS + 1));
	close(fd);
	assert_true(eventually(none_connected, *state));
	assert_int_equal(http_busy(*state), 0);
}

static void a_handler_is_never_cut_off(void **state)
{
	char out[4096];
	atomic_store(&seen.hold, true);
	int fd = connect_to(*state);
	put(fd, "GET /hold HTTP/1.1\r\n" CLOSE);
	assert_true(eventually(one_waiting, NULL));
	assert_int_equal(http_reap(*state, clock_monotonic_ms() + 1000000), 0);
	let_go();
	(void)get(fd, out, sizeof(out), NULL);
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	close(fd);
}

static void draining_finishes_what_runs_and_takes_nothing_new(void **state)
{
	char out[4096];
	struct http_listener *listener = *state;
	atomic_store(&seen.hold, true);
	int running = connect_to(listener), idle = connect_to(listener);
	put(idle, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	(void)get(idle, out, sizeof(out), "body=0");
	put(running, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(eventually(one_waiting, NULL));
	http_drain(listener);
	http_drain(listener);
	assert_int_equal(connect_to(listener), -1);
	assert_true(eventually(one_busy, listener));
	put(idle, "GET /two HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(get(idle, out, sizeof(out), NULL));
	assert_non_null(strstr(out, "Connection: close"));
	assert_non_null(strstr(out, "GET /two"));
	let_go();
	assert_true(get(running, out, sizeof(out), NULL));
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	assert_non_null(strstr(out, "Connection: close"));
	close(running);
	close(idle);
	assert_true(eventually(none_connected, listener));
}

static bool count_is(struct http_listener *listener, unsigned wanted)
{
	for (int i = 0; i < PATIENCE_MS / 2 && http_connections(listener) != wanted; i++)
		pause_ms(2);
	return http_connections(listener) == wanted;
}

static bool as_many_wait(void *wanted)
{
	return atomic_load(&seen.waiting) == *(int *)wanted;
}

/* `count` connections whose requests are being answered until let_go: these are never cut off. */
static void hold_connections(struct http_listener *listener, int *fds, int count)
{
	atomic_store(&seen.hold, true);
	for (int i = 0; i < count; i++) {
		fds[i] = connect_to(listener);
		put(fds[i], "GET /hold HTTP/1.1\r\n" CLOSE);
	}
	assert_true(eventually(as_many_wait, &count));
}

static void release_connections(struct http_listener *listener, int *fds, int count)
{
	let_go();
	for (int i = 0; i < count; i++)
		close(fds[i]);
	assert_true(count_is(listener, 0));
}

static void the_connection_after_the_last_is_told_to_come_back(void **state)
{
	enum { HELD = LIMIT_CONNECTIONS - 1 };
	static int held[HELD];
	char out[4096];
	struct http_listener *listener = *state;
	hold_connections(listener, held, HELD);
	int last = connect_to(listener);
	put(last, "POST /last HTTP/1.1\r\nContent-Length: 1\r\n" CLOSE);
	assert_true(count_is(listener, LIMIT_CONNECTIONS));
	int after = connect_to(listener);
	put(after, "GET /after HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(get(after, out, sizeof(out), NULL));
	assert_told_to_come_back(out);
	close(after);
	/* A surplus connection is an ordinary one once there is room. */
	after = connect_to(listener);
	put(last, "x");
	(void)get(last, out, sizeof(out), NULL);
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	close(last);
	assert_true(count_is(listener, LIMIT_CONNECTIONS));
	put(after, "GET /room HTTP/1.1\r\n" CLOSE);
	(void)get(after, out, sizeof(out), NULL);
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	close(after);
	release_connections(listener, held, HELD);
}

static bool is_closed(int fd)
{
	char byte;
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	return poll(&ready, 1, 0) > 0 && recv(fd, &byte, 1, 0) <= 0;
}

static bool is_closed_soon(void *fd)
{
	return is_closed(*(int *)fd);
}

struct crowd {
	struct http_listener *listener;
	int oldest;
};

/* Who has asked nothing for a second of our slow machine makes room at once. */
static bool is_crowded_or_was(void *context)
{
	struct crowd *crowd = context;
	return http_connections(crowd->listener) > LIMIT_CONNECTIONS || is_closed(crowd->oldest);
}

static bool has_room(void *listener)
{
	return http_connections(listener) < LIMIT_CONNECTIONS;
}

static void whoever_asks_nothing_makes_room(void **state)
{
	enum { SILENT = LIMIT_CONNECTIONS - 2 };
	static int silent[SILENT];
	struct http_listener *listener = *state;
	char out[4096];
	for (int i = 0; i < SILENT - 1; i++)
		silent[i] = connect_to(listener);
	int half_head = connect_to(listener), resting = connect_to(listener), body = connect_to(listener);
	put(half_head, "GET / HTTP/1.1\r\nX: ");
	put(resting, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	(void)get(resting, out, sizeof(out), "body=0");
	int64_t now_ms = clock_monotonic_ms();
	put(body, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
	assert_true(eventually(one_busy, listener));
	assert_true(count_is(listener, LIMIT_CONNECTIONS));
	assert_int_equal(http_reap(listener, now_ms + 3000), 0);
	silent[SILENT - 1] = connect_to(listener);
	assert_true(eventually(is_crowded_or_was, &(struct crowd){listener, silent[0]}));
	(void)http_reap(listener, now_ms + 3000);
	/* The first and oldest in any case; the others as long as there is no room. */
	assert_true(eventually(is_closed_soon, &silent[0]));
	assert_true(eventually(has_room, listener));
	assert_false(is_closed(resting));
	assert_false(is_closed(body));
	put(body, "bc");
	(void)get(body, out, sizeof(out), "body=3");
	put(resting, "GET /two HTTP/1.1\r\n" CLOSE);
	(void)get(resting, out, sizeof(out), NULL);
	assert_non_null(strstr(out, "GET /two"));
	close(half_head);
	close(resting);
	close(body);
	release_connections(listener, silent, SILENT);
}

/* All but the one that rests. */
static bool all_busy(void *listener)
{
	return http_busy(listener) == LIMIT_CONNECTIONS - 1;
}

static void who_is_slow_or_rests_long_makes_room_for_the_next(void **state)
{
	enum { HELD = LIMIT_CONNECTIONS - 2 };
	static int held[HELD];
	struct http_listener *listener = *state;
	char out[4096];
	hold_connections(listener, held, HELD);
	int resting = connect_to(listener), body = connect_to(listener), next[3];
	put(resting, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
	(void)get(resting, out, sizeof(out), "body=0");
	put(body, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
	assert_true(eventually(all_busy, listener));
	assert_int_equal(http_reap(listener, clock_monotonic_ms() + 1000 * (LIMIT_FULL_REST_SECONDS + 5)), 0);
	next[0] = connect_to(listener);
	assert_true(count_is(listener, LIMIT_CONNECTIONS + 1));
	(void)http_reap(listener, clock_monotonic_ms() + 1000 * (LIMIT_FULL_SLOW_SECONDS + 1));
	assert_true(eventually(is_closed_soon, &body));
	assert_true(count_is(listener, LIMIT_CONNECTIONS - 1));
	assert_false(is_closed(resting));
	for (int i = 1; i < 3; i++)
		next[i] = connect_to(listener);
	assert_true(count_is(listener, LIMIT_CONNECTIONS + 1));
	(void)http_reap(listener, clock_monotonic_ms() + 1000 * (LIMIT_FULL_REST_SECONDS + 1));
	assert_true(eventually(is_closed_soon, &resting));
	for (int i = 0; i < 3; i++)
		close(next[i]);
	close(resting);
	close(body);
	release_connections(listener, held, HELD);
}

static int raise_files(void **state)
{
	struct rlimit files;
	(void)state;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return -1;
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files);
}

int main(void)
{
#define WITH_LISTENER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_LISTENER(a_head_has_its_time_even_byte_by_byte),
		WITH_LISTENER(an_idle_connection_outlives_the_time_of_a_head),
		WITH_LISTENER(a_body_has_its_time),
		WITH_LISTENER(a_handler_is_never_cut_off),
		WITH_LISTENER(draining_finishes_what_runs_and_takes_nothing_new),
		WITH_LISTENER(the_connection_after_the_last_is_told_to_come_back),
		WITH_LISTENER(whoever_asks_nothing_makes_room),
		WITH_LISTENER(who_is_slow_or_rests_long_makes_room_for_the_next),
	};
	return cmocka_run_group_tests(tests, raise_files, NULL);
}
