/* What the thread "cluster" does, without the thread: tests own the clock and the transport. */
#ifndef SEALGATE_SERVER_CLUSTER_RUN_H
#define SEALGATE_SERVER_CLUSTER_RUN_H

#include "base/clock.h"
#include "server/cluster.h"

struct cluster_run;

/* `means` is copied; the transport stays the caller's and must outlive the run. NULL when there is no memory. */
struct cluster_run *cluster_run_new(const struct cluster_means *means);
void cluster_run_free(struct cluster_run *run);
/* Does all that is due; returns when it wants to be called again (monotonic ms, INT64_MAX: when the transport has
 * something). */
int64_t cluster_run_step(struct cluster_run *run, int64_t now_ms, struct timestamp now);
/* The transport is gone for good. */
void cluster_run_lose(struct cluster_run *run, const struct err *why, int64_t now_ms);
/* As those of cluster.h. */
bool cluster_run_is_ready(const struct cluster_run *run);
void cluster_run_report(struct cluster_run *run, int64_t now_ms, struct buf *out);

#endif
