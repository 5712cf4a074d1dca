#include <stdio.h>

#include "server/config.h"
#include "server/config_check.h"
#include "server/daemon.h"
#include "server/sandbox_check.h"

#define TEXT_MAX (256u * 1024)

static int print(struct buf *text)
{
	bool printed = !text->failed && fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0;
	return printed ? 0 : 1;
}

/* The flags that only tell something. */
static int tell(const struct config *config)
{
	cleanup(buf) struct buf text = buf_init(TEXT_MAX);
	if (config->help)
		options_help(&config_table, &text);
	else if (config->man)
		options_man(&config_table, "sealgated", "8", "sealgate(1)", &text);
	else
		buf_printf(&text, "sealgated %s\n", SEALGATE_VERSION);
	return print(&text);
}

static int check(const struct config *config)
{
	if (!config_check(config, stderr))
		return 2;
	return puts("configuration ok") < 0 || fflush(stdout) != 0;
}

static int run(const struct config *config)
{
	if (config->help || config->man || config->version)
		return tell(config);
	if (config->check_sandbox)
		return sandbox_check(config, stdout) && fflush(stdout) == 0 ? 0 : 1;
	return config->check_config ? check(config) : daemon_run(config);
}

int main(int argc, char **argv)
{
	struct config config;
	struct err e = ERR_INIT;
	int status;
	if (config_load(argc, argv, &config, &e)) {
		status = run(&config);
	} else {
		status = e.kind == ERR_INTERNAL ? 1 : 2;
		(void)fprintf(stderr, "%s%s\n", config.check_config ? "" : "sealgated: ", e.text);
	}
	config_release(&config);
	return status;
}
