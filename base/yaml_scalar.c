#include "base/yaml_scalar.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A number written longer than this is refused. */
#define NUMBER_MAX 128

enum word { WORD_NULL, WORD_TRUE, WORD_FALSE, WORD_NO_NUMBER };

static const struct {
	const char *text;
	enum word word;
} words[] = {
	{"", WORD_NULL},	   {"~", WORD_NULL},	      {"null", WORD_NULL},	 {"Null", WORD_NULL},
	{"NULL", WORD_NULL},	   {"y", WORD_TRUE},	      {"Y", WORD_TRUE},		 {"yes", WORD_TRUE},
	{"Yes", WORD_TRUE},	   {"YES", WORD_TRUE},	      {"true", WORD_TRUE},	 {"True", WORD_TRUE},
	{"TRUE", WORD_TRUE},	   {"on", WORD_TRUE},	      {"On", WORD_TRUE},	 {"ON", WORD_TRUE},
	{"n", WORD_FALSE},	   {"N", WORD_FALSE},	      {"no", WORD_FALSE},	 {"No", WORD_FALSE},
	{"NO", WORD_FALSE},	   {"false", WORD_FALSE},     {"False", WORD_FALSE},	 {"FALSE", WORD_FALSE},
	{"off", WORD_FALSE},	   {"Off", WORD_FALSE},	      {"OFF", WORD_FALSE},	 {".nan", WORD_NO_NUMBER},
	{".NaN", WORD_NO_NUMBER},  {".NAN", WORD_NO_NUMBER},  {".inf", WORD_NO_NUMBER},	 {".Inf", WORD_NO_NUMBER},
	{".INF", WORD_NO_NUMBER},  {"+.inf", WORD_NO_NUMBER}, {"+.Inf", WORD_NO_NUMBER}, {"+.INF", WORD_NO_NUMBER},
	{"-.inf", WORD_NO_NUMBER}, {"-.Inf", WORD_NO_NUMBER}, {"-.INF", WORD_NO_NUMBER},
};

static const struct {
	const char *prefix;
	int base;
} bases[] = {{"0x", 16}, {"0X", 16}, {"0o", 8}, {"0O", 8}, {"0b", 2}, {"0B", 2}, {"0", 8}};

static const char *skip_sign(const char *text)
{
	return *text == '+' || *text == '-' ? text + 1 : text;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Steps over the prefix; a zero alone keeps its digit. */
static int take_base(const char **digits)
{
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		size_t len = strlen(bases[i].prefix);

		if (strncmp(*digits, bases[i].prefix, len) != 0)
			continue;
		if ((*digits)[len] == '\0' && len == 1)
			return 10;
		*digits += len;
		return bases[i].base;
	}
	return 10;
}

static bool all_digits(const char *digits, int base)
{
	if (!*digits)
		return false;
	for (; *digits; digits++)
		if (digit_value(*digits) >= base)
			return false;
	return true;
}

static const char *skip_decimals(const char *text)
{
	while (*text >= '0' && *text <= '9')
		text++;
	return text;
}

/* [sign] (.digits | digits [. [digits]]) [e [sign] digits] */
static bool is_float(const char *text)
{
	const char *start = skip_sign(text);
	const char *end = skip_decimals(start);

	if (end == start && (*end != '.' || skip_decimals(end + 1) == end + 1))
		return false;
	if (*end == '.')
		end = skip_decimals(end + 1);
	if (*end == 'e' || *end == 'E') {
		start = skip_sign(end + 1);
		end = skip_decimals(start);
		if (end == start)
			return false;
	}
	return *end == '\0';
}

static bool read_integer(const char *plain, int base, const char *digits, json_t **out, struct err *e)
{
	unsigned long long limit = (unsigned long long)INT64_MAX + (*plain == '-');
	unsigned long long value;

	errno = 0;
	value = strtoull(digits, NULL, base);
	if (errno || value > limit)
		return err_set(e, ERR_INVALID, "the number %s does not fit 64 bits", plain);
	*out = json_integer(*plain == '-' ? (json_int_t)(0 - value) : (json_int_t)value);
	return *out || err_no_memory(e);
}

/* The decimal point is a point whatever the locale of the process. */
static bool read_float(const char *plain, json_t **out, struct err *e)
{
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double value;

	if (!c_locale)
		return err_no_memory(e);
	value = strtod_l(plain, NULL, c_locale);
	freelocale(c_locale);
	if (!isfinite(value))
		return err_set(e, ERR_INVALID, "the number %s is too large", plain);
	*out = json_real(value);
	return *out || err_no_memory(e);
}

static bool starts_number(struct str text)
{
	return text.len && memchr("+-.0123456789", text.ptr[0], 13) != NULL;
}

/* Copies without `_`, which may stand between digits; false when it can be no number. */
static bool copy_plain(struct str text, char plain[NUMBER_MAX + 1])
{
	bool keep_underscores = text.ptr[0] == '.';
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '_' && !keep_underscores)
			continue;
		if (len == NUMBER_MAX)
			return false;
		plain[len++] = text.ptr[i];
	}
	plain[len] = '\0';
	return true;
}

static bool make_string(struct str text, json_t **out, struct err *e)
{
	*out = json_from_str(text);
	return *out || err_no_memory(e);
}

/* A text past NUMBER_MAX that would be a number for kubectl. */
static bool is_long_number(struct str text)
{
	struct str rest = str_skip(text, text.ptr[0] == '+' || text.ptr[0] == '-');
	bool hex = str_starts_with(rest, STR("0x")) || str_starts_with(rest, STR("0X"));

	rest = str_skip(rest, hex ? 2 : 0);
	for (size_t i = 0; i < rest.len; i++)
		if (hex ? digit_value(rest.ptr[i]) >= 16 && rest.ptr[i] != '_'
			: !memchr("0123456789+-._eE", rest.ptr[i], 16))
			return false;
	return true;
}

static bool resolve_number(struct str text, json_t **out, struct err *e)
{
	char plain[NUMBER_MAX + 1];
	const char *digits;
	int base;

	if (!copy_plain(text, plain)) {
		if (is_long_number(text))
			return err_set(e, ERR_INVALID, "a number of more than %d characters", NUMBER_MAX);
		return make_string(text, out, e);
	}
	digits = skip_sign(plain);
	base = take_base(&digits);
	if (all_digits(digits, base))
		return read_integer(plain, base, digits, out, e);
	if (is_float(plain))
		return read_float(plain, out, e);
	return make_string(text, out, e);
}

static bool make_word(enum word word, struct str text, json_t **out, struct err *e)
{
	if (word == WORD_NO_NUMBER)
		return err_set(e, ERR_INVALID, "%.*s is no number that JSON knows", STR_ARG(text));
	*out = word == WORD_NULL ? json_null() : json_boolean(word == WORD_TRUE);
	return true;
}

bool yaml_scalar_resolve(struct str text, json_t **out, struct err *e)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_c(text, words[i].text))
			return make_word(words[i].word, text, out, e);
	return starts_number(text) ? resolve_number(text, out, e) : make_string(text, out, e);
}
