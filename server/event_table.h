/* Which Events are due: refusals of one kind together, at a bounded rate. Pure: time is an argument. Not for several
 * threads.
 *
 * Refusals with the same regarding object and note are one Event. It is created at once and then told again, as a
 * series, at most every EVENT_SERIES_MS while more of them come. At most EVENTS_A_SECOND are created; the others wait.
 * At most EVENTS_REMEMBERED are known at the same time, each until nothing has come for EVENT_REST_MS; what comes
 * beside them is left out. */
#ifndef SEALGATE_SERVER_EVENT_TABLE_H
#define SEALGATE_SERVER_EVENT_TABLE_H

#include "base/buf.h"
#include "base/clock.h"
#include "server/refusal_queue.h"

#define EVENTS_REMEMBERED 1000u
#define EVENTS_A_SECOND 20u
#define EVENT_SERIES_MS 30000
#define EVENT_REST_MS 360000
/* One Event as JSON. */
#define EVENT_BODY_MAX 16384u
#define EVENT_NAME_MAX 32u

struct event_table;

/* Names of Events begin with "sealgate." and are made from `seed`: a random number. NULL when there is no memory. */
struct event_table *event_table_new(uint64_t seed);
/* NULL is legal. */
void event_table_free(struct event_table *table);
/* False when it is left out. */
bool event_table_note(struct event_table *table, const struct refusal *refusal, int64_t now_ms, struct timestamp now);

/* One Event to be created, or its series to be told. */
struct event_due {
	size_t id; /* for event_table_done */
	const struct refusal *about;
	const char *name;
	bool create;
	uint64_t count;
	struct timestamp first;
	struct timestamp last;
};

/* The next one that is due, which counts as begun; false when there is none. Texts live until event_table_done. */
bool event_table_due(struct event_table *table, int64_t now_ms, struct event_due *out);
/* When event_table_due should be asked again: monotonic ms, INT64_MAX for never. */
int64_t event_table_next(const struct event_table *table, int64_t now_ms);

/* What does not succeed is tried three times in a row, and then with the next refusal. */
enum event_outcome {
	EVENT_WRITTEN,
	EVENT_GONE,   /* it isn't there any more, or another one has its name: created anew */
	EVENT_FAILED, /* tried again after EVENT_SERIES_MS */
};
void event_table_done(struct event_table *table, size_t id, enum event_outcome outcome, int64_t now_ms);

/* Appends the body of the request: an events.k8s.io/v1 Event, or a merge patch of its series. `instance` says who
 * reports. */
void event_body(const struct event_due *due, struct str instance, struct buf *out);

CLEANUP_POINTER(event_table, struct event_table, event_table_free)

#endif
