#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "policy/workload.h"

static struct arena arena;
static struct err error;

static int setup(void **state)
{
	(void)state;
	arena = arena_init(64u * 1024 * 1024);
	error = ERR_INIT;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static bool images(const char *group, const char *kind, struct str object, struct image_uses *out)
{
	const struct workload_kind *row = workload_find(str_of(group), str_of(kind));
	struct json_doc doc;

	assert_non_null(row);
	if (!json_doc_parse(object, NULL, &arena, &doc, &error))
		fail_msg("%.*s: %s", STR_ARG(object), error.text);
	return workload_images(row, &doc, 0, &arena, out, &error);
}

static struct image_uses of_pod(const char *object)
{
	struct image_uses uses;

	if (!images("", "Pod", str_of(object), &uses))
		fail_msg("%s: %s", object, error.text);
	return uses;
}

static void assert_use(const struct image_use *use, enum image_role role, const char *path, const char *place,
		       const char *text)
{
	assert_int_equal(use->role, role);
	assert_true(str_eq_c(use->path, path));
	assert_true(str_eq_c(use->place, place));
	assert_true(str_eq_c(use->text, text));
}

#define SPEC "{\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}"
#define IN_TEMPLATE "{\"spec\":{\"template\":{\"spec\":" SPEC "}}}"

static const struct {
	const char *group, *kind, *resource, *object, *path;
} rows[] = {
	{"", "Pod", "pods", "{\"spec\":" SPEC "}", "spec.containers[0].image"},
	{"", "PodTemplate", "podtemplates", "{\"template\":{\"spec\":" SPEC "}}", "template.spec.containers[0].image"},
	{"", "ReplicationController", "replicationcontrollers", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"apps", "ReplicaSet", "replicasets", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"extensions", "ReplicaSet", "replicasets", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"apps", "Deployment", "deployments", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"extensions", "Deployment", "deployments", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"apps", "DaemonSet", "daemonsets", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"extensions", "DaemonSet", "daemonsets", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"apps", "StatefulSet", "statefulsets", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"batch", "Job", "jobs", IN_TEMPLATE, "spec.template.spec.containers[0].image"},
	{"batch", "CronJob", "cronjobs", "{\"spec\":{\"jobTemplate\":" IN_TEMPLATE "}}",
	 "spec.jobTemplate.spec.template.spec.containers[0].image"},
	{"apps", "ControllerRevision", "controllerrevisions", "{\"data\":" IN_TEMPLATE "}",
	 "data.spec.template.spec.containers[0].image"},
	{"", "EphemeralContainers", NULL, "{\"ephemeralContainers\":[{\"name\":\"c\",\"image\":\"x\"}]}",
	 "ephemeralContainers[0].image"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void every_kind_gives_its_image_and_its_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct image_uses uses;

		if (!images(rows[i].group, rows[i].kind, str_of(rows[i].object), &uses))
			fail_msg("%s: %s", rows[i].kind, error.text);
		assert_int_equal(uses.count, 1);
		if (!str_eq_c(uses.items[0].path, rows[i].path))
			fail_msg("%s: %.*s", rows[i].kind, STR_ARG(uses.items[0].path));
		assert_true(str_eq_c(uses.items[0].text, "x"));
	}
}

static void kinds_of_other_groups_or_spelling_are_unknown(void **state)
{
	static const char *const others[][2] = {{"apps", "Pod"},
						{"core", "Pod"},
						{"", "Deployment"},
						{"", "pod"},
						{"", "Pods"},
						{"extensions", "StatefulSet"},
						{"batch", "Deployment"},
						{"Apps", "Deployment"},
						{"", ""},
						{"example.com", "Deployment"},
						{"apps/v1", "Deployment"}};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_null(workload_find(str_of(others[i][0]), str_of(others[i][1])));
}

static void a_kind_fits_its_own_resource_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < ROWS; k++) {
			const struct workload_kind *row = workload_find(str_of(rows[i].group), str_of(rows[i].kind));
			bool same =
				rows[i].resource && rows[k].resource && strcmp(rows[i].resource, rows[k].resource) == 0;

			if (rows[k].resource)
				assert_int_equal(workload_fits(row, str_of(rows[k].resource), STR("")), same);
		}
}

static void subresources_are_decided_by_the_table(void **state)
{
	static const struct {
		const char *group, *kind, *resource, *subresource;
		bool fits;
	} cases[] = {
		{"", "Pod", "pods", "ephemeralcontainers", true},
		{"", "Pod", "pods", "resize", true},
		{"", "Pod", "pods", "status", true},
		{"", "Pod", "pods", "exec", false},
		{"", "Pod", "pods", "binding", false},
		{"", "Pod", "pods", "eviction", false},
		{"", "Pod", "pods", "/", false},
		{"", "Pod", "pods", "ephemeral", false},
		{"", "Pod", "pods", "ephemeralcontainers/resize", false},
		{"", "Pod", "Pods", "", false},
		{"", "Pod", "", "", false},
		{"", "Pod", "pod", "", false},
		{"", "EphemeralContainers", "pods", "ephemeralcontainers", true},
		{"", "EphemeralContainers", "pods", "", false},
		{"", "EphemeralContainers", "pods", "status", false},
		{"apps", "Deployment", "deployments", "status", true},
		{"apps", "Deployment", "deployments", "scale", false},
		{"apps", "Deployment", "deployments", "ephemeralcontainers", false},
		{"extensions", "Deployment", "deployments", "rollback", false},
		{"", "PodTemplate", "podtemplates", "status", false},
		{"batch", "CronJob", "cronjobs", "status", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct workload_kind *row = workload_find(str_of(cases[i].group), str_of(cases[i].kind));

		if (workload_fits(row, str_of(cases[i].resource), str_of(cases[i].subresource)) != cases[i].fits)
			fail_msg("%s %s/%s", cases[i].kind, cases[i].resource, cases[i].subresource);
	}
	assert_true(workload_expected(STR(""), STR("pods"), STR("")));
	assert_true(workload_expected(STR("extensions"), STR("deployments"), STR("")));
	assert_false(workload_expected(STR("apps"), STR("pods"), STR("")));
	assert_false(workload_expected(STR(""), STR("pods"), STR("exec")));
	assert_false(workload_expected(STR("apps"), STR("deployments"), STR("scale")));
	assert_false(workload_expected(STR(""), STR("configmaps"), STR("")));
}

static void every_place_of_a_pod_is_listed_in_order(void **state)
{
	struct image_uses uses = of_pod(
		"{\"spec\":{\"volumes\":[{\"name\":\"v0\",\"emptyDir\":{}},{\"name\":\"v1\",\"image\":{\"reference\":"
		"\"vol\"}}],"
		"\"ephemeralContainers\":[{\"name\":\"e\",\"image\":\"eph\",\"targetContainerName\":\"a\"}],"
		"\"initContainers\":[{\"name\":\"i\",\"image\":\"ini\",\"restartPolicy\":\"Always\"}],"
		"\"serviceAccountName\":\"robot\","
		"\"containers\":[{\"name\":\"a\",\"image\":\"one\"},{\"name\":\"b\",\"image\":\"tw\\u006f\"}]}}");

	(void)state;
	assert_int_equal(uses.count, 5);
	assert_use(&uses.items[0], IMAGE_CONTAINER, "spec.containers[0].image", "a", "one");
	assert_use(&uses.items[1], IMAGE_CONTAINER, "spec.containers[1].image", "b", "two");
	assert_use(&uses.items[2], IMAGE_INIT, "spec.initContainers[0].image", "i", "ini");
	assert_use(&uses.items[3], IMAGE_EPHEMERAL, "spec.ephemeralContainers[0].image", "e", "eph");
	assert_use(&uses.items[4], IMAGE_VOLUME, "spec.volumes[1].image.reference", "v1", "vol");
	assert_true(str_eq_c(uses.service_account, "robot"));
}

static void an_absent_or_empty_image_is_a_use_not_a_gap(void **state)
{
	struct image_uses uses = of_pod("{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\",\"image\":\"\"},"
					"{\"name\":\"c\",\"image\":null},{\"name\":\"d\",\"image\":\" \"}]}}");

	(void)state;
	assert_int_equal(uses.count, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_non_null(uses.items[i].text.ptr);
		assert_int_equal(uses.items[i].text.len, 0);
	}
	assert_true(str_eq_c(uses.items[3].text, " "));
}

static void what_is_absent_or_null_has_no_images(void **state)
{
	static const struct {
		const char *group, *kind, *object;
	} cases[] = {
		{"", "ReplicationController", "{\"spec\":{\"template\":null}}"},
		{"", "ReplicationController", "{\"spec\":{}}"},
		{"", "ReplicationController", "{}"},
		{"", "PodTemplate", "{}"},
		{"apps", "ControllerRevision", "{\"data\":{\"other\":1}}"},
		{"apps", "ControllerRevision", "{}"},
		{"", "Pod", "{\"spec\":{}}"},
		{"", "Pod", "{\"spec\":{\"containers\":null,\"initContainers\":[],\"volumes\":null}}"},
		{"", "Pod",
		 "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"image\":null},{\"image\":{}},{\"rbd\":{\"image\":\"x\"}}]}"
		 "}"},
		{"", "Pod", "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"image\":{\"reference\":\"\"}}]}}"},
		{"", "Pod",
		 "{\"spec\":{\"imagePullSecrets\":[{\"name\":\"x\"}]},\"status\":{\"containerStatuses\":[{\"image\":"
		 "\"x\"}]}}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image_uses uses;

		if (!images(cases[i].group, cases[i].kind, str_of(cases[i].object), &uses))
			fail_msg("%s: %s", cases[i].object, error.text);
		assert_int_equal(uses.count, 0);
		assert_true(str_eq_c(uses.service_account, ""));
	}
}

static void refuses_wrong_types_and_keys_that_differ_in_case(void **state)
{
	static const struct {
		const char *kind, *object;
	} bad[] = {
		{"Pod", "null"},
		{"Pod", "7"},
		{"Pod", "[]"},
		{"Pod", "\"x\""},
		{"Pod", "true"},
		{"Pod", "{}"},
		{"Pod", "{\"spec\":null}"},
		{"Pod", "{\"spec\":[]}"},
		{"Pod", "{\"spec\":\"x\"}"},
		{"Pod", "{\"Spec\":{}}"},
		{"Pod", "{\"spec\":{},\"SPEC\":{}}"},
		{"Pod", "{\"spec\":{\"containers\":{}}}"},
		{"Pod", "{\"spec\":{\"containers\":\"x\"}}"},
		{"Pod", "{\"spec\":{\"containers\":false}}"},
		{"Pod", "{\"spec\":{\"containers\":[7]}}"},
		{"Pod", "{\"spec\":{\"containers\":[null]}}"},
		{"Pod", "{\"spec\":{\"containers\":[[]]}}"},
		{"Pod", "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":7}]}}"},
		{"Pod", "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":{}}]}}"},
		{"Pod", "{\"spec\":{\"containers\":[{\"name\":7,\"image\":\"x\"}]}}"},
		{"Pod", "{\"spec\":{\"containers\":[{\"image\":\"x\"}]}}"},
		{"Pod", "{\"spec\":{\"containers\":[{\"name\":\"\",\"image\":\"x\"}]}}"},
		{"Pod", "{\"spec\":{\"containers\":[{\"name\":\"a\",\"Image\":\"x\"}]}}"},
		{"Pod", "{\"spec\":{\"containers\":[{\"Name\":\"a\",\"image\":\"x\"}]}}"},
		{"Pod", "{\"spec\":{\"Containers\":[]}}"},
		{"Pod", "{\"spec\":{\"initcontainers\":[]}}"},
		{"Pod", "{\"spec\":{\"initContainers\":{}}}"},
		{"Pod", "{\"spec\":{\"ephemeralContainers\":1}}"},
		{"Pod", "{\"spec\":{\"volumes\":{}}}"},
		{"Pod", "{\"spec\":{\"volumes\":[1]}}"},
		{"Pod", "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"image\":\"x\"}]}}"},
		{"Pod", "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"image\":{\"reference\":7}}]}}"},
		{"Pod", "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"image\":{\"Reference\":\"x\"}}]}}"},
		{"Pod", "{\"spec\":{\"volumes\":[{\"image\":{\"reference\":\"x\"}}]}}"},
		{"Pod", "{\"spec\":{\"serviceAccountName\":7}}"},
		{"Pod", "{\"spec\":{\"serviceAccount\":[]}}"},
		{"ReplicationController", "{\"spec\":[]}"},
		{"ReplicationController", "{\"spec\":{\"template\":\"x\"}}"},
		{"ReplicationController", "{\"spec\":{\"template\":{\"spec\":1}}}"},
		{"ReplicationController", "{\"spec\":{\"Template\":{}}}"},
		{"PodTemplate", "{\"template\":[]}"},
		{"PodTemplate", "[]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct image_uses uses = {.count = 77};

		if (images("", bad[i].kind, str_of(bad[i].object), &uses))
			fail_msg("accepted: %s", bad[i].object);
		assert_int_equal(error.kind, ERR_INVALID);
		assert_int_equal(uses.count, 77);
	}
}

static void an_error_says_where(void **state)
{
	static const char *const cases[][2] = {
		{"{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"x\"},{\"name\":\"b\",\"image\":7}]}}",
		 "spec.containers[1]: image must be a string"},
		{"{\"spec\":{\"containers\":{}}}", "spec: containers must be a list"},
		{"{\"spec\":{\"volumes\":[{\"name\":\"v\",\"image\":{\"reference\":7}}]}}",
		 "spec.volumes[0].image: reference must be a string"},
		{"{\"spec\":{\"containers\":[{\"image\":\"x\"}]}}",
		 "spec.containers[0].image: its container has no name"},
		{"{}", "spec is missing"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image_uses uses;

		assert_false(images("", "Pod", str_of(cases[i][0]), &uses));
		assert_string_equal(error.text, cases[i][1]);
	}
}

static void the_older_name_of_the_service_account_counts_when_the_newer_is_empty(void **state)
{
	(void)state;
	assert_true(str_eq_c(of_pod("{\"spec\":{\"serviceAccount\":\"old\"}}").service_account, "old"));
	assert_true(str_eq_c(
		of_pod("{\"spec\":{\"serviceAccountName\":\"\",\"serviceAccount\":\"old\"}}").service_account, "old"));
	assert_true(str_eq_c(
		of_pod("{\"spec\":{\"serviceAccountName\":\"new\",\"serviceAccount\":\"old\"}}").service_account,
		"new"));
}

static struct buf pod_of(size_t count, const char *list, const char *image)
{
	struct buf b = buf_init(8u * 1024 * 1024);

	buf_printf(&b, "{\"spec\":{\"%s\":[", list);
	for (size_t i = 0; i < count; i++)
		buf_printf(&b, "%s{\"name\":\"n%zu\",%s}", i ? "," : "", i, image);
	buf_add_c(&b, "]}}");
	assert_false(b.failed);
	return b;
}

static void ten_thousand_images_are_the_most(void **state)
{
	static const char *const places[][2] = {{"containers", "\"image\":\"x\""},
						{"volumes", "\"image\":{\"reference\":\"x\"}"}};
	struct image_uses uses;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf most = pod_of(LIMIT_IMAGES, places[i][0], places[i][1]);
		struct buf over = pod_of(LIMIT_IMAGES + 1, places[i][0], places[i][1]);

		assert_true(images("", "Pod", buf_str(&most), &uses));
		assert_int_equal(uses.count, LIMIT_IMAGES);
		assert_false(images("", "Pod", buf_str(&over), &uses));
		assert_int_equal(error.kind, ERR_TOO_LARGE);
		assert_string_equal(error.text, WORKLOAD_TOO_MANY);
		buf_release(&most);
		buf_release(&over);
	}
}

static void volumes_without_image_do_not_count(void **state)
{
	struct buf many = pod_of(LIMIT_IMAGES + 1, "volumes", "\"emptyDir\":{}");
	struct image_uses uses;

	(void)state;
	assert_true(images("", "Pod", buf_str(&many), &uses));
	assert_int_equal(uses.count, 0);
	buf_release(&many);
}

static void a_full_arena_is_too_large(void **state)
{
	struct arena small = arena_init(700);
	struct json_doc doc;
	struct image_uses uses;

	(void)state;
	assert_true(json_doc_parse(
		STR("{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"x\"},{\"name\":\"b\"},{\"name\":\"c\"}]}}"),
		NULL, &small, &doc, &error));
	assert_false(workload_images(workload_find(STR(""), STR("Pod")), &doc, 0, &small, &uses, &error));
	assert_int_equal(error.kind, ERR_TOO_LARGE);
	arena_release(&small);
}

/* ---- Updates ---- */

static size_t new_images(const char *object, const char *old)
{
	struct image_uses now = of_pod(object), before = of_pod(old);

	workload_only_new(&now, &before);
	return now.count;
}

#define C(name, image) "{\"name\":\"" name "\",\"image\":\"" image "\"}"
#define POD(list) "{\"spec\":{\"containers\":[" list "]}}"
#define INIT(list) "{\"spec\":{\"initContainers\":[" list "]}}"

static void only_what_is_new_in_its_place_is_kept(void **state)
{
	(void)state;
	assert_int_equal(new_images(POD(C("a", "x")), POD(C("a", "x"))), 0);
	assert_int_equal(new_images(POD(C("a", "y")), POD(C("a", "x"))), 1);
	assert_int_equal(new_images(POD(C("b", "x")), POD(C("a", "x"))), 1);
	assert_int_equal(new_images(INIT(C("a", "x")), POD(C("a", "x"))), 1);
	assert_int_equal(new_images(POD(C("a", "x")), INIT(C("a", "x"))), 1);
	assert_int_equal(new_images(POD(C("a", "x")), POD("")), 1);
	assert_int_equal(new_images(POD(""), POD(C("a", "x"))), 0);
	assert_int_equal(new_images(POD(C("a", "x") "," C("b", "y")), POD(C("b", "y") "," C("a", "x"))), 0);
	assert_int_equal(new_images(POD(C("a", "x") "," C("b", "y")), POD(C("a", "y") "," C("b", "x"))), 2);
	assert_int_equal(new_images(POD(C("a", "x") "," C("b", "y") "," C("c", "z")), POD(C("b", "y"))), 2);
}

static void texts_are_compared_byte_for_byte(void **state)
{
	(void)state;
	assert_int_equal(new_images(POD(C("a", "nginx")), POD(C("a", "docker.io/library/nginx"))), 1);
	assert_int_equal(new_images(POD(C("a", "x")), POD(C("a", "x "))), 1);
	assert_int_equal(new_images(POD(C("a", "X")), POD(C("a", "x"))), 1);
	assert_int_equal(new_images(POD(C("a", "x\\u0000")), POD(C("a", "x"))), 1);
	assert_int_equal(new_images(POD(C("A", "x")), POD(C("a", "x"))), 1);
	assert_int_equal(new_images(POD(C("a", "\\u0078")), POD(C("a", "x"))), 0);
}

static void a_name_used_twice_makes_everything_new(void **state)
{
	(void)state;
	assert_int_equal(new_images(POD(C("a", "x") "," C("a", "x")), POD(C("a", "x") "," C("a", "x"))), 2);
	assert_int_equal(new_images(POD(C("a", "x") "," C("a", "y")), POD(C("a", "x"))), 2);
	assert_int_equal(new_images(POD(C("a", "x")), POD(C("a", "x") "," C("a", "x"))), 1);
	assert_int_equal(new_images(POD(C("a", "x") "," C("b", "y")), POD(C("a", "x") "," C("b", "y") "," C("b", "y"))),
			 2);
}

static void what_is_kept_stays_in_order(void **state)
{
	struct image_uses now = of_pod(POD(C("z", "1") "," C("a", "2") "," C("m", "3") "," C("b", "4")));
	struct image_uses before = of_pod(POD(C("a", "2")));

	(void)state;
	workload_only_new(&now, &before);
	assert_int_equal(now.count, 3);
	assert_true(str_eq_c(now.items[0].path, "spec.containers[0].image"));
	assert_true(str_eq_c(now.items[1].path, "spec.containers[2].image"));
	assert_true(str_eq_c(now.items[2].path, "spec.containers[3].image"));
}

/* 10^8 comparisons of places would still end, but not within this test's share of `make check`. */
static void ten_thousand_places_are_compared_in_time(void **state)
{
	struct buf object = pod_of(LIMIT_IMAGES, "containers", "\"image\":\"x\"");
	struct image_uses now, before;

	(void)state;
	assert_true(images("", "Pod", buf_str(&object), &now));
	assert_true(images("", "Pod", buf_str(&object), &before));
	workload_only_new(&now, &before);
	assert_int_equal(now.count, 0);
	buf_release(&object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(every_kind_gives_its_image_and_its_path),
		CASE(kinds_of_other_groups_or_spelling_are_unknown),
		CASE(a_kind_fits_its_own_resource_alone),
		CASE(subresources_are_decided_by_the_table),
		CASE(every_place_of_a_pod_is_listed_in_order),
		CASE(an_absent_or_empty_image_is_a_use_not_a_gap),
		CASE(what_is_absent_or_null_has_no_images),
		CASE(refuses_wrong_types_and_keys_that_differ_in_case),
		CASE(an_error_says_where),
		CASE(the_older_name_of_the_service_account_counts_when_the_newer_is_empty),
		CASE(ten_thousand_images_are_the_most),
		CASE(volumes_without_image_do_not_count),
		CASE(a_full_arena_is_too_large),
		CASE(only_what_is_new_in_its_place_is_kept),
		CASE(texts_are_compared_byte_for_byte),
		CASE(a_name_used_twice_makes_everything_new),
		CASE(what_is_kept_stays_in_order),
		CASE(ten_thousand_places_are_compared_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
