/* The seam where tests put their own verification. */
#ifndef SEALGATE_SERVER_VERIFY_QUEUE_PRIVATE_H
#define SEALGATE_SERVER_VERIFY_QUEUE_PRIVATE_H

#include "server/verify_queue.h"

/* As worker_verify. Called from as many threads as the queue has. */
typedef void verify_function(void *context, struct key_set *keys, const struct attestation_row *row, int64_t now,
			     int64_t deadline_ms, struct signature_facts *out);

struct verify_queue *verify_queue_start_with(verify_function *verify, void *context, size_t threads,
					     struct store *store, struct metrics *metrics, struct err *e);

#endif
