/* policy/facts.h answered from the store and the verify queue, for one review under one trust. */
#ifndef SEALGATE_SERVER_FACTS_SOURCE_H
#define SEALGATE_SERVER_FACTS_SOURCE_H

#include "policy/facts.h"
#include "server/verify_queue.h"
#include "store/store.h"

struct facts_source {
	struct store *store;
	struct verify_queue *queue;
	struct trust *trust; /* pinned by the review */
	int64_t deadline_ms;
	int64_t now; /* seconds */
};

struct facts facts_source_interface(struct facts_source *source);

#endif
