/* Clients that mean harm or know no better: slow, endless, broken, many. Others are served meanwhile, and each gets its
 * end. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/e2e/bed.h"

/* What is started first and looked at last: it takes the server half a minute to lose patience. */
static struct {
	int drip;	  /* a head, one byte at a time */
	int silent_tls;	  /* half a ClientHello */
	int endless_body; /* a body announced and never sent */
	int64_t started_ms;
} slow;

static int connect_to(const char *url)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)strtol(strrchr(url, ':') + 1, NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_text(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* What comes until the peer closes, `max` bytes are read or `wait_ms` pass without a byte. */
static size_t receive(int fd, char *out, size_t max, int wait_ms, bool *closed)
{
	size_t length = 0;
	ssize_t got = 1;

	while (length < max - 1 && got > 0) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};

		if (poll(&ready, 1, wait_ms) <= 0)
			break;
		got = recv(fd, out + length, max - 1 - length, 0);
		length += got > 0 ? (size_t)got : 0;
	}
	out[length] = 0;
	if (closed)
		*closed = got <= 0;
	return length;
}

static int setup(void **state)
{
	struct rlimit files;
	struct bed *bed;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	bed_setup(state);
	bed = *state;
	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	slow.started_ms = clock_monotonic_ms();
	slow.drip = connect_to(bed->api);
	slow.silent_tls = connect_to(bed->webhook);
	slow.endless_body = connect_to(bed->api);
	send_text(slow.drip, "GET /v1alpha1/projects");
	assert_int_equal(send(slow.silent_tls, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11, MSG_NOSIGNAL), 11);
	send_text(slow.endless_body,
		  "POST /v1alpha1/projects/p/occurrences HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{");
	return 0;
}

static void assert_serves(struct bed *bed)
{
	struct reply reply = bed_request(bed, "GET", bed->api, "/v1alpha1/projects", NULL, 0, NULL);
	json_t *response = bed_review_pod(bed, IMAGE_B);

	assert_int_equal(reply.status, 200);
	assert_false(response_allowed(response));
	json_decref(response);
	reply_release(&reply);
}

static void raw_requests_get_their_answer(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{"GET /v1alpha1/projects HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200"},
		{"GET /v1alpha1/projects HTTP/1.0\r\n\r\n", "HTTP/1.1 200"},
		{"POST /v1alpha1/projects/p/occurrences HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
		 "HTTP/1.1 413"},
		{"POST /v1alpha1/projects/p/occurrences HTTP/1.1\r\nHost: x\r\nContent-Length: "
		 "18446744073709551617\r\n\r\n",
		 "HTTP/1.1 4"},
		{"POST /v1alpha1/projects/p/occurrences HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		 "HTTP/1.1 4"},
		{"GET /%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 4"},
		{"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404"},
		{"GET /v1alpha1/projects/..%2f..%2fetc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 4"},
		{"POST /v1alpha1/projects/p/notes?noteId=n HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
		 "chunked\r\nConnection: close\r\n\r\nZZ\r\n",
		 "HTTP/1.1 400"},
	};
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char answer[4096];
		int fd = connect_to(bed->api);

		assert_true(fd >= 0);
		send_text(fd, rows[i].request);
		receive(fd, answer, sizeof(answer), 5000, NULL);
		close(fd);
		/* A request that is no HTTP may also just be closed. */
		if (strncmp(answer, rows[i].answer, strlen(rows[i].answer)) != 0 &&
		    !(answer[0] == 0 && rows[i].answer[10] == 0))
			fail_msg("%s\ngot: %s", rows[i].request, answer);
	}
	assert_serves(bed);
}

static void chunks_without_end_are_cut_at_the_limit(void **state)
{
	struct bed *bed = *state;
	char *chunk = malloc(65536 + 16);
	char answer[4096] = "";
	int fd = connect_to(bed->api);
	size_t sent = 0;

	assert_non_null(chunk);
	send_text(fd,
		  "POST /v1alpha1/projects/p/occurrences HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	snprintf(chunk, 16, "10000\r\n");
	memset(chunk + 7, 'a', 65536);
	memcpy(chunk + 7 + 65536, "\r\n", 3);
	while (sent < 64u * 1024 * 1024 && send_text(fd, chunk)) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};

		sent += 65536;
		if (poll(&ready, 1, 0) > 0)
			break;
	}
	receive(fd, answer, sizeof(answer), 5000, NULL);
	close(fd);
	free(chunk);
	assert_true(sent < 32u * 1024 * 1024);
	if (answer[0])
		assert_memory_equal(answer, "HTTP/1.1 413", 12);
	assert_serves(bed);
}

static void garbage_on_the_tls_port_ends_that_connection_alone(void **state)
{
	struct bed *bed = *state;

	for (int i = 0; i < 50; i++) {
		unsigned char noise[256];
		int fd = connect_to(bed->webhook);

		for (size_t at = 0; at < sizeof(noise); at++)
			noise[at] = (unsigned char)((unsigned)i * 31 + at * 7);
		noise[0] = i % 2 ? 0x16 : noise[0];
		(void)!send(fd, noise, sizeof(noise), MSG_NOSIGNAL);
		close(fd);
	}
	assert_serves(bed);
}

static void pipelined_and_half_closed_requests_are_answered_in_order(void **state)
{
	struct bed *bed = *state;
	char answer[8192], *second;
	int fd = connect_to(bed->api);

	send_text(fd, "GET /v1alpha1/projects HTTP/1.1\r\nHost: x\r\n\r\nGET /v1alpha1/nothing HTTP/1.1\r\nHost: "
		      "x\r\nConnection: close\r\n\r\n");
	shutdown(fd, SHUT_WR);
	receive(fd, answer, sizeof(answer), 5000, NULL);
	close(fd);
	assert_memory_equal(answer, "HTTP/1.1 200", 12);
	second = strstr(answer + 12, "HTTP/1.1 ");
	if (second)
		assert_memory_equal(second, "HTTP/1.1 404", 12);
	assert_serves(bed);
}

static bool api_says_yes(struct bed *bed, void *context)
{
	struct reply reply = bed_request(bed, "GET", bed->api, "/v1alpha1/projects", NULL, 0, NULL);
	bool yes = reply.status == 200;

	(void)context;
	/* Whoever is refused is told when to come again. */
	assert_true(yes || reply.status == 0 || strstr(reply.headers, "Retry-After: 1\r\n"));
	reply_release(&reply);
	return yes;
}

static bool review_is_answered(struct bed *bed, void *review)
{
	struct reply reply =
		bed_request(bed, "POST", bed->webhook, "/validate?timeout=10s", review, strlen(review), NULL);
	bool answered = reply.status == 200 && strstr(reply.body, "\"allowed\":false");

	assert_true(answered || reply.status == 0 || strstr(reply.headers, "Retry-After: 1\r\n"));
	reply_release(&reply);
	return answered;
}

/* More than there is room for, none of which ever says anything; `hello` is half a handshake. */
static void flood(const char *url, int *fds, int count, bool hello)
{
	for (int i = 0; i < count; i++) {
		fds[i] = connect_to(url);
		if (hello && fds[i] >= 0)
			(void)!send(fds[i], "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11, MSG_NOSIGNAL);
	}
}

static void connections_that_say_nothing_keep_nobody_out(void **state)
{
	enum { MAX = 1100 };
	static int fds[2 * MAX];
	struct bed *bed = *state;
	char answer[2048], *review = bed_review_text(
				   "v1", "CREATE", "", "Pod", "pods", NULL, "default",
				   "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"" IMAGE_B "\"}]}}", NULL);
	int kept = connect_to(bed->api);
	int64_t started_ms = clock_monotonic_ms();

	send_text(kept, "GET /v1alpha1/projects HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(kept, answer, sizeof(answer), 100, NULL);
	flood(bed->api, fds, MAX, false);
	flood(bed->webhook, fds + MAX, MAX, true);
	assert_true(bed_eventually(bed, api_says_yes, NULL));
	assert_true(bed_eventually(bed, review_is_answered, review));
	/* Not only after the flood had its usual time. */
	assert_true(clock_monotonic_ms() - started_ms < 1000 * (int64_t)LIMIT_REQUEST_HEAD_SECONDS);
	send_text(kept, "GET /v1alpha1/projects HTTP/1.1\r\nHost: x\r\n\r\n");
	receive(kept, answer, sizeof(answer), 2000, NULL);
	assert_memory_equal(answer, "HTTP/1.1 200", 12);
	close(kept);
	for (int i = 0; i < 2 * MAX; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	assert_serves(bed);
	free(review);
}

static void slow_clients_are_cut_off(void **state)
{
	struct bed *bed = *state;
	bool drip_closed = false, tls_closed = false, body_closed = false;
	char rest[4096];

	while (!(drip_closed && tls_closed && body_closed) && clock_monotonic_ms() - slow.started_ms < 60000) {
		if (!drip_closed)
			drip_closed = !send_text(slow.drip, "x") ||
				      (receive(slow.drip, rest, sizeof(rest), 10, &drip_closed), drip_closed);
		if (!tls_closed)
			receive(slow.silent_tls, rest, sizeof(rest), 10, &tls_closed);
		if (!body_closed) {
			receive(slow.endless_body, rest, sizeof(rest), 10, &body_closed);
			body_closed = body_closed || strncmp(rest, "HTTP/1.1 408", 12) == 0;
		}
		poll(NULL, 0, 500);
	}
	assert_true(drip_closed);
	assert_true(tls_closed);
	assert_true(body_closed);
	close(slow.drip);
	close(slow.silent_tls);
	close(slow.endless_body);
	assert_serves(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_requests_get_their_answer),
		cmocka_unit_test(chunks_without_end_are_cut_at_the_limit),
		cmocka_unit_test(garbage_on_the_tls_port_ends_that_connection_alone),
		cmocka_unit_test(pipelined_and_half_closed_requests_are_answered_in_order),
		cmocka_unit_test(connections_that_say_nothing_keep_nobody_out),
		cmocka_unit_test(slow_clients_are_cut_off),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
