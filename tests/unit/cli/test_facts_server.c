#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "cli/facts_server.h"
#include "tests/unit/cli/canned.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SIGNER "0123456789ABCDEF0123456789ABCDEF01234567"
#define OCCURRENCE(id, digest, signature, time)                                             \
	"{\"name\":\"projects/p/occurrences/" id "\",\"noteName\":\"projects/p/notes/qa\"," \
	"\"resourceUrl\":\"https://r.example/i@" digest "\",\"createTime\":\"" time "\","   \
	"\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"" signature "\"}}}"
#define ANSWERS(array) (array), sizeof(array) / sizeof((array)[0])
#define QA_LIST "GET /v1alpha1/projects/p/notes/qa/occurrences?pageSize=100"

/* A judge that knows its verdicts already: no worker runs here. */
struct bed {
	struct trust trust;
	struct judge judge;
	struct canned *server;
	struct http_client *client;
	struct option_list projects;
	struct facts_server *source;
	struct arena arena;
};

static void know(struct bed *bed, const char *signature, const char *digest)
{
	struct signature_facts facts = {.verdict = VERDICT_ACCEPTED, .reason = REASON_GOOD, .signer = SIGNER};
	struct sha256 key;

	(void)snprintf(facts.digest, sizeof(facts.digest), "%s", digest);
	assert_true(verdict_cache_key(str_of(signature), (struct str){0}, &key));
	verdict_cache_put(bed->judge.verdicts, &key, bed->trust.keys, &facts);
}

static int setup(void **state)
{
	static const struct key_set_entry entry = {STR("the key"), STR(SIGNER)};
	struct bed *bed = calloc(1, sizeof(*bed));

	*state = bed;
	bed->trust.keys = key_set_new(&entry, 1);
	bed->judge.trust = &bed->trust;
	bed->judge.verdicts = verdict_cache_new(10000);
	bed->arena = arena_init(1u << 20);
	know(bed, "for-a", DIGEST_A);
	know(bed, "for-b", DIGEST_B);
	return 0;
}

static void serve(struct bed *bed, const struct canned_answer *answers, size_t count)
{
	struct server_options options = {0};
	struct err e = ERR_INIT;

	bed->server = canned_start(answers, count);
	options.url = bed->server->url;
	bed->client = http_client_new(&options, &e);
	assert_non_null(bed->client);
	bed->source = facts_server_new(&bed->judge, bed->client, &bed->projects, &e);
	assert_non_null(bed->source);
}

/* Before the answers go. */
static void stop(struct bed *bed)
{
	facts_server_free(bed->source);
	http_client_free(bed->client);
	if (bed->server)
		canned_stop(bed->server);
	bed->source = NULL;
	bed->client = NULL;
	bed->server = NULL;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	stop(bed);
	verdict_cache_free(bed->judge.verdicts);
	key_set_unref(bed->trust.keys);
	arena_release(&bed->arena);
	free(bed);
	return 0;
}

static bool ask(struct bed *bed, const char *digest, const char *note, struct facts_answer *out, struct err *e)
{
	struct facts facts = facts_server_interface(bed->source);
	struct str name = str_of(note);
	struct facts_query query = {.digest = str_of(digest), .notes = &name, .note_count = note != NULL};

	return facts.attestations(facts.context, &query, &bed->arena, out, e);
}

static struct facts_answer asked(struct bed *bed, const char *digest, const char *note)
{
	struct facts_answer out = {0};
	struct err e = ERR_INIT;

	if (!ask(bed, digest, note, &out, &e))
		fail_msg("%s", e.text);
	return out;
}

static void all_pages_newest_first_and_only_this_digest(void **state)
{
	static const struct canned_answer answers[] = {
		{QA_LIST, 200,
		 "{\"occurrences\":[" OCCURRENCE("1", DIGEST_A, "for-a", "2026-01-01T00:00:00Z") "," OCCURRENCE(
			 "2", DIGEST_B, "for-b", "2026-01-02T00:00:00Z") "],\"nextPageToken\":\"n\"}",
		 0},
		{QA_LIST "&pageToken=n", 200,
		 "{\"occurrences\":[" OCCURRENCE("3", DIGEST_A, "for-a", "2026-01-03T00:00:00Z") "]}", 0},
	};
	struct bed *bed = *state;
	struct facts_answer answer;

	serve(bed, ANSWERS(answers));
	answer = asked(bed, DIGEST_A, "projects/p/notes/qa");
	assert_int_equal(answer.count, 2);
	assert_true(str_eq_c(answer.items[0].name, "projects/p/occurrences/3"));
	assert_true(str_eq_c(answer.items[1].name, "projects/p/occurrences/1"));
	assert_int_equal(answer.items[0].verdict, VERDICT_ACCEPTED);
	assert_true(str_eq_c(answer.items[0].note, "projects/p/notes/qa"));
	assert_true(str_eq_c(answer.items[0].signer, SIGNER));
}

/* Where an occurrence is filed is the server's word; what its signature says is not. */
static void an_attestation_filed_under_another_digest_is_rejected(void **state)
{
	static const struct canned_answer answers[] = {
		{QA_LIST, 200, "{\"occurrences\":[" OCCURRENCE("1", DIGEST_A, "for-b", "2026-01-01T00:00:00Z") "]}",
		 0}};
	struct bed *bed = *state;
	struct facts_answer answer;

	serve(bed, ANSWERS(answers));
	answer = asked(bed, DIGEST_A, "projects/p/notes/qa");
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.items[0].verdict, VERDICT_REJECTED);
	assert_int_equal(answer.items[0].reason, REASON_OTHER_DIGEST);
}

/* An occurrence of another note in the list of this one stands for this one only if its own note says so. */
static void the_note_is_the_one_the_occurrence_names(void **state)
{
	static const struct canned_answer answers[] = {
		{"GET /v1alpha1/projects/p/notes/release/occurrences?pageSize=100", 200,
		 "{\"occurrences\":[" OCCURRENCE("1", DIGEST_A, "for-a", "2026-01-01T00:00:00Z") "]}", 0}};
	struct bed *bed = *state;

	serve(bed, ANSWERS(answers));
	assert_int_equal(asked(bed, DIGEST_A, "projects/p/notes/release").count, 0);
}

static void a_list_is_read_once_for_all_images(void **state)
{
	static const struct canned_answer answers[] = {
		{QA_LIST, 200, "{\"occurrences\":[" OCCURRENCE("1", DIGEST_A, "for-a", "2026-01-01T00:00:00Z") "]}",
		 0}};
	struct bed *bed = *state;

	serve(bed, ANSWERS(answers));
	assert_int_equal(asked(bed, DIGEST_A, "projects/p/notes/qa").count, 1);
	assert_int_equal(asked(bed, DIGEST_B, "projects/p/notes/qa").count, 0);
	assert_int_equal(asked(bed, DIGEST_A, "projects/p/notes/qa").count, 1);
	assert_int_equal(bed->server->requests, 1);
}

static void a_note_that_does_not_exist_has_no_attestations(void **state)
{
	struct bed *bed = *state;

	serve(bed, NULL, 0);
	assert_int_equal(asked(bed, DIGEST_A, "projects/p/notes/qa").count, 0);
}

static void a_server_that_fails_is_no_empty_list(void **state)
{
	static const int statuses[] = {0, 301, 401, 403, 500, 503};
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct canned_answer answer = {QA_LIST, statuses[i], "no", 0};
		struct facts_answer out;
		struct err e = ERR_INIT;

		serve(bed, &answer, 1);
		if (ask(bed, DIGEST_A, "projects/p/notes/qa", &out, &e))
			fail_msg("%d was taken for an empty list", statuses[i]);
		stop(bed);
	}
}

static void what_is_no_attestation_is_passed_over(void **state)
{
	static const struct canned_answer answers[] = {
		{QA_LIST, 200,
		 "{\"occurrences\":[7,null,{},{\"resourceUrl\":\"https://r/i@" DIGEST_A "\"},"
		 "{\"noteName\":\"projects/p/notes/qa\",\"resourceUrl\":\"https://r/i:tag\","
		 "\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"for-a\"}}},"
		 "{\"noteName\":\"projects/p/notes/qa\",\"resourceUrl\":\"https://r/i@" DIGEST_A
		 "\",\"attestation\":[]},"
		 "{\"name\":\"projects/p/occurrences/x\",\"noteName\":\"projects/p/notes/qa\","
		 "\"resourceUrl\":\"https://r/i@" DIGEST_A "\","
		 "\"attestationDetails\":{\"pgpSignedAttestation\":{\"signature\":\"for-a\"}}}]}",
		 0}};
	struct bed *bed = *state;

	serve(bed, ANSWERS(answers));
	assert_int_equal(asked(bed, DIGEST_A, "projects/p/notes/qa").count, 1);
}

static const struct canned_answer everything[] = {
	{"GET /v1alpha1/projects?pageSize=100", 200,
	 "{\"projects\":[{\"name\":\"projects/p\"},{\"name\":\"projects/q\"}]}", 0},
	{"GET /v1alpha1/projects/p/notes?pageSize=100", 200, "{\"notes\":[{\"name\":\"projects/p/notes/qa\"}]}", 0},
	{"GET /v1alpha1/projects/q/notes?pageSize=100", 200, "{\"notes\":[{\"name\":\"projects/q/notes/x\"}]}", 0},
	{QA_LIST, 200, "{\"occurrences\":[" OCCURRENCE("1", DIGEST_A, "for-a", "2026-01-01T00:00:00Z") "]}", 0},
	{"GET /v1alpha1/projects/q/notes/x/occurrences?pageSize=100", 200,
	 "{\"occurrences\":[{\"name\":\"projects/q/occurrences/1\",\"noteName\":\"projects/q/notes/x\","
	 "\"resourceUrl\":\"https://r/i@" DIGEST_A "\","
	 "\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"for-a\"}}}]}",
	 0},
};

static void any_note_means_every_note_of_every_project(void **state)
{
	struct bed *bed = *state;

	serve(bed, ANSWERS(everything));
	assert_int_equal(asked(bed, DIGEST_A, NULL).count, 2);
	assert_int_equal(asked(bed, DIGEST_B, NULL).count, 0);
	assert_int_equal(bed->server->requests, 5);
}

static void a_project_that_is_named_narrows_the_walk(void **state)
{
	const char *names[] = {"q"};
	struct bed *bed = *state;

	bed->projects = (struct option_list){.items = names, .count = 1};
	serve(bed, ANSWERS(everything));
	assert_int_equal(asked(bed, DIGEST_A, NULL).count, 1);
	assert_int_equal(bed->server->requests, 2);
}

static void a_named_project_without_notes_is_an_error(void **state)
{
	static const struct canned_answer answers[] = {
		{"GET /v1alpha1/projects/r/notes?pageSize=100", 200, "{\"notes\":[]}", 0}};
	const char *names[] = {"r"};
	struct bed *bed = *state;
	struct facts_answer out;
	struct err e = ERR_INIT;

	bed->projects = (struct option_list){.items = names, .count = 1};
	serve(bed, ANSWERS(answers));
	assert_false(ask(bed, DIGEST_A, NULL, &out, &e));
	assert_non_null(strstr(e.text, "--project r"));
}

static void a_walk_that_breaks_off_is_an_error(void **state)
{
	struct bed *bed = *state;
	struct facts_answer out;
	struct err e = ERR_INIT;

	serve(bed, everything, 3);
	bed->server->count = 2;
	assert_false(ask(bed, DIGEST_A, NULL, &out, &e));
}

/* Distinct texts that are no signatures: each needs a look, none gets a verdict from memory. */
static void add_junk(struct buf *out, size_t count)
{
	buf_add_c(out, "{\"occurrences\":[");
	for (size_t i = 0; i < count; i++)
		buf_printf(out,
			   "%s{\"name\":\"projects/p/occurrences/%zu\",\"noteName\":\"projects/p/notes/qa\","
			   "\"resourceUrl\":\"https://r/i@" DIGEST_A "\",\"createTime\":\"2026-01-01T00:00:00Z\","
			   "\"attestation\":{\"pgpSignedAttestation\":{\"signature\":\"junk %zu\"}}}",
			   i ? "," : "", i, i);
	buf_add_c(out, "," OCCURRENCE("good", DIGEST_A, "for-a", "2025-01-01T00:00:00Z") "]}");
}

/* What has a verdict counts beyond the limit, however old it is: junk can't push it out. */
static void beyond_the_limit_only_what_was_never_verified_is_left_out(void **state)
{
	struct bed *bed = *state;
	cleanup(workspace) struct workspace workspace = {0};
	cleanup(buf) struct buf body = buf_init(1u << 20);
	struct facts_answer answer;
	struct err e = ERR_INIT;

	assert_true(workspace_make(&workspace, &e));
	bed->judge.workers = worker_pool_start(1, workspace.path, &e);
	assert_non_null(bed->judge.workers);
	add_junk(&body, LIMIT_UNVERIFIED + 5);
	struct canned_answer listed = {QA_LIST, 200, body.data, 0};
	serve(bed, &listed, 1);
	answer = asked(bed, DIGEST_A, "projects/p/notes/qa");
	worker_pool_stop(bed->judge.workers);
	stop(bed);
	assert_int_equal(answer.unverified, 5);
	assert_int_equal(answer.count, LIMIT_UNVERIFIED + 1);
	assert_int_equal(answer.items[answer.count - 1].verdict, VERDICT_ACCEPTED);
	assert_int_equal(answer.items[0].verdict, VERDICT_REJECTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_pages_newest_first_and_only_this_digest),
		TEST(an_attestation_filed_under_another_digest_is_rejected),
		TEST(the_note_is_the_one_the_occurrence_names),
		TEST(a_list_is_read_once_for_all_images),
		TEST(a_note_that_does_not_exist_has_no_attestations),
		TEST(a_server_that_fails_is_no_empty_list),
		TEST(what_is_no_attestation_is_passed_over),
		TEST(any_note_means_every_note_of_every_project),
		TEST(a_project_that_is_named_narrows_the_walk),
		TEST(beyond_the_limit_only_what_was_never_verified_is_left_out),
		TEST(a_named_project_without_notes_is_an_error),
		TEST(a_walk_that_breaks_off_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
