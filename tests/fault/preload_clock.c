/* Loaded before the C library into sealgated: the date is off by as many seconds as stand in a file that the test maps
 * as well, so that it can step while the server runs. Clocks that only grow are left alone, as a step of a real one
 * leaves them. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const atomic_int_fast64_t *offset; /* NULL: none */

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CLOCK_STEP");
	int fd;
	void *at;

	if (!path || strcmp(program_invocation_short_name, "sealgated") != 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	at = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at != MAP_FAILED)
		offset = at;
}

static time_t seconds_off(void)
{
	return offset ? (time_t)atomic_load(offset) : 0;
}

static int real_clock(clockid_t clock, struct timespec *now)
{
	static __typeof__(clock_gettime) *real;

	if (!real) {
		union {
			void *address;
			__typeof__(clock_gettime) *function;
		} found = {dlsym(RTLD_NEXT, "clock_gettime")};
		real = found.function;
	}
	return real(clock, now);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = real_clock(clock, now);

	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += seconds_off();
	return result;
}

time_t time(time_t *out)
{
	struct timespec now = {0, 0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;
	int result = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	if (result == 0)
		*out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return result;
}
