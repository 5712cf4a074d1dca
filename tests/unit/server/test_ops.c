#include "server/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OUTPUT_MAX (4u * 1024 * 1024)

/* Stands for the holder of policies and keys: whether the last reload failed, and how. */
struct trust_holder {
	const char *problem;
};

bool trust_holder_problem(struct trust_holder *holder, struct err *out)
{
	if (holder->problem)
		err_set(out, ERR_INVALID, "%s", holder->problem);
	return holder->problem != NULL;
}

static int setup(void **state)
{
	static struct ops ops;
	ops.metrics = metrics_new();
	atomic_store(&ops.trust, NULL);
	*state = &ops;
	return 0;
}

static int teardown(void **state)
{
	struct ops *ops = *state;
	metrics_free(ops->metrics);
	return 0;
}

static void ask(struct ops *ops, const char *method, const char *path, struct http_response *response)
{
	struct http_request request = {.method = str_of(method), .path = str_of(path)};
	*response = (struct http_response){.body = buf_init(OUTPUT_MAX)};
	ops_handle(ops, &request, response);
}

static void expect(struct ops *ops, const char *method, const char *path, int status, const char *body)
{
	struct http_response response;
	ask(ops, method, path, &response);
	assert_int_equal(response.status, status);
	assert_string_equal(response.body.data, body);
	buf_release(&response.body);
}

static void is_alive_before_it_is_ready(void **state)
{
	struct ops *ops = *state;
	struct trust_holder loaded = {NULL};
	expect(ops, "GET", "/healthz", 200, "ok\n");
	expect(ops, "GET", "/readyz", 503, "not ready: store, policies and keys are not loaded yet\n");
	atomic_store(&ops->trust, &loaded);
	expect(ops, "GET", "/readyz", 200, "ok\n");
	expect(ops, "HEAD", "/readyz", 200, "ok\n");
}

static void a_failed_reload_is_told_but_stays_ready(void **state)
{
	struct ops *ops = *state;
	struct trust_holder broken = {"p.yaml: document 1: spec: unknown field"};
	atomic_store(&ops->trust, &broken);
	expect(ops, "GET", "/readyz", 200, "ok\nnot loaded: p.yaml: document 1: spec: unknown field\n");
	expect(ops, "GET", "/healthz", 200, "ok\n");
}

static void report_of_the_test(void *context, struct buf *out)
{
	buf_add_c(out, context);
}

static void what_is_not_followed_is_told_but_stays_ready(void **state)
{
	struct ops *ops = *state;
	struct trust_holder loaded = {NULL};
	char line[] = "not followed: attestors: HTTP 500 since 34 s\n";
	const struct ops_report report = {report_of_the_test, line};

	atomic_store(&ops->cluster, &report);
	expect(ops, "GET", "/readyz", 503,
	       "not ready: the objects of the cluster are not in force yet\nnot followed: attestors: HTTP 500 since 34 "
	       "s\n");
	atomic_store(&ops->trust, &loaded);
	expect(ops, "GET", "/readyz", 200, "ok\nnot followed: attestors: HTTP 500 since 34 s\n");
	atomic_store(&ops->cluster, NULL);
	expect(ops, "GET", "/readyz", 200, "ok\n");
}

static void metrics_are_prometheus_text(void **state)
{
	struct ops *ops = *state;
	struct http_response response;
	ask(ops, "GET", "/metrics", &response);
	assert_int_equal(response.status, 200);
	assert_string_equal(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
	assert_non_null(strstr(response.body.data, "# TYPE sealgate_reviews_total counter\n"));
	buf_release(&response.body);
}

static void refuses_other_paths_and_methods(void **state)
{
	static const char *const paths[] = {"/", "", "/healthz/", "/Healthz", "//healthz", "/metrics.json", "*"};
	static const char *const methods[] = {"POST", "PUT", "DELETE", "get", "OPTIONS", ""};
	struct http_response response;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		ask(*state, "GET", paths[i], &response);
		assert_int_equal(response.status, 404);
		buf_release(&response.body);
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		ask(*state, methods[i], "/readyz", &response);
		assert_int_equal(response.status, 405);
		assert_string_equal(response.allow, "GET, HEAD");
		buf_release(&response.body);
	}
}

int main(void)
{
#define WITH_OPS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_OPS(is_alive_before_it_is_ready),
		WITH_OPS(a_failed_reload_is_told_but_stays_ready),
		WITH_OPS(what_is_not_followed_is_told_but_stays_ready),
		WITH_OPS(metrics_are_prometheus_text),
		WITH_OPS(refuses_other_paths_and_methods),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
