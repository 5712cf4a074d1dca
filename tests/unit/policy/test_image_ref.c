#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "policy/image_ref.h"
#include "tests/unit/policy/rows.h"

enum { ARENA = 1 << 20 };

static struct str normal_form(const struct image_ref *ref, struct arena *arena)
{
	struct str text = ref->repository;

	if (ref->tag.len)
		text = arena_printf(arena, "%.*s:%.*s", STR_ARG(text), STR_ARG(ref->tag));
	if (ref->digest.len)
		text = arena_printf(arena, "%.*s@%.*s", STR_ARG(text), STR_ARG(ref->digest));
	return text;
}

/* What the table says of a reference: its normal form, or "! " and the error. */
static struct str outcome(struct str text, struct arena *arena)
{
	struct image_ref ref;
	struct err e = ERR_INIT;

	if (image_ref_parse(text, arena, &ref, &e))
		return normal_form(&ref, arena);
	assert_int_equal(e.kind, ERR_INVALID);
	return arena_printf(arena, "! %s", e.text);
}

static void check_row(struct row row, struct arena *arena)
{
	struct str found = outcome(row.input, arena);

	if (!str_eq(found, row.expected))
		fail_msg("line %zu: %.*s\n  expected %.*s\n  found    %.*s", row.line, STR_ARG(row.input),
			 STR_ARG(row.expected), STR_ARG(found));
}

static void every_row_of_the_table_holds(void **state)
{
	cleanup(buf) struct buf file = buf_init(1 << 20);
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct rows rows;
	struct row row;
	size_t count = 0;

	(void)state;
	rows = rows_open("tests/data/images/references.txt", &file);
	for (; rows_next(&rows, &arena, &row); count++)
		check_row(row, &arena);
	assert_true(count > 120);
}

static void every_example_of_the_document_holds(void **state)
{
	cleanup(buf) struct buf file = buf_init(1 << 20);
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct rows rows;
	struct row row;
	size_t count = 0;

	(void)state;
	rows = rows_open_block("docs/FORMATS.md", "image-references", &file);
	for (; rows_next(&rows, &arena, &row); count++)
		check_row(row, &arena);
	assert_true(count > 20);
}

static void the_normal_form_of_a_normal_form_is_itself(void **state)
{
	cleanup(buf) struct buf file = buf_init(1 << 20);
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct rows rows;
	struct row row;

	(void)state;
	rows = rows_open("tests/data/images/references.txt", &file);
	while (rows_next(&rows, &arena, &row)) {
		if (row.expected.ptr[0] == '!')
			continue;
		row.input = row.expected;
		check_row(row, &arena);
	}
}

/* Bytes that a text file can't show. */
static const struct {
	struct str text;
	const char *error;
} bytes[] = {
	{{"", 0}, "empty, at character 1"},
	{STR_BYTES(" "), "repository can't have the byte 0x20, at character 1"},
	{STR_BYTES(" nginx"), "repository can't have the byte 0x20, at character 1"},
	{STR_BYTES("nginx "), "repository can't have the byte 0x20, at character 6"},
	{STR_BYTES("nginx\n"), "repository can't have the byte 0x0a, at character 6"},
	{STR_BYTES("\nnginx"), "repository can't have the byte 0x0a, at character 1"},
	{STR_BYTES("nginx:1\n"), "reference can't have the byte 0x0a, at character 8"},
	{STR_BYTES("nginx:1\r\n"), "reference can't have the byte 0x0d, at character 8"},
	{STR_BYTES("ngi\tnx"), "repository can't have the byte 0x09, at character 4"},
	{STR_BYTES("nginx\0"), "repository can't have the byte 0x00, at character 6"},
	{STR_BYTES("nginx\0.evil.com/x"), "host can't have the byte 0x00, at character 6"},
	{STR_BYTES("gcr.io\0/app"), "host can't have the byte 0x00, at character 7"},
	{STR_BYTES("gcr.io/app\0:tag"), "repository can't have the byte 0x00, at character 11"},
	{STR_BYTES("nginx:tag\0"), "reference can't have the byte 0x00, at character 10"},
	{STR_BYTES("gcr.io /app"), "host can't have the byte 0x20, at character 7"},
	{STR_BYTES("gcr.io/ app"), "repository can't have the byte 0x20, at character 8"},
	{STR_BYTES("gcr.io/app :tag"), "repository can't have the byte 0x20, at character 11"},
	{STR_BYTES("app: tag"), "tag can't have the byte 0x20, at character 5"},
	{STR_BYTES("b\xc3\xbc"
		   "cher"),
	 "repository can't have the byte 0xc3, at character 2"},
	{STR_BYTES("b\xc3\xbc"
		   "cher.de/app"),
	 "host can't have the byte 0xc3, at character 2"},
	{STR_BYTES("app:\xe2\x82\xac"), "tag can't have the byte 0xe2, at character 5"},
	{STR_BYTES("gcr\xef\xbc\x8eio/app"), "repository can't have the byte 0xef, at character 4"},
	{STR_BYTES("\xef\xbb\xbfnginx"), "repository can't have the byte 0xef, at character 1"},
	{STR_BYTES("nginx\x7f"), "repository can't have the byte 0x7f, at character 6"},
	{STR_BYTES("nginx\xff"), "repository can't have the byte 0xff, at character 6"},
	{STR_BYTES("nginx\x1b[2J"), "repository can't have the byte 0x1b, at character 6"},
};

static void refuses_bytes_outside_printable_ascii(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct image_ref ref;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		struct err e = ERR_INIT;

		assert_false(image_ref_parse(bytes[i].text, &arena, &ref, &e));
		assert_string_equal(e.text, bytes[i].error);
	}
}

static void no_byte_but_the_grammar_s_can_stand_anywhere(void **state)
{
	static const char good[] = "gcr.io/a/b:t";
	cleanup(arena) struct arena arena = arena_init(4 * ARENA);
	struct image_ref ref;
	char text[sizeof(good)];

	(void)state;
	for (size_t at = 0; at < sizeof(good) - 1; at++)
		for (int c = 0; c < 256; c++) {
			bool graphic = c > 0x20 && c < 0x7f && !strchr("!\"#$%&'()*+,;<=>?\\^`{|}~", c);

			memcpy(text, good, sizeof(good));
			text[at] = (char)c;
			if (image_ref_parse(str_make(text, sizeof(good) - 1), &arena, &ref, NULL))
				assert_true(graphic);
		}
}

static void leaves_the_output_alone_on_failure(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct image_ref ref = {.repository = STR("untouched")};
	struct str repository = STR("untouched");

	(void)state;
	assert_false(image_ref_parse(STR("app@sha256:1"), &arena, &ref, NULL));
	assert_true(str_eq_c(ref.repository, "untouched"));
	assert_false(image_ref_parse_repository(STR("app@sha256:1"), &arena, &repository, NULL));
	assert_true(str_eq_c(repository, "untouched"));
}

static void splits_into_host_path_tag_and_digest(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct str digest = STR("sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887");
	struct str text = arena_printf(&arena, "Reg.Example.com:5000/a/b:T@%.*s", STR_ARG(digest));
	struct image_ref ref;

	(void)state;
	assert_true(image_ref_parse(text, &arena, &ref, NULL));
	assert_true(str_eq_c(ref.host, "reg.example.com:5000"));
	assert_true(str_eq_c(ref.path, "a/b"));
	assert_true(str_eq_c(ref.repository, "reg.example.com:5000/a/b"));
	assert_true(str_eq_c(ref.tag, "T"));
	assert_true(str_eq(ref.digest, digest));
	assert_true(image_ref_parse(STR("nginx"), &arena, &ref, NULL));
	assert_true(str_eq_c(ref.host, "docker.io"));
	assert_true(str_eq_c(ref.path, "library/nginx"));
	assert_int_equal(ref.tag.len, 0);
	assert_int_equal(ref.digest.len, 0);
}

static void a_repository_is_read_without_tag_and_digest(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct str repository;

	(void)state;
	assert_true(image_ref_parse_repository(STR("Docker.io/nginx:1.27"), &arena, &repository, NULL));
	assert_true(str_eq_c(repository, "docker.io/library/nginx"));
	assert_false(image_ref_parse_repository(STR("nginx:"), &arena, &repository, NULL));
	assert_false(image_ref_parse_repository(STR("nginx@sha256:00"), &arena, &repository, NULL));
	assert_false(image_ref_parse_repository(STR(""), &arena, &repository, NULL));
}

static void without_memory_the_error_is_internal(void **state)
{
	cleanup(arena) struct arena arena = arena_init(8);
	struct image_ref ref;
	struct err e = ERR_INIT;

	(void)state;
	assert_false(image_ref_parse(STR("gcr.io/team/app"), &arena, &ref, &e));
	assert_int_equal(e.kind, ERR_INTERNAL);
}

static void the_result_does_not_point_into_the_input(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);
	char text[] = "gcr.io/app:tag";
	struct image_ref ref;

	(void)state;
	assert_true(image_ref_parse(str_of(text), &arena, &ref, NULL));
	memset(text, 'x', sizeof(text) - 1);
	assert_true(str_eq_c(ref.repository, "gcr.io/app"));
	assert_true(str_eq_c(ref.tag, "tag"));
}

static const struct {
	const char *text; /* with the marks of the table */
	bool valid;
} digests[] = {
	{"sha256:{64}", true},
	{"sha384:{96}", true},
	{"sha512:{128}", true},
	{"", false},
	{":", false},
	{"sha256", false},
	{"sha256:", false},
	{"{64}", false},
	{":{64}", false},
	{"sha256:{63}", false},
	{"sha256:{65}", false},
	{"sha256:{128}", false},
	{"sha512:{64}", false},
	{"sha384:{64}", false},
	{"SHA256:{64}", false},
	{"sha1:{40}", false},
	{"sha256:{A*64}", false},
	{"sha256:{63}g", false},
	{"sha256::{63}", false},
	{" sha256:{64}", false},
	{"sha256:{64} ", false},
	{"sha256:{64}\n", false},
	{"@sha256:{64}", false},
	{"sha256:*", false},
};

static void CVE_2024_3727_a_digest_has_exactly_its_digits(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);

	(void)state;
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (image_digest_valid(row_expand(str_of(digests[i].text), &arena)) != digests[i].valid)
			fail_msg("%s", digests[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_table_holds),
		cmocka_unit_test(every_example_of_the_document_holds),
		cmocka_unit_test(the_normal_form_of_a_normal_form_is_itself),
		cmocka_unit_test(refuses_bytes_outside_printable_ascii),
		cmocka_unit_test(no_byte_but_the_grammar_s_can_stand_anywhere),
		cmocka_unit_test(leaves_the_output_alone_on_failure),
		cmocka_unit_test(splits_into_host_path_tag_and_digest),
		cmocka_unit_test(a_repository_is_read_without_tag_and_digest),
		cmocka_unit_test(without_memory_the_error_is_internal),
		cmocka_unit_test(the_result_does_not_point_into_the_input),
		cmocka_unit_test(CVE_2024_3727_a_digest_has_exactly_its_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
