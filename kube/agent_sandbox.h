/* What sealgate-kube gives up before it reads a byte from sealgated or from the API server: a table of what it needs.
 */
#ifndef SEALGATE_KUBE_AGENT_SANDBOX_H
#define SEALGATE_KUBE_AGENT_SANDBOX_H

#include "base/sandbox.h"
#include "kube/config.h"

/* Puts in force what the kernel offers. Looks the server's name up first, so that what libc needs for it is loaded.
 * From then on: files to read (credentials, authorities, what names are looked up with) and none to write, TCP
 * connections to the server's port and to name servers alone, nothing to run, nothing to listen on. */
bool agent_sandbox_enter(const struct sandbox_offer *offer, const struct kube_config *config, struct err *e) MUST_USE;

#endif
