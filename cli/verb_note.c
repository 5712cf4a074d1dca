#include "cli/grafeas_client.h"
#include "cli/terminal.h"
#include "cli/verb.h"

struct note_options {
	struct verb_options verb;
	const char *kind;
	struct server_options server;
};

static const struct option options[] = {
	{.name = "kind",
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct note_options, kind),
	 .value = "KIND",
	 .choices = "attestation",
	 .standard = "attestation",
	 .help = "what its occurrences are"},
	SERVER_ROWS(struct note_options, server),
	VERB_OUTPUT_ROW(struct note_options),
	VERB_HELP_ROW(struct note_options),
};

static const struct option_table table = {
	.synopsis = "sealgate note create projects/PROJECT/notes/NOTE [--kind attestation] --server URL",
	.summary = "Create the note that attestations refer to",
	.detail = "A note stands for an authority: the attestations of one team or one step are made under its note, "
		  "and an "
		  "Attestor names the note and the keys that count. The project need not exist before. A note that is "
		  "there already is left as it is, and the exit status is 2.",
	.examples = "sealgate note create projects/image-signing/notes/qa --server http://127.0.0.1:8080",
	.exit_status = VERB_STATUS_ACTS,
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

static bool create(const struct note_options *o, const char *text, struct err *e)
{
	struct note_name name;

	if (!note_name_read(str_of(text), &name, e) || !verb_need(o->server.url, "server", e))
		return false;
	cleanup(http_client) struct http_client *client = http_client_new(&o->server, e);
	return client && grafeas_create_note(client, &name, e);
}

static int print(const char *name)
{
	cleanup(buf) struct buf out = buf_init(VERB_OUTPUT_MAX);

	if (verb_wants_json()) {
		cleanup(json) json_t *value = json_pack("{s:s}", "name", name);
		return verb_print_json("note create", value, EXIT_YES);
	}
	terminal_add(&out, str_of(name));
	buf_add_c(&out, " created\n");
	return verb_print("note create", &out, EXIT_YES);
}

static int run(const void *data, const struct option_list *arguments)
{
	struct err e = ERR_INIT;

	if (!create(data, arguments->items[0], &e))
		return verb_fail("note create", &e);
	return print(arguments->items[0]);
}

const struct verb verb_note_create = {
	.name = "note create",
	.table = &table,
	.options_size = sizeof(struct note_options),
	.arguments = 1,
	.run = run,
};
