#include "base/utf8.h"

/* The first byte fixes the length and the range of the second (RFC 3629, section 4). */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef) {
		*low = c == 0xe0 ? 0xa0 : 0x80;
		*high = c == 0xed ? 0x9f : 0xbf;
		return 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		*low = c == 0xf0 ? 0x90 : 0x80;
		*high = c == 0xf4 ? 0x8f : 0xbf;
		return 4;
	}
	return 0;
}

size_t utf8_sequence(struct str s)
{
	unsigned char low, high;
	size_t width;

	if (s.len == 0)
		return 0;
	if ((unsigned char)s.ptr[0] < 0x80)
		return 1;
	width = lead((unsigned char)s.ptr[0], &low, &high);
	if (width == 0 || width > s.len)
		return 0;
	for (size_t i = 1; i < width; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < low || c > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return width;
}

bool utf8_valid(struct str s)
{
	while (s.len) {
		size_t width = utf8_sequence(s);

		if (width == 0)
			return false;
		s = str_skip(s, width);
	}
	return true;
}

size_t utf8_encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code >= 0xd800 && code <= 0xdfff)
		return 0;
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	if (code > 0x10ffff)
		return 0;
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

struct str utf8_head(struct str s, size_t max)
{
	size_t end = s.len < max ? s.len : max;

	while (end && end < s.len && ((unsigned char)s.ptr[end] & 0xc0) == 0x80)
		end--;
	return str_head(s, end);
}
