#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/verbs.h"

enum { PAGE_MAX = 256 * 1024, PAGE_NAME_MAX = 64 };

struct man_options {
	struct verb_options verb;
	const char *directory;
};

static const struct option options[] = {
	{.name = "directory",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct man_options, directory),
	 .value = "DIR",
	 .help = "where the pages go"},
	VERB_OUTPUT_ROW(struct man_options),
	VERB_HELP_ROW(struct man_options),
};

static const struct option_table table = {
	.synopsis = "sealgate man --directory DIR",
	.summary = "Write the manual pages of all verbs",
	.exit_status = VERB_STATUS_ACTS,
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

/* "sealgate-certs-init" for "certs init". */
static void page_name(const char *verb, char out[PAGE_NAME_MAX])
{
	(void)snprintf(out, PAGE_NAME_MAX, "sealgate-%s", verb);
	for (char *c = out; *c; c++)
		if (*c == ' ')
			*c = '-';
}

static bool write_page(const char *dir, const char *name, const struct buf *page, struct err *e)
{
	char path[PATH_MAX];

	if (!buf_ok(page, e))
		return false;
	if (snprintf(path, sizeof(path), "%s/%s.1", dir, name) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "--directory: the path is too long");
	return file_write(path, buf_str(page), 0644, e);
}

static bool write_verb(const char *dir, const struct verb *verb, struct err *e)
{
	cleanup(buf) struct buf page = buf_init(PAGE_MAX);
	char name[PAGE_NAME_MAX];

	page_name(verb->name, name);
	options_man(verb->table, name, "1", "sealgate(1), sealgated(8)", &page);
	return write_page(dir, name, &page, e);
}

static bool write_all(const char *dir, struct err *e)
{
	cleanup(buf) struct buf page = buf_init(PAGE_MAX);
	const struct verb *verb;

	if (mkdir(dir, 0755) && errno != EEXIST)
		return err_errno(e, "%s", dir);
	verbs_man(&page);
	if (!write_page(dir, "sealgate", &page, e))
		return false;
	for (size_t i = 0; (verb = verbs_at(i)) != NULL; i++)
		if (!write_verb(dir, verb, e))
			return false;
	return true;
}

static int run(const void *data, const struct option_list *arguments)
{
	const struct man_options *o = data;
	struct err e = ERR_INIT;

	(void)arguments;
	if (!verb_need(o->directory, "directory", &e) || !write_all(o->directory, &e))
		return verb_fail("man", &e);
	return EXIT_YES;
}

const struct verb verb_man = {
	.name = "man",
	.table = &table,
	.options_size = sizeof(struct man_options),
	.run = run,
};
