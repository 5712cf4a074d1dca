#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

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

/* Writes and pauses in turn, always as many bytes: each content is one letter over and over. */
static void *rewrite(void *context)
{
	atomic_int *left = context;
	char block[20000];

	for (int i = 0; *left > 0; i++, --*left) {
		char path[512];
		int fd = open(path_of("sized", path), O_WRONLY | O_CLOEXEC);

		memset(block, 'a' + i % 26, sizeof(block));
		for (size_t at = 0; at < sizeof(block); at += sizeof(block) / 4)
			(void)!pwrite(fd, block + at, sizeof(block) / 4, (off_t)at);
		close(fd);
		nanosleep(&(struct timespec){0, i % 3 * 14000000}, NULL);
	}
	return NULL;
}

static bool is_whole(struct str text)
{
	for (size_t i = 1; i < text.len; i++)
		if (text.ptr[i] != text.ptr[0])
			fail_msg("two contents in one, at byte %zu", i);
	return text.len == 20000;
}

static void a_file_that_changes_while_it_is_read_is_read_again_or_refused(void **state)
{
	char path[512];
	atomic_int left = 40;
	pthread_t writer;
	int whole = 0;

	(void)state;
	put(path_of("sized", path), 0);
	assert_int_equal(pthread_create(&writer, NULL, rewrite, &left), 0);
	while (left > 0) {
		cleanup(buf) struct buf out = buf_init(20000);
		struct err e = ERR_INIT;

		if (file_read_settled(path_of("sized", path), &out, &e))
			whole += is_whole(buf_str(&out));
		else
			assert_int_equal(e.kind, ERR_UNAVAILABLE);
	}
	pthread_join(writer, NULL);
	assert_true(whole > 0);
}

static void nothing_is_waited_for(void **state)
{
	static const char *const others[] = {"/dev/zero", "/dev/tty", "/tmp", "fifo"};
	char path[512];

	(void)state;
	assert_int_equal(mkfifo(path_of("fifo", path), 0600), 0);
	for (size_t i = 0; i < 4; i++) {
		cleanup(buf) struct buf out = buf_init(100);
		struct err e = ERR_INIT;

		assert_false(file_read_settled(others[i][0] == '/' ? others[i] : path, &out, &e));
		assert_int_equal(e.kind, ERR_INVALID);
	}
	unlink(path);
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
		cmocka_unit_test(nothing_is_waited_for),
		cmocka_unit_test(a_file_that_changes_while_it_is_read_is_read_again_or_refused),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
