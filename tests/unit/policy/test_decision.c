#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "policy/evaluate.h"
#include "policy/reason.h"

enum { MANY = 10000 };

static struct str message(const struct decision *decision, struct buf *out)
{
	buf_clear(out);
	decision_message(decision, out);
	assert_true(buf_ok(out, NULL));
	return buf_str(out);
}

static void findings_are_joined_in_their_order(void **state)
{
	const struct finding findings[] = {{.text = STR("first")}, {.text = STR("second")}, {.text = STR("third")}};
	const struct decision d = {.findings = findings, .finding_count = 3};
	cleanup(buf) struct buf out = buf_init(1 << 16);

	(void)state;
	assert_true(str_eq_c(message(&d, &out), "first; second; third"));
}

static void what_does_not_deny_is_not_in_the_deny_message(void **state)
{
	const struct finding findings[] = {{.text = STR("w"), .enforcement = ENFORCE_WARN},
					   {.text = STR("first")},
					   {.text = STR("a"), .enforcement = ENFORCE_AUDIT},
					   {.text = STR("second")},
					   {.text = STR("w"), .enforcement = ENFORCE_WARN}};
	struct decision d = {.findings = findings, .finding_count = 5};
	cleanup(buf) struct buf out = buf_init(1 << 16);

	(void)state;
	assert_true(str_eq_c(message(&d, &out), "first; second"));
	d.finding_count = 1;
	assert_int_equal(message(&d, &out).len, 0);
}

static void a_finding_that_fits_nowhere_is_counted(void **state)
{
	static char text[LIMIT_DENY_MESSAGE + 1];
	const struct finding findings[] = {{.text = str_make(text, sizeof(text))}, {.text = STR("second")}};
	const struct decision d = {.findings = findings, .finding_count = 2};
	cleanup(buf) struct buf out = buf_init(1 << 16);

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_true(str_eq_c(message(&d, &out), "and 2 more"));
}

/* Counts the findings that a message shows. */
static size_t shown(struct str text, char letter)
{
	size_t n = 0;

	while (text.len) {
		struct str part = str_head(text, str_find(text, ';'));

		n += str_trim(part).len && str_trim(part).ptr[0] == letter;
		text = str_skip(text, part.len + 1);
	}
	return n;
}

static size_t number_before_more(struct str text)
{
	struct str tail = str_skip(text, text.len > 16 ? text.len - 16 : 0);
	size_t n = 0;

	for (size_t i = 0; i < tail.len; i++)
		if (tail.ptr[i] >= '0' && tail.ptr[i] <= '9')
			n = n * 10 + (size_t)(tail.ptr[i] - '0');
	return n;
}

static void a_long_message_ends_in_the_exact_number_of_the_rest(void **state)
{
	static struct finding findings[MANY];
	static char text[LIMIT_FINDING_TEXT];
	cleanup(buf) struct buf out = buf_init(1 << 16);

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 1; len <= LIMIT_FINDING_TEXT; len += 89) {
		for (size_t i = 0; i < MANY; i++)
			findings[i] = (struct finding){.text = str_make(text, len)};
		for (size_t count = 1; count <= MANY; count = count * 3 + 1) {
			const struct decision d = {.findings = findings, .finding_count = count};
			struct str m = message(&d, &out);
			bool more = str_ends_with(m, STR(" more"));

			assert_true(m.len <= LIMIT_DENY_MESSAGE);
			assert_true(shown(m, 'x') >= 1);
			assert_int_equal(shown(m, 'x') + (more ? number_before_more(m) : 0), count);
			assert_true(more || m.len == count * (len + 2) - 2);
		}
	}
}

static void a_message_of_exactly_the_limit_is_whole(void **state)
{
	static char text[LIMIT_FINDING_TEXT];
	struct finding findings[] = {{.text = {text, 2047}}, {.text = {text, 2047}}};
	const struct decision d = {.findings = findings, .finding_count = 2};
	cleanup(buf) struct buf out = buf_init(1 << 16);

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(message(&d, &out).len, LIMIT_DENY_MESSAGE);
	findings[1].text.len++;
	assert_true(str_ends_with(message(&d, &out), STR("x; and 1 more")));
}

static void a_message_is_added_behind_what_stands_there(void **state)
{
	const struct finding findings[] = {{.text = STR("first")}};
	const struct decision d = {.findings = findings, .finding_count = 1};
	cleanup(buf) struct buf out = buf_init(1 << 16);

	(void)state;
	buf_add_c(&out, "before: ");
	decision_message(&d, &out);
	assert_true(str_eq_c(buf_str(&out), "before: first"));
}

static void only_allow_and_exempt_need_no_images(void **state)
{
	(void)state;
	for (int kind = DECISION_DENY; kind <= DECISION_BREAK_GLASS; kind++) {
		struct decision d = decision_without_images((enum decision_kind)kind);
		bool allowed = kind == DECISION_ALLOW || kind == DECISION_EXEMPT;

		assert_int_equal(d.allowed, allowed);
		assert_int_equal(d.kind, allowed ? kind : DECISION_DENY);
	}
	assert_false(decision_without_images((enum decision_kind)77).allowed);
}

static void a_refusal_carries_its_text(void **state)
{
	cleanup(arena) struct arena arena = arena_init(1 << 16);
	struct decision d = {.allowed = true};

	(void)state;
	decision_refuse(FINDING_TOO_MANY, STR("spec"), STR("Too many images: 10001\n(10000 at most)"), &arena, &d);
	assert_false(d.allowed);
	assert_int_equal(d.kind, DECISION_DENY);
	assert_int_equal(d.finding_count, 1);
	assert_int_equal(d.findings[0].class, FINDING_TOO_MANY);
	assert_int_equal(d.findings[0].enforcement, ENFORCE_DENY);
	assert_true(str_eq_c(d.findings[0].path, "spec"));
	assert_true(str_eq_c(d.findings[0].text, "Too many images: 10001\\n(10000 at most)"));
}

static void a_refusal_needs_no_memory(void **state)
{
	(void)state;
	for (size_t memory = 0; memory < 256; memory += 16) {
		cleanup(arena) struct arena arena = arena_init(memory);
		struct decision d = {.allowed = true, .kind = DECISION_ALLOW};

		decision_refuse(FINDING_TOO_MANY, STR("spec"), STR("Too many images: 10001"), &arena, &d);
		assert_false(d.allowed);
		assert_int_equal(d.kind, DECISION_DENY);
		assert_int_equal(d.finding_count, 1);
		assert_true(str_starts_with(d.findings[0].text, STR("Too ")));
	}
}

static void kinds_have_the_names_of_the_audit_annotation(void **state)
{
	static const char *const names[] = {"deny", "allow", "warn", "audit", "exempt", "break-glass"};

	(void)state;
	for (int kind = DECISION_DENY; kind <= DECISION_BREAK_GLASS; kind++)
		assert_string_equal(decision_kind_name((enum decision_kind)kind), names[kind]);
	assert_string_equal(decision_kind_name((enum decision_kind)(sizeof(names) / sizeof(names[0]))), "deny");
	assert_string_equal(decision_kind_name((enum decision_kind)99), "deny");
	assert_string_equal(decision_kind_name((enum decision_kind) - 1), "deny");
}

static const struct {
	struct str text;
	const char *shown;
} texts[] = {
	{{"", 0}, ""},
	{{"gcr.io/a:b", 10}, "gcr.io/a:b"},
	{{"a b", 3}, "a b"},
	{{"a\nb", 3}, "a\\nb"},
	{{"a\r\n\tb", 5}, "a\\r\\n\\tb"},
	{{"a\0b", 3}, "a\\x00b"},
	{{"\x1b[2J", 4}, "\\x1b[2J"},
	{{"\x7f", 1}, "\\x7f"},
	{{"\x0b\x0c", 2}, "\\x0b\\x0c"},
	{{"\xff\xfe", 2}, "\\xff\\xfe"},
	{{"\xc3", 1}, "\\xc3"},
	{{"\xc0\x80", 2}, "\\xc0\\x80"},
	{{"\xed\xa0\x80", 3}, "\\xed\\xa0\\x80"},
	{{"b\xc3\xbc", 3}, "b\xc3\xbc"},
	{{"\xe2\x82\xac", 3}, "\xe2\x82\xac"},
	{{"\xf0\x9f\x98\x80", 4}, "\xf0\x9f\x98\x80"},
	{{"\xc2\x9b", 2}, "\\xc2\\x9b"},
	{{"\xc2\xa0", 2}, "\xc2\xa0"},
	{{"\xe2\x80\xa8", 3}, "\\xe2\\x80\\xa8"},
	{{"\xe2\x80\xae", 3}, "\\xe2\\x80\\xae"},
	{{"\xe2\x81\xa6", 3}, "\\xe2\\x81\\xa6"},
	{{"\xd8\x9c", 2}, "\\xd8\\x9c"},
	{{"\\n", 2}, "\\n"},
};

static void what_steers_a_terminal_is_escaped(void **state)
{
	cleanup(arena) struct arena arena = arena_init(1 << 16);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!str_eq_c(image_text_escape(texts[i].text, &arena), texts[i].shown))
			fail_msg("row %zu", i);
}

static void a_long_image_is_cut_between_characters(void **state)
{
	static const char *const units[] = {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\n", "\x1b"};
	cleanup(arena) struct arena arena = arena_init(1 << 20);

	(void)state;
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++)
		for (size_t before = 0; before < 5; before++) {
			cleanup(buf) struct buf text = buf_init(1 << 16);
			struct str found;

			buf_add(&text, str_make("xxxxx", before));
			for (int i = 0; i < 600; i++)
				buf_add_c(&text, units[u]);
			found = image_text_escape(buf_str(&text), &arena);
			assert_true(found.len <= LIMIT_IMAGE_TEXT && found.len > LIMIT_IMAGE_TEXT - 4);
			assert_true(line_is_plain(found));
			assert_int_equal((found.len - before) % (u < 4 ? strlen(units[u]) : u == 4 ? 2 : 4), 0);
		}
}

static void an_image_of_exactly_the_limit_is_whole(void **state)
{
	char text[LIMIT_IMAGE_TEXT + 1];
	cleanup(arena) struct arena arena = arena_init(1 << 16);

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(image_text_escape(str_make(text, LIMIT_IMAGE_TEXT), &arena).len, LIMIT_IMAGE_TEXT);
	assert_int_equal(image_text_escape(str_make(text, LIMIT_IMAGE_TEXT + 1), &arena).len, LIMIT_IMAGE_TEXT);
	text[0] = '\n';
	assert_int_equal(image_text_escape(str_make(text, LIMIT_IMAGE_TEXT), &arena).len, LIMIT_IMAGE_TEXT);
}

static void without_memory_an_escaped_text_has_no_pointer(void **state)
{
	cleanup(arena) struct arena arena = arena_init(0);

	(void)state;
	assert_null(image_text_escape(STR("a\n"), &arena).ptr);
	assert_true(str_eq_c(image_text_escape(STR("a"), &arena), "a"));
}

static void a_line_is_cut_at_its_maximum_and_says_so(void **state)
{
	struct line line;

	(void)state;
	line_init(&line, 10);
	line_add(&line, STR("0123456789"));
	assert_true(str_eq_c(line_str(&line), "0123456789"));
	assert_false(line.cut);
	line_add(&line, STR(""));
	assert_false(line.cut);
	line_add(&line, STR("x"));
	assert_true(str_eq_c(line_str(&line), "0123456..."));
	line_add(&line, STR("more"));
	line_printf(&line, "%s", "more");
	line_add_escaped(&line, STR("more\n"), 10);
	assert_true(str_eq_c(line_str(&line), "0123456..."));
	line_init(&line, 10);
	line_add(&line, STR("01234\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"));
	assert_true(str_eq_c(line_str(&line), "01234..."));
}

static void a_line_has_a_maximum_of_its_own(void **state)
{
	static char text[2 * LIMIT_FINDING_TEXT];
	struct line line;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	line_init(&line, sizeof(text));
	line_printf(&line, "%s", text);
	assert_int_equal(line.len, LIMIT_FINDING_TEXT);
	assert_int_equal(strlen(line.text), LIMIT_FINDING_TEXT);
	assert_true(line.cut);
}

static void each_class_has_its_first_words(void **state)
{
	static const char *const words[] = {
		[FINDING_REFERENCE] = "Container image is not a valid reference: I (P: D)",
		[FINDING_NO_DIGEST] = "Container image has no digest: I (P: D)",
		[FINDING_NO_POLICY] = "No policy selects container image: I (P: D)",
		[FINDING_SIGNATURES] = "No matched signatures for container image: I (P: D)",
		[FINDING_TOO_LATE] = "Too late to decide: I (P: D)",
		[FINDING_TOO_MANY] = "Too many images: I (P: D)",
		[FINDING_TOO_COMPLEX] = "Too complex: I (P: D)",
		[FINDING_UNREADABLE] = "Object can't be read: I (P: D)",
		[FINDING_NO_FACTS] = "No matched signatures for container image: I (P: D)",
		[FINDING_BAD_POLICY] = "No policy selects container image: I (P: D)",
	};
	struct line line;

	(void)state;
	for (int c = FINDING_REFERENCE; c <= FINDING_BAD_POLICY; c++) {
		line_init(&line, LIMIT_FINDING_TEXT);
		finding_line(&line, (enum finding_class)c, STR("I"), STR("P"), STR("D"));
		assert_string_equal(line.text, words[c]);
	}
}

static void every_reason_has_its_own_name_and_text(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		const char *name = verdict_reason_name((enum verdict_reason)i);

		assert_true(strlen(name) > 0 && strlen(verdict_reason_text((enum verdict_reason)i)) > 0);
		for (const char *c = name; *c; c++)
			assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(name, verdict_reason_name((enum verdict_reason)j));
			assert_string_not_equal(verdict_reason_text((enum verdict_reason)i),
						verdict_reason_text((enum verdict_reason)j));
		}
	}
	assert_string_equal(verdict_reason_name((enum verdict_reason)99), "not_verified");
	assert_string_equal(verdict_reason_text((enum verdict_reason) - 1), "not verified yet");
	assert_string_equal(verdict_reason_text(REASON_COUNT), "not verified yet");
	assert_string_equal(verdict_reason_name(REASON_COUNT), verdict_reason_name(REASON_NOT_VERIFIED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_joined_in_their_order),
		cmocka_unit_test(what_does_not_deny_is_not_in_the_deny_message),
		cmocka_unit_test(a_finding_that_fits_nowhere_is_counted),
		cmocka_unit_test(a_long_message_ends_in_the_exact_number_of_the_rest),
		cmocka_unit_test(a_message_of_exactly_the_limit_is_whole),
		cmocka_unit_test(a_message_is_added_behind_what_stands_there),
		cmocka_unit_test(only_allow_and_exempt_need_no_images),
		cmocka_unit_test(a_refusal_carries_its_text),
		cmocka_unit_test(a_refusal_needs_no_memory),
		cmocka_unit_test(kinds_have_the_names_of_the_audit_annotation),
		cmocka_unit_test(what_steers_a_terminal_is_escaped),
		cmocka_unit_test(a_long_image_is_cut_between_characters),
		cmocka_unit_test(an_image_of_exactly_the_limit_is_whole),
		cmocka_unit_test(without_memory_an_escaped_text_has_no_pointer),
		cmocka_unit_test(a_line_is_cut_at_its_maximum_and_says_so),
		cmocka_unit_test(a_line_has_a_maximum_of_its_own),
		cmocka_unit_test(each_class_has_its_first_words),
		cmocka_unit_test(every_reason_has_its_own_name_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
