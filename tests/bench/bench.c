#include "tests/bench/bench.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

void bench_progress(const char *format, ...)
{
	bool terminal = isatty(STDERR_FILENO);
	va_list args;

	va_start(args, format);
	fputs(terminal ? "\r\033[K" : "  ", stderr);
	vfprintf(stderr, format, args);
	fputs(terminal ? "" : "\n", stderr);
	va_end(args);
}

static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

void bench_give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("\nbench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void record(struct measured *m, const struct load_result *r)
{
	series_add(&m->per_second, r->per_second);
	series_add(&m->p50_us, r->p50_us);
	series_add(&m->p99_us, r->p99_us);
	series_add(&m->gap_ms, r->gap_ms);
	series_add(&m->cpu_us, r->cpu_us);
}

bool bench_load(struct bench *b, const struct load_plan *plan, struct measured *into)
{
	struct load_result result;
	struct err e = ERR_INIT;

	if (!load_run(plan, &result, &e)) {
		fprintf(stderr, "\nbench: %s\n", e.text);
		b->wrong = true;
		return false;
	}
	if (result.failures) {
		fprintf(stderr, "\nbench: %llu of %llu answers are wrong, the first: %s\n",
			(unsigned long long)result.failures, (unsigned long long)result.answers, result.wrong);
		b->wrong = true;
	}
	if (result.generator_busy > b->generator_busy)
		b->generator_busy = result.generator_busy;
	if (into)
		record(into, &result);
	return true;
}

bool bench_versus(struct bench *b, const struct load_plan *ours, const struct load_plan *theirs, struct measured *us,
		  struct measured *them)
{
	for (int round = 0; round < b->rounds; round++) {
		bool they_first = round % 2 == 0;

		if (!bench_load(b, they_first ? theirs : ours, they_first ? them : us) ||
		    !bench_load(b, they_first ? ours : theirs, they_first ? us : them))
			return false;
	}
	return true;
}

void bench_row(struct bench *b, struct figure_name name, const char *unit, const struct series *ours,
	       const struct series *theirs, struct target target)
{
	struct row row = {.connections = name.connections,
			  .value = series_median(ours),
			  .target = target,
			  .failed = b->wrong || ours->count == 0};

	snprintf(row.figure, sizeof(row.figure), "%s", name.figure);
	snprintf(row.body, sizeof(row.body), "%s", name.body);
	snprintf(row.unit, sizeof(row.unit), "%s", unit);
	if (theirs) {
		row.has_reference = true;
		row.reference = series_median(theirs);
		row.ratio = series_ratio(ours, theirs);
	}
	clear_progress();
	table_add(&b->table, &row, stdout);
	b->wrong = false;
}
