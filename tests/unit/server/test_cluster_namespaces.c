#include "server/cluster_namespaces.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"

struct bed {
	struct cluster_namespaces *namespaces;
	struct arena arena;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	bed->namespaces = cluster_namespaces_new();
	bed->arena = arena_init(1u << 20);
	*state = bed;
	return bed->namespaces ? 0 : -1;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	cluster_namespaces_free(bed->namespaces);
	arena_release(&bed->arena);
	free(bed);
	return 0;
}

static void put(struct bed *bed, const char *text)
{
	cleanup(json) json_t *object = NULL;
	struct err e = ERR_INIT;

	if (!json_read(str_of(text), &object, &e))
		fail_msg("%s", e.text);
	cluster_namespaces_present(bed->namespaces, object);
}

/* The value of `key` in a namespace that is known already; NULL when there is none. */
static const char *label(struct bed *bed, const char *name, const char *key)
{
	struct labels labels;

	assert_true(cluster_namespaces_labels(bed->namespaces, str_of(name), 1, &bed->arena, &labels));
	for (size_t i = 0; i < labels.count; i++)
		if (str_eq_c(labels.items[i].key, key))
			return labels.items[i].value.ptr;
	return NULL;
}

static bool is_known(struct bed *bed, const char *name)
{
	struct labels labels;

	return cluster_namespaces_labels(bed->namespaces, str_of(name), 1, &bed->arena, &labels);
}

static void labels_are_those_told_last(void **state)
{
	struct bed *bed = *state;

	put(bed, "{\"metadata\":{\"name\":\"shop\",\"labels\":{\"team\":\"red\",\"env\":\"prod\"}}}");
	put(bed, "{\"metadata\":{\"name\":\"bare\"}}");
	assert_string_equal(label(bed, "shop", "team"), "red");
	assert_null(label(bed, "bare", "team"));
	put(bed, "{\"metadata\":{\"name\":\"shop\",\"labels\":{\"team\":\"blue\"}}}");
	assert_string_equal(label(bed, "shop", "team"), "blue");
	assert_null(label(bed, "shop", "env"));
	assert_int_equal(cluster_namespaces_count(bed->namespaces), 2);
}

static void a_namespace_that_is_gone_is_not_known(void **state)
{
	struct bed *bed = *state;
	cleanup(json) json_t *object = json_pack("{s:{s:s}}", "metadata", "name", "shop");

	assert_false(is_known(bed, "shop"));
	put(bed, "{\"metadata\":{\"name\":\"shop\"}}");
	cluster_namespaces_gone(bed->namespaces, object);
	assert_false(is_known(bed, "shop"));
	put(bed, "{\"metadata\":{\"name\":\"shop\"}}");
	cluster_namespaces_begin(bed->namespaces);
	assert_true(is_known(bed, "shop"));
	cluster_namespaces_synced(bed->namespaces);
	assert_false(is_known(bed, "shop"));
}

static void *put_later(void *context)
{
	struct bed *bed = context;
	const struct timespec moment = {0, 20 * 1000000L};

	(void)nanosleep(&moment, NULL);
	put(bed, "{\"metadata\":{\"name\":\"other\"}}");
	put(bed, "{\"metadata\":{\"name\":\"late\",\"labels\":{\"a\":\"b\"}}}");
	return NULL;
}

static void who_asks_too_early_waits_for_it(void **state)
{
	struct bed *bed = *state;
	struct labels labels;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, put_later, bed), 0);
	assert_true(cluster_namespaces_labels(bed->namespaces, STR("late"), 0, &bed->arena, &labels));
	assert_int_equal(labels.count, 1);
	pthread_join(thread, NULL);
}

static void who_waits_in_vain_waits_a_second_at_most(void **state)
{
	struct bed *bed = *state;
	struct labels labels;
	int64_t began_ms = clock_monotonic_ms();

	assert_false(cluster_namespaces_labels(bed->namespaces, STR("never"), 0, &bed->arena, &labels));
	assert_true(clock_monotonic_ms() - began_ms >= NAMESPACE_WAIT_MS);
	/* A deadline that has passed is not waited for. */
	assert_false(cluster_namespaces_labels(bed->namespaces, STR("never"), began_ms, &bed->arena, &labels));
}

static void without_memory_nothing_is_known(void **state)
{
	struct bed *bed = *state;
	cleanup(arena) struct arena small = arena_init(8);
	struct labels labels;

	put(bed, "{\"metadata\":{\"name\":\"shop\",\"labels\":{\"team\":\"red\"}}}");
	assert_false(cluster_namespaces_labels(bed->namespaces, STR("shop"), 1, &small, &labels));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(labels_are_those_told_last, setup, teardown),
		cmocka_unit_test_setup_teardown(a_namespace_that_is_gone_is_not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(who_asks_too_early_waits_for_it, setup, teardown),
		cmocka_unit_test_setup_teardown(who_waits_in_vain_waits_a_second_at_most, setup, teardown),
		cmocka_unit_test_setup_teardown(without_memory_nothing_is_known, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
