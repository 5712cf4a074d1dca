/* What stands between the quotes of a JSON string, byte by byte as it is meant. */
#ifndef SEALGATE_BASE_JSON_ESCAPE_H
#define SEALGATE_BASE_JSON_ESCAPE_H

#include <stdint.h>

#include "base/str.h"

struct unescaped {
	const char *at;
	const char *end;
	char pending[4]; /* the rest of an escape that stands for several bytes */
	unsigned char waiting;
	unsigned char next;
};

/* What the letter after a backslash stands for; 0 for none. */
extern const char json_short_escapes[256];
/* The code of "uXXXX" or, for a pair, "uXXXX\uXXXX" at `*at`, which is moved behind it; -1 for a lone surrogate or
 * bad digits. */
int32_t json_unicode_escape(const char **at, const char *end);

/* Walks `raw`, the bytes between the quotes of a string that json_doc_parse has accepted. */
struct unescaped unescaped_of(struct str raw);
/* The next byte, -1 at the end. */
int unescaped_next(struct unescaped *u);

#endif
