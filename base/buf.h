/* A growing byte buffer with a maximum given when it is made. A failed add (out of memory, or past the
 * maximum) makes the buffer failed for good: later adds do nothing, so a writer checks once, at the end. */
#ifndef SEALGATE_BASE_BUF_H
#define SEALGATE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct buf {
	char *data; /* data[len] is always 0 once anything was added */
	size_t len;
	size_t capacity;
	size_t max;
	bool failed;
	bool full; /* failed because of the maximum, not of memory */
	bool secret;
};

/* An empty buffer that may hold at most `max` bytes. Nothing is allocated yet. */
struct buf buf_init(size_t max);
/* The same for keys, tokens and passphrases: wherever the content was is wiped when it moves or is released. */
struct buf buf_init_secret(size_t max);
/* Frees; the buffer is then as after buf_init with the same maximum. */
void buf_release(struct buf *b);
/* Empties without freeing, and forgets a failure. */
void buf_clear(struct buf *b);

/* Makes room for `more` bytes and no more than that, so that adding them copies nothing that is there already. */
void buf_reserve(struct buf *b, size_t more);
/* Takes the end away: `len` bytes stay, and the failure of a later add is forgotten. `len` is one that it had. */
void buf_cut(struct buf *b, size_t len);
void buf_add(struct buf *b, struct str s);
void buf_add_c(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_add_number(struct buf *b, int64_t number);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* Text between quotes as JSON: escapes what must be, and replaces bytes that are not UTF-8 by U+FFFD. */
void buf_add_json_string(struct buf *b, struct str s);

/* True when no add has failed; otherwise ERR_TOO_LARGE or ERR_INTERNAL. */
bool buf_ok(const struct buf *b, struct err *e) MUST_USE;
struct str buf_str(const struct buf *b);
/* The terminated content, owned by the caller (free); NULL when failed. The buffer is empty afterwards. */
char *buf_detach(struct buf *b);

CLEANUP_VALUE(buf, struct buf, buf_release)

#endif
