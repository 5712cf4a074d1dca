#include "base/options.h"

#define WIDTH 80u
#define INDENT 6u

static void add_spaces(struct buf *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_add_char(out, ' ');
}

/* The next word of `text`, which loses it; empty at the end of a line or of the text. */
static struct str next_word(struct str *text)
{
	while (text->len > 0 && *text->ptr == ' ')
		*text = str_skip(*text, 1);
	size_t end = 0;
	while (end < text->len && text->ptr[end] != ' ' && text->ptr[end] != '\n')
		end++;
	struct str word = str_head(*text, end);
	*text = str_skip(*text, end);
	return word;
}

/* One line of text, filled to WIDTH. */
static void fill_line(struct buf *out, struct str line, size_t indent)
{
	size_t column = 0;
	for (struct str word = next_word(&line); word.len > 0; word = next_word(&line)) {
		if (column > 0 && column + 1 + word.len > WIDTH) {
			buf_add_char(out, '\n');
			column = 0;
		}
		if (column == 0)
			add_spaces(out, indent);
		else
			buf_add_char(out, ' ');
		column += word.len + (column == 0 ? indent : 1);
		buf_add(out, word);
	}
	buf_add_char(out, '\n');
}

static struct str next_line(struct str *text)
{
	size_t end = str_find(*text, '\n');
	struct str line = str_head(*text, end);
	*text = str_skip(*text, end + 1);
	return line;
}

static void fill(struct buf *out, const char *text, size_t indent)
{
	struct str rest = str_of(text);
	while (rest.len > 0)
		fill_line(out, next_line(&rest), indent);
}

static void indent_lines(struct buf *out, const char *text, size_t indent)
{
	struct str rest = str_of(text);
	while (rest.len > 0) {
		struct str line = next_line(&rest);
		add_spaces(out, line.len > 0 ? indent : 0);
		buf_add(out, line);
		buf_add_char(out, '\n');
	}
}

static void describe(const struct option *o, struct buf *text)
{
	buf_add_c(text, o->help);
	if (o->choices)
		buf_printf(text, " (%s)", o->choices);
	if (o->type == OPTION_LIST)
		buf_add_c(text, "; may be given several times");
	if (o->standard && o->type != OPTION_SWITCH)
		buf_printf(text, " (default %s)", o->standard);
}

static void help_option(const struct option *o, struct buf *out)
{
	cleanup(buf) struct buf text = buf_init(4096);
	if (!o->help)
		return;
	add_spaces(out, 2);
	if (o->letter)
		buf_printf(out, "-%c, ", o->letter);
	buf_printf(out, "--%s%s%s\n", o->name, o->value ? " " : "", o->value ? o->value : "");
	describe(o, &text);
	fill(out, text.data, INDENT);
}

static void help_section(struct buf *out, const char *title, const char *text, bool filled)
{
	if (!text)
		return;
	buf_printf(out, "\n%s:\n", title);
	if (filled)
		fill(out, text, 2);
	else
		indent_lines(out, text, 2);
}

void options_help(const struct option_table *table, struct buf *out)
{
	buf_printf(out, "usage: %s\n\n", table->synopsis);
	fill(out, table->summary, 0);
	if (table->detail) {
		buf_add_char(out, '\n');
		fill(out, table->detail, 0);
	}
	if (table->count > 0)
		buf_add_c(out, "\noptions:\n");
	for (size_t i = 0; i < table->count; i++)
		help_option(&table->options[i], out);
	help_section(out, "examples", table->examples, false);
	help_section(out, "exit status", table->exit_status, true);
}

/* Text that roff must not read as its own. */
static void roff_text(struct buf *out, struct str text)
{
	bool line_start = true;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (line_start && (c == '.' || c == '\''))
			buf_add_c(out, "\\&");
		if (c == '\\')
			buf_add_c(out, "\\e");
		else if (c == '-')
			buf_add_c(out, "\\-");
		else
			buf_add_char(out, c);
		line_start = c == '\n';
	}
}

static void roff_line(struct buf *out, const char *text)
{
	roff_text(out, str_of(text));
	buf_add_char(out, '\n');
}

static void roff_paragraphs(struct buf *out, const char *title, const char *text)
{
	struct str rest = str_of(text);
	if (!text)
		return;
	buf_printf(out, ".SH %s\n", title);
	while (rest.len > 0) {
		struct str line = next_line(&rest);
		if (line.len == 0)
			buf_add_c(out, ".PP");
		else
			roff_text(out, line);
		buf_add_char(out, '\n');
	}
}

static void roff_option(const struct option *o, struct buf *out)
{
	cleanup(buf) struct buf text = buf_init(4096);
	if (!o->help)
		return;
	buf_add_c(out, ".TP\n\\fB");
	if (o->letter)
		buf_printf(out, "\\-%c\\fR, \\fB", o->letter);
	buf_add_c(out, "\\-\\-");
	roff_text(out, str_of(o->name));
	buf_add_c(out, "\\fR");
	if (o->value) {
		buf_add_c(out, " \\fI");
		roff_text(out, str_of(o->value));
		buf_add_c(out, "\\fR");
	}
	buf_add_char(out, '\n');
	describe(o, &text);
	buf_add_char(&text, '.');
	roff_line(out, text.data);
}

static void roff_head(const struct option_table *table, const char *page, const char *section, struct buf *out)
{
	buf_add_c(out, ".TH \"");
	roff_text(out, str_of(page));
	buf_printf(out, "\" %s \"\" \"sealgate %s\" \"\"\n.SH NAME\n", section, SEALGATE_VERSION);
	roff_text(out, str_of(page));
	buf_add_c(out, " \\- ");
	roff_line(out, table->summary);
	buf_add_c(out, ".SH SYNOPSIS\n.nf\n");
	roff_line(out, table->synopsis);
	buf_add_c(out, ".fi\n");
}

void options_man(const struct option_table *table, const char *page, const char *section, const char *see_also,
		 struct buf *out)
{
	roff_head(table, page, section, out);
	roff_paragraphs(out, "DESCRIPTION", table->detail ? table->detail : table->summary);
	if (table->count > 0)
		buf_add_c(out, ".SH OPTIONS\n");
	for (size_t i = 0; i < table->count; i++)
		roff_option(&table->options[i], out);
	if (table->examples) {
		buf_add_c(out, ".SH EXAMPLES\n.nf\n");
		roff_line(out, table->examples);
		buf_add_c(out, ".fi\n");
	}
	roff_paragraphs(out, "EXIT STATUS", table->exit_status);
	roff_paragraphs(out, "SEE ALSO", see_also);
}
