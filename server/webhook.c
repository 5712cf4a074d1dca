#include "server/webhook.h"

#include "server/review.h"

static void refuse(struct http_response *response, int status, const char *reason, const char *message)
{
	response->status = status;
	buf_printf(
		&response->body,
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"%s\","
		"\"reason\":\"%s\",\"code\":%d}\n",
		message, reason, status);
}

void webhook_handle(void *context, struct http_request *request, struct http_response *response)
{
	static const struct {
		const char *path;
		void (*answer)(struct review_service *, struct http_request *, struct http_response *);
	} routes[] = {{"/validate", admission_handle}, {"/", admission_handle}, {"/image-review", image_review_handle}};
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!str_eq_c(request->path, routes[i].path))
			continue;
		if (str_eq_c(request->method, "POST")) {
			routes[i].answer(context, request, response);
			return;
		}
		refuse(response, 405, "MethodNotAllowed", "reviews are posted");
		response->allow = "POST";
		return;
	}
	refuse(response, 404, "NotFound", "there are /validate and /image-review");
}
