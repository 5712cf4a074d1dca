#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/starvation.h"
#include "base/utf8.h"

struct buf buf_init(size_t max)
{
	return (struct buf){.max = max};
}

struct buf buf_init_secret(size_t max)
{
	return (struct buf){.max = max, .secret = true};
}

static void wipe_from(struct buf *b, size_t start)
{
	if (b->secret && b->data)
		explicit_bzero(b->data + start, b->capacity - start);
}

void buf_release(struct buf *b)
{
	wipe_from(b, 0);
	free(b->data);
	*b = (struct buf){.max = b->max, .secret = b->secret};
}

void buf_clear(struct buf *b)
{
	buf_cut(b, 0);
}

/* False, and failed for good, when there may not be `more` bytes. */
static bool may_hold(struct buf *b, size_t more)
{
	if (!b->failed && more <= b->max - b->len && more <= SIZE_MAX / 4 - b->len)
		return true;
	b->full = b->full || !b->failed;
	b->failed = true;
	return false;
}

/* realloc would leave the old bytes behind. */
static char *move_secret(struct buf *b, size_t capacity)
{
	char *data = malloc(capacity);

	if (data && b->data) {
		memcpy(data, b->data, b->len + 1);
		wipe_from(b, 0);
		free(b->data);
	}
	return data;
}

static bool set_capacity(struct buf *b, size_t capacity)
{
	char *data = b->secret ? move_secret(b, capacity) : realloc(b->data, capacity);

	if (!data) {
		starvation_note();
		b->failed = true;
		return false;
	}
	b->data = data;
	b->capacity = capacity;
	//@ split b->capacity;
	return true;
}

static bool grow(struct buf *b, size_t more)
{
	size_t capacity = b->capacity ? b->capacity : 64;
	size_t need;

	if (!may_hold(b, more))
		return false;
	need = b->len + more + 1;
	if (need <= b->capacity)
		return true;
	while (capacity < need)
		capacity *= 2;
	return set_capacity(b, capacity);
}

void buf_reserve(struct buf *b, size_t more)
{
	if (may_hold(b, more) && b->len + more + 1 > b->capacity)
		(void)set_capacity(b, b->len + more + 1);
}

void buf_cut(struct buf *b, size_t len)
{
	wipe_from(b, len);
	b->len = len;
	b->failed = b->full = false;
	if (b->data)
		b->data[len] = 0;
}

void buf_add(struct buf *b, struct str s)
{
	if (!grow(b, s.len))
		return;
	if (s.len)
		memcpy(b->data + b->len, s.ptr, s.len);
	b->len += s.len;
	b->data[b->len] = 0;
	//@ split b->len;
}

void buf_add_c(struct buf *b, const char *text)
{
	buf_add(b, str_of(text));
}

void buf_add_char(struct buf *b, char c)
{
	if (!grow(b, 1))
		return;
	b->data[b->len++] = c;
	b->data[b->len] = 0;
	//@ split b->len;
}

void buf_add_number(struct buf *b, int64_t number)
{
	char digits[STR_NUMBER_MAX];

	if (number < 0)
		buf_add_char(b, '-');
	buf_add(b, str_number(number < 0 ? 0 - (uint64_t)number : (uint64_t)number, digits));
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	int wanted;

	va_copy(again, args);
	wanted = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (wanted < 0)
		b->failed = true;
	if (wanted < 0 || !grow(b, (size_t)wanted))
		return;
	(void)vsnprintf(b->data + b->len, (size_t)wanted + 1, format, args);
	b->len += (size_t)wanted;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

static void add_escaped(struct buf *b, unsigned char c)
{
	static const char shorts[] = "btn\0fr";
	char letter = c == '"' || c == '\\' ? (char)c : c >= 8 && c <= 13 ? shorts[c - 8] : 0;
	const char escape[] = {'\\', letter};

	if (letter)
		buf_add(b, str_make(escape, sizeof(escape)));
	else
		buf_printf(b, "\\u%04x", c);
}

#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* True when some byte of `w` is a control, '"', '\\', DEL or not ASCII. */
static bool has_special(uint64_t w)
{
	uint64_t quote = w ^ ONES * '"', backslash = w ^ ONES * '\\', del = w ^ ONES * 0x7f;

	return ((quote - ONES) | (backslash - ONES) | (del - ONES) | (w - ONES * 0x20) | w) & HIGHS;
}

static size_t plain_words(struct str s)
{
	size_t at = 0;

	for (; s.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, s.ptr + at, sizeof(word));
		if (has_special(word))
			break;
	}
	return at;
}

/* Length of the head of `s` that JSON takes as it is. */
static size_t plain_head(struct str s)
{
	size_t i = plain_words(s);

	while (i < s.len) {
		unsigned char c = (unsigned char)s.ptr[i];
		size_t width = c < 0x80 ? 1 : utf8_sequence(str_skip(s, i));

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f || width == 0)
			break;
		i += width;
	}
	return i;
}

void buf_add_json_string(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (;;) {
		size_t plain = plain_head(s);

		buf_add(b, str_head(s, plain));
		s = str_skip(s, plain);
		if (s.len == 0)
			break;
		if ((unsigned char)s.ptr[0] < 0x80)
			add_escaped(b, (unsigned char)s.ptr[0]);
		else
			buf_add(b, STR("\xef\xbf\xbd"));
		s = str_skip(s, 1);
	}
	buf_add_char(b, '"');
}

bool buf_ok(const struct buf *b, struct err *e)
{
	if (!b->failed)
		return true;
	if (b->full)
		return err_set(e, ERR_TOO_LARGE, "more than %zu bytes", b->max);
	return err_no_memory(e);
}

struct str buf_str(const struct buf *b)
{
	return str_make(b->data, b->len);
}

char *buf_detach(struct buf *b)
{
	char *data = NULL;

	if (grow(b, 0)) {
		data = b->data;
		data[b->len] = 0;
		b->data = NULL;
	}
	buf_release(b);
	return data;
}
