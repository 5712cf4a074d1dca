/* Allocations that fail on purpose, in this process: the n-th from a point on. In a plain build every allocation of the
 * program and its libraries counts, under a sanitizer those of our own objects (the Makefile wraps their calls).
 * Threads that are started count like allocations. */
#ifndef SEALGATE_TESTS_FAULT_ALLOC_H
#define SEALGATE_TESTS_FAULT_ALLOC_H

#include <stdbool.h>

enum alloc_scope {
	ALLOC_THREAD, /* only what the calling thread asks for */
	ALLOC_OTHERS, /* only what all other threads ask for */
};

/* The n-th allocation from now on fails (the first is 1); with `onwards` all later ones do, too. */
void alloc_fail(unsigned n, enum alloc_scope scope, bool onwards);
/* Ends it. True when an allocation has failed. */
bool alloc_work_again(void);

/* Calls run(context, n) for n = 1, 2, 3, ... until it returns false: its work went through without the fault. With
 * FAULTS=all every n, else in strides that grow. Returns the last n. */
unsigned alloc_each(bool (*run)(void *context, unsigned n), void *context);

#endif
