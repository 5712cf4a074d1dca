#include "policy/kube_name.h"

#define LABEL_MAX 63u
#define SUBDOMAIN_MAX 253u

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether `c` may follow `before`; '.' also stands for both ends. */
static bool may_follow(char before, char c, bool dots)
{
	if (c == '.')
		return dots && before != '.' && before != '-';
	if (c == '-')
		return before != '.';
	return is_lower_alnum(c);
}

static bool valid(struct str text, size_t max, bool dots, bool stars)
{
	char before = '.';
	size_t literals = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(stars && c == '*')) {
			if (!may_follow(before, c, dots))
				return false;
			literals++;
		}
		before = c;
	}
	return text.len && before != '.' && before != '-' && literals <= max;
}

bool kube_label_valid(struct str name)
{
	return valid(name, LABEL_MAX, false, false);
}

bool kube_subdomain_valid(struct str name)
{
	return valid(name, SUBDOMAIN_MAX, true, false);
}

bool kube_label_pattern_valid(struct str pattern)
{
	return valid(pattern, LABEL_MAX, false, true);
}

bool kube_subdomain_pattern_valid(struct str pattern)
{
	return valid(pattern, SUBDOMAIN_MAX, true, true);
}

static bool is_alnum(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static bool qualified_name_valid(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool end = i == 0 || i + 1 == name.len;

		if (!is_alnum(c) && (end || (c != '-' && c != '_' && c != '.')))
			return false;
	}
	return name.len && name.len <= LABEL_MAX;
}

bool kube_label_key_valid(struct str key)
{
	size_t slash = str_find(key, '/');

	if (slash == key.len)
		return qualified_name_valid(key);
	return kube_subdomain_valid(str_head(key, slash)) && qualified_name_valid(str_skip(key, slash + 1));
}

bool kube_label_value_valid(struct str value)
{
	return value.len == 0 || qualified_name_valid(value);
}

bool kube_kind_pattern_valid(struct str pattern)
{
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.ptr[i];

		if (!is_letter(c) && c != '*' && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return pattern.len && pattern.len <= LABEL_MAX;
}
