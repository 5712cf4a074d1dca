#include "kube/call.h"

#include <stdlib.h>

#include "base/codec.h"

struct call {
	kube_answer_handler *handler;
	void *context;
	int status;
	int retry_after;
	struct buf body;
};

static void call_free(struct call *call)
{
	buf_release(&call->body);
	free(call);
}

static void on_head(void *context, int status, int retry_after)
{
	struct call *call = context;

	call->status = status;
	call->retry_after = retry_after;
}

static void on_data(void *context, struct str bytes)
{
	struct call *call = context;

	buf_add(&call->body, bytes);
}

static void on_dropped(void *context)
{
	call_free(context);
}

static enum err_kind kind_of(int status, const json_t *answer)
{
	static const struct {
		int status;
		enum err_kind kind;
	} kinds[] = {{400, ERR_INVALID},   {401, ERR_UNAUTHENTICATED}, {403, ERR_FORBIDDEN}, {404, ERR_NOT_FOUND},
		     {405, ERR_INVALID},   {406, ERR_INVALID},	       {409, ERR_CHANGED},   {410, ERR_CHANGED},
		     {413, ERR_TOO_LARGE}, {415, ERR_INVALID},	       {422, ERR_INVALID}};

	if (status == 409 && str_eq_c(json_text(answer, "reason"), "AlreadyExists"))
		return ERR_EXISTS;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].status == status)
			return kinds[i].kind;
	return ERR_UNAVAILABLE;
}

/* False with the error that the answer stands for. */
static bool is_good(const struct call *call, const json_t *answer, const struct err *unread, struct err *e)
{
	struct str message = json_text(answer, "message");

	if (call->status / 100 == 2)
		return answer || err_set(e, ERR_UNAVAILABLE, "the API server's answer can't be read: %s", unread->text);
	if (message.len > 0)
		return err_set(e, kind_of(call->status, answer), "%.*s (status %d)", STR_ARG(message), call->status);
	return err_set(e, kind_of(call->status, answer), "the API server answers with status %d", call->status);
}

static json_t *read_answer(const struct call *call, const struct err *ended, struct err *e)
{
	json_t *answer = NULL;
	struct err unread = ERR_INIT;

	if (ended->kind != ERR_NONE) {
		*e = *ended;
		return NULL;
	}
	if (!buf_ok(&call->body, e)) {
		(void)err_context(e, "the API server's answer");
		return NULL;
	}
	if (!json_read_foreign(buf_str(&call->body), &answer, &unread))
		answer = NULL;
	(void)is_good(call, answer, &unread, e);
	return answer;
}

static void on_end(void *context, const struct err *ended)
{
	struct call *call = context;
	struct err e = ERR_INIT;
	cleanup(json) json_t *answer = read_answer(call, ended, &e);

	buf_release(&call->body);
	call->handler(call->context, call->status, answer, call->retry_after, &e);
	call_free(call);
}

uint64_t kube_call(struct kube_transport *t, const struct kube_request *request, kube_answer_handler *handler,
		   void *context, struct err *e)
{
	struct call *call = calloc(1, sizeof(*call));
	uint64_t id;

	if (!call) {
		(void)err_no_memory(e);
		return 0;
	}
	*call = (struct call){
		.handler = handler, .context = context, .retry_after = -1, .body = buf_init(KUBE_ANSWER_MAX)};
	id = kube_transport_start(
		t, request,
		&(struct kube_handler){
			.context = call, .head = on_head, .data = on_data, .end = on_end, .dropped = on_dropped},
		e);
	if (id == 0)
		call_free(call);
	return id;
}

struct waiting {
	bool done;
	json_t *answer;
	struct err e;
};

static void on_answer(void *context, int status, const json_t *answer, int retry_after, const struct err *e)
{
	struct waiting *waiting = context;

	(void)status;
	(void)retry_after;
	waiting->done = true;
	waiting->e = *e;
	if (e->kind == ERR_NONE)
		waiting->answer = json_incref((json_t *)answer);
}

bool kube_call_wait(struct kube_transport *t, const struct kube_request *request, json_t **answer, struct err *e)
{
	struct waiting waiting = {.e = ERR_INIT};
	uint64_t id = kube_call(t, request, on_answer, &waiting, e);

	if (id == 0)
		return false;
	while (!waiting.done) {
		if (kube_transport_run(t, 0, e))
			continue;
		kube_transport_cancel(t, id);
		json_decref(waiting.answer);
		return false;
	}
	if (waiting.e.kind != ERR_NONE)
		return err_set(e, waiting.e.kind, "%s", waiting.e.text);
	*answer = waiting.answer;
	return true;
}

static void add_segment(struct buf *out, struct str segment)
{
	buf_add_char(out, '/');
	percent_encode(out, segment);
}

void kube_path_add(struct buf *out, const char *group, const char *version, struct str namespace_, const char *plural,
		   struct str name, const char *subresource)
{
	if (*group)
		buf_printf(out, "/apis/%s/%s", group, version);
	else
		buf_printf(out, "/api/%s", version);
	if (namespace_.len > 0) {
		buf_add_c(out, "/namespaces");
		add_segment(out, namespace_);
	}
	buf_printf(out, "/%s", plural);
	if (name.len > 0)
		add_segment(out, name);
	if (subresource && *subresource)
		buf_printf(out, "/%s", subresource);
}
