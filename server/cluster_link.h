/* The cluster as a part of the daemon: the agent that connects, and the thread that follows (server/cluster.h). All of
 * it does nothing when the configuration names no cluster. */
#ifndef SEALGATE_SERVER_CLUSTER_LINK_H
#define SEALGATE_SERVER_CLUSTER_LINK_H

#include "kube/agent.h"
#include "server/cluster.h"
#include "server/config.h"
#include "server/ops.h"
#include "server/scan_job.h"

#define CLUSTER_INSTANCE_SIZE 129u

struct cluster_link {
	char instance[CLUSTER_INSTANCE_SIZE];
	struct kube_agent agent;
	struct refusal_queue *refusals;
	struct cluster_namespaces *namespaces;
	struct namespace_labels labels;
	struct scan_job *scan;
	struct cluster_job job;
	struct cluster *cluster;
	struct ops_report report;
};

#define CLUSTER_LINK_INIT ((struct cluster_link){.agent = {.fd = -1}})

/* Has an agent read where the cluster is and who asks, and ends it: nobody is asked. Errors begin with the flag. Call
 * before any thread exists. */
bool cluster_link_check(const struct config *config, struct err *e) MUST_USE;
/* Starts the agent, which may connect where the server can't: while there are no threads and no sandbox. */
bool cluster_link_start_agent(struct cluster_link *link, const struct config *config, struct err *e) MUST_USE;
/* Begins to follow, and to tell /readyz. `own_namespace` is the one whose ConfigMaps and Secrets may hold keys, "" for
 * none. `review` has its trust and metrics, and gets what follows from the cluster. All of them must outlive the link.
 */
bool cluster_link_follow(struct cluster_link *link, const struct config *config, const char *own_namespace,
			 struct review_service *review, struct ops *ops, struct err *e) MUST_USE;
/* True once the objects of the cluster are in force, or when there is none to follow. */
bool cluster_link_is_ready(const struct cluster_link *link);
/* True when it never will be, or be again; then *e says why. */
bool cluster_link_is_lost(struct cluster_link *link, struct err *e);
/* From wherever it got to. No review is running any more, and nobody asks /readyz. */
void cluster_link_stop(struct cluster_link *link);

#endif
