/* What fails in a server that runs with tests/fault/preload_server.c: a file that both map. */
#ifndef SEALGATE_TESTS_FAULT_SWITCH_H
#define SEALGATE_TESTS_FAULT_SWITCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define FAULT_FRAMES 24

enum fault_kind {
	FAULT_MEMORY, /* malloc, calloc, realloc */
	FAULT_READ,
	FAULT_WRITE, /* but to standard error */
	FAULT_PREAD,
	FAULT_PWRITE,
	FAULT_RECEIVE,
	FAULT_SEND,
	FAULT_OPEN,
	FAULT_SYNC,
	FAULT_FILES, /* truncate, rename, unlink */
	FAULT_ACCEPT,
	FAULT_POLL,
	FAULT_FORK,
	FAULT_MMAP,
	FAULT_THREAD,
	FAULT_KINDS
};

enum fault_how {
	FAULT_ERROR, /* fails with `error` */
	FAULT_SHORT, /* moves half of what was asked */
};

struct fault_switch {
	atomic_uint kinds; /* 1 << enum fault_kind; 0: nothing is counted and nothing fails. Set last. */
	atomic_uint calls; /* so far */
	atomic_bool fired;
	unsigned n;   /* the call that fails; the first is 1 */
	bool onwards; /* all later ones do, too */
	bool workers; /* in the verify worker and its children, instead of in the server */
	int how;
	int error;
	int trace; /* a descriptor of the server that gets a backtrace; 0: none */
	pid_t server;
};

#endif
