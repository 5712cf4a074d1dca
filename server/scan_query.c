#include "server/scan_query.h"

/* A token is whatever the API server says it is. */
static void add_encoded(struct buf *out, struct str token)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < token.len; i++)
		if (token.ptr[i] && strchr(plain, token.ptr[i]))
			buf_add_char(out, token.ptr[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)token.ptr[i]);
}

void scan_query_add(struct buf *path, unsigned limit, const char *selector, struct str token)
{
	buf_printf(path, "?limit=%u", limit);
	if (selector)
		buf_printf(path, "&labelSelector=%s", selector);
	if (token.len == 0)
		return;
	buf_add_c(path, "&continue=");
	add_encoded(path, token);
}
