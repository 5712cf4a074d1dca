/* The supervisor of the verify worker: one thread, which gives gpgme nothing to read. It starts a child for a slot when
 * asked, kills and replaces it when asked again, reaps whatever ends below it, and when the control socket closes it
 * ends everything and removes the private homes.
 *
 * Control socket (SOCK_SEQPACKET): a request is the number of a slot and a number that tells it from other requests,
 * two bytes each, big endian; the answer is one byte, 1 with the socket of the slot's new child attached, or 0, and
 * then the number of the request. */
#ifndef SEALGATE_ATTEST_WORKER_SUPERVISOR_H
#define SEALGATE_ATTEST_WORKER_SUPERVISOR_H

#include <stddef.h>

#include "base/sandbox.h"

#define WORKER_REQUEST_SIZE 4
#define WORKER_ANSWER_SIZE 3
/* The supervisor's exit status when it can't be confined. */
#define WORKER_EXIT_NOT_CONFINED 3

/* Runs in the supervisor process and never returns. `directory` is its own and is removed at the end. It and its
 * children are confined to what they need (attest/worker_sandbox.h) unless `offer` is NULL. */
_Noreturn void worker_supervisor_run(int control, size_t slots, const char *directory,
				     const struct sandbox_offer *offer);

#endif
