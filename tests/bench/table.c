#include "tests/bench/table.h"

#include <stdlib.h>

bool row_met(const struct row *row)
{
	switch (row->target.kind) {
	case TARGET_NONE:
		return !row->failed;
	case RATIO_AT_LEAST:
		return !row->failed && row->has_reference && row->ratio >= row->target.limit;
	case RATIO_AT_MOST:
		return !row->failed && row->has_reference && row->ratio <= row->target.limit;
	case VALUE_AT_MOST:
		return !row->failed && row->value <= row->target.limit;
	}
	return false;
}

static bool has_target(const struct row *row)
{
	return row->target.kind != TARGET_NONE;
}

/* ">= 0.80", "<= 12 MB"; "" without one. */
static void target_text(const struct row *row, char out[32])
{
	static const char *const sign[] = {"", ">= ", "<= ", "<= "};
	const char *unit = row->target.kind == VALUE_AT_MOST ? row->unit : "";

	if (!has_target(row))
		out[0] = 0;
	else if (row->target.kind == VALUE_AT_MOST)
		snprintf(out, 32, "%s%.4g %s", sign[row->target.kind], row->target.limit, unit);
	else
		snprintf(out, 32, "%s%.2f", sign[row->target.kind], row->target.limit);
}

static const char *verdict(const struct row *row)
{
	if (row->failed)
		return "WRONG ANSWERS";
	return !has_target(row) ? "" : row_met(row) ? "met" : "MISSED";
}

/* Four digits that matter, whatever the size. */
static void number_text(double value, char out[24])
{
	int decimals = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;

	snprintf(out, 24, "%.*f", decimals, value);
}

static void print_row(const struct row *row, FILE *out)
{
	char target[32], value[24], reference[24] = "", ratio[24] = "", connections[16] = "";

	target_text(row, target);
	number_text(row->value, value);
	if (row->has_reference) {
		number_text(row->reference, reference);
		snprintf(ratio, sizeof(ratio), "%.2f", row->ratio);
	}
	if (row->connections)
		snprintf(connections, sizeof(connections), "%u", row->connections);
	fprintf(out, "%-52s %-8s %4s %10s %-4s %10s %7s  %-12s %s\n", row->figure, row->body, connections, value,
		row->unit, reference, ratio, target, verdict(row));
	fflush(out);
}

void table_add(struct table *table, const struct row *row, FILE *out)
{
	struct row *rows = realloc(table->rows, (table->count + 1) * sizeof(*rows));

	if (!rows)
		abort();
	table->rows = rows;
	rows[table->count++] = *row;
	if (!out)
		return;
	if (table->count == 1)
		fprintf(out, "%-52s %-8s %4s %10s %-4s %10s %7s  %s\n", "figure", "body", "conn", "value", "",
			"reference", "ratio", "target");
	print_row(row, out);
}

size_t table_missed(const struct table *table)
{
	size_t missed = 0;

	for (size_t i = 0; i < table->count; i++)
		missed += !row_met(&table->rows[i]);
	return missed;
}

void table_release(struct table *table)
{
	free(table->rows);
	*table = (struct table){0};
}

static json_t *row_json(const struct row *row)
{
	char target[32];

	target_text(row, target);
	return json_pack("{s:s,s:s,s:i,s:f,s:s,s:o,s:o,s:o,s:o}", "figure", row->figure, "body", row->body,
			 "connections", (int)row->connections, "value", row->value, "unit", row->unit, "reference",
			 row->has_reference ? json_real(row->reference) : json_null(), "ratio",
			 row->has_reference ? json_real(row->ratio) : json_null(), "target",
			 has_target(row) ? json_string(target) : json_null(), "met",
			 has_target(row) || row->failed ? json_boolean(row_met(row)) : json_null());
}

json_t *table_json(const struct table *table)
{
	json_t *list = json_array();

	for (size_t i = 0; i < table->count; i++)
		if (json_array_append_new(list, row_json(&table->rows[i])) != 0)
			abort();
	return list;
}

bool table_write(const struct table *table, const char *path, struct err *e)
{
	json_t *list = table_json(table);
	char *part = NULL;
	bool ok;

	if (asprintf(&part, "%s.part", path) < 0)
		abort();
	ok = json_dump_file(list, part, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0 && rename(part, path) == 0;
	free(part);
	json_decref(list);
	return ok || err_errno(e, "%s", path);
}
