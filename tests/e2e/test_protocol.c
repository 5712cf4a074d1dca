/* HTTP and TLS that are unusual, forbidden or too much: each has its answer or its end, and others are served. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/e2e/client.h"

#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define ASK "GET /healthz HTTP/1.1\r\nHost: x\r\n"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POST "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

enum { PIPELINED = 50, FLOOD = 1000, LARGE_UPLOADS = 60, SLOW_READERS = 60 };

static int setup(void **state)
{
	struct bed *bed;

	bed_setup(state);
	bed = *state;
	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	return 0;
}

static void assert_serves(struct bed *bed)
{
	json_t *response = bed_review_pod(bed, IMAGE_B);

	assert_false(response_allowed(response));
	json_decref(response);
}

static size_t count_answers(const char *text, const char *status)
{
	size_t count = 0;

	while ((text = strstr(text, status)) != NULL) {
		count++;
		text += strlen(status);
	}
	return count;
}

/* `text` so many times between two others; to be freed. */
static char *repeat(const char *before, const char *text, size_t times, const char *after)
{
	char *all = NULL;
	size_t length;
	FILE *out = open_memstream(&all, &length);

	fputs(before, out);
	for (size_t i = 0; i < times; i++)
		fputs(text, out);
	fputs(after, out);
	fclose(out);
	return all;
}

static void requests_in_one_segment_are_all_answered(void **state)
{
	struct bed *bed = *state;
	const char *urls[] = {bed->webhook, bed->api, bed->ops};
	char *requests = repeat("", ASK "\r\n", PIPELINED - 1, ASK "Connection: close\r\n\r\n");
	static char answers[PIPELINED * 1000];

	for (size_t i = 0; i < 3; i++) {
		struct client c = client_open(urls[i]);
		bool closed;

		assert_true(client_send_text(&c, requests));
		client_receive(&c, answers, sizeof(answers), 10000, &closed);
		client_close(&c);
		assert_true(closed);
		assert_int_equal(count_answers(answers, "HTTP/1.1 "), PIPELINED);
		assert_int_equal(count_answers(answers, i == 2 ? "HTTP/1.1 200" : "HTTP/1.1 404"), PIPELINED);
	}
	free(requests);
}

/* Sends the request to both kinds of listener and looks at the first answer: one of `statuses` ("" : the end of the
 * connection will do as well). */
static void assert_answers(struct bed *bed, const char *request, const char *const *statuses)
{
	const char *urls[] = {bed->webhook, bed->api};

	for (size_t i = 0; i < 2; i++) {
		struct client c = client_open(urls[i]);
		char answer[8192];
		bool closed, found = false;

		(void)client_send_text(&c, request);
		client_half_close(&c);
		client_receive(&c, answer, sizeof(answer), 10000, &closed);
		client_close(&c);
		for (size_t s = 0; statuses[s]; s++)
			found = found || (statuses[s][0] ? strncmp(answer + 9, statuses[s], 3) == 0 : answer[0] == 0);
		if (!found || !closed)
			fail_msg("%.300s\n--- answered (%s) ---\n%s", request, closed ? "closed" : "open", answer);
	}
}

static void unusual_requests_have_their_answer(void **state)
{
	static const struct {
		const char *request, *statuses[4];
	} rows[] = {
		{"GET http://elsewhere/healthz HTTP/1.1\r\nHost: x\r\n\r\n", {"404"}},
		{"CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
		{"GET elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n", {"400"}},
		{"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {"404", "400"}},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"505"}},
		{ASK "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", {"404"}},
		{POST "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", {"415"}},
		{POST "Content-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {"415"}},
		{POST "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {"400"}},
		{POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n", {"400"}},
		{POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n", {"400"}},
		{POST "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", {"400"}},
		{POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", {"400"}},
		{POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", {"400"}},
		{POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", {"100"}},
		{POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", {"100"}},
		{"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n", {"404"}},
	};
	struct bed *bed = *state;

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_answers(bed, rows[i].request, rows[i].statuses);
	assert_serves(bed);
}

static void heads_and_trailers_without_measure_end(void **state)
{
	static const struct {
		const char *before, *part;
		size_t times;
	} rows[] = {
		{ASK, "X: a\r\n", 100000},
		{ASK, "X:\r\n", 3000},
		{ASK "X: ", "aaaaaaaaaa", 100000},
		{ASK "X", "aaaaaaaaaa", 100000},
		{"GET /", "aaaaaaaaaa", 100000},
		{"GET /?", "a&", 100000},
		{"", "AAAAAAAAAA", 100000},
		{"", "\r\n", 100000},
		{POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "X: a\r\n", 100000},
		{POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: ", "aaaaaaaaaa", 100000},
		{POST "Transfer-Encoding: chunked\r\n\r\n2;", "aaaaaaaaaa", 100000},
		{POST "Transfer-Encoding: chunked\r\n\r\n", "0000000000", 100000},
		{POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}", "\r\n1\r\n ", 500000},
	};
	static const char *const statuses[] = {"413", "414", "431", "400", "500", "", NULL};
	struct bed *bed = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *request = repeat(rows[i].before, rows[i].part, rows[i].times, "");

		assert_answers(bed, request, statuses);
		free(request);
	}
	assert_serves(bed);
}

/* Does `act` until it fails or the server closes, FLOOD times at most; true when it has come to an end. */
static bool is_ended(struct client *c, bool (*act)(struct client *c))
{
	char rest[4096];
	bool closed = false;

	for (int i = 0; i < FLOOD; i++) {
		if (!act(c))
			return true;
		client_receive(c, rest, sizeof(rest), 0, &closed);
		if (closed)
			return true;
	}
	client_receive(c, rest, sizeof(rest), 5000, &closed);
	return closed;
}

static bool renegotiate(struct client *c)
{
	int code;

	do
		code = gnutls_handshake(c->tls);
	while (code < 0 && !gnutls_error_is_fatal(code));
	return code == 0;
}

static bool update_keys(struct client *c)
{
	return gnutls_session_key_update(c->tls, GNUTLS_KU_PEER) == 0;
}

static bool warn(struct client *c)
{
	return gnutls_alert_send(c->tls, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED) == 0;
}

static void no_tls_message_can_be_sent_without_end(void **state)
{
	static const struct {
		const char *name, *priorities;
		bool (*act)(struct client *c);
	} rows[] = {{"renegotiation", TLS12, renegotiate},
		    {"key updates", TLS13, update_keys},
		    {"alerts", TLS12, warn},
		    {"alerts", TLS13, warn}};
	struct bed *bed = *state;
	struct census before = census_of(bed);

	for (size_t n = 0; n < (size_t)rounds_of(COUNT(rows)); n++) {
		size_t i = n % COUNT(rows);
		struct client c = client_connect(bed->webhook);

		assert_true(client_handshake(&c, rows[i].priorities));
		if (!is_ended(&c, rows[i].act))
			fail_msg("%s go on without end", rows[i].name);
		client_close(&c);
	}
	assert_true(bed_eventually(bed, census_is, &before));
	assert_serves(bed);
}

static void upload_large(struct bed *bed)
{
	char *noise = repeat("", "x", 60000, "");

	assert_int_equal(bed_note(bed, "p", "n"), 200);
	for (int i = 0; i < LARGE_UPLOADS; i++)
		assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, noise), 200);
	free(noise);
}

/* One who asks for some megabytes and does not read them: his receive buffer is small, so that they stay with the
 * server. */
static struct client ask_and_sleep(struct bed *bed)
{
	struct client c = client_connect(bed->api);
	int small = 4096;

	setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send_text(&c, "GET /v1alpha1/projects/p/occurrences HTTP/1.1\r\nHost: x\r\n\r\n");
	return c;
}

static bool is_told_to_come_back(struct bed *bed, void *context)
{
	struct reply reply = bed_request(bed, "GET", bed->api, "/v1alpha1/projects/p/occurrences", NULL, 0, NULL);
	bool told = reply.status == 503 && strstr(reply.headers, "Retry-After: 1\r\n");

	(void)context;
	reply_release(&reply);
	return told;
}

static bool is_given_a_small_answer(struct bed *bed, void *context)
{
	struct reply reply = bed_request(bed, "GET", bed->api, "/v1alpha1/projects", NULL, 0, NULL);
	bool given = reply.status == 200;

	(void)context;
	reply_release(&reply);
	return given;
}

static bool is_given_the_list(struct bed *bed, void *context)
{
	struct reply reply = bed_request(bed, "GET", bed->api, "/v1alpha1/projects/p/occurrences", NULL, 0, NULL);
	bool given = reply.status == 200 && reply.length > 1000000;

	(void)context;
	reply_release(&reply);
	return given;
}

static void answers_that_nobody_reads_have_a_bound(void **state)
{
	struct bed *bed = *state;
	struct client readers[SLOW_READERS];
	struct census before = census_of(bed);

	upload_large(bed);
	assert_true(is_given_the_list(bed, NULL));
	for (int i = 0; i < SLOW_READERS; i++)
		readers[i] = ask_and_sleep(bed);
	assert_true(bed_eventually(bed, is_told_to_come_back, NULL));
	/* Small answers, and those of others, are given meanwhile. */
	assert_true(bed_eventually(bed, is_given_a_small_answer, NULL));
	assert_serves(bed);
	for (int i = 0; i < SLOW_READERS; i++)
		client_close(&readers[i]);
	assert_true(bed_eventually(bed, is_given_the_list, NULL));
	assert_true(bed_eventually(bed, census_is, &before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_in_one_segment_are_all_answered),
		cmocka_unit_test(unusual_requests_have_their_answer),
		cmocka_unit_test(heads_and_trailers_without_measure_end),
		cmocka_unit_test(no_tls_message_can_be_sent_without_end),
		cmocka_unit_test(answers_that_nobody_reads_have_a_bound),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
