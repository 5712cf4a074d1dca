/* What a listener takes on at once: requests in work, and bytes of bodies and answers held. What is beyond it is
 * refused at once, so that nobody waits in a queue that outlives his patience. The first LIMIT_BODY_FREE bytes of each
 * body or answer cost nothing: connections bound them, and whoever fills the room with large bodies can't keep out
 * small ones, which nearly all reviews are. Any thread; lock-free. */
#ifndef SEALGATE_SERVER_LOAD_GATE_H
#define SEALGATE_SERVER_LOAD_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/metrics.h"

enum load_room { LOAD_BODIES, LOAD_ANSWERS, LOAD_ROOMS };

struct load_gate {
	const char *listener;	 /* for the metrics */
	struct metrics *metrics; /* may be NULL */
	unsigned request_limit;
	size_t limits[LOAD_ROOMS]; /* bytes beyond the free ones */
	atomic_uint requests;
	atomic_size_t held[LOAD_ROOMS];
};

/* One request begins to be worked on. False, and counted, when as many are as may be. */
bool load_gate_enter(struct load_gate *gate);
void load_gate_leave(struct load_gate *gate);
/* Counts a request that came in and is refused all the same. */
void load_gate_refuse(struct load_gate *gate);
/* Whether `size` bytes would fit now; counted when not. Nothing is taken. */
bool load_gate_fits(struct load_gate *gate, enum load_room room, size_t size);
/* A body or answer of `before` bytes grows by `more`. False, and counted, when there is no room: it stays as it was. */
bool load_gate_take(struct load_gate *gate, enum load_room room, size_t before, size_t more);
/* A body or answer of `size` bytes is gone. */
void load_gate_give(struct load_gate *gate, enum load_room room, size_t size);

#endif
