#include "base/str.h"

#include <string.h>

/*@ assigns \nothing; */
static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	/*@ loop invariant 0 <= i <= a.len;
	  @ loop assigns i;
	  @ loop variant a.len - i; */
	for (size_t i = 0; i < a.len; i++)
		if (fold(a.ptr[i]) != fold(b.ptr[i]))
			return false;
	return true;
}

bool str_starts_with(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_head(s, prefix.len), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

int str_compare(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

size_t str_find(struct str s, char c)
{
	const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}

struct str str_number(uint64_t number, char digits[STR_NUMBER_MAX])
{
	size_t at = STR_NUMBER_MAX;

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return str_make(digits + at, STR_NUMBER_MAX - at);
}

/*@ assigns \nothing; */
static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	/*@ loop invariant str_readable(s) && s.len <= \at(s.len, Pre);
	  @ loop assigns s;
	  @ loop variant s.len; */
	while (s.len && is_space(s.ptr[0]))
		s = str_skip(s, 1);
	/*@ loop invariant str_readable(s) && s.len <= \at(s.len, Pre);
	  @ loop assigns s.len;
	  @ loop variant s.len; */
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}
