/* The one table of the bench: a row per figure, with its reference, the ratio to it, the target, and whether it is met.
 * As text for people, as JSON for `make bench-compare`. */
#ifndef SEALGATE_TESTS_BENCH_TABLE_H
#define SEALGATE_TESTS_BENCH_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/* What must hold of a row. A ratio is value / reference; without a reference only VALUE_AT_MOST can be asked. */
enum target_kind { TARGET_NONE, RATIO_AT_LEAST, RATIO_AT_MOST, VALUE_AT_MOST };

struct target {
	enum target_kind kind;
	double limit;
};

#define ROW_TEXT 96

struct row {
	char figure[ROW_TEXT];
	char body[24]; /* "5 KB"; "" when no review is sent */
	unsigned connections;
	double value;
	char unit[12];	  /* "/s": more is better; anything else: less is better */
	double reference; /* of the same run; has_reference */
	bool has_reference;
	double ratio; /* the median of the rounds' ratios, which is not always that of the medians */
	struct target target;
	bool failed; /* something was answered wrongly: never met, whatever the value */
};

/* True for a row without target, unless it failed. */
bool row_met(const struct row *row);

struct table {
	struct row *rows;
	size_t count;
};

/* Adds a row and prints it, after a heading when it is the first. `out` may be NULL. */
void table_add(struct table *table, const struct row *row, FILE *out);
/* Rows whose target is missed. */
size_t table_missed(const struct table *table);
void table_release(struct table *table);

/* A list of objects: figure, body, connections, value, unit, reference, ratio, target, met. "reference" and "ratio" are
 * null without a reference, "target" and "met" without a target. To be decref'd. */
json_t *table_json(const struct table *table);
/* Writes it to a file, whole or not at all. */
bool table_write(const struct table *table, const char *path, struct err *e) MUST_USE;

#endif
