/* The table of the bench and its comparison: a missed target, a wrong answer and a regression are seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/bench/compare.h"
#include "tests/bench/series.h"
#include "tests/bench/table.h"

static struct row row_with(double value, double reference, enum target_kind kind, double limit)
{
	return (struct row){.figure = "decisions",
			    .body = "5 KB",
			    .connections = 16,
			    .value = value,
			    .unit = "/s",
			    .reference = reference,
			    .has_reference = reference > 0,
			    .ratio = reference > 0 ? value / reference : 0,
			    .target = {kind, limit}};
}

static void the_median_is_the_middle_value(void **state)
{
	struct series s = {0};

	(void)state;
	assert_true(series_median(&s) == 0);
	series_add(&s, 9);
	series_add(&s, 1);
	series_add(&s, 5);
	assert_true(series_median(&s) == 5);
	series_add(&s, 7);
	assert_true(series_median(&s) == 6);
	assert_true(series_max(&s) == 9);
}

static void a_ratio_is_that_of_each_round(void **state)
{
	struct series ours = {{10, 100, 1000}, 3}, theirs = {{20, 100, 4000}, 3};

	(void)state;
	assert_true(series_ratio(&ours, &theirs) == 0.5);
}

static void a_target_is_met_up_to_its_limit_and_not_beyond(void **state)
{
	struct row at_least = row_with(80, 100, RATIO_AT_LEAST, 0.80),
		   at_most = row_with(125, 100, RATIO_AT_MOST, 1.25);
	struct row value = row_with(12, 0, VALUE_AT_MOST, 12);

	(void)state;
	assert_true(row_met(&at_least) && row_met(&at_most) && row_met(&value));
	at_least.ratio = 0.79;
	at_most.ratio = 1.26;
	value.value = 12.1;
	assert_false(row_met(&at_least) || row_met(&at_most) || row_met(&value));
}

static void a_ratio_that_nobody_measured_is_not_met(void **state)
{
	struct row row = row_with(80, 0, RATIO_AT_MOST, 1);

	(void)state;
	assert_false(row_met(&row));
}

static void wrong_answers_fail_a_row_however_fast_they_came(void **state)
{
	struct row fast = row_with(1000, 100, RATIO_AT_LEAST, 0.80), free_of_target = row_with(1000, 0, TARGET_NONE, 0);
	struct table table = {0};
	json_t *json;

	(void)state;
	fast.failed = free_of_target.failed = true;
	table_add(&table, &fast, NULL);
	table_add(&table, &free_of_target, NULL);
	json = table_json(&table);
	assert_int_equal(table_missed(&table), 2);
	assert_true(json_is_false(json_object_get(json_array_get(json, 0), "met")));
	assert_true(json_is_false(json_object_get(json_array_get(json, 1), "met")));
	json_decref(json);
	table_release(&table);
}

static json_t *table_of(struct row row)
{
	struct table table = {0};
	json_t *json;

	table_add(&table, &row, NULL);
	json = table_json(&table);
	table_release(&table);
	return json;
}

static void a_table_is_written_with_every_field(void **state)
{
	char path[] = "/tmp/sealgate-table-XXXXXX";
	struct table table = {0};
	struct row row = row_with(90, 100, RATIO_AT_LEAST, 0.80);
	struct err e = ERR_INIT;
	json_t *read, *wanted;

	(void)state;
	close(mkstemp(path));
	table_add(&table, &row, NULL);
	assert_true(table_write(&table, path, &e));
	read = json_load_file(path, 0, NULL);
	wanted = json_pack("[{s:s,s:s,s:i,s:f,s:s,s:f,s:f,s:s,s:b}]", "figure", "decisions", "body", "5 KB",
			   "connections", 16, "value", 90.0, "unit", "/s", "reference", 100.0, "ratio", 0.9, "target",
			   ">= 0.80", "met", 1);
	assert_true(json_equal(read, wanted));
	json_decref(read);
	json_decref(wanted);
	table_release(&table);
	unlink(path);
}

static struct comparison compare_rows(struct row a, struct row b)
{
	json_t *before = table_of(a), *after = table_of(b);
	struct comparison found = compare_tables(before, after, 0.10, NULL);

	json_decref(before);
	json_decref(after);
	return found;
}

static void a_regression_is_found_in_the_direction_of_its_unit(void **state)
{
	struct row fast = row_with(100, 0, TARGET_NONE, 0), slow = row_with(80, 0, TARGET_NONE, 0);
	struct comparison found = compare_rows(fast, slow);

	(void)state;
	assert_int_equal(found.worse, 1);
	assert_int_equal(compare_rows(slow, fast).better, 1);
	snprintf(fast.unit, sizeof(fast.unit), "us");
	snprintf(slow.unit, sizeof(slow.unit), "us");
	assert_int_equal(compare_rows(fast, slow).better, 1);
	assert_int_equal(compare_rows(slow, fast).worse, 1);
}

static void a_change_within_the_tolerance_is_none(void **state)
{
	struct comparison found = compare_rows(row_with(100, 0, TARGET_NONE, 0), row_with(95, 0, TARGET_NONE, 0));

	(void)state;
	assert_int_equal(found.same, 1);
	assert_int_equal(found.worse + found.better + found.missing, 0);
}

static void ratios_are_compared_where_there_are_some(void **state)
{
	struct row before = row_with(100, 100, TARGET_NONE, 0), slower_day = row_with(50, 50, TARGET_NONE, 0);
	struct row worse = row_with(120, 200, TARGET_NONE, 0);

	(void)state;
	assert_int_equal(compare_rows(before, slower_day).same, 1);
	assert_int_equal(compare_rows(before, worse).worse, 1);
}

static void a_target_that_is_missed_now_is_worse_within_the_tolerance_too(void **state)
{
	struct row met = row_with(82, 100, RATIO_AT_LEAST, 0.80), missed = row_with(79, 100, RATIO_AT_LEAST, 0.80);

	(void)state;
	assert_int_equal(compare_rows(met, missed).worse, 1);
	assert_int_equal(compare_rows(missed, met).better, 1);
}

static void wrong_answers_are_worse_than_any_speed(void **state)
{
	struct row right = row_with(100, 0, TARGET_NONE, 0), wrong = row_with(200, 0, TARGET_NONE, 0);

	(void)state;
	wrong.failed = true;
	assert_int_equal(compare_rows(right, wrong).worse, 1);
}

static void nothing_lost_before_and_something_now_is_worse(void **state)
{
	struct row before = row_with(0, 0, TARGET_NONE, 0), after = row_with(1, 0, TARGET_NONE, 0);

	(void)state;
	snprintf(before.unit, sizeof(before.unit), "lost");
	snprintf(after.unit, sizeof(after.unit), "lost");
	assert_int_equal(compare_rows(before, after).worse, 1);
	assert_int_equal(compare_rows(before, before).same, 1);
}

static void rows_of_one_side_alone_are_told(void **state)
{
	struct row a = row_with(100, 0, TARGET_NONE, 0), b = a;

	(void)state;
	b.connections = 64;
	assert_int_equal(compare_rows(a, b).missing, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_is_the_middle_value),
		cmocka_unit_test(a_ratio_is_that_of_each_round),
		cmocka_unit_test(a_target_is_met_up_to_its_limit_and_not_beyond),
		cmocka_unit_test(a_ratio_that_nobody_measured_is_not_met),
		cmocka_unit_test(wrong_answers_fail_a_row_however_fast_they_came),
		cmocka_unit_test(a_table_is_written_with_every_field),
		cmocka_unit_test(a_regression_is_found_in_the_direction_of_its_unit),
		cmocka_unit_test(a_change_within_the_tolerance_is_none),
		cmocka_unit_test(ratios_are_compared_where_there_are_some),
		cmocka_unit_test(a_target_that_is_missed_now_is_worse_within_the_tolerance_too),
		cmocka_unit_test(wrong_answers_are_worse_than_any_speed),
		cmocka_unit_test(nothing_lost_before_and_something_now_is_worse),
		cmocka_unit_test(rows_of_one_side_alone_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
