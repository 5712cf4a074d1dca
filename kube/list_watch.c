#include "kube/list_watch.h"

#include <stdlib.h>

#include "base/codec.h"
#include "kube/call.h"
#include "kube/json_stream.h"
#include "kube/watch_event.h"

#define ACCEPT_LIST "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
#define ACCEPT_WATCH "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
/* An event is an object and a few words around it. */
#define EVENT_MAX (KUBE_OBJECT_MAX + 1024u)
#define PAGE_TIMEOUT_MS 60000
#define WATCH_SECONDS_MIN 300u
#define WATCH_SECONDS_SPREAD 301u
#define DELAY_FIRST_MS 800
#define DELAY_MAX_MS 30000
#define RETRY_AFTER_MAX_S 60
#define HEALTHY_MS 120000
/* A page that is too large is asked for again with a quarter of the objects. */
#define PAGE_SHRINKS 4u
#define TOKEN_MAX 4096u

enum phase {
	PHASE_REST,   /* nothing is under way: `due_ms` says when it goes on */
	PHASE_PAGE,   /* a page of the list */
	PHASE_STREAM, /* a watch that begins with the objects that there are */
	PHASE_WATCH
};

struct list_watch {
	struct kube_transport *transport;
	const struct list_watch_target *target;
	const struct list_watch_events *events;
	uint64_t random;

	enum phase phase;
	uint64_t request; /* 0: none */
	bool no_stream;	  /* the server does not offer streaming lists */
	bool listing;	  /* begin was told, synced was not */
	bool ever_synced;
	bool expired; /* the list that is next follows from a 410 */
	struct buf version;
	struct buf next_page;
	unsigned page;
	size_t objects, bytes; /* of the list under way */

	/* of the request under way */
	struct json_stream stream;
	int status;
	int retry_after;
	bool broken; /* what came is no good: the end was told already */

	/* What the handlers leave for the next step, which knows the time. */
	bool failed, relist, ended, healthy;
	int wait_s;

	int64_t due_ms;
	int64_t delay_ms;	  /* the next back-off */
	int64_t healthy_since_ms; /* 0: it isn't */
	int64_t stale_since_ms;	  /* 0: up to date */
};

static uint64_t next_random(struct list_watch *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/* Only notes it: what follows from it is a matter of time. */
static void fail(struct list_watch *w, const struct err *why, bool relist, int retry_after)
{
	struct err e = *why;

	w->failed = true;
	w->relist |= relist;
	w->wait_s = retry_after < RETRY_AFTER_MAX_S ? retry_after : RETRY_AFTER_MAX_S;
	(void)err_context(&e, "%s", w->target->name);
	w->events->failed(w->events->context, &e);
}

static void tell_begin(struct list_watch *w)
{
	w->listing = true;
	w->objects = 0;
	w->bytes = 0;
	w->events->begin(w->events->context);
}

static bool keep_version(struct list_watch *w, struct str version, struct err *e)
{
	buf_clear(&w->version);
	buf_add(&w->version, version);
	return buf_ok(&w->version, e);
}

static bool tell_synced(struct list_watch *w, struct str version, struct err *e)
{
	if (version.len == 0)
		return err_set(e, ERR_INVALID, "the API server's list has no resourceVersion");
	if (!keep_version(w, version, e))
		return false;
	w->listing = false;
	w->ever_synced = true;
	w->healthy = true;
	w->events->synced(w->events->context);
	return true;
}

/* What a cluster can grow ends somewhere. */
static bool count_object(struct list_watch *w, size_t bytes, struct err *e)
{
	w->objects++;
	w->bytes += bytes;
	if (w->objects <= KUBE_OBJECTS && w->bytes <= KUBE_OBJECTS_BYTES)
		return true;
	return err_set(e, ERR_TOO_LARGE, "there are more than %u objects, or %u bytes of them", KUBE_OBJECTS,
		       KUBE_OBJECTS_BYTES);
}

/* -- events of a watch -- */

static bool take_bookmark(struct list_watch *w, const struct watch_event *event, struct err *e)
{
	if (w->listing && event->initial_end)
		return tell_synced(w, event->version, e);
	return w->listing || keep_version(w, event->version, e);
}

static bool take_change(struct list_watch *w, const struct watch_event *event, size_t bytes, struct err *e)
{
	const struct list_watch_events *events = w->events;

	if (w->listing && !count_object(w, bytes, e))
		return false;
	if (!w->listing && !keep_version(w, event->version, e))
		return false;
	(event->kind == EVENT_PRESENT ? events->present : events->gone)(events->context, event->object);
	return true;
}

/* A json_stream's object. */
static bool take_event(void *context, struct str text, struct err *e)
{
	struct list_watch *w = context;
	cleanup(json) json_t *json = NULL;
	struct watch_event event;

	if (!json_read_foreign(text, &json, e) || !watch_event_read(json, &event, e))
		return false;
	w->healthy = true;
	/* What has gone on after a list was not forgotten. */
	if (!w->listing && event.kind != EVENT_EXPIRED)
		w->expired = false;
	switch (event.kind) {
	case EVENT_PRESENT:
	case EVENT_GONE:
		return take_change(w, &event, text.len, e);
	case EVENT_BOOKMARK:
		return take_bookmark(w, &event, e);
	case EVENT_EXPIRED:
	case EVENT_FAILED:
		break;
	}
	return false;
}

static void on_head(void *context, int status, int retry_after)
{
	struct list_watch *w = context;

	w->status = status;
	w->retry_after = retry_after;
	w->healthy = status == 200 && !w->listing;
}

/* The server has forgotten where the watch stood; that is no failure, unless it goes on. */
static void forget_version(struct list_watch *w)
{
	w->relist = true;
	if (w->expired) {
		struct err e = ERR_INIT;

		(void)err_set(&e, ERR_UNAVAILABLE, "the API server forgets what it has just listed");
		fail(w, &e, true, -1);
	}
	w->expired = true;
}

static void on_data(void *context, struct str bytes)
{
	struct list_watch *w = context;
	struct err e = ERR_INIT;

	/* The text of a refusal is not looked at: its status says enough. */
	if (w->broken || w->status != 200)
		return;
	if (json_stream_feed(&w->stream, bytes, take_event, w, &e))
		return;
	w->broken = true;
	if (e.kind == ERR_CHANGED)
		forget_version(w);
	else
		fail(w, &e, e.kind != ERR_UNAVAILABLE || w->listing, -1);
}

static bool streams_are_unknown(const struct list_watch *w)
{
	return w->phase == PHASE_STREAM && (w->status == 400 || w->status == 422);
}

static bool is_passing(int status)
{
	return status == 429 || status >= 500;
}

static void judge_status(struct list_watch *w)
{
	struct err e = ERR_INIT;

	if (streams_are_unknown(w)) {
		w->no_stream = true;
		w->relist = true;
		return;
	}
	if (w->status == 410) {
		forget_version(w);
		return;
	}
	(void)err_set(&e, is_passing(w->status) ? ERR_UNAVAILABLE : ERR_INVALID,
		      "the API server answers with status %d%s", w->status,
		      w->status == 403	 ? ": may it be listed and watched?"
		      : w->status == 404 ? ": is its CustomResourceDefinition installed?"
					 : "");
	fail(w, &e, !is_passing(w->status), w->retry_after);
}

static void judge_end(struct list_watch *w, const struct err *ended)
{
	struct err e = *ended;

	if (e.kind == ERR_NONE && json_stream_is_inside(&w->stream))
		(void)err_set(&e, ERR_INVALID, "the API server's answer ends in the middle of an event");
	else if (e.kind == ERR_NONE && w->listing)
		(void)err_set(&e, ERR_UNAVAILABLE, "the API server's answer ends in the middle of the list");
	if (e.kind != ERR_NONE)
		fail(w, &e, w->listing || json_stream_is_inside(&w->stream), -1);
}

static void on_end(void *context, const struct err *ended)
{
	struct list_watch *w = context;

	w->request = 0;
	w->ended = true;
	if (w->broken)
		return;
	if (w->status != 0 && w->status != 200)
		judge_status(w);
	else
		judge_end(w, ended);
}

/* -- pages -- */

static bool take_items(struct list_watch *w, const json_t *list, struct err *e)
{
	const json_t *items = json_object_get(list, "items");
	size_t i;
	json_t *item;

	/* Go writes an empty list as null. */
	if (!json_is_array(items) && !json_is_null(items))
		return err_set(e, ERR_INVALID, "the API server's answer is no list");
	json_array_foreach(items, i, item)
	{
		if (!json_is_object(item))
			return err_set(e, ERR_INVALID, "the API server's list holds what is no object");
		if (!count_object(w, 0, e))
			return false;
		w->events->present(w->events->context, item);
	}
	return true;
}

static bool take_page(struct list_watch *w, const json_t *list, struct err *e)
{
	struct str token = json_text(json_object_get(list, "metadata"), "continue");

	if (!take_items(w, list, e))
		return false;
	buf_clear(&w->next_page);
	if (token.len == 0)
		return tell_synced(w, watch_version(list), e);
	buf_add(&w->next_page, token);
	return buf_ok(&w->next_page, e);
}

static bool shrink_page(struct list_watch *w, const struct err *e)
{
	if (e->kind != ERR_TOO_LARGE || w->page == 1)
		return false;
	w->page = w->page / PAGE_SHRINKS ? w->page / PAGE_SHRINKS : 1;
	return true;
}

static void on_page(void *context, int status, const json_t *answer, int retry_after, const struct err *why)
{
	struct list_watch *w = context;
	struct err e = *why;

	w->request = 0;
	w->ended = true;
	if (e.kind == ERR_NONE && take_page(w, answer, &e))
		return;
	/* The token's time is over: a list from its beginning. */
	if (status == 410)
		forget_version(w);
	else if (!shrink_page(w, why))
		fail(w, &e, true, retry_after);
}

/* -- requests -- */

static void begin_page(struct list_watch *w, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(KUBE_PATH_MAX);

	if (w->next_page.len == 0)
		tell_begin(w);
	buf_printf(&path, "%s?limit=%u", w->target->path, w->page);
	if (w->next_page.len > 0) {
		buf_add_c(&path, "&continue=");
		percent_encode(&path, buf_str(&w->next_page));
	}
	w->phase = PHASE_PAGE;
	if (!buf_ok(&path, e))
		return;
	w->request = kube_call(w->transport,
			       &(struct kube_request){.method = "GET",
						      .path = buf_str(&path),
						      .accept = w->target->metadata_only ? ACCEPT_LIST : NULL,
						      .timeout_ms = PAGE_TIMEOUT_MS},
			       on_page, w, e);
}

static void begin_watch(struct list_watch *w, enum phase phase, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(KUBE_PATH_MAX);

	buf_printf(&path, "%s?watch=1&allowWatchBookmarks=true&timeoutSeconds=%u", w->target->path,
		   WATCH_SECONDS_MIN + (unsigned)(next_random(w) % WATCH_SECONDS_SPREAD));
	if (phase == PHASE_STREAM) {
		tell_begin(w);
		buf_add_c(&path, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
	} else {
		buf_add_c(&path, "&resourceVersion=");
		percent_encode(&path, buf_str(&w->version));
	}
	w->phase = phase;
	if (!buf_ok(&path, e))
		return;
	w->request = kube_transport_start(
		w->transport,
		&(struct kube_request){.method = "GET",
				       .path = buf_str(&path),
				       .accept = w->target->metadata_only ? ACCEPT_WATCH : NULL},
		&(struct kube_handler){.context = w, .head = on_head, .data = on_data, .end = on_end}, e);
}

static void begin_request(struct list_watch *w)
{
	struct err e = ERR_INIT;

	json_stream_release(&w->stream);
	w->stream = json_stream_init(EVENT_MAX);
	w->status = 0;
	w->retry_after = -1;
	w->broken = false;
	if (w->version.len > 0)
		begin_watch(w, PHASE_WATCH, &e);
	else if (w->no_stream)
		begin_page(w, &e);
	else
		begin_watch(w, PHASE_STREAM, &e);
	if (w->request == 0) {
		w->ended = true;
		fail(w, &e, false, -1);
	}
}

/* -- time -- */

/* After each failure twice as long, and up to twice that, so that not all replicas come back at once. */
static int64_t back_off(struct list_watch *w)
{
	int64_t delay = w->delay_ms + (int64_t)(next_random(w) % (uint64_t)w->delay_ms);

	w->delay_ms = w->delay_ms * 2 < DELAY_MAX_MS ? w->delay_ms * 2 : DELAY_MAX_MS;
	return delay > w->wait_s * (int64_t)1000 ? delay : w->wait_s * (int64_t)1000;
}

static void note_health(struct list_watch *w, int64_t now_ms)
{
	if (w->failed || !w->healthy) {
		if (w->failed)
			w->healthy_since_ms = 0;
		return;
	}
	if (w->healthy_since_ms == 0)
		w->healthy_since_ms = now_ms;
	if (!w->listing && !w->relist)
		w->stale_since_ms = 0;
}

static void start_over(struct list_watch *w)
{
	buf_clear(&w->version);
	buf_clear(&w->next_page);
	w->relist = false;
}

static void settle(struct list_watch *w, int64_t now_ms)
{
	if (w->healthy_since_ms && now_ms - w->healthy_since_ms >= HEALTHY_MS)
		w->delay_ms = DELAY_FIRST_MS;
	note_health(w, now_ms);
	/* What came was no good: whatever else comes is not waited for. */
	if (w->broken && w->request) {
		kube_transport_cancel(w->transport, w->request);
		w->request = 0;
		w->ended = true;
	}
	if (!w->ended)
		return;
	if ((w->failed || w->relist) && w->stale_since_ms == 0)
		w->stale_since_ms = now_ms;
	if (w->relist)
		start_over(w);
	w->due_ms = w->failed ? now_ms + back_off(w) : now_ms;
	w->phase = PHASE_REST;
	w->failed = w->ended = w->healthy = false;
	w->wait_s = 0;
}

int64_t list_watch_step(struct list_watch *w, int64_t now_ms)
{
	settle(w, now_ms);
	if (w->phase == PHASE_REST && now_ms >= w->due_ms) {
		begin_request(w);
		settle(w, now_ms);
	}
	return w->phase == PHASE_REST ? w->due_ms : INT64_MAX;
}

int64_t list_watch_stale_since(const struct list_watch *w)
{
	return w->ever_synced ? w->stale_since_ms : -1;
}

struct list_watch *list_watch_new(struct kube_transport *transport, const struct list_watch_target *target,
				  const struct list_watch_events *events, uint64_t seed)
{
	struct list_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct list_watch){.transport = transport,
				 .target = target,
				 .events = events,
				 .random = seed ? seed : 1,
				 .version = buf_init(TOKEN_MAX),
				 .next_page = buf_init(TOKEN_MAX),
				 .page = KUBE_PAGE,
				 .stream = json_stream_init(EVENT_MAX),
				 .delay_ms = DELAY_FIRST_MS};
	return w;
}

void list_watch_free(struct list_watch *w)
{
	if (!w)
		return;
	if (w->request)
		kube_transport_cancel(w->transport, w->request);
	json_stream_release(&w->stream);
	buf_release(&w->version);
	buf_release(&w->next_page);
	free(w);
}
