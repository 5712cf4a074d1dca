/* Policies end to end: thresholds, enforcement, exemption, namespaces, and what each tells the caller. */
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/bed.h"

/* The text of a key file, indented for a YAML block. */
static char *indented(const char *path)
{
	char *text = bed_read(path), *out = text_of("%s", "");

	assert_non_null(text);
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *longer = text_of("%s      %s\n", out, line);

		free(out);
		out = longer;
		/* The empty line between armour headers and body, which strtok_r passes over. */
		if (strncmp(line, "-----BEGIN", 10) == 0) {
			longer = text_of("%s\n", out);
			free(out);
			out = longer;
		}
	}
	free(text);
	return out;
}

static void add_attestor(struct bed *bed, const char *name)
{
	char *key_path = text_of("%s/%s.asc", bed->keys, name);
	char *key = indented(key_path);
	char *file = text_of("%s/attestor-%s.yaml", bed->policies, name);
	char *text = text_of("apiVersion: sealgate.dev/v1alpha1\nkind: Attestor\nmetadata: {name: %s}\nspec:\n  note: "
			     "projects/p/notes/%s\n"
			     "  publicKeys:\n  - name: %s\n    openpgp: |\n%s",
			     name, name, name, key);

	bed_write(file, text);
	free(text);
	free(file);
	free(key);
	free(key_path);
}

static const char policies[] =
	"apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: production}\nspec:\n"
	"  match: {namespaces: [\"prod-*\"]}\n  exempt: {images: [\"registry.k8s.io/pause@sha256:*\"]}\n"
	"  require:\n    attestations:\n    - attestors: [qa, security]\n"
	"---\napiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: any-of-two}\nspec:\n"
	"  match: {namespaces: [either]}\n  require:\n    attestations:\n    - attestors: [qa, security]\n      count: "
	"1\n"
	"---\napiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: warns}\nspec:\n"
	"  match: {namespaces: [warned, both]}\n  enforcement: Warn\n  require:\n    attestations:\n    - attestors: "
	"[qa]\n"
	"---\napiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: audits}\nspec:\n"
	"  match: {namespaces: [audited]}\n  enforcement: Audit\n  require:\n    attestations:\n    - attestors: [qa]\n"
	"---\napiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: denies}\nspec:\n"
	"  match: {namespaces: [both]}\n  require:\n    attestations:\n    - attestors: [security]\n"
	"---\napiVersion: sealgate.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: own, namespace: team}\nspec:\n"
	"  require: {digest: true}\n"
	"---\napiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: robots}\nspec:\n"
	"  match: {serviceAccounts: [\"ci:deployer\"], kinds: [\"Pod\"]}\n  require: {digest: true}\n";

static int setup(void **state)
{
	bed_setup(state);
	struct bed *bed = *state;
	char *file = text_of("%s/policies.yaml", bed->policies);

	bed_key(bed, "qa", "qa_bob@example.com");
	bed_key(bed, "security", "sec_eve@example.com");
	add_attestor(bed, "qa");
	add_attestor(bed, "security");
	bed_write(file, policies);
	free(file);
	bed_start(bed, "--policy-dir", bed->policies, NULL);
	assert_int_equal(bed_note(bed, "p", "qa"), 200);
	assert_int_equal(bed_note(bed, "p", "security"), 200);
	return 0;
}

static void attest(struct bed *bed, const char *email, const char *note, const char *image)
{
	char *signature = bed_clearsign(bed, email, strchr(image, '@') + 1);

	assert_int_equal(bed_attest(bed, "p", note, image, signature), 200);
	free(signature);
}

static json_t *review_in(struct bed *bed, const char *namespace_, const char *image, const char *account)
{
	char *pod =
		text_of("{\"spec\":{\"serviceAccountName\":\"%s\",\"containers\":[{\"name\":\"a\",\"image\":\"%s\"}]}}",
			account, image);
	char *review = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, namespace_, pod, NULL);
	json_t *response = bed_review(bed, review);

	free(pod);
	free(review);
	return response;
}

static void expect(struct bed *bed, const char *namespace_, const char *image, bool allowed, const char *decision,
		   const char *words)
{
	json_t *response = review_in(bed, namespace_, image, "default");
	const char *annotation =
		json_string_value(json_object_get(json_object_get(response, "auditAnnotations"), "decision"));

	if (response_allowed(response) != allowed || strcmp(annotation ? annotation : "", decision) != 0)
		fail_msg("%s %s: allowed %d, decision %s: %s", namespace_, image, response_allowed(response),
			 annotation, response_message(response));
	if (words && !strstr(response_message(response), words))
		fail_msg("%s %s: no \"%s\" in: %s", namespace_, image, words, response_message(response));
	json_decref(response);
}

static void all_attestors_are_needed_unless_count_says_less(void **state)
{
	struct bed *bed = *state;

	expect(bed, "prod-eu", IMAGE_A, false, "deny", "policy production requires");
	expect(bed, "either", IMAGE_A, false, "deny", "policy any-of-two requires");
	attest(bed, "qa_bob@example.com", "qa", IMAGE_A);
	expect(bed, "prod-eu", IMAGE_A, false, "deny", "security");
	expect(bed, "either", IMAGE_A, true, "allow", NULL);
}

/* CVE-2026-49834, Connaisseur (3.4 #3): one signer twice is still one. */
static void CVE_2026_49834_a_threshold_counts_attestors_not_signatures(void **state)
{
	struct bed *bed = *state;

	attest(bed, "qa_bob@example.com", "qa", IMAGE_A);
	attest(bed, "qa_bob@example.com", "security", IMAGE_A);
	expect(bed, "prod-eu", IMAGE_A, false, "deny", "security");
	attest(bed, "sec_eve@example.com", "security", IMAGE_A);
	expect(bed, "prod-eu", IMAGE_A, true, "allow", NULL);
}

/* An attestation under another note is somebody else's authority. */
static void CVE_2022_35929_the_note_is_part_of_the_authority(void **state)
{
	struct bed *bed = *state;

	attest(bed, "sec_eve@example.com", "qa", IMAGE_B);
	attest(bed, "qa_bob@example.com", "security", IMAGE_B);
	expect(bed, "prod-eu", IMAGE_B, false, "deny", NULL);
	expect(bed, "either", IMAGE_B, false, "deny", NULL);
}

static void warn_tells_and_admits(void **state)
{
	json_t *response = review_in(*state, "warned", IMAGE_B, "default");
	json_t *warnings = json_object_get(response, "warnings");

	assert_true(response_allowed(response));
	assert_true(json_array_size(warnings) >= 1);
	assert_non_null(strstr(json_string_value(json_array_get(warnings, 0)), "No matched signatures"));
	json_decref(response);
	expect(*state, "warned", IMAGE_B, true, "warn", NULL);
	expect(*state, "audited", IMAGE_B, true, "audit", NULL);
	expect(*state, "warned", "not a reference", false, "deny", "Container image is not a valid reference");
}

/* policy-controller (3.4 #2): a warning beside a refusal must not soften it. */
static void a_warning_never_hides_a_refusal(void **state)
{
	expect(*state, "both", IMAGE_B, false, "deny", "policy denies");
}

static void an_exempt_image_needs_nothing_of_that_policy(void **state)
{
	expect(*state, "prod-eu", "registry.k8s.io/pause@" DIGEST_B, true, "exempt", NULL);
	expect(*state, "prod-eu", "registry.k8s.io.evil.com/pause@" DIGEST_B, false, "deny", NULL);
	expect(*state, "prod-eu", "evil.com/registry.k8s.io/pause@" DIGEST_B, false, "deny", NULL);
	expect(*state, "prod-eu", "registry.k8s.io/pause:3.9", false, "deny", NULL);
}

static void an_image_policy_rules_its_namespace_alone(void **state)
{
	expect(*state, "team", IMAGE_B, true, "allow", NULL);
	expect(*state, "team", "gcr.io/a/b:latest", false, "deny", "Container image has no digest");
	expect(*state, "team-two", IMAGE_B, false, "deny",
	       "No policy selects container image: " IMAGE_B " (spec.containers[0].image: the default action is deny)");
}

static void service_accounts_and_kinds_select(void **state)
{
	json_t *chosen = review_in(*state, "ci", IMAGE_B, "deployer");
	json_t *other = review_in(*state, "ci", IMAGE_B, "default");

	assert_true(response_allowed(chosen));
	assert_false(response_allowed(other));
	json_decref(chosen);
	json_decref(other);
}

/* One signature, verified once: it is enough where one attestor is, before and after it was refused elsewhere. */
static void a_verdict_in_one_namespace_does_not_serve_another(void **state)
{
	struct bed *bed = *state;
	const char *image =
		"gcr.io/hightowerlabs/shared@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

	attest(bed, "qa_bob@example.com", "qa", image);
	for (int i = 0; i < 3; i++) {
		expect(bed, "either", image, true, "allow", NULL);
		expect(bed, "prod-eu", image, false, "deny", "security");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_attestors_are_needed_unless_count_says_less),
		cmocka_unit_test(CVE_2026_49834_a_threshold_counts_attestors_not_signatures),
		cmocka_unit_test(CVE_2022_35929_the_note_is_part_of_the_authority),
		cmocka_unit_test(warn_tells_and_admits),
		cmocka_unit_test(a_warning_never_hides_a_refusal),
		cmocka_unit_test(an_exempt_image_needs_nothing_of_that_policy),
		cmocka_unit_test(an_image_policy_rules_its_namespace_alone),
		cmocka_unit_test(service_accounts_and_kinds_select),
		cmocka_unit_test(a_verdict_in_one_namespace_does_not_serve_another),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
