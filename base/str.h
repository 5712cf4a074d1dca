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
/* `//@ split`: Eva (make prove) keeps slices of different lengths apart. */
/* In contracts: all of `s` may be read; a zero byte ends a text; two texts are the same. */
/*@ predicate str_terminated(char *text) = \exists size_t n; \valid_read(text + (0 .. n)) && text[n] == 0; */
/*@ predicate str_readable(struct str s) = s.len == 0 || \valid_read(s.ptr + (0 .. s.len - 1)); */
/*@ predicate str_same(struct str a, struct str b) =
  @   a.len == b.len && (\forall integer i; 0 <= i < a.len ==> a.ptr[i] == b.ptr[i]); */

/* Arguments for a "%.*s" conversion. */
#define STR_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

/*@ assigns \nothing;
  @ ensures \result.ptr != \null;
  @ ensures ptr != \null ==> \result.ptr == ptr && \result.len == len;
  @ ensures ptr == \null ==> \result.len == 0; */
static inline struct str str_make(const char *ptr, size_t len)
{
	return (struct str){ptr ? ptr : "", ptr ? len : 0};
}

/* Of a terminated string; NULL gives the empty str. */
/*@ requires text == \null || str_terminated(text);
  @ assigns \nothing;
  @ ensures str_readable(\result); */
static inline struct str str_of(const char *text)
{
	return str_make(text, text ? strlen(text) : 0);
}

/*@ requires str_readable(a) && str_readable(b);
  @ assigns \nothing;
  @ ensures \result <==> str_same(a, b); */
static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/*@ requires str_readable(a);
  @ requires text == \null || str_terminated(text);
  @ assigns \nothing; */
static inline bool str_eq_c(struct str a, const char *text)
{
	return str_eq(a, str_of(text));
}

/* Equal when ASCII letters are compared without case. */
/*@ requires str_readable(a) && str_readable(b);
  @ assigns \nothing; */
bool str_eq_nocase(struct str a, struct str b);
/*@ requires str_readable(s) && str_readable(prefix);
  @ assigns \nothing;
  @ ensures \result <==> s.len >= prefix.len &&
  @   (\forall integer i; 0 <= i < prefix.len ==> s.ptr[i] == prefix.ptr[i]); */
bool str_starts_with(struct str s, struct str prefix);
/*@ requires str_readable(s) && str_readable(suffix);
  @ assigns \nothing;
  @ ensures \result <==> s.len >= suffix.len &&
  @   (\forall integer i; 0 <= i < suffix.len ==> s.ptr[s.len - suffix.len + i] == suffix.ptr[i]); */
bool str_ends_with(struct str s, struct str suffix);
/* Byte order, shorter first on a tie: <0, 0, >0. */
/*@ requires str_readable(a) && str_readable(b);
  @ assigns \nothing; */
int str_compare(struct str a, struct str b);
/* `s` without its first `n` bytes (all of them when it is shorter). */
/*@ requires str_readable(s);
  @ assigns \nothing;
  @ ensures str_readable(\result) && \result.len == (n < s.len ? s.len - n : 0);
  @ ensures \result.len > 0 ==> \result.ptr == s.ptr + n; */
static inline struct str str_skip(struct str s, size_t n)
{
	if (n > s.len)
		n = s.len;
	s = str_make(s.ptr ? s.ptr + n : NULL, s.len - n);
	//@ split s.len;
	return s;
}

/* Its first `n` bytes, or all of them. */
/*@ requires str_readable(s);
  @ assigns \nothing;
  @ ensures str_readable(\result) && \result.len == (n < s.len ? n : s.len);
  @ ensures \result.len > 0 ==> \result.ptr == s.ptr; */
static inline struct str str_head(struct str s, size_t n)
{
	s = str_make(s.ptr, n < s.len ? n : s.len);
	//@ split s.len;
	return s;
}

/* Index of the first `c`, or s.len when absent. */
/*@ requires str_readable(s);
  @ assigns \nothing;
  @ ensures 0 <= \result <= s.len && (\result < s.len ==> s.ptr[\result] == c);
  @ ensures \forall integer i; 0 <= i < \result ==> s.ptr[i] != c; */
size_t str_find(struct str s, char c);
#define STR_NUMBER_MAX 20
/* `number` in decimal digits, written into `digits`. */
/*@ requires \valid(digits + (0 .. STR_NUMBER_MAX - 1));
  @ assigns digits[0 .. STR_NUMBER_MAX - 1]; */
struct str str_number(uint64_t number, char digits[STR_NUMBER_MAX]);
/* Without ASCII white space (space, tab, CR, LF) at both ends. */
/*@ requires str_readable(s);
  @ assigns \nothing;
  @ ensures str_readable(\result) && \result.len <= s.len; */
struct str str_trim(struct str s);

#endif
