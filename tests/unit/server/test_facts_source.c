#include "server/facts_source.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/limits.h"
#include "server/fact_list.h"
#include "tests/unit/server/scratch_store.h"
#include "tests/unit/server/verifier.h"

#define QA "projects/p/notes/qa"
#define SECURITY "projects/p/notes/security"
#define NOW 2000

struct bed {
	struct scratch_store scratch;
	struct verifier verifier;
	struct trust trust;
	struct facts_source source;
	struct arena arena;
	struct err err;
};

static const struct known known[] = {
	{"anna", GOOD(ANNA)},
	{"bob", GOOD(BOB)},
	{"later anna", GOOD_AT(ANNA, 1500)},
	{"anna for app", GOOD(ANNA, .repository = "example.com/app")},
	{NULL, {0}},
};

static void start_queue(struct bed *bed)
{
	bed->source.queue =
		verify_queue_start_with(verifier_verify, &bed->verifier, 1, bed->scratch.store, NULL, &bed->err);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	*state = bed;
	if (!scratch_store_open(&bed->scratch))
		return -1;
	bed->verifier = VERIFIER();
	bed->verifier.known = known;
	bed->trust.keys = two_keys();
	bed->arena = arena_init(LIMIT_REVIEW_MEMORY);
	bed->source = (struct facts_source){.store = bed->scratch.store, .trust = &bed->trust, .now = NOW};
	bed->source.cache = facts_cache_new(LIMIT_FACTS_BYTES);
	start_queue(bed);
	return bed->source.queue && bed->source.cache ? 0 : -1;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	verify_queue_stop(bed->source.queue);
	facts_cache_free(bed->source.cache);
	scratch_store_remove(&bed->scratch);
	key_set_unref(bed->trust.keys);
	arena_release(&bed->arena);
	free(bed);
	return 0;
}

/* Occurrence `id` with `count` different signatures that begin with `signature`. */
static void add_to(struct bed *bed, const char *digest, const char *id, const char *note, const char *signature,
		   size_t count)
{
	cleanup(arena) struct arena arena = arena_init(16u << 20);
	struct evidence *evidence = arena_array(&arena, count, sizeof(*evidence));
	struct occurrence_row row = {.project = STR("p"),
				     .id = str_of(id),
				     .note = str_of(note),
				     .kind = STR("ATTESTATION"),
				     .digest = str_of(digest),
				     .evidence = evidence,
				     .evidence_count = count};

	for (size_t i = 0; i < count; i++)
		evidence[i].signature =
			count == 1 ? str_of(signature) : arena_printf(&arena, "%s %s %zu", signature, id, i);
	if (!store_create_occurrence(bed->scratch.store, &row, 0, &bed->err))
		fail_msg("%s", bed->err.text);
}

static void add_many(struct bed *bed, const char *id, const char *note, const char *signature, size_t count)
{
	add_to(bed, DIGEST, id, note, signature, count);
}

static void add(struct bed *bed, const char *id, const char *note, const char *signature)
{
	add_many(bed, id, note, signature, 1);
}

static struct facts_answer ask(struct bed *bed, const char *note)
{
	struct facts facts = facts_source_interface(&bed->source);
	struct str notes[] = {str_of(note)};
	struct facts_query query = {.digest = STR(DIGEST), .notes = notes, .note_count = note ? 1 : 0};
	struct facts_answer answer;

	if (!facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err))
		fail_msg("%s", bed->err.text);
	return answer;
}

static void refused(struct bed *bed, enum err_kind kind, const char *words)
{
	struct facts facts = facts_source_interface(&bed->source);
	struct facts_query query = {.digest = STR(DIGEST), .notes = NULL, .note_count = 0};
	struct facts_answer answer = {.count = 77};

	assert_false(facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err));
	assert_int_equal(bed->err.kind, kind);
	assert_non_null(strstr(bed->err.text, words));
	assert_int_equal(answer.count, 77);
}

static size_t accepted(struct facts_answer answer)
{
	size_t count = 0;

	for (size_t i = 0; i < answer.count; i++)
		count += answer.items[i].verdict == VERDICT_ACCEPTED;
	return count;
}

static void tells_what_a_good_signature_proves(void **state)
{
	static const struct known one[] = {{"x", GOOD(ANNA, .repository = "example.com/app", .key_expires_at = 3000)},
					   {NULL, {0}}};
	struct bed *bed = *state;
	struct attestation_fact *fact;
	struct facts_answer answer;

	bed->verifier.known = one;
	add(bed, "o", QA, "x");
	for (int i = 0; i < 2; i++) {
		answer = ask(bed, QA);
		assert_int_equal(answer.count, 1);
		assert_int_equal(answer.unverified, 0);
		fact = &answer.items[0];
		assert_true(str_eq_c(fact->name, "projects/p/occurrences/o"));
		assert_true(str_eq_c(fact->note, QA));
		assert_int_equal(fact->verdict, VERDICT_ACCEPTED);
		assert_int_equal(fact->reason, REASON_GOOD);
		assert_true(str_eq_c(fact->signer, ANNA));
		assert_true(str_eq_c(fact->digest, DIGEST));
		assert_true(str_eq_c(fact->repository, "example.com/app"));
		assert_int_equal(fact->signed_at, 1000);
		assert_int_equal(fact->expires_at, 3000);
		assert_true(fact->key_expires_first);
	}
	assert_int_equal(verifier_calls(&bed->verifier), 1);
}

/* Each stands beside a good one of another signer, which counts nevertheless. */
static const struct {
	struct signature_facts facts;
	enum verdict_reason reason;
} judged[] = {
	{GOOD(ANNA), REASON_GOOD},
	{GOOD_AT(ANNA, NOW + 300), REASON_GOOD},
	{GOOD_AT(ANNA, NOW + 301), REASON_NOT_YET_VALID},
	{GOOD(ANNA, .signature_expires_at = NOW + 1), REASON_GOOD},
	{GOOD(ANNA, .signature_expires_at = NOW), REASON_SIGNATURE_EXPIRED},
	{GOOD(ANNA, .key_expires_at = NOW + 1), REASON_GOOD},
	{GOOD(ANNA, .key_expires_at = NOW), REASON_KEY_EXPIRED},
	{GOOD(ANNA, .key_expires_at = NOW - 1, .signature_expires_at = NOW + 1), REASON_KEY_EXPIRED},
	{GOOD(ANNA, .key_expires_at = NOW + 1, .signature_expires_at = NOW - 1), REASON_SIGNATURE_EXPIRED},
	{{.verdict = VERDICT_ACCEPTED, .reason = REASON_GOOD, .signer = ANNA, .digest = OTHER_DIGEST},
	 REASON_OTHER_DIGEST},
	{{.verdict = VERDICT_ACCEPTED, .reason = REASON_GOOD, .signer = ANNA}, REASON_OTHER_DIGEST},
	{{.verdict = VERDICT_ACCEPTED, .reason = REASON_BAD_SIGNATURE, .signer = ANNA, .digest = DIGEST},
	 REASON_BAD_SIGNATURE},
	{{.reason = REASON_GOOD, .signer = ANNA, .digest = DIGEST}, REASON_NOT_VERIFIED},
	{{.reason = REASON_UNKNOWN_KEY, .signer = "0123"}, REASON_UNKNOWN_KEY},
	{{.reason = REASON_KEY_REVOKED, .signer = ANNA, .digest = DIGEST}, REASON_KEY_REVOKED},
	{{.reason = REASON_TIMEOUT}, REASON_TIMEOUT},
};

static void accepts_only_what_holds_now_for_this_digest(void **state)
{
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		struct known rows[] = {{"x", judged[i].facts}, {"bob", GOOD(BOB)}, {NULL, {0}}};
		struct str id = arena_printf(&bed->arena, "o%zu", i);
		struct str note = arena_printf(&bed->arena, "projects/p/notes/n%zu", i);
		struct str signature = arena_printf(&bed->arena, "x%zu", i);
		struct facts_answer answer;

		bed->verifier.known = rows;
		add(bed, arena_printf(&bed->arena, "bob%zu", i).ptr, note.ptr, "bob");
		add(bed, id.ptr, note.ptr, signature.ptr);
		for (int again = 0; again < 2; again++) {
			answer = ask(bed, note.ptr);
			assert_int_equal(answer.count, 2);
			assert_int_equal(answer.items[0].reason, judged[i].reason);
			assert_int_equal(answer.items[0].verdict,
					 judged[i].reason == REASON_GOOD ? VERDICT_ACCEPTED : VERDICT_REJECTED);
			assert_int_equal(answer.items[1].verdict, VERDICT_ACCEPTED);
		}
	}
}

static void a_verdict_of_yesterday_meets_the_clock_of_today(void **state)
{
	static const struct known one[] = {{"x", GOOD(ANNA, .signature_expires_at = NOW + 10)}, {NULL, {0}}};
	struct bed *bed = *state;

	bed->verifier.known = one;
	add(bed, "o", QA, "x");
	assert_int_equal(accepted(ask(bed, QA)), 1);
	bed->source.now = NOW + 10;
	assert_int_equal(accepted(ask(bed, QA)), 0);
	assert_int_equal(verifier_calls(&bed->verifier), 1);
}

static void tells_the_newest_first_and_only_of_the_notes_asked_for(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;

	add(bed, "1", QA, "bad 1");
	add(bed, "2", SECURITY, "anna");
	add(bed, "3", QA, "bad 2");
	answer = ask(bed, QA);
	assert_int_equal(answer.count, 2);
	assert_true(str_eq_c(answer.items[0].name, "projects/p/occurrences/3"));
	assert_true(str_eq_c(answer.items[1].name, "projects/p/occurrences/1"));
	answer = ask(bed, NULL);
	assert_int_equal(answer.count, 3);
	assert_true(str_eq_c(answer.items[1].name, "projects/p/occurrences/2"));
	assert_int_equal(ask(bed, "projects/p/notes/q").count, 0);
}

static void verifies_256_of_a_note_and_counts_the_rest_until_the_next_review(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;

	add(bed, "first", QA, "anna");
	add_many(bed, "flood", QA, "bad", LIMIT_UNVERIFIED - 1);
	assert_int_equal(accepted(ask(bed, QA)), 1);
	add_many(bed, "second flood", SECURITY, "bad", LIMIT_UNVERIFIED + 1);
	answer = ask(bed, SECURITY);
	assert_int_equal(answer.count, LIMIT_UNVERIFIED);
	assert_int_equal(answer.unverified, 1);
	answer = ask(bed, SECURITY);
	assert_int_equal(answer.unverified, 0);
	assert_int_equal(verifier_calls(&bed->verifier), 2 * LIMIT_UNVERIFIED + 1);
}

static void a_flood_on_one_note_takes_nothing_from_another(void **state)
{
	struct bed *bed = *state;
	struct facts facts = facts_source_interface(&bed->source);
	struct facts_query query = {
		.digest = STR(DIGEST), .notes = (struct str[]){STR(SECURITY), STR(QA)}, .note_count = 2};
	struct facts_answer answer;

	add(bed, "good", QA, "anna");
	add_many(bed, "flood", SECURITY, "bad", LIMIT_UNVERIFIED + 10);
	assert_true(facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err));
	assert_int_equal(accepted(answer), 1);
	assert_int_equal(answer.unverified, 10);
}

static void when_every_note_counts_all_share_one_limit(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;

	add_many(bed, "one", QA, "bad", LIMIT_UNVERIFIED);
	add_many(bed, "two", SECURITY, "bad", LIMIT_UNVERIFIED);
	answer = ask(bed, NULL);
	assert_int_equal(answer.count, LIMIT_UNVERIFIED);
	assert_int_equal(answer.unverified, LIMIT_UNVERIFIED);
}

#define FLOODED 100

/* What is stored for others is neither read nor verified, and what is told of a flooded image is bounded. */
static void a_flood_on_other_images_costs_this_one_nothing(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;
	size_t used;

	for (unsigned i = 0; i < FLOODED; i++) {
		char digest[80];

		snprintf(digest, sizeof(digest), "sha256:%064x", i);
		add_to(bed, digest, digest + 60, QA, "bad", LIMIT_UNVERIFIED);
	}
	add(bed, "good", QA, "anna");
	answer = ask(bed, QA);
	assert_int_equal(answer.count, 1);
	assert_int_equal(accepted(answer), 1);
	assert_int_equal(verifier_calls(&bed->verifier), 1);
	used = bed->arena.used;
	assert_true(used < 16 * 1024);
	add_many(bed, "flood", QA, "bad", LIMIT_UNVERIFIED);
	answer = ask(bed, QA);
	assert_int_equal(accepted(answer), 1);
	assert_int_equal(verifier_calls(&bed->verifier), 1 + LIMIT_UNVERIFIED);
	assert_true(bed->arena.used - used < 1024 * LIMIT_UNVERIFIED);
}

/* Verified once, then buried under more than any review looks at. */
static void bury(struct bed *bed, const char *signature)
{
	add(bed, "good", QA, signature);
	assert_int_equal(accepted(ask(bed, QA)), 1);
	add_many(bed, "flood1", QA, "bad", LIMIT_WALK / 2);
	add_many(bed, "flood2", QA, "bad", LIMIT_WALK / 2 + 1);
	/* The queue's thread writes the hint after the answer: when it has ended, it has. */
	verify_queue_stop(bed->source.queue);
	start_queue(bed);
}

static void a_flood_does_not_bury_what_was_once_verified_not_even_after_a_restart(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;

	bury(bed, "anna");
	for (int i = 0; i < 3; i++) {
		answer = ask(bed, i == 2 ? NULL : QA);
		assert_int_equal(accepted(answer), 1);
		assert_true(answer.unverified > 0);
	}
}

static void what_a_hint_leads_to_is_judged_like_everything_else(void **state)
{
	static const struct known nothing[] = {{NULL, {0}}};
	struct bed *bed = *state;

	bury(bed, "anna");
	bed->verifier.known = nothing;
	assert_int_equal(accepted(ask(bed, QA)), 0);
}

static void a_flood_hides_nothing_that_comes_after_it(void **state)
{
	struct bed *bed = *state;

	add_many(bed, "flood1", QA, "bad", LIMIT_WALK);
	add(bed, "good", QA, "anna");
	assert_true(accepted(ask(bed, QA)) >= 1);
}

static void CVE_2023_33957_CVE_2023_33958_CVE_2024_45395_a_walk_ends_after_its_limit(void **state)
{
	static const struct known all_good[] = {{"bad", GOOD(ANNA)}, {NULL, {0}}};
	struct bed *bed = *state;
	struct facts_answer answer;

	bed->verifier.known = all_good;
	add_many(bed, "flood1", QA, "bad", LIMIT_WALK);
	answer = ask(bed, QA);
	assert_int_equal(answer.unverified, LIMIT_WALK - LIMIT_UNVERIFIED);
	add(bed, "one more", QA, "bad");
	answer = ask(bed, QA);
	assert_int_equal(answer.unverified, LIMIT_WALK - 2 * LIMIT_UNVERIFIED + 1);
}

/* Signatures as large as they may be take time to read, also when nothing is to be verified. */
static void CVE_2023_42813_CVE_2023_42814_CVE_2023_42815_CVE_2023_42816_a_walk_ends_after_its_bytes(void **state)
{
	const size_t rows = LIMIT_WALK_BYTES / 60000;
	struct bed *bed = *state;
	struct facts_answer answer;
	char large[60000];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = 0;
	add(bed, "good", QA, "anna");
	assert_int_equal(accepted(ask(bed, QA)), 1);
	for (size_t i = 0; i < rows; i += 50) {
		char id[16];

		snprintf(id, sizeof(id), "flood%zu", i);
		add_many(bed, id, QA, large, 50);
	}
	answer = ask(bed, QA);
	assert_true(answer.unverified > 0 && answer.unverified <= 1 + rows - LIMIT_UNVERIFIED);
	assert_int_equal(accepted(answer), 1);
}

static void what_was_good_once_is_verified_ahead_of_a_flood(void **state)
{
	struct bed *bed = *state;

	add(bed, "good", QA, "anna");
	assert_int_equal(accepted(ask(bed, QA)), 1);
	add_many(bed, "flood", QA, "bad", 5);
	verify_queue_stop(bed->source.queue);
	start_queue(bed);
	assert_int_equal(accepted(ask(bed, QA)), 1);
	assert_memory_equal(bed->verifier.order, "aab", 3);
}

static void copies_of_a_good_signature_are_told_once_by_the_one_made_last(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;

	add_many(bed, "later", QA, "later anna", 10);
	add_many(bed, "copies", QA, "anna", 10);
	add(bed, "app", QA, "anna for app");
	add(bed, "other", SECURITY, "anna");
	add(bed, "bob", QA, "bob");
	ask(bed, NULL);
	answer = ask(bed, QA);
	assert_int_equal(answer.count, 2);
	assert_true(str_eq_c(answer.items[0].signer, BOB));
	assert_int_equal(answer.items[1].signed_at, 1500);
	answer = ask(bed, NULL);
	assert_int_equal(answer.count, 3);
}

static void of_many_rejections_the_newest_are_told(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;

	add(bed, "good", QA, "anna");
	add_many(bed, "one", QA, "bad", LIMIT_UNVERIFIED);
	ask(bed, QA);
	add_many(bed, "two", QA, "bad", LIMIT_UNVERIFIED);
	ask(bed, QA);
	answer = ask(bed, QA);
	assert_int_equal(answer.unverified, 0);
	assert_int_equal(answer.count, FACTS_REJECTED_MAX + 1);
	assert_int_equal(accepted(answer), 1);
	assert_true(str_eq_c(answer.items[0].name, "projects/p/occurrences/two"));
}

static void *ask_in_thread(void *context)
{
	struct bed *bed = context;
	struct facts_query query = {.digest = STR(DIGEST), .notes = NULL, .note_count = 0};
	struct facts facts = facts_source_interface(&bed->source);
	struct facts_answer answer;

	return facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err) && accepted(answer) == 1
		       ? bed
		       : NULL;
}

static void a_review_waits_for_the_verification_of_an_acknowledged_upload(void **state)
{
	struct bed *bed = *state;
	struct attestation_row row = {.project = STR("p"), .id = STR("o"), .note = STR(QA), .signature = STR("anna")};
	pthread_t review;
	void *admitted;

	verifier_hold(&bed->verifier);
	add(bed, "o", QA, "anna");
	verify_queue_add(bed->source.queue, bed->trust.keys, STR(DIGEST), &row);
	verifier_wait(&bed->verifier, 1);
	pthread_create(&review, NULL, ask_in_thread, bed);
	verifier_release(&bed->verifier);
	pthread_join(review, &admitted);
	assert_non_null(admitted);
	assert_int_equal(verifier_calls(&bed->verifier), 1);
}

static void a_verification_that_outlasts_the_review_is_a_rejection(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;

	verifier_hold(&bed->verifier);
	add(bed, "o", QA, "anna");
	bed->source.deadline_ms = clock_monotonic_ms() + 300;
	answer = ask(bed, QA);
	assert_int_equal(accepted(answer), 0);
	assert_int_equal(answer.items[0].reason, REASON_TIMEOUT);
	verifier_release(&bed->verifier);
}

static void what_takes_long_leaves_time_to_decide_by_what_is_known(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;
	int64_t left;

	add(bed, "o", QA, "anna");
	assert_int_equal(accepted(ask(bed, QA)), 1);
	verifier_hold(&bed->verifier);
	add(bed, "slow", QA, "bad");
	bed->source.deadline_ms = clock_monotonic_ms() + 2000;
	answer = ask(bed, QA);
	left = clock_left_ms(bed->source.deadline_ms);
	verifier_release(&bed->verifier);
	assert_int_equal(accepted(answer), 1);
	assert_true(left > 0);
}

static void a_deadline_that_has_passed_is_no_answer(void **state)
{
	struct bed *bed = *state;

	add(bed, "o", QA, "anna");
	bed->source.deadline_ms = 1;
	refused(bed, ERR_TIMEOUT, "in time");
}

static void a_store_that_fails_is_no_answer(void **state)
{
	struct bed *bed = *state;
	sqlite3 *db;

	add(bed, "o", QA, "anna");
	assert_int_equal(sqlite3_open(bed->scratch.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE evidence", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	refused(bed, ERR_INTERNAL, "the store can't be read: ");
}

static void alter_row(struct bed *bed, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(bed->scratch.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_row_altered_behind_the_servers_back_is_another_input(void **state)
{
	struct bed *bed = *state;

	add(bed, "o", QA, "anna");
	assert_int_equal(accepted(ask(bed, QA)), 1);
	alter_row(bed, "UPDATE evidence SET signature = CAST('anna?' AS BLOB)");
	assert_int_equal(accepted(ask(bed, QA)), 1);
	assert_int_equal(verifier_calls(&bed->verifier), 2);
	alter_row(bed, "UPDATE evidence SET signature = CAST('forged' AS BLOB)");
	assert_int_equal(accepted(ask(bed, QA)), 0);
	alter_row(bed, "UPDATE evidence SET signature = CAST('anna' AS BLOB), digest = '" OTHER_DIGEST "'");
	assert_int_equal(ask(bed, QA).count, 0);
}

struct probes {
	atomic_uint all;
	atomic_uint hinted;
};

static void count_probe(void *context, const char *operation, int64_t duration_us)
{
	struct probes *probes = context;

	(void)duration_us;
	probes->all += strcmp(operation, "attestations") == 0;
	probes->hinted += strcmp(operation, "hinted_attestations") == 0;
}

static void when_every_verdict_is_known_one_probe_is_all(void **state)
{
	struct bed *bed = *state;
	struct probes probes = {0, 0};

	verify_queue_stop(bed->source.queue);
	store_observe(bed->scratch.store, count_probe, &probes);
	start_queue(bed);
	add(bed, "o", QA, "anna");
	add_many(bed, "bad", QA, "bad", 20);
	assert_int_equal(accepted(ask(bed, QA)), 1);
	probes.all = probes.hinted = 0;
	assert_int_equal(accepted(ask(bed, QA)), 1);
	assert_int_equal(probes.all, 1);
	assert_int_equal(probes.hinted, 0);
	/* The queue's last hint is told to the observer, which ends here. */
	verify_queue_stop(bed->source.queue);
	bed->source.queue = NULL;
}

/* `probes` is the store's observer. Asks until two questions in a row cost no walk: the hints of the queue's thread are
 * written by then. Fails when none is ever answered from memory. */
static void warm(struct bed *bed, struct probes *probes)
{
	unsigned int quiet = 0;

	for (int i = 0; i < 10000 && quiet < 2; i++) {
		unsigned int before = probes->all;

		ask(bed, QA);
		quiet = probes->all == before ? quiet + 1 : 0;
	}
	assert_int_equal(quiet, 2);
}

/* One accepted, one rejected attestation, answered from memory. The queue is started again so that it knows the
 * observer before any thread calls it. */
static void warm_two(struct bed *bed, struct probes *probes)
{
	verify_queue_stop(bed->source.queue);
	store_observe(bed->scratch.store, count_probe, probes);
	start_queue(bed);
	add(bed, "o", QA, "anna");
	add(bed, "p", QA, "bad");
	warm(bed, probes);
}

/* Its thread tells the observer, which lives in the test. */
static void end_queue(struct bed *bed)
{
	verify_queue_stop(bed->source.queue);
	bed->source.queue = NULL;
}

static void what_was_decided_before_costs_no_walk_and_tells_the_same(void **state)
{
	struct bed *bed = *state;
	struct facts_cache *cache = bed->source.cache;
	struct probes probes = {0, 0};
	struct facts_answer walked, kept;

	warm_two(bed, &probes);
	bed->source.cache = NULL;
	walked = ask(bed, QA);
	bed->source.cache = cache;
	kept = ask(bed, QA);
	assert_int_equal(kept.count, walked.count);
	assert_int_equal(kept.unverified, 0);
	for (size_t i = 0; i < kept.count; i++) {
		const struct attestation_fact *a = &walked.items[i], *b = &kept.items[i];

		assert_true(str_eq(a->name, b->name) && str_eq(a->note, b->note) && str_eq(a->signer, b->signer));
		assert_true(str_eq(a->digest, b->digest) && str_eq(a->repository, b->repository));
		assert_true(a->verdict == b->verdict && a->reason == b->reason && a->signed_at == b->signed_at);
		assert_true(a->expires_at == b->expires_at && a->key_expires_first == b->key_expires_first);
	}
	end_queue(bed);
}

static void an_upload_that_was_acknowledged_is_in_the_next_review(void **state)
{
	struct bed *bed = *state;
	struct probes probes = {0, 0};

	warm_two(bed, &probes);
	add(bed, "q", QA, "bob");
	assert_int_equal(accepted(ask(bed, QA)), 2);
	end_queue(bed);
}

static void what_was_deleted_counts_in_no_later_review(void **state)
{
	struct bed *bed = *state;
	struct probes probes = {0, 0};

	warm_two(bed, &probes);
	assert_true(store_delete_occurrence(bed->scratch.store, STR("p"), STR("o"), 0, &bed->err));
	assert_int_equal(accepted(ask(bed, QA)), 0);
	end_queue(bed);
}

static void what_another_process_deleted_or_changed_counts_in_no_later_review(void **state)
{
	struct bed *bed = *state;
	struct probes probes = {0, 0};

	warm_two(bed, &probes);
	alter_row(bed, "UPDATE evidence SET signature = CAST('forged' AS BLOB)");
	assert_int_equal(accepted(ask(bed, QA)), 0);
	alter_row(bed, "UPDATE evidence SET signature = CAST('anna' AS BLOB)");
	warm(bed, &probes);
	assert_int_equal(accepted(ask(bed, QA)), 1);
	alter_row(bed, "DELETE FROM evidence");
	assert_int_equal(ask(bed, QA).count, 0);
	end_queue(bed);
}

/* A review that began before a deletion may still see the row; what it has found is nothing to the next one. */
static void what_an_older_review_finds_is_not_kept_for_a_later_one(void **state)
{
	struct bed *bed = *state;
	struct facts facts = facts_source_interface(&bed->source);
	struct facts_query query = {.digest = STR(OTHER_DIGEST), .notes = NULL, .note_count = 0};
	struct facts_answer answer;
	struct probes probes = {0, 0};

	warm_two(bed, &probes);
	facts = facts_source_interface(&bed->source);
	assert_true(facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err));
	query = (struct facts_query){.digest = STR(DIGEST), .notes = (struct str[]){STR(QA)}, .note_count = 1};
	assert_true(facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err));
	assert_true(store_delete_occurrence(bed->scratch.store, STR("p"), STR("o"), 0, &bed->err));
	/* The same review, which has looked already. */
	assert_true(facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err));
	assert_int_equal(accepted(ask(bed, QA)), 0);
	end_queue(bed);
}

static void other_keys_have_answers_of_their_own(void **state)
{
	static const struct known nothing[] = {{NULL, {0}}};
	struct bed *bed = *state;
	struct probes probes = {0, 0};
	struct key_set *old = bed->trust.keys;

	warm_two(bed, &probes);
	bed->trust.keys = two_keys();
	key_set_unref(old);
	end_queue(bed);
	start_queue(bed);
	bed->verifier.known = nothing;
	assert_int_equal(accepted(ask(bed, QA)), 0);
	end_queue(bed);
}

static void other_notes_have_answers_of_their_own(void **state)
{
	struct bed *bed = *state;
	struct probes probes = {0, 0};

	warm_two(bed, &probes);
	assert_int_equal(ask(bed, SECURITY).count, 0);
	assert_int_equal(ask(bed, NULL).count, 2);
	end_queue(bed);
}

/* Of one signer the signature made last is told: when it expires, the older one counts again, and when the clock is set
 * back before both, none does. */
static void what_is_kept_follows_the_clock(void **state)
{
	static const struct known two[] = {{"long", GOOD_AT(ANNA, 1000)},
					   {"short", GOOD_AT(ANNA, 1500, .signature_expires_at = NOW + 10)},
					   {NULL, {0}}};
	static const struct {
		int64_t now;
		size_t accepted;
		int64_t signed_at;
	} moments[] = {{NOW, 1, 1500},	{NOW + 9, 1, 1500}, {NOW + 10, 1, 1000}, {NOW, 1, 1500}, {1200, 1, 1500},
		       {1199, 1, 1000}, {700, 1, 1000},	    {699, 0, 0},	 {NOW, 1, 1500}};
	struct bed *bed = *state;
	struct probes probes = {0, 0};

	verify_queue_stop(bed->source.queue);
	bed->verifier.known = two;
	store_observe(bed->scratch.store, count_probe, &probes);
	start_queue(bed);
	add(bed, "1", QA, "long");
	add(bed, "2", QA, "short");
	warm(bed, &probes);
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		struct facts_answer answer;

		bed->source.now = moments[i].now;
		for (int again = 0; again < 2; again++) {
			answer = ask(bed, QA);
			assert_int_equal(accepted(answer), moments[i].accepted);
			for (size_t j = 0; j < answer.count; j++)
				if (answer.items[j].verdict == VERDICT_ACCEPTED)
					assert_int_equal(answer.items[j].signed_at, moments[i].signed_at);
		}
		warm(bed, &probes);
	}
	end_queue(bed);
}

/* Answers that another review would find more in. */
static void an_answer_that_is_not_finished_is_not_kept(void **state)
{
	struct bed *bed = *state;
	struct facts_answer answer;

	add(bed, "good", QA, "anna");
	add_many(bed, "flood", QA, "bad", LIMIT_UNVERIFIED + 1);
	answer = ask(bed, QA);
	assert_int_equal(accepted(answer), 0);
	assert_int_equal(answer.unverified, 2);
	assert_int_equal(accepted(ask(bed, QA)), 1);
}

static void a_full_arena_is_no_answer(void **state)
{
	struct bed *bed = *state;
	struct arena whole = bed->arena;

	add_many(bed, "o", QA, "bad", 20);
	for (size_t max = 64; max < 4096; max += 64) {
		bed->arena = arena_init(max);
		refused(bed, ERR_TOO_LARGE, "memory");
		arena_release(&bed->arena);
	}
	bed->arena = whole;
	assert_int_equal(ask(bed, QA).count, 20);
}

static bool one_accepted(void *context, const struct facts_answer *so_far)
{
	++*(size_t *)context;
	return accepted(*so_far) > 0;
}

static struct facts_answer ask_for_one(struct bed *bed, size_t *looks)
{
	struct facts facts = facts_source_interface(&bed->source);
	struct str note = STR(QA);
	struct facts_query query = {STR(DIGEST), &note, 1, one_accepted, looks};
	struct facts_answer answer;

	if (!facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err))
		fail_msg("%s", bed->err.text);
	return answer;
}

/* The verification of what came after the good one hangs: without an early end this would never return. */
static void nothing_is_waited_for_once_enough_is_known(void **state)
{
	struct bed *bed = *state;
	size_t looks = 0;

	add(bed, "good", QA, "anna");
	assert_int_equal(accepted(ask(bed, QA)), 1);
	add_many(bed, "flood", QA, "bad", 300);
	verifier_hold(&bed->verifier);
	assert_int_equal(accepted(ask_for_one(bed, &looks)), 1);
	assert_true(looks > 0);
	verifier_release(&bed->verifier);
}

static bool never(void *context, const struct facts_answer *so_far)
{
	(void)context;
	(void)so_far;
	return false;
}

static void what_is_not_enough_is_told_whole(void **state)
{
	struct bed *bed = *state;
	struct facts facts = facts_source_interface(&bed->source);
	struct str note = STR(QA);
	struct facts_query query = {STR(DIGEST), &note, 1, never, NULL};
	struct facts_answer answer;

	add(bed, "good", QA, "anna");
	assert_int_equal(accepted(ask(bed, QA)), 1);
	add_many(bed, "flood", QA, "bad", 7);
	assert_true(facts.attestations(facts.context, &query, &bed->arena, &answer, &bed->err));
	assert_int_equal(answer.count, 8);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(answer.items[i].reason, REASON_BAD_SIGNATURE);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(tells_what_a_good_signature_proves),
		CASE(accepts_only_what_holds_now_for_this_digest),
		CASE(a_verdict_of_yesterday_meets_the_clock_of_today),
		CASE(tells_the_newest_first_and_only_of_the_notes_asked_for),
		CASE(verifies_256_of_a_note_and_counts_the_rest_until_the_next_review),
		CASE(a_flood_on_one_note_takes_nothing_from_another),
		CASE(when_every_note_counts_all_share_one_limit),
		CASE(a_flood_on_other_images_costs_this_one_nothing),
		CASE(a_flood_does_not_bury_what_was_once_verified_not_even_after_a_restart),
		CASE(what_a_hint_leads_to_is_judged_like_everything_else),
		CASE(a_flood_hides_nothing_that_comes_after_it),
		CASE(CVE_2023_33957_CVE_2023_33958_CVE_2024_45395_a_walk_ends_after_its_limit),
		CASE(CVE_2023_42813_CVE_2023_42814_CVE_2023_42815_CVE_2023_42816_a_walk_ends_after_its_bytes),
		CASE(what_was_good_once_is_verified_ahead_of_a_flood),
		CASE(copies_of_a_good_signature_are_told_once_by_the_one_made_last),
		CASE(of_many_rejections_the_newest_are_told),
		CASE(a_review_waits_for_the_verification_of_an_acknowledged_upload),
		CASE(a_verification_that_outlasts_the_review_is_a_rejection),
		CASE(what_takes_long_leaves_time_to_decide_by_what_is_known),
		CASE(a_deadline_that_has_passed_is_no_answer),
		CASE(a_store_that_fails_is_no_answer),
		CASE(a_row_altered_behind_the_servers_back_is_another_input),
		CASE(when_every_verdict_is_known_one_probe_is_all),
		CASE(what_was_decided_before_costs_no_walk_and_tells_the_same),
		CASE(an_upload_that_was_acknowledged_is_in_the_next_review),
		CASE(what_was_deleted_counts_in_no_later_review),
		CASE(what_another_process_deleted_or_changed_counts_in_no_later_review),
		CASE(what_an_older_review_finds_is_not_kept_for_a_later_one),
		CASE(other_keys_have_answers_of_their_own),
		CASE(other_notes_have_answers_of_their_own),
		CASE(what_is_kept_follows_the_clock),
		CASE(an_answer_that_is_not_finished_is_not_kept),
		CASE(a_full_arena_is_no_answer),
		CASE(nothing_is_waited_for_once_enough_is_known),
		CASE(what_is_not_enough_is_told_whole),
	};

	return cmocka_run_group_tests_name("facts_source", tests, NULL, NULL);
}
