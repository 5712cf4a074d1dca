#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/verbs.h"

#define WORDS(...) ((char *[]){"sealgate", __VA_ARGS__, NULL})

static int count_of(char **words)
{
	int n = 0;

	while (words[n])
		n++;
	return n;
}

static const struct verb *find(char **words, int *used)
{
	return verbs_find(count_of(words), words, used);
}

static void verbs_of_one_and_of_two_words(void **state)
{
	int words = 0;

	(void)state;
	assert_ptr_equal(find(WORDS("sign", "image"), &words), &verb_sign);
	assert_int_equal(words, 1);
	assert_ptr_equal(find(WORDS("certs", "renew", "--dir", "d"), &words), &verb_certs_renew);
	assert_int_equal(words, 2);
	assert_ptr_equal(find(WORDS("man"), &words), &verb_man);
}

static void a_verb_is_its_whole_name(void **state)
{
	int words = 0;

	(void)state;
	assert_null(find(WORDS("certs"), &words));
	assert_null(find(WORDS("certs", "in"), &words));
	assert_null(find(WORDS("init"), &words));
	assert_null(find(WORDS("sig"), &words));
	assert_null(find(WORDS("Sign"), &words));
	assert_null(find(WORDS("certs init"), &words));
	assert_null(find(WORDS(""), &words));
}

static void a_mistake_names_what_was_probably_meant(void **state)
{
	static const struct {
		const char *first, *second;
		const char *says;
	} rows[] = {
		{"sgin", NULL, "did you mean \"sign\"?"},
		{"verfy", "image", "did you mean \"verify\"?"},
		{"certs", "reenw", "did you mean \"certs renew\"?"},
		{"certs", NULL, "\"certs init\", \"certs renew\", \"certs show\""},
		{"frobnicate", NULL, "sealgate --help lists them"},
		{"a\x1b[1m", NULL, "a\\x1b[1m"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *words[] = {"sealgate", (char *)rows[i].first, (char *)rows[i].second, NULL};
		cleanup(buf) struct buf out = buf_init(4096);

		verbs_unknown(count_of(words), words, &out);
		if (!strstr(out.data, rows[i].says))
			fail_msg("%s: %s", rows[i].first, out.data);
	}
}

/* Options that every verb has are rows of its table, and the struct of the options begins with them. */
static void every_verb_has_output_help_and_its_words(void **state)
{
	const struct verb *verb;

	(void)state;
	for (size_t i = 0; (verb = verbs_at(i)) != NULL; i++) {
		bool output = false, help = false;

		for (size_t o = 0; o < verb->table->count; o++) {
			const struct option *option = &verb->table->options[o];

			output |= str_eq_c(str_of(option->name), "output") &&
				  option->offset == offsetof(struct verb_options, output);
			help |= str_eq_c(str_of(option->name), "help") &&
				option->offset == offsetof(struct verb_options, help);
			assert_true(option->offset < verb->options_size);
		}
		if (!output || !help || !verb->table->summary || !verb->table->detail || !verb->table->examples ||
		    !verb->table->exit_status || !strstr(verb->table->synopsis, verb->name))
			fail_msg("%s lacks something", verb->name);
	}
}

static void help_and_manual_name_every_verb(void **state)
{
	cleanup(buf) struct buf help = buf_init(1u << 16);
	cleanup(buf) struct buf man = buf_init(1u << 16);
	const struct verb *verb;

	(void)state;
	verbs_help(&help);
	verbs_man(&man);
	for (size_t i = 0; (verb = verbs_at(i)) != NULL; i++) {
		assert_non_null(strstr(help.data, verb->name));
		assert_non_null(strstr(man.data, verb->name));
	}
	assert_null(strstr(help.data, "  man "));
}

/* Names that are given twice would hide one option behind the other. */
static void no_verb_has_an_option_twice(void **state)
{
	const struct verb *verb;

	(void)state;
	for (size_t i = 0; (verb = verbs_at(i)) != NULL; i++)
		for (size_t a = 0; a < verb->table->count; a++)
			for (size_t b = a + 1; b < verb->table->count; b++)
				if (str_eq_c(str_of(verb->table->options[a].name), verb->table->options[b].name))
					fail_msg("%s has --%s twice", verb->name, verb->table->options[a].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs_of_one_and_of_two_words),
		cmocka_unit_test(a_verb_is_its_whole_name),
		cmocka_unit_test(a_mistake_names_what_was_probably_meant),
		cmocka_unit_test(every_verb_has_output_help_and_its_words),
		cmocka_unit_test(help_and_manual_name_every_verb),
		cmocka_unit_test(no_verb_has_an_option_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
