/* The scan of sealgated: when one begins, what is done with what it found. A cluster_job.
 *
 * At start, SCAN_AFTER_CHANGE_MS after a change of trust (changes in between are one), and every `interval_ms`. A scan
 * that fails changes nothing, neither reports nor counts, and is tried again after SCAN_AFTER_FAILURE_MS. */
#ifndef SEALGATE_SERVER_SCAN_JOB_H
#define SEALGATE_SERVER_SCAN_JOB_H

#include "server/cluster_job.h"
#include "server/cluster_metrics.h"

#define SCAN_AFTER_CHANGE_MS 5000
#define SCAN_AFTER_FAILURE_MS 300000
/* Time for the decision about one object, monotonic ms. */
#define SCAN_OBJECT_MS 2000

struct scan_job;

/* `interval_ms` 0: no scan is ever made. `metrics` must outlive it; may be NULL. NULL when there is no memory. */
struct scan_job *scan_job_new(int64_t interval_ms, struct cluster_metrics *metrics);
/* Once stopped, or never stepped. NULL is legal. */
void scan_job_free(struct scan_job *job);
/* For cluster_means.job; its context is the job. */
struct cluster_job scan_job_interface(struct scan_job *job);

CLEANUP_POINTER(scan_job, struct scan_job, scan_job_free)

#endif
