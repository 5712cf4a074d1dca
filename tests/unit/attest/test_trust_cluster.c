#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attest/trust_review.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "policy/evaluate.h"
#include "tests/unit/scratch.h"

#define KEYS "tests/data/openpgp/keys/"
#define TEXT_MAX (8u << 20)
#define DIGEST "sha256:aba48d60ba4410ec921f9d2e8169236c57660d121f9430dc9758d754eec8f887"
#define IMAGE "gcr.io/hightowerlabs/payment@" DIGEST

/* What a cluster and a policy directory hold while a test goes on. */
static struct {
	struct worker_pool *workers;
	char top[SCRATCH_SIZE];
	char dir[96];
	const char *dirs[1];
	struct trust_objects *next; /* that the next load takes */
	struct trust *trust;
	const char *own_namespace;
	unsigned asked;
} bed;

static int start_workers(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	if (!scratch_make(bed.top))
		return -1;
	(void)snprintf(bed.dir, sizeof(bed.dir), "%s/run", bed.top);
	bed.workers = worker_pool_start(1, bed.dir, &e);
	(void)snprintf(bed.dir, sizeof(bed.dir), "%s/policies", bed.top);
	bed.dirs[0] = bed.dir;
	return bed.workers ? 0 : -1;
}

static int stop_workers(void **state)
{
	(void)state;
	worker_pool_stop(bed.workers);
	return scratch_remove(bed.top) ? 0 : -1;
}

static int set_up(void **state)
{
	(void)state;
	bed.next = trust_objects_new();
	bed.trust = NULL;
	bed.own_namespace = "sealgate";
	return mkdir(bed.dir, 0700) || !bed.next;
}

static int tear_down(void **state)
{
	(void)state;
	trust_objects_unref(bed.next);
	trust_unref(bed.trust);
	return scratch_remove(bed.dir) ? 0 : -1;
}

static void put_file(const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", bed.dir, name);
	assert_true(file_write(path, str_of(text), 0600, NULL));
}

static char *key_text(const char *fixture)
{
	cleanup(buf) struct buf text = buf_init(TEXT_MAX);
	char path[256];

	(void)snprintf(path, sizeof(path), KEYS "%s.asc", fixture);
	assert_true(file_read(path, &text, NULL));
	return buf_detach(&text);
}

static void add(enum trust_object_kind kind, const char *namespace_, const char *name, const char *uid, struct str text)
{
	struct trust_object object = {.kind = kind,
				      .namespace_ = str_of(namespace_),
				      .name = str_of(name),
				      .uid = str_of(uid),
				      .generation = 1,
				      .text = text};

	assert_true(trust_objects_add(bed.next, &object, NULL));
}

static void head(struct buf *out, enum trust_object_kind kind, const char *namespace_, const char *name)
{
	buf_printf(out, "{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"%s\",\"metadata\":{\"name\":\"%s\"",
		   trust_object_kind_name(kind), name);
	if (*namespace_)
		buf_printf(out, ",\"namespace\":\"%s\"", namespace_);
	buf_add_c(out, ",\"uid\":\"u\",\"generation\":1,\"managedFields\":[]},\"status\":{},\"spec\":");
}

/* Keys separated by spaces: fixtures, "?" for armour around nothing, and "configMap:KEY", "secret:KEY" of "keys". */
static void add_attestor(const char *name, const char *keys)
{
	cleanup(buf) struct buf json = buf_init(TEXT_MAX);
	char list[256], *rest = list, *key;
	const char *comma = "";

	head(&json, TRUST_OBJECT_ATTESTOR, "", name);
	buf_printf(&json, "{\"note\":\"projects/p/notes/%s\",\"publicKeys\":[", name);
	(void)snprintf(list, sizeof(list), "%s", keys);
	while ((key = strsep(&rest, " ")) != NULL) {
		char *colon = strchr(key, ':');
		char *text = colon || *key == '?' ? NULL : key_text(key);

		buf_add_c(&json, comma);
		comma = ",";
		if (colon) {
			*colon = 0;
			buf_printf(&json,
				   "{\"from\":{\"%s\":{\"namespace\":\"sealgate\",\"name\":\"keys\",\"key\":\"%s\"}}}",
				   key, colon + 1);
			continue;
		}
		buf_add_c(&json, "{\"openpgp\":");
		buf_add_json_string(&json, text ? str_of(text)
						: STR("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nbm90IGEga2V5\n"
						      "-----END PGP PUBLIC KEY BLOCK-----\n"));
		buf_add_char(&json, '}');
		free(text);
	}
	buf_add_c(&json, "]}}");
	assert_true(buf_ok(&json, NULL));
	add(TRUST_OBJECT_ATTESTOR, "", name, "u", buf_str(&json));
}

static void add_policy(const char *namespace_, const char *name, const char *spec)
{
	enum trust_object_kind kind = *namespace_ ? TRUST_OBJECT_POLICY : TRUST_OBJECT_CLUSTER_POLICY;
	cleanup(buf) struct buf json = buf_init(TEXT_MAX);

	head(&json, kind, namespace_, name);
	buf_printf(&json, "%s}", spec);
	add(kind, namespace_, name, "u", buf_str(&json));
}

#define DIGEST_ONLY "{\"require\":{\"digest\":true}}"
#define REQUIRES(attestors) "{\"require\":{\"attestations\":[{\"attestors\":[" attestors "]}]}}"

static void add_source(enum key_source_kind kind, const char *namespace_, const char *key, const char *text)
{
	struct key_source source = {.kind = kind,
				    .namespace_ = str_of(namespace_),
				    .name = STR("keys"),
				    .key = str_of(key),
				    .text = str_of(text)};

	assert_true(trust_objects_add_source(bed.next, &source, NULL));
}

static void add_key_source(enum key_source_kind kind, const char *key, const char *fixture)
{
	char *text = key_text(fixture);

	add_source(kind, "sealgate", key, text);
	free(text);
}

static bool try_load(struct err *e)
{
	struct trust_sources sources = {.policy_dirs = {.items = bed.dirs, .count = 1, .given = true},
					.own_namespace = bed.own_namespace,
					.namespace_labels = bed.own_namespace != NULL,
					.objects = bed.next};
	struct trust *fresh = NULL;
	bool loaded;

	assert_true(trust_objects_finish(bed.next, e));
	loaded = trust_load(&sources, bed.workers, bed.trust, &fresh, e);
	if (loaded) {
		trust_unref(bed.trust);
		bed.trust = fresh;
	}
	trust_objects_unref(bed.next);
	bed.next = trust_objects_new();
	assert_non_null(bed.next);
	return loaded;
}

/* What has been added is what the cluster holds now. */
static void load(void)
{
	struct err e = ERR_INIT;

	if (!try_load(&e))
		fail_msg("%s", e.text);
}

static const struct trust_outcome *outcome(enum trust_object_kind kind, const char *namespace_, const char *name)
{
	size_t at = trust_objects_find(bed.trust->objects, kind, str_of(namespace_), str_of(name));

	assert_true(at < bed.trust->object_count);
	return &bed.trust->outcomes[at];
}

static const struct trust_outcome *policy_outcome(const char *namespace_, const char *name)
{
	return outcome(*namespace_ ? TRUST_OBJECT_POLICY : TRUST_OBJECT_CLUSTER_POLICY, namespace_, name);
}

static void expect(const struct trust_outcome *found, const char *state, const char *reason, const char *message)
{
	assert_string_equal(trust_state_name(found->state), state);
	assert_string_equal(trust_reason_name(found->reason), reason);
	if (!strstr(found->message, message))
		fail_msg("\"%s\" lacks \"%s\"", found->message, message);
}

static const struct attestor *attestor(const char *name)
{
	for (size_t i = 0; i < bed.trust->policies->attestor_count; i++)
		if (str_eq_c(bed.trust->policies->attestors[i].name, name))
			return &bed.trust->policies->attestors[i];
	fail_msg("there is no %s", name);
	return NULL;
}

/* One good attestation by the key, under the note of the attestor of that name. */
struct vouching {
	const char *note;
	const char *fingerprint;
};

static bool answer(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
		   struct err *e)
{
	const struct vouching *by = context;

	(void)e;
	out->items = arena_alloc(arena, sizeof(*out->items));
	out->count = by != NULL;
	if (!by)
		return true;
	out->items[0] = (struct attestation_fact){.name = STR("projects/p/occurrences/1"),
						  .note = str_of(by->note),
						  .verdict = VERDICT_ACCEPTED,
						  .reason = REASON_GOOD,
						  .signer = str_of(by->fingerprint),
						  .digest = query->digest};
	return true;
}

/* Whether a pod of `namespace_` is admitted; *text gets what refuses it. */
static bool admits(const char *namespace_, const struct vouching *by, char text[LIMIT_FINDING_TEXT])
{
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct facts facts = {.context = (void *)by, .attestations = answer};
	struct image_use use = {.path = STR("spec.containers[0].image"), .text = STR(IMAGE)};
	struct image_uses uses = {.items = &use, .count = 1};
	struct subject subject = {.namespace_ = str_of(namespace_), .kind = STR("Pod")};
	struct evaluation how = {.policies = bed.trust->policies,
				 .default_action = DEFAULT_ALLOW,
				 .facts = &facts,
				 .now = clock_now().seconds};
	struct decision decision;

	evaluate(&how, &subject, &uses, &arena, &decision);
	if (text)
		(void)snprintf(text, LIMIT_FINDING_TEXT, "%.*s",
			       STR_ARG(decision.finding_count ? decision.findings[0].text : STR("")));
	return decision.allowed;
}

static void refuses(const char *namespace_, const struct vouching *by, const char *why)
{
	char text[LIMIT_FINDING_TEXT];

	assert_false(admits(namespace_, by, text));
	if (!strstr(text, why))
		fail_msg("\"%s\" lacks \"%s\"", text, why);
}

static const char *fingerprint_of(const char *fixture)
{
	static char table[1u << 16];
	cleanup(buf) struct buf text = buf_init(TEXT_MAX);
	char line[80], *at;

	assert_true(file_read(KEYS "fingerprints.tsv", &text, NULL));
	(void)snprintf(table, sizeof(table), "\n%.*s", STR_ARG(buf_str(&text)));
	(void)snprintf(line, sizeof(line), "\n%s\t", fixture);
	at = strstr(table, line);
	assert_non_null(at);
	at += strlen(line);
	at[strcspn(at, "\n")] = 0;
	return at;
}

static void objects_are_in_force_beside_files(void **state)
{
	struct vouching ed = {"projects/p/notes/qa", fingerprint_of("ed")};

	(void)state;
	put_file("a.yaml", "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: a}\n"
			   "spec: {require: {digest: true}}\n");
	add_attestor("qa", "ed");
	add_policy("", "b", REQUIRES("\"qa\""));
	add_policy("prod", "c", DIGEST_ONLY);
	load();
	assert_int_equal(bed.trust->policies->policy_count, 3);
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "in_force", "InForce", "in force");
	expect(policy_outcome("", "b"), "in_force", "InForce", "in force");
	expect(policy_outcome("prod", "c"), "in_force", "InForce", "in force");
	assert_string_equal(outcome(TRUST_OBJECT_ATTESTOR, "", "qa")->keys[0].fingerprint, fingerprint_of("ed"));
	assert_string_equal(outcome(TRUST_OBJECT_ATTESTOR, "", "qa")->keys[0].state, "Usable");
	assert_string_equal(outcome(TRUST_OBJECT_ATTESTOR, "", "qa")->keys[0].algorithm, "ed25519");
	assert_string_equal(bed.trust->known[0].attestor, "qa");
	ed.fingerprint = fingerprint_of("ed");
	assert_true(admits("prod", &ed, NULL));
	refuses("prod", NULL, "requires attestor qa");
}

static void a_policy_that_can_t_be_read_refuses_what_it_could_select(void **state)
{
	(void)state;
	add_policy("prod", "p", "{\"require\":{\"digest\":true,\"age\":1}}");
	load();
	expect(policy_outcome("prod", "p"), "rejected", "Invalid", "spec.require.age: unknown field");
	refuses("prod", NULL,
		"No policy selects container image: " IMAGE
		" (spec.containers[0].image: policy p can't be read: spec.require.age: unknown field");
	assert_true(admits("other", NULL, NULL));
	add_policy("", "p", "{}");
	load();
	refuses("other", NULL, "policy p can't be read: spec: must not be empty");
}

static void the_last_good_version_stays_in_force(void **state)
{
	(void)state;
	add_policy("prod", "p", DIGEST_ONLY);
	add_attestor("qa", "ed");
	load();
	for (unsigned round = 0; round < 3; round++) {
		add_policy("prod", "p", "{\"require\":null}");
		add_attestor("qa", "ed rsa1024");
		load();
		expect(policy_outcome("prod", "p"), "last_good", "Invalid",
		       "spec.require: must be an object, not null");
		expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "last_good", "Invalid",
		       "spec.publicKeys[1].openpgp: key ");
		assert_int_equal(outcome(TRUST_OBJECT_ATTESTOR, "", "qa")->key_count, 1);
		assert_int_equal(attestor("qa")->key_count, 1);
		assert_int_equal(bed.trust->known_count, 1);
		assert_true(admits("prod", NULL, NULL));
	}
	add_policy("prod", "p", REQUIRES("\"qa\""));
	add_attestor("qa", "rsa");
	load();
	expect(policy_outcome("prod", "p"), "in_force", "InForce", "in force");
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "in_force", "InForce", "in force");
	assert_null(policy_outcome("prod", "p")->good);
	refuses("prod", NULL, "requires attestor qa");
}

/* A start has no last good version; nor has an object that only has the name of another. */
static void without_a_good_version_of_its_own_it_refuses(void **state)
{
	cleanup(buf) struct buf json = buf_init(TEXT_MAX);

	(void)state;
	add_policy("prod", "p", "{\"require\":null}");
	load();
	refuses("prod", NULL, "policy p can't be read");
	add_policy("prod", "p", DIGEST_ONLY);
	load();
	assert_true(admits("prod", NULL, NULL));
	head(&json, TRUST_OBJECT_POLICY, "prod", "p");
	buf_add_c(&json, "{\"require\":null}}");
	add(TRUST_OBJECT_POLICY, "prod", "p", "another", buf_str(&json));
	load();
	refuses("prod", NULL, "policy p can't be read");
	add_policy("prod", "q", DIGEST_ONLY);
	load();
	assert_true(admits("prod", NULL, NULL));
	add_policy("prod", "p", "{\"require\":null}");
	load();
	refuses("prod", NULL, "policy p can't be read");
}

static void nothing_counts_for_an_attestor_that_can_t_be_read(void **state)
{
	struct vouching ed = {"projects/p/notes/qa", NULL};

	(void)state;
	ed.fingerprint = fingerprint_of("ed");
	add_attestor("qa", "ed both");
	add_policy("prod", "p", REQUIRES("\"qa\""));
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "rejected", "Invalid",
	       "spec.publicKeys[1].openpgp: holds 2 keys, each needs an entry of its own");
	assert_int_equal(attestor("qa")->key_count, 0);
	assert_int_equal(bed.trust->known_count, 0);
	refuses("prod", &ed, "requires attestor qa: spec.publicKeys[1].openpgp: holds 2 keys");
	expect(policy_outcome("prod", "p"), "in_force", "InForce", "in force");
}

static void an_attestor_that_is_not_there_refuses_until_it_comes(void **state)
{
	struct vouching ed = {"projects/p/notes/qa", NULL};

	(void)state;
	ed.fingerprint = fingerprint_of("ed");
	add_policy("prod", "p", REQUIRES("\"qa\""));
	load();
	expect(policy_outcome("prod", "p"), "incomplete", "AttestorNotFound",
	       "spec.require.attestations[0].attestors[0]: there is no Attestor qa");
	refuses("prod", &ed, "requires attestor qa: does not exist");
	add_policy("prod", "p", REQUIRES("\"qa\""));
	add_attestor("qa", "ed");
	load();
	assert_true(admits("prod", &ed, NULL));
	add_policy("prod", "p", REQUIRES("\"qa\""));
	load();
	refuses("prod", &ed, "requires attestor qa: does not exist");
}

static void what_is_deleted_is_gone(void **state)
{
	(void)state;
	add_policy("prod", "p", "{\"require\":null}");
	add_policy("prod", "q", REQUIRES("\"qa\""));
	load();
	assert_false(admits("prod", NULL, NULL));
	load();
	assert_int_equal(bed.trust->policies->policy_count, 0);
	assert_true(admits("prod", NULL, NULL));
}

static void a_file_wins(void **state)
{
	struct vouching ed = {"projects/p/notes/qa", NULL};
	cleanup(buf) struct buf yaml = buf_init(TEXT_MAX);
	char *rsa = key_text("rsa");

	(void)state;
	ed.fingerprint = fingerprint_of("ed");
	buf_add_c(&yaml,
		  "{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"Attestor\",\"metadata\":{\"name\":\"qa\"},"
		  "\"spec\":{\"note\":\"projects/p/notes/qa\",\"publicKeys\":[{\"openpgp\":");
	buf_add_json_string(&yaml, str_of(rsa));
	buf_add_c(&yaml, "}]}}");
	free(rsa);
	put_file("qa.json", yaml.data);
	put_file("p.yaml", "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n"
			   "spec: {require: {attestations: [{attestors: [qa]}]}}\n");
	add_attestor("qa", "ed");
	add_policy("", "p", DIGEST_ONLY);
	add_policy("prod", "p", DIGEST_ONLY);
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "overridden", "Overridden",
	       "/qa.json: document 1 has the same name");
	expect(policy_outcome("", "p"), "overridden", "Overridden", "/p.yaml: document 1 has the same name");
	expect(policy_outcome("prod", "p"), "in_force", "InForce", "in force");
	assert_int_equal(bed.trust->policies->attestor_count, 1);
	assert_int_equal(bed.trust->policies->policy_count, 2);
	assert_int_equal(bed.trust->known_count, 1);
	refuses("prod", &ed, "signed by a key that attestor qa does not list");
	ed.fingerprint = fingerprint_of("rsa");
	assert_true(admits("prod", &ed, NULL));
}

/* Else nobody could take an Attestor away again, or a start would hang on the cluster. */
static void a_file_names_attestors_of_files_only(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	put_file("p.yaml", "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n"
			   "spec: {require: {attestations: [{attestors: [qa]}]}}\n");
	add_attestor("qa", "ed");
	assert_false(try_load(&e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, "there is no Attestor qa"));
}

static void two_attestors_of_an_entry_must_not_share_a_key(void **state)
{
	struct vouching ed = {"projects/p/notes/qa", NULL};
	cleanup(buf) struct buf file = buf_init(TEXT_MAX);
	char *text = key_text("ed");

	(void)state;
	ed.fingerprint = fingerprint_of("ed");
	buf_add_c(&file,
		  "{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"Attestor\",\"metadata\":{\"name\":\"qa\"},"
		  "\"spec\":{\"note\":\"projects/p/notes/qa\",\"publicKeys\":[{\"openpgp\":");
	buf_add_json_string(&file, str_of(text));
	buf_add_c(&file, "}]}}");
	free(text);
	put_file("qa.json", file.data);
	add_attestor("security", "rsa ed");
	add_policy("prod", "p", REQUIRES("\"qa\",\"security\""));
	add_policy("test", "p", REQUIRES("\"qa\""));
	load();
	expect(policy_outcome("prod", "p"), "rejected", "Invalid",
	       "spec.require.attestations[0].attestors[1]: security shares a key with qa "
	       "(Attestor security: spec.publicKeys[1].openpgp)");
	refuses("prod", &ed, "policy p can't be read");
	assert_true(admits("test", &ed, NULL));
	add_attestor("security", "rsa");
	add_policy("prod", "p", REQUIRES("\"qa\",\"security\""));
	load();
	expect(policy_outcome("prod", "p"), "in_force", "InForce", "in force");
	add_attestor("security", "ed");
	add_policy("prod", "p", REQUIRES("\"qa\",\"security\""));
	load();
	refuses("prod", &ed, "policy p can't be read");
	/* The last good version is not forgotten while it can't be used. */
	add_attestor("security", "rsa");
	add_policy("prod", "p", "{\"require\":null}");
	load();
	expect(policy_outcome("prod", "p"), "last_good", "Invalid", "spec.require");
	refuses("prod", &ed, "requires 2 of attestors qa, security");
}

static void an_object_is_who_the_api_server_says(void **state)
{
	static const struct {
		const char *kind, *metadata, *error;
	} rows[] = {
		{"ClusterImagePolicy", "{\"name\":\"p\",\"namespace\":\"prod\"}", "kind: must be ImagePolicy"},
		{"ImagePolicy", "{\"name\":\"q\",\"namespace\":\"prod\"}", "metadata.name: must be p"},
		{"ImagePolicy", "{\"name\":\"p\",\"namespace\":\"test\"}", "metadata.namespace: must be prod"},
		{"ImagePolicy", "{\"name\":\"p\"}", "metadata.namespace: must be prod"},
		{"List", "{\"name\":\"p\",\"namespace\":\"prod\"}", "kind: must be ImagePolicy"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text),
			       "{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"%s\",\"metadata\":%s,\"spec\":%s}",
			       rows[i].kind, rows[i].metadata, DIGEST_ONLY);
		add(TRUST_OBJECT_POLICY, "prod", "p", "u", str_of(text));
		load();
		expect(policy_outcome("prod", "p"), "rejected", "Invalid", rows[i].error);
		refuses("prod", NULL, "policy p can't be read");
	}
}

static void text_that_is_no_object_is_rejected(void **state)
{
	static const char *const texts[] = {"[]", "{", "{\"a\":1,\"a\":2}", "null", "{}", "\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		add(TRUST_OBJECT_POLICY, "prod", "p", "u", str_of(texts[i]));
		add(TRUST_OBJECT_ATTESTOR, "", "qa", "u", str_of(texts[i]));
		load();
		expect(policy_outcome("prod", "p"), "rejected", "Invalid", "");
		expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "rejected", "Invalid", "");
		refuses("prod", NULL, "policy p can't be read");
	}
}

static void what_is_too_large_is_rejected_and_told(void **state)
{
	(void)state;
	add_attestor("qa", "ed");
	load();
	add(TRUST_OBJECT_ATTESTOR, "", "qa", "u", STR(""));
	add(TRUST_OBJECT_CLUSTER_POLICY, "", "p", "u", STR(""));
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "last_good", "TooLarge", "larger than 2097152 bytes");
	expect(policy_outcome("", "p"), "rejected", "TooLarge", "larger than 2097152 bytes");
	refuses("prod", NULL, "policy p can't be read");
}

static void a_key_comes_from_the_own_namespace(void **state)
{
	struct vouching by = {"projects/p/notes/qa", NULL};

	(void)state;
	add_attestor("qa", "ed configMap:a secret:b");
	add_policy("prod", "p", REQUIRES("\"qa\""));
	add_key_source(KEY_SOURCE_CONFIG_MAP, "a", "rsa");
	add_key_source(KEY_SOURCE_SECRET, "b", "p256");
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "in_force", "InForce", "in force");
	assert_int_equal(bed.trust->known_count, 3);
	by.fingerprint = fingerprint_of("rsa");
	assert_true(admits("prod", &by, NULL));
	by.fingerprint = fingerprint_of("p256");
	assert_true(admits("prod", &by, NULL));
	/* The ConfigMap is replaced, the Secret deleted. */
	add_attestor("qa", "ed configMap:a secret:b");
	add_policy("prod", "p", REQUIRES("\"qa\""));
	add_key_source(KEY_SOURCE_CONFIG_MAP, "a", "stranger");
	add_key_source(KEY_SOURCE_CONFIG_MAP, "b", "p256");
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "incomplete", "KeySourceNotFound",
	       "spec.publicKeys[2].from.secret: there is no Secret keys with the key b in the namespace sealgate");
	assert_string_equal(outcome(TRUST_OBJECT_ATTESTOR, "", "qa")->keys[2].state, "NotFound");
	assert_string_equal(outcome(TRUST_OBJECT_ATTESTOR, "", "qa")->keys[2].fingerprint, "");
	refuses("prod", &by, "does not list");
	by.fingerprint = fingerprint_of("rsa");
	refuses("prod", &by, "does not list");
	by.fingerprint = fingerprint_of("ed");
	assert_true(admits("prod", &by, NULL));
}

static void a_source_that_is_no_key_spoils_no_other(void **state)
{
	static const char *const bad[] = {"rsa1024", "both", "ed-secret", "encryptonly"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		add_attestor("qa", "configMap:a ed configMap:a");
		add_key_source(KEY_SOURCE_CONFIG_MAP, "a", bad[i]);
		load();
		expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "incomplete", "KeySourceInvalid",
		       "spec.publicKeys[0].from.configMap: ");
		assert_string_equal(outcome(TRUST_OBJECT_ATTESTOR, "", "qa")->keys[0].state, "Unusable");
		assert_int_equal(bed.trust->known_count, 1);
		assert_string_equal(bed.trust->known[0].info.fingerprint, fingerprint_of("ed"));
	}
}

static void two_attestors_without_their_sources_share_nothing(void **state)
{
	(void)state;
	add_attestor("qa", "configMap:a");
	add_attestor("security", "configMap:a");
	add_policy("prod", "p", REQUIRES("\"qa\",\"security\""));
	load();
	expect(policy_outcome("prod", "p"), "in_force", "InForce", "in force");
	refuses("prod", NULL, "requires 2 of attestors");
	add_attestor("qa", "configMap:a");
	add_attestor("security", "configMap:a");
	add_policy("prod", "p", REQUIRES("\"qa\",\"security\""));
	add_key_source(KEY_SOURCE_CONFIG_MAP, "a", "ed");
	load();
	/* The version in force is the same, and can't be used any more. */
	expect(policy_outcome("prod", "p"), "rejected", "Invalid", "security shares a key with qa");
}

static void another_namespace_is_never_looked_into(void **state)
{
	cleanup(buf) struct buf json = buf_init(TEXT_MAX);
	char *text = key_text("ed");

	(void)state;
	bed.own_namespace = "own";
	add_attestor("qa", "rsa secret:a");
	add_source(KEY_SOURCE_SECRET, "sealgate", "a", text);
	free(text);
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "rejected", "KeySourceForbidden",
	       "spec.publicKeys[1].from.secret.namespace: keys may come from the namespace own only");
	assert_int_equal(attestor("qa")->key_count, 0);
	assert_int_equal(bed.trust->known_count, 0);
	put_file("qa.yaml", "apiVersion: sealgate.dev/v1alpha1\nkind: Attestor\nmetadata: {name: qa}\nspec: {note: "
			    "projects/p/notes/n, "
			    "publicKeys: [{from: {secret: {namespace: sealgate, name: keys, key: a}}}]}\n");
	struct err e = ERR_INIT;
	assert_false(try_load(&e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(
		strstr(e.text, "/qa.yaml: document 1: spec.publicKeys[0].from.secret.namespace: keys may come from"));
}

static void without_a_namespace_of_its_own_no_key_comes_from_one(void **state)
{
	(void)state;
	bed.own_namespace = "";
	add_attestor("qa", "rsa secret:a");
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "rejected", "KeySourceForbidden",
	       "spec.publicKeys[1].from.secret.namespace: the server's own namespace is not known: set POD_NAMESPACE");
}

static void a_file_with_a_key_from_elsewhere_needs_a_cluster(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	put_file("qa.yaml", "apiVersion: sealgate.dev/v1alpha1\nkind: Attestor\nmetadata: {name: qa}\nspec: {note: "
			    "projects/p/notes/n, "
			    "publicKeys: [{from: {configMap: {namespace: sealgate, name: keys, key: a}}}]}\n");
	load();
	assert_int_equal(bed.trust->warning_count, 2);
	assert_non_null(strstr(bed.trust->warnings[0].text, "there is no ConfigMap keys with the key a"));
	add_key_source(KEY_SOURCE_CONFIG_MAP, "a", "ed");
	load();
	assert_int_equal(bed.trust->known_count, 1);
	bed.own_namespace = NULL;
	assert_false(try_load(&e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, "spec.publicKeys[0].from.configMap: needs --kubeconfig or --in-cluster"));
}

static void a_selector_needs_a_cluster(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	put_file("p.yaml", "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: p}\n"
			   "spec: {match: {namespaceSelector: {matchLabels: {a: b}}}, require: {digest: true}}\n");
	add_policy("", "q",
		   "{\"match\":{\"namespaceSelector\":{\"matchLabels\":{\"a\":\"b\"}}},\"require\":{\"digest\":true}}");
	load();
	assert_true(bed.trust->policies->needs_labels);
	refuses("prod", NULL, "policy p has a namespaceSelector: the labels of namespace prod are not known");
	bed.own_namespace = NULL;
	assert_false(try_load(&e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(
		strstr(e.text, "p.yaml: document 1: spec.match.namespaceSelector: needs --kubeconfig or --in-cluster"));
}

static void keys_that_can_t_count_any_more_are_told(void **state)
{
	const struct trust_outcome *o;

	(void)state;
	add_attestor("qa", "expired revoked");
	load();
	o = outcome(TRUST_OBJECT_ATTESTOR, "", "qa");
	expect(o, "incomplete", "NoUsableKey", "every key has expired or is revoked");
	assert_string_equal(o->keys[0].state, "Expired");
	assert_string_equal(o->keys[1].state, "Revoked");
	assert_true(o->keys[0].expires_at > 0);
	add_attestor("qa", "expired ed");
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "in_force", "InForce", "in force");
}

/* Whoever may write Attestors must not keep the worker busy, nor may a change of one cost what all cost. */
static void what_did_not_change_is_not_inspected_again(void **state)
{
	struct trust_sources sources = {.own_namespace = "sealgate", .namespace_labels = true};
	struct trust *again = NULL;
	struct err e = ERR_INIT;

	(void)state;
	add_attestor("qa", "ed configMap:a");
	add_attestor("bad", "?");
	add_key_source(KEY_SOURCE_CONFIG_MAP, "a", "rsa");
	load();
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "bad"), "rejected", "Invalid", "spec.publicKeys[0].openpgp: ");
	sources.objects = bed.trust->objects;
	/* There is no worker that could be asked. */
	assert_true(trust_load(&sources, NULL, bed.trust, &again, &e));
	assert_string_equal(again->outcomes[0].message, bed.trust->outcomes[0].message);
	assert_ptr_equal(again->keys, bed.trust->keys);
	assert_int_equal(again->known_count, 2);
	trust_unref(again);
}

static void pubkeys_stay_in_force_beside_objects(void **state)
{
	struct trust_sources sources = {.pubkeys = bed.dir, .own_namespace = "sealgate"};
	struct err e = ERR_INIT;
	char *text = key_text("ed");

	(void)state;
	put_file("ed.asc", text);
	free(text);
	add_policy("", "pubkeys", DIGEST_ONLY);
	add_policy("prod", "p", DIGEST_ONLY);
	add_attestor("pubkeys", "rsa");
	add_attestor("qa", "rsa");
	assert_true(trust_objects_finish(bed.next, &e));
	sources.objects = bed.next;
	assert_true(trust_load(&sources, bed.workers, NULL, &bed.trust, &e));
	assert_true(bed.trust->from_pubkeys);
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "pubkeys"), "overridden", "Overridden", "pubkeys has the same name");
	expect(policy_outcome("", "pubkeys"), "overridden", "Overridden", "pubkeys has the same name");
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "qa"), "in_force", "InForce", "in force");
	refuses("prod", NULL, "requires attestor pubkeys");
}

static void more_keys_than_a_worker_can_load_are_left_out(void **state)
{
	cleanup(buf) struct buf json = buf_init(TEXT_MAX);
	char *text = key_text("ed");

	(void)state;
	head(&json, TRUST_OBJECT_ATTESTOR, "", "b");
	buf_add_c(&json, "{\"note\":\"projects/p/notes/b\",\"publicKeys\":[");
	for (unsigned i = 0; i < LIMIT_KEY_TEXTS; i++)
		buf_printf(&json, "%s{\"openpgp\":\"-----BEGIN PGP PUBLIC KEY BLOCK-----%u\"}", i ? "," : "", i);
	buf_add_c(&json, "]}}");
	add(TRUST_OBJECT_ATTESTOR, "", "b", "u", buf_str(&json));
	add_attestor("a", "ed");
	add_attestor("c", "rsa");
	load();
	free(text);
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "a"), "in_force", "InForce", "in force");
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "b"), "rejected", "TooLarge", "spec.publicKeys: more than 2000 keys");
	expect(outcome(TRUST_OBJECT_ATTESTOR, "", "c"), "in_force", "InForce", "in force");
}

/* Else one object could keep the refusals of others from being loaded. */
static void an_object_takes_its_share_of_memory_at_most(void **state)
{
	cleanup(buf) struct buf spec = buf_init(TEXT_MAX);

	(void)state;
	buf_add_c(&spec, "{\"require\":{\"attestations\":[{\"attestors\":[");
	for (unsigned i = 0; i < 300000; i++)
		buf_add_c(&spec, i ? ",\"a\"" : "\"a\"");
	buf_add_c(&spec, "]}]}}");
	add_policy("a", "large", spec.data);
	add_policy("b", "small", DIGEST_ONLY);
	load();
	expect(policy_outcome("a", "large"), "rejected", "TooLarge", "the policies take too much memory");
	expect(policy_outcome("b", "small"), "in_force", "InForce", "in force");
	refuses("a", NULL, "policy large can't be read");
}

/* The object that was added last, reviewed under the trust in force instead of being applied. */
static struct trust_review review(struct arena *arena)
{
	struct trust_sources sources = {.own_namespace = bed.own_namespace,
					.namespace_labels = bed.own_namespace != NULL,
					.objects = bed.trust->objects};
	const struct trust_object *object = &bed.next->objects[bed.next->object_count - 1];
	struct trust_review found = {0};
	struct err e = ERR_INIT;

	if (!trust_review_object(&sources, bed.workers, bed.trust, object, clock_monotonic_ms() + LIMIT_VERIFY_MS,
				 arena, &found, &e))
		fail_msg("%s", e.text);
	return found;
}

static void expect_refusal(const char *field, const char *text)
{
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct trust_review found = review(&arena);

	assert_false(found.usable);
	if (!str_eq_c(found.field, field) || !strstr(found.problem.ptr, text))
		fail_msg("%s", found.problem.ptr);
}

static void a_review_refuses_what_the_loader_would(void **state)
{
	(void)state;
	load();
	add_attestor("qa", "ed rsa1024");
	expect_refusal("spec.publicKeys[1].openpgp", "spec.publicKeys[1].openpgp: key ");
	add_attestor("qb", "?");
	expect_refusal("spec.publicKeys[0].openpgp", "spec.publicKeys[0].openpgp: ");
	add_policy("prod", "p", "{\"require\":{\"digest\":true,\"age\":1}}");
	expect_refusal("spec.require.age", "unknown field");
	add_policy("", "p", "{}");
	expect_refusal("spec", "must not be empty");
	add(TRUST_OBJECT_POLICY, "prod", "q", "u", STR("{"));
	expect_refusal("", "line 1, column 2");
	add(TRUST_OBJECT_POLICY, "prod", "r", "u", STR("[]"));
	expect_refusal("", "must be an object");
	bed.own_namespace = "other";
	add_attestor("qc", "configMap:a");
	expect_refusal("spec.publicKeys[0].from.configMap.namespace", "the namespace other only");
	bed.own_namespace = NULL;
	add_policy("", "s",
		   "{\"match\":{\"namespaceSelector\":{\"matchLabels\":{\"a\":\"b\"}}},\"require\":{\"digest\":true}}");
	expect_refusal("spec.match.namespaceSelector", "needs --kubeconfig or --in-cluster");
}

static void a_review_refuses_two_attestors_with_one_key(void **state)
{
	(void)state;
	add_attestor("qa", "ed");
	add_attestor("security", "rsa ed");
	load();
	add_policy("prod", "p", REQUIRES("\"qa\",\"security\""));
	expect_refusal("spec.require.attestations[0].attestors[1]", "security shares a key with qa");
}

static void a_review_tells_of_size(void **state)
{
	static char large[LIMIT_OBJECT_TEXT + 2];
	struct trust_object object = {.kind = TRUST_OBJECT_POLICY, .namespace_ = STR("a"), .name = STR("b")};
	struct trust_sources sources = {0};
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct trust_review found;
	struct err e = ERR_INIT;

	(void)state;
	load();
	memset(large, ' ', LIMIT_OBJECT_TEXT + 1);
	object.text = str_make(large, LIMIT_OBJECT_TEXT + 1);
	assert_true(trust_review_object(&sources, NULL, bed.trust, &object, 1, &arena, &found, &e));
	assert_non_null(strstr(found.problem.ptr, "the object is larger than 2097152 bytes"));
	object.text.len--;
	assert_true(trust_review_object(&sources, NULL, bed.trust, &object, 1, &arena, &found, &e));
	assert_null(strstr(found.problem.ptr, "larger"));
	assert_false(found.usable);
}

static void expect_warnings(size_t count, const char *first, const char *last)
{
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct trust_review found = review(&arena);

	assert_true(found.usable);
	assert_int_equal(found.problem.len + found.field.len, 0);
	assert_int_equal(found.warning_count, count);
	if (count && (!strstr(found.warnings[0].ptr, first) || !strstr(found.warnings[count - 1].ptr, last)))
		fail_msg("%s, %s", found.warnings[0].ptr, found.warnings[count - 1].ptr);
	if (count)
		assert_false(str_starts_with(found.warnings[0], STR("Attestor ")));
}

static void a_review_warns_of_what_will_not_count(void **state)
{
	(void)state;
	add_attestor("qa", "ed");
	add_key_source(KEY_SOURCE_CONFIG_MAP, "b", "rsa1024");
	load();
	add_attestor("a", "rsa");
	expect_warnings(0, "", "");
	add_attestor("b", "expired ed");
	expect_warnings(1, "spec.publicKeys[0].openpgp: key ", "has expired");
	add_attestor("c", "configMap:a expired");
	expect_warnings(2, "has expired", "there is no ConfigMap keys with the key a");
	add_attestor("d", "configMap:b ed");
	expect_warnings(1, "spec.publicKeys[0].from.configMap: key ", "is too weak");
	add_policy("prod", "e", REQUIRES("\"qa\""));
	expect_warnings(0, "", "");
	add_policy("prod", "f", "{\"enforcement\":\"Warn\",\"require\":{\"attestations\":[{\"attestors\":[\"qb\"]}]}}");
	expect_warnings(2, "attestors[0]: there is no Attestor qb", "Warn admits what this policy refuses");
	add_policy("prod", "g", "{\"enforcement\":\"Audit\",\"require\":{\"digest\":true}}");
	expect_warnings(1, "Audit admits", "only records it");
}

static void a_review_ends_at_its_deadline(void **state)
{
	struct trust_sources sources = {.own_namespace = "sealgate"};
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct trust_review found = {0};
	struct err e = ERR_INIT;

	(void)state;
	load();
	add_attestor("qa", "ed");
	assert_false(trust_review_object(&sources, bed.workers, bed.trust, &bed.next->objects[0],
					 clock_monotonic_ms() - 1, &arena, &found, &e));
	assert_false(found.usable);
	assert_int_not_equal(e.kind, ERR_INVALID);
}

static void who_names_an_attestor_is_listed(void **state)
{
	cleanup(arena) struct arena arena = arena_init(1u << 20);

	(void)state;
	add_attestor("qa", "ed");
	add_attestor("qb", "rsa");
	add_policy("", "c", REQUIRES("\"qa\""));
	add_policy("prod", "p", REQUIRES("\"qb\",\"qa\""));
	add_policy("prod", "q", REQUIRES("\"qb\""));
	add_policy("test", "r", REQUIRES("\"qa\""));
	load();
	assert_true(str_eq_c(trust_attestor_users(bed.trust, STR("qa"), 100, &arena),
			     "ClusterImagePolicy c, ImagePolicy prod/p, ImagePolicy test/r"));
	assert_true(str_eq_c(trust_attestor_users(bed.trust, STR("qa"), 40, &arena),
			     "ClusterImagePolicy c, ImagePolicy prod/p and 1 more"));
	assert_true(
		str_eq_c(trust_attestor_users(bed.trust, STR("qa"), 39, &arena), "ClusterImagePolicy c and 2 more"));
	assert_int_equal(trust_attestor_users(bed.trust, STR("other"), 100, &arena).len, 0);
}

#define IN_BED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BED(objects_are_in_force_beside_files),
		IN_BED(a_policy_that_can_t_be_read_refuses_what_it_could_select),
		IN_BED(the_last_good_version_stays_in_force),
		IN_BED(without_a_good_version_of_its_own_it_refuses),
		IN_BED(nothing_counts_for_an_attestor_that_can_t_be_read),
		IN_BED(an_attestor_that_is_not_there_refuses_until_it_comes),
		IN_BED(what_is_deleted_is_gone),
		IN_BED(a_file_wins),
		IN_BED(a_file_names_attestors_of_files_only),
		IN_BED(two_attestors_of_an_entry_must_not_share_a_key),
		IN_BED(an_object_is_who_the_api_server_says),
		IN_BED(text_that_is_no_object_is_rejected),
		IN_BED(what_is_too_large_is_rejected_and_told),
		IN_BED(a_key_comes_from_the_own_namespace),
		IN_BED(a_source_that_is_no_key_spoils_no_other),
		IN_BED(two_attestors_without_their_sources_share_nothing),
		IN_BED(another_namespace_is_never_looked_into),
		IN_BED(without_a_namespace_of_its_own_no_key_comes_from_one),
		IN_BED(a_file_with_a_key_from_elsewhere_needs_a_cluster),
		IN_BED(a_selector_needs_a_cluster),
		IN_BED(keys_that_can_t_count_any_more_are_told),
		IN_BED(what_did_not_change_is_not_inspected_again),
		IN_BED(pubkeys_stay_in_force_beside_objects),
		IN_BED(more_keys_than_a_worker_can_load_are_left_out),
		IN_BED(an_object_takes_its_share_of_memory_at_most),
		IN_BED(a_review_refuses_what_the_loader_would),
		IN_BED(a_review_refuses_two_attestors_with_one_key),
		IN_BED(a_review_tells_of_size),
		IN_BED(a_review_warns_of_what_will_not_count),
		IN_BED(a_review_ends_at_its_deadline),
		IN_BED(who_names_an_attestor_is_listed),
	};

	return cmocka_run_group_tests_name("attest/trust_cluster", tests, start_workers, stop_workers);
}
