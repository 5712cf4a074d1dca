/* A review during which memory runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tests/fault/alloc.h"

static bool fill(void *context, unsigned n)
{
	cleanup(buf) struct buf b = buf_init(1000);
	bool failed;

	(void)context;
	alloc_fail(n, ALLOC_THREAD, false);
	for (int i = 0; i < 1000; i++)
		buf_add_char(&b, 'x');
	failed = alloc_work_again();
	assert_int_equal(buf_ok(&b, NULL), !failed);
	return failed;
}

static void a_buffer_remembers_that_memory_ran_out(void **state)
{
	(void)state;
	assert_int_equal(alloc_each(fill, NULL, 10), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_buffer_remembers_that_memory_ran_out)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
