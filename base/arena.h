/* Memory of one request: taken piece by piece, freed at once. Not for several threads. */
#ifndef SEALGATE_BASE_ARENA_H
#define SEALGATE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;		    /* bytes given out, all blocks */
	size_t max;
	bool starved; /* something failed for want of memory, not because of the maximum */
};

/* An empty arena that gives out at most `max` bytes. Nothing is allocated yet. */
struct arena arena_init(size_t max);
/* Frees everything that came from it. */
void arena_release(struct arena *a);

/* `size` bytes set to zero, aligned for any type; NULL when out of memory or past the maximum. */
void *arena_alloc(struct arena *a, size_t size);
/* An array of `count` elements of `size` bytes, set to zero; NULL also when the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* Grows the piece `old` of `old_size` bytes to `new_size`, in place when it is the newest piece and there is
 * room; the added bytes are not set. `old` may be NULL with 0. NULL leaves the old piece as it was. */
void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size);
/* Gives the end of `piece` back: its first `new_size` bytes stay. Does nothing unless it is the newest piece. */
void arena_shrink(struct arena *a, void *piece, size_t old_size, size_t new_size);
/* A terminated copy; ptr is NULL when there is no memory. */
struct str arena_copy(struct arena *a, struct str s);
/* The parts one behind the other, terminated; ptr is NULL when there is no memory. */
struct str arena_join(struct arena *a, const struct str *parts, size_t count);
#define ARENA_JOIN(a, ...)                                 \
	arena_join((a), (const struct str[]){__VA_ARGS__}, \
		   sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))
struct str arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* After something failed: ERR_INTERNAL when the machine has no memory, else ERR_TOO_LARGE with the text `full`: who asks
 * for too much is told so, who asked at a bad time may ask again. Returns false. */
bool arena_error(const struct arena *a, struct err *e, const char *full);

CLEANUP_VALUE(arena, struct arena, arena_release)

#endif
