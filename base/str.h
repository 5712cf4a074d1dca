/* A piece of text that belongs to someone else: pointer and length, not terminated.
 * Text from outside is always a `struct str` until it has been checked. */
#ifndef SEALGATE_BASE_STR_H
#define SEALGATE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

struct str {
	const char *ptr; /* never NULL for a str made by str_make or STR; may be NULL only with len 0 */
	size_t len;
};

/* A str of a string literal. */
#define STR(literal) ((struct str){("" literal), sizeof(literal) - 1})
/* Arguments for a "%.*s" conversion. */
#define STR_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

struct str str_make(const char *ptr, size_t len);
/* Of a terminated string; NULL gives the empty str. */
struct str str_of(const char *text);

bool str_eq(struct str a, struct str b);
bool str_eq_c(struct str a, const char *text);
/* Equal when ASCII letters are compared without case. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
/* Byte order, shorter first on a tie: <0, 0, >0. */
int str_compare(struct str a, struct str b);
/* `s` without its first `n` bytes (all of them when it is shorter). */
struct str str_skip(struct str s, size_t n);
struct str str_head(struct str s, size_t n);
/* Index of the first `c`, or s.len when absent. */
size_t str_find(struct str s, char c);
/* Without ASCII white space (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

#endif
