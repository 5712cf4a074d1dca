#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "server/trust_holder.h"
#include "tests/unit/scratch.h"

#define POLICY(name)                                                                                      \
	"apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: " name "}\nspec: " \
	"{require: {digest: true}}\n---\n"

static char dir[SCRATCH_SIZE];
static const char *dirs[] = {dir};
static const struct trust_sources sources = {.policy_dirs = {.items = dirs, .count = 1, .given = true}};

CLEANUP_POINTER(holder, struct trust_holder, trust_holder_close)

static int set_up(void **state)
{
	(void)state;
	return scratch_make(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return scratch_remove(dir) ? 0 : -1;
}

static void put(const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_true(file_write(path, str_of(text), 0600, NULL));
}

static struct trust_holder *open_holder(void)
{
	struct err e = ERR_INIT;
	struct trust_holder *holder = trust_holder_open(&sources, NULL, &e);

	if (!holder)
		fail_msg("%s", e.text);
	return holder;
}

static size_t policies(struct trust_holder *holder, uint64_t expected_generation)
{
	uint64_t generation = 0;
	cleanup(trust) struct trust *trust = trust_holder_pin(holder, &generation);

	assert_int_equal(generation, expected_generation);
	return trust->policies->policy_count;
}

static void nothing_new(struct trust_holder *holder)
{
	struct err e = {.kind = ERR_INTERNAL};

	assert_false(trust_holder_refresh(holder, false, &e));
	assert_int_equal(e.kind, ERR_NONE);
}

static void refuses_to_open_what_cannot_be_loaded(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	put("a.yaml", POLICY("a") "kind: Pod\n");
	assert_null(trust_holder_open(&sources, NULL, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, "/a.yaml: document 2: apiVersion: is required"));
}

static void what_did_not_change_is_not_loaded(void **state)
{
	cleanup(holder) struct trust_holder *holder = NULL;

	(void)state;
	put("a.yaml", POLICY("a"));
	holder = open_holder();
	nothing_new(holder);
	nothing_new(holder);
	assert_int_equal(policies(holder, 1), 1);
	assert_false(trust_holder_problem(holder, NULL));
}

static void a_change_is_in_force_with_the_second_look(void **state)
{
	cleanup(holder) struct trust_holder *holder = open_holder();
	cleanup(trust) struct trust *before = trust_holder_pin(holder, NULL);
	struct err e = ERR_INIT;

	(void)state;
	put("a.yaml", POLICY("a"));
	nothing_new(holder);
	assert_true(trust_holder_refresh(holder, false, &e));
	assert_int_equal(policies(holder, 2), 1);
	assert_int_equal(before->policies->policy_count, 0);
	nothing_new(holder);
}

static void half_a_file_is_not_taken(void **state)
{
	cleanup(holder) struct trust_holder *holder = open_holder();
	struct err e = ERR_INIT;

	(void)state;
	put("a.yaml", POLICY("a"));
	nothing_new(holder);
	put("a.yaml", POLICY("a") POLICY("b"));
	nothing_new(holder);
	put("a.yaml", POLICY("a") POLICY("b") POLICY("c"));
	nothing_new(holder);
	assert_true(trust_holder_refresh(holder, false, &e));
	assert_int_equal(policies(holder, 2), 3);
}

static void a_bad_change_keeps_the_last_good_and_is_told_once(void **state)
{
	cleanup(holder) struct trust_holder *holder = NULL;
	struct err e = ERR_INIT;
	struct err kept = ERR_INIT;

	(void)state;
	put("a.yaml", POLICY("a"));
	holder = open_holder();
	put("b.yaml", "kind: Pod\n");
	nothing_new(holder);
	assert_false(trust_holder_refresh(holder, false, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, "/b.yaml: document 1: "));
	nothing_new(holder);
	nothing_new(holder);
	assert_int_equal(policies(holder, 1), 1);
	assert_true(trust_holder_problem(holder, &kept));
	assert_string_equal(kept.text, e.text);

	put("b.yaml", POLICY("b"));
	nothing_new(holder);
	assert_true(trust_holder_refresh(holder, false, &e));
	assert_false(trust_holder_problem(holder, &kept));
	assert_int_equal(policies(holder, 2), 2);
}

static void force_does_not_wait_and_tells_again(void **state)
{
	cleanup(holder) struct trust_holder *holder = open_holder();
	struct err e = ERR_INIT;

	(void)state;
	assert_true(trust_holder_refresh(holder, true, &e));
	put("a.yaml", POLICY("a"));
	assert_true(trust_holder_refresh(holder, true, &e));
	assert_int_equal(policies(holder, 3), 1);
	put("a.yaml", "x");
	for (int i = 0; i < 2; i++) {
		assert_false(trust_holder_refresh(holder, true, &e));
		assert_int_equal(e.kind, ERR_INVALID);
	}
	nothing_new(holder);
	assert_int_equal(policies(holder, 3), 1);
}

static void an_absent_directory_keeps_the_last_good(void **state)
{
	cleanup(holder) struct trust_holder *holder = NULL;
	char aside[128];
	struct err e = ERR_INIT;

	(void)state;
	put("a.yaml", POLICY("a"));
	holder = open_holder();
	(void)snprintf(aside, sizeof(aside), "%s.aside", dir);
	assert_int_equal(rename(dir, aside), 0);
	nothing_new(holder);
	assert_false(trust_holder_refresh(holder, false, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(policies(holder, 1), 1);
	assert_int_equal(rename(aside, dir), 0);
	nothing_new(holder);
	assert_true(trust_holder_refresh(holder, false, &e));
	assert_false(trust_holder_problem(holder, NULL));
}

struct pinner {
	struct trust_holder *holder;
	atomic_bool stop;
	size_t bad;
};

static void *pin_and_read(void *context)
{
	struct pinner *p = context;

	while (!atomic_load(&p->stop)) {
		struct trust *trust = trust_holder_pin(p->holder, NULL);

		p->bad += trust->policies->policy_count != 1;
		p->bad += !str_eq_c(trust->policies->policies[0].name, "a");
		trust_unref(trust);
	}
	return NULL;
}

static void pins_stay_good_while_trust_is_swapped(void **state)
{
	cleanup(holder) struct trust_holder *holder = NULL;
	struct pinner pinner = {0};
	pthread_t thread;

	(void)state;
	put("a.yaml", POLICY("a"));
	holder = open_holder();
	pinner.holder = holder;
	assert_int_equal(pthread_create(&thread, NULL, pin_and_read, &pinner), 0);
	for (int i = 0; i < 200; i++)
		assert_true(trust_holder_refresh(holder, true, NULL));
	atomic_store(&pinner.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(pinner.bad, 0);
}

static void an_object_is_reviewed_under_the_trust_in_force(void **state)
{
	static const char text[] =
		"{\"apiVersion\":\"sealgate.dev/"
		"v1alpha1\",\"kind\":\"ImagePolicy\",\"metadata\":{\"name\":\"p\",\"namespace\":\"n\"},"
		"\"spec\":{\"require\":{\"attestations\":[{\"attestors\":[\"qa\"]}]}}}";
	struct trust_object object = {
		.kind = TRUST_OBJECT_POLICY, .namespace_ = STR("n"), .name = STR("p"), .text = str_of(text)};
	cleanup(holder) struct trust_holder *holder = open_holder();
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct trust_review review = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_true(trust_holder_review(holder, &object, INT64_MAX, &arena, &review, &e));
	assert_true(review.usable);
	assert_int_equal(review.warning_count, 1);
	assert_non_null(strstr(review.warnings[0].ptr, "there is no Attestor qa"));
	object.name = STR("q");
	assert_true(trust_holder_review(holder, &object, INT64_MAX, &arena, &review, &e));
	assert_false(review.usable);
	assert_true(str_eq_c(review.field, "metadata.name"));
	assert_int_equal(policies(holder, 1), 0);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void objects_of_a_cluster_are_in_force_at_once(void **state)
{
	cleanup(holder) struct trust_holder *holder = open_holder();
	cleanup(trust_objects) struct trust_objects *objects = trust_objects_new();
	cleanup(trust) struct trust *trust = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_true(trust_objects_finish(objects, &e));
	put("a.yaml", POLICY("a"));
	assert_true(trust_holder_set_objects(holder, objects, &e));
	assert_int_equal(policies(holder, 2), 1);
	assert_true(trust_holder_set_objects(holder, NULL, NULL));
	assert_int_equal(policies(holder, 3), 1);
	put("a.yaml", "kind: Pod\n");
	assert_false(trust_holder_set_objects(holder, objects, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_int_equal(policies(holder, 3), 1);
}

/* An ImagePolicy of the cluster, called `name`. */
static struct trust_objects *hold_one(const char *name)
{
	struct trust_objects *objects = trust_objects_new();
	char text[512];
	struct err e = ERR_INIT;

	(void)snprintf(text, sizeof(text),
		       "{\"apiVersion\":\"sealgate.dev/"
		       "v1alpha1\",\"kind\":\"ClusterImagePolicy\",\"metadata\":{\"name\":\"%s\"},"
		       "\"spec\":{\"require\":{\"digest\":true}}}",
		       name);
	struct trust_object object = {.kind = TRUST_OBJECT_CLUSTER_POLICY,
				      .name = str_of(name),
				      .uid = str_of(name),
				      .generation = 1,
				      .text = str_of(text)};
	assert_non_null(objects);
	assert_true(trust_objects_add(objects, &object, &e));
	assert_true(trust_objects_finish(objects, &e));
	return objects;
}

static bool is_in_force(struct trust_holder *holder, const char *name)
{
	cleanup(trust) struct trust *trust = trust_holder_pin(holder, NULL);

	for (size_t i = 0; i < trust->policies->policy_count; i++)
		if (str_eq_c(trust->policies->policies[i].name, name))
			return true;
	return false;
}

static struct trust_holder *open_following(void)
{
	struct trust_sources following = sources;
	struct trust_holder *holder;
	struct err e = ERR_INIT;

	following.own_namespace = "sealgate";
	holder = trust_holder_open(&following, NULL, &e);
	if (!holder)
		fail_msg("%s", e.text);
	return holder;
}

static void broken_files_keep_no_object_in_force(void **state)
{
	cleanup(trust_objects) struct trust_objects *one = hold_one("one");
	cleanup(trust_objects) struct trust_objects *two = hold_one("two");
	cleanup(holder) struct trust_holder *holder = NULL;
	struct err e = ERR_INIT;

	(void)state;
	put("a.yaml", POLICY("a"));
	holder = open_following();
	assert_true(trust_holder_set_objects(holder, one, &e));
	assert_true(is_in_force(holder, "a") && is_in_force(holder, "one"));
	put("a.yaml", "kind: Pod\n");
	assert_true(trust_holder_set_objects(holder, two, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_true(is_in_force(holder, "a") && is_in_force(holder, "two") && !is_in_force(holder, "one"));
	assert_true(trust_holder_problem(holder, NULL));
	/* Again: what was read from memory is remembered as well. */
	assert_true(trust_holder_set_objects(holder, NULL, NULL));
	assert_true(is_in_force(holder, "a") && !is_in_force(holder, "two"));
	nothing_new(holder);
	assert_true(scratch_remove(dir));
	assert_true(trust_holder_set_objects(holder, one, &e));
	assert_true(is_in_force(holder, "a") && is_in_force(holder, "one"));
	assert_true(scratch_make(dir));
}

static void files_that_are_mended_are_in_force_again(void **state)
{
	cleanup(trust_objects) struct trust_objects *one = hold_one("one");
	cleanup(holder) struct trust_holder *holder = NULL;

	(void)state;
	put("a.yaml", POLICY("a"));
	holder = open_following();
	put("a.yaml", "kind: Pod\n");
	assert_true(trust_holder_set_objects(holder, one, NULL));
	put("a.yaml", POLICY("another"));
	(void)trust_holder_refresh(holder, false, NULL);
	assert_true(trust_holder_refresh(holder, false, NULL));
	assert_true(is_in_force(holder, "another") && is_in_force(holder, "one") && !is_in_force(holder, "a"));
	assert_false(trust_holder_problem(holder, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(refuses_to_open_what_cannot_be_loaded),
		IN_DIR(what_did_not_change_is_not_loaded),
		IN_DIR(a_change_is_in_force_with_the_second_look),
		IN_DIR(half_a_file_is_not_taken),
		IN_DIR(a_bad_change_keeps_the_last_good_and_is_told_once),
		IN_DIR(force_does_not_wait_and_tells_again),
		IN_DIR(an_absent_directory_keeps_the_last_good),
		IN_DIR(pins_stay_good_while_trust_is_swapped),
		IN_DIR(objects_of_a_cluster_are_in_force_at_once),
		IN_DIR(broken_files_keep_no_object_in_force),
		IN_DIR(files_that_are_mended_are_in_force_again),
		IN_DIR(an_object_is_reviewed_under_the_trust_in_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
