/* Request targets: whatever is accepted has no NUL, begins with "/" (or is "*"), and stays within its bounds. */
#include <stdint.h>

#include "base/limits.h"
#include "server/http_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str text, size_t max)
{
	if (text.len > max || (text.len > 0 && memchr(text.ptr, 0, text.len)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena) struct arena arena = arena_init(1024u * 1024);
	struct http_request request = {.arena = &arena};
	struct err e = ERR_INIT;
	if (size > 32768 || memchr(data, 0, size))
		return 0;
	if (!http_uri_parse(str_make((const char *)data, size), &request, &e))
		return 0;
	check_text(request.path, size + 1);
	if (!str_eq_c(request.path, "*") && request.path.ptr[0] != '/')
		abort();
	if (request.query_count > LIMIT_QUERY_PARAMETERS)
		abort();
	for (size_t i = 0; i < request.query_count; i++) {
		check_text(request.query[i].name, size);
		check_text(request.query[i].value, size);
	}
	return 0;
}
