/* The trust in force: swapped by the watcher, pinned by reviews. */
#ifndef SEALGATE_SERVER_TRUST_HOLDER_H
#define SEALGATE_SERVER_TRUST_HOLDER_H

#include "attest/trust_review.h"

struct trust_holder;

/* Loads the first trust: NULL is exit status 2. The texts in `sources` must outlive the holder, which takes a reference
 * of its own to their objects. */
struct trust_holder *trust_holder_open(const struct trust_sources *sources, struct worker_pool *workers, struct err *e);
/* NULL is legal. Pinned references stay good. */
void trust_holder_close(struct trust_holder *holder);
/* A reference to the trust in force, and its generation (may be NULL), which starts at 1. Any thread; never blocks on a
 * reload. */
struct trust *trust_holder_pin(struct trust_holder *holder, uint64_t *generation);

/* Called by the watcher every half second, and with `force` on SIGHUP. True when a new trust came into force. False
 * with e->kind ERR_NONE: nothing changed, or not to anything new; otherwise the last good one stays, and the error is
 * kept for /readyz. True with an error: objects of the cluster came into force beside files that can't be loaded.
 *
 * Files that are being written must not be taken half-written: a change is loaded when the next call finds it as this
 * one did, and a load during which something changed is thrown away and done again. `force` does not wait for the next
 * call. A set that can't be loaded is tried again when it changes; a failure of the machine is tried again with every
 * call, and told when its text changes. Any thread; one at a time. */
bool trust_holder_refresh(struct trust_holder *holder, bool force, struct err *e);
/* Puts what the cluster holds now in the place of what it held before, and loads at once. Takes a reference of its own.
 * Results as of trust_holder_refresh with `force`. While the files can't be loaded, `objects` come into force beside
 * the last files that could: true, and *e may tell what is wrong with the files. Any thread. */
bool trust_holder_set_objects(struct trust_holder *holder, struct trust_objects *objects, struct err *e);
/* Reviews an object under the trust in force (attest/trust_review.h). At most LIMIT_OBJECT_REVIEWS at the same time;
 * who gets no turn until the deadline is told ERR_UNAVAILABLE. Any thread. */
bool trust_holder_review(struct trust_holder *holder, const struct trust_object *object, int64_t deadline_ms,
			 struct arena *arena, struct trust_review *out, struct err *e) MUST_USE;
/* The error of the last reload; false when it succeeded. Any thread. */
bool trust_holder_problem(struct trust_holder *holder, struct err *out);

#endif
