/* Base64, hexadecimal, timestamps and durations: what is read can be written again, and nothing else is read. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/utf8.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
	if (!holds)
		abort();
}

/* The text without what decoding passes over and without padding. */
static void add_digits(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != '\n' && text.ptr[i] != '\r' && text.ptr[i] != '=')
			buf_add_char(out, text.ptr[i] == '+' ? '-' : text.ptr[i] == '/' ? '_' : text.ptr[i]);
}

/* One text for each content: no two texts with different digits decode to the same bytes. */
static void check_decoding(struct str text)
{
	cleanup(buf) struct buf bytes = buf_init(1 << 20);
	cleanup(buf) struct buf again = buf_init(1 << 20);
	cleanup(buf) struct buf digits = buf_init(1 << 20);

	buf_add_c(&bytes, "x");
	if (!base64_decode(&bytes, text)) {
		need(bytes.len == 1);
		return;
	}
	base64_encode(&again, str_skip(buf_str(&bytes), 1), BASE64_URL);
	add_digits(&digits, text);
	need(str_eq(buf_str(&again), buf_str(&digits)));
}

static void check_encoding(struct str bytes, enum base64_alphabet alphabet)
{
	cleanup(buf) struct buf text = buf_init(1 << 20);
	cleanup(buf) struct buf again = buf_init(1 << 20);

	base64_encode(&text, bytes, alphabet);
	need(base64_decode(&again, buf_str(&text)) && str_eq(buf_str(&again), bytes));
}

static void check_hex(struct str text)
{
	cleanup(buf) struct buf lower = buf_init(1 << 20);
	unsigned char out[32];

	if (!hex_decode(text, out, sizeof(out))) {
		need(!hex_is_lower(text, 2 * sizeof(out)));
		return;
	}
	hex_encode(&lower, str_make((const char *)out, sizeof(out)));
	need(str_eq_nocase(buf_str(&lower), text));
	need(hex_is_lower(text, text.len) == str_eq(buf_str(&lower), text));
}

static void check_time(struct str text)
{
	char written[TIMESTAMP_TEXT_MAX];
	struct timestamp t, again;
	int64_t milliseconds;

	if (timestamp_parse(text, &t)) {
		timestamp_format(t, written);
		need(timestamp_parse(str_of(written), &again));
		need(again.seconds == t.seconds && again.nanoseconds == t.nanoseconds);
	}
	if (duration_parse(text, &milliseconds))
		need(milliseconds >= 0 && milliseconds <= INT64_MAX / 1000);
}

static void check_utf8(struct str text)
{
	struct str head = utf8_head(text, text.len / 2);

	need(head.len <= text.len / 2 && (!utf8_valid(text) || utf8_valid(head)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);

	check_decoding(text);
	check_encoding(text, BASE64_STANDARD);
	check_encoding(text, BASE64_URL);
	check_hex(text);
	check_time(text);
	check_utf8(text);
	return 0;
}
