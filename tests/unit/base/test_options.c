#include "base/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct target {
	bool verbose;
	const char *file;
	const char *format;
	struct option_list names;
	const char *output;
};

static const struct option options[] = {
	{.name = "verbose",
	 .letter = 'v',
	 .type = OPTION_SWITCH,
	 .offset = offsetof(struct target, verbose),
	 .help = "Says more"},
	{.name = "file",
	 .letter = 'f',
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct target, file),
	 .value = "FILE",
	 .help = "What to read"},
	{.name = "format",
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct target, format),
	 .value = "WORD",
	 .choices = "json|text",
	 .standard = "json",
	 .help = "How lines look"},
	{.name = "name",
	 .type = OPTION_LIST,
	 .offset = offsetof(struct target, names),
	 .value = "NAME",
	 .standard = "first",
	 .help = "Adds a name"},
	{.name = "output",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct target, output),
	 .value = "FILE",
	 .help = "Where it goes",
	 .flag_only = true},
	{.name = "secret-page", .type = OPTION_SWITCH, .offset = offsetof(struct target, verbose)},
};

static const struct option_table table = {
	.synopsis = "program [options] ARGUMENT...",
	.summary = "Does one thing - well",
	.detail = "First paragraph.\n\n.Second paragraph begins with a dot and is long enough that it has to be broken "
		  "over two "
		  "lines of help.",
	.examples = "program -f a.yaml\nprogram --name=x -- -y",
	.exit_status = "0: yes.",
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

/* Parses the words (NULL-terminated, without the program's name). */
static bool parse(struct target *target, struct option_list *arguments, struct err *e, char **words)
{
	int argc = 0;
	while (words[argc])
		argc++;
	assert_true(options_defaults(&table, target, NULL));
	return options_parse(&table, argc, words, target, arguments, e);
}
#define WORDS(...) ((char *[]){"program", __VA_ARGS__, NULL})

static void takes_every_form_of_a_value(void **state)
{
	(void)state;
	char **forms[] = {WORDS("--file", "a"), WORDS("--file=a"), WORDS("-f", "a"), WORDS("-fa")};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct target target = {0};
		struct err e = ERR_INIT;
		assert_true(parse(&target, NULL, &e, forms[i]));
		assert_string_equal(target.file, "a");
		options_release(&table, &target);
		assert_null(target.file);
	}
}

static void sets_defaults_and_lets_flags_replace_them(void **state)
{
	(void)state;
	struct target target = {0};
	struct err e = ERR_INIT;
	assert_true(options_defaults(&table, &target, NULL));
	assert_string_equal(target.format, "json");
	assert_int_equal(target.names.count, 1);
	assert_false(target.names.given);
	options_release(&table, &target);
	assert_true(parse(&target, NULL, &e, WORDS("--name", "x", "--format=text", "--name=y", "-v")));
	assert_string_equal(target.format, "text");
	assert_int_equal(target.names.count, 2);
	assert_string_equal(target.names.items[0], "x");
	assert_string_equal(target.names.items[1], "y");
	assert_true(target.names.given);
	assert_false(target.names.cleared);
	assert_true(target.verbose);
	options_release(&table, &target);
}

static void an_empty_value_clears_a_list(void **state)
{
	(void)state;
	struct target target = {0};
	struct err e = ERR_INIT;
	assert_true(parse(&target, NULL, &e, WORDS("--name", "x", "--name=", "--name", "y")));
	assert_true(target.names.given);
	assert_true(target.names.cleared);
	assert_int_equal(target.names.count, 1);
	assert_string_equal(target.names.items[0], "y");
	options_release(&table, &target);
}

static void keeps_arguments_apart(void **state)
{
	(void)state;
	struct target target = {0};
	struct option_list arguments = {0};
	struct err e = ERR_INIT;
	assert_true(parse(&target, &arguments, &e, WORDS("one", "-", "-v", "two", "--", "--file", "-f")));
	const char *expected[] = {"one", "-", "two", "--file", "-f"};
	assert_int_equal(arguments.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(arguments.items[i], expected[i]);
	assert_true(target.verbose);
	assert_null(target.file);
	option_list_release(&arguments);
	options_release(&table, &target);
}

static void a_switch_can_be_switched_off(void **state)
{
	(void)state;
	struct target target = {0};
	struct err e = ERR_INIT;
	assert_true(options_set(&table, "verbose", STR("true"), &target, &e));
	assert_true(parse(&target, NULL, &e, WORDS("--verbose=false")));
	assert_false(target.verbose);
	options_release(&table, &target);
}

static void refuses_bad_words(void **state)
{
	(void)state;
	const struct {
		char **words;
		const char *text;
	} cases[] = {
		{WORDS("--fiel", "a"), "--fiel: unknown option (did you mean --file?)"},
		{WORDS("--quite-another"), "--quite-another: unknown option"},
		{WORDS("--"
		       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		       "aaaaaaaaa=x"),
		 NULL},
		{WORDS("-x"), "-x: unknown option"},
		{WORDS("--file"), "--file: needs a value"},
		{WORDS("-f"), "-f: needs a value"},
		{WORDS("--file", "--verbose"), "--file: needs a value (write a value that begins with -- after a =)"},
		{WORDS("--file", "a", "--file", "a"), "--file: given twice"},
		{WORDS("-v", "--verbose"), "--verbose: given twice"},
		{WORDS("--verbose=yes"), "--verbose: must be true or false"},
		{WORDS("--format", "xml"), "--format: must be one of json|text"},
		{WORDS("--format="), "--format: must be one of json|text"},
		{WORDS("--format=json|text"), "--format: must be one of json|text"},
		{WORDS("--fil", "a"), "--fil: unknown option (did you mean --file?)"},
		{WORDS("--=a"), "--: unknown option"},
		{WORDS("-v", "stray"), "stray: unexpected argument"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target target = {0};
		struct err e = ERR_INIT;
		assert_false(parse(&target, NULL, &e, cases[i].words));
		assert_int_equal(e.kind, ERR_INVALID);
		if (cases[i].text)
			assert_string_equal(e.text, cases[i].text);
		options_release(&table, &target);
	}
}

static void a_failed_parse_leaves_the_arguments_alone(void **state)
{
	(void)state;
	struct target target = {0};
	struct option_list arguments = {0};
	struct err e = ERR_INIT;
	assert_false(parse(&target, &arguments, &e, WORDS("one", "--unknown")));
	assert_null(arguments.items);
	assert_int_equal(arguments.count, 0);
	options_release(&table, &target);
}

static void flags_win_over_the_configuration(void **state)
{
	(void)state;
	struct target target = {0};
	struct err e = ERR_INIT;
	assert_true(options_defaults(&table, &target, NULL));
	assert_true(options_set(&table, "file", STR("from-config"), &target, &e));
	assert_true(options_set(&table, "name", STR("a"), &target, &e));
	assert_true(options_set(&table, "name", STR("b"), &target, &e));
	assert_int_equal(target.names.count, 2);
	assert_string_equal(target.names.items[0], "a");
	assert_true(options_parse(&table, 4, WORDS("--file", "from-flag", "--name=c"), &target, NULL, &e));
	assert_string_equal(target.file, "from-flag");
	assert_int_equal(target.names.count, 1);
	assert_string_equal(target.names.items[0], "c");
	options_release(&table, &target);
}

static void refuses_bad_configuration_keys(void **state)
{
	(void)state;
	const struct {
		const char *name;
		struct str value;
		const char *text;
	} cases[] = {
		{"fil", STR("a"), "fil: unknown option (did you mean file?)"},
		{"output", STR("a"), "output: is a flag only, not a key of the configuration file"},
		{"verbose", STR("1"), "verbose: must be true or false"},
		{"format", STR("JSON"), "format: must be one of json|text"},
		{"file", STR("a\0b"), "file: must not contain a NUL"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target target = {0};
		struct err e = ERR_INIT;
		assert_false(options_set(&table, cases[i].name, cases[i].value, &target, &e));
		assert_int_equal(e.kind, ERR_INVALID);
		assert_string_equal(e.text, cases[i].text);
		options_release(&table, &target);
	}
}

static void help_names_every_option_within_80_columns(void **state)
{
	(void)state;
	cleanup(buf) struct buf out = buf_init(65536);
	options_help(&table, &out);
	assert_non_null(strstr(out.data, "usage: program [options] ARGUMENT...\n"));
	assert_non_null(strstr(out.data, "  -f, --file FILE\n      What to read\n"));
	assert_non_null(strstr(out.data, "How lines look (json|text) (default json)\n"));
	assert_non_null(strstr(out.data, "Adds a name; may be given several times (default first)\n"));
	assert_non_null(strstr(out.data, "  program --name=x -- -y\n"));
	assert_null(strstr(out.data, "secret-page"));
	size_t column = 0;
	for (size_t i = 0; i < out.len; i++) {
		column = out.data[i] == '\n' ? 0 : column + 1;
		assert_true(column <= 80);
	}
}

static void man_page_escapes_what_roff_would_read(void **state)
{
	(void)state;
	cleanup(buf) struct buf out = buf_init(65536);
	options_man(&table, "program-x", "8", "program(1)", &out);
	const char *parts[] = {".TH \"program\\-x\" 8",
			       ".SH NAME\nprogram\\-x \\- Does one thing \\- well\n",
			       ".SH SYNOPSIS\n",
			       ".SH DESCRIPTION\nFirst paragraph.\n.PP\n\\&.Second",
			       "\\fB\\-f\\fR, \\fB\\-\\-file\\fR \\fIFILE\\fR\nWhat to read.\n",
			       ".SH EXAMPLES\n.nf\nprogram \\-f a.yaml\n",
			       ".SH EXIT STATUS\n0: yes.\n",
			       ".SH SEE ALSO\nprogram(1)\n"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_non_null(strstr(out.data, parts[i]));
	assert_null(strstr(out.data, "secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_form_of_a_value),
		cmocka_unit_test(sets_defaults_and_lets_flags_replace_them),
		cmocka_unit_test(an_empty_value_clears_a_list),
		cmocka_unit_test(keeps_arguments_apart),
		cmocka_unit_test(a_switch_can_be_switched_off),
		cmocka_unit_test(refuses_bad_words),
		cmocka_unit_test(a_failed_parse_leaves_the_arguments_alone),
		cmocka_unit_test(flags_win_over_the_configuration),
		cmocka_unit_test(refuses_bad_configuration_keys),
		cmocka_unit_test(help_names_every_option_within_80_columns),
		cmocka_unit_test(man_page_escapes_what_roff_would_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
