/* One request, one whole answer. */
#include "kube/call.h"
#include "tests/unit/kube/script.h"

static struct {
	unsigned calls;
	int status;
	int retry_after;
	bool has_answer;
	struct err e;
} got;

static void note(void *context, int status, const json_t *answer, int retry_after, const struct err *e)
{
	(void)context;
	got.calls++;
	got.status = status;
	got.retry_after = retry_after;
	got.has_answer = answer != NULL;
	got.e = *e;
}

static uint64_t begin(struct script *script)
{
	struct err e = ERR_INIT;
	memset(&got, 0, sizeof(got));
	script_init(script);
	return kube_call(&script->transport, &(struct kube_request){.method = "GET", .path = STR("/api/v1/pods")}, note,
			 NULL, &e);
}

static void an_answer_is_json_in_pieces(void **state)
{
	struct script script;
	(void)state;
	assert_int_not_equal(begin(&script), 0);
	script_head(&script, 200, -1);
	script_data(&script, "{\"a\"");
	script_data(&script, ":1}");
	assert_int_equal(got.calls, 0);
	script_end(&script, ERR_NONE);
	assert_int_equal(got.calls, 1);
	assert_int_equal(got.e.kind, ERR_NONE);
	assert_true(got.has_answer);
}

static void a_status_is_an_error_with_the_servers_words(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{401, "{\"message\":\"who are you\"}", ERR_UNAUTHENTICATED, "who are you"},
		{403, "{\"message\":\"no\"}", ERR_FORBIDDEN, "no (status 403)"},
		{404, "404 page not found", ERR_NOT_FOUND, "status 404"},
		{409, "{\"reason\":\"Conflict\"}", ERR_CHANGED, "409"},
		{409, "{\"reason\":\"AlreadyExists\"}", ERR_EXISTS, "409"},
		{410, "{}", ERR_CHANGED, "410"},
		{413, "", ERR_TOO_LARGE, "413"},
		{422, "{\"message\":\"spec: bad\"}", ERR_INVALID, "spec: bad"},
		{429, "{}", ERR_UNAVAILABLE, "429"},
		{500, "\xff\xfe", ERR_UNAVAILABLE, "500"},
		{302, "", ERR_UNAVAILABLE, "302"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script script;
		assert_int_not_equal(begin(&script), 0);
		script_answer(&script, rows[i].status, rows[i].body);
		assert_int_equal(got.calls, 1);
		assert_int_equal(got.status, rows[i].status);
		assert_int_equal(got.e.kind, rows[i].kind);
		assert_non_null(strstr(got.e.text, rows[i].text));
	}
}

static void a_good_status_without_json_is_no_answer(void **state)
{
	static const char *const bodies[] = {"", "ok", "{\"a\":1", "{\"a\":1,\"a\":2}", "{} {}"};
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct script script;
		assert_int_not_equal(begin(&script), 0);
		script_answer(&script, 200, bodies[i]);
		assert_int_equal(got.e.kind, ERR_UNAVAILABLE);
		assert_false(got.has_answer);
	}
}

static void an_answer_that_breaks_off_is_none(void **state)
{
	struct script script;
	(void)state;
	assert_int_not_equal(begin(&script), 0);
	script_head(&script, 200, -1);
	script_data(&script, "{\"a\":1}");
	script_end(&script, ERR_TIMEOUT);
	assert_int_equal(got.calls, 1);
	assert_int_equal(got.e.kind, ERR_TIMEOUT);
	assert_false(got.has_answer);
}

static void an_answer_without_end_is_too_large(void **state)
{
	static char piece[64 * 1024];
	struct script script;
	(void)state;
	assert_int_not_equal(begin(&script), 0);
	memset(piece, ' ', sizeof(piece) - 1);
	script_head(&script, 200, 7);
	for (size_t i = 0; i <= KUBE_ANSWER_MAX / sizeof(piece) + 1; i++)
		script_data(&script, piece);
	script_end(&script, ERR_NONE);
	assert_int_equal(got.e.kind, ERR_TOO_LARGE);
	assert_int_equal(got.retry_after, 7);
}

static void what_is_cancelled_is_not_told(void **state)
{
	struct script script;
	uint64_t id;
	(void)state;
	id = begin(&script);
	script_head(&script, 200, -1);
	kube_transport_cancel(&script.transport, id);
	assert_int_equal(got.calls, 0);
}

static void answer_when_run(struct script *script)
{
	if (script->runs == 3)
		script_answer(script, 200, "{\"kind\":\"PodList\"}");
}

static void waiting_runs_the_transport(void **state)
{
	struct script script;
	struct err e = ERR_INIT;
	cleanup(json) json_t *answer = NULL;
	struct kube_request request = {.method = "GET", .path = STR("/x")};
	(void)state;
	script_init(&script);
	script.on_run = answer_when_run;
	assert_true(kube_call_wait(&script.transport, &request, &answer, &e));
	assert_true(str_eq_c(json_text(answer, "kind"), "PodList"));
}

static void a_transport_that_is_gone_ends_the_wait(void **state)
{
	struct script script;
	struct err e = ERR_INIT;
	json_t *answer = NULL;
	struct kube_request request = {.method = "GET", .path = STR("/x")};
	(void)state;
	script_init(&script);
	assert_false(kube_call_wait(&script.transport, &request, &answer, &e));
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	assert_false(script.open);
}

static void what_is_no_request_does_not_begin(void **state)
{
	static char long_path[KUBE_PATH_MAX + 2];
	const struct kube_request rows[] = {
		{.method = "HEAD", .path = STR("/x")},
		{.path = STR("/x")},
		{.method = "GET", .path = STR("")},
		{.method = "GET", .path = STR("x")},
		{.method = "GET", .path = STR("/a b")},
		{.method = "GET", .path = STR("/a\r\nHost: b")},
		{.method = "GET", .path = STR("/\xc3\xa9")},
		{.method = "GET", .path = STR("/x\0y")},
		{.method = "POST", .path = STR("/x"), .body = STR("{}")},
		{.method = "POST", .path = STR("/x"), .content_type = "application/json"},
		{.method = "GET", .path = {long_path, sizeof(long_path) - 1}},
		{.method = "POST",
		 .path = STR("/x"),
		 .content_type = "application/json",
		 .body = {long_path, (size_t)KUBE_BODY_MAX + 1}},
	};
	(void)state;
	memset(long_path, '/', sizeof(long_path) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script script;
		struct err e = ERR_INIT;
		script_init(&script);
		assert_int_equal(kube_call(&script.transport, &rows[i], note, NULL, &e), 0);
		assert_true(e.kind == ERR_INVALID || e.kind == ERR_TOO_LARGE);
		assert_int_equal(script.begun, 0);
	}
}

static void paths_encode_what_comes_from_outside(void **state)
{
	static const struct {
		const char *group, *namespace_, *name, *subresource, *path;
	} rows[] = {
		{"", "", "", NULL, "/api/v1/pods"},
		{"", "a", "b", "", "/api/v1/namespaces/a/pods/b"},
		{"sealgate.dev", "", "qa", "status", "/apis/sealgate.dev/v1/pods/qa/status"},
		{"g", "../x", "a/b?c", NULL, "/apis/g/v1/namespaces/..%2Fx/pods/a%2Fb%3Fc"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup(buf) struct buf path = buf_init(1000);
		kube_path_add(&path, rows[i].group, "v1", str_of(rows[i].namespace_), "pods", str_of(rows[i].name),
			      rows[i].subresource);
		assert_string_equal(path.data, rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_json_in_pieces),
		cmocka_unit_test(a_status_is_an_error_with_the_servers_words),
		cmocka_unit_test(a_good_status_without_json_is_no_answer),
		cmocka_unit_test(an_answer_that_breaks_off_is_none),
		cmocka_unit_test(an_answer_without_end_is_too_large),
		cmocka_unit_test(what_is_cancelled_is_not_told),
		cmocka_unit_test(waiting_runs_the_transport),
		cmocka_unit_test(a_transport_that_is_gone_ends_the_wait),
		cmocka_unit_test(what_is_no_request_does_not_begin),
		cmocka_unit_test(paths_encode_what_comes_from_outside),
	};
	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
