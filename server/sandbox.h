/* What sealgated gives up before it has a thread, opens a port or reads anything that others wrote
 * (docs/ARCHITECTURE.md, "Sandbox"). */
#ifndef SEALGATE_SERVER_SANDBOX_H
#define SEALGATE_SERVER_SANDBOX_H

#include "base/sandbox.h"
#include "server/config.h"

/* The measures, for metrics and texts. */
enum sandbox_measure {
	SANDBOX_PRIVILEGES, /* no_new_privs, no core dumps, memory closed to other processes */
	SANDBOX_CALLS,	    /* a filter of system calls */
	SANDBOX_FILES,
	SANDBOX_PORTS,
	SANDBOX_SIGNALS,
	SANDBOX_MEASURES
};
/* The value of the label `measure`. */
extern const char *const sandbox_measure_names[SANDBOX_MEASURES];

/* Confines the process, for good, as far as `offer` goes: it reads its configuration, writes its data directory and the
 * database's, listens on its ports; it starts no program and connects to nothing. False when what is offered can't be
 * put in force, or is not in force afterwards. */
bool sandbox_enter(const struct sandbox_offer *offer, const struct config *config, struct err *e) MUST_USE;

/* Why a kernel that offers this leaves a measure out; NULL when it is in force. */
const char *sandbox_lacks(const struct sandbox_offer *offer, enum sandbox_measure measure);

#endif
