/* The agent's end of the socket: carries out what sealgated asks for, as far as it is permitted, and tells what comes
 * of it. What waits for sealgated to read it is one record: meanwhile nothing is read from the API server. */
#ifndef SEALGATE_KUBE_AGENT_SERVE_H
#define SEALGATE_KUBE_AGENT_SERVE_H

#include "kube/transport.h"

/* Waits for something on `fd` or for the transport to have done something: kube_direct_run. */
typedef bool agent_serve_wait(struct kube_transport *t, int64_t deadline_ms, int fd, struct err *e);

/* Until the other end closes `fd` (true) or breaks the rules of the protocol. */
bool agent_serve(struct kube_transport *t, agent_serve_wait *wait, int fd, struct str own_namespace,
		 struct err *e) MUST_USE;
/* Sends the one record of `bytes`; false when nobody reads it any more. */
bool agent_send(int fd, struct str bytes);

#endif
