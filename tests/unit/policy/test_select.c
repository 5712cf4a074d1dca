#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/select.h"

/* A selector with half of its texts would fit no policy, and an image that no policy selects may be admitted. */
static void a_selector_is_whole_or_none(void **state)
{
	const struct subject subject = {
		.namespace_ = STR("production"), .group = STR("apps"), .kind = STR("Deployment")};
	unsigned made = 0, refused = 0;

	(void)state;
	for (size_t max = 0; max < 128; max++) {
		cleanup(arena) struct arena arena = arena_init(max);
		struct selector selector = {0};

		if (!selector_init(&subject, &arena, &selector)) {
			refused++;
			continue;
		}
		made++;
		assert_true(str_eq_c(selector.namespace_, "production"));
		assert_true(str_eq_c(selector.service_account, "production:default"));
		assert_true(str_eq_c(selector.kind, "apps/Deployment"));
	}
	assert_true(made > 0 && refused > 0);
}

static void the_core_group_has_no_name(void **state)
{
	const struct subject subject = {
		.namespace_ = STR("default"), .kind = STR("Pod"), .service_account = STR("deployer")};
	cleanup(arena) struct arena arena = arena_init(1000);
	struct selector selector;

	(void)state;
	assert_true(selector_init(&subject, &arena, &selector));
	assert_true(str_eq_c(selector.kind, "Pod"));
	assert_true(str_eq_c(selector.service_account, "default:deployer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_selector_is_whole_or_none),
		cmocka_unit_test(the_core_group_has_no_name),
	};

	return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
