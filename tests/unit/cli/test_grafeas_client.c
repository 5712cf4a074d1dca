#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/grafeas_client.h"
#include "tests/unit/cli/canned.h"

#define ANSWERS(array) (array), sizeof(array) / sizeof((array)[0])

static const struct note_name qa = {STR("p"), STR("qa")};

static struct http_client *client_of(const struct canned *server)
{
	struct server_options options = {.url = server->url};
	struct err e = ERR_INIT;
	struct http_client *client = http_client_new(&options, &e);

	if (!client)
		fail_msg("%s", e.text);
	return client;
}

static void refuses_servers_that_are_no_base_url(void **state)
{
	static const char *const urls[] = {"",
					   "127.0.0.1:8080x",
					   "ftp://h",
					   "file:///etc/passwd",
					   "http://u:p@h",
					   "https://u@h",
					   "http://h/?q=1",
					   "http://h/#f",
					   "http://",
					   "gopher://h",
					   "http://h h"};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct server_options options = {.url = urls[i]};
		struct err e = ERR_INIT;

		if (http_client_new(&options, &e))
			fail_msg("accepted \"%s\"", urls[i]);
		assert_int_equal(e.kind, ERR_INVALID);
	}
}

static void CVE_2019_10214_a_token_never_leaves_the_machine_in_the_clear(void **state)
{
	static const struct {
		const char *url;
		bool taken;
	} rows[] = {
		{"http://127.0.0.1:1", true},  {"http://localhost:1", true},
		{"http://[::1]:1", true},      {"https://example.com", true},
		{"http://example.com", false}, {"http://localhost.example.com", false},
		{"http://10.0.0.1", false},    {"http://127.example.com", false},
	};

	(void)state;
	assert_int_equal(setenv("SEALGATE_TOKEN", "secret", 1), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct server_options options = {.url = rows[i].url};
		struct err e = ERR_INIT;
		cleanup(http_client) struct http_client *client = http_client_new(&options, &e);

		if (!client != !rows[i].taken)
			fail_msg("%s", rows[i].url);
	}
	assert_int_equal(setenv("SEALGATE_TOKEN", "two\nlines", 1), 0);
	assert_null(http_client_new(&(struct server_options){.url = "https://h"}, NULL));
	assert_int_equal(unsetenv("SEALGATE_TOKEN"), 0);
}

static void no_proxy_stands_before_this_machine(void **state)
{
	static const struct canned_answer answers[] = {{"POST /v1alpha1/projects/p/notes?noteId=qa", 200, "{}", 0}};
	struct canned *server = canned_start(ANSWERS(answers));
	struct canned *proxy = canned_start(ANSWERS(answers));
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(setenv("http_proxy", proxy->url, 1), 0);
	assert_int_equal(setenv("no_proxy", "", 1), 0);
	cleanup(http_client) struct http_client *client = client_of(server);
	if (!grafeas_create_note(client, &qa, &e))
		fail_msg("%s", e.text);
	assert_int_equal(unsetenv("http_proxy") | unsetenv("no_proxy"), 0);
	assert_int_equal(server->requests, 1);
	assert_int_equal(proxy->requests, 0);
	canned_stop(server);
	canned_stop(proxy);
}

static void certificate_and_key_go_together(void **state)
{
	(void)state;
	assert_null(http_client_new(&(struct server_options){.url = "https://h", .certificate = "c"}, NULL));
	assert_null(http_client_new(&(struct server_options){.url = "https://h", .key = "k"}, NULL));
}

static void a_note_is_posted_with_its_name_and_token(void **state)
{
	static const struct canned_answer answers[] = {{"POST /v1alpha1/projects/p/notes?noteId=qa", 200, "{}", 0}};
	struct canned *server = canned_start(ANSWERS(answers));
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(setenv("SEALGATE_TOKEN", "secret", 1), 0);
	cleanup(http_client) struct http_client *client = client_of(server);
	assert_int_equal(unsetenv("SEALGATE_TOKEN"), 0);
	if (!grafeas_create_note(client, &qa, &e))
		fail_msg("%s", e.text);
	assert_non_null(strstr(server->last, "\r\nAuthorization: Bearer secret\r\n"));
	assert_non_null(strstr(server->last, "\"name\":\"projects/p/notes/qa\""));
	assert_non_null(strstr(server->last, "\"attestationAuthority\":{\"hint\":{\"humanReadableName\":\"qa\"}}"));
	canned_stop(server);
}

static void a_note_that_is_there_already_exists(void **state)
{
	static const struct canned_answer answers[] = {
		{"POST /v1alpha1/projects/p/notes?noteId=qa", 400, "Note already exists\n", 0},
		{"GET /v1alpha1/projects/p/notes/qa", 200, "{}", 0},
	};
	static const struct canned_answer bad[] = {
		{"POST /v1alpha1/projects/p/notes?noteId=qa", 400, "the kind is unknown\n", 0}};
	struct canned *server = canned_start(ANSWERS(answers));
	struct canned *other = canned_start(ANSWERS(bad));
	cleanup(http_client) struct http_client *client = client_of(server);
	cleanup(http_client) struct http_client *second = client_of(other);
	struct err e = ERR_INIT;

	(void)state;
	assert_false(grafeas_create_note(client, &qa, &e));
	assert_int_equal(e.kind, ERR_EXISTS);
	assert_false(grafeas_create_note(second, &qa, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, "the kind is unknown"));
	canned_stop(server);
	canned_stop(other);
}

static void CVE_2026_49478_CVE_2025_27403_a_redirect_is_an_error_like_any_other_status(void **state)
{
	static const struct {
		int status;
		enum err_kind kind;
		const char *says;
	} rows[] = {
		{301, ERR_UNAVAILABLE, "301"},
		{401, ERR_UNAUTHENTICATED, "--token-file"},
		{403, ERR_INVALID, "role"},
		{413, ERR_TOO_LARGE, "413"},
		{500, ERR_UNAVAILABLE, "500"},
		{503, ERR_UNAVAILABLE, "try again"},
		{0, ERR_UNAVAILABLE, "closed the connection"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct canned_answer answer = {"POST /v1alpha1/projects/p/notes?noteId=qa", rows[i].status,
					       "{\"code\":1,\"message\":\"words of the server\"}", 0};
		struct canned *server = canned_start(&answer, 1);
		cleanup(http_client) struct http_client *client = client_of(server);
		struct err e = ERR_INIT;

		assert_false(grafeas_create_note(client, &qa, &e));
		if (e.kind != rows[i].kind || !strstr(e.text, rows[i].says) ||
		    (rows[i].status && !strstr(e.text, "words of the server")) || !strstr(e.text, server->url))
			fail_msg("%d: %s", rows[i].status, e.text);
		assert_int_equal(err_exit_status(e.kind), 2);
		canned_stop(server);
	}
}

static void an_attestation_gives_the_name_of_its_occurrence(void **state)
{
	static const struct canned_answer answers[] = {
		{"POST /v1alpha1/projects/p/occurrences", 200, "{\"name\":\"projects/p/occurrences/7\"}", 0}};
	static const struct new_attestation attestation = {.note = "projects/p/notes/qa",
							   .resource = "https://r/i@sha256:x",
							   .fingerprint = "ABC",
							   .signature = STR("-----BEGIN\nx\n")};
	struct canned *server = canned_start(ANSWERS(answers));
	cleanup(http_client) struct http_client *client = client_of(server);
	cleanup(buf) struct buf name = buf_init(100);
	struct err e = ERR_INIT;

	(void)state;
	if (!grafeas_create_attestation(client, &attestation, &name, &e))
		fail_msg("%s", e.text);
	assert_string_equal(name.data, "projects/p/occurrences/7");
	assert_non_null(strstr(server->last, "\"noteName\":\"projects/p/notes/qa\""));
	assert_non_null(strstr(server->last, "\"signature\":\"-----BEGIN\\nx\\n\""));
	canned_stop(server);
}

static void a_missing_note_says_how_to_make_it(void **state)
{
	static const struct canned_answer answers[] = {
		{"POST /v1alpha1/projects/p/occurrences", 400, "Note not found\n", 0}};
	static const struct new_attestation attestation = {
		.note = "projects/p/notes/qa", .resource = "r", .fingerprint = "F", .signature = STR("s")};
	struct canned *server = canned_start(ANSWERS(answers));
	cleanup(http_client) struct http_client *client = client_of(server);
	cleanup(buf) struct buf name = buf_init(100);
	struct err e = ERR_INIT;

	(void)state;
	assert_false(grafeas_create_attestation(client, &attestation, &name, &e));
	assert_non_null(strstr(e.text, "sealgate note create projects/p/notes/qa"));
	canned_stop(server);
}

static bool count_names(void *context, const json_t *element, struct err *e)
{
	struct buf *out = context;

	(void)e;
	buf_add(out, json_text(element, "name"));
	return true;
}

static bool list(const struct canned_answer *answers, size_t count, struct buf *out, struct err *e)
{
	struct canned *server = canned_start(answers, count);
	cleanup(http_client) struct http_client *client = client_of(server);
	bool done = grafeas_list(client, "/l", "items", count_names, out, e);

	canned_stop(server);
	return done;
}

static void lists_are_walked_to_their_end(void **state)
{
	static const struct canned_answer answers[] = {
		{"GET /l?pageSize=100", 200, "{\"items\":[{\"name\":\"a\"}],\"nextPageToken\":\"t 1/&\"}", 0},
		{"GET /l?pageSize=100&pageToken=t%201%2F%26", 200, "{\"nextPageToken\":\"u\"}", 0},
		{"GET /l?pageSize=100&pageToken=u", 200, "{\"items\":[{\"name\":\"b\"}],\"nextPageToken\":\"\"}", 0},
	};
	cleanup(buf) struct buf out = buf_init(100);
	struct err e = ERR_INIT;

	(void)state;
	if (!list(ANSWERS(answers), &out, &e))
		fail_msg("%s", e.text);
	assert_string_equal(out.data, "ab");
}

static void a_page_that_is_too_large_is_asked_for_in_smaller_ones(void **state)
{
	static const struct canned_answer answers[] = {
		{"GET /l?pageSize=100", 200, "0123456789abcdef", HTTP_ANSWER_MAX / 16 + 1},
		{"GET /l?pageSize=10", 200, "{\"items\":[{\"name\":\"a\"}]}", 0},
	};
	static const struct canned_answer always[] = {
		{"GET /l?pageSize=100", 200, "0123456789abcdef", HTTP_ANSWER_MAX / 16 + 1},
		{"GET /l?pageSize=10", 200, "0123456789abcdef", HTTP_ANSWER_MAX / 16 + 1},
	};
	cleanup(buf) struct buf out = buf_init(100);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(list(ANSWERS(answers), &out, &e));
	assert_string_equal(out.data, "a");
	assert_false(list(ANSWERS(always), &out, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
}

/* Each of these, taken for a list, would hide attestations. */
static void CVE_2026_23991_refuses_lists_that_are_none_or_do_not_end(void **state)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"null",
		"<html>",
		"{\"items\":{}}",
		"{\"items\":[{\"name\":\"a\"}]",
		"{\"items\":[],\"items\":[]}",
	};
	static const struct canned_answer endless[] = {
		{"GET /l?pageSize=100", 200, "{\"nextPageToken\":\"t\"}", 0},
		{"GET /l?pageSize=100&pageToken=t", 200, "{\"nextPageToken\":\"t\"}", 0},
	};
	static const struct canned_answer moved[] = {{"GET /l?pageSize=100", 301, "", 0},
						     {"GET /moved", 200, "{\"items\":[]}", 0}};
	cleanup(buf) struct buf out = buf_init(100);
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct canned_answer answer = {"GET /l?pageSize=100", 200, bodies[i], 0};

		if (list(&answer, 1, &out, &e))
			fail_msg("accepted %s", bodies[i]);
	}
	assert_false(list(ANSWERS(endless), &out, &e));
	assert_non_null(strstr(e.text, "does not end"));
	assert_false(list(ANSWERS(moved), &out, &e));
	assert_false(list(NULL, 0, &out, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_servers_that_are_no_base_url),
		cmocka_unit_test(CVE_2019_10214_a_token_never_leaves_the_machine_in_the_clear),
		cmocka_unit_test(no_proxy_stands_before_this_machine),
		cmocka_unit_test(certificate_and_key_go_together),
		cmocka_unit_test(a_note_is_posted_with_its_name_and_token),
		cmocka_unit_test(a_note_that_is_there_already_exists),
		cmocka_unit_test(CVE_2026_49478_CVE_2025_27403_a_redirect_is_an_error_like_any_other_status),
		cmocka_unit_test(an_attestation_gives_the_name_of_its_occurrence),
		cmocka_unit_test(a_missing_note_says_how_to_make_it),
		cmocka_unit_test(lists_are_walked_to_their_end),
		cmocka_unit_test(a_page_that_is_too_large_is_asked_for_in_smaller_ones),
		cmocka_unit_test(CVE_2026_23991_refuses_lists_that_are_none_or_do_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
