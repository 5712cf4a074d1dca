#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "attest/source_files.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/unit/scratch.h"

static const char *const yaml[] = {".yaml", ".yml", NULL};

static char dir[SCRATCH_SIZE];

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

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static size_t turn;
	char *out = path[turn++ % 4];

	(void)snprintf(out, sizeof(path[0]), "%s/%s", dir, name);
	return out;
}

static void put(const char *name, const char *text)
{
	assert_true(file_write(in_dir(name), str_of(text), 0600, NULL));
}

static void lists_what_has_a_suffix_sorted(void **state)
{
	cleanup(source_files) struct source_files files = {0};
	struct err e = ERR_INIT;

	(void)state;
	put("b.yaml", "");
	put("a.yml", "");
	put("c.YAML", "");
	put("README", "");
	put(".hidden.yaml", "");
	put("d.yaml.bak", "");
	assert_int_equal(mkdir(in_dir("e.yaml"), 0700), 0);
	assert_int_equal(mkdir(in_dir("..data"), 0700), 0);
	put("..data/f.yaml", "");
	assert_int_equal(symlink("..data/f.yaml", in_dir("f.yaml")), 0);
	assert_true(source_files_list(dir, yaml, &files, &e));
	assert_int_equal(files.count, 3);
	assert_string_equal(files.paths[0], in_dir("a.yml"));
	assert_string_equal(files.paths[1], in_dir("b.yaml"));
	assert_string_equal(files.paths[2], in_dir("f.yaml"));
	assert_int_equal(files.other_count, 4);
	assert_string_equal(files.others[0], in_dir("README"));
	assert_string_equal(files.others[3], in_dir("e.yaml"));
}

static void refuses_a_directory_that_cannot_be_listed(void **state)
{
	struct source_files files = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_false(source_files_list(in_dir("absent"), yaml, &files, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	put("file", "");
	assert_false(source_files_list(in_dir("file"), yaml, &files, &e));
	assert_int_equal(files.count, 0);
}

static void refuses_to_read(const char *name, enum err_kind kind)
{
	cleanup(buf) struct buf text = buf_init(8);
	struct err e = ERR_INIT;

	assert_false(file_read_settled(in_dir(name), &text, &e));
	assert_int_equal(e.kind, kind);
	assert_non_null(strstr(e.text, name));
}

static void reads_regular_files_alone(void **state)
{
	cleanup(buf) struct buf text = buf_init(8);
	struct err e = ERR_INIT;

	(void)state;
	put("full", "12345678");
	put("over", "123456789");
	assert_true(file_read_settled(in_dir("full"), &text, &e));
	assert_string_equal(text.data, "12345678");
	refuses_to_read("over", ERR_TOO_LARGE);
	refuses_to_read("absent", ERR_NOT_FOUND);
	assert_int_equal(mkdir(in_dir("folder"), 0700), 0);
	refuses_to_read("folder", ERR_INVALID);
	assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
	refuses_to_read("pipe", ERR_INVALID);
	assert_int_equal(symlink("nowhere", in_dir("dangling")), 0);
	refuses_to_read("dangling", ERR_NOT_FOUND);
	assert_int_equal(symlink("loop", in_dir("loop")), 0);
	refuses_to_read("loop", ERR_INVALID);
}

static uint64_t changed(uint64_t before)
{
	uint64_t now = source_files_fingerprint(dir);

	assert_int_not_equal(now, before);
	assert_int_equal(now, source_files_fingerprint(dir));
	return now;
}

static void the_fingerprint_changes_with_every_change(void **state)
{
	uint64_t seen = source_files_fingerprint(dir);

	(void)state;
	put("a.yaml", "1");
	seen = changed(seen);
	put("a.yaml", "22");
	seen = changed(seen);
	put("b.yaml", "");
	seen = changed(seen);
	assert_int_equal(rename(in_dir("b.yaml"), in_dir("c.yaml")), 0);
	seen = changed(seen);
	assert_int_equal(chmod(in_dir("c.yaml"), 0), 0);
	seen = changed(seen);
	assert_int_equal(unlink(in_dir("c.yaml")), 0);
	seen = changed(seen);
	assert_int_equal(symlink("..data/p.yaml", in_dir("p.yaml")), 0);
	seen = changed(seen);
	assert_int_equal(mkdir(in_dir("..one"), 0700), 0);
	put("..one/p.yaml", "same");
	assert_int_equal(mkdir(in_dir("..two"), 0700), 0);
	put("..two/p.yaml", "same");
	assert_int_equal(symlink("..one", in_dir("..data")), 0);
	seen = changed(seen);
	assert_int_equal(symlink("..two", in_dir("..tmp")), 0);
	assert_int_equal(rename(in_dir("..tmp"), in_dir("..data")), 0);
	(void)changed(seen);
}

static void an_absent_directory_has_a_fingerprint_of_its_own(void **state)
{
	uint64_t there = source_files_fingerprint(dir);

	(void)state;
	assert_int_equal(rmdir(dir), 0);
	assert_int_not_equal(source_files_fingerprint(dir), there);
	assert_int_equal(source_files_fingerprint(dir), source_files_fingerprint(dir));
}

static void lists_as_many_files_as_the_limit(void **state)
{
	cleanup(source_files) struct source_files files = {0};
	struct err e = ERR_INIT;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < LIMIT_POLICY_FILES; i++) {
		(void)snprintf(name, sizeof(name), "%05u%s", i, i % 2 ? ".yaml" : "");
		assert_int_equal(symlink("nowhere", in_dir(name)), 0);
	}
	assert_true(source_files_list(dir, yaml, &files, &e));
	assert_int_equal(files.count + files.other_count, LIMIT_POLICY_FILES);
	source_files_release(&files);
	assert_int_equal(symlink("nowhere", in_dir("one-more")), 0);
	assert_false(source_files_list(dir, yaml, &files, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(lists_what_has_a_suffix_sorted),	  IN_DIR(refuses_a_directory_that_cannot_be_listed),
		IN_DIR(reads_regular_files_alone),	  IN_DIR(the_fingerprint_changes_with_every_change),
		IN_DIR(lists_as_many_files_as_the_limit), IN_DIR(an_absent_directory_has_a_fingerprint_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
