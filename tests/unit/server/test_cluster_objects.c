#include "server/cluster_objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"

#define ARMOUR "-----BEGIN PGP PUBLIC KEY BLOCK-----\\n\\nAAAA\\n-----END PGP PUBLIC KEY BLOCK-----\\n"

struct bed {
	struct cluster_objects objects;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	cluster_objects_init(&bed->objects);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	cluster_objects_release(&bed->objects);
	free(bed);
	return 0;
}

static json_t *parsed(const char *text)
{
	json_t *json = NULL;
	struct err e = ERR_INIT;

	if (!json_read(str_of(text), &json, &e))
		fail_msg("%s", e.text);
	return json;
}

static json_t *policy(const char *name, int generation, const char *version, const char *spec)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "{\"metadata\":{\"name\":\"%s\",\"uid\":\"u-%s\",\"generation\":%d,\"resourceVersion\":\"%s\","
		       "\"annotations\":{\"a\":\"%s\"},\"managedFields\":[{}]},\"spec\":%s,\"status\":{\"x\":1}}",
		       name, name, generation, version, version, spec);
	return parsed(text);
}

static void put(struct bed *bed, const char *name, int generation, const char *version, const char *spec)
{
	cleanup(json) json_t *object = policy(name, generation, version, spec);

	cluster_objects_present(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY, object);
}

static void put_source(struct bed *bed, enum key_source_kind kind, const char *text)
{
	cleanup(json) json_t *object = parsed(text);

	cluster_sources_present(&bed->objects, kind, object);
}

static struct trust_objects *snapshot(struct bed *bed)
{
	struct trust_objects *out = NULL;
	struct err e = ERR_INIT;

	if (!cluster_objects_snapshot(&bed->objects, &out, &e))
		fail_msg("%s", e.text);
	return out;
}

static void an_object_is_kept_by_what_decides(void **state)
{
	struct bed *bed = *state;

	put(bed, "prod", 2, "7", "{\"require\":{\"digest\":true}}");
	cleanup(trust_objects) struct trust_objects *all = snapshot(bed);
	assert_int_equal(all->object_count, 1);
	assert_true(str_eq(all->objects[0].name, STR("prod")));
	assert_int_equal(all->objects[0].generation, 2);
	assert_true(str_eq(all->objects[0].uid, STR("u-prod")));
	assert_true(str_eq(all->objects[0].text,
			   STR("{\"apiVersion\":\"sealgate.dev/v1alpha1\",\"kind\":\"ClusterImagePolicy\","
			       "\"metadata\":{\"name\":\"prod\"},\"spec\":{\"require\":{\"digest\":true}}}")));
}

static void a_write_of_status_or_annotations_is_no_change(void **state)
{
	struct bed *bed = *state;

	put(bed, "prod", 1, "7", "{}");
	trust_objects_unref(snapshot(bed));
	assert_false(bed->objects.changed);
	put(bed, "prod", 1, "8", "{}");
	assert_false(bed->objects.changed);
	put(bed, "prod", 2, "9", "{}");
	assert_true(bed->objects.changed);
}

static void what_a_list_does_not_name_is_gone(void **state)
{
	struct bed *bed = *state;

	cluster_objects_begin(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY);
	put(bed, "a", 1, "1", "{}");
	put(bed, "b", 1, "1", "{}");
	cluster_objects_synced(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY);
	trust_objects_unref(snapshot(bed));

	cluster_objects_begin(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY);
	put(bed, "b", 1, "1", "{}");
	/* The list breaks off: nothing is gone. */
	cleanup(trust_objects) struct trust_objects *half = snapshot(bed);
	assert_int_equal(half->object_count, 2);
	assert_false(bed->objects.changed);

	cluster_objects_begin(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY);
	put(bed, "b", 1, "1", "{}");
	cluster_objects_synced(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY);
	assert_true(bed->objects.changed);
	cleanup(trust_objects) struct trust_objects *rest = snapshot(bed);
	assert_int_equal(rest->object_count, 1);
	assert_true(str_eq(rest->objects[0].name, STR("b")));
}

static void a_deleted_object_is_gone(void **state)
{
	struct bed *bed = *state;
	cleanup(json) json_t *object = policy("a", 1, "1", "{}");

	put(bed, "a", 1, "1", "{}");
	trust_objects_unref(snapshot(bed));
	cluster_objects_gone(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY, object);
	assert_true(bed->objects.changed);
	cleanup(trust_objects) struct trust_objects *rest = snapshot(bed);
	assert_int_equal(rest->object_count, 0);
	cluster_objects_gone(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY, object);
	assert_false(bed->objects.changed);
}

static void an_object_without_a_name_holds_the_snapshot_back_until_the_next_list(void **state)
{
	struct bed *bed = *state;
	cleanup(json) json_t *nameless = parsed("{\"metadata\":{},\"spec\":{}}");
	struct trust_objects *out = NULL;
	struct err e = ERR_INIT;

	cluster_objects_present(&bed->objects, TRUST_OBJECT_POLICY, nameless);
	assert_false(cluster_objects_snapshot(&bed->objects, &out, &e));
	assert_string_equal(e.text, "ImagePolicy: an object without a name");
	cluster_objects_begin(&bed->objects, TRUST_OBJECT_POLICY);
	cluster_objects_synced(&bed->objects, TRUST_OBJECT_POLICY);
	trust_objects_unref(snapshot(bed));
}

static void too_large_an_object_stays_without_its_text(void **state)
{
	struct bed *bed = *state;
	cleanup(json) json_t *object = policy("big", 1, "1", "{}");
	cleanup(memory) char *text = malloc(LIMIT_OBJECT_TEXT + 1);

	memset(text, 'x', LIMIT_OBJECT_TEXT);
	text[LIMIT_OBJECT_TEXT] = 0;
	json_object_set_new(json_object_get(object, "spec"), "x", json_string(text));
	cluster_objects_present(&bed->objects, TRUST_OBJECT_CLUSTER_POLICY, object);
	cleanup(trust_objects) struct trust_objects *all = snapshot(bed);
	assert_int_equal(all->object_count, 1);
	assert_int_equal(all->objects[0].text.len, 0);
}

static void of_secrets_only_public_keys_are_kept(void **state)
{
	struct bed *bed = *state;

	/* "key": the armour above; "token": "secret"; "bad": no base64. */
	put_source(bed, KEY_SOURCE_SECRET,
		   "{\"metadata\":{\"namespace\":\"sealgate\",\"name\":\"keys\"},\"data\":{"
		   "\"bad\":\"*\",\"token\":\"c2VjcmV0\",\"key\":"
		   "\"LS0tLS1CRUdJTiBQR1AgUFVCTElDIEtFWSBCTE9DSy0tLS0tCgpBQUFBCi0tLS0tRU5EIFBHUCBQVUJMSUMgS0VZIEJMT0NLL"
		   "S0tLS0K\"}}");
	cleanup(trust_objects) struct trust_objects *all = snapshot(bed);
	const struct str ns = STR("sealgate"), name = STR("keys");
	assert_int_equal(all->source_count, 3);
	assert_int_equal(trust_objects_source(all, KEY_SOURCE_SECRET, ns, name, STR("bad"))->text.len, 0);
	assert_int_equal(trust_objects_source(all, KEY_SOURCE_SECRET, ns, name, STR("token"))->text.len, 0);
	assert_true(str_starts_with(trust_objects_source(all, KEY_SOURCE_SECRET, ns, name, STR("key"))->text,
				    STR("-----BEGIN PGP PUBLIC KEY BLOCK-----")));
	assert_null(trust_objects_source(all, KEY_SOURCE_CONFIG_MAP, ns, name, STR("key")));
}

static void a_config_map_that_changes_in_no_key_is_no_change(void **state)
{
	struct bed *bed = *state;
	static const char *const texts[] = {
		"{\"metadata\":{\"namespace\":\"n\",\"name\":\"m\"},\"data\":{\"k\":\"" ARMOUR "\",\"v\":\"1\"}}",
		"{\"metadata\":{\"namespace\":\"n\",\"name\":\"m\"},\"data\":{\"k\":\"" ARMOUR "\",\"v\":\"2\"}}",
		"{\"metadata\":{\"namespace\":\"n\",\"name\":\"m\"},\"data\":{\"k\":\"x" ARMOUR "\",\"v\":\"2\"}}",
		"{\"metadata\":{\"namespace\":\"n\",\"name\":\"m\"}}",
	};
	static const bool changes[] = {true, false, true, true};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_source(bed, KEY_SOURCE_CONFIG_MAP, texts[i]);
		assert_int_equal(bed->objects.changed, changes[i]);
		trust_objects_unref(snapshot(bed));
	}
}

static void thousands_come_in_any_order(void **state)
{
	struct bed *bed = *state;
	char name[32];

	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "p-%u", i * 7919u % 3000u);
		put(bed, name, 1, "1", "{}");
	}
	cleanup(trust_objects) struct trust_objects *all = snapshot(bed);
	assert_int_equal(all->object_count, 3000);
	for (size_t i = 1; i < bed->objects.objects[TRUST_OBJECT_CLUSTER_POLICY].count; i++) {
		struct object_entry **entries = bed->objects.objects[TRUST_OBJECT_CLUSTER_POLICY].entries;

		assert_true(str_compare(entries[i - 1]->name, entries[i]->name) < 0);
	}
}

static void a_table_has_a_maximum(void **state)
{
	struct object_table table = object_table_init(2, NULL);
	struct object_entry entries[] = {{.name = STR("a")}, {.name = STR("b")}, {.name = STR("c")}};
	struct err e = ERR_INIT;

	(void)state;
	assert_true(object_table_put(&table, &entries[0], &e));
	assert_true(object_table_put(&table, &entries[1], &e));
	assert_false(object_table_put(&table, &entries[2], &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	free(table.entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_object_is_kept_by_what_decides, setup, teardown),
		cmocka_unit_test_setup_teardown(a_write_of_status_or_annotations_is_no_change, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_list_does_not_name_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deleted_object_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(an_object_without_a_name_holds_the_snapshot_back_until_the_next_list,
						setup, teardown),
		cmocka_unit_test_setup_teardown(too_large_an_object_stays_without_its_text, setup, teardown),
		cmocka_unit_test_setup_teardown(of_secrets_only_public_keys_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(a_config_map_that_changes_in_no_key_is_no_change, setup, teardown),
		cmocka_unit_test_setup_teardown(thousands_come_in_any_order, setup, teardown),
		cmocka_unit_test(a_table_has_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
