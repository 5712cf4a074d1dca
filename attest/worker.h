/* The verify worker: a process of its own that runs gpgme, because a signature is hostile input and gpg's cost grows
 * with the memory of the process that starts it.
 *
 * worker_pool_start forks a small supervisor before any thread exists. The supervisor keeps `slots` children alive,
 * each with its own socketpair for length-prefixed records (docs/FORMATS.md), is a child subreaper and reaps what gpg
 * leaves behind, and removes the private homes. When sealgated dies, the supervisor sees
 * the control socket close, kills its children, cleans up and exits. A call that outlives its deadline is a rejection
 * and its child is killed and replaced. An answer with another id, a wrong length or an impossible value is a rejection
 * too. All calls may be made from any thread; each takes a free slot. */
#ifndef SEALGATE_ATTEST_WORKER_H
#define SEALGATE_ATTEST_WORKER_H

#include "attest/key.h"
#include "attest/key_set.h"
#include "attest/openpgp.h"
#include "base/sandbox.h"

struct worker_pool;

/* The children are started meanwhile; whoever needs one first waits for it. `run_dir` is where private homes are made,
 * below a directory of this pool's own (run_dir is created 0700 when absent; what pools of dead processes left there is
 * removed). Call before any thread exists. The processes give up what they don't need, as far as `offer` goes
 * (attest/worker_sandbox.h): only the gpg of $PATH can be run, which must be a program, not a script. */
struct worker_pool *worker_pool_start_confined(size_t slots, const char *run_dir, const struct sandbox_offer *offer,
					       struct err *e);
/* The same with processes that keep all rights, for a gpg that is played by a script. The programs don't use it. */
struct worker_pool *worker_pool_start(size_t slots, const char *run_dir, struct err *e);
/* Waits until every slot has its child; ERR_INTERNAL when one can't be started. */
bool worker_pool_ready(struct worker_pool *pool, struct err *e) MUST_USE;
/* Ends the processes and waits for them. NULL is legal. */
void worker_pool_stop(struct worker_pool *pool);
/* False once the supervisor has ended: nothing can be verified any more, and only a new server can help. */
bool worker_pool_alive(const struct worker_pool *pool);
size_t worker_pool_slots(const struct worker_pool *pool);

/* Describes the certificates in a key text. deadline_ms is monotonic. */
bool worker_inspect_key(struct worker_pool *pool, struct str key, int64_t deadline_ms, struct key_list *out,
			struct err *e) MUST_USE;

/* Has a child that has seen no signature yet make a keyring of key texts (openpgp_keyring_make); *out gets what
 * worker_encode_keyring wrote, *certificates what the child found in it. */
bool worker_make_keyring(struct worker_pool *pool, bool repair, const struct str *texts, size_t count,
			 int64_t deadline_ms, struct buf *out, struct key_list *certificates, struct err *e) MUST_USE;

/* Verifies under `keys`, as openpgp_verify. Keyrings that the set does not have yet (attest/keyrings.h) are made first.
 * Always fills *out; failures of the worker are REASON_TIMEOUT or REASON_WORKER_FAILED. */
void worker_verify(struct worker_pool *pool, struct key_set *keys, struct str upload, struct str payload, int64_t now,
		   int64_t deadline_ms, struct signature_facts *out);

#endif
