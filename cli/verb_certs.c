#include "base/clock.h"
#include "certs/x509.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { DAY_SECONDS = 86400 };

struct certs_options {
	struct verb_options verb;
	const char *dir;
	struct option_list names;
};

static const char *const shown[] = {"ca.pem", "server.pem", "client.pem"};
enum { SHOWN = sizeof(shown) / sizeof(shown[0]) };

#define DIR_ROW                                                                                                    \
	{                                                                                                          \
		.name = "dir", .type = OPTION_TEXT, .offset = offsetof(struct certs_options, dir), .value = "DIR", \
		.help = "the directory of the certificates",                                                       \
	}
#define NAME_ROW                                                                                                      \
	{                                                                                                             \
		.name = "san", .type = OPTION_LIST, .offset = offsetof(struct certs_options, names), .value = "NAME", \
		.help = "a DNS name or IP address of the server, beside localhost, 127.0.0.1 and ::1",                \
	}

static const struct option issue_options[] = {
	DIR_ROW,
	NAME_ROW,
	VERB_OUTPUT_ROW(struct certs_options),
	VERB_HELP_ROW(struct certs_options),
};

static const struct option show_options[] = {
	DIR_ROW,
	VERB_OUTPUT_ROW(struct certs_options),
	VERB_HELP_ROW(struct certs_options),
};

static const struct option_table init_table = {
	.synopsis = "sealgate certs init --dir DIR [--san NAME]...",
	.summary = "Make a CA, a server and a client certificate",
	.detail = "Writes ca.pem, ca-key.pem, server.pem, server-key.pem, client.pem and client-key.pem into DIR, "
		  "which is "
		  "made when it is absent. The CA lasts ten years, the others one. Nothing that is there already is "
		  "overwritten: when any of the files exists, none is written and the exit status is 1.\n\n"
		  "An API server that reaches the webhook through a Service NAME in namespace NS asks for the name "
		  "NAME.NS.svc. Keep ca-key.pem away from the cluster: who has it can pose as the webhook.",
	.examples = "sealgate certs init --dir certs --san sealgate.sealgate.svc",
	.exit_status = "0 made, 1 one of the files is there already, 2 not made.",
	.options = issue_options,
	.count = sizeof(issue_options) / sizeof(issue_options[0]),
};

static const struct option_table renew_table = {
	.synopsis = "sealgate certs renew --dir DIR [--san NAME]...",
	.summary = "Replace the server and the client certificate, keeping the CA",
	.detail = "The new server certificate has the names of the old one and those that --san adds. sealgated takes "
		  "the "
		  "new files over at the next handshake, without a restart.",
	.examples = "sealgate certs renew --dir certs",
	.exit_status = VERB_STATUS_ACTS,
	.options = issue_options,
	.count = sizeof(issue_options) / sizeof(issue_options[0]),
};

static const struct option_table show_table = {
	.synopsis = "sealgate certs show --dir DIR",
	.summary = "Describe the certificates and whether they fit together",
	.detail = "The exit status is 1 when a certificate has expired, does not chain to ca.pem, or its key file does "
		  "not "
		  "belong to it.",
	.examples = "sealgate certs show --dir certs",
	.exit_status = "0 all fit, 1 one does not, 2 one can't be read.",
	.options = show_options,
	.count = sizeof(show_options) / sizeof(show_options[0]),
};

static const char *date_of(int64_t seconds, char out[TIMESTAMP_TEXT_MAX])
{
	timestamp_format((struct timestamp){.seconds = seconds}, out);
	return out;
}

static json_t *json_of(const struct certificate_info *info)
{
	char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "file", info->file, "subject", info->subject,
			 "issuer", info->issuer, "names", info->names, "notBefore", date_of(info->not_before, from),
			 "notAfter", date_of(info->not_after, to), "sha256", info->fingerprint, "fits", info->fits,
			 "problem", info->problem);
}

static void write_text(const struct certificate_info *info, struct buf *out)
{
	char date[TIMESTAMP_TEXT_MAX];
	int64_t days = (info->not_after - clock_now().seconds) / DAY_SECONDS;

	buf_printf(out, "%s\n  subject  ", info->file);
	terminal_add(out, str_of(info->subject));
	buf_add_c(out, "\n  issuer   ");
	terminal_add(out, str_of(info->issuer));
	buf_add_c(out, "\n  names    ");
	terminal_add(out, info->names[0] ? str_of(info->names) : STR("-"));
	buf_printf(out, "\n  expires  %s (%lld days)\n  sha256   %s\n  ", date_of(info->not_after, date),
		   (long long)days, info->fingerprint);
	terminal_add(out, info->fits ? STR("fits") : STR("problem  "));
	terminal_add(out, str_of(info->problem));
	buf_add_char(out, '\n');
}

static int print(const char *verb, const struct certificate_info infos[SHOWN], bool judge)
{
	cleanup(buf) struct buf out = buf_init(VERB_OUTPUT_MAX);
	cleanup(json) json_t *list = json_array();
	int status = EXIT_YES;

	for (size_t i = 0; i < SHOWN; i++) {
		if (judge && !infos[i].fits)
			status = EXIT_NO;
		write_text(&infos[i], &out);
		(void)json_array_append_new(list, json_of(&infos[i]));
	}
	return verb_wants_json() ? verb_print_json(verb, list, status) : verb_print(verb, &out, status);
}

static int show_all(const char *verb, const char *dir, bool judge)
{
	struct certificate_info infos[SHOWN];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < SHOWN; i++)
		if (!certs_show(dir, shown[i], &infos[i], &e))
			return verb_fail(verb, &e);
	return print(verb, infos, judge);
}

typedef bool issue_function(const char *dir, const struct option_list *names, struct err *e);

static int issue(const char *verb, issue_function *make, const struct certs_options *o)
{
	struct err e = ERR_INIT;

	if (!verb_need(o->dir, "dir", &e) || !make(o->dir, &o->names, &e))
		return verb_fail(verb, &e);
	return show_all(verb, o->dir, false);
}

static int run_init(const void *data, const struct option_list *arguments)
{
	(void)arguments;
	return issue("certs init", certs_init, data);
}

static int run_renew(const void *data, const struct option_list *arguments)
{
	(void)arguments;
	return issue("certs renew", certs_renew, data);
}

static int run_show(const void *data, const struct option_list *arguments)
{
	const struct certs_options *o = data;
	struct err e = ERR_INIT;

	(void)arguments;
	return verb_need(o->dir, "dir", &e) ? show_all("certs show", o->dir, true) : verb_fail("certs show", &e);
}

const struct verb verb_certs_init = {
	.name = "certs init",
	.table = &init_table,
	.options_size = sizeof(struct certs_options),
	.run = run_init,
};

const struct verb verb_certs_renew = {
	.name = "certs renew",
	.table = &renew_table,
	.options_size = sizeof(struct certs_options),
	.run = run_renew,
};

const struct verb verb_certs_show = {
	.name = "certs show",
	.table = &show_table,
	.options_size = sizeof(struct certs_options),
	.run = run_show,
};
