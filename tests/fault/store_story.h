/* The life of a store, told again and again while something breaks: projects, notes, occurrences, hints and operations
 * are made (some by several threads, so that they share a transaction), changed and deleted, and between that read.
 *
 * The story remembers what each answer promised. What was acknowledged must be there from then on, whole; what was
 * refused must not, in the same run; after a restart a write that a broken disk refused may have arrived, whole. */
#ifndef SEALGATE_TESTS_FAULT_STORE_STORY_H
#define SEALGATE_TESTS_FAULT_STORE_STORY_H

#include "base/arena.h"
#include "store/store.h"

#define STORY_ROWS 40

struct story {
	struct store *store;
	int64_t patience_ms;   /* deadline of each call; 0: none */
	size_t padding;	       /* bytes that each occurrence carries along */
	enum err_kind allowed; /* what a failing call may say; ERR_NONE: none may fail */
	/* One row of the story: version 0 is absent. `maybe` has a bit for each version that a refused write would have
	 * made of it. */
	struct {
		int version;
		unsigned maybe;
	} rows[STORY_ROWS];
	unsigned failed;		/* calls */
	char broken[ERR_TEXT_MAX + 64]; /* the first promise that was broken; "" when none */
};

/* All of it, over `store`, which is freshly opened and empty. */
void story_tell(struct story *s);
/* Looks at every row in every way; nothing may fail. */
void story_check(struct story *s);
/* Refused writes may have arrived: looks which have, and takes that for the truth from then on. */
void story_settle(struct story *s);
/* One more write of each kind, which must succeed. */
void story_go_on(struct story *s);

#endif
