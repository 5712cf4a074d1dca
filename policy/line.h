/* A line of text with a maximum, for people: what does not fit is cut and "..." put in its place; what could move a
 * terminal's cursor or begin another line is escaped. Needs no memory, can't fail. */
#ifndef SEALGATE_POLICY_LINE_H
#define SEALGATE_POLICY_LINE_H

#include "base/limits.h"
#include "base/str.h"

struct line {
	char text[LIMIT_FINDING_TEXT + 1]; /* terminated */
	size_t len;
	size_t max; /* at most LIMIT_FINDING_TEXT */
	bool cut;
};

void line_init(struct line *line, size_t max);
void line_add(struct line *line, struct str text);
void line_printf(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds at most `max` bytes that stand for `text`: \n \r \t for those, \xHH for each byte of other control characters
 * (C0, C1, DEL), of line and paragraph separators, of marks that change the direction of text, and of what is not
 * UTF-8. Nothing is cut in its middle, and a text that is too long has no mark that says so. */
void line_add_escaped(struct line *line, struct str text, size_t max);
/* The text; valid as long as the line. */
struct str line_str(const struct line *line);

/* True when line_add_escaped would change nothing but the length. */
bool line_is_plain(struct str text);

#endif
