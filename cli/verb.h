/* What every verb is made of. One file per verb, one table of verbs (cli/verbs.c). A verb prints its result on standard
 * output; errors go to standard error through verb_fail. */
#ifndef SEALGATE_CLI_VERB_H
#define SEALGATE_CLI_VERB_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/options.h"

enum { EXIT_YES = 0, EXIT_NO = 1, EXIT_UNKNOWN = 2 };

/* For option_table.exit_status of a verb that answers yes or no, and of one that does something. */
#define VERB_STATUS_JUDGES \
	"0 yes, 1 no (refused, unverified), 2 could not tell: bad input, a server that can't be reached."
#define VERB_STATUS_ACTS "0 done, 2 not done: bad input, a server that can't be reached, a file that can't be written."

/* What one answer may hold, bytes. */
#define VERB_OUTPUT_MAX (64u * 1024 * 1024)

/* First member of every verb's option struct. */
struct verb_options {
	const char *output; /* "text" or "json"; for `sign` also the name of a file */
	bool help;
};

/* The rows of struct verb_options in the table of a verb whose option struct is `owner`. */
#define VERB_OUTPUT_ROW(owner)                                                                                      \
	{                                                                                                           \
		.name = "output", .type = OPTION_CHOICE, .offset = offsetof(owner, verb.output), .value = "FORMAT", \
		.choices = "text|json", .standard = "text", .help = "how the answer is written",                    \
	}
#define VERB_HELP_ROW(owner)                                                                                \
	{                                                                                                   \
		.name = "help", .letter = 'h', .type = OPTION_SWITCH, .offset = offsetof(owner, verb.help), \
		.help = "show this text", .flag_only = true,                                                \
	}

#define ARGUMENTS_ANY SIZE_MAX

struct verb {
	const char *name; /* "sign", "certs init" */
	const struct option_table *table;
	size_t options_size; /* of the verb's option struct, which begins with struct verb_options */
	size_t arguments;    /* how many it takes, exactly; ARGUMENTS_ANY for any number */
	/* Returns the exit status. `options` was filled from the table. */
	int (*run)(const void *options, const struct option_list *arguments);
};

extern const struct verb verb_certs_init, verb_certs_renew, verb_certs_show, verb_webhook_config, verb_note_create,
	verb_sign, verb_verify, verb_check, verb_scan, verb_key_show, verb_token_new, verb_man;

/* Whether answers and errors are written as JSON: set once, before a verb runs. */
void verb_use_json(bool json);
bool verb_wants_json(void);

/* "sealgate VERB: TEXT" on standard error (as JSON with --output json); the exit status of the error. */
int verb_fail(const char *verb, const struct err *e);
/* ERR_INVALID unless an option that the verb can't do without was given. */
bool verb_need(const char *value, const char *option, struct err *e) MUST_USE;
/* ERR_INVALID unless exactly one of two options was given. */
bool verb_need_one(bool first, bool second, const char *options, struct err *e) MUST_USE;

/* Prints an answer and gives `status`; EXIT_UNKNOWN, with its error, when the answer is failed or can't be written. */
int verb_print(const char *verb, const struct buf *text, int status);
/* The same for a JSON value, indented. */
int verb_print_json(const char *verb, const json_t *value, int status);

#endif
