#include "server/ops.h"

#include "base/clock.h"

/* How long a probe waits for a connection of the store. */
#define STORE_MS 500

static void plain(struct http_response *response, int status, const char *text)
{
	response->status = status;
	response->content_type = "text/plain; charset=utf-8";
	buf_add_c(&response->body, text);
}

static void healthz(struct ops *ops, struct http_response *response)
{
	(void)ops;
	plain(response, 200, "ok\n");
}

/* False when the answer is given. */
static bool store_is_read(struct ops *ops, struct err *problem, struct http_response *response)
{
	if (!ops->store || store_check(ops->store, clock_monotonic_ms() + STORE_MS, problem) ||
	    problem->kind != ERR_INTERNAL)
		return true;
	plain(response, 503, "");
	buf_printf(&response->body, "not ready: the store can't be read: %s\n", problem->text);
	return false;
}

static void not_ready(const struct ops_report *cluster, struct http_response *response)
{
	if (!cluster) {
		plain(response, 503, "not ready: store, policies and keys are not loaded yet\n");
		return;
	}
	plain(response, 503, "not ready: the objects of the cluster are not in force yet\n");
	cluster->add(cluster->context, &response->body);
}

static void readyz(struct ops *ops, struct http_response *response)
{
	struct trust_holder *trust = atomic_load(&ops->trust);
	const struct ops_report *cluster = atomic_load(&ops->cluster);
	struct err problem = ERR_INIT;
	if (!trust) {
		not_ready(cluster, response);
		return;
	}
	if (!store_is_read(ops, &problem, response))
		return;
	plain(response, 200, "ok\n");
	if (problem.kind == ERR_UNAVAILABLE)
		buf_printf(&response->body, "not written: %s\n", problem.text);
	if (trust_holder_problem(trust, &problem))
		buf_printf(&response->body, "not loaded: %s\n", problem.text);
	if (cluster)
		cluster->add(cluster->context, &response->body);
}

static void metrics(struct ops *ops, struct http_response *response)
{
	response->status = 200;
	response->content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_write(ops->metrics, clock_now().seconds, &response->body);
}

void ops_handle(void *context, struct http_request *request, struct http_response *response)
{
	static const struct {
		const char *path;
		void (*answer)(struct ops *ops, struct http_response *response);
	} routes[] = {{"/healthz", healthz}, {"/readyz", readyz}, {"/metrics", metrics}};
	bool reading = str_eq_c(request->method, "GET") || str_eq_c(request->method, "HEAD");
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!str_eq_c(request->path, routes[i].path))
			continue;
		if (reading) {
			routes[i].answer(context, response);
			return;
		}
		plain(response, 405, "only GET and HEAD\n");
		response->allow = "GET, HEAD";
		return;
	}
	plain(response, 404, "there are /healthz, /readyz and /metrics\n");
}
