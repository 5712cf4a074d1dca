/* The process of sealgated that may connect: sealgated itself never does (docs/ARCHITECTURE.md, "Sandbox"). The program
 * `sealgate-kube` is started before sealgated is confined and before it has threads, holds the credentials of the API
 * server, and carries the requests that its table permits (kube/permitted.h): what sealgated could be talked into it
 * can't do more with the cluster than its job. They speak length-prefixed records over a socketpair, each end takes the
 * other for hostile. It goes when sealgated goes; when it dies, the transport is gone for good and sealgated starts no
 * other: the watch is stale, which shows, and decisions go on. */
#ifndef SEALGATE_KUBE_AGENT_H
#define SEALGATE_KUBE_AGENT_H

#include "kube/transport.h"

struct kube_agent {
	int fd; /* the socket, close-on-exec; -1 when none */
	int pid;
};

/* Starts the program that stands beside this one (or in ../libexec/sealgate), with the same --kubeconfig (NULL:
 * in-cluster), and waits until it is ready. Its standard error is ours. ERR_INVALID and ERR_NOT_FOUND with its own
 * words when it can't read its configuration; ERR_UNAVAILABLE when it can't be started. */
bool kube_agent_start(const char *kubeconfig, struct kube_agent *out, struct err *e) MUST_USE;
/* The same with the program at `program`. */
bool kube_agent_start_program(const char *program, const char *kubeconfig, struct kube_agent *out,
			      struct err *e) MUST_USE;
/* Takes over the socket and the process. NULL on failure. */
struct kube_transport *kube_agent_transport(struct kube_agent *agent, struct err *e);
/* Ends it where no transport has taken it over; legal for one that was never started (fd -1). */
void kube_agent_stop(struct kube_agent *agent);

#endif
