#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/terminal.h"

static void what_comes_from_outside_cannot_move_the_cursor(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
		{"plain", "plain"},
		{"\x1b[2J", "\\x1b[2J"},
		{"a\r\nb\tc", "a\\x0d\\x0ab\\x09c"},
		{"\x7f", "\\x7f"},
		{"\xc2\x9b"
		 "31m",
		 "\\xc2\\x9b31m"},
		{"\xc3\xbc", "\xc3\xbc"},
		{"\xff\xfe", "\\xff\\xfe"},
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xc0\x80", "\\xc0\\x80"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup(buf) struct buf out = buf_init(100);

		terminal_add(&out, str_of(rows[i].in));
		assert_string_equal(out.data, rows[i].out);
	}
}

static void columns_line_up_and_the_last_is_not_padded(void **state)
{
	static const char *const heads[] = {"IMAGE", "N", "REASON"};
	cleanup(terminal_table) struct terminal_table *table = terminal_table_new(heads, 3);
	cleanup(buf) struct buf out = buf_init(1000);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(terminal_table_row(table, (struct str[]){STR("a"), STR("1"), STR("x y")}, &e));
	assert_true(terminal_table_row(table, (struct str[]){STR("longer-\xc3\xbc"), STR(""), STR("z")}, &e));
	terminal_table_write(table, 2, &out);
	assert_string_equal(out.data, "  IMAGE     N  REASON\n"
				      "  a         1  x y\n"
				      "  longer-\xc3\xbc  -  z\n");
	assert_int_equal(terminal_table_rows(table), 2);
}

static void a_hostile_cell_is_one_line(void **state)
{
	static const char *const heads[] = {"A", "B"};
	cleanup(terminal_table) struct terminal_table *table = terminal_table_new(heads, 2);
	cleanup(buf) struct buf out = buf_init(1000);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(terminal_table_row(table, (struct str[]){STR("x\nadmitted"), STR("\x1b[1A")}, &e));
	terminal_table_write(table, 0, &out);
	assert_string_equal(out.data, "A              B\nx\\x0aadmitted  \\x1b[1A\n");
}

static void many_rows_stay_in_order(void **state)
{
	static const char *const heads[] = {"A"};
	cleanup(terminal_table) struct terminal_table *table = terminal_table_new(heads, 1);
	cleanup(buf) struct buf out = buf_init(100000);
	cleanup(buf) struct buf expected = buf_init(100000);
	struct err e = ERR_INIT;

	(void)state;
	buf_add_c(&expected, "A\n");
	for (int i = 0; i < 100; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%d", i);
		buf_printf(&expected, "%d\n", i);
		assert_true(terminal_table_row(table, (struct str[]){str_of(text)}, &e));
	}
	terminal_table_write(table, 0, &out);
	assert_string_equal(out.data, expected.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_from_outside_cannot_move_the_cursor),
		cmocka_unit_test(columns_line_up_and_the_last_is_not_padded),
		cmocka_unit_test(a_hostile_cell_is_one_line),
		cmocka_unit_test(many_rows_stay_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
