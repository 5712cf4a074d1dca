#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "base/file.h"
#include "base/limits.h"
#include "policy/manifest.h"

#define INVALID "tests/data/policies/invalid"
#define VALID "tests/data/policies/valid"
#define FILE_MAX (1u << 20)

CLEANUP_POINTER(reader, struct manifest_reader, manifest_reader_free)
CLEANUP_POINTER(policies, struct policy_set, policy_set_free)

static bool read_texts(const struct str *texts, size_t count, struct policy_set **out, struct err *e)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();

	assert_non_null(reader);
	for (size_t i = 0; i < count; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "file%zu", i + 1);
		if (!manifest_reader_add(reader, str_of(name), texts[i], e))
			return false;
	}
	return manifest_reader_finish(reader, out, e);
}

static bool read_file(const char *folder, const char *name, struct policy_set **out, struct buf *text, struct err *e)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_non_null(reader);
	assert_true(file_read(path, text, e));
	return manifest_reader_add(reader, str_of(name), buf_str(text), e) && manifest_reader_finish(reader, out, e);
}

static struct policy_set *load(const char *name)
{
	cleanup(buf) struct buf text = buf_init(FILE_MAX);
	struct policy_set *set = NULL;
	struct err e = ERR_INIT;

	if (!read_file(VALID, name, &set, &text, &e))
		fail_msg("%s", e.text);
	return set;
}

/* The first line of each file is a comment with the error that the file must give. */
static bool gives_its_error(const char *name)
{
	cleanup(buf) struct buf text = buf_init(FILE_MAX);
	cleanup(policies) struct policy_set *set = NULL;
	struct err e = ERR_INIT;
	char expected[ERR_TEXT_MAX];

	if (read_file(INVALID, name, &set, &text, &e))
		(void)err_set(&e, ERR_NONE, "%s: accepted", name);
	assert_true(str_starts_with(buf_str(&text), STR("# ")));
	(void)snprintf(expected, sizeof(expected), "%s: %.*s", name,
		       STR_ARG(str_head(str_skip(buf_str(&text), 2), str_find(buf_str(&text), '\n') - 2)));
	if (strcmp(e.text, expected) == 0 && e.kind == ERR_INVALID && !set)
		return true;
	print_error("expected: %s\ngot:      %s\n", expected, e.text);
	return false;
}

static void refuses_every_invalid_manifest_with_its_place(void **state)
{
	DIR *folder = opendir(INVALID);
	size_t count = 0;
	size_t wrong = 0;

	(void)state;
	assert_non_null(folder);
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (entry->d_name[0] == '.')
			continue;
		wrong += !gives_its_error(entry->d_name);
		count++;
	}
	closedir(folder);
	assert_int_equal(wrong, 0);
	assert_true(count > 100);
}

static void reads_every_field(void **state)
{
	cleanup(policies) struct policy_set *set = load("complete.yaml");
	const struct image_policy *p = &set->policies[0];

	(void)state;
	assert_int_equal(set->policy_count, 1);
	assert_true(str_eq_c(p->name, "production"));
	assert_int_equal(p->namespace_.len, 0);
	assert_true(str_eq_c(p->origin, "complete.yaml: document 1"));
	assert_int_equal(p->match.namespace_count, 2);
	assert_true(str_eq_c(p->match.namespaces[0], "prod-*"));
	assert_int_equal(p->match.image_count, 2);
	assert_true(str_eq_c(p->match.images[1].tag, "v1"));
	assert_int_equal(p->match.service_account_count, 2);
	assert_true(str_eq_c(p->match.service_accounts[1], "*:ci"));
	assert_int_equal(p->match.kind_count, 4);
	assert_true(str_eq_c(p->match.kinds[1], "apps/Deployment"));
	assert_int_equal(p->exempt_image_count, 1);
	assert_true(str_eq_c(p->exempt_images[0].digest, "sha256:*"));
	assert_int_equal(p->enforcement, ENFORCE_WARN);
	assert_true(p->require_digest);
}

static void links_rules_to_their_attestors(void **state)
{
	cleanup(policies) struct policy_set *set = load("complete.yaml");
	const struct image_policy *p = &set->policies[0];

	(void)state;
	assert_int_equal(p->rule_count, 2);
	assert_int_equal(p->rules[0].attestor_count, 3);
	assert_int_equal(p->rules[0].count, 2);
	assert_true(str_eq_c(p->rules[0].attestors[2]->name, "release"));
	assert_int_equal(p->rules[1].count, 1);
	assert_ptr_equal(p->rules[1].attestors[0], p->rules[0].attestors[0]);
	assert_int_equal(set->attestor_count, 3);
	assert_true(str_eq_c(set->attestors[0].name, "qa"));
	assert_true(str_eq_c(set->attestors[0].note, "projects/image-signing/notes/qa"));
	assert_int_equal(set->attestors[0].key_count, 2);
	assert_true(str_eq_c(set->attestors[0].keys[1].name, "second"));
	assert_true(
		str_eq_c(set->attestors[0].keys[1].origin, "complete.yaml: document 2: spec.publicKeys[1].openpgp"));
	assert_true(str_starts_with(set->attestors[0].keys[1].openpgp, STR("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")));
}

static void reads_every_rule_of_a_selector(void **state)
{
	static const struct {
		const char *key;
		enum label_operator operator;
		size_t count;
		const char *last;
	} rows[] = {
		{"stage", LABEL_IN, 1, "prod"},
		{"example.com/team", LABEL_IN, 1, ""},
		{"tier", LABEL_IN, 2, "silver"},
		{"tier", LABEL_NOT_IN, 2, "bronze"},
		{"kubernetes.io/metadata.name", LABEL_EXISTS, 0, NULL},
		{"sandbox", LABEL_DOES_NOT_EXIST, 0, NULL},
	};
	cleanup(policies) struct policy_set *set = load("selector.yaml");
	cleanup(policies) struct policy_set *other = load("complete.yaml");
	const struct image_match *match = &set->policies[0].match;

	(void)state;
	assert_true(set->needs_labels);
	assert_false(other->needs_labels);
	assert_int_equal(match->label_count, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < match->label_count; i++) {
		assert_true(str_eq_c(match->labels[i].key, rows[i].key));
		assert_int_equal(match->labels[i].operator, rows[i].operator);
		assert_int_equal(match->labels[i].value_count, rows[i].count);
		if (rows[i].last)
			assert_true(str_eq_c(match->labels[i].values[rows[i].count - 1], rows[i].last));
	}
}

static void a_key_from_elsewhere_has_no_text_yet(void **state)
{
	cleanup(policies) struct policy_set *set = load("selector.yaml");
	const struct attestor_key *keys = set->attestors[0].keys;

	(void)state;
	assert_int_equal(keys[0].openpgp.len + keys[1].openpgp.len, 0);
	assert_false(keys[0].from.secret);
	assert_true(str_eq_c(keys[0].from.namespace_, "sealgate"));
	assert_true(str_eq_c(keys[0].from.name, "keys"));
	assert_true(str_eq_c(keys[0].from.key, "qa.asc"));
	assert_true(str_eq_c(keys[0].origin, "selector.yaml: document 2: spec.publicKeys[0].from.configMap"));
	assert_true(keys[1].from.secret);
	assert_true(str_eq_c(keys[1].name, "second"));
	assert_true(str_eq_c(keys[1].origin, "selector.yaml: document 2: spec.publicKeys[1].from.secret"));
}

static void defaults_are_the_strict_ones(void **state)
{
	cleanup(policies) struct policy_set *set = load("defaults.yaml");
	const struct image_policy *p = &set->policies[0];

	(void)state;
	assert_int_equal(p->enforcement, ENFORCE_DENY);
	assert_true(p->require_digest);
	assert_int_equal(p->rules[0].count, 2);
	assert_int_equal(p->match.image_count + p->match.namespace_count + p->match.kind_count, 0);
	assert_int_equal(p->exempt_image_count, 0);
}

static void cluster_policies_come_first_then_by_namespace(void **state)
{
	cleanup(policies) struct policy_set *set = load("namespaced.yml");

	(void)state;
	assert_int_equal(set->policy_count, 3);
	assert_true(str_eq_c(set->policies[0].namespace_, ""));
	assert_true(str_eq_c(set->policies[1].namespace_, "prod"));
	assert_int_equal(set->policies[1].enforcement, ENFORCE_AUDIT);
	assert_true(str_eq_c(set->policies[2].namespace_, "test"));
}

static void reads_lists_and_json(void **state)
{
	cleanup(policies) struct policy_set *json = load("list.json");
	cleanup(policies) struct policy_set *yaml = load("aliases.yaml");

	(void)state;
	assert_int_equal(json->policy_count, 2);
	assert_true(str_eq_c(json->policies[0].name, "a"));
	assert_false(json->policies[0].require_digest);
	assert_true(str_eq_c(json->policies[0].origin, "list.json: document 1: items[1]"));
	assert_int_equal(json->attestor_count, 1);
	assert_int_equal(yaml->policy_count, 2);
	assert_int_equal(yaml->policies[1].enforcement, ENFORCE_WARN);
}

static void a_key_may_serve_two_entries(void **state)
{
	cleanup(policies) struct policy_set *set = load("shared-key-in-two-entries.yaml");

	(void)state;
	assert_int_equal(set->policies[0].rule_count, 2);
}

#define HEAD(kind, name) "apiVersion: sealgate.dev/v1alpha1\nkind: " kind "\nmetadata: {name: " name "}\n"
#define POLICY(name, attestors) \
	HEAD("ClusterImagePolicy", name) "spec: {require: {attestations: [{attestors: [" attestors "]}]}}\n"
#define ATTESTOR(name, key)                                                           \
	HEAD("Attestor", name)                                                        \
	"spec:\n  note: projects/p/notes/" name "\n  publicKeys:\n  - openpgp: '" key \
	" -----BEGIN PGP PUBLIC KEY BLOCK-----'\n"

static void files_may_come_in_any_order(void **state)
{
	const struct str texts[] = {STR(POLICY("a", "qa")), STR("# nothing\n"), STR(ATTESTOR("qa", "1"))};
	cleanup(policies) struct policy_set *set = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(read_texts(texts, 3, &set, &e));
	assert_ptr_equal(set->policies[0].rules[0].attestors[0], &set->attestors[0]);
}

static void errors_across_files_name_both(void **state)
{
	static const struct {
		struct str texts[3];
		const char *error;
	} rows[] = {
		{{STR(ATTESTOR("qa", "1")), STR(POLICY("a", "qa")), STR(ATTESTOR("qa", "2"))},
		 "file3: document 1: metadata.name: Attestor qa is defined already, in file1: document 1: "
		 "metadata.name"},
		{{STR(POLICY("a", "qa")), STR(ATTESTOR("qa", "1")), STR(POLICY("a", "qa"))},
		 "file3: document 1: metadata.name: ClusterImagePolicy a is defined already, in file1: document 1: "
		 "metadata.name"},
		{{STR(ATTESTOR("qa", "1")), STR(POLICY("b", "qb")), STR(POLICY("a", "qc"))},
		 "file2: document 1: spec.require.attestations[0].attestors[0]: there is no Attestor qb (did you mean "
		 "qa?)"},
		{{STR(ATTESTOR("qa", "1")), STR(ATTESTOR("qb", "1")), STR(POLICY("a", "qb, qa"))},
		 "file3: document 1: spec.require.attestations[0].attestors[1]: qa shares a key with qb "
		 "(file1: document 1: spec.publicKeys[0].openpgp)"},
		/* The key that comes first is not the one whose text does. */
		{{STR(ATTESTOR("a", "9") "---\n" ATTESTOR("qa", "1")), STR(ATTESTOR("qb", "1")),
		  STR(POLICY("a", "qb, qa"))},
		 "file3: document 1: spec.require.attestations[0].attestors[1]: qa shares a key with qb "
		 "(file1: document 2: spec.publicKeys[0].openpgp)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_set *set = NULL;
		struct err e = ERR_INIT;

		assert_false(read_texts(rows[i].texts, 3, &set, &e));
		assert_null(set);
		assert_string_equal(e.text, rows[i].error);
	}
}

static void error_texts_stay_one_line_and_bounded(void **state)
{
	cleanup(buf) struct buf text = buf_init(FILE_MAX);
	struct policy_set *set = NULL;
	struct err e = ERR_INIT;
	struct str yaml;

	(void)state;
	buf_add_c(&text,
		  "{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"Attestor\",\"metadata\":{\"name\":\"qa\"},"
		  "\"spec\":{\"a\\nb");
	for (size_t i = 0; i < 5000; i++)
		buf_add_c(&text, "\xc3\xa9");
	buf_add_c(&text, "\": 1}}");
	yaml = buf_str(&text);
	assert_false(read_texts(&yaml, 1, &set, &e));
	assert_true(strlen(e.text) < 200);
	assert_null(strchr(e.text, '\n'));
	assert_non_null(strstr(e.text, ": unknown field"));
}

/* The place of each key is kept, so a long file name makes much of little. */
static void refuses_policies_past_the_memory_limit(void **state)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	cleanup(buf) struct buf text = buf_init(LIMIT_POLICY_FILE);
	static char name[2001];
	struct err e = ERR_INIT;
	size_t keys = LIMIT_POLICY_MEMORY / sizeof(name) / 8;
	size_t fits = 0;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	buf_add_c(&text, HEAD("Attestor", "qa") "spec:\n  note: projects/p/notes/n\n  publicKeys:\n");
	for (size_t i = 0; i < keys; i++)
		buf_add_c(&text, "  - openpgp: '-----BEGIN PGP PUBLIC KEY BLOCK-----'\n");
	while (manifest_reader_add(reader, str_of(name), buf_str(&text), &e))
		fits++;
	assert_in_range(fits, 6, 7);
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	assert_non_null(strstr(e.text, "nnn..."));
}

static const struct str fingerprints[] = {{"AA", 2}, {"BB", 2}};

static void pubkeys_make_one_attestor_for_every_image(void **state)
{
	const struct attestor_key keys[] = {{.openpgp = STR("\x99\x00\x01"),
					     .origin = STR("bob.pub"),
					     .fingerprints = fingerprints,
					     .fingerprint_count = 2}};
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	cleanup(policies) struct policy_set *set = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(manifest_reader_add_pubkeys(reader, keys, 1, &e));
	assert_int_equal(manifest_reader_objects(reader), 0);
	assert_true(manifest_reader_finish(reader, &set, &e));
	assert_int_equal(set->policy_count, 1);
	assert_true(str_eq_c(set->policies[0].name, "pubkeys"));
	assert_int_equal(set->policies[0].enforcement, ENFORCE_DENY);
	assert_true(set->policies[0].require_digest);
	assert_int_equal(set->policies[0].rules[0].count, 1);
	assert_true(str_eq_c(set->policies[0].rules[0].attestors[0]->name, "pubkeys"));
	assert_int_equal(set->attestors[0].note.len, 0);
	assert_int_equal(set->attestors[0].keys[0].openpgp.len, 3);
	assert_true(str_eq_c(set->attestors[0].keys[0].fingerprints[1], "BB"));
}

static void no_pubkeys_still_require_an_attestation(void **state)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	cleanup(policies) struct policy_set *set = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(manifest_reader_add_pubkeys(reader, NULL, 0, &e));
	assert_true(manifest_reader_finish(reader, &set, &e));
	assert_int_equal(set->policies[0].rule_count, 1);
	assert_int_equal(set->policies[0].rules[0].count, 1);
	assert_int_equal(set->attestors[0].key_count, 0);
}

static void refuses_pubkeys_beside_policy_objects(void **state)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	struct err e = ERR_INIT;

	(void)state;
	assert_true(manifest_reader_add(reader, STR("f"), STR(ATTESTOR("qa", "1")), &e));
	assert_int_equal(manifest_reader_objects(reader), 1);
	assert_false(manifest_reader_add_pubkeys(reader, NULL, 0, &e));
}

static void nothing_read_is_an_empty_set(void **state)
{
	cleanup(policies) struct policy_set *set = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(read_texts(NULL, 0, &set, &e));
	assert_int_equal(set->policy_count + set->attestor_count, 0);
}

static void refuses_to_finish_twice(void **state)
{
	cleanup(reader) struct manifest_reader *reader = manifest_reader_new();
	cleanup(policies) struct policy_set *set = NULL;
	struct policy_set *second = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(manifest_reader_finish(reader, &set, &e));
	assert_false(manifest_reader_finish(reader, &second, &e));
	assert_null(second);
}

static void CVE_2025_46342_a_selector_that_can_t_be_heeded_is_not_loaded(void **state)
{
	static const char *const selectors[] = {"namespaceSelector: {}", "namespaceSelector: null",
						"namespaceSelector: {matchLabels: {}}", "objectSelector: {}"};

	(void)state;
	for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		char text[512];
		struct policy_set *set = NULL;
		struct err e = ERR_INIT;
		struct str file;

		(void)snprintf(text, sizeof(text),
			       "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: a}\n"
			       "spec: {match: {%s}, require: {digest: true}}\n",
			       selectors[i]);
		file = str_of(text);
		assert_false(read_texts(&file, 1, &set, &e));
		assert_null(set);
		assert_non_null(strstr(e.text, "elector"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_every_invalid_manifest_with_its_place),
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(links_rules_to_their_attestors),
		cmocka_unit_test(reads_every_rule_of_a_selector),
		cmocka_unit_test(a_key_from_elsewhere_has_no_text_yet),
		cmocka_unit_test(defaults_are_the_strict_ones),
		cmocka_unit_test(cluster_policies_come_first_then_by_namespace),
		cmocka_unit_test(reads_lists_and_json),
		cmocka_unit_test(a_key_may_serve_two_entries),
		cmocka_unit_test(files_may_come_in_any_order),
		cmocka_unit_test(errors_across_files_name_both),
		cmocka_unit_test(error_texts_stay_one_line_and_bounded),
		cmocka_unit_test(refuses_policies_past_the_memory_limit),
		cmocka_unit_test(pubkeys_make_one_attestor_for_every_image),
		cmocka_unit_test(no_pubkeys_still_require_an_attestation),
		cmocka_unit_test(refuses_pubkeys_beside_policy_objects),
		cmocka_unit_test(nothing_read_is_an_empty_set),
		cmocka_unit_test(refuses_to_finish_twice),
		cmocka_unit_test(CVE_2025_46342_a_selector_that_can_t_be_heeded_is_not_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
