/* Without memory to compare keys nobody's keys count as different. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/key_overlap.h"

#define MEMORY_MAX (64u * 1024)

static struct attestor_key keys[] = {{.openpgp = {"key", 3}}, {.openpgp = {" key\n", 5}}, {.openpgp = {"other", 5}}};
static const struct attestor attestors[] = {
	{.name = {"a", 1}, .keys = &keys[0], .key_count = 1},
	{.name = {"b", 1}, .keys = &keys[1], .key_count = 1},
	{.name = {"c", 1}, .keys = &keys[2], .key_count = 1},
};

/* Whether the two may stand in one entry, when the set may take so much memory. */
static bool may_stand_together(size_t first, size_t second, size_t memory, struct err *e)
{
	const struct attestor *both[] = {&attestors[first], &attestors[second]};
	struct attestation_rule rule = {.attestors = both, .attestor_count = 2, .count = 2};
	struct image_policy policy = {.rules = &rule, .rule_count = 1};
	struct policy_set set = {.arena = arena_init(memory),
				 .attestors = attestors,
				 .attestor_count = 3,
				 .policies = &policy,
				 .policy_count = 1};
	bool may = key_overlap_check(&set, e);

	arena_release(&set.arena);
	return may;
}

static void one_key_never_counts_twice_however_little_memory_there_is(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	for (size_t memory = 0; memory < MEMORY_MAX; memory += 16)
		assert_false(may_stand_together(0, 1, memory, NULL));
	assert_false(may_stand_together(0, 1, MEMORY_MAX, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_false(may_stand_together(0, 2, 0, NULL));
	assert_true(may_stand_together(0, 2, MEMORY_MAX, &e));
	assert_true(may_stand_together(1, 2, MEMORY_MAX, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_key_never_counts_twice_however_little_memory_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
