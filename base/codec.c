#include "base/codec.h"

#include <stdint.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_encode(struct buf *out, struct str bytes, enum base64_alphabet alphabet)
{
	const char *digits = alphabet == BASE64_URL ? url : standard;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;

		if (left > 1)
			group |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
		if (left > 2)
			group |= (unsigned char)bytes.ptr[i + 2];
		buf_add_char(out, digits[group >> 18]);
		buf_add_char(out, digits[group >> 12 & 63]);
		if (left > 1)
			buf_add_char(out, digits[group >> 6 & 63]);
		if (left > 2)
			buf_add_char(out, digits[group & 63]);
		for (size_t pad = left; pad < 3 && alphabet == BASE64_STANDARD; pad++)
			buf_add_char(out, '=');
	}
}

/* What has been read of a text so far. */
struct decoder {
	uint32_t bits;
	size_t digits;
	size_t pads;
	bool is_standard;
	bool is_url;
};

static int digit_value(struct decoder *d, char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '/') {
		d->is_standard = true;
		return c == '+' ? 62 : 63;
	}
	if (c == '-' || c == '_') {
		d->is_url = true;
		return c == '-' ? 62 : 63;
	}
	return -1;
}

static bool decode_digit(struct decoder *d, struct buf *out, char c)
{
	int value;

	if (c == '\n' || c == '\r')
		return true;
	if (c == '=') {
		d->pads++;
		return true;
	}
	value = digit_value(d, c);
	if (value < 0 || d->pads || (d->is_standard && d->is_url))
		return false;
	d->bits = (d->bits << 6 | (uint32_t)value) & 0xffffff;
	if (++d->digits % 4 == 0) {
		buf_add_char(out, (char)(d->bits >> 16));
		buf_add_char(out, (char)(d->bits >> 8 & 0xff));
		buf_add_char(out, (char)(d->bits & 0xff));
	}
	return true;
}

/* The last group, of two or three digits, and its padding. */
static bool decode_end(struct decoder *d, struct buf *out)
{
	size_t rest = d->digits % 4;

	if (rest == 1 || (d->pads && d->pads != (4 - rest) % 4))
		return false;
	if (rest == 2) {
		if (d->bits & 0xf)
			return false;
		buf_add_char(out, (char)(d->bits >> 4 & 0xff));
	}
	if (rest == 3) {
		if (d->bits & 0x3)
			return false;
		buf_add_char(out, (char)(d->bits >> 10 & 0xff));
		buf_add_char(out, (char)(d->bits >> 2 & 0xff));
	}
	return true;
}

bool base64_decode(struct buf *out, struct str text)
{
	struct decoder d = {0};
	size_t before = out->len;
	bool ok = true;

	for (size_t i = 0; i < text.len && ok; i++)
		ok = decode_digit(&d, out, text.ptr[i]);
	ok = ok && decode_end(&d, out) && !out->failed;
	if (!ok) {
		out->len = before;
		if (out->data)
			out->data[before] = 0;
	}
	return ok;
}

static void encode(struct buf *out, struct str bytes, const char *digits)
{
	for (size_t i = 0; i < bytes.len; i++) {
		buf_add_char(out, digits[(unsigned char)bytes.ptr[i] >> 4]);
		buf_add_char(out, digits[(unsigned char)bytes.ptr[i] & 15]);
	}
}

void hex_encode(struct buf *out, struct str bytes)
{
	encode(out, bytes, "0123456789abcdef");
}

void hex_encode_upper(struct buf *out, struct str bytes)
{
	encode(out, bytes, "0123456789ABCDEF");
}

bool hex_is_lower(struct str text, size_t digits)
{
	if (text.len != digits)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!((text.ptr[i] >= '0' && text.ptr[i] <= '9') || (text.ptr[i] >= 'a' && text.ptr[i] <= 'f')))
			return false;
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct str text, unsigned char *out, size_t size)
{
	if (text.len != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text.ptr[2 * i]);
		int low = hex_value(text.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

void percent_encode(struct buf *out, struct str segment)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	for (size_t i = 0; i < segment.len; i++) {
		char c = segment.ptr[i];

		if (c && strchr(plain, c))
			buf_add_char(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned char)c);
	}
}
