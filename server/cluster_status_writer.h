/* Writes the status of policy objects where it should be another one, a few at a time. Without a leader: whoever comes
 * second finds that nothing is left to write, and who writes the same object again and again does so ever more slowly.
 * One thread. */
#ifndef SEALGATE_SERVER_CLUSTER_STATUS_WRITER_H
#define SEALGATE_SERVER_CLUSTER_STATUS_WRITER_H

#include "kube/transport.h"
#include "server/cluster_job.h"
#include "server/cluster_metrics.h"
#include "server/cluster_objects.h"

#define STATUS_REQUESTS 8u
/* Between two writes of one object, doubled with each up to the maximum; after STATUS_CALM_MS without one it starts
 * anew. */
#define STATUS_PACE_MS 250
#define STATUS_PACE_MAX_MS 60000
#define STATUS_CALM_MS 600000
/* After a write that failed nothing is written for a while, doubled up to the maximum. */
#define STATUS_REST_MS 800
#define STATUS_REST_MAX_MS 30000
/* Keys expire without anything happening. */
#define STATUS_LOOK_MS 60000

struct cluster_status_means {
	struct kube_transport *transport;
	struct cluster_objects *objects;
	struct cluster_metrics *metrics;
	const struct cluster_job *job; /* NULL: nothing is scanned */
};

struct cluster_status_writer;

/* `means` is copied, what it points to must outlive the writer. NULL when there is no memory. */
struct cluster_status_writer *cluster_status_writer_new(const struct cluster_status_means *means);
/* NULL is legal. Cancels what is running; the transport is still there. */
void cluster_status_writer_free(struct cluster_status_writer *writer);
/* Another trust is in force: takes a reference of its own. */
void cluster_status_writer_trust(struct cluster_status_writer *writer, struct trust *trust);
/* Looks at objects whose status may be another one, and begins requests. `now` in seconds of the wall clock. Returns
 * when it wants to be called again (monotonic ms, INT64_MAX: when the transport has something). */
int64_t cluster_status_writer_step(struct cluster_status_writer *writer, int64_t now_ms, int64_t now);

CLEANUP_POINTER(cluster_status_writer, struct cluster_status_writer, cluster_status_writer_free)

#endif
