/* Writes Events about refusals (server/event_table.h), a few at a time. An Event that can't be written is lost:
 * decisions and their log don't depend on it. One thread. */
#ifndef SEALGATE_SERVER_CLUSTER_EVENTS_H
#define SEALGATE_SERVER_CLUSTER_EVENTS_H

#include "base/clock.h"
#include "kube/transport.h"
#include "server/cluster_metrics.h"
#include "server/refusal_queue.h"

#define EVENT_REQUESTS 4u

struct cluster_events_means {
	struct kube_transport *transport;
	struct refusal_queue *refusals;
	struct cluster_metrics *metrics;
	const char *instance; /* who reports; at most 128 bytes */
	uint64_t seed;
};

struct cluster_events;

/* `means` is copied, what it points to must outlive the writer. NULL when there is no memory. */
struct cluster_events *cluster_events_new(const struct cluster_events_means *means);
/* NULL is legal. Cancels what is running; the transport is still there. */
void cluster_events_free(struct cluster_events *events);
/* Takes what has been refused and begins requests. Returns when it wants to be called again (monotonic ms, INT64_MAX:
 * when there is a refusal or the transport has something). */
int64_t cluster_events_step(struct cluster_events *events, int64_t now_ms, struct timestamp now);

CLEANUP_POINTER(cluster_events, struct cluster_events, cluster_events_free)

#endif
