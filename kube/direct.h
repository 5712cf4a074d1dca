/* A transport in this process, over client/transfer.h (libcurl): for the command line, and for the agent itself. */
#ifndef SEALGATE_KUBE_DIRECT_H
#define SEALGATE_KUBE_DIRECT_H

#include "kube/config.h"
#include "kube/transport.h"

/* `config` must outlive it. Tokens and authorities that are files are read again when they change, and the token after
 * a 401. Redirects are not followed; proxies are off; TLS 1.2 and later. NULL on failure. */
struct kube_transport *kube_direct_new(const struct kube_config *config, struct err *e);

#endif
