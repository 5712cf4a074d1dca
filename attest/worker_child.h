/* One child of the verify worker: reads requests from its socket, answers, one at a time, until the socket closes. */
#ifndef SEALGATE_ATTEST_WORKER_CHILD_H
#define SEALGATE_ATTEST_WORKER_CHILD_H

/* Runs in the child process and never returns. Private homes are made below `directory`. */
_Noreturn void worker_child_run(int socket, const char *directory);

#endif
