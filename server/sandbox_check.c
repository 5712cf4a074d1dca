#include "server/sandbox_check.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/openpgp_home.h"
#include "attest/worker_sandbox.h"
#include "server/sandbox.h"
#include "server/sandbox_places.h"
#include "server/sandbox_probe.h"

struct check {
	const struct config *config;
	struct sandbox_offer offer;
	struct sandbox_probe_bed bed;
	char home[PATH_MAX]; /* stands in for the worker's own directory, below bed.scratch */
	FILE *out;
	unsigned in_force;
};

enum place { SERVER, WORKER, NOWHERE };

static const char *const place_names[] = {"sealgated", "verify worker"};

static const struct {
	enum place place;
	enum sandbox_measure measure; /* without it, the attempt may work */
	const char *text;
	sandbox_probe *probe;
} attempts[] = {
	{SERVER, SANDBOX_PRIVILEGES, "gains no rights by set-uid", sandbox_probe_privileges},
	{SERVER, SANDBOX_CALLS, "dumps no core", sandbox_probe_core},
	{SERVER, SANDBOX_CALLS, "shows its memory to nobody", sandbox_probe_memory},
	{SERVER, SANDBOX_CALLS, "makes only listed system calls", sandbox_probe_unlisted_call},
	{SERVER, SANDBOX_CALLS, "starts no program", sandbox_probe_program},
	{SERVER, SANDBOX_CALLS, "starts no process", sandbox_probe_process},
	{SERVER, SANDBOX_CALLS, "traces no process", sandbox_probe_trace},
	{SERVER, SANDBOX_CALLS, "runs no new code", sandbox_probe_code},
	{SERVER, SANDBOX_CALLS, "connects to nothing", sandbox_probe_connect},
	{SERVER, SANDBOX_CALLS, "sends no datagrams", sandbox_probe_datagram},
	{SERVER, SANDBOX_FILES, "reads only its own files", sandbox_probe_read},
	{SERVER, SANDBOX_FILES, "writes only its own data", sandbox_probe_write},
	{SERVER, SANDBOX_PORTS, "listens only on its ports", sandbox_probe_listen},
	{SERVER, SANDBOX_SIGNALS, "signals no other process", sandbox_probe_signal},
	{WORKER, SANDBOX_PRIVILEGES, "gains no rights by set-uid", sandbox_probe_privileges},
	{WORKER, SANDBOX_CALLS, "dumps no core", sandbox_probe_core},
	{WORKER, SANDBOX_CALLS, "makes only listed system calls", sandbox_probe_unlisted_call},
	{WORKER, SANDBOX_CALLS, "traces no process", sandbox_probe_trace},
	{WORKER, SANDBOX_CALLS, "runs no memory that it writes", sandbox_probe_code},
	{WORKER, SANDBOX_CALLS, "has no network", sandbox_probe_connect},
	{WORKER, SANDBOX_FILES, "starts no program but gpg", sandbox_probe_program},
	{WORKER, SANDBOX_FILES, "reads only libraries and gpg's", sandbox_probe_read},
	{WORKER, SANDBOX_FILES, "does not see the data directory", sandbox_probe_scratch},
	{WORKER, SANDBOX_FILES, "writes only its private home", sandbox_probe_write},
	{WORKER, SANDBOX_SIGNALS, "signals no other process", sandbox_probe_signal},
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

/* A worker child is confined twice, as it is at work. */
static bool enter(const struct check *c, enum place place, struct err *e)
{
	if (place == SERVER)
		return sandbox_enter(&c->offer, c->config, e);
	return place == NOWHERE || (worker_sandbox_enter(&c->offer, WORKER_SUPERVISOR, c->home, e) &&
				    worker_sandbox_enter(&c->offer, WORKER_CHILD, c->home, e));
}

/* A call that is fatal was refused too. */
static enum sandbox_probe_result outcome(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return PROBE_UNKNOWN;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? PROBE_REFUSED : PROBE_UNKNOWN;
	return WEXITSTATUS(status) <= PROBE_UNKNOWN ? (enum sandbox_probe_result)WEXITSTATUS(status) : PROBE_UNKNOWN;
}

static enum sandbox_probe_result try(const struct check *c, sandbox_probe *probe, enum place place)
{
	pid_t child = fork();

	if (child == 0)
		_exit((int)(enter(c, place, NULL) ? probe(&c->bed) : PROBE_UNKNOWN));
	return child < 0 ? PROBE_UNKNOWN : outcome(child);
}

static void check_one(struct check *c, size_t i)
{
	enum sandbox_probe_result confined = try(c, attempts[i].probe, attempts[i].place);
	enum sandbox_probe_result unconfined = try(c, attempts[i].probe, NOWHERE);
	const char *lacks = sandbox_lacks(&c->offer, attempts[i].measure), *word = "unknown", *why = "";

	if (confined == PROBE_REFUSED && unconfined == PROBE_WORKED) {
		word = "yes";
	} else if (confined == PROBE_REFUSED && unconfined == PROBE_REFUSED) {
		word = "already";
		why = "refused without the sandbox too, by something around this process";
	} else if (confined == PROBE_WORKED) {
		word = lacks ? "missing" : "no";
		why = lacks ? lacks : "it works although it should be refused: please report this";
	} else {
		why = "could not be tried here";
	}
	c->in_force += confined == PROBE_REFUSED && unconfined != PROBE_UNKNOWN;
	(void)fprintf(c->out, "%-14s %-32s %-8s %s\n", place_names[attempts[i].place], attempts[i].text, word, why);
}

/* In a child, since it is for good. */
static bool can_enter(const struct check *c, enum place place)
{
	struct err e = ERR_INIT;
	pid_t child;

	(void)fflush(c->out);
	child = fork();
	if (child == 0) {
		if (enter(c, place, &e))
			_exit(PROBE_WORKED);
		(void)fprintf(stderr, "%s: %s\n", place_names[place], e.text);
		_exit(PROBE_REFUSED);
	}
	return child > 0 && outcome(child) == PROBE_WORKED;
}

static bool make_scratch(struct check *c)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(c->bed.scratch, sizeof(c->bed.scratch), "%.*s/sealgated-sandbox-XXXXXX", PATH_MAX - 64,
		       tmp && tmp[0] ? tmp : "/tmp");
	if (!mkdtemp(c->bed.scratch)) {
		(void)fprintf(stderr, "%s: %s\n", c->bed.scratch, strerror(errno));
		return false;
	}
	(void)snprintf(c->home, sizeof(c->home), "%.*s/home", PATH_MAX - 16, c->bed.scratch);
	return mkdir(c->home, 0700) == 0;
}

static bool list_places(const struct check *c)
{
	cleanup(sandbox_places) struct sandbox_places places = {0};
	struct err e = ERR_INIT;

	if (!sandbox_places_find(c->config, &places, &e)) {
		(void)fprintf(stderr, "%s\n", e.text);
		return false;
	}
	(void)fprintf(c->out, "\nsealgated is left with these places, beside some files of the system:\n");
	for (size_t i = places.system; i < places.count; i++)
		(void)fprintf(c->out, "  %-6s %s\n", places.rules[i].uses & PATH_WRITE ? "writes" : "reads",
			      places.rules[i].path);
	for (size_t i = 0; i < SANDBOX_PORTS; i++)
		(void)fprintf(c->out, "  port   %u%s\n", places.ports[i],
			      places.ports[i] == 0 ? ", which is any that is free" : "");
	return true;
}

static bool check_all(struct check *c)
{
	if (!can_enter(c, SERVER) || !can_enter(c, WORKER))
		return false;
	(void)fprintf(c->out, "%-14s %-32s in force\n", "process", "measure");
	for (size_t i = 0; i < ATTEMPTS; i++)
		check_one(c, i);
	if (!list_places(c))
		return false;
	(void)fprintf(c->out, "\n%u of %zu measures are in force.\n", c->in_force, ATTEMPTS);
	return c->in_force == ATTEMPTS;
}

bool sandbox_check(const struct config *config, FILE *out)
{
	struct check c = {.config = config, .out = out};
	bool all;

	if (!make_scratch(&c))
		return false;
	sandbox_offer_ask(&c.offer);
	all = sandbox_probe_bed_open(&c.bed) && check_all(&c);
	sandbox_probe_bed_close(&c.bed);
	directory_remove(c.bed.scratch);
	return all;
}
