#include <sys/random.h>

#include "cli/token.h"
#include "cli/verb.h"

struct token_options {
	struct verb_options verb;
	const char *role;
	const char *name;
};

static const struct option options[] = {
	{.name = "role",
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct token_options, role),
	 .value = "ROLE",
	 .choices = "read|attest|admin",
	 .help = "what its bearer may do: read; attest, which is to read and to create attestations; admin, "
		 "everything"},
	{.name = "name",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct token_options, name),
	 .value = "NAME",
	 .help = "how the server's log calls its bearer: letters, digits, '.', '_' and '-'"},
	VERB_OUTPUT_ROW(struct token_options),
	VERB_HELP_ROW(struct token_options),
};

static const struct option_table table = {
	.synopsis = "sealgate token new --role read|attest|admin --name NAME",
	.summary = "Make a bearer token and its line for --token-file",
	.detail =
		"Prints a random token of 256 bits, which is shown this once and stored nowhere, and the line to add "
		"to "
		"the file that sealgated reads with --token-file. The line holds the token's SHA-256, not the token. "
		"sealgated takes a changed file over without a restart.\n\n"
		"The bearer sends the token as \"Authorization: Bearer TOKEN\"; sealgate reads it from --token-file or "
		"from the environment variable SEALGATE_TOKEN.",
	.examples = "sealgate token new --role attest --name ci",
	.exit_status = VERB_STATUS_ACTS,
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

static bool random_bytes(unsigned char out[TOKEN_BYTES], struct err *e)
{
	return getrandom(out, TOKEN_BYTES, 0) == TOKEN_BYTES || err_errno(e, "random numbers");
}

static int print(const struct token *token, const char *role)
{
	cleanup(buf) struct buf out = buf_init_secret(VERB_OUTPUT_MAX);

	if (verb_wants_json()) {
		cleanup(json) json_t *value =
			json_pack("{s:s, s:s, s:s}", "token", token->text, "line", token->line, "role", role);
		return verb_print_json("token new", value, EXIT_YES);
	}
	buf_printf(&out, "token (shown this once):         %s\nline for the server's token file: %s\n", token->text,
		   token->line);
	return verb_print("token new", &out, EXIT_YES);
}

static int run(const void *data, const struct option_list *arguments)
{
	const struct token_options *o = data;
	unsigned char bytes[TOKEN_BYTES];
	struct token token;
	struct err e = ERR_INIT;
	int status;

	(void)arguments;
	if (!verb_need(o->role, "role", &e) || !verb_need(o->name, "name", &e) || !random_bytes(bytes, &e) ||
	    !token_make(bytes, o->role, o->name, &token, &e))
		return verb_fail("token new", &e);
	status = print(&token, o->role);
	explicit_bzero(&token, sizeof(token));
	explicit_bzero(bytes, sizeof(bytes));
	return status;
}

const struct verb verb_token_new = {
	.name = "token new",
	.table = &table,
	.options_size = sizeof(struct token_options),
	.run = run,
};
