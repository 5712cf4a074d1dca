#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "attest/key.h"
#include "base/limits.h"

static void refuses_what_must_never_count(void **state)
{
	const struct {
		struct key_info key;
		const char *refusal;
	} cases[] = {
		{{.can_sign = true, .algorithm = "rsa3072"}, NULL},
		{{.can_sign = true, .algorithm = "ed25519", .expired = true, .revoked = true}, NULL},
		{{.can_sign = true, .secret = true}, "holds a secret key"},
		{{.can_sign = false}, "cannot sign"},
		{{.can_sign = true, .weak = true, .algorithm = "rsa1024"}, "is too weak (rsa1024)"},
		{{.can_sign = true, .weak = true, .algorithm = "dsa1024"}, "is too weak (dsa1024)"},
		{{.can_sign = true, .weak = true, .algorithm = "rsa1999"}, "is too weak"},
		{{.can_sign = false, .weak = true, .secret = true}, "holds a secret key"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *refusal = key_refusal(&cases[i].key);

		if (cases[i].refusal)
			assert_string_equal(refusal, cases[i].refusal);
		else
			assert_null(refusal);
	}
}

static void releases_twice_without_harm(void **state)
{
	struct key_list list = {.items = calloc(2, sizeof(struct key_info)), .count = 2};

	(void)state;
	assert_non_null(list.items);
	key_list_release(&list);
	key_list_release(&list);
	assert_null(list.items);
	assert_int_equal(list.count, 0);
}

static void takes_as_many_as_the_limit_says(void **state)
{
	struct key_list list = {0};
	struct key_info key = {.fingerprint = "A"};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < LIMIT_KEYS; i++)
		assert_true(key_list_add(&list, &key, &e));
	assert_false(key_list_add(&list, &key, &e));
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	assert_int_equal(list.count, LIMIT_KEYS);
	key_list_release(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_must_never_count),
		cmocka_unit_test(releases_twice_without_harm),
		cmocka_unit_test(takes_as_many_as_the_limit_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
