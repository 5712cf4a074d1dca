#include "cli/terminal.h"

#include "base/utf8.h"

enum { GAP = 2 };

#define TABLE_MAX (64u * 1024 * 1024)

struct terminal_table {
	struct arena arena;
	const char *const *heads;
	size_t columns;
	struct str *cells;
	size_t rows;
	size_t capacity; /* in rows */
};

static bool is_control(struct str sequence)
{
	unsigned char first = (unsigned char)sequence.ptr[0];

	if (sequence.len == 1)
		return first < 0x20 || first == 0x7f;
	return sequence.len == 2 && first == 0xc2 && (unsigned char)sequence.ptr[1] < 0xa0;
}

void terminal_add(struct buf *out, struct str s)
{
	while (s.len > 0) {
		size_t n = utf8_sequence(s);
		struct str sequence = str_head(s, n ? n : 1);

		if (n && !is_control(sequence))
			buf_add(out, sequence);
		else
			for (size_t i = 0; i < sequence.len; i++)
				buf_printf(out, "\\x%02x", (unsigned char)sequence.ptr[i]);
		s = str_skip(s, sequence.len);
	}
}

struct terminal_table *terminal_table_new(const char *const *heads, size_t columns)
{
	struct terminal_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->arena = arena_init(TABLE_MAX);
	table->heads = heads;
	table->columns = columns;
	return table;
}

void terminal_table_free(struct terminal_table *table)
{
	if (!table)
		return;
	arena_release(&table->arena);
	free(table);
}

size_t terminal_table_rows(const struct terminal_table *table)
{
	return table->rows;
}

static bool make_room(struct terminal_table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : 16;
	size_t row = table->columns * sizeof(struct str);
	struct str *cells;

	if (table->rows < table->capacity)
		return true;
	cells = arena_grow(&table->arena, table->cells, table->capacity * row, capacity * row);
	if (!cells)
		return false;
	table->cells = cells;
	table->capacity = capacity;
	return true;
}

static bool copy_cell(struct terminal_table *table, struct str cell, struct str *out)
{
	cleanup(buf) struct buf text = buf_init(TABLE_MAX);

	terminal_add(&text, cell.len ? cell : STR("-"));
	*out = text.failed ? (struct str){0} : arena_copy(&table->arena, buf_str(&text));
	return out->ptr != NULL;
}

bool terminal_table_row(struct terminal_table *table, const struct str *cells, struct err *e)
{
	if (!make_room(table))
		return err_no_memory(e);
	for (size_t i = 0; i < table->columns; i++)
		if (!copy_cell(table, cells[i], &table->cells[table->rows * table->columns + i]))
			return err_no_memory(e);
	table->rows++;
	return true;
}

/* Characters, not bytes. */
static size_t width_of(struct str s)
{
	size_t width = 0;

	for (size_t i = 0; i < s.len; i++)
		width += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct terminal_table *table, size_t column)
{
	size_t widest = width_of(str_of(table->heads[column]));

	for (size_t row = 0; row < table->rows; row++) {
		size_t width = width_of(table->cells[row * table->columns + column]);

		if (width > widest)
			widest = width;
	}
	return widest;
}

static void write_cell(const struct terminal_table *table, size_t column, struct str cell, struct buf *out)
{
	buf_add(out, cell);
	if (column + 1 < table->columns)
		buf_printf(out, "%*s", (int)(column_width(table, column) - width_of(cell) + GAP), "");
	else
		buf_add_char(out, '\n');
}

void terminal_table_write(const struct terminal_table *table, unsigned indent, struct buf *out)
{
	buf_printf(out, "%*s", (int)indent, "");
	for (size_t i = 0; i < table->columns; i++)
		write_cell(table, i, str_of(table->heads[i]), out);
	for (size_t row = 0; row < table->rows; row++) {
		buf_printf(out, "%*s", (int)indent, "");
		for (size_t i = 0; i < table->columns; i++)
			write_cell(table, i, table->cells[row * table->columns + i], out);
	}
}
