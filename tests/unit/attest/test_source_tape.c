/* Files as they were when they could be loaded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "attest/source_tape.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/unit/scratch.h"

CLEANUP_POINTER(source_tape, struct source_tape, source_tape_unref)

static char dir[SCRATCH_SIZE];
static const char *const suffixes[] = {".yaml", NULL};

static int set_up(void **state)
{
	(void)state;
	return scratch_make(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return scratch_remove(dir) ? 0 : -1;
}

static const char *path_of(const char *name)
{
	static char path[SCRATCH_SIZE + 64];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	assert_true(file_write(path_of(name), str_of(text), 0600, NULL));
}

static void reads(struct source_tape *tape, const char *name, const char *expected)
{
	cleanup(buf) struct buf text = buf_init(1000);
	struct err e = ERR_INIT;

	assert_true(source_tape_read(tape, path_of(name), &text, &e));
	assert_true(str_eq_c(buf_str(&text), expected));
}

static enum err_kind fails(struct source_tape *tape, const char *name)
{
	cleanup(buf) struct buf text = buf_init(1000);
	struct err e = ERR_INIT;

	assert_false(source_tape_read(tape, path_of(name), &text, &e));
	assert_non_null(strstr(e.text, name));
	return e.kind;
}

static void lists(struct source_tape *tape, size_t count, size_t others)
{
	cleanup(source_files) struct source_files files = {0};
	struct err e = ERR_INIT;

	assert_true(source_tape_list(tape, dir, suffixes, &files, &e));
	assert_int_equal(files.count, count);
	assert_int_equal(files.other_count, others);
	for (size_t i = 0; i < count; i++)
		assert_non_null(strstr(files.paths[i], ".yaml"));
}

static void what_was_read_is_given_again(void **state)
{
	cleanup(source_tape) struct source_tape *tape = source_tape_new();

	(void)state;
	put("a.yaml", "one");
	put("b.yaml", "");
	put("c.txt", "three");
	lists(tape, 2, 1);
	reads(tape, "a.yaml", "one");
	reads(tape, "b.yaml", "");
	assert_int_equal(fails(tape, "absent.yaml"), ERR_NOT_FOUND);
	assert_false(source_tape_is_whole(tape));
	source_tape_end(tape);
	assert_true(source_tape_is_whole(tape));
	put("a.yaml", "another");
	put("absent.yaml", "there now");
	for (int round = 0; round < 2; round++) {
		lists(tape, 2, 1);
		reads(tape, "b.yaml", "");
		reads(tape, "a.yaml", "one");
		assert_int_equal(fails(tape, "absent.yaml"), ERR_NOT_FOUND);
	}
	assert_true(scratch_remove(dir));
	lists(tape, 2, 1);
	reads(tape, "a.yaml", "one");
}

static void until_the_end_the_disk_is_asked(void **state)
{
	cleanup(source_tape) struct source_tape *tape = source_tape_new();

	(void)state;
	put("a.yaml", "one");
	reads(tape, "a.yaml", "one");
	put("a.yaml", "two");
	reads(tape, "a.yaml", "two");
	reads(NULL, "a.yaml", "two");
	lists(NULL, 1, 0);
}

static void what_was_not_read_is_not_there(void **state)
{
	cleanup(source_tape) struct source_tape *tape = source_tape_new();
	struct source_files files = {0};
	struct err e = ERR_INIT;

	(void)state;
	put("a.yaml", "one");
	source_tape_end(tape);
	assert_int_equal(fails(tape, "a.yaml"), ERR_NOT_FOUND);
	assert_false(source_tape_list(tape, dir, suffixes, &files, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void a_directory_that_was_missing_stays_so(void **state)
{
	cleanup(source_tape) struct source_tape *tape = source_tape_new();
	struct source_files files = {0};
	struct err first = ERR_INIT, again = ERR_INIT;

	(void)state;
	assert_false(source_tape_list(tape, path_of("none"), suffixes, &files, &first));
	source_tape_end(tape);
	assert_false(source_tape_list(tape, path_of("none"), suffixes, &files, &again));
	assert_int_equal(again.kind, first.kind);
	assert_string_equal(again.text, first.text);
}

/* What does not fit is not given in part: the tape can't be used then. */
static void a_tape_that_is_full_is_not_whole(void **state)
{
	cleanup(source_tape) struct source_tape *tape = source_tape_new();
	static char text[1024 * 1024];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	put("a.yaml", text);
	for (size_t i = 0; i <= LIMIT_POLICY_MEMORY / sizeof(text); i++) {
		cleanup(buf) struct buf got = buf_init(sizeof(text));

		assert_true(source_tape_read(tape, path_of("a.yaml"), &got, NULL));
		assert_int_equal(got.len, sizeof(text) - 1);
	}
	source_tape_end(tape);
	assert_false(source_tape_is_whole(tape));
	assert_false(source_tape_is_whole(NULL));
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(what_was_read_is_given_again),	  IN_DIR(until_the_end_the_disk_is_asked),
		IN_DIR(what_was_not_read_is_not_there),	  IN_DIR(a_directory_that_was_missing_stays_so),
		IN_DIR(a_tape_that_is_full_is_not_whole),
	};

	return cmocka_run_group_tests_name("source_tape", tests, NULL, NULL);
}
