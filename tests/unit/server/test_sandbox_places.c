/* Which directories sealgated keeps: those where operators put things anew, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/openpgp_home.h"
#include "server/sandbox_places.h"

static char root[64];

static char *below(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

static void make(const char *name)
{
	assert_int_equal(mkdir(below(name), 0700), 0);
}

static void touch(const char *name)
{
	FILE *file = fopen(below(name), "w");

	assert_non_null(file);
	(void)fclose(file);
}

static void turn(const char *name, const char *target)
{
	assert_int_equal(symlink(target, below(name)), 0);
}

static bool find(struct sandbox_places *places, struct err *e, const char *flag, const char *value)
{
	const char *argv[] = {"sealgated", "--data-dir", below("data"), flag, value};
	struct config config;
	bool found;

	if (!config_load(5, (char **)(uintptr_t)argv, &config, e))
		fail_msg("%s", e->text);
	found = sandbox_places_find(&config, places, e);
	config_release(&config);
	return found;
}

static unsigned uses_of(const struct sandbox_places *places, const char *path)
{
	for (size_t i = places->system; i < places->count; i++)
		if (strcmp(places->rules[i].path, path) == 0)
			return places->rules[i].uses;
	return 0;
}

/* With this flag the server reads exactly these, beside its data directory. */
static void reads(const char *flag, const char *value, const char *const *wanted)
{
	cleanup(sandbox_places) struct sandbox_places places = {0};
	struct err e = ERR_INIT;
	size_t count = 0;

	if (!find(&places, &e, flag, value))
		fail_msg("%s", e.text);
	assert_int_equal(uses_of(&places, below("data")), PATH_READ | PATH_WRITE);
	for (; wanted[count]; count++)
		if (uses_of(&places, wanted[count]) != PATH_READ)
			fail_msg("%s %s: %s is not granted", flag, value, wanted[count]);
	assert_int_equal(places.count - places.system, 1 + count);
}
#define READS(flag, value, ...) reads(flag, value, (const char *const[]){__VA_ARGS__, NULL})

static void a_source_is_granted_with_its_directory(void **state)
{
	(void)state;
	make("conf");
	make("conf/policies");
	touch("conf/tokens");
	READS("--policy-dir", below("conf/policies"), below("conf"));
	READS("--policy-dir", below("conf/policies/"), below("conf"));
	READS("--token-file", below("conf/tokens"), below("conf"));
	READS("--token-file", below("conf/not-there-yet"), below("conf"));
	assert_int_equal(chdir(below("conf")), 0);
	READS("--policy-dir", "policies", below("conf"));
	READS("--policy-dir", "./policies/../policies", below("conf"));
	assert_int_equal(chdir("/"), 0);
}

/* As git-sync, deployments by release, and Kubernetes do. */
static void links_on_the_way_are_granted_with_their_directories(void **state)
{
	(void)state;
	make("git");
	make("git/one");
	make("git/one/policies");
	turn("git/current", "one");
	READS("--policy-dir", below("git/current/policies"), below("git"));
	make("volume");
	make("volume/..2026");
	touch("volume/..2026/tokens");
	turn("volume/..data", "..2026");
	turn("volume/tokens", "..data/tokens");
	turn("conf/linked", below("volume/tokens"));
	READS("--token-file", below("volume/tokens"), below("volume"));
	READS("--token-file", below("conf/linked"), below("conf"), below("volume"));
	make("elsewhere");
	touch("elsewhere/p.yaml");
	make("links");
	make("links/policies");
	turn("links/policies/p.yaml", below("elsewhere/p.yaml"));
	turn("links/policies/own.yaml", "../policies/q.yaml");
	READS("--policy-dir", below("links/policies"), below("links"), below("elsewhere"));
}

static void a_directory_of_the_system_is_too_much(void **state)
{
	(void)state;
	READS("--token-file", "/etc/passwd", "/etc/passwd");
	turn("conf/root", "/");
	turn("conf/etc", "/etc/passwd");
	READS("--token-file", below("conf/etc"), below("conf"), "/etc/passwd");
	READS("--token-file", below("conf/root/etc/passwd"), below("conf"), "/etc/passwd");
}

static void what_leads_nowhere_ends(void **state)
{
	(void)state;
	turn("conf/loop", "loop");
	turn("conf/there", "back");
	turn("conf/back", "there");
	turn("conf/nowhere", "/nonexistent/file");
	READS("--token-file", below("conf/loop"), below("conf"));
	READS("--token-file", below("conf/there"), below("conf"));
	READS("--token-file", below("conf/nowhere"), below("conf"));
}

static void the_database_is_granted_where_it_is(void **state)
{
	cleanup(sandbox_places) struct sandbox_places places = {0};
	struct err e = ERR_INIT;
	char url[300];

	(void)state;
	make("base");
	touch("base/real.db");
	make("base-link");
	turn("base-link/sealgate.db", below("base/real.db"));
	(void)snprintf(url, sizeof(url), "sqlite:%s", below("base-link/sealgate.db"));
	assert_true(find(&places, &e, "--store", url));
	assert_int_equal(uses_of(&places, below("base")), PATH_READ | PATH_WRITE);
	assert_int_equal(uses_of(&places, below("base-link")), PATH_READ | PATH_WRITE);
}

static void more_places_than_can_be_kept_are_refused(void **state)
{
	cleanup(sandbox_places) struct sandbox_places places = {0};
	struct err e = ERR_INIT;

	(void)state;
	make("many");
	make("many/policies");
	make("far");
	for (unsigned i = 0; i < SANDBOX_PLACES; i++) {
		char name[64], link[64];

		(void)snprintf(name, sizeof(name), "far/%u", i);
		make(name);
		(void)snprintf(link, sizeof(link), "many/policies/%u.yaml", i);
		(void)snprintf(name, sizeof(name), "../../far/%u/p.yaml", i);
		turn(link, name);
	}
	assert_false(find(&places, &e, "--policy-dir", below("many/policies")));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/sealgate-places-XXXXXX");
	assert_non_null(mkdtemp(root));
	make("data");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	directory_remove(root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_is_granted_with_its_directory),
		cmocka_unit_test(links_on_the_way_are_granted_with_their_directories),
		cmocka_unit_test(a_directory_of_the_system_is_too_much),
		cmocka_unit_test(what_leads_nowhere_ends),
		cmocka_unit_test(the_database_is_granted_where_it_is),
		cmocka_unit_test(more_places_than_can_be_kept_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
