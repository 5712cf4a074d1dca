/* The Grafeas API and who may use it, against the built server: plain on loopback, TLS with tokens and client
 * certificates. */
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/bed.h"

#define P "/v1alpha1/projects/image-signing"

static int setup(void **state)
{
	bed_setup(state);
	struct bed *bed = *state;

	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	return 0;
}

static struct reply call(struct bed *bed, const char *method, const char *path, const char *body)
{
	return bed_request(bed, method, bed->api, path, body, body ? strlen(body) : 0, NULL);
}

static long status_of(struct bed *bed, const char *method, const char *path, const char *body)
{
	struct reply reply = call(bed, method, path, body);
	long status = reply.status;

	reply_release(&reply);
	return status;
}

static const char note[] =
	"{\"name\":\"projects/image-signing/notes/qa\",\"kind\":\"ATTESTATION_AUTHORITY\",\"attestationAuthority\":"
	"{\"hint\":{\"humanReadableName\":\"qa\"}}}";

static void the_api_says_at_start_that_it_is_open(void **state)
{
	struct bed *bed = *state;
	char *log = bed_read(bed->log);

	assert_non_null(strstr(log, "\"level\":\"warn\""));
	assert_non_null(strstr(log, "open"));
	free(log);
}

static void a_note_is_created_once(void **state)
{
	struct reply reply = call(*state, "POST", P "/notes?noteId=qa", note);
	json_t *answer = reply_json(&reply);

	assert_int_equal(reply.status, 200);
	assert_string_equal(json_string_value(json_object_get(answer, "name")), "projects/image-signing/notes/qa");
	assert_string_equal(json_string_value(json_object_get(answer, "kind")), "ATTESTATION_AUTHORITY");
	json_decref(answer);
	reply_release(&reply);
	assert_int_equal(status_of(*state, "POST", P "/notes?noteId=qa", note), 400);
	assert_int_equal(status_of(*state, "GET", P "/notes/qa", NULL), 200);
	assert_int_equal(status_of(*state, "GET", P "/notes/absent", NULL), 404);
}

static void the_tutorial_double_slash_works(void **state)
{
	assert_int_equal(status_of(*state, "GET", "//v1alpha1/projects/image-signing/occurrences", NULL), 200);
}

static json_t *upload(struct bed *bed, const char *body)
{
	struct reply reply = call(bed, "POST", P "/occurrences", body);
	json_t *answer;

	if (reply.status != 200)
		fail_msg("HTTP %ld %s", reply.status, reply.body);
	answer = reply_json(&reply);
	reply_release(&reply);
	return answer;
}

static const char *signature_of(const json_t *occurrence, const char *details)
{
	return json_string_value(json_object_get(
		json_object_get(json_object_get(occurrence, details), "pgpSignedAttestation"), "signature"));
}

static void a_signature_comes_back_byte_for_byte(void **state)
{
	struct bed *bed = *state;
	char *armour = bed_clearsign(bed, "qa_bob@example.com", DIGEST_A "\n");
	json_t *body = json_pack("{s:s,s:s,s:{s:{s:s,s:s,s:s}}}", "resourceUrl", "https://" IMAGE_A, "noteName",
				 "projects/image-signing/notes/qa", "attestation", "pgpSignedAttestation", "signature",
				 armour, "contentType", "application/vnd.gcr.image.url.v1", "pgpKeyId", "0CD9D96F");
	char *text = json_dumps(body, 0);
	json_t *stored = upload(bed, text);
	const char *name = json_string_value(json_object_get(stored, "name"));
	char *path = text_of("/v1alpha1/%s", name);
	struct reply reply = call(bed, "GET", path, NULL);
	json_t *read = reply_json(&reply);

	assert_memory_equal(name, "projects/image-signing/occurrences/", 35);
	assert_string_equal(signature_of(read, "attestation"), armour);
	assert_string_equal(signature_of(read, "attestationDetails"), armour);
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(read, "attestation"), "pgpSignedAttestation"), "contentType")),
		"application/vnd.gcr.image.url.v1");
	json_decref(read);
	reply_release(&reply);
	free(path);
	json_decref(stored);
	free(text);
	json_decref(body);
	free(armour);
}

/* The blog's heredoc: the armour stands in the JSON string with its line breaks. */
static void the_heredoc_is_accepted_on_its_route_alone(void **state)
{
	struct bed *bed = *state;
	char *armour = bed_clearsign(bed, "qa_bob@example.com", DIGEST_A);
	char *body = text_of(
		"{\n  \"resourceUrl\": \"https://" IMAGE_A "\",\n  \"noteName\": \"projects/image-signing/notes/qa\",\n"
		"  \"attestation\": {\"pgpSignedAttestation\": {\"signature\": \"%s\",\n"
		"  \"contentType\": \"application/vnd.gcr.image.url.v1\", \"pgpKeyId\": \"0CD9D96F\"}}\n}\n",
		armour);
	json_t *stored = upload(bed, body);

	assert_string_equal(signature_of(stored, "attestation"), armour);
	json_decref(stored);
	free(body);
	free(armour);
	assert_int_equal(status_of(bed, "POST", P "/notes?noteId=raw",
				   "{\"name\":\"projects/image-signing/notes/raw\",\"shortDescription\":\"a\nb\"}"),
			 400);
}

static void bad_requests_have_their_status(void **state)
{
	static const struct {
		const char *method, *path, *body;
		long status;
	} rows[] = {
		{"GET", "/v1alpha1/nothing", NULL, 404},
		{"GET", "/v2/projects", NULL, 404},
		{"GET", "/", NULL, 404},
		{"PATCH", P "/notes", "{}", 501},
		{"HEAD", P "/notes", NULL, 501},
		{"BREW", P "/notes", NULL, 501},
		{"POST", P "/notes?noteId=", note, 400},
		{"POST", P "/notes?noteId=a%2Fb", note, 400},
		{"POST", P "/notes?noteId=x", note, 400},
		{"POST", P "/notes?noteId=bad", "{", 400},
		{"POST", P "/notes?noteId=bad", "[]", 400},
		{"POST", P "/notes?noteId=bad", "{\"unknownField\":1}", 400},
		{"POST", P "/notes?noteId=bad", "{\"kind\":\"NO_SUCH_KIND\"}", 400},
		{"POST", P "/notes?noteId=bad", "{\"kind\":\"DISCOVERY\",\"kind\":\"DISCOVERY\"}", 400},
		{"POST", P "/occurrences", "", 400},
		{"POST", P "/occurrences", "{}", 400},
		{"POST", P "/occurrences",
		 "{\"resourceUrl\":\"https://" IMAGE_A "\",\"noteName\":\"projects/image-signing/notes/"
		 "absent\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"-----BEGIN PGP "
		 "MESSAGE-----\\n\\nYQ==\\n-----END PGP MESSAGE-----\\n\"}}}",
		 400},
		{"POST", P "/occurrences",
		 "{\"resourceUrl\":\"https://gcr.io/a/b:latest\",\"noteName\":\"projects/image-signing/notes/"
		 "qa\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"-----BEGIN PGP "
		 "MESSAGE-----\\n\\nYQ==\\n-----END PGP MESSAGE-----\\n\"}}}",
		 400},
		{"POST", P "/occurrences",
		 "{\"resourceUrl\":\"https://" IMAGE_A "\",\"noteName\":\"projects/image-signing/notes/"
		 "qa\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"\"}}}",
		 400},
		{"POST", P "/occurrences",
		 "{\"resourceUrl\":\"https://" IMAGE_A "\",\"noteName\":\"projects/image-signing/notes/"
		 "qa\",\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"hello world\"}}}",
		 400},
		{"GET", P "/notes?pageSize=1001", NULL, 400},
		{"GET", P "/notes?pageSize=-1", NULL, 400},
		{"GET", P "/notes?pageSize=x", NULL, 400},
		{"GET", P "/notes?pageToken=garbage", NULL, 400},
		{"GET", P "/occurrences?pageToken=garbage", NULL, 400},
		{"DELETE", P "/notes/absent", NULL, 404},
		{"DELETE", P "/occurrences/absent", NULL, 404},
		{"GET", P "/occurrences/absent/notes", NULL, 404},
		{"PUT", P "/notes/absent", note, 400},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reply reply = call(*state, rows[i].method, rows[i].path, rows[i].body);

		if (reply.status != rows[i].status)
			fail_msg("%s %s %s: HTTP %ld, not %ld: %s", rows[i].method, rows[i].path,
				 rows[i].body ? rows[i].body : "", reply.status, rows[i].status, reply.body);
		if (strcmp(rows[i].method, "HEAD") != 0) {
			json_t *answer = reply_json(&reply);

			assert_true(json_is_integer(json_object_get(answer, "code")));
			assert_true(json_is_string(json_object_get(answer, "message")));
			json_decref(answer);
		}
		reply_release(&reply);
	}
}

static void a_body_over_four_mebibytes_is_413(void **state)
{
	size_t size = 4u * 1024 * 1024;
	char *big = malloc(size + 2);
	struct bed *bed = *state;
	struct reply reply;

	assert_non_null(big);
	memset(big, ' ', size + 1);
	big[size + 1] = 0;
	reply = bed_request(bed, "POST", bed->api, P "/occurrences", big, size + 1, NULL);
	assert_int_equal(reply.status, 413);
	reply_release(&reply);
	free(big);
}

static void lists_page_by_key_to_the_end(void **state)
{
	struct bed *bed = *state;
	char *token = text_of("%s", "");
	size_t seen = 0, pages = 0;

	for (int i = 0; i < 25; i++) {
		char *id = text_of("page-%02d", i);

		assert_int_equal(bed_note(bed, "paging", id), 200);
		free(id);
	}
	do {
		char *path = text_of("/v1alpha1/projects/paging/notes?pageSize=10&pageToken=%s", token);
		struct reply reply = call(bed, "GET", path, NULL);
		json_t *answer = reply_json(&reply);
		const char *next = json_string_value(json_object_get(answer, "nextPageToken"));

		assert_int_equal(reply.status, 200);
		seen += json_array_size(json_object_get(answer, "notes"));
		free(token);
		token = text_of("%s", next ? next : "");
		pages++;
		json_decref(answer);
		reply_release(&reply);
		free(path);
	} while (token[0] && pages < 10);
	assert_int_equal(seen, 25);
	assert_int_equal(pages, 3);
	free(token);
}

/* Another address than plain loopback needs TLS and a credential. */
static void every_other_listener_needs_a_credential(void **state)
{
	(void)state;
	void *other = NULL;
	char *out = NULL, *line, *tokens, *bearer, *token = NULL;
	struct bed *bed;

	bed_setup(&other);
	bed = other;
	bed_key(bed, "qa", "qa_bob@example.com");
	assert_int_equal(bed_start_fails(bed, "--pubkeys", bed->keys, "--api-listen", "0.0.0.0:0", NULL), 2);

	const char *argv[] = {bed_program("sealgate"), "token", "new", "--role", "attest", "--name", "ci", NULL};

	assert_int_equal(bed_run(bed, argv, NULL, &out, NULL), 0);
	line = strstr(out, "attest ci sha256:");
	assert_non_null(line);
	line = text_of("%.*s\n", (int)strcspn(line, "\n"), line);
	/* The token is the one word of 43 characters. */
	for (char *save = NULL, *word = strtok_r(out, " \n\t", &save); word; word = strtok_r(NULL, " \n\t", &save))
		if (strlen(word) == 43)
			token = word;
	assert_non_null(token);
	tokens = text_of("%s/tokens", bed->dir);
	bed_write(tokens, line);
	bed_start(bed, "--pubkeys", bed->keys, "--api-listen", "0.0.0.0:0", "--token-file", tokens, NULL);
	char *port = text_of("%s", strrchr(bed->api, ':') + 1);

	snprintf(bed->api, sizeof(bed->api), "https://127.0.0.1:%s", port);
	free(port);

	bearer = text_of("Authorization: Bearer %s", token);
	const char *good[] = {bearer, NULL};
	const char *bad[] = {"Authorization: Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL};
	struct reply reply = bed_request(bed, "GET", bed->api, P "/notes", NULL, 0, NULL);

	assert_int_equal(reply.status, 401);
	reply_release(&reply);
	reply = bed_request(bed, "GET", bed->api, P "/notes", NULL, 0, bad);
	assert_int_equal(reply.status, 401);
	reply_release(&reply);
	reply = bed_request(bed, "GET", bed->api, P "/notes", NULL, 0, good);
	assert_int_equal(reply.status, 200);
	reply_release(&reply);
	reply = bed_request(bed, "POST", bed->api, P "/notes?noteId=qa", note, strlen(note), good);
	assert_int_equal(reply.status, 403);
	reply_release(&reply);
	free(bearer);
	free(tokens);
	free(line);
	free(out);
	assert_int_equal(bed_teardown(&other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_api_says_at_start_that_it_is_open),
		cmocka_unit_test(a_note_is_created_once),
		cmocka_unit_test(the_tutorial_double_slash_works),
		cmocka_unit_test(a_signature_comes_back_byte_for_byte),
		cmocka_unit_test(the_heredoc_is_accepted_on_its_route_alone),
		cmocka_unit_test(bad_requests_have_their_status),
		cmocka_unit_test(a_body_over_four_mebibytes_is_413),
		cmocka_unit_test(lists_page_by_key_to_the_end),
		cmocka_unit_test(every_other_listener_needs_a_credential),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
