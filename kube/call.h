/* One request with a whole answer, as JSON: for writes, and for pages of a scan. */
#ifndef SEALGATE_KUBE_CALL_H
#define SEALGATE_KUBE_CALL_H

#include "base/json.h"
#include "kube/transport.h"

#define KUBE_ANSWER_MAX (16u * 1024 * 1024)

/* `answer` is the body as JSON, NULL when it is none. `e` is ERR_NONE for 2xx; otherwise the error that the status
 * stands for (401 ERR_UNAUTHENTICATED, 403 ERR_FORBIDDEN, 404 ERR_NOT_FOUND, 409 ERR_CHANGED or ERR_EXISTS by reason,
 * 410 ERR_CHANGED, 413, 422 ERR_INVALID, 429 and 5xx ERR_UNAVAILABLE), with the message of the Status. retry_after:
 * seconds, -1 when none. */
typedef void kube_answer_handler(void *context, int status, const json_t *answer, int retry_after, const struct err *e);

/* Begins the request; the handler is called exactly once, from kube_transport_run, unless it is cancelled
 * (kube_transport_cancel) or the transport is freed. 0 when it can't begin. Without answer `status` is 0. ERR_TOO_LARGE
 * for an answer beyond KUBE_ANSWER_MAX, ERR_UNAVAILABLE for one with status 2xx that isn't JSON. */
uint64_t kube_call(struct kube_transport *t, const struct kube_request *request, kube_answer_handler *handler,
		   void *context, struct err *e);
/* The same, and waits: runs the transport until the answer is there. For the command line. The caller owns *answer. */
bool kube_call_wait(struct kube_transport *t, const struct kube_request *request, json_t **answer,
		    struct err *e) MUST_USE;

/* Paths: "/api/v1/..." for group "", else "/apis/GROUP/VERSION/...", namespace "" for cluster-wide; name and
 * subresource (NULL as "") may be "". What comes from outside is percent-encoded. */
void kube_path_add(struct buf *out, const char *group, const char *version, struct str namespace_, const char *plural,
		   struct str name, const char *subresource);

#endif
