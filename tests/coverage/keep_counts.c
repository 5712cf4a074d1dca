/* Linked into every program of a coverage build: processes that end by _exit, or are killed between two requests like
 * the verify worker's children (whose answer ends with alarm(0)), write down what they counted first. */
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);

void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}

unsigned __real_alarm(unsigned seconds);
unsigned __wrap_alarm(unsigned seconds);
unsigned __wrap_alarm(unsigned seconds)
{
	unsigned before = __real_alarm(seconds);

	if (seconds == 0) {
		__gcov_dump();
		__gcov_reset();
	}
	return before;
}
