/* A measurement in a process of its own, so that it has its own memory and leaves nothing behind. */
#ifndef SEALGATE_TESTS_BENCH_CHILD_H
#define SEALGATE_TESTS_BENCH_CHILD_H

/* What work(context) returns in a forked child; ends the program when the child dies. */
double child_measure(double (*work)(void *context), void *context);

#endif
