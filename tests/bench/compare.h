/* Two tables of the bench side by side: what became better or worse. */
#ifndef SEALGATE_TESTS_BENCH_COMPARE_H
#define SEALGATE_TESTS_BENCH_COMPARE_H

#include <jansson.h>
#include <stdio.h>

struct comparison {
	size_t same, better, worse;
	size_t missing; /* rows of one side alone */
};

/* Rows are matched by figure, body, connections and unit. Where both have a reference the ratios to it are compared,
 * because they hold on another day or machine; otherwise the values. Worse: by more than `tolerance` (0.1 is a tenth)
 * in the direction that the unit gives, or a target that was met and is missed. `a` is the older one; both as
 * table_json. Prints a line per row to `out` (may be NULL). */
struct comparison compare_tables(const json_t *a, const json_t *b, double tolerance, FILE *out);

#endif
