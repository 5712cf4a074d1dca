/* The values that the rounds of one measurement gave, and their median. */
#ifndef SEALGATE_TESTS_BENCH_SERIES_H
#define SEALGATE_TESTS_BENCH_SERIES_H

#include <stddef.h>

#define SERIES_MAX 64

struct series {
	double values[SERIES_MAX];
	size_t count;
};

/* Values beyond SERIES_MAX are dropped. */
void series_add(struct series *s, double value);
/* The middle one; of an even number the mean of the two in the middle; 0 of none. */
double series_median(const struct series *s);
double series_max(const struct series *s);
/* The median of ours[i] / theirs[i]: what a machine does to a whole round falls out. */
double series_ratio(const struct series *ours, const struct series *theirs);

#endif
