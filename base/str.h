/* A piece of text that belongs to someone else: pointer and length, not terminated.
 * Text from outside is always a `struct str` until it has been checked. */
#ifndef SEALGATE_BASE_STR_H
#define SEALGATE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *ptr; /* never NULL for a str made by str_make or STR; may be NULL only with len 0 */
	size_t len;
};

/* A str of a string literal. */
#define STR(literal) ((struct str){("" literal), sizeof(literal) - 1})
/* Arguments for a "%.*s" conversion. */
#define STR_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

static inline struct str str_make(const char *ptr, size_t len)
{
	return (struct str){ptr ? ptr : "", ptr ? len : 0};
}

/* Of a terminated string; NULL gives the empty str. */
static inline struct str str_of(const char *text)
{
	return str_make(text, text ? strlen(text) : 0);
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_eq_c(struct str a, const char *text)
{
	return str_eq(a, str_of(text));
}

/* Equal when ASCII letters are compared without case. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
/* Byte order, shorter first on a tie: <0, 0, >0. */
int str_compare(struct str a, struct str b);
/* `s` without its first `n` bytes (all of them when it is shorter). */
static inline struct str str_skip(struct str s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return str_make(s.ptr ? s.ptr + n : NULL, s.len - n);
}

/* Its first `n` bytes, or all of them. */
static inline struct str str_head(struct str s, size_t n)
{
	return str_make(s.ptr, n < s.len ? n : s.len);
}

/* Index of the first `c`, or s.len when absent. */
size_t str_find(struct str s, char c);
#define STR_NUMBER_MAX 20
/* `number` in decimal digits, written into `digits`. */
struct str str_number(uint64_t number, char digits[STR_NUMBER_MAX]);
/* Without ASCII white space (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

#endif
