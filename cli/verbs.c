#include "cli/verbs.h"

#include "base/spelling.h"
#include "cli/terminal.h"

enum { WIDTH = 16, ASKED_MAX = 4096 };

static const struct {
	const char *title;
	const struct verb *verbs[8]; /* up to the first NULL */
} groups[] = {
	{"Sign and check", {&verb_sign, &verb_verify, &verb_check, &verb_scan}},
	{"Keys and notes", {&verb_key_show, &verb_note_create}},
	{"Set up", {&verb_certs_init, &verb_certs_renew, &verb_certs_show, &verb_webhook_config, &verb_token_new}},
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

static bool named(const struct verb *verb, int argc, char **argv, int *words)
{
	struct str name = str_of(verb->name);
	size_t space = str_find(name, ' ');

	if (argc < 2 || !str_eq(str_head(name, space), str_of(argv[1])))
		return false;
	if (space == name.len) {
		*words = 1;
		return true;
	}
	*words = 2;
	return argc > 2 && str_eq(str_skip(name, space + 1), str_of(argv[2]));
}

const struct verb *verbs_at(size_t index)
{
	for (size_t g = 0; g < GROUPS; g++)
		for (size_t i = 0; groups[g].verbs[i]; i++)
			if (index-- == 0)
				return groups[g].verbs[i];
	return NULL;
}

const struct verb *verbs_find(int argc, char **argv, int *words)
{
	const struct verb *verb;

	for (size_t i = 0; (verb = verbs_at(i)) != NULL; i++)
		if (named(verb, argc, argv, words))
			return verb;
	return named(&verb_man, argc, argv, words) ? &verb_man : NULL;
}

static const char *nearest(struct str asked)
{
	size_t least = spelling_limit(asked);
	const struct verb *verb;
	const char *name = NULL;

	for (size_t i = 0; (verb = verbs_at(i)) != NULL; i++)
		if (spelling_nearer(asked, str_of(verb->name), &least))
			name = verb->name;
	return name;
}

static bool is_below(const struct verb *verb, struct str word)
{
	struct str name = str_of(verb->name);

	return name.len > word.len && str_starts_with(name, word) && name.ptr[word.len] == ' ';
}

/* Appends the verbs that begin with `word`; false when there are none. */
static bool list_below(struct str word, struct buf *out)
{
	const struct verb *verb;
	bool any = false;

	for (size_t i = 0; (verb = verbs_at(i)) != NULL; i++) {
		if (!is_below(verb, word))
			continue;
		buf_printf(out, any ? ", \"%s\"" : "\"%s\"", verb->name);
		any = true;
	}
	return any;
}

void verbs_unknown(int argc, char **argv, struct buf *out)
{
	bool two = argc > 2 && argv[2][0] != '-';
	cleanup(buf) struct buf asked = buf_init(ASKED_MAX);
	cleanup(buf) struct buf below = buf_init(ASKED_MAX);
	const char *near;

	buf_add_c(&asked, argv[1]);
	if (!two && list_below(buf_str(&asked), &below)) {
		buf_printf(out, "\"%s\" needs one more word: %.*s", argv[1], STR_ARG(buf_str(&below)));
		return;
	}
	near = nearest(buf_str(&asked));
	if (!near && two) {
		buf_printf(&asked, " %s", argv[2]);
		near = nearest(buf_str(&asked));
	}
	buf_add_c(out, "no such verb: \"");
	terminal_add(out, buf_str(&asked));
	if (near)
		buf_printf(out, "\"; did you mean \"%s\"?", near);
	else
		buf_add_c(out, "\"; sealgate --help lists them");
}

void verbs_help(struct buf *out)
{
	buf_add_c(out, "sealgate signs container images, checks what a cluster would admit, and sets sealgated up.\n\n"
		       "usage: sealgate VERB [options]\n");
	for (size_t g = 0; g < GROUPS; g++) {
		buf_printf(out, "\n%s:\n", groups[g].title);
		for (size_t i = 0; groups[g].verbs[i]; i++)
			buf_printf(out, "  %-*s %s\n", WIDTH, groups[g].verbs[i]->name,
				   groups[g].verbs[i]->table->summary);
	}
	buf_add_c(
		out,
		"\nsealgate VERB --help says more about one of them, sealgate --version which version this is.\n"
		"Exit status: 0 yes, 1 no (refused, unverified), 2 could not tell (bad input, server unreachable).\n");
}

static void man_verbs(struct buf *out)
{
	for (size_t g = 0; g < GROUPS; g++) {
		buf_printf(out, ".SS %s\n", groups[g].title);
		for (size_t i = 0; groups[g].verbs[i]; i++)
			buf_printf(out, ".TP\n.B sealgate %s\n%s.\n", groups[g].verbs[i]->name,
				   groups[g].verbs[i]->table->summary);
	}
}

static void man_see_also(struct buf *out)
{
	const struct verb *verb;

	buf_add_c(out, ".SH SEE ALSO\n.BR sealgated (8)");
	for (size_t i = 0; (verb = verbs_at(i)) != NULL; i++) {
		buf_add_c(out, ",\n.BR sealgate\\-");
		for (const char *c = verb->name; *c; c++)
			if (*c == ' ' || *c == '-')
				buf_add_c(out, "\\-");
			else
				buf_add_char(out, *c);
		buf_add_c(out, " (1)");
	}
	buf_add_char(out, '\n');
}

void verbs_man(struct buf *out)
{
	buf_add_c(out,
		  ".TH SEALGATE 1 \"\" \"sealgate " SEALGATE_VERSION "\" \"sealgate\"\n.SH NAME\nsealgate \\- sign "
		  "container images and check what a cluster would admit\n.SH SYNOPSIS\n.B sealgate\n.I VERB\n"
		  "[options]\n.SH DESCRIPTION\nThe command line of sealgate, for people and for jobs. Each verb has "
		  "a page of its own and answers to\n.BR \\-\\-help .\n.SH VERBS\n");
	man_verbs(out);
	buf_add_c(out,
		  ".SH EXIT STATUS\n.TP\n.B 0\nyes\n.TP\n.B 1\nno: refused, unverified\n.TP\n.B 2\ncould not tell: "
		  "bad input, server unreachable\n.SH ENVIRONMENT\n.TP\n.B SEALGATE_TOKEN\nthe bearer token sent to "
		  "the server when no\n.B \\-\\-token\\-file\nis given\n");
	man_see_also(out);
}
