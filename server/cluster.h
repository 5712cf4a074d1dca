/* The thread "cluster": follows the API server over a transport, puts what it holds in force, and writes back what
 * became of it (docs/ARCHITECTURE.md). Whatever the API server answers, what was known stays in force, and decisions
 * go on. */
#ifndef SEALGATE_SERVER_CLUSTER_H
#define SEALGATE_SERVER_CLUSTER_H

#include "kube/transport.h"
#include "server/cluster_job.h"
#include "server/cluster_namespaces.h"

/* Changes within this time are loaded together. */
#define CLUSTER_DEBOUNCE_MS 50

struct cluster_means {
	struct kube_transport *transport; /* taken over by cluster_start when it succeeds */
	struct review_service *review;	  /* its trust, metrics and refusals; complete but for what is not asked here */
	struct cluster_namespaces *namespaces;
	const char *own_namespace;
	const char *instance;	       /* who reports Events */
	const struct cluster_job *job; /* NULL: none */
	uint64_t seed;		       /* random */
};

struct cluster;

/* Begins to follow. `means` is copied, what it points to must outlive the cluster. */
struct cluster *cluster_start(const struct cluster_means *means, struct err *e);
/* Ends the thread, within what a load of policies takes, and frees the transport. NULL is legal. */
void cluster_stop(struct cluster *cluster);
/* True once everything was listed and a trust with the cluster's objects is in force. Any thread. */
bool cluster_is_ready(const struct cluster *cluster);
/* True when the transport is gone for good; then *e says why. Any thread. */
bool cluster_is_lost(struct cluster *cluster, struct err *e);
/* Appends lines for /readyz: "not followed: RESOURCE: TEXT since 34 s", "not taken: TEXT". Any thread. */
void cluster_report(struct cluster *cluster, int64_t now_ms, struct buf *out);

#endif
