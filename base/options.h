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
	bool given; /* also true when given empty, which clears a default */
};

struct option {
	const char *name; /* without the dashes; also the config key */
	char letter;	  /* 'f' for -f, or 0 */
	enum option_type type;
	size_t offset;	      /* of the field in the caller's struct */
	const char *value;    /* what stands for the value in --help: "ADDR:PORT"; NULL for a switch */
	const char *choices;  /* OPTION_CHOICE only */
	const char *standard; /* the default as --help prints it and as it is set; NULL for none */
	const char *help;     /* one sentence, no final full stop */
	bool flag_only;	      /* not a config key: --config, --help, --version, --check-config */
};

/* What the table describes: a program or a verb. */
struct option_table {
	const char *synopsis; /* "sealgate sign IMAGE@DIGEST --key KEYID|FILE" */
	const char *summary;  /* one sentence */
	const char *detail;   /* paragraphs for --help and the man page, separated by empty lines; may be NULL */
	const char *examples; /* may be NULL */
	const struct option *options;
	size_t count;
};

/* Sets the defaults in `target`. */
void options_defaults(const struct option_table *table, void *target);
/* Reads argv[1..argc-1]. "--name value", "--name=value", "-f value"; "--" ends options; "-" is an argument. What is no
 * option goes to `arguments` (items point into argv). ERR_INVALID names the option and what is wrong, and the nearest
 * known name for a misspelt one. */
bool options_parse(const struct option_table *table, int argc, char **argv, void *target, struct option_list *arguments,
		   struct err *e) MUST_USE;
/* Sets one option from a config file: value is a string, a bool or a list of strings. Texts are copied and live until
 * options_release. Flags win: call before options_parse. */
bool options_set(const struct option_table *table, const char *name, struct str value, void *target,
		 struct err *e) MUST_USE;
void options_release(const struct option_table *table, void *target);

/* Appends the text of --help (80 columns). */
void options_help(const struct option_table *table, struct buf *out);
/* Appends a man page in roff (man(7) macros): NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES EXIT STATUS. `see_also` may be
 * NULL. */
void options_man(const struct option_table *table, const char *page, const char *section, const char *see_also,
		 struct buf *out);

#endif
