/* What operators and probes ask: /healthz, /readyz, /metrics. */
#ifndef SEALGATE_SERVER_OPS_H
#define SEALGATE_SERVER_OPS_H

#include <stdatomic.h>

#include "server/http.h"
#include "server/metrics.h"
#include "server/trust_holder.h"
#include "store/store.h"

/* Lines about what else an operator should know, appended to the body of /readyz; any thread. */
struct ops_report {
	void (*add)(void *context, struct buf *out);
	void *context;
};

struct ops {
	struct metrics *metrics;
	struct store *store;			    /* set before `trust`; NULL: not looked at */
	_Atomic(const struct ops_report *) cluster; /* NULL: none is followed, or not yet */
	/* Set once store, policies and keys are loaded; not ready before. */
	_Atomic(struct trust_holder *) trust;
};

/* An http_handler; context is a struct ops.
 * /healthz: 200 "ok" while the process answers. /readyz: 503 until the trust is set and while the store can't be read;
 * otherwise 200, with a line "not written: ..." while the database was taken away and one "not loaded: FILE: ..." while
 * the last reload failed (it stays 200: else one typo takes every replica out of service). What the cluster's report
 * says follows in both cases.
 * /metrics: Prometheus' text format. 404 for other paths, 405 for methods other than GET and HEAD. */
void ops_handle(void *context, struct http_request *request, struct http_response *response);

#endif
