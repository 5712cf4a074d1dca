/* A transport whose answers the test gives: what was asked is looked at, and answered, by hand. */
#ifndef SEALGATE_TESTS_UNIT_KUBE_SCRIPT_H
#define SEALGATE_TESTS_UNIT_KUBE_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kube/transport.h"

#define SHARED __attribute__((unused)) static

/* One request at a time is under way, as with everything that these tests look at. */
struct script {
	struct kube_transport transport;
	uint64_t last_id;
	unsigned begun;
	bool open;
	bool refuse; /* the next request can't begin */
	char method[16];
	char path[KUBE_PATH_MAX + 1];
	char accept[256];
	char type[64];
	char body[4096];
	struct kube_handler handler;
	unsigned runs;
	void (*on_run)(struct script *script);
};

SHARED void keep_text(char *to, size_t size, struct str text)
{
	assert_true(text.len < size);
	memcpy(to, text.ptr, text.len);
	to[text.len] = '\0';
}

SHARED uint64_t script_begin(struct kube_transport *t, const struct kube_request *request,
			     const struct kube_handler *handler, struct err *e)
{
	struct script *script = (struct script *)t;
	if (script->refuse) {
		(void)err_set(e, ERR_UNAVAILABLE, "no room");
		return 0;
	}
	assert_false(script->open);
	script->open = true;
	script->begun++;
	script->handler = *handler;
	keep_text(script->method, sizeof(script->method), str_of(request->method));
	keep_text(script->path, sizeof(script->path), request->path);
	keep_text(script->accept, sizeof(script->accept), str_of(request->accept));
	keep_text(script->type, sizeof(script->type), str_of(request->content_type));
	keep_text(script->body, sizeof(script->body), str_make(request->body.ptr, request->body.len));
	return ++script->last_id;
}

SHARED void script_cancel(struct kube_transport *t, uint64_t id)
{
	struct script *script = (struct script *)t;
	if (!script->open || id != script->last_id)
		return;
	script->open = false;
	if (script->handler.dropped)
		script->handler.dropped(script->handler.context);
}

SHARED bool script_run(struct kube_transport *t, int64_t deadline_ms, struct err *e)
{
	struct script *script = (struct script *)t;
	(void)deadline_ms;
	script->runs++;
	if (!script->on_run)
		return err_set(e, ERR_UNAVAILABLE, "gone");
	script->on_run(script);
	return true;
}

SHARED void script_wake(struct kube_transport *t)
{
	(void)t;
}

SHARED void script_free(struct kube_transport *t)
{
	(void)t;
}

SHARED const struct kube_transport_class script_class = {
	.start = script_begin, .cancel = script_cancel, .run = script_run, .wake = script_wake, .free = script_free};

SHARED void script_init(struct script *script)
{
	memset(script, 0, sizeof(*script));
	script->transport.class = &script_class;
}

SHARED void script_head(struct script *script, int status, int retry_after)
{
	assert_true(script->open);
	script->handler.head(script->handler.context, status, retry_after);
}

SHARED void script_data(struct script *script, const char *text)
{
	assert_true(script->open);
	script->handler.data(script->handler.context, str_of(text));
}

SHARED void script_end(struct script *script, enum err_kind kind)
{
	struct err e = ERR_INIT;
	assert_true(script->open);
	if (kind != ERR_NONE)
		(void)err_set(&e, kind, "the connection broke");
	script->open = false;
	script->handler.end(script->handler.context, &e);
}

SHARED void script_answer(struct script *script, int status, const char *text)
{
	script_head(script, status, -1);
	script_data(script, text);
	script_end(script, ERR_NONE);
}

#endif
