#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

static char scratch[256];

static const char *path_of(const char *name, char out[512])
{
	(void)snprintf(out, 512, "%s/%s", scratch, name);
	return out;
}

static void put(const char *path, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(fputc((int)('a' + i % 26), f), (int)('a' + i % 26));
	assert_int_equal(fclose(f), 0);
}

static void reads_up_to_the_maximum_and_refuses_one_byte_more(void **state)
{
	char path[512];
	struct err e = ERR_INIT;

	(void)state;
	put(path_of("sized", path), 40000);
	cleanup(buf) struct buf exact = buf_init(40000);
	cleanup(buf) struct buf small = buf_init(39999);
	assert_true(file_read(path, &exact, &e));
	assert_int_equal(exact.len, 40000);
	assert_int_equal(exact.data[39999], 'a' + 39999 % 26);
	assert_false(file_read(path, &small, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	assert_non_null(strstr(e.text, "sized"));
}

static void an_empty_file_is_empty(void **state)
{
	char path[512];
	struct err e = ERR_INIT;
	cleanup(buf) struct buf out = buf_init(10);

	(void)state;
	put(path_of("empty", path), 0);
	assert_true(file_read(path, &out, &e));
	assert_int_equal(out.len, 0);
}

static void tells_absent_from_unreadable(void **state)
{
	char path[512];
	struct err e = ERR_INIT;
	cleanup(buf) struct buf out = buf_init(10);

	(void)state;
	assert_false(file_read(path_of("absent", path), &out, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_false(file_read(scratch, &out, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, scratch));
}

static void writes_over_what_was_there_and_names_what_it_cannot_write(void **state)
{
	char path[512];
	struct err e = ERR_INIT;
	cleanup(buf) struct buf out = buf_init(10);

	(void)state;
	put(path_of("sized", path), 400);
	assert_true(file_write(path, STR("short"), 0600, &e));
	assert_true(file_read(path, &out, &e));
	assert_true(str_eq(buf_str(&out), STR("short")));
	assert_false(file_write(path_of("absent/file", path), STR("x"), 0600, &e));
	assert_non_null(strstr(e.text, "absent/file"));
	assert_false(file_write("/dev/full", STR("x"), 0600, &e));
}

static int make_scratch(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	(void)snprintf(scratch, sizeof(scratch), "%s/sealgate-file.XXXXXX", base ? base : "/tmp");
	return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state)
{
	char path[512];

	(void)state;
	(void)unlink(path_of("sized", path));
	(void)unlink(path_of("empty", path));
	return rmdir(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_up_to_the_maximum_and_refuses_one_byte_more),
		cmocka_unit_test(an_empty_file_is_empty),
		cmocka_unit_test(writes_over_what_was_there_and_names_what_it_cannot_write),
		cmocka_unit_test(tells_absent_from_unreadable),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
