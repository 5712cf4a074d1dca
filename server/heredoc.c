#include "server/heredoc.h"

/* Where the scan stands in the text. */
enum state { OUTSIDE, IN_STRING, AFTER_BACKSLASH };

static enum state step(enum state state, char c)
{
	switch (state) {
	case OUTSIDE:
		return c == '"' ? IN_STRING : OUTSIDE;
	case AFTER_BACKSLASH:
		return IN_STRING;
	case IN_STRING:
		break;
	}
	if (c == '\\')
		return AFTER_BACKSLASH;
	return c == '"' ? OUTSIDE : IN_STRING;
}

static const char *escape_of(enum state state, char c)
{
	if (state != IN_STRING)
		return NULL;
	return c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
}

static bool has(struct str body, char c)
{
	return str_find(body, c) < body.len;
}

bool heredoc_needs_repair(struct str body)
{
	enum state state = OUTSIDE;

	if (!has(body, '\n') && !has(body, '\r') && !has(body, '\t'))
		return false;
	for (size_t i = 0; i < body.len; i++) {
		if (escape_of(state, body.ptr[i]))
			return true;
		state = step(state, body.ptr[i]);
	}
	return false;
}

void heredoc_repair(struct str body, struct buf *out)
{
	enum state state = OUTSIDE;
	size_t kept = 0;

	for (size_t i = 0; i < body.len; i++) {
		const char *escape = escape_of(state, body.ptr[i]);

		state = step(state, body.ptr[i]);
		if (!escape)
			continue;
		buf_add(out, str_make(body.ptr + kept, i - kept));
		buf_add_c(out, escape);
		kept = i + 1;
	}
	buf_add(out, str_make(body.ptr + kept, body.len - kept));
}
