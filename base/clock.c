#include "base/clock.h"

#include <string.h>
#include <time.h>

/* Of the years 0001 to 9999. */
static const int64_t first_second = -62135596800, last_second = 253402300799;

struct timestamp clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct timestamp){(int64_t)now.tv_sec, (int32_t)now.tv_nsec};
}

int64_t clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
	return clock_monotonic_us() / 1000;
}

int64_t clock_left_ms(int64_t deadline_ms)
{
	int64_t now = clock_monotonic_ms();

	if (deadline_ms == 0)
		return INT64_MAX;
	return deadline_ms > now ? deadline_ms - now : 0;
}

/* Reads `digits` decimal digits at the head of `*s`. */
static bool number(struct str *s, size_t digits, int *value)
{
	if (s->len < digits)
		return false;
	*value = 0;
	for (size_t i = 0; i < digits; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		*value = *value * 10 + (s->ptr[i] - '0');
	}
	*s = str_skip(*s, digits);
	return true;
}

static bool literal(struct str *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static bool fraction(struct str *s, int32_t *nanoseconds)
{
	int32_t unit = 100000000;
	size_t digits = 0;

	*nanoseconds = 0;
	if (!literal(s, '.'))
		return true;
	for (; s->len && s->ptr[0] >= '0' && s->ptr[0] <= '9'; digits++) {
		*nanoseconds += (s->ptr[0] - '0') * unit;
		unit /= 10;
		*s = str_skip(*s, 1);
	}
	return digits >= 1 && digits <= 9;
}

/* Seconds to subtract: "Z" or "+hh:mm" at the end of the text. */
static bool offset(struct str *s, int64_t *seconds)
{
	int sign, hours, minutes;

	*seconds = 0;
	if (literal(s, 'Z'))
		return s->len == 0;
	if (s->len == 0 || (s->ptr[0] != '+' && s->ptr[0] != '-'))
		return false;
	sign = s->ptr[0] == '+' ? 1 : -1;
	*s = str_skip(*s, 1);
	if (!number(s, 2, &hours) || !literal(s, ':') || !number(s, 2, &minutes))
		return false;
	*seconds = sign * (int64_t)(hours * 3600 + minutes * 60);
	return s->len == 0 && hours <= 24 && minutes <= 59;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, by counting years from March. */
static int64_t days(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int month_length(int year, int month)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : lengths[month - 1];
}

static bool date(struct str *s, int64_t *out)
{
	int year, month, day;

	if (!number(s, 4, &year) || !literal(s, '-') || !number(s, 2, &month) || !literal(s, '-') ||
	    !number(s, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_length(year, month))
		return false;
	*out = days(year, month, day);
	return true;
}

bool timestamp_parse(struct str text, struct timestamp *out)
{
	int hour, minute, second;
	int64_t day, shift;
	struct timestamp t;

	if (!date(&text, &day) || !literal(&text, 'T'))
		return false;
	if (!number(&text, 2, &hour) || !literal(&text, ':') || !number(&text, 2, &minute) || !literal(&text, ':') ||
	    !number(&text, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	if (!fraction(&text, &t.nanoseconds) || !offset(&text, &shift))
		return false;
	t.seconds = day * 86400 + hour * 3600 + minute * 60 + second - shift;
	if (t.seconds < first_second || t.seconds > last_second)
		return false;
	*out = t;
	return true;
}

/* The date of a day counted from 1970-01-01: the reverse of days(). */
static void civil(int64_t day, uint64_t *year, uint64_t *month, uint64_t *of_month)
{
	uint64_t from_march = (uint64_t)(day + 719468);
	uint64_t era = from_march / 146097, of_era = from_march % 146097;
	uint64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	uint64_t m = (5 * of_year + 2) / 153;

	*of_month = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = era * 400 + y + (*month <= 2);
}

/* Writes `value` with `digits` digits and the byte `end` behind it; returns where the next one goes. */
static char *put(char *at, uint64_t value, size_t digits, char end)
{
	at[digits] = end;
	for (size_t i = digits; i > 0; value /= 10)
		at[--i] = (char)('0' + value % 10);
	return at + digits + 1;
}

static void put_fraction(char *at, uint64_t nanoseconds)
{
	if (nanoseconds % 1000000 == 0)
		put(at, nanoseconds / 1000000, 3, 'Z');
	else if (nanoseconds % 1000 == 0)
		put(at, nanoseconds / 1000, 6, 'Z');
	else
		put(at, nanoseconds, 9, 'Z');
}

void timestamp_format(struct timestamp t, char out[TIMESTAMP_TEXT_MAX])
{
	uint64_t year, month, day, of_day;
	char *at = out;

	memset(out, 0, TIMESTAMP_TEXT_MAX);
	if (t.seconds < first_second || t.seconds > last_second)
		return;
	/* Shifted to the first second of year 1, so that every division rounds down. */
	of_day = (uint64_t)(t.seconds - first_second) % 86400;
	civil((t.seconds - (int64_t)of_day) / 86400, &year, &month, &day);
	at = put(at, year, 4, '-');
	at = put(at, month, 2, '-');
	at = put(at, day, 2, 'T');
	at = put(at, of_day / 3600, 2, ':');
	at = put(at, of_day / 60 % 60, 2, ':');
	at = put(at, of_day % 60, 2, t.nanoseconds ? '.' : 'Z');
	if (t.nanoseconds)
		put_fraction(at, (uint64_t)t.nanoseconds);
}

__extension__ typedef unsigned __int128 wide;

static const struct {
	const char *name;
	uint64_t nanoseconds;
} units[] = {{"ns", 1},		{"us", 1000},	    {"\xc2\xb5s", 1000}, {"ms", 1000000},
	     {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};

static bool unit(struct str *s, uint64_t *nanoseconds)
{
	size_t len = 0;

	while (len < s->len && s->ptr[len] != '.' && (s->ptr[len] < '0' || s->ptr[len] > '9'))
		len++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (str_eq_c(str_head(*s, len), units[i].name)) {
			*nanoseconds = units[i].nanoseconds;
			*s = str_skip(*s, len);
			return true;
		}
	return false;
}

/* A decimal number without sign or exponent, as digits over a power of ten: at most 18 digits. */
static bool decimal(struct str *s, uint64_t *digits, uint64_t *scale)
{
	size_t count = 0;
	bool point = false;

	*digits = 0;
	*scale = 1;
	for (; s->len && count < 19; *s = str_skip(*s, 1)) {
		char c = s->ptr[0];

		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		*digits = *digits * 10 + (uint64_t)(c - '0');
		*scale *= point ? 10 : 1;
		count++;
	}
	return count > 0 && count < 19;
}

bool duration_parse(struct str text, int64_t *milliseconds)
{
	const wide most = (wide)(INT64_MAX / 1000) * 1000000;
	wide total = 0;

	if (text.len == 0)
		return false;
	if (str_eq_c(text, "0"))
		text = STR("0s");
	while (text.len) {
		uint64_t digits, scale, nanoseconds;

		if (!decimal(&text, &digits, &scale) || !unit(&text, &nanoseconds))
			return false;
		total += (wide)digits * nanoseconds / scale;
		if (total > most)
			return false;
	}
	*milliseconds = (int64_t)(total / 1000000);
	return true;
}
