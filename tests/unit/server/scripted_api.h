/* A transport whose API server is a script: what is asked must be what the script expects next. */
#ifndef SEALGATE_TEST_SCRIPTED_API_H
#define SEALGATE_TEST_SCRIPTED_API_H

#include "kube/transport.h"

#include "base/buf.h"

/* One request and what becomes of it. */
struct scripted_step {
	const char *method; /* NULL: GET */
	const char *path;   /* with its query */
	int status;	    /* 0: no answer, `error` */
	int retry_after;    /* 0: none */
	enum err_kind error;
	const char *body;
	const char *sends; /* part of the request's body; NULL: nobody looks */
};

struct scripted_api {
	struct kube_transport transport;
	const struct scripted_step *steps;
	size_t count;
	size_t at;
	uint64_t number;
	bool waiting;
	bool cancelled;
	struct kube_handler handler;
	struct buf sent; /* the last body */
};

static inline uint64_t scripted_start(struct kube_transport *t, const struct kube_request *request,
				      const struct kube_handler *handler, struct err *e)
{
	struct scripted_api *api = (struct scripted_api *)t;
	const struct scripted_step *step = &api->steps[api->at];

	(void)e;
	assert_false(api->waiting);
	if (api->at == api->count)
		fail_msg("not in the script: %s %.*s", request->method, STR_ARG(request->path));
	if (!str_eq_c(request->path, step->path))
		fail_msg("step %zu: %.*s instead of %s", api->at, STR_ARG(request->path), step->path);
	assert_string_equal(request->method, step->method ? step->method : "GET");
	buf_clear(&api->sent);
	buf_add(&api->sent, request->body);
	if (step->sends && !strstr(api->sent.data ? api->sent.data : "", step->sends))
		fail_msg("step %zu sends %s", api->at, api->sent.data);
	api->handler = *handler;
	api->waiting = true;
	return ++api->number;
}

static inline void scripted_cancel(struct kube_transport *t, uint64_t id)
{
	struct scripted_api *api = (struct scripted_api *)t;

	if (api->waiting && id == api->number) {
		api->waiting = false;
		api->cancelled = true;
		if (api->handler.dropped)
			api->handler.dropped(api->handler.context);
	}
}

/* In pieces, as the network has them. */
static inline void scripted_send(const struct kube_handler *handler, const char *body)
{
	struct str rest = str_of(body);

	while (rest.len) {
		size_t piece = rest.len < 1000 ? rest.len : 1000;

		handler->data(handler->context, str_head(rest, piece));
		rest = str_skip(rest, piece);
	}
}

static inline bool scripted_run(struct kube_transport *t, int64_t deadline_ms, struct err *e)
{
	struct scripted_api *api = (struct scripted_api *)t;
	const struct scripted_step *step = &api->steps[api->at];
	struct kube_handler handler = api->handler;
	struct err end = ERR_INIT;

	(void)deadline_ms;
	(void)e;
	if (!api->waiting)
		return true;
	api->waiting = false;
	api->at++;
	if (step->status) {
		handler.head(handler.context, step->status, step->retry_after ? step->retry_after : -1);
		scripted_send(&handler, step->body);
	}
	if (step->error)
		(void)err_set(&end, step->error, "the script says so");
	handler.end(handler.context, &end);
	return true;
}

static inline void scripted_wake(struct kube_transport *t)
{
	(void)t;
}

static inline void scripted_free(struct kube_transport *t)
{
	(void)t;
}

static const struct kube_transport_class scripted_class = {
	.start = scripted_start,
	.cancel = scripted_cancel,
	.run = scripted_run,
	.wake = scripted_wake,
	.free = scripted_free,
};

#define SCRIPTED_API(script)                                                                    \
	(struct scripted_api)                                                                   \
	{                                                                                       \
		.transport = {.class = &scripted_class}, .steps = (script),                     \
		.count = sizeof(script) / sizeof(*(script)), .sent = buf_init(4u * 1024 * 1024) \
	}

#endif
