#include "cli/verb.h"

#include <stdio.h>

#include "cli/terminal.h"

static bool json_wanted;

void verb_use_json(bool json)
{
	json_wanted = json;
}

bool verb_wants_json(void)
{
	return json_wanted;
}

static void fail_json(const char *verb, const struct err *e)
{
	cleanup(buf) struct buf text = buf_init((size_t)ERR_TEXT_MAX * 8);

	buf_printf(&text, "{\"verb\":\"%s\",\"error\":", verb);
	buf_add_json_string(&text, str_of(e->text));
	fprintf(stderr, "%.*s}\n", STR_ARG(buf_str(&text)));
}

static void fail_text(const char *verb, const struct err *e)
{
	cleanup(buf) struct buf text = buf_init((size_t)ERR_TEXT_MAX * 4);

	terminal_add(&text, str_of(e->text));
	fprintf(stderr, "sealgate %s: %.*s\n", verb, STR_ARG(buf_str(&text)));
}

int verb_fail(const char *verb, const struct err *e)
{
	if (json_wanted)
		fail_json(verb, e);
	else
		fail_text(verb, e);
	return err_exit_status(e->kind);
}

bool verb_need(const char *value, const char *option, struct err *e)
{
	return (value && *value) || err_set(e, ERR_INVALID, "--%s is needed; see --help", option);
}

bool verb_need_one(bool first, bool second, const char *options, struct err *e)
{
	if (!first && !second)
		return err_set(e, ERR_INVALID, "one of %s is needed; see --help", options);
	return !(first && second) || err_set(e, ERR_INVALID, "only one of %s can be given", options);
}

int verb_print(const char *verb, const struct buf *text, int status)
{
	struct err e = ERR_INIT;

	if (!buf_ok(text, &e))
		return verb_fail(verb, &e);
	if (fwrite(text->data, 1, text->len, stdout) != text->len || fflush(stdout)) {
		err_errno(&e, "standard output");
		return verb_fail(verb, &e);
	}
	return status;
}

int verb_print_json(const char *verb, const json_t *value, int status)
{
	cleanup(memory) char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
	cleanup(buf) struct buf out = buf_init(VERB_OUTPUT_MAX);
	struct err e = ERR_INIT;

	if (!text) {
		err_no_memory(&e);
		return verb_fail(verb, &e);
	}
	buf_add_c(&out, text);
	buf_add_char(&out, '\n');
	return verb_print(verb, &out, status);
}
