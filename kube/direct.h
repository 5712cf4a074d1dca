/* A transport in this process, over client/transfer.h (libcurl): for the command line, and for the agent itself. */
#ifndef SEALGATE_KUBE_DIRECT_H
#define SEALGATE_KUBE_DIRECT_H

#include "kube/config.h"
#include "kube/transport.h"

/* A token that is a file is read again when it is older than this, and after a 401. */
#define KUBE_TOKEN_MS 50000

/* `config` must outlive it. Authorities and certificates that are files are read for each connection. Redirects are not
 * followed; proxies are off; TLS 1.2 and later. A token that can't be read is no end: the last one is sent meanwhile.
 * NULL on failure. */
struct kube_transport *kube_direct_new(const struct kube_config *config, struct err *e);
/* kube_transport_run of such a transport that also returns when there is something to read from `fd` (-1: none). */
bool kube_direct_run(struct kube_transport *t, int64_t deadline_ms, int fd, struct err *e) MUST_USE;

#endif
