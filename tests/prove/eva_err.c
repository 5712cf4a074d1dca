/* In place of base/err.c: any text. What a "%s" may read is the compiler's check of formats and is not proven. */
#include "base/err.h"

#include <__fc_builtin.h>
#include <stddef.h>

static bool set(struct err *e, enum err_kind kind)
{
	if (!e)
		return false;
	e->kind = kind;
	e->text[0] = Frama_C_char_interval(-128, 127);
	e->text[1] = 0;
	return false;
}

bool err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
	(void)format;
	return set(e, kind);
}

bool err_context(struct err *e, const char *format, ...)
{
	(void)format;
	return e ? set(e, e->kind) : false;
}

int vsnprintf(char *to, size_t size, const char *format, va_list args)
{
	(void)format;
	(void)args;
	if (size)
		to[0] = 0;
	return Frama_C_interval(-1, 100000);
}

bool err_no_memory(struct err *e)
{
	return set(e, ERR_INTERNAL);
}
