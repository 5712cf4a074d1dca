#include "base/json_escape.h"

#include <string.h>

#include "base/utf8.h"

struct unescaped unescaped_of(struct str raw)
{
	return (struct unescaped){.at = raw.ptr, .end = raw.ptr + raw.len};
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

/* Four digits at `at`; -1 when they are not. */
static int32_t hex_unit(const char *at, const char *end)
{
	int32_t unit = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(at[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

int32_t json_unicode_escape(const char **at, const char *end)
{
	int32_t unit = hex_unit(*at + 1, end);
	int32_t low;

	if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return -1;
	*at += 5;
	if (unit < 0xd800 || unit > 0xdbff)
		return unit;
	if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return -1;
	low = hex_unit(*at + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*at += 6;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

const char json_short_escapes[256] = {
	['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};

int unescaped_next(struct unescaped *u)
{
	if (u->next < u->waiting)
		return (unsigned char)u->pending[u->next++];
	if (u->at == u->end)
		return -1;
	if (*u->at != '\\')
		return (unsigned char)*u->at++;
	u->at++;
	if (*u->at != 'u')
		return (unsigned char)json_short_escapes[(unsigned char)*u->at++];
	u->waiting = (unsigned char)utf8_encode((uint32_t)json_unicode_escape(&u->at, u->end), u->pending);
	u->next = 1;
	return (unsigned char)u->pending[0];
}
