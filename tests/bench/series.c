#include "tests/bench/series.h"

#include <stdlib.h>

void series_add(struct series *s, double value)
{
	if (s->count < SERIES_MAX)
		s->values[s->count++] = value;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double series_median(const struct series *s)
{
	struct series sorted = *s;
	size_t middle = s->count / 2;

	if (s->count == 0)
		return 0;
	qsort(sorted.values, sorted.count, sizeof(sorted.values[0]), by_value);
	return s->count % 2 ? sorted.values[middle] : (sorted.values[middle - 1] + sorted.values[middle]) / 2;
}

double series_max(const struct series *s)
{
	double max = s->count ? s->values[0] : 0;

	for (size_t i = 1; i < s->count; i++)
		max = s->values[i] > max ? s->values[i] : max;
	return max;
}

double series_ratio(const struct series *ours, const struct series *theirs)
{
	struct series ratios = {0};

	for (size_t i = 0; i < ours->count && i < theirs->count; i++)
		if (theirs->values[i] > 0)
			series_add(&ratios, ours->values[i] / theirs->values[i]);
	return series_median(&ratios);
}
