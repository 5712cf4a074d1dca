#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/unit/server/scratch_store.h"
#include "tests/unit/server/verifier.h"

static struct attestation_row row_of(const char *signature)
{
	return (struct attestation_row){
		.project = STR("p"), .id = STR("o"), .note = STR("projects/p/notes/n"), .signature = str_of(signature)};
}

static struct verify_queue *start(struct verifier *v, size_t threads)
{
	struct err e;
	struct verify_queue *queue = verify_queue_start_with(verifier_verify, v, threads, NULL, NULL, &e);

	assert_non_null(queue);
	return queue;
}

static struct verify_ticket *request(struct verify_queue *queue, struct key_set *keys, const char *signature)
{
	struct attestation_row row = row_of(signature);

	return verify_queue_request(queue, keys, STR(DIGEST), &row);
}

static void add(struct verify_queue *queue, struct key_set *keys, const char *signature)
{
	struct attestation_row row = row_of(signature);

	verify_queue_add(queue, keys, STR(DIGEST), &row);
}

static enum verdict_reason await(struct verify_ticket *ticket)
{
	struct signature_facts facts;

	verify_ticket_wait(ticket, 0, &facts);
	assert_int_equal(facts.verdict, facts.reason == REASON_GOOD ? VERDICT_ACCEPTED : VERDICT_REJECTED);
	return facts.reason;
}

static bool peek(struct verify_queue *queue, struct key_set *keys, const char *signature)
{
	struct signature_facts facts;
	struct sha256 key;

	assert_true(verdict_cache_key(str_of(signature), (struct str){NULL, 0}, &key));
	return verify_queue_peek(queue, keys, &key, &facts);
}

/* One thread, busy with "0": what is queued next stays queued until verifier_release. */
static struct verify_queue *start_held(struct verifier *v, struct key_set *keys, struct verify_ticket **first)
{
	struct verify_queue *queue = start(v, 1);

	verifier_hold(v);
	*first = request(queue, keys, "0");
	verifier_wait(v, 1);
	return queue;
}

static void a_signature_is_verified_once_however_many_wait(void **state)
{
	struct verifier v = VERIFIER({"good", GOOD(ANNA)});
	struct key_set *keys = two_keys();
	struct verify_queue *queue = start(&v, 2);
	struct verify_ticket *tickets[5];

	(void)state;
	verifier_hold(&v);
	assert_false(peek(queue, keys, "good"));
	for (size_t i = 0; i < 5; i++)
		tickets[i] = request(queue, keys, "good");
	add(queue, keys, "good");
	verifier_release(&v);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(await(tickets[i]), REASON_GOOD);
	assert_true(peek(queue, keys, "good"));
	assert_int_equal(await(request(queue, keys, "good")), REASON_GOOD);
	assert_int_equal(verifier_calls(&v), 1);
	verify_queue_stop(queue);
	key_set_unref(keys);
}

static void another_payload_or_key_set_is_another_flight(void **state)
{
	struct verifier v = VERIFIER({"good", GOOD(ANNA)});
	struct key_set *keys = two_keys(), *others = key_set_new(NULL, 0);
	struct verify_queue *queue = start(&v, 1);
	struct attestation_row row = row_of("x");

	(void)state;
	assert_int_equal(await(request(queue, keys, "x")), REASON_BAD_SIGNATURE);
	row.payload = STR("");
	assert_int_equal(await(verify_queue_request(queue, keys, STR(DIGEST), &row)), REASON_BAD_SIGNATURE);
	row.payload = STR("payload");
	assert_int_equal(await(verify_queue_request(queue, keys, STR(DIGEST), &row)), REASON_BAD_SIGNATURE);
	assert_true(verifier_calls(&v) >= 2);
	assert_int_equal(await(request(queue, keys, "good")), REASON_GOOD);
	assert_false(peek(queue, others, "good"));
	verify_queue_stop(queue);
	key_set_unref(keys);
	key_set_unref(others);
}

static void what_a_review_needs_goes_before_uploads(void **state)
{
	struct verifier v = VERIFIER();
	struct key_set *keys = two_keys();
	struct verify_ticket *first, *second, *third;
	struct verify_queue *queue = start_held(&v, keys, &first);

	(void)state;
	add(queue, keys, "a");
	add(queue, keys, "b");
	add(queue, keys, "c");
	second = request(queue, keys, "r");
	third = request(queue, keys, "b");
	verifier_release(&v);
	await(first);
	await(second);
	await(third);
	verifier_wait(&v, 5);
	assert_string_equal(v.order, "0rbac");
	verify_queue_stop(queue);
	key_set_unref(keys);
}

static void uploads_beyond_the_queue_are_dropped_and_verified_on_need(void **state)
{
	struct verifier v = VERIFIER();
	struct key_set *keys = two_keys();
	struct verify_ticket *first, *needed;
	struct verify_queue *queue = start_held(&v, keys, &first);
	char signature[32];

	(void)state;
	for (unsigned i = 0; i < LIMIT_VERIFY_QUEUE; i++) {
		snprintf(signature, sizeof(signature), "upload %u", i);
		add(queue, keys, signature);
	}
	add(queue, keys, "dropped");
	needed = request(queue, keys, "needed");
	verifier_release(&v);
	await(first);
	assert_int_equal(await(needed), REASON_BAD_SIGNATURE);
	verifier_wait(&v, LIMIT_VERIFY_QUEUE + 2);
	assert_false(peek(queue, keys, "dropped"));
	assert_int_equal(await(request(queue, keys, "dropped")), REASON_BAD_SIGNATURE);
	assert_int_equal(verifier_calls(&v), LIMIT_VERIFY_QUEUE + 3);
	verify_queue_stop(queue);
	key_set_unref(keys);
}

static void uploads_that_wait_take_only_so_much_memory(void **state)
{
	struct verifier v = VERIFIER();
	struct key_set *keys = two_keys();
	struct verify_ticket *first;
	struct verify_queue *queue = start_held(&v, keys, &first);
	char *large = malloc(LIMIT_SIGNATURE);
	struct attestation_row row = row_of("");
	unsigned fit = LIMIT_VERIFY_QUEUE_BYTES / LIMIT_SIGNATURE;

	(void)state;
	memset(large, 'x', LIMIT_SIGNATURE);
	row.signature = str_make(large, LIMIT_SIGNATURE);
	for (unsigned i = 0; i < fit + 5; i++) {
		memcpy(large, &i, sizeof(i));
		verify_queue_add(queue, keys, STR(DIGEST), &row);
	}
	verifier_release(&v);
	await(first);
	verifier_wait(&v, fit + 1);
	assert_int_equal(await(request(queue, keys, "last")), REASON_BAD_SIGNATURE);
	assert_int_equal(verifier_calls(&v), fit + 2);
	verify_queue_stop(queue);
	key_set_unref(keys);
	free(large);
}

static void reviews_beyond_the_queue_are_told_that_it_is_busy(void **state)
{
	static struct verify_ticket *tickets[LIMIT_VERIFY_QUEUE];
	struct verifier v = VERIFIER();
	struct key_set *keys = two_keys();
	struct verify_ticket *first, *again;
	struct verify_queue *queue = start_held(&v, keys, &first);
	char signature[32];

	(void)state;
	for (unsigned i = 0; i < LIMIT_VERIFY_QUEUE; i++) {
		snprintf(signature, sizeof(signature), "need %u", i);
		tickets[i] = request(queue, keys, signature);
		assert_non_null(tickets[i]);
	}
	assert_null(request(queue, keys, "one more"));
	assert_int_equal(await(NULL), REASON_BUSY);
	again = request(queue, keys, "need 0");
	assert_non_null(again);
	verifier_release(&v);
	await(again);
	await(first);
	for (unsigned i = 0; i < LIMIT_VERIFY_QUEUE; i++)
		assert_int_equal(await(tickets[i]), REASON_BAD_SIGNATURE);
	verify_queue_stop(queue);
	key_set_unref(keys);
}

static void a_wait_ends_at_its_deadline_and_the_flight_goes_on(void **state)
{
	struct verifier v = VERIFIER({"0", GOOD(ANNA)});
	struct key_set *keys = two_keys();
	struct verify_ticket *first;
	struct verify_queue *queue = start_held(&v, keys, &first);
	int64_t deadline = clock_monotonic_ms() + 20;
	struct signature_facts facts;

	(void)state;
	verify_ticket_wait(first, deadline, &facts);
	assert_int_equal(facts.verdict, VERDICT_REJECTED);
	assert_int_equal(facts.reason, REASON_TIMEOUT);
	assert_true(clock_monotonic_ms() >= deadline);
	first = request(queue, keys, "0");
	verifier_release(&v);
	assert_int_equal(await(first), REASON_GOOD);
	assert_int_equal(verifier_calls(&v), 1);
	verify_queue_stop(queue);
	key_set_unref(keys);
}

static void a_failure_of_the_worker_is_no_verdict(void **state)
{
	struct verifier v = VERIFIER({"x", {.reason = REASON_TIMEOUT}}, {"y", {.reason = REASON_WORKER_FAILED}});
	struct key_set *keys = two_keys();
	struct verify_queue *queue = start(&v, 1);

	(void)state;
	assert_int_equal(await(request(queue, keys, "x")), REASON_TIMEOUT);
	assert_int_equal(await(request(queue, keys, "y")), REASON_WORKER_FAILED);
	assert_false(peek(queue, keys, "x"));
	assert_false(peek(queue, keys, "y"));
	assert_int_equal(await(request(queue, keys, "x")), REASON_TIMEOUT);
	assert_int_equal(verifier_calls(&v), 3);
	verify_queue_stop(queue);
	key_set_unref(keys);
}

static void verify_nothing(void *context, struct key_set *keys, const struct attestation_row *row, int64_t now,
			   int64_t deadline_ms, struct signature_facts *out)
{
	(void)context;
	(void)keys;
	(void)row;
	(void)now;
	(void)deadline_ms;
	(void)out;
}

static void a_verification_that_says_nothing_is_a_rejection(void **state)
{
	struct key_set *keys = two_keys();
	struct err e;
	struct verify_queue *queue = verify_queue_start_with(verify_nothing, NULL, 1, NULL, NULL, &e);

	(void)state;
	assert_int_equal(await(request(queue, keys, "x")), REASON_NOT_VERIFIED);
	verify_queue_stop(queue);
	key_set_unref(keys);
}

static void *wait_in_thread(void *context)
{
	struct signature_facts facts;

	verify_ticket_wait(context, 0, &facts);
	return facts.verdict == VERDICT_REJECTED && facts.reason == REASON_BUSY ? context : NULL;
}

static void *stop_in_thread(void *context)
{
	verify_queue_stop(context);
	return NULL;
}

static void stopping_wakes_everybody_with_a_rejection(void **state)
{
	struct verifier v = VERIFIER({"0", GOOD(ANNA)}, {"queued", GOOD(ANNA)});
	struct key_set *keys = two_keys();
	struct verify_ticket *tickets[3];
	pthread_t waiters[3], stopper;
	struct verify_queue *queue = start_held(&v, keys, &tickets[0]);

	(void)state;
	tickets[1] = request(queue, keys, "queued");
	tickets[2] = request(queue, keys, "queued");
	add(queue, keys, "upload");
	for (size_t i = 0; i < 3; i++)
		pthread_create(&waiters[i], NULL, wait_in_thread, tickets[i]);
	pthread_create(&stopper, NULL, stop_in_thread, queue);
	for (size_t i = 0; i < 3; i++) {
		void *rejected;

		pthread_join(waiters[i], &rejected);
		assert_non_null(rejected);
	}
	verifier_release(&v);
	pthread_join(stopper, NULL);
	assert_int_equal(v.calls, 1);
	key_set_unref(keys);
}

static bool count_row(void *context, const struct attestation_row *row)
{
	(void)row;
	++*(size_t *)context;
	return true;
}

/* How many hints the store has once `signature`, stored under DIGEST, was verified. */
static size_t hints_after(const char *signature, struct verifier *v)
{
	struct scratch_store scratch;
	struct key_set *keys = two_keys();
	struct attestation_row row = row_of(signature);
	struct evidence evidence = {row.signature, {NULL, 0}};
	struct occurrence_row occurrence = {.project = row.project,
					    .id = row.id,
					    .note = row.note,
					    .digest = STR(DIGEST),
					    .evidence = &evidence,
					    .evidence_count = 1};
	struct verify_queue *queue;
	size_t hints = 0;
	struct err e;

	assert_true(scratch_store_open(&scratch));
	assert_true(store_create_occurrence(scratch.store, &occurrence, 0, &e));
	queue = verify_queue_start_with(verifier_verify, v, 1, scratch.store, NULL, &e);
	verify_queue_add(queue, keys, STR(DIGEST), &row);
	verifier_wait(v, 1);
	verify_queue_stop(queue);
	assert_true(store_hinted_attestations(scratch.store, STR(DIGEST), NULL, 0, 0, count_row, &hints, &e));
	scratch_store_remove(&scratch);
	key_set_unref(keys);
	return hints;
}

static bool has_hint(struct store *store)
{
	size_t hints = 0;
	struct err e;

	assert_true(store_hinted_attestations(store, STR(DIGEST), NULL, 0, 0, count_row, &hints, &e));
	return hints > 0;
}

/* Its verdict is known; the row that the hint led to is gone. */
static void a_copy_of_what_is_good_leaves_a_hint_of_its_own(void **state)
{
	struct verifier v = VERIFIER({"x", GOOD(ANNA)});
	struct scratch_store scratch;
	struct key_set *keys = two_keys();
	struct attestation_row row = row_of("x");
	struct evidence evidence = {row.signature, {NULL, 0}};
	struct occurrence_row occurrence = {.project = row.project,
					    .note = row.note,
					    .digest = STR(DIGEST),
					    .evidence = &evidence,
					    .evidence_count = 1};
	struct verify_queue *queue;
	struct err e;

	(void)state;
	assert_true(scratch_store_open(&scratch));
	queue = verify_queue_start_with(verifier_verify, &v, 1, scratch.store, NULL, &e);
	for (int i = 0; i < 2; i++) {
		occurrence.id = row.id = i ? STR("copy") : STR("first");
		assert_true(store_create_occurrence(scratch.store, &occurrence, 0, &e));
		verify_queue_add(queue, keys, STR(DIGEST), &row);
		while (!has_hint(scratch.store))
			poll(NULL, 0, 1);
		assert_true(store_delete_occurrence(scratch.store, row.project, row.id, 0, &e));
		assert_false(has_hint(scratch.store));
	}
	assert_int_equal(verifier_calls(&v), 1);
	verify_queue_stop(queue);
	scratch_store_remove(&scratch);
	key_set_unref(keys);
}

static void only_what_is_good_for_its_digest_leaves_a_hint(void **state)
{
	static const struct {
		struct signature_facts facts;
		size_t hints;
	} rows[] = {
		{GOOD(ANNA), 1},
		{GOOD(ANNA, .signature_expires_at = 5, .key_expires_at = 7), 1},
		{GOOD(ANNA, .repository = "example.com/app"), 1},
		{{.reason = REASON_BAD_SIGNATURE, .digest = DIGEST}, 0},
		{{.reason = REASON_UNKNOWN_KEY, .digest = DIGEST}, 0},
		{{.verdict = VERDICT_ACCEPTED, .reason = REASON_GOOD, .signer = ANNA, .digest = OTHER_DIGEST}, 0},
		{{.verdict = VERDICT_ACCEPTED, .reason = REASON_GOOD, .signer = ANNA}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verifier v = VERIFIER({"x", rows[i].facts});

		assert_int_equal(hints_after("x", &v), rows[i].hints);
	}
}

static void counts_verifications_and_looks_into_the_cache(void **state)
{
	struct verifier v = VERIFIER({"good", GOOD(ANNA)});
	struct key_set *keys = two_keys();
	struct metrics *metrics = metrics_new();
	struct err e;
	struct verify_queue *queue = verify_queue_start_with(verifier_verify, &v, 1, NULL, metrics, &e);
	cleanup(buf) struct buf out = buf_init(1u << 20);

	(void)state;
	assert_false(peek(queue, keys, "good"));
	await(request(queue, keys, "good"));
	await(request(queue, keys, "good"));
	await(request(queue, keys, "x"));
	assert_true(peek(queue, keys, "good"));
	assert_true(peek(queue, keys, "x"));
	verify_queue_stop(queue);
	metrics_write(metrics, 0, &out);
	assert_non_null(strstr(out.data, "sealgate_verifications_total{verdict=\"accepted\",reason=\"good\"} 1\n"));
	assert_non_null(
		strstr(out.data, "sealgate_verifications_total{verdict=\"rejected\",reason=\"bad_signature\"} 1\n"));
	assert_non_null(strstr(out.data, "sealgate_verdict_cache_hits_total 2\n"));
	assert_non_null(strstr(out.data, "sealgate_verdict_cache_misses_total 1\n"));
	metrics_free(metrics);
	key_set_unref(keys);
}

static void CVE_2024_51491_a_hint_that_can_t_be_kept_spoils_no_verdict(void **state)
{
	struct verifier v = VERIFIER({"good", GOOD(ANNA)});
	struct scratch_store scratch;
	struct key_set *keys = two_keys();
	struct verify_queue *queue;
	struct store *read_only;
	char url[320];
	struct err e;

	(void)state;
	assert_true(scratch_store_open(&scratch));
	snprintf(url, sizeof(url), "sqlite:%s", scratch.path);
	read_only = store_open(url, STORE_READ_ONLY, &e);
	assert_non_null(read_only);
	queue = verify_queue_start_with(verifier_verify, &v, 1, read_only, NULL, &e);
	assert_int_equal(await(request(queue, keys, "good")), REASON_GOOD);
	verify_queue_stop(queue);
	store_close(read_only);
	scratch_store_remove(&scratch);
	key_set_unref(keys);
}

static void uploads_never_take_the_last_thread(void **state)
{
	struct verifier v = VERIFIER();
	struct key_set *keys = two_keys();
	struct verify_queue *queue = start(&v, 3);
	struct verify_ticket *review;

	(void)state;
	verifier_hold(&v);
	add(queue, keys, "upload 1");
	add(queue, keys, "upload 2");
	add(queue, keys, "upload 3");
	add(queue, keys, "upload 4");
	verifier_wait(&v, 2);
	review = request(queue, keys, "review");
	verifier_wait(&v, 3);
	assert_memory_equal(v.order, "uur", 3);
	verifier_release(&v);
	await(review);
	/* They are not forgotten either. */
	verifier_wait(&v, 5);
	verify_queue_stop(queue);
	key_set_unref(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_verified_once_however_many_wait),
		cmocka_unit_test(another_payload_or_key_set_is_another_flight),
		cmocka_unit_test(what_a_review_needs_goes_before_uploads),
		cmocka_unit_test(uploads_beyond_the_queue_are_dropped_and_verified_on_need),
		cmocka_unit_test(uploads_that_wait_take_only_so_much_memory),
		cmocka_unit_test(reviews_beyond_the_queue_are_told_that_it_is_busy),
		cmocka_unit_test(a_wait_ends_at_its_deadline_and_the_flight_goes_on),
		cmocka_unit_test(a_failure_of_the_worker_is_no_verdict),
		cmocka_unit_test(a_verification_that_says_nothing_is_a_rejection),
		cmocka_unit_test(stopping_wakes_everybody_with_a_rejection),
		cmocka_unit_test(a_copy_of_what_is_good_leaves_a_hint_of_its_own),
		cmocka_unit_test(only_what_is_good_for_its_digest_leaves_a_hint),
		cmocka_unit_test(counts_verifications_and_looks_into_the_cache),
		cmocka_unit_test(CVE_2024_51491_a_hint_that_can_t_be_kept_spoils_no_verdict),
		cmocka_unit_test(uploads_never_take_the_last_thread),
	};

	return cmocka_run_group_tests_name("verify_queue", tests, NULL, NULL);
}
