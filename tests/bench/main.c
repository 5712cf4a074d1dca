/* make bench: every figure beside its reference, in one table. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/compare.h"
#include "tests/bench/figures.h"

/* Beyond this a row counts as better or worse. */
#define TOLERANCE 0.10

static const struct group {
	const char *name;
	void (*run)(struct bench *b);
	unsigned seconds, quick_seconds; /* about how long it takes */
} groups[] = {
	/* Verifications first: gpg's cost grows with this program's memory. */
	{"verify", figures_verify, 15, 5},
	{"first", figures_first, 30, 10},
	{"json", figures_json, 20, 10},
	{"decisions", figures_decisions, 80, 15},
	{"tails", figures_tails, 50, 10},
	{"containers", figures_containers, 35, 10},
	{"handshakes", figures_handshakes, 40, 12},
	{"hostile", figures_hostile, 80, 20},
	{"policies", figures_policies, 70, 40},
	{"uploads", figures_uploads, 45, 10},
	{"lookups", figures_lookups, 15, 10},
	{"sizes", figures_sizes, 200, 25},
	{"memory", figures_memory, 130, 20},
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

struct options {
	struct bench bench;
	const char *only; /* names between commas; NULL: all */
	const char *out;
	const char *compare;
};

static bool is_wanted(const char *only, const char *name)
{
	size_t length = strlen(name);

	if (!only || !*only)
		return true;
	for (const char *p = only; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == length && strncmp(p, name, length) == 0)
			return true;
	return false;
}

static unsigned seconds_of_all(const struct options *o)
{
	unsigned sum = 0;

	for (size_t i = 0; i < GROUPS; i++)
		if (is_wanted(o->only, groups[i].name))
			sum += o->bench.quick ? groups[i].quick_seconds : groups[i].seconds;
	return sum;
}

static int run(struct options *o)
{
	struct bench *b = &o->bench;
	struct err e = ERR_INIT;
	unsigned seconds = seconds_of_all(o);
	size_t missed;

	if (seconds == 0)
		bench_give_up("no such figures: %s", o->only);
	printf("Figures beside their references of the same run, in turn, medians of %d rounds. Takes about %u:%02u.\n",
	       b->rounds, seconds / 60, seconds % 60);
	for (size_t i = 0; i < GROUPS; i++)
		if (is_wanted(o->only, groups[i].name))
			groups[i].run(b);
	missed = table_missed(&b->table);
	printf("%zu rows, %zu missed; %s\n", b->table.count, missed, o->out);
	if (!b->full && is_wanted(o->only, "sizes"))
		printf("Left out: 10^7 stored attestations, which take 25 GB (FULL=1).\n");
	if (!table_write(&b->table, o->out, &e))
		bench_give_up("%s", e.text);
	return 0;
}

static json_t *read_table(const char *path)
{
	json_error_t error;
	json_t *table = json_load_file(path, 0, &error);

	if (!json_is_array(table))
		bench_give_up("%s: no table of a bench", path);
	return table;
}

static int compare(const char *before, const char *after)
{
	json_t *a = read_table(before), *b = read_table(after);
	struct comparison found = compare_tables(a, b, TOLERANCE, stdout);

	printf("%zu worse, %zu better, %zu within a tenth, %zu on one side only\n", found.worse, found.better,
	       found.same, found.missing);
	json_decref(a);
	json_decref(b);
	return found.worse ? 1 : 0;
}

static void usage(void)
{
	fputs("usage: bench [--only NAME,...] [--quick | --full] [--out FILE]\n"
	      "       bench --compare A.json B.json\nnames:",
	      stderr);
	for (size_t i = 0; i < GROUPS; i++)
		fprintf(stderr, " %s", groups[i].name);
	fputc('\n', stderr);
	exit(2);
}

static void read_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{"only", required_argument, NULL, 'o'},	   {"quick", no_argument, NULL, 'q'},
		{"full", no_argument, NULL, 'f'},	   {"out", required_argument, NULL, 'w'},
		{"compare", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'o':
			o->only = optarg;
			break;
		case 'q':
			o->bench.quick = true;
			break;
		case 'f':
			o->bench.full = true;
			break;
		case 'w':
			o->out = optarg;
			break;
		case 'c':
			o->compare = optarg;
			break;
		default:
			usage();
		}
	}
}

int main(int argc, char **argv)
{
	struct options o = {.out = "build/bench.json"};
	int status;

	read_options(argc, argv, &o);
	if (o.compare)
		return optind + 1 == argc ? compare(o.compare, argv[optind]) : 2;
	if (optind != argc)
		usage();
	o.bench.rounds = o.bench.quick ? 3 : 5;
	o.bench.seconds = o.bench.quick ? 0.4 : 1.5;
	status = run(&o);
	table_release(&o.bench.table);
	return status;
}
