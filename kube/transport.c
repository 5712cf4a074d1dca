#include "kube/transport.h"

#include <string.h>

static bool is_method(const char *method)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (method && strcmp(method, methods[i]) == 0)
			return true;
	return false;
}

/* What could end a request's line, or begin a header, is no part of a path. */
static bool is_path(struct str path)
{
	if (path.len == 0 || path.ptr[0] != '/')
		return false;
	for (size_t i = 0; i < path.len; i++)
		if ((unsigned char)path.ptr[i] <= ' ' || (unsigned char)path.ptr[i] >= 0x7f)
			return false;
	return true;
}

static bool is_request(const struct kube_request *request, struct err *e)
{
	bool has_body = request->body.len > 0;

	if (!is_method(request->method) || !is_path(request->path) || has_body != (request->content_type != NULL))
		return err_set(e, ERR_INVALID, "this is no request that an API server could answer");
	if (request->path.len > KUBE_PATH_MAX || request->body.len > KUBE_BODY_MAX)
		return err_set(e, ERR_TOO_LARGE, "the request is too large for an API server");
	return true;
}

uint64_t kube_transport_start(struct kube_transport *t, const struct kube_request *request,
			      const struct kube_handler *handler, struct err *e)
{
	return is_request(request, e) ? t->class->start(t, request, handler, e) : 0;
}

void kube_transport_cancel(struct kube_transport *t, uint64_t id)
{
	t->class->cancel(t, id);
}

bool kube_transport_run(struct kube_transport *t, int64_t deadline_ms, struct err *e)
{
	return t->class->run(t, deadline_ms, e);
}

void kube_transport_wake(struct kube_transport *t)
{
	t->class->wake(t);
}

void kube_transport_free(struct kube_transport *t)
{
	if (t)
		t->class->free(t);
}
