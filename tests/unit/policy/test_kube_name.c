#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/kube_name.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct row {
	const char *text;
	bool label;
	bool subdomain;
	bool label_pattern;
	bool subdomain_pattern;
};

static void tells_names_from_patterns_and_from_neither(void **state)
{
	static const struct row rows[] = {
		{"a", true, true, true, true},
		{"prod-1", true, true, true, true},
		{"0", true, true, true, true},
		{A63, true, true, true, true},
		{A63 "a", false, true, false, true},
		{A63 "*", false, false, true, true},
		{A63 "." A63 "." A63 "." A63, false, false, false, false},
		{A63 "." A63 "." A63 "." A63 "*", false, false, false, false},
		{"a.b", false, true, false, true},
		{"*", false, false, true, true},
		{"pr*-x*", false, false, true, true},
		{"*-", false, false, false, false},
		{"-*", false, false, false, false},
		{"a.*", false, false, false, true},
		{".*", false, false, false, false},
		{"a..b", false, false, false, false},
		{"a.-b", false, false, false, false},
		{"a-.b", false, false, false, false},
		{".a", false, false, false, false},
		{"a.", false, false, false, false},
		{"-a", false, false, false, false},
		{"a-", false, false, false, false},
		{"A", false, false, false, false},
		{"a_b", false, false, false, false},
		{"a b", false, false, false, false},
		{"a\n", false, false, false, false},
		{"\xc3\xa9", false, false, false, false},
		{"", false, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str text = str_of(rows[i].text);

		if (kube_label_valid(text) != rows[i].label || kube_subdomain_valid(text) != rows[i].subdomain ||
		    kube_label_pattern_valid(text) != rows[i].label_pattern ||
		    kube_subdomain_pattern_valid(text) != rows[i].subdomain_pattern)
			fail_msg("\"%s\"", rows[i].text);
	}
}

static void kinds_are_letters_and_digits(void **state)
{
	static const char *const good[] = {"Pod", "*", "*Set", "Job*", "X509Cert"};
	static const char *const bad[] = {"", "9Pod", "Pod/x", "Po d", "Pod-x", "Pod.x", A63 "a"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(kube_kind_pattern_valid(str_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kube_kind_pattern_valid(str_of(bad[i])));
}

static void keys_and_values_of_labels(void **state)
{
	static const struct {
		const char *text;
		bool key, value;
	} rows[] = {
		{"a", true, true},
		{"A9", true, true},
		{"a-b_c.D", true, true},
		{"", false, true},
		{"-a", false, false},
		{"a-", false, false},
		{"_", false, false},
		{"a b", false, false},
		{"a*", false, false},
		{"example.com/a", true, false},
		{"kubernetes.io/metadata.name", true, false},
		{"/a", false, false},
		{"a/", false, false},
		{"a/b/c", false, false},
		{"Example.com/a", false, false},
		{"example.com/-a", false, false},
	};
	char name[65];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(kube_label_key_valid(str_of(rows[i].text)), rows[i].key);
		assert_int_equal(kube_label_value_valid(str_of(rows[i].text)), rows[i].value);
	}
	memset(name, 'a', sizeof(name));
	assert_true(kube_label_key_valid(str_make(name, 63)));
	assert_false(kube_label_key_valid(str_make(name, 64)));
	assert_true(kube_label_value_valid(str_make(name, 63)));
	assert_false(kube_label_value_valid(str_make(name, 64)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_names_from_patterns_and_from_neither),
		cmocka_unit_test(kinds_are_letters_and_digits),
		cmocka_unit_test(keys_and_values_of_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
