#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "attest/trust.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/unit/scratch.h"

#define KEYS "tests/data/openpgp/keys/"
#define FILE_MAX (8u << 20)

static struct worker_pool *workers;
static char top[SCRATCH_SIZE];
static char policy_dir[96];
static char key_dir[96];
static const char *dirs[] = {policy_dir};

static const struct trust_sources policies_only = {.policy_dirs = {.items = dirs, .count = 1, .given = true}};
static const struct trust_sources keys_only = {.pubkeys = key_dir};
static const struct trust_sources both = {.policy_dirs = {.items = dirs, .count = 1, .given = true},
					  .pubkeys = key_dir};

static int start_workers(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	if (!scratch_make(top))
		return -1;
	(void)snprintf(policy_dir, sizeof(policy_dir), "%s/run", top);
	workers = worker_pool_start(1, policy_dir, &e);
	(void)snprintf(policy_dir, sizeof(policy_dir), "%s/policies", top);
	(void)snprintf(key_dir, sizeof(key_dir), "%s/keys", top);
	return workers ? 0 : -1;
}

static int stop_workers(void **state)
{
	(void)state;
	worker_pool_stop(workers);
	return scratch_remove(top) ? 0 : -1;
}

static int set_up(void **state)
{
	(void)state;
	return mkdir(policy_dir, 0700) || mkdir(key_dir, 0700);
}

static int tear_down(void **state)
{
	(void)state;
	return scratch_remove(policy_dir) && scratch_remove(key_dir) ? 0 : -1;
}

static void write_file(const char *dir, const char *name, struct str text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_true(file_write(path, text, 0600, NULL));
}

static void read_key(const char *fixture, struct buf *out)
{
	char path[256];

	(void)snprintf(path, sizeof(path), KEYS "%s", fixture);
	assert_true(file_read(path, out, NULL));
}

/* A fixture, as a file of the key directory. */
static void put_key(const char *fixture, const char *name)
{
	cleanup(buf) struct buf text = buf_init(FILE_MAX);

	read_key(fixture, &text);
	write_file(key_dir, name, buf_str(&text));
}

/* An Attestor in a file of its own that lists fixtures, separated by spaces. */
static void put_attestor(const char *name, const char *fixtures)
{
	cleanup(buf) struct buf json = buf_init(FILE_MAX);
	struct str rest = str_of(fixtures);
	char file[64];

	buf_printf(&json,
		   "{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"Attestor\",\"metadata\":{\"name\":\"%s\"},",
		   name);
	buf_printf(&json, "\"spec\":{\"note\":\"projects/p/notes/%s\",\"publicKeys\":[", name);
	for (const char *comma = ""; rest.len; comma = ",") {
		cleanup(buf) struct buf text = buf_init(FILE_MAX);
		char fixture[64];

		(void)snprintf(fixture, sizeof(fixture), "%.*s", STR_ARG(str_head(rest, str_find(rest, ' '))));
		rest = str_skip(rest, strlen(fixture) + 1);
		read_key(fixture, &text);
		buf_printf(&json, "%s{\"openpgp\":", comma);
		buf_add_json_string(&json, buf_str(&text));
		buf_add_c(&json, "}");
	}
	buf_add_c(&json, "]}}");
	(void)snprintf(file, sizeof(file), "attestor-%s.json", name);
	write_file(policy_dir, file, buf_str(&json));
}

static void put_policy(const char *attestors)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n"
		       "spec: {require: {attestations: [{attestors: [%s]}]}}\n",
		       attestors);
	write_file(policy_dir, "policy.yaml", str_of(text));
}

static struct trust *load(const struct trust_sources *sources, const struct trust *previous)
{
	struct trust *trust = NULL;
	struct err e = ERR_INIT;

	if (!trust_load(sources, workers, previous, &trust, &e))
		fail_msg("%s", e.text);
	return trust;
}

static void check_refused(const struct trust_sources *sources, const char *text)
{
	struct trust *trust = NULL;
	struct err e = ERR_INIT;

	assert_false(trust_load(sources, workers, NULL, &trust, &e));
	assert_null(trust);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
}

static bool warns(const struct trust *trust, const char *file, const char *text)
{
	for (size_t i = 0; i < trust->warning_count; i++)
		if (strstr(trust->warnings[i].text, file) && strstr(trust->warnings[i].text, text))
			return true;
	return false;
}

/* Whether fingerprints.tsv gives `name` the key. */
static bool is_fixture(const char *name, const char *fingerprint)
{
	cleanup(buf) struct buf table = buf_init(FILE_MAX);
	char line[160];

	read_key("fingerprints.tsv", &table);
	(void)snprintf(line, sizeof(line), "%s\t%s\n", name, fingerprint);
	return strstr(table.data, line) != NULL;
}

static void fills_in_the_fingerprints_of_attestors(void **state)
{
	cleanup(trust) struct trust *trust = NULL;
	const struct attestor *qa;

	(void)state;
	put_attestor("qa", "ed.asc rsa.asc");
	put_policy("qa");
	trust = load(&policies_only, NULL);
	qa = &trust->policies->attestors[0];
	assert_int_equal(trust->warning_count, 0);
	assert_false(trust->from_pubkeys);
	assert_int_equal(qa->keys[0].fingerprint_count, 1);
	assert_true(is_fixture("ed", qa->keys[0].fingerprints[0].ptr));
	assert_true(is_fixture("rsa", qa->keys[1].fingerprints[0].ptr));
	assert_int_equal(trust->known_count, 2);
	assert_string_equal(trust->known[0].attestor, "qa");
	assert_int_equal(key_set_texts(trust->keys), 2);
	/* Whoever has it in force need not wait for gpg to import. */
	assert_non_null(key_set_keyrings(trust->keys));
}

static void refuses_attestor_keys_that_cannot_count(void **state)
{
	static const struct {
		const char *fixtures;
		const char *error;
	} rows[] = {
		{"rsa1024.asc", "attestor-qa.json: document 1: spec.publicKeys[0].openpgp: key "},
		{"rsa1024.asc", " is too weak (rsa1024)"},
		{"ed.asc dsa1024.asc", "spec.publicKeys[1].openpgp: key "},
		{"ed.asc dsa1024.asc", " is too weak (dsa1024)"},
		{"ed-secret.asc", "spec.publicKeys[0].openpgp: holds a secret key"},
		{"both.asc", "spec.publicKeys[0].openpgp: holds 2 keys"},
		{"fingerprints.tsv", "spec.publicKeys[0].openpgp: is not an armoured OpenPGP public key"},
	};

	(void)state;
	put_policy("qa");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_attestor("qa", rows[i].fixtures);
		check_refused(&policies_only, rows[i].error);
	}
}

static void refuses_armour_without_a_key(void **state)
{
	(void)state;
	write_file(policy_dir, "qa.yaml",
		   STR("apiVersion: sealgate.dev/v1alpha1\nkind: Attestor\nmetadata: {name: qa}\nspec:\n"
		       "  note: projects/p/notes/qa\n  publicKeys:\n  - openpgp: |\n"
		       "      -----BEGIN PGP PUBLIC KEY BLOCK-----\n\n      bm90IGEga2V5\n"
		       "      -----END PGP PUBLIC KEY BLOCK-----\n"));
	check_refused(&policies_only, "qa.yaml: document 1: spec.publicKeys[0].openpgp: ");
}

static void expired_and_revoked_keys_load_with_a_warning(void **state)
{
	cleanup(trust) struct trust *trust = NULL;

	(void)state;
	put_attestor("qa", "expired.asc revoked.asc ed.asc");
	put_policy("qa");
	trust = load(&policies_only, NULL);
	assert_int_equal(trust->warning_count, 2);
	assert_true(warns(trust, "spec.publicKeys[0].openpgp", "has expired"));
	assert_true(warns(trust, "spec.publicKeys[1].openpgp", "is revoked"));
	assert_int_equal(trust->known_count, 3);
}

static void refuses_one_key_behind_two_attestors_of_an_entry(void **state)
{
	(void)state;
	put_attestor("qa", "revoked-before.asc");
	put_attestor("security", "ed.asc revoked.asc");
	put_policy("qa, security");
	check_refused(&policies_only,
		      "policy.yaml: document 1: spec.require.attestations[0].attestors[1]: security shares "
		      "a key with qa");
	put_policy("qa], count: 1}, {attestors: [security");
	trust_unref(load(&policies_only, NULL));
}

static void a_key_of_two_attestors_is_known_once(void **state)
{
	cleanup(trust) struct trust *trust = NULL;

	(void)state;
	put_attestor("qa", "ed.asc");
	put_attestor("ci", "ed.asc rsa.asc");
	trust = load(&policies_only, NULL);
	assert_int_equal(trust->known_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(trust->known[i].attestor,
				    is_fixture("ed", trust->known[i].info.fingerprint) ? "ci,qa" : "ci");
	assert_true(warns(trust, "", "no policy: the default action"));
}

static void pubkeys_take_every_file_that_can_be_used(void **state)
{
	cleanup(trust) struct trust *trust = NULL;

	(void)state;
	put_key("ed.asc", "any name.pub");
	put_key("rsa.gpg", "binary.pub");
	put_key("both.asc", "several.asc");
	put_key("expired.asc", "old.asc");
	trust = load(&keys_only, NULL);
	assert_true(trust->from_pubkeys);
	assert_int_equal(trust->policies->policy_count, 1);
	assert_int_equal(trust->policies->attestors[0].key_count, 4);
	assert_true(trust->known_count >= 3);
	assert_int_equal(trust->warning_count, 1);
	assert_true(warns(trust, "old.asc", "has expired"));
	assert_int_equal(key_set_texts(trust->keys), 4);
}

static void pubkeys_leave_out_and_report_the_rest(void **state)
{
	cleanup(buf) struct buf large = buf_init(FILE_MAX);
	cleanup(trust) struct trust *trust = NULL;
	char path[256];

	(void)state;
	put_key("ed.asc", "good.asc");
	put_key("ed-secret.asc", "secret.asc");
	put_key("rsa1024.asc", "weak.asc");
	put_key("rsa.asc", "key.txt");
	put_key("rsa.asc", ".hidden.asc");
	write_file(key_dir, "foreign.pub", STR("ssh-ed25519 AAAA bob\n"));
	write_file(key_dir, "empty.pub", STR(""));
	for (size_t i = 0; i <= LIMIT_KEY_FILE; i++)
		buf_add_char(&large, 'x');
	write_file(key_dir, "large.pub", buf_str(&large));
	(void)snprintf(path, sizeof(path), "%s/dangling.pub", key_dir);
	assert_int_equal(symlink("nowhere", path), 0);
	(void)snprintf(path, sizeof(path), "%s/pipe.pub", key_dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	trust = load(&keys_only, NULL);
	assert_int_equal(trust->known_count, 1);
	assert_true(is_fixture("ed", trust->known[0].info.fingerprint));
	assert_int_equal(key_set_texts(trust->keys), 1);
	assert_int_equal(trust->warning_count, 8);
	assert_true(warns(trust, "secret.asc", "holds a secret key; left out"));
	assert_true(warns(trust, "weak.asc", "is too weak (rsa1024); left out"));
	assert_true(warns(trust, "key.txt", "only .pub and .asc files are read"));
	assert_true(warns(trust, "foreign.pub", "left out"));
	assert_true(warns(trust, "empty.pub", "left out"));
	assert_true(warns(trust, "large.pub", "left out"));
	assert_true(warns(trust, "dangling.pub", "left out"));
	assert_true(warns(trust, "pipe.pub", "not a regular file; left out"));
}

static void a_secret_key_spoils_its_file(void **state)
{
	cleanup(buf) struct buf text = buf_init(FILE_MAX);
	cleanup(trust) struct trust *trust = NULL;

	(void)state;
	read_key("rsa.asc", &text);
	read_key("ed-secret.asc", &text);
	write_file(key_dir, "mixed.asc", buf_str(&text));
	trust = load(&keys_only, NULL);
	assert_int_equal(trust->known_count, 0);
	assert_true(warns(trust, "mixed.asc", "left out"));
}

static void no_usable_key_admits_nothing(void **state)
{
	cleanup(trust) struct trust *trust = load(&keys_only, NULL);
	const struct image_policy *policy = &trust->policies->policies[0];

	(void)state;
	assert_true(trust->from_pubkeys);
	assert_int_equal(policy->rules[0].count, 1);
	assert_int_equal(policy->rules[0].attestors[0]->key_count, 0);
	assert_int_equal(trust->known_count, 0);
	assert_true(warns(trust, "/keys", "nothing is admitted"));
}

static void policy_objects_rule_alone(void **state)
{
	cleanup(trust) struct trust *trust = NULL;

	(void)state;
	put_key("rsa.asc", "rsa.asc");
	put_attestor("qa", "ed.asc");
	put_policy("qa");
	trust = load(&both, NULL);
	assert_false(trust->from_pubkeys);
	assert_int_equal(trust->known_count, 1);
	assert_int_equal(trust->policies->policy_count, 1);
	assert_true(warns(trust, "/keys", "not used, since there are policy objects"));
}

static void without_policies_the_keys_rule(void **state)
{
	cleanup(trust) struct trust *trust = NULL;

	(void)state;
	put_key("ed.asc", "ed.asc");
	trust = load(&both, NULL);
	assert_true(trust->from_pubkeys);
	assert_int_equal(trust->known_count, 1);
}

static void nothing_at_all_loads_with_a_warning(void **state)
{
	static const struct trust_sources none;
	cleanup(trust) struct trust *trust = load(&none, NULL);

	(void)state;
	assert_int_equal(trust->policies->policy_count, 0);
	assert_int_equal(trust->warning_count, 1);
	assert_true(warns(trust, "", "the default action applies"));
}

static void refuses_directories_that_are_not_there(void **state)
{
	(void)state;
	assert_int_equal(rmdir(key_dir), 0);
	check_refused(&keys_only, "/keys: No such file");
	put_attestor("qa", "ed.asc");
	check_refused(&both, "/keys: No such file");
	assert_int_equal(mkdir(key_dir, 0700), 0);
	(void)tear_down(NULL);
	check_refused(&policies_only, "/policies: No such file");
}

static void refuses_policy_files_that_cannot_be_read(void **state)
{
	cleanup(buf) struct buf large = buf_init(FILE_MAX);
	char path[256];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/x.yaml", policy_dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	check_refused(&policies_only, "x.yaml: not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	check_refused(&policies_only, "x.yaml: No such file");
	assert_int_equal(unlink(path), 0);
	for (size_t i = 0; i < LIMIT_POLICY_FILE; i++)
		buf_add_char(&large, '#');
	write_file(policy_dir, "x.yaml", buf_str(&large));
	trust_unref(load(&policies_only, NULL));
	buf_add_char(&large, '#');
	write_file(policy_dir, "x.yaml", buf_str(&large));
	check_refused(&policies_only, "x.yaml: ");
}

static void reports_other_files_beside_policies(void **state)
{
	cleanup(trust) struct trust *trust = NULL;
	char path[256];

	(void)state;
	put_attestor("qa", "ed.asc");
	put_policy("qa");
	write_file(policy_dir, "p.yaml.bak", STR("x"));
	(void)snprintf(path, sizeof(path), "%s/more", policy_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	trust = load(&policies_only, NULL);
	assert_int_equal(trust->warning_count, 2);
	assert_true(warns(trust, "/p.yaml.bak", "passed over"));
	assert_true(warns(trust, "/more", "passed over"));
}

static void the_same_keys_keep_their_set_and_are_not_inspected_again(void **state)
{
	cleanup(trust) struct trust *first = NULL;
	cleanup(trust) struct trust *second = NULL;
	cleanup(trust) struct trust *third = NULL;
	struct worker_pool *pool = workers;

	(void)state;
	put_attestor("qa", "ed.asc");
	put_policy("qa");
	first = load(&policies_only, NULL);
	put_policy("qa], count: 1}, {attestors: [qa");
	workers = NULL;
	second = load(&policies_only, first);
	workers = pool;
	assert_ptr_equal(second->keys, first->keys);
	assert_int_equal(second->policies->policies[0].rule_count, 2);
	assert_int_equal(second->known_count, 1);
	put_attestor("qa", "ed.asc rsa.asc");
	third = load(&policies_only, second);
	assert_ptr_not_equal(third->keys, second->keys);
	assert_int_equal(third->known_count, 2);
}

/* An Attestor that lists one key `count` times. */
static void put_many_keys(const char *name, size_t count)
{
	cleanup(buf) struct buf fixtures = buf_init(FILE_MAX);

	for (size_t i = 0; i < count; i++)
		buf_printf(&fixtures, "%sed.asc", i ? " " : "");
	put_attestor(name, fixtures.data);
}

static void takes_as_many_keys_as_the_limit(void **state)
{
	(void)state;
	put_many_keys("a", LIMIT_KEYS / 2);
	put_many_keys("b", LIMIT_KEYS / 2);
	trust_unref(load(&policies_only, NULL));
	put_many_keys("c", 1);
	check_refused(&policies_only, "more than 10000 keys");
}

/* Each file is the same key behind a comment of its own that fills it. */
static void keys_that_a_worker_could_not_load_are_not_taken(void **state)
{
	enum { SIZE = 1000000, FILES = 17 };
	char name[16];

	(void)state;
	for (int i = 0; i < FILES; i++) {
		cleanup(buf) struct buf text = buf_init(SIZE + FILE_MAX);

		while (text.len < SIZE)
			buf_printf(&text, "file %d, line %zu\n", i, text.len);
		read_key("ed.asc", &text);
		(void)snprintf(name, sizeof(name), "%d.asc", i);
		write_file(key_dir, name, buf_str(&text));
	}
	check_refused(&keys_only, "can't be loaded in time");
}

static void lives_as_long_as_somebody_holds_it(void **state)
{
	struct trust *trust = load(&keys_only, NULL);

	(void)state;
	assert_ptr_equal(trust_ref(trust), trust);
	trust_unref(trust);
	assert_true(trust->from_pubkeys);
	trust_unref(trust);
	trust_unref(NULL);
}

static void the_fingerprint_sees_both_sources(void **state)
{
	uint64_t first = trust_fingerprint(&both);
	uint64_t second;

	(void)state;
	put_attestor("qa", "ed.asc");
	second = trust_fingerprint(&both);
	assert_int_not_equal(first, second);
	put_key("ed.asc", "ed.asc");
	assert_int_not_equal(trust_fingerprint(&both), second);
	assert_int_equal(trust_fingerprint(&both), trust_fingerprint(&both));
}

#define IN_DIRS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRS(fills_in_the_fingerprints_of_attestors),
		IN_DIRS(refuses_attestor_keys_that_cannot_count),
		IN_DIRS(refuses_armour_without_a_key),
		IN_DIRS(expired_and_revoked_keys_load_with_a_warning),
		IN_DIRS(refuses_one_key_behind_two_attestors_of_an_entry),
		IN_DIRS(a_key_of_two_attestors_is_known_once),
		IN_DIRS(pubkeys_take_every_file_that_can_be_used),
		IN_DIRS(pubkeys_leave_out_and_report_the_rest),
		IN_DIRS(a_secret_key_spoils_its_file),
		IN_DIRS(no_usable_key_admits_nothing),
		IN_DIRS(policy_objects_rule_alone),
		IN_DIRS(without_policies_the_keys_rule),
		IN_DIRS(nothing_at_all_loads_with_a_warning),
		IN_DIRS(refuses_directories_that_are_not_there),
		IN_DIRS(refuses_policy_files_that_cannot_be_read),
		IN_DIRS(reports_other_files_beside_policies),
		IN_DIRS(the_same_keys_keep_their_set_and_are_not_inspected_again),
		IN_DIRS(takes_as_many_keys_as_the_limit),
		IN_DIRS(keys_that_a_worker_could_not_load_are_not_taken),
		IN_DIRS(lives_as_long_as_somebody_holds_it),
		IN_DIRS(the_fingerprint_sees_both_sources),
	};

	return cmocka_run_group_tests(tests, start_workers, stop_workers);
}
