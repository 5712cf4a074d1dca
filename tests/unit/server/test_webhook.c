#include "server/webhook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/review.h"

/* Stand for the two handlers. */
static const char *reached;

void admission_handle(struct review_service *service, struct http_request *request, struct http_response *response)
{
	(void)service;
	(void)request;
	reached = "admission";
	response->status = 200;
}

void image_review_handle(struct review_service *service, struct http_request *request, struct http_response *response)
{
	(void)service;
	(void)request;
	reached = "image review";
	response->status = 200;
}

static int ask(const char *method, const char *path, struct http_response *response)
{
	struct http_request request = {.method = str_of(method), .path = str_of(path)};
	*response = (struct http_response){.body = buf_init(10000)};
	reached = NULL;
	webhook_handle(NULL, &request, response);
	return response->status;
}

static void posts_reach_their_handler(void **state)
{
	(void)state;
	struct http_response response;
	assert_int_equal(ask("POST", "/", &response), 200);
	assert_string_equal(reached, "admission");
	assert_int_equal(ask("POST", "/validate", &response), 200);
	assert_string_equal(reached, "admission");
	assert_int_equal(ask("POST", "/image-review", &response), 200);
	assert_string_equal(reached, "image review");
}

static void assert_status_object(struct http_response *response, int code)
{
	json_t *status = json_loads(response->body.data, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(status, "kind")), "Status");
	assert_int_equal(json_integer_value(json_object_get(status, "code")), code);
	assert_null(response->content_type);
	json_decref(status);
	buf_release(&response->body);
}

static void refuses_other_methods_and_paths(void **state)
{
	(void)state;
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "post", "PATCH", ""};
	static const char *const routes[] = {"/", "/validate", "/image-review"};
	static const char *const others[] = {"",	  "*",	     "/validate/",  "//validate",
					     "/Validate", "/mutate", "/validate/x", "/healthz"};
	struct http_response response;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		for (size_t j = 0; j < sizeof(routes) / sizeof(routes[0]); j++) {
			assert_int_equal(ask(methods[i], routes[j], &response), 405);
			assert_string_equal(response.allow, "POST");
			assert_status_object(&response, 405);
			assert_null(reached);
		}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(ask("POST", others[i], &response), 404);
		assert_status_object(&response, 404);
		assert_null(reached);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_reach_their_handler),
		cmocka_unit_test(refuses_other_methods_and_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
