#include "server/scan_query.h"

#include "base/codec.h"

void scan_query_add(struct buf *path, unsigned limit, const char *selector, struct str token)
{
	buf_printf(path, "?limit=%u", limit);
	if (selector)
		buf_printf(path, "&labelSelector=%s", selector);
	if (token.len == 0)
		return;
	buf_add_c(path, "&continue=");
	percent_encode(path, token);
}
