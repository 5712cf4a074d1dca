/* The command line against the built server: what each verb does and its exit status (0 yes, 1 no, 2 could not tell).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/bed.h"

#define NOTE "projects/image-signing/notes/qa"

static int setup(void **state)
{
	bed_setup(state);
	struct bed *bed = *state;

	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	return 0;
}

/* Runs sealgate with up to 24 arguments, checks the status, and gives standard output and error together (to be freed).
 */
static char *cli(struct bed *bed, int wanted, ...) __attribute__((sentinel));
static char *cli(struct bed *bed, int wanted, ...)
{
	const char *argv[28] = {bed_program("sealgate")};
	size_t count = 1;
	char *out = NULL, *err = NULL, *both;
	va_list list;
	int status;

	va_start(list, wanted);
	while (count < 27 && (argv[count] = va_arg(list, const char *)))
		count++;
	va_end(list);
	status = bed_run(bed, argv, NULL, &out, &err);
	both = text_of("%s%s", out, err);
	free(out);
	free(err);
	if (status != wanted)
		fail_msg("sealgate %s %s: exit status %d, not %d\n%s", argv[1], argv[2] ? argv[2] : "", status, wanted,
			 both);
	return both;
}

#define CLI(wanted, ...) free(cli(*state, wanted, __VA_ARGS__, NULL))

static void help_is_complete_and_mistakes_are_2(void **state)
{
	static const char *const verbs[] = {"certs init",  "certs renew", "certs show", "webhook-config",
					    "note create", "sign",	  "verify",	"check",
					    "scan",	   "key show",	  "token new"};
	char *help = cli(*state, 0, "--help", NULL);

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strstr(help, verbs[i]))
			fail_msg("no %s in:\n%s", verbs[i], help);
	free(help);
	CLI(0, "--version");
	CLI(0, "sign", "--help");
	CLI(2, "no-such-verb");
	CLI(2, "sign");
	CLI(2, "sign", IMAGE_A, "--no-such-flag");
	CLI(2, "sign", "gcr.io/hightowerlabs/payment:latest", "--key", "qa_bob@example.com");
	CLI(2, "sign", IMAGE_A, "--key", "nobody@example.com");
	CLI(2, "key", "show", "/nonexistent");
	CLI(2, "token", "new", "--role", "emperor", "--name", "x");
	CLI(2, "verify", IMAGE_A, "--server", ((struct bed *)*state)->api);
	CLI(2, "check", "-f", "/nonexistent", "--pubkeys", ((struct bed *)*state)->keys, "--server",
	    ((struct bed *)*state)->api);
}

static void certs_are_made_once_shown_and_renewed(void **state)
{
	struct bed *bed = *state;
	static const char *const files[] = {"ca.pem",	      "ca-key.pem", "server.pem",
					    "server-key.pem", "client.pem", "client-key.pem"};
	char *dir = text_of("%s/cli-certs", bed->dir);
	char *shown;

	CLI(0, "certs", "init", "--dir", dir, "--san", "webhook.example.com", "--san", "192.0.2.7");
	for (size_t i = 0; i < 6; i++) {
		char *path = text_of("%s/%s", dir, files[i]);
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		if (strstr(files[i], "key"))
			assert_int_equal(st.st_mode & 0777, 0600);
		free(path);
	}
	CLI(1, "certs", "init", "--dir", dir);
	shown = cli(bed, 0, "certs", "show", "--dir", dir, NULL);
	assert_non_null(strstr(shown, "webhook.example.com"));
	assert_non_null(strstr(shown, "192.0.2.7"));
	free(shown);
	CLI(0, "certs", "renew", "--dir", dir);
	shown = cli(bed, 0, "certs", "show", "--dir", dir, NULL);
	assert_non_null(strstr(shown, "webhook.example.com"));
	free(shown);
	free(dir);
}

static void webhook_config_is_ready_to_apply(void **state)
{
	struct bed *bed = *state;
	char *text = cli(bed, 0, "webhook-config", "--ca", bed->ca, "--url",
			 "https://sealgate.example.com:8443/validate", "--output", "json", NULL);
	json_t *config = json_loads(text, 0, NULL);
	json_t *hook;

	assert_non_null(config);
	assert_string_equal(json_string_value(json_object_get(config, "kind")), "ValidatingWebhookConfiguration");
	assert_string_equal(json_string_value(json_object_get(config, "apiVersion")),
			    "admissionregistration.k8s.io/v1");
	hook = json_array_get(json_object_get(config, "webhooks"), 0);
	assert_string_equal(json_string_value(json_object_get(hook, "failurePolicy")), "Fail");
	assert_string_equal(json_string_value(json_object_get(hook, "sideEffects")), "None");
	assert_string_equal(json_string_value(json_object_get(hook, "matchPolicy")), "Equivalent");
	assert_non_null(json_object_get(json_object_get(hook, "clientConfig"), "caBundle"));
	json_decref(config);
	free(text);
	text = cli(bed, 0, "webhook-config", "--ca", bed->ca, "--service", "sealgate/sealgate", NULL);
	assert_non_null(strstr(text, "kind: ValidatingWebhookConfiguration"));
	assert_non_null(strstr(text, "namespace: sealgate"));
	free(text);
	CLI(2, "webhook-config", "--ca", bed->ca);
	CLI(2, "webhook-config", "--ca", "/nonexistent", "--url", "https://x.example.com/validate");
	CLI(2, "webhook-config", "--ca", bed->ca, "--url", "http://x.example.com/validate");
}

static void signing_and_verifying_by_file(void **state)
{
	struct bed *bed = *state;
	char *signature = text_of("%s/signature.asc", bed->dir);
	char *simple = text_of("%s/simple.asc", bed->dir);
	char *text;

	CLI(0, "sign", IMAGE_A, "--key", "qa_bob@example.com", "--output", signature);
	CLI(0, "verify", IMAGE_A, "--pubkeys", bed->keys, "--signature", signature);
	text = cli(bed, 1, "verify", IMAGE_B, "--pubkeys", bed->keys, "--signature", signature, NULL);
	assert_non_null(strstr(text, "another digest"));
	free(text);
	CLI(0, "sign", IMAGE_A, "--key", "qa_bob@example.com", "--format", "simple-signing", "--output", simple);
	CLI(0, "verify", IMAGE_A, "--pubkeys", bed->keys, "--signature", simple);
	text = cli(bed, 1, "verify", "registry.example.com/other@" DIGEST_A, "--pubkeys", bed->keys, "--signature",
		   simple, NULL);
	assert_non_null(strstr(text, "another repository"));
	free(text);
	text = cli(bed, 2, "sign", IMAGE_A, "--key", "qa_bob@example.com", "--format", "dsse", NULL);
	assert_non_null(strstr(text, "not supported by this version"));
	free(text);
	bed_write(signature, "hello");
	assert_true(strlen(signature) > 0);
	free(cli(bed, 1, "verify", IMAGE_A, "--pubkeys", bed->keys, "--signature", signature, NULL));
	free(signature);
	free(simple);
}

/* A detached signature carries no payload: only this verb takes one. */
static void detached_signatures_are_verified_by_file_alone(void **state)
{
	struct bed *bed = *state;
	char *file = text_of("%s/digest", bed->dir);
	char *detached = text_of("%s/digest.asc", bed->dir);
	const char *gpg[] = {
		"gpg",	  "--batch",	   "--yes", "--armor", "--local-user", "qa_bob@example.com", "--output",
		detached, "--detach-sign", file,    NULL};

	bed_write(file, DIGEST_A);
	assert_int_equal(bed_run(bed, gpg, NULL, NULL, NULL), 0);
	CLI(0, "verify", IMAGE_A, "--pubkeys", bed->keys, "--signature", detached);
	CLI(1, "verify", IMAGE_B, "--pubkeys", bed->keys, "--signature", detached);
	free(file);
	free(detached);
}

static void a_key_file_with_a_passphrase_signs(void **state)
{
	struct bed *bed = *state;
	char *home = text_of("%s/other-gnupg", bed->dir);
	char *key = text_of("%s/release.key", bed->dir);
	char *pass = text_of("%s/passphrase", bed->dir);
	char *wrong = text_of("%s/wrong", bed->dir);
	char *signature = text_of("%s/release.sig", bed->dir);
	char *public = text_of("%s/public", bed->dir);
	char *public_file = text_of("%s/public/release.asc", bed->dir);
	const char *make[] = {"gpg",
			      "--homedir",
			      home,
			      "--batch",
			      "--quiet",
			      "--pinentry-mode",
			      "loopback",
			      "--passphrase",
			      "open sesame",
			      "--quick-generate-key",
			      "release@example.com",
			      "ed25519",
			      "sign",
			      "never",
			      NULL};
	const char *secret[] = {"gpg",
				"--homedir",
				home,
				"--batch",
				"--armor",
				"--pinentry-mode",
				"loopback",
				"--passphrase",
				"open sesame",
				"--output",
				key,
				"--export-secret-keys",
				"release@example.com",
				NULL};
	const char *export[] = {"gpg",	    "--homedir",	   home, "--batch", "--armor", "--output", public_file,
				"--export", "release@example.com", NULL};

	mkdir(home, 0700);
	mkdir(public, 0700);
	assert_int_equal(bed_run(bed, make, NULL, NULL, NULL), 0);
	assert_int_equal(bed_run(bed, secret, NULL, NULL, NULL), 0);
	assert_int_equal(bed_run(bed, export, NULL, NULL, NULL), 0);
	bed_write(pass, "open sesame\n");
	bed_write(wrong, "open barley\n");
	CLI(2, "sign", IMAGE_A, "--key", key, "--passphrase-file", wrong, "--output", signature);
	CLI(0, "sign", IMAGE_A, "--key", key, "--passphrase-file", pass, "--output", signature);
	CLI(0, "verify", IMAGE_A, "--pubkeys", public, "--signature", signature);
	CLI(1, "verify", IMAGE_A, "--pubkeys", bed->keys, "--signature", signature);
	free(home);
	free(key);
	free(pass);
	free(wrong);
	free(signature);
	free(public);
	free(public_file);
}

static void uploading_and_verifying_by_server(void **state)
{
	struct bed *bed = *state;
	char *text;

	CLI(0, "note", "create", NOTE, "--server", bed->api);
	CLI(2, "note", "create", NOTE, "--server", bed->api);
	CLI(2, "note", "create", "qa", "--server", bed->api);
	CLI(2, "note", "create", "projects/p/notes/n", "--server", "http://127.0.0.1:1");
	CLI(1, "verify", IMAGE_A, "--pubkeys", bed->keys, "--server", bed->api);
	text = cli(bed, 0, "sign", IMAGE_A, "--key", "qa_bob@example.com", "--note", NOTE, "--server", bed->api, NULL);
	assert_non_null(strstr(text, "projects/image-signing/occurrences/"));
	free(text);
	CLI(0, "verify", IMAGE_A, "--pubkeys", bed->keys, "--server", bed->api);
	CLI(1, "verify", IMAGE_B, "--pubkeys", bed->keys, "--server", bed->api);
	CLI(2, "verify", IMAGE_A, "--pubkeys", bed->keys, "--server", "http://127.0.0.1:1");
}

static void check_reads_what_kubectl_reads(void **state)
{
	struct bed *bed = *state;
	char *good = text_of("%s/good.yaml", bed->dir);
	char *mixed = text_of("%s/mixed.yaml", bed->dir);
	char *list = text_of("%s/list.json", bed->dir);
	char *bad = text_of("%s/bad.yaml", bed->dir);
	char *store = text_of("sqlite:%s/sealgate.db", bed->data);
	char *text;

	bed_write(good, "apiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec:\n  containers:\n  - {name: a, image: "
			"\"" IMAGE_A "\"}\n");
	bed_write(mixed, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\napiVersion: batch/v1\nkind: "
			 "CronJob\nmetadata: {name: two}\n"
			 "spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: \"" IMAGE_B
			 "\"}]}}}}}\n");
	bed_write(list, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
			"\"metadata\":{\"name\":\"three\"},"
			"\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"busybox\"}]}}]}");
	bed_write(bad, "kind: [unclosed\n");
	CLI(0, "check", "-f", good, "--pubkeys", bed->keys, "--server", bed->api);
	CLI(0, "check", "-f", good, "--pubkeys", bed->keys, "--store", store);
	text = cli(bed, 1, "check", "-f", good, "-f", mixed, "--pubkeys", bed->keys, "--server", bed->api, NULL);
	assert_non_null(strstr(text, "spec.jobTemplate.spec.template.spec.containers[0].image"));
	free(text);
	text = cli(bed, 1, "check", "-f", list, "--pubkeys", bed->keys, "--server", bed->api, NULL);
	assert_non_null(strstr(text, "digest"));
	free(text);
	CLI(2, "check", "-f", bad, "--pubkeys", bed->keys, "--server", bed->api);
	CLI(2, "check", "-f", good, "--pubkeys", bed->keys, "--server", "http://127.0.0.1:1");
	CLI(2, "check", "-f", good, "--pubkeys", bed->keys);
	free(good);
	free(mixed);
	free(list);
	free(bad);
	free(store);
}

static void a_key_is_shown_with_its_fingerprint(void **state)
{
	struct bed *bed = *state;
	char *file = text_of("%s/qa.asc", bed->keys);
	char *text = cli(bed, 0, "key", "show", file, "--output", "json", NULL);
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	assert_non_null(strstr(text, "qa_bob@example.com"));
	json_decref(json);
	free(text);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_is_complete_and_mistakes_are_2),
		cmocka_unit_test(certs_are_made_once_shown_and_renewed),
		cmocka_unit_test(webhook_config_is_ready_to_apply),
		cmocka_unit_test(signing_and_verifying_by_file),
		cmocka_unit_test(detached_signatures_are_verified_by_file_alone),
		cmocka_unit_test(a_key_file_with_a_passphrase_signs),
		cmocka_unit_test(uploading_and_verifying_by_server),
		cmocka_unit_test(check_reads_what_kubectl_reads),
		cmocka_unit_test(a_key_is_shown_with_its_fingerprint),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
