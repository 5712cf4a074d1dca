#include "policy/line.h"

#include <stdarg.h>
#include <stdint.h>

#include "base/utf8.h"

static const char more[] = "...";

void line_init(struct line *line, size_t max)
{
	line->text[0] = 0;
	line->len = 0;
	line->max = max < LIMIT_FINDING_TEXT ? max : LIMIT_FINDING_TEXT;
	line->cut = false;
}

/* Ends the line in dots, which takes the place of what stood there. */
static void cut(struct line *line)
{
	size_t dots = sizeof(more) - 1;
	struct str kept = utf8_head(line_str(line), line->max > dots ? line->max - dots : 0);

	line->cut = true;
	memcpy(line->text + kept.len, more, dots + 1);
	line->len = kept.len + dots;
}

void line_add(struct line *line, struct str text)
{
	struct str fits = utf8_head(text, line->max - line->len);

	if (line->cut)
		return;
	if (fits.len)
		memcpy(line->text + line->len, fits.ptr, fits.len);
	line->len += fits.len;
	line->text[line->len] = 0;
	if (fits.len < text.len)
		cut(line);
}

void line_printf(struct line *line, const char *format, ...)
{
	char text[LIMIT_FINDING_TEXT + 2];
	va_list args;
	int wanted;

	va_start(args, format);
	wanted = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (wanted > 0)
		line_add(line, str_make(text, (size_t)wanted < sizeof(text) ? (size_t)wanted : sizeof(text) - 1));
}

/* The code of a well-formed sequence of two or three bytes; 0 for the others, which are never escaped. */
static uint32_t code_of(struct str sequence)
{
	const unsigned char *s = (const unsigned char *)sequence.ptr;

	if (sequence.len == 2)
		return (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
	if (sequence.len == 3)
		return (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
	return 0;
}

static const struct {
	uint32_t first;
	uint32_t last;
} steering[] = {{0x80, 0x9f}, {0x61c, 0x61c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};

static bool steers(uint32_t code)
{
	for (size_t i = 0; i < sizeof(steering) / sizeof(steering[0]); i++)
		if (code >= steering[i].first && code <= steering[i].last)
			return true;
	return false;
}

/* Length of the printable ASCII at the head of `text`. */
static size_t ascii(struct str text)
{
	size_t len = 0;

	while (len < text.len && text.ptr[len] >= 0x20 && text.ptr[len] < 0x7f)
		len++;
	return len;
}

/* Length of the printable ASCII, or of the one other character, at the head of `text` that may be shown as it is; 0
 * when there is none. */
static size_t plain(struct str text)
{
	size_t width = ascii(text);

	if (width)
		return width;
	width = utf8_sequence(text);
	return width > 1 && !steers(code_of(str_head(text, width))) ? width : 0;
}

static struct str escape(unsigned char c, char out[8])
{
	static const char shorts[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};

	if (c < sizeof(shorts) && shorts[c])
		return str_make(out, (size_t)snprintf(out, 8, "\\%c", shorts[c]));
	return str_make(out, (size_t)snprintf(out, 8, "\\x%02x", c));
}

void line_add_escaped(struct line *line, struct str text, size_t max)
{
	while (text.len) {
		char escaped[8];
		size_t width = plain(text);
		struct str shown = width ? str_head(text, width) : escape((unsigned char)text.ptr[0], escaped);

		if (shown.len > max) {
			line_add(line, str_head(shown, width && ascii(shown) ? max : 0));
			return;
		}
		line_add(line, shown);
		max -= shown.len;
		text = str_skip(text, width ? width : 1);
	}
}

struct str line_str(const struct line *line)
{
	return str_make(line->text, line->len);
}

bool line_is_plain(struct str text)
{
	while (text.len) {
		size_t width = plain(text);

		if (width == 0)
			return false;
		text = str_skip(text, width);
	}
	return true;
}
