/* The trust in force: swapped by the watcher, pinned by reviews. */
#ifndef SEALGATE_SERVER_TRUST_HOLDER_H
#define SEALGATE_SERVER_TRUST_HOLDER_H

#include "attest/trust.h"

struct trust_holder;

/* Loads the first trust: false is exit status 2. */
struct trust_holder *trust_holder_open(const struct trust_sources *sources, struct worker_pool *workers, struct err *e);
void trust_holder_close(struct trust_holder *holder);
/* A reference to the trust in force, and its generation (may be NULL). Any thread; never blocks on a reload. */
struct trust *trust_holder_pin(struct trust_holder *holder, uint64_t *generation);
/* Called by the watcher every half second, and with `force` on SIGHUP. True when a new trust came into force. False
 * with e->kind ERR_NONE: nothing changed; otherwise the last good one stays, and the error is kept for /readyz. */
bool trust_holder_refresh(struct trust_holder *holder, bool force, struct err *e);
/* The error of the last reload; false when it succeeded. */
bool trust_holder_problem(struct trust_holder *holder, struct err *out);

#endif
