/* Work that the thread of the cluster (server/cluster.h) does beside following it: the scan. All is called from that
 * thread, between two runs of its transport; nothing here may wait. */
#ifndef SEALGATE_SERVER_CLUSTER_JOB_H
#define SEALGATE_SERVER_CLUSTER_JOB_H

#include "base/str.h"
#include "server/review.h"

struct kube_transport;

/* Given with the first step and the same ever after. Requests of the job that are still running when it is stopped have
 * been cancelled or are cancelled by it. */
struct cluster_job_means {
	struct kube_transport *transport; /* for requests only: the thread runs it */
	struct review_service *review;	  /* has its deadlines in time of clock_monotonic_ms */
};

/* What the last finished scan found for one policy. */
struct cluster_matched {
	uint64_t workloads; /* that the policy selects */
	uint64_t refused;   /* of these: what it would refuse today */
};

struct cluster_job {
	void *context;
	/* Does what is due at `now_ms` (monotonic) and at most a few milliseconds of work; returns when it wants to be
	 * called again (monotonic ms; INT64_MAX: when the transport has something). It is called after each run of the
	 * transport, for the first time when everything was synced and the first trust with objects is in force.
	 * `generation` is that of the trust in force (server/trust_holder.h): another one than before is a change. */
	int64_t (*step)(void *context, const struct cluster_job_means *means, int64_t now_ms, uint64_t generation);
	/* Grows whenever `matched` may answer something new; 0 before the first scan has finished. */
	uint64_t (*revision)(void *context);
	/* False when no scan has finished, or it knew no such policy. `kind` "ClusterImagePolicy" or "ImagePolicy",
	 * `namespace_` "" for the former. */
	bool (*matched)(void *context, const char *kind, struct str namespace_, struct str name,
			struct cluster_matched *out);
	/* The server stops: cancels its requests. Nothing is called afterwards; who made the job frees it. */
	void (*stop)(void *context, const struct cluster_job_means *means);
};

#endif
