/* The thread that judges the pages of a scan: decisions read the store and wait for signatures, which the thread of the
 * cluster must not. It steps back behind the threads of reviews. */
#ifndef SEALGATE_SERVER_SCAN_THREAD_H
#define SEALGATE_SERVER_SCAN_THREAD_H

#include "server/scan.h"

struct scan_thread;

/* NULL when there is no memory or no thread. `transport` is woken when a page is judged. */
struct scan_thread *scan_thread_start(struct kube_transport *transport, struct err *e);
/* Ends it, after the decision that is being taken. NULL is legal. */
void scan_thread_stop(struct scan_thread *thread);
/* Gives it the page of `scan` (in state SCAN_READ). `judge` is copied, its `stop` is the thread's own. */
void scan_thread_give(struct scan_thread *thread, struct scan *scan, const struct scan_judge *judge);
/* As long as it has a page nothing else may be done with the scan. */
bool scan_thread_busy(struct scan_thread *thread);

CLEANUP_POINTER(scan_thread, struct scan_thread, scan_thread_stop)

#endif
