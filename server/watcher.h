/* What changes while the server runs: policies and keys, certificates, tokens, the store's file. Looked at from one
 * thread, twice a second; each change and each failure is logged once and shows in the metrics. */
#ifndef SEALGATE_SERVER_WATCHER_H
#define SEALGATE_SERVER_WATCHER_H

#include "server/access.h"
#include "server/metrics.h"
#include "server/tls_files.h"
#include "server/trust_holder.h"
#include "store/store.h"

#define WATCHER_PERIOD_MS 500

struct watcher {
	struct trust_holder *trust;
	struct tls_files *tls;
	struct access *access;
	struct metrics *metrics;
	struct store *store;	     /* NULL: not looked at */
	enum err_kind store_problem; /* what was logged last */
	uint64_t generation;	     /* of the trust that was told last */
};

/* Tells log and metrics what was loaded at start. */
void watcher_begin(struct watcher *watcher);
/* Looks once; also tells of a trust that somebody else put in force. `force` loads policies and keys also when nothing
 * seems changed. */
void watcher_look(struct watcher *watcher, bool force);

#endif
