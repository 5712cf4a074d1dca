#include "server/facts_cache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BYTES (1u << 20)
#define ALWAYS ((struct facts_window){INT64_MIN, INT64_MAX})

struct bed {
	struct facts_cache *cache;
	struct arena arena;
	struct facts_answer out;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	bed->cache = facts_cache_new(BYTES);
	bed->arena = arena_init(64u << 20);
	*state = bed;
	return bed->cache ? 0 : -1;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	facts_cache_free(bed->cache);
	arena_release(&bed->arena);
	free(bed);
	return 0;
}

static struct facts_question about(const char *digest, uint64_t version)
{
	static const struct str notes[] = {{"a", 1}, {"b", 1}};

	return (struct facts_question){version, 7, str_of(digest), notes, 2};
}

static void put_at(struct bed *bed, const struct facts_question *question, struct facts_window window)
{
	struct attestation_fact fact = {.name = STR("name"),
					.note = STR("a"),
					.verdict = VERDICT_ACCEPTED,
					.signer = STR("signer"),
					.digest = question->digest,
					.repository = STR("")};

	facts_cache_put(bed->cache, question, window, &(struct facts_answer){&fact, 1, 0});
}

static void put(struct bed *bed, const char *digest, uint64_t version)
{
	const struct facts_question question = about(digest, version);

	put_at(bed, &question, ALWAYS);
}

static bool has_at(struct bed *bed, const struct facts_question *question, int64_t now)
{
	return facts_cache_get(bed->cache, question, now, &bed->arena, &bed->out);
}

static bool has(struct bed *bed, const char *digest, uint64_t version)
{
	const struct facts_question question = about(digest, version);

	return has_at(bed, &question, 0);
}

static void gives_what_was_put(void **state)
{
	struct bed *bed = *state;

	assert_false(has(bed, "d", 1));
	put(bed, "d", 1);
	assert_true(has(bed, "d", 1));
	assert_int_equal(bed->out.count, 1);
	assert_int_equal(bed->out.items[0].verdict, VERDICT_ACCEPTED);
	assert_true(str_eq_c(bed->out.items[0].name, "name"));
	assert_true(str_eq_c(bed->out.items[0].signer, "signer"));
	assert_true(str_eq_c(bed->out.items[0].digest, "d"));
	assert_false(has(bed, "e", 1));
}

static void an_answer_holds_for_its_version_alone(void **state)
{
	struct bed *bed = *state;

	put(bed, "d", 2);
	assert_false(has(bed, "d", 1));
	assert_true(has(bed, "d", 2));
	assert_false(has(bed, "d", 3));
	assert_false(has(bed, "d", 2));
}

static void an_older_answer_takes_no_place(void **state)
{
	struct bed *bed = *state;

	put(bed, "d", 2);
	put(bed, "d", 1);
	assert_false(has(bed, "d", 1));
	assert_true(has(bed, "d", 2));
}

static void notes_and_keys_are_part_of_the_question(void **state)
{
	static const struct str swapped[] = {{"b", 1}, {"a", 1}}, joined[] = {{"ab", 2}};
	struct bed *bed = *state;
	struct facts_question question = about("d", 1);

	put(bed, "d", 1);
	question.notes = swapped;
	assert_false(has_at(bed, &question, 0));
	question = about("d", 1);
	question.note_count = 1;
	assert_false(has_at(bed, &question, 0));
	question.notes = joined;
	assert_false(has_at(bed, &question, 0));
	question.note_count = 0;
	assert_false(has_at(bed, &question, 0));
	question = about("d", 1);
	question.key_set = 8;
	assert_false(has_at(bed, &question, 0));
}

static void an_answer_holds_from_its_first_second_until_before_its_last(void **state)
{
	struct bed *bed = *state;
	const struct facts_question question = about("d", 1);

	put_at(bed, &question, (struct facts_window){10, 20});
	assert_false(has_at(bed, &question, 9));
	assert_true(has_at(bed, &question, 10));
	assert_true(has_at(bed, &question, 19));
	assert_false(has_at(bed, &question, 20));
}

static void nothing_empty_unfinished_or_too_large_is_kept(void **state)
{
	struct bed *bed = *state;
	const struct facts_question question = about("d", 1);
	struct attestation_fact fact = {.name = arena_printf(&bed->arena, "%*d", (int)(BYTES / 256), 1)};

	facts_cache_put(bed->cache, &question, ALWAYS, &(struct facts_answer){&fact, 0, 0});
	assert_false(has(bed, "d", 1));
	facts_cache_put(bed->cache, &question, ALWAYS, &(struct facts_answer){&fact, 1, 0});
	assert_false(has(bed, "d", 1));
	fact.name.len = 10;
	facts_cache_put(bed->cache, &question, ALWAYS, &(struct facts_answer){&fact, 1, 1});
	assert_false(has(bed, "d", 1));
	facts_cache_put(bed->cache, &question, ALWAYS, &(struct facts_answer){&fact, 1, 0});
	assert_true(has(bed, "d", 1));
}

/* More than fits, each with one fact of more than a hundred bytes; one digest is asked for all the time. */
static void what_is_used_stays_and_the_rest_takes_no_more_than_its_bytes(void **state)
{
	struct bed *bed = *state;
	const size_t many = BYTES / 100;
	size_t kept = 0;
	char digest[16];

	put(bed, "used", 1);
	for (size_t i = 0; i < many; i++) {
		snprintf(digest, sizeof(digest), "%zu", i);
		put(bed, digest, 1);
		assert_true(has(bed, "used", 1));
	}
	for (size_t i = 0; i < many; i++) {
		snprintf(digest, sizeof(digest), "%zu", i);
		kept += has(bed, digest, 1);
	}
	assert_in_range(kept, BYTES / 1000, BYTES / sizeof(struct attestation_fact));
}

static void without_room_in_the_arena_there_is_no_answer(void **state)
{
	struct bed *bed = *state;
	struct arena full = arena_init(1);
	const struct facts_question question = about("d", 1);

	put(bed, "d", 1);
	assert_false(facts_cache_get(bed->cache, &question, 0, &full, &bed->out));
	arena_release(&full);
}

/* Its digest tells the version for which it was put. */
static void *use(void *context)
{
	struct bed *bed = context;
	struct bed own = {.cache = bed->cache, .arena = arena_init(64u << 20)};
	bool right = true;

	for (uint64_t i = 0; i < 5000; i++) {
		struct facts_question question = about("d", 1 + i / 10);
		struct str version = arena_printf(&own.arena, "%llu", (unsigned long long)question.version);
		struct attestation_fact fact = {.name = version};

		if (has_at(&own, &question, 0))
			right = right && str_eq(own.out.items[0].name, version);
		facts_cache_put(own.cache, &question, ALWAYS, &(struct facts_answer){&fact, 1, 0});
	}
	arena_release(&own.arena);
	return right ? bed : NULL;
}

static void many_threads_get_only_what_belongs_to_their_version(void **state)
{
	pthread_t threads[4];
	void *right;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, *state), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &right);
		assert_non_null(right);
	}
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(gives_what_was_put),
		CASE(an_answer_holds_for_its_version_alone),
		CASE(an_older_answer_takes_no_place),
		CASE(notes_and_keys_are_part_of_the_question),
		CASE(an_answer_holds_from_its_first_second_until_before_its_last),
		CASE(nothing_empty_unfinished_or_too_large_is_kept),
		CASE(what_is_used_stays_and_the_rest_takes_no_more_than_its_bytes),
		CASE(without_room_in_the_arena_there_is_no_answer),
		CASE(many_threads_get_only_what_belongs_to_their_version),
	};

	return cmocka_run_group_tests_name("facts_cache", tests, NULL, NULL);
}
