/* Connections that end in every state, in every way: nothing of them stays, and the next review is right. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/e2e/client.h"

enum { ROUNDS = 3, LARGE_UPLOADS = 40, MANY_IMAGES = 3000 };

static struct {
	char *review;	   /* a POST with a review of one image, without any attestation */
	char *long_review; /* one that takes a while to decide */
	char *list;	   /* a GET of an answer of some megabytes */
} requests;

static char *make_review(size_t images)
{
	char *containers = NULL, *object, *review, *post;
	size_t length;
	FILE *out = open_memstream(&containers, &length);

	for (size_t i = 0; i < images; i++)
		fprintf(out, "%s{\"name\":\"c%zu\",\"image\":\"registry.example.com/a%zu@" DIGEST_B "\"}", i ? "," : "",
			i, i);
	fclose(out);
	object = text_of("{\"spec\":{\"containers\":[%s]}}", containers);
	review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", object, NULL);
	post = client_post("/validate?timeout=10s", review);
	free(containers);
	free(object);
	free(review);
	return post;
}

static int setup(void **state)
{
	struct bed *bed;
	char *noise = malloc(60001);

	bed_setup(state);
	bed = *state;
	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_note(bed, "p", "n"), 200);
	assert_non_null(noise);
	memset(noise, 'x', 60000);
	noise[60000] = 0;
	for (int i = 0; i < LARGE_UPLOADS; i++)
		assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, noise), 200);
	free(noise);
	requests.review = make_review(1);
	requests.long_review = make_review(MANY_IMAGES);
	requests.list = text_of("GET /v1alpha1/projects/p/occurrences HTTP/1.1\r\nHost: x\r\n\r\n");
	return 0;
}

static int teardown(void **state)
{
	free(requests.review);
	free(requests.long_review);
	free(requests.list);
	return bed_teardown(state);
}

/* How far a connection gets before it ends. */
static void accepted(struct client *c, bool tls)
{
	(void)c;
	(void)tls;
}

static void in_the_client_hello(struct client *c, bool tls)
{
	(void)tls;
	client_send(c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
}

static void shaken_hands(struct client *c, bool tls)
{
	if (tls)
		assert_true(client_handshake(c, NULL));
}

static void in_the_head(struct client *c, bool tls)
{
	shaken_hands(c, tls);
	client_send(c, requests.review, 20);
}

static void in_the_body(struct client *c, bool tls)
{
	shaken_hands(c, tls);
	client_send(c, requests.review, strlen(requests.review) - 10);
}

static void in_a_chunk(struct client *c, bool tls)
{
	shaken_hands(c, tls);
	client_send_text(c, "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n3\r\n{  \r\n100\r\n{");
}

static void waiting_for_100_continue(struct client *c, bool tls)
{
	shaken_hands(c, tls);
	client_send_text(c, "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
			    "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
}

static void asked(struct client *c, bool tls)
{
	shaken_hands(c, tls);
	client_send_text(c, requests.review);
}

static void being_decided(struct client *c, bool tls)
{
	shaken_hands(c, tls);
	client_send_text(c, tls ? requests.long_review : requests.list);
}

static void in_the_answer(struct client *c, bool tls)
{
	char part[100];

	being_decided(c, tls);
	client_receive(c, part, sizeof(part), 10000, NULL);
	assert_memory_equal(part, "HTTP/1.1 200", 12);
}

static void answered(struct client *c, bool tls)
{
	char answer[8192];
	bool closed;
	size_t first;

	asked(c, tls);
	first = client_receive(c, answer, 2, 20000, NULL);
	client_receive(c, answer + first, sizeof(answer) - first, 50, &closed);
	assert_memory_equal(answer, tls ? "HTTP/1.1 200" : "HTTP/1.1 404", 12);
	assert_false(closed);
}

static void asked_twice(struct client *c, bool tls)
{
	asked(c, tls);
	client_send_text(c, requests.review);
}

static void (*const states[])(struct client *, bool) = {accepted,
							in_the_client_hello,
							shaken_hands,
							in_the_head,
							in_the_body,
							in_a_chunk,
							waiting_for_100_continue,
							being_decided,
							asked,
							in_the_answer,
							answered,
							asked_twice};

/* How it ends. */
static void half_closed_then_closed(struct client *c)
{
	char rest[65536];

	client_half_close(c);
	client_receive(c, rest, sizeof(rest), 20, NULL);
	client_close(c);
}

static void cut_without_close_notify(struct client *c)
{
	char rest[65536];

	shutdown(c->fd, SHUT_WR);
	client_receive(c, rest, sizeof(rest), 20, NULL);
	client_close(c);
}

static void deaf(struct client *c)
{
	shutdown(c->fd, SHUT_RD);
	client_send_text(c, "x");
	client_close(c);
}

static void (*const ends[])(struct client *) = {client_close, client_reset, half_closed_then_closed,
						cut_without_close_notify, deaf};

static void end_in_every_state(const char *url, void (*end)(struct client *))
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct client c = client_connect(url);

		assert_true(c.fd >= 0);
		states[i](&c, strncmp(url, "https", 5) == 0);
		end(&c);
	}
}

static void nothing_stays_of_a_connection_whatever_its_state(void **state)
{
	struct bed *bed = *state;
	json_t *first = bed_review_pod(bed, IMAGE_A), *after;
	struct census before = census_of(bed);

	for (int round = 0; round < rounds_of(ROUNDS); round++)
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
			end_in_every_state(bed->webhook, ends[i]);
			end_in_every_state(bed->api, ends[i]);
		}
	if (!bed_eventually(bed, census_is, &before)) {
		struct census now = census_of(bed);

		fail_msg("descriptors %zu, threads %zu, connections %zu; before: %zu, %zu, %zu", now.descriptors,
			 now.threads, now.connections, before.descriptors, before.threads, before.connections);
	}
	after = bed_review_pod(bed, IMAGE_A);
	assert_false(response_allowed(after));
	assert_string_equal(response_message(after), response_message(first));
	json_decref(first);
	json_decref(after);
}

/* Half-closed is not gone: who has sent his whole request gets its answer. */
static void a_request_whose_sender_says_no_more_is_answered(void **state)
{
	struct bed *bed = *state;
	const char *urls[] = {bed->webhook, bed->api};
	char answer[65536];

	for (size_t i = 0; i < 2; i++) {
		struct client c = client_open(urls[i]);

		client_send_text(&c, requests.review);
		client_half_close(&c);
		client_receive(&c, answer, sizeof(answer), 10000, NULL);
		client_close(&c);
		assert_memory_equal(answer, i == 0 ? "HTTP/1.1 200" : "HTTP/1.1 404", 12);
	}
}

/* And who has sent half of one gets none, and his end. */
static void half_a_request_whose_sender_says_no_more_ends(void **state)
{
	struct bed *bed = *state;
	const char *urls[] = {bed->webhook, bed->api};
	void (*const halves[])(struct client *, bool) = {in_the_head, in_the_body, in_a_chunk};
	char answer[65536];

	for (size_t i = 0; i < 6; i++) {
		struct client c = client_connect(urls[i % 2]);
		bool closed = false;

		halves[i / 2](&c, i % 2 == 0);
		client_half_close(&c);
		client_receive(&c, answer, sizeof(answer), 10000, &closed);
		client_close(&c);
		assert_true(closed);
		assert_int_not_equal(strncmp(answer, "HTTP/1.1 200", 12), 0);
	}
}

/* Its first request was answered; the next one comes `late_ms` after the server was told to stop. */
static bool is_answered_while_it_stops(struct bed *bed, int late_ms)
{
	char answer[65536];
	struct client c;
	bool answered;

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	c = client_open(bed->webhook);
	assert_true(client_send_text(&c, requests.review));
	client_receive(&c, answer, sizeof(answer), 300, NULL);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200", 12), 0);
	assert_int_equal(kill(bed->server, SIGTERM), 0);
	poll(NULL, 0, late_ms);
	answered = client_send_text(&c, requests.review) &&
		   client_receive(&c, answer, sizeof(answer), 5000, NULL) > 0 &&
		   strncmp(answer, "HTTP/1.1 200", 12) == 0 && strstr(answer, "Connection: close");
	client_close(&c);
	assert_int_equal(bed_stop(bed), 0);
	return answered;
}

/* How long is not a promise that a busy machine keeps each time. */
static void who_rests_on_a_connection_is_answered_while_the_server_stops(void **state)
{
	struct bed *bed = *state;
	bool answered = false;

	assert_int_equal(bed_stop(bed), 0);
	for (int i = 0; i < 5 && !answered; i++)
		answered = is_answered_while_it_stops(bed, 400);
	assert_true(answered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_stays_of_a_connection_whatever_its_state),
		cmocka_unit_test(a_request_whose_sender_says_no_more_is_answered),
		cmocka_unit_test(half_a_request_whose_sender_says_no_more_ends),
		cmocka_unit_test(who_rests_on_a_connection_is_answered_while_the_server_stops),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
