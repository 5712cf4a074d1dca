#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/check.h"
#include "cli/verb.h"
#include "policy/manifest.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* Digests alone decide here: what signatures prove is tested beside attest/. */
static const char policies[] =
	"apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: pinned}\n"
	"spec:\n  match: {images: [\"gcr.io/**\"]}\n  require: {digest: true}\n"
	"---\napiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: soft}\n"
	"spec:\n  match: {images: [\"quay.io/**\"]}\n  enforcement: Warn\n  require: {digest: true}\n"
	"---\napiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: labelled}\n"
	"spec:\n  match: {images: [\"ghcr.io/**\"], namespaceSelector: {matchLabels: {stage: prod, "
	"kubernetes.io/metadata.name: shop}}}\n  enforcement: Warn\n  require: {digest: true}\n";

struct bed {
	struct trust trust;
	struct judge judge;
	struct check check;
	struct option_list exempt;
	struct object_list objects;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct manifest_reader *reader = manifest_reader_new();
	struct err e = ERR_INIT;

	*state = bed;
	if (!manifest_reader_add(reader, STR("p.yaml"), str_of(policies), &e) ||
	    !manifest_reader_finish(reader, &bed->trust.policies, &e) || !object_list_init(&bed->objects, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	manifest_reader_free(reader);
	bed->judge.trust = &bed->trust;
	bed->check =
		(struct check){.judge = &bed->judge, .namespace_ = STR("default"), .exempt_namespaces = &bed->exempt};
	bed->check.given = &bed->objects;
	return check_init(&bed->check, &e) ? 0 : -1;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	check_release(&bed->check);
	object_list_release(&bed->objects);
	policy_set_free(bed->trust.policies);
	verb_use_json(false);
	free(bed);
	return 0;
}

static int check_text(struct bed *bed, const char *text)
{
	struct err e = ERR_INIT;

	if (!object_list_add(&bed->objects, "f.yaml", str_of(text), &e))
		fail_msg("%s", e.text);
	for (size_t i = 0; i < bed->objects.count; i++)
		if (!check_object(&bed->check, &bed->objects.items[i], &e))
			fail_msg("%s", e.text);
	check_summary(&bed->check);
	return check_status(&bed->check);
}

#define POD(name, namespace, image)                                                                              \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: " name namespace "}\nspec: {containers: [{name: c, image: " \
								      "\"" image "\"}]}\n"

static void a_report_is_a_table_for_each_object_and_a_last_line(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, POD("a", "", "gcr.io/x/y@" DIGEST_A)), EXIT_YES);
	assert_non_null(strstr(bed->check.text.data, "f.yaml: Pod default/a\n  IMAGE "));
	assert_non_null(strstr(bed->check.text.data, "spec.containers[0].image  pinned  admitted"));
	assert_non_null(strstr(bed->check.text.data, "\n1 object, 1 image: 1 admitted, 0 refused\n"));
}

static void one_refusal_among_many_is_no(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, POD("a", "", "gcr.io/x/y@" DIGEST_A) "---\n" POD(
						 "b", "", "gcr.io/x/y:1") "---\n" POD("c", "", "gcr.io/x/y@" DIGEST_B)),
			 EXIT_NO);
	assert_non_null(strstr(bed->check.text.data, "pinned  refused"));
	assert_non_null(strstr(bed->check.text.data, "3 objects, 3 images: 2 admitted, 1 refused\n"));
	assert_int_equal(json_array_size(bed->check.results), 3);
	assert_true(json_is_true(json_object_get(json_array_get(bed->check.results, 0), "allowed")));
	assert_true(json_is_false(json_object_get(json_array_get(bed->check.results, 1), "allowed")));
}

static void images_that_no_policy_selects_fall_to_the_default_action(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, POD("a", "", "docker.io/x/y@" DIGEST_A)), EXIT_NO);
	assert_non_null(strstr(bed->check.text.data, "default  refused"));
}

static void a_warning_admits_and_says_so(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, POD("a", "", "quay.io/x/y:1")), EXIT_YES);
	assert_non_null(strstr(bed->check.text.data, "soft    warned"));
}

static void a_reference_that_cannot_be_read_is_refused(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, POD("a", "", "quay.io/X/Y")), EXIT_NO);
	assert_non_null(strstr(bed->check.text.data, "refused"));
}

#define NAMESPACE(name, labels) \
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: " name ", labels: {" labels "}}\n---\n"

static void labels_come_from_the_namespaces_that_are_given(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, NAMESPACE("other", "stage: test") NAMESPACE("shop", "stage: prod")
						 POD("a", ", namespace: shop", "ghcr.io/x/y:1")),
			 EXIT_YES);
	assert_non_null(strstr(bed->check.text.data, "labelled  warned"));
}

static void a_selector_is_not_met_by_other_labels(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(
		check_text(bed, NAMESPACE("shop", "stage: test") POD("a", ", namespace: shop", "ghcr.io/x/y:1")),
		EXIT_NO);
	assert_non_null(strstr(bed->check.text.data, "default  refused"));
}

static void a_namespace_that_is_not_given_is_refused_by_what_needs_its_labels(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, NAMESPACE("other", "stage: prod")
						 POD("a", ", namespace: shop", "ghcr.io/x/y@" DIGEST_A)),
			 EXIT_NO);
	assert_non_null(strstr(bed->check.text.data, "the labels of namespace shop are not known"));
}

static void exempt_namespaces_are_those_of_the_server(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, POD("a", ", namespace: kube-system", "gcr.io/x/y:1")), EXIT_YES);
	assert_non_null(strstr(bed->check.text.data, "the namespace is exempt"));
}

static void clearing_the_exempt_namespaces_judges_all(void **state)
{
	struct bed *bed = *state;

	bed->exempt.cleared = true;
	assert_int_equal(check_text(bed, POD("a", ", namespace: kube-system", "gcr.io/x/y:1")), EXIT_NO);
}

static void objects_without_images_are_named_and_admitted(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n"
					 "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {}\n"),
			 EXIT_YES);
	assert_non_null(strstr(bed->check.text.data, "ConfigMap default/c\n  no images\n"));
	assert_non_null(strstr(bed->check.text.data, "Deployment default/d\n  no images\n"));
}

static void a_workload_that_cannot_be_read_is_refused_as_the_webhook_does(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, POD("a", "", "gcr.io/x/y@" DIGEST_A) "---\n"
									      "apiVersion: v1\nkind: Pod\nmetadata: "
									      "{name: b}\nspec: {containers: 7}\n"),
			 EXIT_NO);
	assert_non_null(strstr(bed->check.text.data, "refused: Object can't be read: "));
}

static void hostile_names_stay_in_their_line(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(check_text(bed, "apiVersion: v1\nkind: Pod\nmetadata: {name: \"x\\n  admitted\\e[1A\"}\n"
					 "spec: {containers: [{name: c, image: \"a\\nb\"}]}\n"),
			 EXIT_NO);
	assert_non_null(strstr(bed->check.text.data, "Pod default/x\\x0a  admitted\\x1b[1A\n"));
	assert_null(strchr(bed->check.text.data, '\x1b'));
}

static bool unreachable(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
			struct err *e)
{
	(void)query;
	(void)arena;
	(void)out;
	++*(int *)context;
	return err_set(e, ERR_UNAVAILABLE, "the server is gone");
}

/* Without facts every image is refused; that must not be told as "no". */
static void facts_that_cannot_be_had_are_an_error_and_asked_for_once(void **state)
{
	struct bed *bed = *state;
	int asked = 0;
	struct facts_watch watch = {.inner = {.context = &asked, .attestations = unreachable}};
	struct facts facts = facts_watch_interface(&watch);
	struct facts_query query = {.digest = STR(DIGEST_A)};
	struct facts_answer answer;
	cleanup(arena) struct arena arena = arena_init(1000);

	for (int i = 0; i < 3; i++) {
		struct err e = ERR_INIT;

		assert_false(facts.attestations(facts.context, &query, &arena, &answer, &e));
		assert_string_equal(e.text, "the server is gone");
	}
	assert_int_equal(asked, 1);
	bed->check.watch.failed = true;
	bed->check.watch.error = watch.error;
	struct err e = ERR_INIT;
	assert_true(object_list_add(&bed->objects, "f.yaml", STR(POD("a", "", "gcr.io/x/y:1")), &e));
	assert_false(check_object(&bed->check, &bed->objects.items[0], &e));
	assert_int_equal(err_exit_status(e.kind), EXIT_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_report_is_a_table_for_each_object_and_a_last_line),
		TEST(one_refusal_among_many_is_no),
		TEST(images_that_no_policy_selects_fall_to_the_default_action),
		TEST(a_warning_admits_and_says_so),
		TEST(a_reference_that_cannot_be_read_is_refused),
		TEST(labels_come_from_the_namespaces_that_are_given),
		TEST(a_selector_is_not_met_by_other_labels),
		TEST(a_namespace_that_is_not_given_is_refused_by_what_needs_its_labels),
		TEST(exempt_namespaces_are_those_of_the_server),
		TEST(clearing_the_exempt_namespaces_judges_all),
		TEST(objects_without_images_are_named_and_admitted),
		TEST(a_workload_that_cannot_be_read_is_refused_as_the_webhook_does),
		TEST(hostile_names_stay_in_their_line),
		TEST(facts_that_cannot_be_had_are_an_error_and_asked_for_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
