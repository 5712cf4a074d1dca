/* Text for people: what comes from outside can't move the cursor, and columns line up. */
#ifndef SEALGATE_CLI_TERMINAL_H
#define SEALGATE_CLI_TERMINAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Appends `s` with control characters (C0, DEL, C1) and bytes that are not UTF-8 as "\xNN". */
void terminal_add(struct buf *out, struct str s);

/* A table of text cells. The last column is never padded. */
struct terminal_table;

/* `heads` are the column titles and must outlive the table; NULL when there is no memory. */
struct terminal_table *terminal_table_new(const char *const *heads, size_t columns);
void terminal_table_free(struct terminal_table *table);
/* Adds a row of as many cells as there are columns; the cells are copied. */
bool terminal_table_row(struct terminal_table *table, const struct str *cells, struct err *e) MUST_USE;
size_t terminal_table_rows(const struct terminal_table *table);
/* Appends the titles and the rows, each line after `indent` spaces. An empty cell is written as "-". */
void terminal_table_write(const struct terminal_table *table, unsigned indent, struct buf *out);

CLEANUP_POINTER(terminal_table, struct terminal_table, terminal_table_free)

#endif
