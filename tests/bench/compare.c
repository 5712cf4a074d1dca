#include "tests/bench/compare.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const char *text(const json_t *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value ? value : "";
}

static bool same_row(const json_t *a, const json_t *b)
{
	return strcmp(text(a, "figure"), text(b, "figure")) == 0 && strcmp(text(a, "body"), text(b, "body")) == 0 &&
	       strcmp(text(a, "unit"), text(b, "unit")) == 0 &&
	       json_integer_value(json_object_get(a, "connections")) ==
		       json_integer_value(json_object_get(b, "connections"));
}

static const json_t *find(const json_t *table, const json_t *wanted)
{
	size_t i;
	json_t *row;

	json_array_foreach(table, i, row) if (same_row(row, wanted)) return row;
	return NULL;
}

static double number(const json_t *row, const char *key)
{
	return json_number_value(json_object_get(row, key));
}

static bool is_number(const json_t *row, const char *key)
{
	return json_is_number(json_object_get(row, key));
}

/* How much better b is than a: 1 is no change, 0.5 twice as bad. */
static double gain(const json_t *a, const json_t *b)
{
	const char *key = is_number(a, "ratio") && is_number(b, "ratio") ? "ratio" : "value";
	double before = number(a, key), after = number(b, key);

	if (fabs(before - after) < 1e-9)
		return 1;
	if (before <= 0 || after <= 0)
		return (strcmp(text(a, "unit"), "/s") == 0) == (after > before) ? INFINITY : 0;
	return strcmp(text(a, "unit"), "/s") == 0 ? after / before : before / after;
}

static int judge(const json_t *a, const json_t *b, double tolerance)
{
	bool was_met = !json_is_false(json_object_get(a, "met")), is_met = !json_is_false(json_object_get(b, "met"));
	double by = gain(a, b);

	if ((was_met && !is_met) || by < 1 / (1 + tolerance))
		return -1;
	return (!was_met && is_met) || by > 1 + tolerance;
}

static void print(const json_t *a, const json_t *b, int judgement, FILE *out)
{
	static const char *const words[] = {"WORSE", "", "better"};

	if (out)
		fprintf(out, "%-52s %-8s %4d %12.4g %12.4g %-4s %9.3f %9.3f  %s\n", text(a, "figure"), text(a, "body"),
			(int)number(a, "connections"), number(a, "value"), number(b, "value"), text(a, "unit"),
			number(a, "ratio"), number(b, "ratio"), words[judgement + 1]);
}

struct comparison compare_tables(const json_t *a, const json_t *b, double tolerance, FILE *out)
{
	struct comparison found = {0};
	size_t i;
	json_t *row;

	if (out)
		fprintf(out, "%-52s %-8s %4s %12s %12s %-4s %9s %9s\n", "figure", "body", "conn", "A", "B", "",
			"ratio A", "ratio B");
	json_array_foreach(a, i, row)
	{
		const json_t *other = find(b, row);
		int judgement = other ? judge(row, other, tolerance) : 0;

		found.missing += !other;
		found.same += other && judgement == 0;
		found.better += judgement > 0;
		found.worse += judgement < 0;
		if (other)
			print(row, other, judgement, out);
		else if (out)
			fprintf(out, "%-52s only in A\n", text(row, "figure"));
	}
	json_array_foreach(b, i, row)
	{
		if (find(a, row))
			continue;
		found.missing++;
		if (out)
			fprintf(out, "%-52s only in B\n", text(row, "figure"));
	}
	return found;
}
