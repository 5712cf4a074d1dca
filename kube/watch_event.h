/* One event of a watch, decoded: {"type": "ADDED", "object": {...}}. */
#ifndef SEALGATE_KUBE_WATCH_EVENT_H
#define SEALGATE_KUBE_WATCH_EVENT_H

#include "base/json.h"

enum watch_event_kind { EVENT_PRESENT, EVENT_GONE, EVENT_BOOKMARK, EVENT_EXPIRED, EVENT_FAILED };

struct watch_event {
	enum watch_event_kind kind;
	bool initial_end;     /* of a bookmark: the objects that there were have all been sent */
	const json_t *object; /* PRESENT, GONE; belongs to the event's JSON */
	struct str version;   /* resourceVersion; PRESENT, GONE, BOOKMARK */
};

/* `json` must outlive *out. ERR_INVALID for what is no event; EVENT_FAILED and EVENT_EXPIRED (410) set *e too, from the
 * Status that the event carries, and are true. */
bool watch_event_read(const json_t *json, struct watch_event *out, struct err *e) MUST_USE;
/* metadata.resourceVersion of an object or a list; ptr NULL when there is none. */
struct str watch_version(const json_t *object);

#endif
