#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "policy/pattern.h"
#include "tests/unit/policy/rows.h"

enum { ARENA = 4 << 20 };

static struct str parsed(struct str text, struct arena *arena)
{
	struct image_pattern p;
	struct err e = ERR_INIT;

	if (!image_pattern_parse(text, arena, &p, &e)) {
		assert_int_equal(e.kind, ERR_INVALID);
		return arena_printf(arena, "! %s", e.text);
	}
	assert_true(str_eq(p.text, text));
	return arena_printf(arena, "= %.*s/%.*s%s%.*s%s%.*s", STR_ARG(p.host), STR_ARG(p.path), p.tag.len ? ":" : "",
			    STR_ARG(p.tag), p.digest.len ? "@" : "", STR_ARG(p.digest));
}

static bool matches(struct str pattern, struct str image, struct arena *arena)
{
	struct image_pattern p;
	struct image_ref ref;
	struct err e = ERR_INIT;

	if (!image_pattern_parse(pattern, arena, &p, &e) || !image_ref_parse(image, arena, &ref, &e))
		fail_msg("%.*s, %.*s: %s", STR_ARG(pattern), STR_ARG(image), e.text);
	return image_pattern_matches(&p, &ref);
}

static struct str outcome(struct row row, struct arena *arena)
{
	struct str image = str_trim(str_skip(row.expected, str_find(row.expected, ' ')));

	if (row.expected.ptr[0] == '=' || row.expected.ptr[0] == '!')
		return parsed(row.input, arena);
	return matches(row.input, image, arena) ? arena_printf(arena, "yes %.*s", STR_ARG(image))
						: arena_printf(arena, "no  %.*s", STR_ARG(image));
}

static size_t check_rows(struct rows rows)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct row row;
	size_t count = 0;

	for (; rows_next(&rows, &arena, &row); count++) {
		struct str found = outcome(row, &arena);

		if (!str_eq(found, row.expected))
			fail_msg("line %zu: %.*s\n  expected %.*s\n  found    %.*s", row.line, STR_ARG(row.input),
				 STR_ARG(row.expected), STR_ARG(found));
	}
	return count;
}

static void every_row_of_the_table_holds(void **state)
{
	cleanup(buf) struct buf file = buf_init(1 << 20);

	(void)state;
	assert_true(check_rows(rows_open("tests/data/images/patterns.txt", &file)) > 120);
}

static void every_example_of_the_document_holds(void **state)
{
	cleanup(buf) struct buf file = buf_init(1 << 20);

	(void)state;
	assert_true(check_rows(rows_open_block("docs/FORMATS.md", "image-patterns", &file)) > 18);
}

static void a_plain_reference_is_a_pattern_of_itself_alone(void **state)
{
	cleanup(buf) struct buf file = buf_init(1 << 20);
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct rows rows;
	struct row row;
	size_t count = 0;

	(void)state;
	rows = rows_open("tests/data/images/references.txt", &file);
	while (rows_next(&rows, &arena, &row)) {
		struct image_pattern p;

		if (row.expected.ptr[0] == '!' || !image_pattern_parse(row.input, &arena, &p, NULL))
			continue;
		assert_true(matches(row.input, row.input, &arena));
		assert_false(matches(row.input, STR("other.example.com/x/y/z"), &arena));
		count++;
	}
	assert_true(count > 50);
}

static void leaves_the_output_alone_on_failure(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct image_pattern p = {.text = STR("untouched")};

	(void)state;
	assert_false(image_pattern_parse(STR("gcr.io/a**"), &arena, &p, NULL));
	assert_true(str_eq_c(p.text, "untouched"));
	assert_false(image_pattern_parse(STR(""), &arena, &p, NULL));
	assert_false(image_pattern_parse(STR("gcr.io/a b"), &arena, &p, NULL));
	assert_false(image_pattern_parse(STR("gcr.io/a\n"), &arena, &p, NULL));
	assert_false(image_pattern_parse(str_make("gcr.io/a\0", 9), &arena, &p, NULL));
}

/* Stars and near misses that make a careless matcher try every split. */
static void hostile_patterns_cost_little(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);
	struct str stars = row_expand(STR("gcr.io/a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"), &arena);
	struct str folders = row_expand(STR("gcr.io/**/a*/**/a*/**/a*/**/a*/**/a*/**/a*/**/a*/**/b"), &arena);
	struct str image = row_expand(STR("gcr.io/{a*255}"), &arena);
	struct str deep = row_expand(STR("gcr.io/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/"
					 "aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa/aa"),
				     &arena);
	int64_t start = clock_monotonic_ms();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_false(matches(stars, image, &arena));
		assert_false(matches(folders, deep, &arena));
	}
	/* An exponential matcher would not end in years. */
	assert_true(clock_monotonic_ms() - start < 60000);
}

static const struct {
	const char *pattern;
	const char *name;
	bool matches;
} names[] = {
	{"prod", "prod", true},
	{"prod", "prod-eu", false},
	{"prod", "my-prod", false},
	{"prod", "Prod", false},
	{"prod", "", false},
	{"prod-*", "prod-eu", true},
	{"prod-*", "prod-", true},
	{"prod-*", "prod", false},
	{"prod-*", "myprod-eu", false},
	{"*", "", true},
	{"*", "anything", true},
	{"**", "", true},
	{"**", "any/thing", true},
	{"*-prod", "eu-prod", true},
	{"*-prod", "eu-prod-x", false},
	{"a*b*c", "abc", true},
	{"a*b*c", "a-b-b-c", true},
	{"a*b*c", "a-c-b", false},
	{"*ab", "aab", true},
	{"apps/Deployment", "apps/Deployment", true},
	{"apps/*", "apps/StatefulSet", true},
	{"apps/*", "Pod", false},
	{"*", "apps/Deployment", true},
	{"Pod", "Pods", false},
	{"prod:*", "prod:deployer", true},
	{"prod:*", "prod-evil:deployer", false},
	{"p?d", "pod", false},
	{"p?d", "p?d", true},
	{"[a-z]", "a", false},
	{"", "", true},
	{"", "a", false},
};

static void a_name_pattern_knows_the_star_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (name_pattern_matches(str_of(names[i].pattern), str_of(names[i].name)) != names[i].matches)
			fail_msg("%s, %s", names[i].pattern, names[i].name);
}

/* The definition of `*`, written as slow and plain as it can be. */
static bool slow_glob(const char *pattern, const char *text, bool empty)
{
	if (*pattern == 0)
		return *text == 0;
	if (*pattern != '*')
		return *text == *pattern && slow_glob(pattern + 1, text + 1, empty);
	if (empty && slow_glob(pattern + 1, text, empty))
		return true;
	return *text && (slow_glob(pattern + 1, text + 1, empty) || slow_glob(pattern, text + 1, empty));
}

/* Texts are slices of longer ones: what stands behind them is nobody's. */
static void what_stands_behind_a_text_does_not_count(void **state)
{
	static const char *const texts[] = {"", "a", "b", "ab", "aa", "aab"};
	static const char *const patterns[] = {"", "a", "*", "a*", "*a", "ab", "a*b", "**", "aa"};
	static const char *const behind[] = {"*", "a", "b", "**", "ab*", "aaaa"};
	const size_t n = sizeof(behind) / sizeof(behind[0]);

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
			for (size_t m = 0; m < n * n; m++) {
				char pattern[16], text[16];

				snprintf(pattern, sizeof(pattern), "%s%s", patterns[i], behind[m % n]);
				snprintf(text, sizeof(text), "%s%s", texts[k], behind[m / n]);
				if (name_pattern_matches(str_make(pattern, strlen(patterns[i])),
							 str_make(text, strlen(texts[k]))) !=
				    slow_glob(patterns[i], texts[k], true))
					fail_msg("%s before %s, %s before %s", patterns[i], behind[m % n], texts[k],
						 behind[m / n]);
			}
}

/* A star takes at least one byte, so that it counts; two together may take none. */
static void a_path_that_no_image_can_have_is_refused(void **state)
{
	cleanup(arena) struct arena arena = arena_init(ARENA);

	(void)state;
	for (size_t length = LIMIT_IMAGE_PATH - 1; length <= LIMIT_IMAGE_PATH + 1; length++) {
		cleanup(buf) struct buf text = buf_init(4096);
		struct image_pattern pattern;
		const size_t host = strlen("gcr.io/");

		buf_add_c(&text, "gcr.io/");
		while (text.len + 2 < host + length)
			buf_add_c(&text, "*/");
		buf_add_c(&text, text.len + 1 < host + length ? "aa" : "a");
		assert_int_equal(text.len, host + length);
		assert_int_equal(image_pattern_parse(buf_str(&text), &arena, &pattern, NULL),
				 length <= LIMIT_IMAGE_PATH);
	}
}

/* The `number`-th word over the alphabet; digits from the right. */
static void word(unsigned number, const char *alphabet, char out[8])
{
	size_t base = strlen(alphabet);
	size_t len = 0;

	for (; number; number = (number - 1) / (unsigned)base)
		out[len++] = alphabet[(number - 1) % base];
	out[len] = 0;
}

static void every_short_name_agrees_with_the_definition(void **state)
{
	char pattern[8], name[8];

	(void)state;
	for (unsigned p = 0; p < 364; p++)
		for (unsigned n = 0; n < 255; n++) {
			word(p, "*ab", pattern);
			word(n, "ab", name);
			if (name_pattern_matches(str_of(pattern), str_of(name)) != slow_glob(pattern, name, true))
				fail_msg("%s, %s", pattern, name);
		}
}

static void every_short_segment_agrees_with_the_definition(void **state)
{
	struct image_pattern pattern = {.host = STR("gcr.io")};
	struct image_ref ref = {.host = STR("gcr.io")};
	char p_text[8], r_text[8];

	(void)state;
	for (unsigned p = 1; p < 364; p++)
		for (unsigned n = 1; n < 255; n++) {
			word(p, "*ab", p_text);
			word(n, "ab", r_text);
			if (strstr(p_text, "**"))
				continue;
			pattern.path = str_of(p_text);
			ref.path = str_of(r_text);
			if (image_pattern_matches(&pattern, &ref) != slow_glob(p_text, r_text, false))
				fail_msg("%s, %s", p_text, r_text);
		}
}

enum { SEGMENTS_MAX = 5 };

struct segments {
	const char *at[SEGMENTS_MAX];
	size_t count;
	char text[4 * SEGMENTS_MAX];
};

/* The path whose segments are the digits of `number`. */
static struct segments segments_of(unsigned number, const char *const *kinds, unsigned kind_count)
{
	struct segments s = {.count = 0};
	size_t used = 0;

	for (; number && s.count < SEGMENTS_MAX; number = (number - 1) / kind_count) {
		s.at[s.count] = kinds[(number - 1) % kind_count];
		used += (size_t)snprintf(s.text + used, sizeof(s.text) - used, "%s%s", s.count ? "/" : "",
					 s.at[s.count]);
		s.count++;
	}
	return s;
}

static bool slow_path(const char *const *p, size_t p_count, const char *const *t, size_t t_count)
{
	if (p_count == 0 || t_count == 0)
		return p_count == t_count;
	if (strcmp(p[0], "**") == 0)
		return slow_path(p + 1, p_count - 1, t + 1, t_count - 1) || slow_path(p, p_count, t + 1, t_count - 1);
	return slow_glob(p[0], t[0], false) && slow_path(p + 1, p_count - 1, t + 1, t_count - 1);
}

static void every_short_path_agrees_with_the_definition(void **state)
{
	static const char *const pattern_kinds[] = {"a", "**", "b*"};
	static const char *const path_kinds[] = {"a", "bb"};
	struct image_pattern pattern = {.host = STR("h.io")};
	struct image_ref ref = {.host = STR("h.io")};

	(void)state;
	for (unsigned p = 1; p < 364; p++)
		for (unsigned n = 1; n < 63; n++) {
			struct segments wanted = segments_of(p, pattern_kinds, 3);
			struct segments given = segments_of(n, path_kinds, 2);

			pattern.path = str_of(wanted.text);
			ref.path = str_of(given.text);
			if (image_pattern_matches(&pattern, &ref) !=
			    slow_path(wanted.at, wanted.count, given.at, given.count))
				fail_msg("%s, %s", wanted.text, given.text);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_table_holds),
		cmocka_unit_test(every_example_of_the_document_holds),
		cmocka_unit_test(a_plain_reference_is_a_pattern_of_itself_alone),
		cmocka_unit_test(leaves_the_output_alone_on_failure),
		cmocka_unit_test(hostile_patterns_cost_little),
		cmocka_unit_test(a_name_pattern_knows_the_star_alone),
		cmocka_unit_test(what_stands_behind_a_text_does_not_count),
		cmocka_unit_test(a_path_that_no_image_can_have_is_refused),
		cmocka_unit_test(every_short_name_agrees_with_the_definition),
		cmocka_unit_test(every_short_segment_agrees_with_the_definition),
		cmocka_unit_test(every_short_path_agrees_with_the_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
