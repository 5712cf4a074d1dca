#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
	int http;
	int exit;
} codes[ERR_KINDS] = {
	[ERR_NONE] = {200, 0},	      [ERR_INVALID] = {400, 2},	  [ERR_UNAUTHENTICATED] = {401, 2},
	[ERR_FORBIDDEN] = {403, 1},   [ERR_NOT_FOUND] = {404, 2}, [ERR_EXISTS] = {409, 2},
	[ERR_CHANGED] = {409, 2},     [ERR_TOO_LARGE] = {413, 2}, [ERR_UNSUPPORTED] = {501, 2},
	[ERR_UNAVAILABLE] = {503, 2}, [ERR_TIMEOUT] = {504, 2},	  [ERR_INTERNAL] = {500, 2},
};

/* Control characters never leave in an error text: it ends up in logs and terminals. */
static void tidy(char *text, bool cut)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	if (cut)
		memcpy(text + utf8_head(str_make(text, len), ERR_TEXT_MAX - 4).len, "...", 4);
}

static void __attribute__((format(printf, 3, 0)))
print(struct err *e, enum err_kind kind, const char *format, va_list args)
{
	int wanted;

	e->kind = kind;
	wanted = vsnprintf(e->text, sizeof(e->text), format, args);
	tidy(e->text, wanted >= ERR_TEXT_MAX);
}

bool err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
	va_list args;

	if (!e)
		return false;
	va_start(args, format);
	print(e, kind, format, args);
	va_end(args);
	return false;
}

bool err_context(struct err *e, const char *format, ...)
{
	char before[ERR_TEXT_MAX];
	char after[ERR_TEXT_MAX];
	va_list args;
	int wanted;

	if (!e)
		return false;
	va_start(args, format);
	(void)vsnprintf(before, sizeof(before), format, args);
	va_end(args);
	memcpy(after, e->text, sizeof(after));
	wanted = snprintf(e->text, sizeof(e->text), "%s: %s", before, after);
	tidy(e->text, wanted >= ERR_TEXT_MAX);
	return false;
}

bool err_errno(struct err *e, const char *format, ...)
{
	int number = errno;
	char before[ERR_TEXT_MAX / 2];
	char reason[128];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(before, sizeof(before), format, args);
	va_end(args);
	return err_set(e, ERR_INTERNAL, "%s: %s", before, strerror_r(number, reason, sizeof(reason)));
}

bool err_no_memory(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "out of memory");
}

int err_http_status(enum err_kind kind)
{
	return kind < ERR_KINDS ? codes[kind].http : 500;
}

int err_exit_status(enum err_kind kind)
{
	return kind < ERR_KINDS ? codes[kind].exit : 2;
}
