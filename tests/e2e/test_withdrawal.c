/* What is withdrawn admits nothing from then on, however warm the image was: answers are kept in memory only until
 * anybody writes. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/bed.h"

#define ROUNDS 25
#define REVIEWERS 4
#define OCCURRENCES "/v1alpha1/projects/image-signing/occurrences"

/* Processes that ask about the image without end, so that answers are kept at every moment; 0: none. */
static pid_t reviewers[REVIEWERS];

static int setup(void **state)
{
	bed_setup(state);
	struct bed *bed = *state;

	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_note(bed, "image-signing", "qa"), 200);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < REVIEWERS; i++) {
		if (reviewers[i] > 0) {
			kill(reviewers[i], SIGKILL);
			(void)waitpid(reviewers[i], NULL, 0);
		}
		reviewers[i] = 0;
	}
	return bed_teardown(state);
}

static bool is_admitted(struct bed *bed)
{
	json_t *response = bed_review_pod(bed, IMAGE_A);
	bool yes = response_allowed(response);

	json_decref(response);
	return yes;
}

static void attest(struct bed *bed)
{
	char *signature = bed_clearsign(bed, "qa_bob@example.com", IMAGE_A);

	assert_int_equal(bed_attest(bed, "image-signing", "qa", IMAGE_A, signature), 200);
	free(signature);
}

static long answers_from_memory(struct bed *bed)
{
	static const char name[] = "\nsealgate_facts_cache_hits_total ";
	struct reply reply = bed_request(bed, "GET", bed->ops, "/metrics", NULL, 0, NULL);
	const char *at = strstr(reply.body, name);
	long count;

	assert_non_null(at);
	count = strtol(at + strlen(name), NULL, 10);
	reply_release(&reply);
	return count;
}

/* Admitted, and answered from memory by now. */
static void warm(struct bed *bed)
{
	long before = answers_from_memory(bed);

	for (int i = 0; i < 50 && answers_from_memory(bed) == before; i++)
		assert_true(is_admitted(bed));
	assert_true(answers_from_memory(bed) > before);
}

static void with_sqlite3(struct bed *bed, const char *sql)
{
	char *database = text_of("%s/sealgate.db", bed->data), *out = NULL, *err = NULL;

	assert_int_equal(bed_run(bed, (const char *const[]){"sqlite3", "-cmd", ".timeout 10000", database, sql, NULL},
				 NULL, &out, &err),
			 0);
	free(database);
	free(out);
	free(err);
}

static void what_another_process_deletes_admits_nothing_from_then_on(void **state)
{
	struct bed *bed = *state;

	attest(bed);
	warm(bed);
	with_sqlite3(bed, "DELETE FROM evidence");
	assert_false(is_admitted(bed));
	assert_false(is_admitted(bed));
}

static void what_another_process_spoils_admits_nothing_from_then_on(void **state)
{
	struct bed *bed = *state;

	attest(bed);
	warm(bed);
	with_sqlite3(bed, "UPDATE evidence SET signature = CAST(replace(CAST(signature AS TEXT), 'a', 'b') AS BLOB)");
	assert_false(is_admitted(bed));
	assert_false(is_admitted(bed));
}

static char *only_occurrence(struct bed *bed)
{
	struct reply reply = bed_request(bed, "GET", bed->api, OCCURRENCES, NULL, 0, NULL);
	json_t *list = reply_json(&reply), *all = json_object_get(list, "occurrences");
	char *name;

	assert_int_equal(json_array_size(all), 1);
	name = text_of("/v1alpha1/%s", json_string_value(json_object_get(json_array_get(all, 0), "name")));
	json_decref(list);
	reply_release(&reply);
	return name;
}

static void delete_it(struct bed *bed)
{
	char *path = only_occurrence(bed);
	struct reply reply = bed_request(bed, "DELETE", bed->api, path, NULL, 0, NULL);

	assert_int_equal(reply.status, 200);
	reply_release(&reply);
	free(path);
}

static void start_reviewers(struct bed *bed)
{
	for (int i = 0; i < REVIEWERS; i++) {
		reviewers[i] = fork();
		assert_true(reviewers[i] >= 0);
		while (reviewers[i] == 0)
			(void)is_admitted(bed);
	}
}

static void a_deletion_that_was_acknowledged_counts_in_the_next_review_whoever_else_asks(void **state)
{
	struct bed *bed = *state;

	start_reviewers(bed);
	for (int round = 0; round < ROUNDS; round++) {
		attest(bed);
		assert_true(is_admitted(bed));
		warm(bed);
		delete_it(bed);
		assert_false(is_admitted(bed));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_another_process_deletes_admits_nothing_from_then_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_another_process_spoils_admits_nothing_from_then_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_deletion_that_was_acknowledged_counts_in_the_next_review_whoever_else_asks, setup, teardown),
	};

	return cmocka_run_group_tests_name("withdrawal", tests, NULL, NULL);
}
