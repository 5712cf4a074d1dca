#include <signal.h>
#include <stdio.h>

#include "cli/verbs.h"

enum { HELP_MAX = 256 * 1024 };

CLEANUP_VALUE(option_list, struct option_list, option_list_release)

static int print_overview(void)
{
	cleanup(buf) struct buf out = buf_init(HELP_MAX);

	verbs_help(&out);
	return verb_print("--help", &out, EXIT_YES);
}

static int print_help(const struct verb *verb)
{
	cleanup(buf) struct buf out = buf_init(HELP_MAX);

	options_help(verb->table, &out);
	return verb_print(verb->name, &out, EXIT_YES);
}

static int refuse_unknown(int argc, char **argv)
{
	cleanup(buf) struct buf out = buf_init(HELP_MAX);

	verbs_unknown(argc, argv, &out);
	fprintf(stderr, "sealgate: %.*s\n", STR_ARG(buf_str(&out)));
	return EXIT_UNKNOWN;
}

static bool check_arguments(const struct verb *verb, const struct option_list *arguments, struct err *e)
{
	if (verb->arguments == ARGUMENTS_ANY)
		return true;
	if (arguments->count < verb->arguments)
		return err_set(e, ERR_INVALID, "too few arguments; usage: %s", verb->table->synopsis);
	if (arguments->count > verb->arguments)
		return err_set(e, ERR_INVALID, "unexpected argument \"%s\"; usage: %s",
			       arguments->items[verb->arguments], verb->table->synopsis);
	return true;
}

static int parse_and_run(const struct verb *verb, int argc, char **argv, struct verb_options *options)
{
	cleanup(option_list) struct option_list arguments = {0};
	struct err e = ERR_INIT;

	if (!options_parse(verb->table, argc, argv, options, &arguments, &e))
		return verb_fail(verb->name, &e);
	if (options->help)
		return print_help(verb);
	verb_use_json(options->output && str_eq_c(str_of(options->output), "json"));
	if (!check_arguments(verb, &arguments, &e))
		return verb_fail(verb->name, &e);
	return verb->run(options, &arguments);
}

/* argv[0] is the verb's last word. */
static int run(const struct verb *verb, int argc, char **argv)
{
	cleanup(memory) void *options = calloc(1, verb->options_size);
	struct err e = ERR_INIT;
	int status;

	if (!options) {
		err_no_memory(&e);
		return verb_fail(verb->name, &e);
	}
	if (options_defaults(verb->table, options, &e))
		status = parse_and_run(verb, argc, argv, options);
	else
		status = verb_fail(verb->name, &e);
	options_release(verb->table, options);
	return status;
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	int words = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		fprintf(stderr, "usage: sealgate VERB [options]; sealgate --help lists the verbs\n");
		return EXIT_UNKNOWN;
	}
	if (str_eq_c(str_of(argv[1]), "--help") || str_eq_c(str_of(argv[1]), "-h"))
		return print_overview();
	if (str_eq_c(str_of(argv[1]), "--version"))
		return puts("sealgate " SEALGATE_VERSION) < 0 ? EXIT_UNKNOWN : EXIT_YES;
	verb = verbs_find(argc, argv, &words);
	return verb ? run(verb, argc - words, argv + words) : refuse_unknown(argc, argv);
}
