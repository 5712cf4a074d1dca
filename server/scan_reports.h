/* Writes what a scan has found as reports, one for each namespace and kind of report. A state machine over a transport:
 * time is an argument, nothing waits.
 *
 * Of a kind that the API server does not have nothing is written; the next scan looks again. The reports that are there
 * are listed a few at a time; each is written only when it would say something else, by server-side apply, and removed
 * when its namespace has no workloads any more. Several replicas write the same: who comes second finds nothing to do.
 * One request at a time, at most ten a second. A write that fails is counted and left to the next scan. */
#ifndef SEALGATE_SERVER_SCAN_REPORTS_H
#define SEALGATE_SERVER_SCAN_REPORTS_H

#include "kube/transport.h"
#include "server/report.h"

/* Reports of one page: each may have REPORT_BYTES. */
#define SCAN_REPORTS_PAGE 10u
#define SCAN_REPORTS_PAUSE_MS 100
#define SCAN_REPORTS_REQUEST_MS 10000
/* Tries of one page, and new beginnings of a list, before this kind is given up. */
#define SCAN_REPORTS_ATTEMPTS 4u

struct scan_reports;

struct scan_reports_outcome {
	size_t written;
	size_t unchanged;
	size_t removed;
	size_t failed;	  /* writes and lists */
	struct err error; /* of the first that failed */
	bool there[REPORT_FLAVOURS];
};

/* `findings` must outlive it. `remove`: reports of namespaces without findings may go, because every kind was looked
 * at. `now` in seconds. NULL when there is no memory. */
struct scan_reports *scan_reports_new(struct kube_transport *transport, const struct scan_findings *findings,
				      bool remove, int64_t now);
/* Cancels what is under way. NULL is legal. */
void scan_reports_free(struct scan_reports *reports);
/* Does what is due and returns when it wants to be called again (monotonic ms; INT64_MAX: when the transport has
 * something). */
int64_t scan_reports_step(struct scan_reports *reports, int64_t now_ms);
bool scan_reports_done(const struct scan_reports *reports);
const struct scan_reports_outcome *scan_reports_outcome(const struct scan_reports *reports);

CLEANUP_POINTER(scan_reports, struct scan_reports, scan_reports_free)

#endif
