/* Time: the wall clock for dates that mean something to people, the monotonic clock for deadlines. */
#ifndef SEALGATE_BASE_CLOCK_H
#define SEALGATE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* A point in time, UTC, as seconds and nanoseconds (0 to 999,999,999) since 1970-01-01. */
struct timestamp {
	int64_t seconds;
	int32_t nanoseconds;
};

#define TIMESTAMP_TEXT_MAX 40

struct timestamp clock_now(void);
/* Milliseconds that only ever grow; unrelated to the date. A deadline is such a value; 0 means "no deadline". */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
/* Milliseconds left until `deadline_ms`, never negative; INT64_MAX for 0. */
int64_t clock_left_ms(int64_t deadline_ms);

/* RFC 3339 with Z or an offset, at most nine digits of fraction, years 0001 to 9999, seconds 00 to 59. */
bool timestamp_parse(struct str text, struct timestamp *out);
/* "2026-11-24T03:43:15Z", with 3, 6 or 9 digits of fraction when it has one. Always terminated; empty
 * outside the years 0001 to 9999. */
void timestamp_format(struct timestamp t, char out[TIMESTAMP_TEXT_MAX]);

/* A length of time as Go writes it: "1h30m", "10s", "1.5s", "250ms" (ns, us, ms, s, m, h). Milliseconds, rounded down;
 * false for anything else, a negative one, or more than INT64_MAX / 1000 milliseconds. */
bool duration_parse(struct str text, int64_t *milliseconds);

#endif
