#include "server/cluster_events.h"

#include "kube/call.h"
#include "server/event_table.h"
#include "server/log.h"

#define PATH_MAX_BYTES 4096u
#define WRITE_MS 10000
/* Between two failures that the log tells of. */
#define TELL_MS 60000

struct event_request {
	struct cluster_events *events;
	uint64_t id; /* 0: free */
	size_t event;
};

struct cluster_events {
	struct cluster_events_means means;
	struct event_table *table;
	int64_t now_ms;
	int64_t told_ms;
	uint64_t left_out; /* by the queue, as counted */
	struct event_request requests[EVENT_REQUESTS];
};

struct cluster_events *cluster_events_new(const struct cluster_events_means *means)
{
	struct cluster_events *events = calloc(1, sizeof(*events));

	if (!events)
		return NULL;
	events->means = *means;
	events->table = event_table_new(means->seed);
	for (size_t i = 0; i < EVENT_REQUESTS; i++)
		events->requests[i].events = events;
	if (events->table)
		return events;
	cluster_events_free(events);
	return NULL;
}

void cluster_events_free(struct cluster_events *events)
{
	if (!events)
		return;
	for (size_t i = 0; i < EVENT_REQUESTS; i++)
		if (events->requests[i].id)
			kube_transport_cancel(events->means.transport, events->requests[i].id);
	event_table_free(events->table);
	free(events);
}

static void count(struct cluster_events *events, enum cluster_write result, uint64_t number)
{
	atomic_fetch_add(&events->means.metrics->events[result], number);
}

static void take_refusals(struct cluster_events *events, struct timestamp now)
{
	uint64_t left_out = refusal_queue_left_out(events->means.refusals);
	struct refusal *refusal;

	for (unsigned i = 0; i < REFUSALS_WAITING; i++) {
		refusal = refusal_queue_take(events->means.refusals);
		if (!refusal)
			break;
		if (!event_table_note(events->table, refusal, events->now_ms, now))
			count(events, CLUSTER_LEFT_OUT, 1);
		free(refusal);
	}
	count(events, CLUSTER_LEFT_OUT, left_out - events->left_out);
	events->left_out = left_out;
}

static void tell_failure(struct cluster_events *events, const struct err *e)
{
	if (events->told_ms != 0 && events->now_ms - events->told_ms < TELL_MS)
		return;
	events->told_ms = events->now_ms;
	log_line(LOG_WARN, "an Event cannot be written", LOG_C("error", e->text));
}

static void end(struct cluster_events *events, size_t event, const struct err *e)
{
	enum event_outcome outcome = EVENT_FAILED;
	enum cluster_write result = CLUSTER_FAILED;

	if (e->kind == ERR_NONE) {
		outcome = EVENT_WRITTEN;
		result = CLUSTER_WRITTEN;
	} else if (e->kind == ERR_NOT_FOUND || e->kind == ERR_EXISTS || e->kind == ERR_CHANGED) {
		outcome = EVENT_GONE;
		result = CLUSTER_CHANGED;
	} else {
		tell_failure(events, e);
	}
	count(events, result, 1);
	event_table_done(events->table, event, outcome, events->now_ms);
}

static void on_answer(void *context, int status, const json_t *answer, int retry_after, const struct err *e)
{
	struct event_request *request = context;

	(void)status;
	(void)answer;
	(void)retry_after;
	request->id = 0;
	end(request->events, request->event, e);
}

static bool begin(struct cluster_events *events, struct event_request *request, const struct event_due *due,
		  struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_MAX_BYTES);
	cleanup(buf) struct buf body = buf_init(EVENT_BODY_MAX);
	struct kube_request write = {.method = due->create ? "POST" : "PATCH",
				     .content_type = due->create ? "application/json" : "application/merge-patch+json",
				     .timeout_ms = WRITE_MS};

	kube_path_add(&path, "events.k8s.io", "v1", due->about->namespace_, "events",
		      due->create ? STR("") : str_of(due->name), "");
	event_body(due, str_of(events->means.instance), &body);
	if (!buf_ok(&path, e) || !buf_ok(&body, e))
		return false;
	write.path = buf_str(&path);
	write.body = buf_str(&body);
	request->event = due->id;
	request->id = kube_call(events->means.transport, &write, on_answer, request, e);
	return request->id != 0;
}

static struct event_request *free_request(struct cluster_events *events)
{
	for (size_t i = 0; i < EVENT_REQUESTS; i++)
		if (!events->requests[i].id)
			return &events->requests[i];
	return NULL;
}

int64_t cluster_events_step(struct cluster_events *events, int64_t now_ms, struct timestamp now)
{
	struct event_request *request;
	struct event_due due;
	struct err e = ERR_INIT;

	events->now_ms = now_ms;
	take_refusals(events, now);
	while ((request = free_request(events)) != NULL && event_table_due(events->table, now_ms, &due))
		if (!begin(events, request, &due, &e))
			end(events, due.id, &e);
	return request ? event_table_next(events->table, now_ms) : INT64_MAX;
}
