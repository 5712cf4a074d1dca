#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "cli/objects.h"

struct row {
	const char *group, *kind, *namespace_, *name;
	size_t document;
};

static void assert_objects(const char *text, const struct row *rows, size_t count)
{
	cleanup(object_list) struct object_list list = {0};
	struct err e = ERR_INIT;

	assert_true(object_list_init(&list, &e));
	if (!object_list_add(&list, "f.yaml", str_of(text), &e))
		fail_msg("%s", e.text);
	assert_int_equal(list.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_true(str_eq_c(list.items[i].file, "f.yaml"));
		assert_true(str_eq_c(list.items[i].group, rows[i].group));
		assert_true(str_eq_c(list.items[i].kind, rows[i].kind));
		assert_true(str_eq_c(list.items[i].namespace_, rows[i].namespace_));
		assert_true(str_eq_c(list.items[i].name, rows[i].name));
		assert_int_equal(list.items[i].document, rows[i].document);
		assert_non_null(list.items[i].value);
	}
}

static void documents_count_from_one(void **state)
{
	static const struct row rows[] = {
		{"", "Pod", "", "a", 1},
		{"apps", "Deployment", "prod", "b", 2},
	};

	(void)state;
	assert_objects("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n"
		       "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b, namespace: prod}\n",
		       rows, 2);
}

static void items_of_a_list_stand_for_themselves(void **state)
{
	static const struct row rows[] = {{"", "Pod", "", "a", 1}, {"batch", "Job", "x", "b", 1}};
	static const struct row typed[] = {{"", "Pod", "", "a", 1}, {"", "Pod", "", "b", 1}};

	(void)state;
	assert_objects(
		"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
		"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}},"
		"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
		"{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"name\":\"b\",\"namespace\":\"x\"}}]}]}",
		rows, 2);
	assert_objects("{\"apiVersion\":\"v1\",\"kind\":\"PodList\",\"items\":["
		       "{\"metadata\":{\"name\":\"a\"}},{\"metadata\":{\"generateName\":\"b\"}}]}",
		       typed, 2);
}

static void a_kind_that_only_ends_in_list_is_an_object(void **state)
{
	static const struct row rows[] = {{"example.com", "PlayList", "", "p", 1}};

	(void)state;
	assert_objects("apiVersion: example.com/v1\nkind: PlayList\nmetadata: {name: p}\n", rows, 1);
}

static void refuses_what_is_no_object(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"- a\n", "document 1"},
		{"just text", "document 1"},
		{"apiVersion: v1\nmetadata: {}\n", "kind is missing"},
		{"kind: Pod\n", "apiVersion is missing"},
		{"kind: 7\napiVersion: v1\n", "kind is missing"},
		{"apiVersion: v1\nkind: Pod\n---\nkind: Pod\n", "document 2"},
		{"apiVersion: v1\nkind: List\nitems: [{kind: Pod}]\n", "items[0]"},
		{"apiVersion: v1\nkind: List\nitems: [7]\n", "items[0]"},
		{"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"kind\":\"ConfigMap\"}", "f.yaml"},
		{"kind: [unclosed\n", "f.yaml"},
		{"\xff", "f.yaml"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup(object_list) struct object_list list = {0};
		struct err e = ERR_INIT;

		assert_true(object_list_init(&list, &e));
		if (object_list_add(&list, "f.yaml", str_of(rows[i].text), &e))
			fail_msg("accepted %s", rows[i].text);
		if (!strstr(e.text, rows[i].says) || !strstr(e.text, "f.yaml"))
			fail_msg("row %zu: %s", i, e.text);
	}
}

static void a_directory_gives_its_manifests_in_order(void **state)
{
	static const char *const names[] = {"b.yml", "a.yaml", "c.json", ".hidden.yaml", "note.txt"};
	static const char pod[] = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"x\"}}";
	char dir[256], path[512];
	const char *base = getenv("TMPDIR");
	cleanup(object_list) struct object_list list = {0};
	struct err e = ERR_INIT;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/sealgate-objects.XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_true(file_write(path, str_of(pod), 0600, &e));
	}
	assert_true(object_list_init(&list, &e));
	if (!object_list_read(&list, dir, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(list.count, 3);
	assert_true(str_ends_with(list.items[0].file, STR("/a.yaml")));
	assert_true(str_ends_with(list.items[2].file, STR("/c.json")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_count_from_one),
		cmocka_unit_test(items_of_a_list_stand_for_themselves),
		cmocka_unit_test(a_kind_that_only_ends_in_list_is_an_object),
		cmocka_unit_test(refuses_what_is_no_object),
		cmocka_unit_test(a_directory_gives_its_manifests_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
