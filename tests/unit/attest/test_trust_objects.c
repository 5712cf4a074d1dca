#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "attest/trust_objects.h"
#include "base/limits.h"

#define ARMOUR "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxyz\n-----END PGP PUBLIC KEY BLOCK-----\n"

static struct trust_objects *made(void)
{
	struct trust_objects *objects = trust_objects_new();

	assert_non_null(objects);
	return objects;
}

static void add(struct trust_objects *objects, enum trust_object_kind kind, const char *namespace_, const char *name,
		struct str text)
{
	struct trust_object object = {.kind = kind,
				      .namespace_ = str_of(namespace_),
				      .name = str_of(name),
				      .uid = STR("u-1"),
				      .generation = 3,
				      .text = text};
	struct err e = ERR_INIT;

	if (!trust_objects_add(objects, &object, &e))
		fail_msg("%s", e.text);
}

static void add_source(struct trust_objects *objects, enum key_source_kind kind, const char *key, struct str text)
{
	struct key_source source = {
		.kind = kind, .namespace_ = STR("sealgate"), .name = STR("keys"), .key = str_of(key), .text = text};
	struct err e = ERR_INIT;

	if (!trust_objects_add_source(objects, &source, &e))
		fail_msg("%s", e.text);
}

static void finish(struct trust_objects *objects)
{
	struct err e = ERR_INIT;

	if (!trust_objects_finish(objects, &e))
		fail_msg("%s", e.text);
}

static struct str source_text(const struct trust_objects *objects, enum key_source_kind kind, const char *key)
{
	const struct key_source *source =
		trust_objects_source(objects, kind, STR("sealgate"), STR("keys"), str_of(key));

	assert_non_null(source);
	return source->text;
}

static void objects_stand_by_kind_namespace_and_name(void **state)
{
	cleanup(trust_objects) struct trust_objects *objects = made();

	(void)state;
	add(objects, TRUST_OBJECT_POLICY, "b", "a", STR("5"));
	add(objects, TRUST_OBJECT_POLICY, "a", "b", STR("4"));
	add(objects, TRUST_OBJECT_POLICY, "a", "a", STR("3"));
	add(objects, TRUST_OBJECT_CLUSTER_POLICY, "", "z", STR("2"));
	add(objects, TRUST_OBJECT_ATTESTOR, "", "z", STR("1"));
	finish(objects);
	assert_int_equal(objects->object_count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(objects->objects[i].text.ptr[0], '1' + (int)i);
		assert_int_equal(trust_objects_find(objects, objects->objects[i].kind, objects->objects[i].namespace_,
						    objects->objects[i].name),
				 i);
	}
	assert_int_equal(trust_objects_find(objects, TRUST_OBJECT_ATTESTOR, STR(""), STR("a")), 5);
	assert_int_equal(objects->objects[0].generation, 3);
	assert_true(str_eq_c(objects->objects[0].uid, "u-1"));
}

static void a_snapshot_keeps_copies_of_its_own(void **state)
{
	cleanup(trust_objects) struct trust_objects *objects = made();
	struct trust_objects *other;
	char text[] = "before";

	(void)state;
	add(objects, TRUST_OBJECT_ATTESTOR, "", "a", str_of(text));
	finish(objects);
	memcpy(text, "after!", 6);
	other = trust_objects_ref(objects);
	trust_objects_unref(other);
	assert_true(str_eq_c(objects->objects[0].text, "before"));
}

static void nothing_is_found_in_no_snapshot(void **state)
{
	cleanup(trust_objects) struct trust_objects *empty = made();

	(void)state;
	finish(empty);
	assert_null(trust_objects_ref(NULL));
	trust_objects_unref(NULL);
	assert_int_equal(trust_objects_find(NULL, TRUST_OBJECT_ATTESTOR, STR(""), STR("a")), 0);
	assert_int_equal(trust_objects_find(empty, TRUST_OBJECT_ATTESTOR, STR(""), STR("a")), 0);
	assert_null(trust_objects_source(NULL, KEY_SOURCE_SECRET, STR("n"), STR("s"), STR("k")));
	assert_null(trust_objects_source(empty, KEY_SOURCE_SECRET, STR("n"), STR("s"), STR("k")));
}

static void an_object_that_stands_twice_is_an_error(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		cleanup(trust_objects) struct trust_objects *objects = made();

		for (unsigned i = 0; i < 2 && round == 0; i++)
			add(objects, TRUST_OBJECT_POLICY, "a", "b", STR("x"));
		for (unsigned i = 0; i < 2 && round == 1; i++)
			add_source(objects, KEY_SOURCE_SECRET, "k", STR("x"));
		assert_false(trust_objects_finish(objects, &e));
		assert_int_equal(e.kind, ERR_INTERNAL);
	}
}

static void only_public_keys_of_a_secret_are_kept(void **state)
{
	static const char secret[] = ARMOUR "-----BEGIN PGP PRIVATE KEY BLOCK-----\n";
	cleanup(trust_objects) struct trust_objects *objects = made();

	(void)state;
	add_source(objects, KEY_SOURCE_SECRET, "tls.key", STR("-----BEGIN PRIVATE KEY-----\nsecret\n"));
	add_source(objects, KEY_SOURCE_SECRET, "pgp.key", str_of(secret));
	add_source(objects, KEY_SOURCE_SECRET, "pgp.pub", STR(ARMOUR));
	add_source(objects, KEY_SOURCE_CONFIG_MAP, "pgp.pub", STR(ARMOUR "2"));
	finish(objects);
	assert_int_equal(source_text(objects, KEY_SOURCE_SECRET, "tls.key").len, 0);
	assert_int_equal(source_text(objects, KEY_SOURCE_SECRET, "pgp.key").len, 0);
	assert_true(str_eq_c(source_text(objects, KEY_SOURCE_SECRET, "pgp.pub"), ARMOUR));
	assert_true(str_eq_c(source_text(objects, KEY_SOURCE_CONFIG_MAP, "pgp.pub"), ARMOUR "2"));
	assert_null(trust_objects_source(objects, KEY_SOURCE_CONFIG_MAP, STR("sealgate"), STR("keys"), STR("tls.key")));
	assert_null(trust_objects_source(objects, KEY_SOURCE_SECRET, STR("other"), STR("keys"), STR("pgp.pub")));
}

static void what_is_too_large_stays_without_its_text(void **state)
{
	cleanup(trust_objects) struct trust_objects *objects = made();
	char *large = malloc(LIMIT_OBJECT_TEXT + 1);
	size_t fitting = LIMIT_OBJECTS_BYTES / LIMIT_OBJECT_TEXT;
	size_t kept = 0;

	(void)state;
	assert_non_null(large);
	memset(large, ' ', LIMIT_OBJECT_TEXT + 1);
	memcpy(large, ARMOUR, strlen(ARMOUR));
	add(objects, TRUST_OBJECT_ATTESTOR, "", "a", str_make(large, LIMIT_OBJECT_TEXT + 1));
	add_source(objects, KEY_SOURCE_SECRET, "over", str_make(large, LIMIT_KEY_FILE + 1));
	add_source(objects, KEY_SOURCE_SECRET, "at", str_make(large, LIMIT_KEY_FILE));
	assert_int_equal(objects->objects[0].text.len, 0);
	for (size_t i = 0; i < fitting + 1; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "b%zu", i);
		add(objects, TRUST_OBJECT_ATTESTOR, "", name, str_make(large, LIMIT_OBJECT_TEXT));
	}
	free(large);
	finish(objects);
	for (size_t i = 0; i < objects->object_count; i++)
		kept += objects->objects[i].text.len == LIMIT_OBJECT_TEXT;
	assert_in_range(kept, fitting - 1, fitting);
	assert_int_equal(objects->object_count, fitting + 2);
	assert_int_equal(source_text(objects, KEY_SOURCE_SECRET, "over").len, 0);
	assert_int_equal(source_text(objects, KEY_SOURCE_SECRET, "at").len, LIMIT_KEY_FILE);
}

static void more_than_the_limit_is_not_taken(void **state)
{
	cleanup(trust_objects) struct trust_objects *objects = made();
	struct trust_object object = {.name = STR("last"), .text = STR("x")};
	struct key_source source = {.name = STR("last")};
	struct err e = ERR_INIT;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < LIMIT_OBJECTS; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		add(objects, TRUST_OBJECT_POLICY, "n", name, STR("x"));
	}
	for (unsigned i = 0; i < LIMIT_KEY_SOURCES; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		add_source(objects, KEY_SOURCE_SECRET, name, STR("x"));
	}
	assert_false(trust_objects_add(objects, &object, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	e = ERR_INIT;
	assert_false(trust_objects_add_source(objects, &source, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static void kinds_have_their_names(void **state)
{
	(void)state;
	assert_string_equal(trust_object_kind_name(TRUST_OBJECT_ATTESTOR), "Attestor");
	assert_string_equal(trust_object_kind_name(TRUST_OBJECT_CLUSTER_POLICY), "ClusterImagePolicy");
	assert_string_equal(trust_object_kind_name(TRUST_OBJECT_POLICY), "ImagePolicy");
	assert_string_equal(key_source_kind_name(KEY_SOURCE_CONFIG_MAP), "configMap");
	assert_string_equal(key_source_kind_name(KEY_SOURCE_SECRET), "secret");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_stand_by_kind_namespace_and_name),
		cmocka_unit_test(a_snapshot_keeps_copies_of_its_own),
		cmocka_unit_test(nothing_is_found_in_no_snapshot),
		cmocka_unit_test(an_object_that_stands_twice_is_an_error),
		cmocka_unit_test(only_public_keys_of_a_secret_are_kept),
		cmocka_unit_test(what_is_too_large_stays_without_its_text),
		cmocka_unit_test(more_than_the_limit_is_not_taken),
		cmocka_unit_test(kinds_have_their_names),
	};

	return cmocka_run_group_tests_name("attest/trust_objects", tests, NULL, NULL);
}
