/* One table of verbs, one file per verb. A verb prints its result on standard output; errors go to standard error
 * through verb_fail. */
#ifndef SEALGATE_CLI_VERB_H
#define SEALGATE_CLI_VERB_H

#include "base/err.h"
#include "base/options.h"

enum { EXIT_YES = 0, EXIT_NO = 1, EXIT_UNKNOWN = 2 };

struct verb {
	const char *name; /* "sign", "certs init" */
	const struct option_table *table;
	size_t options_size; /* of the verb's option struct */
	/* Returns the exit status. `options` was filled from the table. */
	int (*run)(const void *options, const struct option_list *arguments);
};

extern const struct verb verb_certs_init, verb_certs_renew, verb_certs_show, verb_webhook_config, verb_note_create,
	verb_sign, verb_verify, verb_check, verb_explain, verb_key_show, verb_token_new;

/* "sealgate VERB: TEXT" on standard error (as JSON with --output json); the exit status of the error. */
int verb_fail(const char *verb, const struct err *e);

#endif
