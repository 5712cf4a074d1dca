/* What sealgated counts of the cluster that it follows; part of its metrics (server/metrics.h). Label values come from
 * the lists here. Any thread. */
#ifndef SEALGATE_SERVER_CLUSTER_METRICS_H
#define SEALGATE_SERVER_CLUSTER_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "attest/trust.h"
#include "base/buf.h"

enum cluster_resource {
	CLUSTER_ATTESTORS,
	CLUSTER_CLUSTER_POLICIES,
	CLUSTER_POLICIES,
	CLUSTER_NAMESPACES,
	CLUSTER_CONFIG_MAPS,
	CLUSTER_SECRETS,
	CLUSTER_RESOURCES
};

enum cluster_write {
	CLUSTER_WRITTEN,
	CLUSTER_CHANGED, /* somebody else was first, or it is gone: no error */
	CLUSTER_FAILED,
	CLUSTER_LEFT_OUT, /* for want of room */
	CLUSTER_WRITES
};

enum cluster_scanned { SCANNED_ALLOWED, SCANNED_REFUSED, SCANNED_WARNED, SCANNED_ERROR, SCANNED_RESULTS };

struct cluster_metrics {
	atomic_bool followed; /* nothing is written without a cluster */
	struct {
		atomic_int_fast64_t stale_since_ms; /* monotonic; 0: up to date, -1: never synced */
		atomic_uint_fast64_t restarts;
		atomic_uint_fast64_t objects;
	} watches[CLUSTER_RESOURCES];
	atomic_uint_fast64_t policy_objects[TRUST_OBJECT_KINDS][TRUST_STATES];
	atomic_uint_fast64_t events[CLUSTER_WRITES];
	atomic_uint_fast64_t status_writes[CLUSTER_WRITES];
	atomic_uint_fast64_t scanned[SCANNED_RESULTS];
	atomic_int_fast64_t scanned_ms; /* monotonic, when the last scan ended; 0: none has */
};

/* "attestors", ...: as the API server calls them. */
const char *cluster_resource_name(enum cluster_resource resource);
/* How many objects of the last scan came to which result, and when (monotonic ms) it ended. */
void cluster_metrics_scan(struct cluster_metrics *m, const uint64_t counts[SCANNED_RESULTS], int64_t now_ms);
/* Counts the objects of `trust` by kind and state. */
void cluster_metrics_trust(struct cluster_metrics *m, const struct trust *trust);
/* Appends them in Prometheus' text format; nothing unless a cluster is followed. */
void cluster_metrics_write(struct cluster_metrics *m, int64_t now_ms, struct buf *out);

#endif
