/* The 2017 demonstration over real TLS: what is unsigned is refused, what is signed is admitted, wherever it stands. */
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/bed.h"

#define CONTAINER(name, image) "{\"name\":\"" name "\",\"image\":\"" image "\"}"
#define POD_SPEC(containers) "{\"containers\":[" containers "]}"

static int setup(void **state)
{
	bed_setup(state);
	struct bed *bed = *state;

	bed_key(bed, "qa", "qa_bob@example.com");
	bed_key(bed, "mallory", "mallory@example.com");
	/* Mallory's key is hers alone: the server is not told. */
	char *foreign = text_of("%s/mallory.asc", bed->keys);

	assert_int_equal(remove(foreign), 0);
	free(foreign);
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_note(bed, "image-signing", "qa"), 200);
	return 0;
}

static void attest(struct bed *bed, const char *email, const char *image, const char *payload)
{
	char *signature = bed_clearsign(bed, email, payload);

	assert_int_equal(bed_attest(bed, "image-signing", "qa", image, signature), 200);
	free(signature);
}

static bool allowed(struct bed *bed, const char *group, const char *kind, const char *resource, const char *object)
{
	char *review = bed_review_text("v1", "CREATE", group, kind, resource, NULL, "default", object, NULL);
	json_t *response = bed_review(bed, review);
	bool yes = response_allowed(response);

	json_decref(response);
	free(review);
	return yes;
}

static void unsigned_image_is_refused_and_the_words_say_why(void **state)
{
	struct bed *bed = *state;
	json_t *response = bed_review_pod(bed, IMAGE_A);
	json_t *status = json_object_get(response, "status");
	json_t *cause = json_array_get(json_object_get(json_object_get(status, "details"), "causes"), 0);

	assert_false(response_allowed(response));
	assert_string_equal(
		response_message(response),
		"No matched signatures for container image: " IMAGE_A
		" (spec.containers[0].image: policy pubkeys requires attestor pubkeys: no attestation found)");
	assert_int_equal(json_integer_value(json_object_get(status, "code")), 403);
	assert_string_equal(json_string_value(json_object_get(status, "reason")), "Forbidden");
	assert_string_equal(json_string_value(json_object_get(cause, "field")), "spec.containers[0].image");
	assert_string_equal(json_string_value(json_object_get(response, "uid")),
			    "705ab4f5-6393-11e8-b7cc-42010a800002");
	assert_null(json_object_get(response, "patch"));
	assert_null(json_object_get(response, "patchType"));
	json_decref(response);
}

static void another_key_does_not_count(void **state)
{
	struct bed *bed = *state;
	json_t *response;

	attest(bed, "mallory@example.com", IMAGE_A, DIGEST_A);
	response = bed_review_pod(bed, IMAGE_A);
	assert_false(response_allowed(response));
	assert_non_null(strstr(response_message(response), "signed by a key that no attestor lists"));
	json_decref(response);
}

static void a_signature_over_another_digest_does_not_count(void **state)
{
	struct bed *bed = *state;
	json_t *response;

	attest(bed, "qa_bob@example.com", IMAGE_A, DIGEST_B);
	response = bed_review_pod(bed, IMAGE_A);
	assert_false(response_allowed(response));
	assert_non_null(strstr(response_message(response), "payload names another digest"));
	json_decref(response);
}

static void signed_image_is_admitted(void **state)
{
	struct bed *bed = *state;
	json_t *response;

	attest(bed, "qa_bob@example.com", IMAGE_A, DIGEST_A "\n");
	response = bed_review_pod(bed, IMAGE_A);
	if (!response_allowed(response))
		fail_msg("refused: %s", response_message(response));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(response, "auditAnnotations"), "decision")), "allow");
	json_decref(response);
}

static void same_repository_at_another_digest_is_refused(void **state)
{
	json_t *response = bed_review_pod(*state, IMAGE_B);

	assert_false(response_allowed(response));
	json_decref(response);
}

static void a_tag_is_refused(void **state)
{
	json_t *response = bed_review_pod(*state, "gcr.io/hightowerlabs/payment:latest");

	assert_false(response_allowed(response));
	assert_string_equal(response_message(response),
			    "Container image has no digest: gcr.io/hightowerlabs/payment:latest "
			    "(spec.containers[0].image: policy pubkeys requires a digest)");
	json_decref(response);
}

static void signed_image_is_admitted_in_every_place(void **state)
{
	static const char deployment[] =
		"{\"metadata\":{\"name\":\"payment\"},\"spec\":{\"template\":{\"spec\":" POD_SPEC(
			CONTAINER("payment", IMAGE_A)) "}}}";
	static const char init[] = "{\"spec\":{\"initContainers\":[" CONTAINER(
		"first", IMAGE_A) "],\"containers\":[" CONTAINER("payment", IMAGE_A) "]}}";
	static const char ephemeral[] = "{\"spec\":{\"containers\":[" CONTAINER(
		"payment", IMAGE_A) "],\"ephemeralContainers\":[" CONTAINER("debug", IMAGE_A) "]}}";

	assert_true(allowed(*state, "apps", "Deployment", "deployments", deployment));
	assert_true(allowed(*state, "", "Pod", "pods", init));
	assert_true(allowed(*state, "", "Pod", "pods", ephemeral));
}

static void unsigned_sidecar_is_named(void **state)
{
	static const char deployment[] =
		"{\"metadata\":{\"name\":\"payment\"},\"spec\":{\"template\":{\"spec\":" POD_SPEC(
			CONTAINER("payment", IMAGE_A) "," CONTAINER("sidecar", IMAGE_B)) "}}}";
	char *review =
		bed_review_text("v1", "CREATE", "apps", "Deployment", "deployments", NULL, "default", deployment, NULL);
	json_t *response = bed_review(*state, review);

	assert_false(response_allowed(response));
	assert_non_null(strstr(response_message(response), "spec.template.spec.containers[1].image"));
	assert_non_null(strstr(response_message(response), IMAGE_B));
	assert_null(strstr(response_message(response), IMAGE_A));
	json_decref(response);
	free(review);
}

static void the_short_way_signs_uploads_and_checks(void **state)
{
	struct bed *bed = *state;
	const char *sign[] = {
		bed_program("sealgate"),	   "sign",     IMAGE_B,	 "--key", "qa_bob@example.com", "--note",
		"projects/image-signing/notes/qa", "--server", bed->api, NULL};
	char *manifest = text_of("%s/deployment.yaml", bed->dir);
	const char *check[] = {
		bed_program("sealgate"), "check", "-f", manifest, "--pubkeys", bed->keys, "--server", bed->api, NULL};
	char *out = NULL, *err = NULL;

	bed_write(manifest,
		  "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: payment\nspec:\n  template:\n    spec:\n"
		  "      containers:\n      - name: payment\n        image: " IMAGE_B "\n");
	assert_int_equal(bed_run(bed, check, NULL, &out, &err), 1);
	assert_non_null(strstr(out, "no attestation found"));
	free(out);
	free(err);
	if (bed_run(bed, sign, NULL, &out, &err) != 0)
		fail_msg("sign: %s%s", out, err);
	free(out);
	free(err);
	if (bed_run(bed, check, NULL, &out, &err) != 0)
		fail_msg("check: %s%s", out, err);
	free(out);
	free(err);
	json_t *response = bed_review_pod(bed, IMAGE_B);

	assert_true(response_allowed(response));
	json_decref(response);
	free(manifest);
}

static void each_review_left_one_decision_line(void **state)
{
	assert_int_equal(bed_log_lines(*state, "decision"), 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_image_is_refused_and_the_words_say_why),
		cmocka_unit_test(another_key_does_not_count),
		cmocka_unit_test(a_signature_over_another_digest_does_not_count),
		cmocka_unit_test(signed_image_is_admitted),
		cmocka_unit_test(same_repository_at_another_digest_is_refused),
		cmocka_unit_test(a_tag_is_refused),
		cmocka_unit_test(signed_image_is_admitted_in_every_place),
		cmocka_unit_test(unsigned_sidecar_is_named),
		cmocka_unit_test(the_short_way_signs_uploads_and_checks),
		cmocka_unit_test(each_review_left_one_decision_line),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
