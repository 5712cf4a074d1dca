/* Options declared once: flags, config keys, defaults, --help and the man page come from the same table. */
#ifndef SEALGATE_BASE_OPTIONS_H
#define SEALGATE_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum option_type {
	OPTION_SWITCH, /* bool: present or not; --name=true|false is accepted */
	OPTION_TEXT,   /* const char *: given once */
	OPTION_LIST,   /* struct option_list: repeatable */
	OPTION_CHOICE, /* const char *: one of `choices`, separated by '|' */
};

struct option_list {
	const char **items;
	size_t count;
	bool given;   /* also true when given empty, which clears a default */
	bool cleared; /* an empty value was given: neither a default nor what stood before it counts */
};

struct option {
	const char *name; /* without the dashes; also the config key */
	char letter;	  /* 'f' for -f, or 0 */
	enum option_type type;
	size_t offset;	      /* of the field in the caller's struct */
	const char *value;    /* what stands for the value in --help: "ADDR:PORT"; NULL for a switch */
	const char *choices;  /* OPTION_CHOICE only */
	const char *standard; /* the default as --help prints it and as it is set; NULL for none */
	const char *help;     /* one sentence, no final full stop; NULL hides the option */
	bool flag_only;	      /* not a config key: --config, --help, --version, --check-config */
};

/* What the table describes: a program or a verb. */
struct option_table {
	const char *synopsis;	 /* "sealgate sign IMAGE@DIGEST --key KEYID|FILE" */
	const char *summary;	 /* one sentence */
	const char *detail;	 /* paragraphs for --help and the man page, separated by empty lines; may be NULL */
	const char *examples;	 /* may be NULL */
	const char *exit_status; /* paragraphs like `detail`; NULL for none */
	const struct option *options;
	size_t count;
};

/* Sets the defaults in `target`, whose fields are all zero. Every text and list that the functions here put into
 * `target` is a copy that lives until options_release. False when there is no memory. */
bool options_defaults(const struct option_table *table, void *target, struct err *e) MUST_USE;
/* Reads argv[1..argc-1]. "--name value", "--name=value", "-f value", "-fvalue"; "--" ends options; "-" is an argument.
 * A value that begins with "--" needs the form with "=". What is no option goes to `arguments` (may be NULL: an
 * argument is an error); its items point into argv, the array is freed by option_list_release. A list given here
 * replaces what options_set put there. ERR_INVALID names the option and what is wrong, and the nearest known name for a
 * misspelt one; `target` is then partly filled and `arguments` is as it was. */
bool options_parse(const struct option_table *table, int argc, char **argv, void *target, struct option_list *arguments,
		   struct err *e) MUST_USE;
/* Sets one option from a config file; a switch takes "true" or "false". Each call adds one item to a list (an empty
 * value empties it). Flags win: call before options_parse. ERR_INVALID "NAME: what is wrong", also for an unknown name
 * and for one that is a flag only. */
bool options_set(const struct option_table *table, const char *name, struct str value, void *target,
		 struct err *e) MUST_USE;
/* Frees what the functions above put into `target`; its fields are then zero. */
void options_release(const struct option_table *table, void *target);
/* Frees the array of the arguments of options_parse, not its items. */
void option_list_release(struct option_list *list);

/* Appends the text of --help (80 columns). */
void options_help(const struct option_table *table, struct buf *out);
/* Appends a man page in roff (man(7) macros): NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES EXIT STATUS. `see_also` may be
 * NULL. */
void options_man(const struct option_table *table, const char *page, const char *section, const char *see_also,
		 struct buf *out);

#endif
