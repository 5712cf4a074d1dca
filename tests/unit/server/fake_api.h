/* An API server inside the test: a transport whose lists are what the test put there, whose watches tell what changes,
 * and that keeps what is written. Any thread. */
#ifndef SEALGATE_TESTS_UNIT_SERVER_FAKE_API_H
#define SEALGATE_TESTS_UNIT_SERVER_FAKE_API_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"
#include "kube/transport.h"

#define SHARED __attribute__((unused)) static
#define FAKE_REQUESTS 64u
#define FAKE_TEXT 65536u
/* The answer ends here. */
#define FAKE_END "\x04"

struct fake_request {
	uint64_t id; /* 0: free */
	char path[512];
	bool answered; /* a watch has had its list */
	int status;    /* of a write, or of a list that fails */
	struct kube_handler handler;
	char *news; /* lines to be sent; NULL: none */
};

struct fake_api {
	struct kube_transport transport;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool woken, lost, freed;
	uint64_t last_id;
	struct fake_request requests[FAKE_REQUESTS];
	/* By the end of their paths: what a list holds, as events. */
	struct {
		const char *plural;
		char initial[4096];
	} lists[8];
	size_t list_count;
	int list_status;	 /* 0: as it should be */
	char written[FAKE_TEXT]; /* "METHOD PATH BODY\n" of each write */
};

SHARED struct fake_request *fake_find(struct fake_api *api, uint64_t id)
{
	for (size_t i = 0; i < FAKE_REQUESTS; i++)
		if (api->requests[i].id == id)
			return &api->requests[i];
	return NULL;
}

SHARED void fake_keep(struct fake_api *api, const struct kube_request *request)
{
	size_t used = strlen(api->written);

	(void)snprintf(api->written + used, sizeof(api->written) - used, "%s %.*s %.*s\n", request->method,
		       STR_ARG(request->path), STR_ARG(request->body));
}

SHARED uint64_t fake_start(struct kube_transport *t, const struct kube_request *request,
			   const struct kube_handler *handler, struct err *e)
{
	struct fake_api *api = (struct fake_api *)t;
	struct fake_request *slot;
	uint64_t id = 0;

	pthread_mutex_lock(&api->lock);
	slot = fake_find(api, 0);
	if (slot) {
		id = ++api->last_id;
		*slot = (struct fake_request){.id = id, .handler = *handler};
		(void)snprintf(slot->path, sizeof(slot->path), "%.*s", STR_ARG(request->path));
		if (strcmp(request->method, "GET") != 0) {
			slot->status = 200;
			fake_keep(api, request);
		}
		api->woken = true;
	}
	pthread_mutex_unlock(&api->lock);
	if (!id)
		(void)err_set(e, ERR_UNAVAILABLE, "no room");
	return id;
}

SHARED void fake_cancel(struct kube_transport *t, uint64_t id)
{
	struct fake_api *api = (struct fake_api *)t;
	struct fake_request *slot;
	struct kube_handler handler = {0};

	pthread_mutex_lock(&api->lock);
	slot = fake_find(api, id);
	if (slot) {
		handler = slot->handler;
		free(slot->news);
		*slot = (struct fake_request){0};
	}
	pthread_mutex_unlock(&api->lock);
	if (handler.dropped)
		handler.dropped(handler.context);
}

/* What a list of `path` holds; "" when the test put nothing there. */
SHARED const char *fake_initial(const struct fake_api *api, const char *path)
{
	size_t length = strcspn(path, "?");

	for (size_t i = 0; i < api->list_count; i++) {
		size_t own = strlen(api->lists[i].plural);

		if (own < length && strncmp(path + length - own, api->lists[i].plural, own) == 0)
			return api->lists[i].initial;
	}
	return "";
}

/* One thing to tell, without the lock: handlers may begin and cancel requests. */
struct fake_news {
	struct kube_handler handler;
	int status;
	char text[FAKE_TEXT];
	bool ends;
};

SHARED void fake_take_list(struct fake_api *api, struct fake_request *slot, struct fake_news *out)
{
	slot->answered = true;
	out->status = api->list_status ? api->list_status : 200;
	out->ends = out->status != 200;
	(void)snprintf(out->text, sizeof(out->text),
		       "%s{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\",\"annotations\":{"
		       "\"k8s.io/initial-events-end\":\"true\"}}}}\n",
		       strstr(slot->path, "sendInitialEvents") ? fake_initial(api, slot->path) : "");
}

SHARED bool fake_take(struct fake_api *api, struct fake_news *out)
{
	for (size_t i = 0; i < FAKE_REQUESTS; i++) {
		struct fake_request *slot = &api->requests[i];

		if (!slot->id)
			continue;
		*out = (struct fake_news){.handler = slot->handler};
		if (slot->status) {
			out->status = slot->status;
			(void)snprintf(out->text, sizeof(out->text), "{}");
			out->ends = true;
		} else if (!slot->answered) {
			fake_take_list(api, slot, out);
		} else if (slot->news) {
			out->ends = strchr(slot->news, FAKE_END[0]) != NULL;
			(void)snprintf(out->text, sizeof(out->text), "%.*s", (int)strcspn(slot->news, FAKE_END),
				       slot->news);
			free(slot->news);
			slot->news = NULL;
		} else {
			continue;
		}
		if (out->ends)
			*slot = (struct fake_request){0};
		return true;
	}
	return false;
}

SHARED void fake_tell(const struct fake_news *news)
{
	if (news->status)
		news->handler.head(news->handler.context, news->status, -1);
	news->handler.data(news->handler.context, str_of(news->text));
	if (news->ends)
		news->handler.end(news->handler.context, &ERR_INIT);
}

SHARED bool fake_run(struct kube_transport *t, int64_t deadline_ms, struct err *e)
{
	static struct fake_news news; /* one thread runs */
	struct fake_api *api = (struct fake_api *)t;
	bool has, lost;

	pthread_mutex_lock(&api->lock);
	while (!(has = fake_take(api, &news)) && !api->woken && !api->lost && clock_left_ms(deadline_ms) > 0)
		condition_wait(&api->wake, &api->lock, deadline_ms);
	api->woken = false;
	lost = api->lost;
	pthread_mutex_unlock(&api->lock);
	if (lost)
		return err_set(e, ERR_UNAVAILABLE, "the agent has ended");
	if (has)
		fake_tell(&news);
	return true;
}

SHARED void fake_wake(struct kube_transport *t)
{
	struct fake_api *api = (struct fake_api *)t;

	pthread_mutex_lock(&api->lock);
	api->woken = true;
	pthread_cond_broadcast(&api->wake);
	pthread_mutex_unlock(&api->lock);
}

SHARED void fake_free(struct kube_transport *t)
{
	((struct fake_api *)t)->freed = true;
}

SHARED const struct kube_transport_class fake_class = {
	.start = fake_start, .cancel = fake_cancel, .run = fake_run, .wake = fake_wake, .free = fake_free};

SHARED struct fake_api *fake_new(void)
{
	struct fake_api *api = calloc(1, sizeof(*api));

	api->transport.class = &fake_class;
	pthread_mutex_init(&api->lock, NULL);
	condition_init(&api->wake);
	return api;
}

SHARED void fake_delete(struct fake_api *api)
{
	for (size_t i = 0; i < FAKE_REQUESTS; i++)
		free(api->requests[i].news);
	free(api);
}

/* Before anybody lists: `events` are lines of a watch. */
SHARED void fake_put(struct fake_api *api, const char *plural, const char *events)
{
	api->lists[api->list_count].plural = plural;
	(void)snprintf(api->lists[api->list_count++].initial, sizeof(api->lists[0].initial), "%s", events);
}

/* Sends `text` to the watch of `plural`, as it is. False while there is none that has had its list. */
SHARED bool fake_send(struct fake_api *api, const char *plural, const char *text)
{
	bool sent = false;

	pthread_mutex_lock(&api->lock);
	for (size_t i = 0; i < FAKE_REQUESTS && !sent; i++) {
		struct fake_request *slot = &api->requests[i];

		if (!slot->id || !slot->answered || slot->news || !strstr(slot->path, plural))
			continue;
		slot->news = strdup(text);
		sent = true;
	}
	pthread_cond_broadcast(&api->wake);
	pthread_mutex_unlock(&api->lock);
	return sent;
}

SHARED void fake_lose(struct fake_api *api)
{
	pthread_mutex_lock(&api->lock);
	api->lost = true;
	pthread_cond_broadcast(&api->wake);
	pthread_mutex_unlock(&api->lock);
}

SHARED void fake_fail_lists(struct fake_api *api, int status)
{
	pthread_mutex_lock(&api->lock);
	api->list_status = status;
	pthread_mutex_unlock(&api->lock);
}

/* Whether a write with this in its line was seen. */
SHARED bool fake_wrote(struct fake_api *api, const char *text)
{
	bool wrote;

	pthread_mutex_lock(&api->lock);
	wrote = strstr(api->written, text) != NULL;
	pthread_mutex_unlock(&api->lock);
	return wrote;
}

#endif
