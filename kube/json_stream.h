/* A watch's answer: one JSON object after the other, cut apart as the bytes arrive. Only where an object ends is looked
 * at here; whoever gets the text reads it strictly. */
#ifndef SEALGATE_KUBE_JSON_STREAM_H
#define SEALGATE_KUBE_JSON_STREAM_H

#include "base/buf.h"

struct json_stream {
	struct buf text; /* of the object that has begun */
	unsigned depth;
	bool in_string;
	bool escaped;
};

/* No object may be longer than `max` bytes. */
struct json_stream json_stream_init(size_t max);
void json_stream_release(struct json_stream *stream);

/* Takes `bytes` and calls `object` for each one that is complete. ERR_INVALID for what can't begin an object,
 * ERR_TOO_LARGE past `max` or LIMIT_JSON_DEPTH; stops, and returns false, when `object` does. */
bool json_stream_feed(struct json_stream *stream, struct str bytes,
		      bool (*object)(void *context, struct str text, struct err *e), void *context,
		      struct err *e) MUST_USE;
/* Whether an object has begun and not ended. */
bool json_stream_is_inside(const struct json_stream *stream);

#endif
