#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static const struct {
	const char *text;
	int64_t seconds;
	int32_t nanoseconds;
	const char *formatted; /* NULL: the text itself */
} stamps[] = {
	{"1970-01-01T00:00:00Z", 0, 0, NULL},
	{"2026-11-24T03:43:15Z", 1795491795, 0, NULL},
	{"2000-02-29T23:59:59Z", 951868799, 0, NULL},
	{"1969-12-31T23:59:59Z", -1, 0, NULL},
	{"0001-01-01T00:00:00Z", -62135596800, 0, NULL},
	{"9999-12-31T23:59:59.999999999Z", 253402300799, 999999999, NULL},
	{"2038-01-19T03:14:08Z", 2147483648, 0, NULL},
	{"1970-01-01T00:00:00.5Z", 0, 500000000, "1970-01-01T00:00:00.500Z"},
	{"1970-01-01T00:00:00.123456Z", 0, 123456000, NULL},
	{"1970-01-01T00:00:00.000000001Z", 0, 1, NULL},
	{"1970-01-01T00:00:00.000Z", 0, 0, "1970-01-01T00:00:00Z"},
	{"1970-01-01T01:00:00+01:00", 0, 0, "1970-01-01T00:00:00Z"},
	{"1969-12-31T19:00:00-05:00", 0, 0, "1970-01-01T00:00:00Z"},
	{"1970-01-01T05:45:00.25+05:45", 0, 250000000, "1970-01-01T00:00:00.250Z"},
	{"1970-01-01T00:00:00-00:00", 0, 0, "1970-01-01T00:00:00Z"},
	{"1969-12-31T23:59:59.5Z", -1, 500000000, "1969-12-31T23:59:59.500Z"},
};

static void a_timestamp_comes_back_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		char text[TIMESTAMP_TEXT_MAX];
		struct timestamp t;

		if (!timestamp_parse(str_of(stamps[i].text), &t))
			fail_msg("%s", stamps[i].text);
		assert_int_equal(t.seconds, stamps[i].seconds);
		assert_int_equal(t.nanoseconds, stamps[i].nanoseconds);
		timestamp_format(t, text);
		assert_string_equal(text, stamps[i].formatted ? stamps[i].formatted : stamps[i].text);
	}
}

static const char *const not_stamps[] = {
	"",
	"2026-11-24",
	"2026-11-24T03:43:15",
	"2026-11-24 03:43:15Z",
	"2026-11-24t03:43:15Z",
	"2026-11-24T03:43:15z",
	"2026-11-24T03:43Z",
	"2026-11-24T03:43:60Z",
	"2026-11-24T24:00:00Z",
	"2026-11-24T03:60:00Z",
	"2026-13-24T03:43:15Z",
	"2026-00-24T03:43:15Z",
	"2026-11-31T03:43:15Z",
	"2026-11-00T03:43:15Z",
	"2026-02-29T03:43:15Z",
	"1900-02-29T03:43:15Z",
	"0000-01-01T00:00:00Z",
	"0001-01-01T00:00:00+00:01",
	"9999-12-31T23:59:59-00:01",
	"10000-01-01T00:00:00Z",
	"226-11-24T03:43:15Z",
	"2026-1-24T03:43:15Z",
	"-026-11-24T03:43:15Z",
	"+026-11-24T03:43:15Z",
	" 2026-11-24T03:43:15Z",
	"2026-11-24T03:43:15Z ",
	"2026-11-24T03:43:15Z\n",
	"2026-11-24T03:43:15.Z",
	"2026-11-24T03:43:15,5Z",
	"2026-11-24T03:43:15.1234567890Z",
	"2026-11-24T03:43:15.5",
	"2026-11-24T03:43:15+0100",
	"2026-11-24T03:43:15+01",
	"2026-11-24T03:43:15+01:60",
	"2026-11-24T03:43:15+25:00",
	"2026-11-24T03:43:15+01:00Z",
	"2026-11-24T03:43:15ZZ",
	"2026/11/24T03:43:15Z",
	"20261124T034315Z",
	"1795491795",
};

static void a_timestamp_is_exactly_rfc_3339(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(not_stamps) / sizeof(not_stamps[0]); i++) {
		struct timestamp t = {42, 7};

		if (timestamp_parse(str_of(not_stamps[i]), &t))
			fail_msg("%s", not_stamps[i]);
		assert_int_equal(t.seconds, 42);
		assert_int_equal(t.nanoseconds, 7);
	}
}

static void every_day_of_four_centuries_follows_the_one_before(void **state)
{
	char text[TIMESTAMP_TEXT_MAX];
	struct timestamp t;

	(void)state;
	for (int64_t day = -70000; day < 80000; day += 1) {
		timestamp_format((struct timestamp){day * 86400, 0}, text);
		assert_true(timestamp_parse(str_of(text), &t));
		assert_int_equal(t.seconds, day * 86400);
	}
}

static void formatting_never_leaves_its_room(void **state)
{
	static const int64_t seconds[] = {INT64_MIN, INT64_MAX, -62135596801, 253402300800, 67767976233532799};

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		char text[TIMESTAMP_TEXT_MAX];

		timestamp_format((struct timestamp){seconds[i], 999999999}, text);
		assert_true(memchr(text, 0, sizeof(text)) != NULL);
	}
}

static const struct {
	const char *text;
	int64_t milliseconds;
} durations[] = {
	{"0", 0},
	{"0s", 0},
	{"10s", 10000},
	{"1.5s", 1500},
	{"250ms", 250},
	{"1h30m", 5400000},
	{"168h", 604800000},
	{"1h1m1s1ms", 3661001},
	{"999us", 0},
	{"1999us", 1},
	{"1500\xc2\xb5s", 1},
	{"999999ns", 0},
	{"1000000ns", 1},
	{".5s", 500},
	{"1.s", 1000},
	{"1.001s", 1001},
	{"4.35s", 4350},
	{"1.1s", 1100},
	{"0.0019s", 1},
	{"2.3m", 138000},
	{"9223372036854775807ns", -1},
	{"999999999999999999ns", 999999999999},
	{"2562047788015.2h", 9223372036854720000},
};

static void a_duration_is_read_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		int64_t found = -1;
		bool ok = duration_parse(str_of(durations[i].text), &found);
		bool fits = durations[i].milliseconds <= INT64_MAX / 1000 && durations[i].milliseconds >= 0;

		if (ok != fits || (ok && found != durations[i].milliseconds))
			fail_msg("%s: %lld", durations[i].text, (long long)found);
	}
}

static const char *const not_durations[] = {
	"",
	" ",
	"1",
	"10",
	"s",
	"1x",
	"-1s",
	"+1s",
	"1 s",
	" 1s",
	"1s ",
	"1s\n",
	"1e3s",
	"1..5s",
	"1.5.5s",
	".s",
	"1,5s",
	"1S",
	"1H",
	"0x1s",
	"1d",
	"1w",
	"1y",
	"1hour",
	"1h30",
	"1h 30m",
	"infs",
	"nans",
	"1m-1s",
	"1sm",
	"2562047788016h",
	"9223372036854775808s",
	"99999999999999999999s",
	"1\xb5s",
	"1\xce\xbcs",
	"00",
	"1.0",
};

static void a_duration_is_exactly_what_go_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(not_durations) / sizeof(not_durations[0]); i++) {
		int64_t found = 42;

		if (duration_parse(str_of(not_durations[i]), &found))
			fail_msg("%s", not_durations[i]);
		assert_int_equal(found, 42);
	}
}

static void a_deadline_leaves_no_negative_time(void **state)
{
	int64_t now = clock_monotonic_ms();

	(void)state;
	assert_int_equal(clock_left_ms(0), INT64_MAX);
	assert_int_equal(clock_left_ms(1), now < 1 ? 1 : 0);
	assert_int_equal(clock_left_ms(INT64_MIN + 1), 0);
	assert_true(clock_left_ms(INT64_MAX) > 0);
	assert_true(clock_monotonic_ms() >= now);
	assert_true(clock_monotonic_us() >= now * 1000);
}

static void the_clock_gives_a_date_that_can_be_written(void **state)
{
	struct timestamp now = clock_now(), again;
	char text[TIMESTAMP_TEXT_MAX];

	(void)state;
	assert_true(now.nanoseconds >= 0 && now.nanoseconds <= 999999999);
	timestamp_format(now, text);
	assert_true(timestamp_parse(str_of(text), &again));
	assert_int_equal(again.seconds, now.seconds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timestamp_comes_back_as_it_was),
		cmocka_unit_test(a_timestamp_is_exactly_rfc_3339),
		cmocka_unit_test(every_day_of_four_centuries_follows_the_one_before),
		cmocka_unit_test(formatting_never_leaves_its_room),
		cmocka_unit_test(a_duration_is_read_exactly),
		cmocka_unit_test(a_duration_is_exactly_what_go_writes),
		cmocka_unit_test(a_deadline_leaves_no_negative_time),
		cmocka_unit_test(the_clock_gives_a_date_that_can_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
