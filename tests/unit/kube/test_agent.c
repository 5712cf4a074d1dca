/* sealgated's end of the socket, before an agent that is somebody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kube/agent.h"
#include "kube/agent_protocol.h"

struct world {
	struct kube_transport *transport;
	int other; /* the agent's end */
	struct buf bytes;
	uint64_t id;
	int status;
	size_t received;
	unsigned ended, dropped;
	struct err e;
};

static void on_head(void *context, int status, int retry_after)
{
	(void)retry_after;
	((struct world *)context)->status = status;
}

static void on_data(void *context, struct str bytes)
{
	((struct world *)context)->received += bytes.len;
}

static void on_end(void *context, const struct err *e)
{
	struct world *w = context;

	w->ended++;
	w->e = *e;
}

static void on_dropped(void *context)
{
	((struct world *)context)->dropped++;
}

static uint64_t begin(struct world *w)
{
	const struct kube_request request = {.method = "GET", .path = STR("/api/v1/pods")};
	const struct kube_handler handler = {w, on_head, on_data, on_end, on_dropped};

	return kube_transport_start(w->transport, &request, &handler, &w->e);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct kube_agent agent;
	int ends[2];

	if (!w || socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return -1;
	agent = (struct kube_agent){.fd = ends[0], .pid = fork()};
	if (agent.pid == 0)
		_exit(0);
	w->other = ends[1];
	w->bytes = buf_init(2 * AGENT_TOLD_MAX);
	w->transport = kube_agent_transport(&agent, &w->e);
	w->id = begin(w);
	*state = w;
	return w->id && agent.fd == -1 ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;

	kube_transport_free(w->transport);
	close(w->other);
	buf_release(&w->bytes);
	free(w);
	return 0;
}

static void say(struct world *w)
{
	assert_int_equal(write(w->other, w->bytes.data, w->bytes.len), (ssize_t)w->bytes.len);
	buf_clear(&w->bytes);
}

static bool run(struct world *w)
{
	struct err e = ERR_INIT;

	return kube_transport_run(w->transport, clock_monotonic_ms() + 10000, &e);
}

static void expect_lost(struct world *w)
{
	assert_true(run(w));
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->e.kind, ERR_UNAVAILABLE);
	assert_false(run(w));
	assert_int_equal(begin(w), 0);
}

static void an_answer_may_come_byte_by_byte(void **state)
{
	struct world *w = *state;
	struct err none = ERR_INIT;

	agent_encode_head(&w->bytes, w->id, 200, -1);
	agent_encode_data(&w->bytes, w->id, STR("abc"));
	agent_encode_end(&w->bytes, w->id, &none);
	for (size_t i = 0; i < w->bytes.len; i++) {
		assert_int_equal(w->ended, 0);
		assert_int_equal(write(w->other, w->bytes.data + i, 1), 1);
		assert_true(run(w));
	}
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->e.kind, ERR_NONE);
	assert_int_equal(w->status, 200);
	assert_int_equal(w->received, 3);
}

static void bytes_that_are_no_record_end_it_for_good(void **state)
{
	struct world *w = *state;

	buf_add(&w->bytes, STR("HTTP/1.1 200 OK\r\n\r\n"));
	say(w);
	expect_lost(w);
}

static void a_body_without_a_head_ends_it(void **state)
{
	struct world *w = *state;

	agent_encode_data(&w->bytes, w->id, STR("abc"));
	say(w);
	expect_lost(w);
	assert_int_equal(w->received, 0);
}

static void a_second_head_ends_it(void **state)
{
	struct world *w = *state;

	agent_encode_head(&w->bytes, w->id, 403, -1);
	agent_encode_head(&w->bytes, w->id, 200, -1);
	say(w);
	expect_lost(w);
	assert_int_equal(w->status, 403);
}

static void a_good_end_without_a_head_ends_it(void **state)
{
	struct world *w = *state;
	struct err none = ERR_INIT;

	agent_encode_end(&w->bytes, w->id, &none);
	say(w);
	expect_lost(w);
}

static void an_answer_that_nobody_asked_for_ends_it(void **state)
{
	struct world *w = *state;

	agent_encode_head(&w->bytes, w->id + 1, 200, -1);
	say(w);
	expect_lost(w);
}

static void being_ready_twice_ends_it(void **state)
{
	struct world *w = *state;

	agent_encode_ready(&w->bytes);
	say(w);
	expect_lost(w);
}

static void a_closed_socket_ends_it(void **state)
{
	struct world *w = *state;

	assert_int_equal(shutdown(w->other, SHUT_RDWR), 0);
	expect_lost(w);
}

static void of_what_was_cancelled_the_rest_may_still_come(void **state)
{
	struct world *w = *state;
	struct err late = ERR_INIT;

	kube_transport_cancel(w->transport, w->id);
	assert_int_equal(w->dropped, 1);
	err_set(&late, ERR_TIMEOUT, "late");
	agent_encode_head(&w->bytes, w->id, 200, -1);
	agent_encode_end(&w->bytes, w->id, &late);
	say(w);
	assert_true(run(w));
	assert_int_equal(w->ended, 0);
	assert_int_equal(w->status, 0);
	assert_true(begin(w) > w->id);
}

/* Sixty-four bodies of three MiB would be 192: what waits is bounded, and told. */
static void what_an_agent_does_not_read_is_bounded(void **state)
{
	struct world *w = *state;
	char *body = calloc(1, KUBE_BODY_MAX);
	const struct kube_request request = {.method = "POST",
					     .path = STR("/apis/x"),
					     .content_type = "application/json",
					     .body = str_make(body, KUBE_BODY_MAX)};
	const struct kube_handler handler = {w, on_head, on_data, on_end, on_dropped};
	unsigned begun = 0;

	assert_non_null(body);
	while (begun < 10 && kube_transport_start(w->transport, &request, &handler, &w->e))
		begun++;
	assert_int_equal(begun, 5);
	assert_int_equal(w->e.kind, ERR_UNAVAILABLE);
	/* A small one still finds room. */
	assert_int_not_equal(begin(w), 0);
	free(body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_may_come_byte_by_byte),
		TEST(bytes_that_are_no_record_end_it_for_good),
		TEST(a_body_without_a_head_ends_it),
		TEST(a_second_head_ends_it),
		TEST(a_good_end_without_a_head_ends_it),
		TEST(an_answer_that_nobody_asked_for_ends_it),
		TEST(being_ready_twice_ends_it),
		TEST(a_closed_socket_ends_it),
		TEST(of_what_was_cancelled_the_rest_may_still_come),
		TEST(what_an_agent_does_not_read_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
