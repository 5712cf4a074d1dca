/* What the verify worker gives up before it meets a signature: docs/ARCHITECTURE.md, "Sandbox". gpg inherits it. */
#ifndef SEALGATE_ATTEST_WORKER_SANDBOX_H
#define SEALGATE_ATTEST_WORKER_SANDBOX_H

#include "base/err.h"
#include "base/sandbox.h"

enum worker_role {
	WORKER_SUPERVISOR, /* starts and ends children, each of which then gives up more */
	WORKER_CHILD,	   /* gpgme, and the gpg that it starts: no signals to others, no sockets at all */
};

/* Confines the calling process, for good, to what `role` needs; a child is confined as supervisor before. Below
 * `directory` everything but running programs; to be read, libraries and what gpg reads at start; to be run, the gpg of
 * $PATH. What `offer` lacks is left out. */
bool worker_sandbox_enter(const struct sandbox_offer *offer, enum worker_role role, const char *directory,
			  struct err *e) MUST_USE;

/* False, with words for people, when the gpg of $PATH is a script, so that its shell could not be run. */
bool worker_sandbox_can_run_gpg(const struct sandbox_offer *offer, struct err *e) MUST_USE;

#endif
