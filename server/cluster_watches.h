/* All that sealgated follows of the cluster: one watch for each resource, and what it tells put where it belongs. A
 * resource that can't be followed keeps what was known of it and is told in /readyz, the log and the metrics. One
 * thread, except where it says so. */
#ifndef SEALGATE_SERVER_CLUSTER_WATCHES_H
#define SEALGATE_SERVER_CLUSTER_WATCHES_H

#include "kube/transport.h"
#include "server/cluster_metrics.h"
#include "server/cluster_namespaces.h"
#include "server/cluster_objects.h"

/* Time after which a resource is listed again of which something could not be held. */
#define CLUSTER_RELIST_MS 30000

struct cluster_watches_means {
	struct kube_transport *transport;
	struct cluster_objects *objects;
	struct cluster_namespaces *namespaces;
	struct cluster_metrics *metrics;
	const char *own_namespace; /* whose ConfigMaps and Secrets are followed; "": none are */
	uint64_t seed;
};

struct cluster_watches;

/* `means` is copied, what it points to must outlive the watches. NULL when there is no memory. */
struct cluster_watches *cluster_watches_new(const struct cluster_watches_means *means);
/* NULL is legal. The transport is still there. */
void cluster_watches_free(struct cluster_watches *watches);
/* Does what is due; returns when it wants to be called again (monotonic ms, INT64_MAX: when the transport has
 * something). */
int64_t cluster_watches_step(struct cluster_watches *watches, int64_t now_ms);
/* Every resource was listed once. */
bool cluster_watches_synced(const struct cluster_watches *watches);
/* The transport is gone for good: from here on everything is stale. */
void cluster_watches_lose(struct cluster_watches *watches, const struct err *why, int64_t now_ms);
/* Appends a line for each resource that is not followed: "not followed: attestors: TEXT since 34 s". Any thread. */
void cluster_watches_report(struct cluster_watches *watches, int64_t now_ms, struct buf *out);

CLEANUP_POINTER(cluster_watches, struct cluster_watches, cluster_watches_free)

#endif
