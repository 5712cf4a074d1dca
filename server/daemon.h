/* sealgated from its start to its end. */
#ifndef SEALGATE_SERVER_DAEMON_H
#define SEALGATE_SERVER_DAEMON_H

#include "server/config.h"

/* Starts everything in its order (worker, probes, store, policies and keys, certificates, tokens, listeners), serves
 * until SIGTERM or SIGINT, finishes what is running and ends. Returns the exit status: 0 after a signal, 2 when what
 * could not be loaded is the configuration's fault, 1 for everything else. Call before any thread exists. */
int daemon_run(const struct config *config);

#endif
