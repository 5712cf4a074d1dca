/* Tables of tests/data: lines "INPUT  EXPECTED", comments with #. In both columns {N} stands for N hex digits and
 * {c*N} for the character c N times. */
#ifndef SEALGATE_TESTS_UNIT_POLICY_ROWS_H
#define SEALGATE_TESTS_UNIT_POLICY_ROWS_H

#include "base/arena.h"
#include "base/file.h"

#define STR_BYTES(literal)                     \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

struct row {
	struct str input;
	struct str expected;
	size_t line;
};

struct rows {
	struct str left;
	size_t line;
};

/* The file's content is kept in `file`; fails the test when it can't be read. */
static inline struct rows rows_open(const char *path, struct buf *file)
{
	struct err e = ERR_INIT;

	if (!file_read(path, file, &e))
		fail_msg("%s", e.text);
	return (struct rows){.left = buf_str(file)};
}

/* The rows of the block that a document fences with ```LANGUAGE. */
static inline struct rows rows_open_block(const char *path, const char *language, struct buf *file)
{
	struct rows rows = rows_open(path, file);
	char fence[64];
	const char *at;

	(void)snprintf(fence, sizeof(fence), "\n```%s\n", language);
	at = memmem(rows.left.ptr, rows.left.len, fence, strlen(fence));
	if (!at)
		fail_msg("%s has no block %s", path, language);
	rows.left = str_skip(rows.left, (size_t)(at - rows.left.ptr) + strlen(fence));
	at = memmem(rows.left.ptr, rows.left.len, "\n```", 4);
	if (!at)
		fail_msg("%s: block %s has no end", path, language);
	rows.left = str_head(rows.left, (size_t)(at - rows.left.ptr));
	return rows;
}

static inline size_t row_number(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return 0;
		n = n * 10 + (size_t)(text.ptr[i] - '0');
	}
	return n;
}

/* Appends what stands for the mark `inside` the braces; marks of other shapes are themselves. */
static inline void row_mark(struct buf *out, struct str inside)
{
	bool repeats = inside.len > 2 && inside.ptr[1] == '*';
	size_t n = row_number(repeats ? str_skip(inside, 2) : inside);

	if (n == 0)
		buf_printf(out, "{%.*s}", STR_ARG(inside));
	for (size_t i = 0; i < n; i++)
		buf_add_char(out, repeats ? inside.ptr[0] : "0123456789abcdef"[i % 16]);
}

static inline struct str row_expand(struct str text, struct arena *arena)
{
	cleanup(buf) struct buf out = buf_init(1 << 20);

	while (text.len) {
		size_t open = str_find(text, '{');
		size_t close = str_find(text, '}');

		buf_add(&out, str_head(text, close < text.len && open < close ? open : text.len));
		if (close == text.len || open > close)
			break;
		row_mark(&out, str_make(text.ptr + open + 1, close - open - 1));
		text = str_skip(text, close + 1);
	}
	return arena_copy(arena, buf_str(&out));
}

static inline bool rows_next(struct rows *rows, struct arena *arena, struct row *out)
{
	while (rows->left.len) {
		struct str line = str_trim(str_head(rows->left, str_find(rows->left, '\n')));

		rows->left = str_skip(rows->left, str_find(rows->left, '\n') + 1);
		rows->line++;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		out->line = rows->line;
		out->input = row_expand(str_head(line, str_find(line, ' ')), arena);
		out->expected = row_expand(str_trim(str_skip(line, str_find(line, ' '))), arena);
		return true;
	}
	return false;
}

#endif
