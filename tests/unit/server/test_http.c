#include "server/metrics.h"
#include "tests/unit/server/echo.h"

static void requests_reach_the_handler_whole(void **state)
{
	static const struct {
		const char *request, *status, *part;
	} rows[] = {
		{"GET / HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "GET / type= auth= body=0"},
		{"GET /a HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "Connection: close"},
		{"BREW /pot HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "BREW /pot"},
		{"GET /a%20b//c%2Fd HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "GET /a b//c/d "},
		{"GET http://some.host:1/a?b HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "GET /a type= auth= body=0 b"},
		{"GET /q?a=1&a=2&b&c=&d=x%3D+y&&=z HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", " a=1 a=2 b c= d=x= y =z"},
		{"GET /b HTTP/1.1\r\nX:\r\nY: \t \r\nContent-Type:  \ta\r\n" CLOSE, "HTTP/1.1 200", "type=a"},
		{"POST /p HTTP/1.1\r\ncontent-type: text/x\r\nAUTHORIZATION: Bearer t\r\nContent-Length: 3\r\n" CLOSE
		 "abc",
		 "HTTP/1.1 200", "type=text/x auth=Bearer t body=3"},
		{"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
		 "HTTP/1.1 200", "body=3"},
		{"POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n" CLOSE, "HTTP/1.1 ", "body=0"},
		{"POST /p HTTP/1.1\r\nContent-Encoding: Identity\r\nContent-Length: 1\r\n" CLOSE "a", "HTTP/1.1 200",
		 "body=1"},
		{"\r\n\r\nGET /late HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "GET /late"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_answer(*state, rows[i].request, rows[i].status, rows[i].part);
}

static void refuses_what_is_not_clear(void **state)
{
	static const struct {
		const char *request, *status;
	} rows[] = {
		{"GET /a%00b HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400"},
		{"GET /?a=%00 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400"},
		{"GET /%zz HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400"},
		{"GET /%4 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400"},
		{"GET /?a=%4 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400"},
		{"GET a HTTP/1.1\r\n" CLOSE, "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" CLOSE "a", "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" CLOSE "1\r\na\r\n0\r\n\r\n",
		 "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" CLOSE "a", "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n" CLOSE, "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\nContent-Type: a\r\nContent-Type: a\r\n" CLOSE, "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nContent-Length: x\r\n" CLOSE, "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nContent-Length: 100001\r\n" CLOSE, "HTTP/1.1 413"},
		{"POST / HTTP/1.1\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n" CLOSE, "HTTP/1.1 413"},
		{"POST / HTTP/1.1\r\nContent-Length: 000000000000000000000000000001\r\n" CLOSE "a", "HTTP/1.1 413"},
		{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\nHost: y\r\n" CLOSE, "HTTP/1.1 400"},
		{"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n" CLOSE "a", "HTTP/1.1 415"},
		{"POST / HTTP/1.1\r\nContent-Encoding: deflate\r\nContent-Length: 1\r\n" CLOSE "a", "HTTP/1.1 415"},
		{"POST / HTTP/1.1\r\nContent-Encoding: identity, br\r\nContent-Length: 1\r\n" CLOSE "a",
		 "HTTP/1.1 415"},
		{"POST / HTTP/1.1\r\nContent-Encoding:\r\nContent-Length: 1\r\n" CLOSE "a", "HTTP/1.1 415"},
		{"GET /nothing HTTP/1.1\r\n" CLOSE, "HTTP/1.1 500"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_answer(*state, rows[i].request, rows[i].status, "");
}

static void malformed_requests_never_reach_the_handler(void **state)
{
	static const char *const rows[] = {"\r\n\r\n\r\n",
					   "GET\r\n\r\n",
					   "GET / HTTP/9.9\r\n\r\n",
					   "GET / FTP/1.1\r\n" CLOSE,
					   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
					   "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "zz\r\n",
					   "POST / HTTP/1.1\r\nContent-Length: -1\r\n" CLOSE,
					   "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n" CLOSE};
	atomic_store(&seen.calls, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[4096];
		int fd = connect_to(*state);
		put(fd, rows[i]);
		shutdown(fd, SHUT_WR);
		(void)get(fd, out, sizeof(out), NULL);
		close(fd);
		if (out[0] && strncmp(out, "HTTP/1.1 4", 10) != 0 && strncmp(out, "HTTP/1.1 5", 10) != 0)
			fail_msg("%s\n--- answered ---\n%s", rows[i], out);
	}
	assert_int_equal(atomic_load(&seen.calls), 0);
}

struct raw {
	const char *bytes;
	size_t length;
};
#define RAW(text)                      \
	{                              \
		text, sizeof(text) - 1 \
	}
#define HIDDEN "GET /hidden HTTP/1.1\r\n" CLOSE

/* Whatever a proxy before us would have made of these: no second request is found in the first one's body, and none is
 * run with a body of another length. */
static void no_request_is_smuggled_inside_another(void **state)
{
	static const struct raw rows[] = {
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 44\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0 44\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
		    "chunked\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
		    "5\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		    "identity\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \r\n chunked\r\nContent-Length: "
		    "5\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n chunked\r\nContent-Length: "
		    "5\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: "
		    "5\r\n\r\n0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n 44\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" HIDDEN),
		RAW("GET /\0hidden HTTP/1.1\r\n" CLOSE HIDDEN),
		RAW("GET /a\0 HTTP/1.1\r\n" CLOSE HIDDEN),
		RAW("GET / HTTP/1.1\0X\r\n" CLOSE),
		RAW("GET / HTTP/1.1\r\nX: a\0b\r\n" CLOSE),
		RAW("GET / HTTP/1.1\r\nX\0Y: a\r\n" CLOSE),
		RAW("GET / HTTP/1.1\r\nX\rY: a\r\n" CLOSE),
		RAW("GET / HTTP/1.1\r\nX: a\rY: b\r\n" CLOSE),
		RAW("GET / HTTP/1.1\r\nAuthorization: Bearer a\0b\r\n" CLOSE),
		RAW("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: a\0b\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: \0\0\0\r\n\r\n"),
		RAW("GET / HTTP/1.1\nHost: x\nConnection: close\n\n"),
		RAW("GET / HTTP/1.1\r\nHost: x\nConnection: close\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: x\rConnection: close\r\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\n\r\n"),
		RAW("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\n"),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nX: a\rContent-Length: 44\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n\r\n"),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: "
		    "44\r\n\r\n" HIDDEN),
		RAW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: "
		    "known\r\n\r\n")};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[8192];
		int fd = connect_to(*state);
		atomic_store(&seen.calls, 0);
		(void)send(fd, rows[i].bytes, rows[i].length, MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		(void)get(fd, out, sizeof(out), NULL);
		close(fd);
		if (atomic_load(&seen.calls) != 0)
			fail_msg("row %zu: %s\n--- answered ---\n%s", i, rows[i].bytes, out);
	}
}

static void query_parameters_are_bounded(void **state)
{
	char request[2048] = "GET /?";
	char out[8192];
	for (unsigned i = 0; i < LIMIT_QUERY_PARAMETERS; i++)
		(void)snprintf(request + strlen(request), sizeof(request) - strlen(request), "%sa=%u", i ? "&" : "", i);
	size_t length = strlen(request);
	(void)snprintf(request + length, sizeof(request) - length, " HTTP/1.1\r\n" CLOSE);
	ask(*state, request, out, sizeof(out));
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	(void)snprintf(request + length, sizeof(request) - length, "&b HTTP/1.1\r\n" CLOSE);
	ask(*state, request, out, sizeof(out));
	assert_memory_equal(out, "HTTP/1.1 400", 12);
}

static void ask_with_header(struct http_listener *listener, size_t size, char *out, size_t max)
{
	char *request = calloc(1, size + 200);
	assert_non_null(request);
	(void)snprintf(request, size + 200, "GET / HTTP/1.1\r\nX: %0*d\r\n" CLOSE, (int)size, 0);
	ask(listener, request, out, max);
	free(request);
}

static void a_head_has_its_size(void **state)
{
	char out[8192];
	ask_with_header(*state, LIMIT_REQUEST_HEAD - 300, out, sizeof(out));
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	atomic_store(&seen.calls, 0);
	ask_with_header(*state, LIMIT_REQUEST_HEAD, out, sizeof(out));
	assert_memory_equal(out, "HTTP/1.1 431", 12);
	ask_with_header(*state, 3 * LIMIT_REQUEST_HEAD, out, sizeof(out));
	assert_true(out[0] == 0 || strncmp(out, "HTTP/1.1 4", 10) == 0);
	assert_int_equal(atomic_load(&seen.calls), 0);
}

/* With as many headers as a client of the API server sends, and a few of a proxy's. */
static void a_head_of_the_full_size_is_read(void **state)
{
	char *request = calloc(1, 2 * LIMIT_REQUEST_HEAD);
	char out[8192];
	size_t length = 0;
	assert_non_null(request);
	length += (size_t)snprintf(request, LIMIT_REQUEST_HEAD, "GET /full-head HTTP/1.1\r\n");
	for (int i = 0; i < 10; i++)
		length += (size_t)snprintf(request + length, LIMIT_REQUEST_HEAD, "X-%d: y\r\n", i);
	size_t rest = LIMIT_REQUEST_HEAD - length - strlen("Z: \r\n" CLOSE);
	(void)snprintf(request + length, LIMIT_REQUEST_HEAD, "Z: %0*d\r\n" CLOSE, (int)rest, 0);
	assert_int_equal(strlen(request), LIMIT_REQUEST_HEAD);
	ask(*state, request, out, sizeof(out));
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	assert_non_null(strstr(out, "GET /full-head"));
	free(request);
}

static void response_fields_become_headers(void **state)
{
	char out[4096];
	ask(*state, "GET /full HTTP/1.1\r\nHost: x\r\n\r\n", out, sizeof(out));
	const char *parts[] = {"HTTP/1.1 405 ",
			       "\r\nAllow: GET\r\n",
			       "\r\nRetry-After: 7\r\n",
			       "\r\nLocation: /elsewhere\r\n",
			       "\r\nWWW-Authenticate: Bearer\r\n",
			       "\r\nContent-Type: application/json\r\n",
			       "\r\nConnection: close\r\n",
			       "\r\nDate: "};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(out, parts[i]))
			fail_msg("no %s in %s", parts[i], out);
}

static void connections_are_kept_and_requests_answered_in_order(void **state)
{
	char out[8192];
	int fd = connect_to(*state);
	for (int i = 0; i < 3; i++) {
		put(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_false(get(fd, out, sizeof(out), "GET /one type= auth= body=0"));
		assert_null(strstr(out, "Connection: close"));
	}
	put(fd, "GET /two HTTP/1.1\r\nHost: x\r\n\r\nPOST /three HTTP/1.1\r\nContent-Length: 1\r\n" CLOSE "a");
	assert_true(get(fd, out, sizeof(out), NULL));
	assert_true(strstr(out, "GET /two") < strstr(out, "POST /three"));
	assert_non_null(strstr(out, "POST /three"));
	close(fd);
}

/* Sends a body of `size` bytes, of known length or in chunks, and gives the answer. */
static void send_body(struct http_listener *listener, size_t size, bool chunked, char *out, size_t max)
{
	static char block[10000];
	char head[256];
	int fd = connect_to(listener);
	memset(block, 'x', sizeof(block));
	(void)snprintf(head, sizeof(head), "Content-Length: %zu\r\n", size);
	put(fd, "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
	put(fd, chunked ? "Transfer-Encoding: chunked\r\n\r\n" : head);
	put(fd, chunked ? "" : "\r\n");
	for (size_t left = size; left > 0;) {
		size_t n = left < sizeof(block) ? left : sizeof(block);
		(void)snprintf(head, sizeof(head), "%zx\r\n", n);
		put(fd, chunked ? head : "");
		if (send(fd, block, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
		put(fd, chunked ? "\r\n" : "");
		left -= n;
	}
	put(fd, chunked ? "0\r\n\r\n" : "");
	(void)get(fd, out, max, NULL);
	close(fd);
}

static void bodies_end_at_the_limit(void **state)
{
	char out[4096];
	for (int chunked = 0; chunked < 2; chunked++) {
		send_body(*state, BODY_LIMIT, chunked, out, sizeof(out));
		assert_memory_equal(out, "HTTP/1.1 200", 12);
		assert_non_null(strstr(out, "body=100000"));
		atomic_store(&seen.calls, 0);
		send_body(*state, BODY_LIMIT + 1, chunked, out, sizeof(out));
		assert_memory_equal(out, "HTTP/1.1 413", 12);
		assert_int_equal(atomic_load(&seen.calls), 0);
	}
	send_body(*state, 50 * BODY_LIMIT, true, out, sizeof(out));
	assert_true(out[0] == 0 || strncmp(out, "HTTP/1.1 413", 12) == 0);
	assert_int_equal(atomic_load(&seen.calls), 0);
}

static void bodies_together_have_a_limit(void **state)
{
	struct http_config limits = {.bodies_limit = 10};
	struct http_listener *listener = start_with(&limits);
	char out[4096];
	(void)state;
	for (int chunked = 0; chunked < 2; chunked++) {
		send_body(listener, LIMIT_BODY_FREE + 10, chunked, out, sizeof(out));
		assert_memory_equal(out, "HTTP/1.1 200", 12);
		atomic_store(&seen.calls, 0);
		send_body(listener, LIMIT_BODY_FREE + 11, chunked, out, sizeof(out));
		assert_told_to_come_back(out);
		assert_int_equal(atomic_load(&seen.calls), 0);
		/* What was held is given back. */
		send_body(listener, LIMIT_BODY_FREE + 10, chunked, out, sizeof(out));
		assert_memory_equal(out, "HTTP/1.1 200", 12);
	}
	http_stop(listener);
}

static bool nearly_all_is_held(void *metrics)
{
	cleanup(buf) struct buf out = buf_init(1024 * 1024);
	char line[128];
	metrics_write(metrics, 0, &out);
	(void)snprintf(line, sizeof(line), "sealgate_held_bytes{listener=\"api\",of=\"bodies\"} %u\n",
		       BODY_LIMIT - LIMIT_BODY_FREE - 1);
	return strstr(out.data, line) != NULL;
}

static void stalled_large_bodies_keep_out_no_small_one(void **state)
{
	struct metrics *metrics = metrics_new();
	struct http_config limits = {.bodies_limit = BODY_LIMIT - LIMIT_BODY_FREE, .metrics = metrics};
	struct http_listener *listener = start_with(&limits);
	char *part = calloc(1, BODY_LIMIT);
	char out[4096];
	int stalled = connect_to(listener);
	(void)state;
	assert_non_null(part);
	memset(part, 'x', BODY_LIMIT - 1);
	put(stalled, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
	put(stalled, part);
	assert_true(eventually(nearly_all_is_held, metrics));
	send_body(listener, BODY_LIMIT, false, out, sizeof(out));
	assert_told_to_come_back(out);
	send_body(listener, LIMIT_BODY_FREE, false, out, sizeof(out));
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	put(stalled, "x");
	(void)get(stalled, out, sizeof(out), "body=100000");
	close(stalled);
	free(part);
	http_stop(listener);
	metrics_free(metrics);
}

static void requests_beyond_those_in_work_are_told_to_come_back_at_once(void **state)
{
	struct http_config limits = {.request_limit = 1};
	struct http_listener *listener = start_with(&limits);
	char out[4096];
	(void)state;
	atomic_store(&seen.hold, true);
	int running = connect_to(listener);
	put(running, "GET /hold HTTP/1.1\r\n" CLOSE);
	assert_true(eventually(one_waiting, NULL));
	for (int i = 0; i < 3; i++) {
		ask(listener, "GET /next HTTP/1.1\r\n" CLOSE, out, sizeof(out));
		assert_told_to_come_back(out);
	}
	let_go();
	(void)get(running, out, sizeof(out), NULL);
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	ask(listener, "GET /next HTTP/1.1\r\n" CLOSE, out, sizeof(out));
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	close(running);
	http_stop(listener);
}

static bool two_busy(void *listener)
{
	return http_busy(listener) == 2;
}

static void requests_wait_for_their_turn_a_bounded_time(void **state)
{
	struct http_config limits = {.turns = 1};
	struct http_listener *listener = start_with(&limits);
	char out[4096];
	(void)state;
	atomic_store(&seen.hold, true);
	int running = connect_to(listener), next = connect_to(listener);
	put(running, "GET /hold HTTP/1.1\r\n" CLOSE);
	assert_true(eventually(one_waiting, NULL));
	/* As nobody ends, patience does. */
	ask(listener, "GET /late HTTP/1.1\r\n" CLOSE, out, sizeof(out));
	assert_told_to_come_back(out);
	put(next, "GET /next HTTP/1.1\r\n" CLOSE);
	assert_true(eventually(two_busy, listener));
	let_go();
	(void)get(next, out, sizeof(out), NULL);
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	(void)get(running, out, sizeof(out), NULL);
	assert_memory_equal(out, "HTTP/1.1 200", 12);
	close(running);
	close(next);
	http_stop(listener);
}

static bool none_busy(void *listener)
{
	return http_busy(listener) == 0;
}

static void answers_together_have_a_limit(void **state)
{
	struct http_config limits = {.answers_limit = 1000};
	struct http_listener *listener = start_with(&limits);
	char out[4096];
	(void)state;
	for (int i = 0; i < 2; i++) {
		ask(listener, "GET /long HTTP/1.1\r\n" CLOSE, out, sizeof(out));
		assert_memory_equal(out, "HTTP/1.1 200", 12);
		assert_true(eventually(none_busy, listener));
		ask(listener, "GET /longer HTTP/1.1\r\n" CLOSE, out, sizeof(out));
		assert_told_to_come_back(out);
	}
	http_stop(listener);
}

static bool nobody(void *context, struct http_request *request, struct http_response *response)
{
	(void)context;
	response->status = 401;
	return str_eq_c(request->authorization, "known");
}

static void a_large_body_is_read_only_from_those_who_may_send_it(void **state)
{
	struct http_config limits = {.screen = nobody};
	struct http_listener *listener = start_with(&limits);
	char out[4096];
	int fd = connect_to(listener);
	(void)state;
	/* The answer comes though nothing of the body does. */
	put(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n");
	(void)get(fd, out, sizeof(out), NULL);
	assert_memory_equal(out, "HTTP/1.1 401", 12);
	close(fd);
	fd = connect_to(listener);
	put(fd, "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: known\r\nExpect: 100-continue\r\nContent-Length: "
		"99999\r\n\r\n");
	(void)get(fd, out, sizeof(out), "\r\n\r\n");
	assert_memory_equal(out, "HTTP/1.1 100", 12);
	close(fd);
	http_stop(listener);
}

static int niceness_of(struct http_listener *listener)
{
	char out[4096];
	const char *at;
	ask(listener, "GET /nice HTTP/1.1\r\n" CLOSE, out, sizeof(out));
	at = strstr(out, " nice=");
	assert_non_null(at);
	return (int)strtol(at + strlen(" nice="), NULL, 10);
}

static void a_background_listener_leaves_the_processor_to_others(void **state)
{
	struct http_config limits = {.background = true};
	struct http_listener *listener = start_with(&limits);
	int own = getpriority(PRIO_PROCESS, 0), back = own + 10 < 19 ? own + 10 : 19;
	(void)state;
	assert_int_equal(niceness_of(listener), back);
	http_stop(listener);
	listener = start("127.0.0.1:0");
	assert_int_equal(niceness_of(listener), own);
	http_stop(listener);
}

static void waits_for_the_body_only_after_100_continue(void **state)
{
	char out[4096];
	int fd = connect_to(*state);
	put(fd, "POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n" CLOSE);
	assert_false(get(fd, out, sizeof(out), "\r\n\r\n"));
	assert_memory_equal(out, "HTTP/1.1 100", 12);
	put(fd, "abc");
	(void)get(fd, out, sizeof(out), NULL);
	assert_non_null(strstr(out, "body=3"));
	close(fd);
}

static void addresses_are_numeric_and_whole(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
					  "8080",
					  ":8080",
					  "nowhere",
					  "nowhere:80",
					  "127.0.0.1",
					  "127.0.0.1:",
					  "127.0.0.1:x",
					  "127.0.0.1:65536",
					  "127.0.0.1:-1",
					  "127.1:80",
					  "::1:80",
					  "[::1]",
					  "[::1]80",
					  "[::1:80",
					  "[127.0.0.1]:80",
					  "[fe80::1%lo]:80",
					  "127.0.0.1:080000",
					  "[]:80",
					  " 127.0.0.1:80"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_config config = {.name = "api", .address = bad[i], .body_limit = 1, .handler = echo};
		struct err e = ERR_INIT;
		bool loopback;
		assert_null(http_start(&config, &e));
		assert_int_equal(e.kind, ERR_INVALID);
		assert_false(http_address_is_loopback(bad[i], &loopback, &e));
	}
}

static void loopback_is_told_from_everything_else(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		bool loopback;
	} rows[] = {{"127.0.0.1:1", true},  {"127.255.0.9:1", true},	  {"[::1]:1", true},
		    {"localhost:1", true},  {"0.0.0.0:1", false},	  {"128.0.0.1:1", false},
		    {"[::]:1", false},	    {"[::2]:1", false},		  {"10.0.0.1:1", false},
		    {"[fe80::1]:1", false}, {"[::ffff:7f00:1]:1", false}, {"1.127.0.0:1", false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		bool loopback = !rows[i].loopback;
		assert_true(http_address_is_loopback(rows[i].address, &loopback, &e));
		assert_int_equal(loopback, rows[i].loopback);
	}
}

static void a_taken_port_is_not_the_callers_mistake(void **state)
{
	struct http_config config = {.name = "api", .address = http_address(*state), .body_limit = 1, .handler = echo};
	struct err e = ERR_INIT;
	assert_null(http_start(&config, &e));
	assert_int_equal(e.kind, ERR_INTERNAL);
	assert_non_null(strstr(e.text, http_address(*state)));
}

static void listens_on_ipv6_and_names_the_port(void **state)
{
	(void)state;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool have_v6 = fd >= 0 && bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	if (fd >= 0)
		close(fd);
	if (!have_v6)
		skip();
	struct http_listener *all = start("[::]:0"), *one = start("[::1]:0");
	assert_memory_equal(http_address(all), "[::]:", 5);
	assert_memory_equal(http_address(one), "[::1]:", 6);
	assert_answer(all, "GET /v4 HTTP/1.1\r\n" CLOSE, "HTTP/1.1 200", "GET /v4");
	http_stop(all);
	http_stop(one);
}

int main(void)
{
#define WITH_LISTENER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_LISTENER(requests_reach_the_handler_whole),
		WITH_LISTENER(refuses_what_is_not_clear),
		WITH_LISTENER(malformed_requests_never_reach_the_handler),
		WITH_LISTENER(no_request_is_smuggled_inside_another),
		WITH_LISTENER(query_parameters_are_bounded),
		WITH_LISTENER(a_head_has_its_size),
		WITH_LISTENER(a_head_of_the_full_size_is_read),
		WITH_LISTENER(response_fields_become_headers),
		WITH_LISTENER(connections_are_kept_and_requests_answered_in_order),
		WITH_LISTENER(bodies_end_at_the_limit),
		cmocka_unit_test(bodies_together_have_a_limit),
		cmocka_unit_test(stalled_large_bodies_keep_out_no_small_one),
		cmocka_unit_test(requests_beyond_those_in_work_are_told_to_come_back_at_once),
		cmocka_unit_test(requests_wait_for_their_turn_a_bounded_time),
		cmocka_unit_test(answers_together_have_a_limit),
		cmocka_unit_test(a_large_body_is_read_only_from_those_who_may_send_it),
		cmocka_unit_test(a_background_listener_leaves_the_processor_to_others),
		WITH_LISTENER(waits_for_the_body_only_after_100_continue),
		WITH_LISTENER(a_taken_port_is_not_the_callers_mistake),
		cmocka_unit_test(addresses_are_numeric_and_whole),
		cmocka_unit_test(loopback_is_told_from_everything_else),
		cmocka_unit_test(listens_on_ipv6_and_names_the_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
