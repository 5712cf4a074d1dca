/* One run of the bench: its settings, its table, and what every figure does: load servers in turn, round by round. */
#ifndef SEALGATE_TESTS_BENCH_BENCH_H
#define SEALGATE_TESTS_BENCH_BENCH_H

#include "tests/bench/load.h"
#include "tests/bench/series.h"
#include "tests/bench/table.h"

struct bench {
	struct table table;
	bool quick;	       /* short rounds, smaller stores */
	bool full;	       /* with 10^7 attestations */
	int rounds;	       /* of each measurement */
	double seconds;	       /* of each run in a round */
	bool wrong;	       /* something was answered wrongly since the last row: that row has failed */
	double generator_busy; /* the most of any run */
};

/* The series of one server over the rounds of a measurement. */
struct measured {
	struct series per_second, p50_us, p99_us, gap_ms, cpu_us;
};

/* Runs the load and adds to `into` (may be NULL). Wrong answers and broken connections are told on standard error and
 * fail the next row. False when nothing was measured. */
bool bench_load(struct bench *b, const struct load_plan *plan, struct measured *into);
/* b->rounds rounds, the reference first in one, second in the next. */
bool bench_versus(struct bench *b, const struct load_plan *ours, const struct load_plan *theirs, struct measured *us,
		  struct measured *them);

#define AT_LEAST(x) ((struct target){RATIO_AT_LEAST, (x)})
#define AT_MOST(x) ((struct target){RATIO_AT_MOST, (x)})
#define VALUE_LIMIT(x) ((struct target){VALUE_AT_MOST, (x)})
#define NO_TARGET ((struct target){TARGET_NONE, 0})

struct figure_name {
	const char *figure;
	const char *body; /* "" for none */
	unsigned connections;
};

/* Adds a row of the medians; with `theirs` NULL one without reference. */
void bench_row(struct bench *b, struct figure_name name, const char *unit, const struct series *ours,
	       const struct series *theirs, struct target target);
/* What is being done now, on standard error, over the last such line. */
void bench_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program: the harness itself does not work. */
_Noreturn void bench_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
