/* The agent's end of the socket, before a sealgated that is somebody else's. */
#include <sys/socket.h>
#include <unistd.h>

#include "kube/agent_protocol.h"
#include "kube/agent_serve.h"
#include "tests/unit/kube/script.h"

struct world {
	struct script script;
	int here;  /* the agent's end */
	int there; /* sealgated's */
	struct buf bytes;
	struct agent_record told[8];
	size_t told_count;
	char received[4096];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int ends[2];

	if (!w || socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return -1;
	w->here = ends[0];
	w->there = ends[1];
	w->bytes = buf_init(2 * AGENT_REQUEST_MAX);
	script_init(&w->script);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	close(w->here);
	close(w->there);
	buf_release(&w->bytes);
	free(w);
	return 0;
}

static bool never_wait(struct kube_transport *t, int64_t deadline_ms, int fd, struct err *e)
{
	(void)t;
	(void)deadline_ms;
	(void)fd;
	(void)e;
	return true;
}

static void read_told(struct world *w)
{
	ssize_t n = recv(w->there, w->received, sizeof(w->received), MSG_DONTWAIT);
	struct str rest = str_make(w->received, n > 0 ? (size_t)n : 0);
	size_t used = 0;

	while (w->told_count < 8 && agent_decode(rest, AGENT_TELLS, &w->told[w->told_count], &used) == AGENT_RECORD) {
		w->told_count++;
		rest = str_skip(rest, used);
	}
	assert_int_equal(rest.len, 0);
}

/* All that was written, and then the end. */
static bool serve(struct world *w)
{
	struct err e = ERR_INIT;
	bool served;

	assert_int_equal(write(w->there, w->bytes.data, w->bytes.len), (ssize_t)w->bytes.len);
	assert_int_equal(shutdown(w->there, SHUT_WR), 0);
	served = agent_serve(&w->script.transport, never_wait, w->here, STR("sealgate"), &e);
	read_told(w);
	return served;
}

static void ask(struct world *w, uint64_t id, const char *method, const char *path)
{
	const struct kube_request request = {.method = method, .path = str_of(path)};

	agent_encode_start(&w->bytes, id, &request);
}

static void what_is_permitted_is_carried_and_cancelled_at_the_end(void **state)
{
	struct world *w = *state;

	ask(w, 1, "GET", "/api/v1/pods");
	assert_true(serve(w));
	assert_int_equal(w->script.begun, 1);
	assert_string_equal(w->script.path, "/api/v1/pods");
	assert_false(w->script.open);
	assert_int_equal(w->told_count, 0);
}

static void what_is_not_is_told_and_never_begun(void **state)
{
	struct world *w = *state;

	ask(w, 1, "DELETE", "/api/v1/namespaces/default");
	ask(w, 2, "GET", "/api/v1/namespaces/default/secrets");
	ask(w, 3, "CONNECT", "/api/v1/pods");
	ask(w, 4, "GET", "");
	assert_true(serve(w));
	assert_int_equal(w->script.begun, 0);
	assert_int_equal(w->told_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(w->told[i].kind, AGENT_END);
		assert_int_equal(w->told[i].id, i + 1);
		assert_int_equal(w->told[i].error, ERR_FORBIDDEN);
	}
}

static void a_number_is_used_once(void **state)
{
	struct world *w = *state;

	ask(w, 2, "GET", "/api/v1/nodes");
	ask(w, 2, "GET", "/api/v1/nodes");
	assert_false(serve(w));
	assert_int_equal(w->told_count, 1);
}

static void numbers_only_grow(void **state)
{
	struct world *w = *state;

	ask(w, 2, "GET", "/api/v1/nodes");
	ask(w, 1, "GET", "/api/v1/nodes");
	assert_false(serve(w));
}

static void what_was_never_asked_is_not_cancelled(void **state)
{
	struct world *w = *state;

	agent_encode_cancel(&w->bytes, 1);
	assert_false(serve(w));
}

static void what_is_cancelled_is_cancelled_once(void **state)
{
	struct world *w = *state;

	ask(w, 1, "GET", "/api/v1/pods");
	agent_encode_cancel(&w->bytes, 1);
	agent_encode_cancel(&w->bytes, 1);
	assert_true(serve(w));
	assert_false(w->script.open);
}

static void bytes_that_are_no_record_are_the_end(void **state)
{
	struct world *w = *state;

	buf_add(&w->bytes, STR("GET /api/v1/pods HTTP/1.1\r\n\r\n"));
	assert_false(serve(w));
	assert_int_equal(w->script.begun, 0);
}

static void what_cannot_begin_is_told(void **state)
{
	struct world *w = *state;

	w->script.refuse = true;
	ask(w, 1, "GET", "/api/v1/pods");
	assert_true(serve(w));
	assert_int_equal(w->told_count, 1);
	assert_int_equal(w->told[0].error, ERR_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_permitted_is_carried_and_cancelled_at_the_end),
		TEST(what_is_not_is_told_and_never_begun),
		TEST(a_number_is_used_once),
		TEST(numbers_only_grow),
		TEST(what_was_never_asked_is_not_cancelled),
		TEST(what_is_cancelled_is_cancelled_once),
		TEST(bytes_that_are_no_record_are_the_end),
		TEST(what_cannot_begin_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
