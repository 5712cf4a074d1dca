#include "server/event_table.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"

#define NOW ((struct timestamp){1764000000, 5000})

static int setup(void **state)
{
	*state = event_table_new(7);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	event_table_free(*state);
	return 0;
}

static struct refusal about(const char *name, const char *note)
{
	return (struct refusal){.namespace_ = STR("shop"),
				.api_version = STR("apps/v1"),
				.kind = STR("ReplicaSet"),
				.name = str_of(name),
				.uid = STR("u-1"),
				.note = str_of(note)};
}

static bool note(struct event_table *table, const char *name, const char *text, int64_t now_ms)
{
	const struct refusal refusal = about(name, text);

	return event_table_note(table, &refusal, now_ms, NOW);
}

/* How many are due at `now_ms`; each is told to have ended so. */
static size_t send_all(struct event_table *table, int64_t now_ms, enum event_outcome outcome)
{
	struct event_due due;
	size_t ids[EVENTS_REMEMBERED], count = 0;

	while (event_table_due(table, now_ms, &due))
		ids[count++] = due.id;
	for (size_t i = 0; i < count; i++)
		event_table_done(table, ids[i], outcome, now_ms);
	return count;
}

static void the_first_refusal_is_told_at_once_and_the_next_as_a_series(void **state)
{
	struct event_table *table = *state;
	struct event_due due;

	assert_true(note(table, "web", "no", 1000));
	assert_int_equal(event_table_next(table, 1000), 1000);
	assert_true(event_table_due(table, 1000, &due));
	assert_true(due.create);
	assert_int_equal(due.count, 1);
	assert_false(event_table_due(table, 1000, &due));
	event_table_done(table, due.id, EVENT_WRITTEN, 1000);
	assert_int_equal(event_table_next(table, 1000), INT64_MAX);

	for (int i = 0; i < 5; i++)
		assert_true(note(table, "web", "no", 1100));
	assert_false(event_table_due(table, 1000 + EVENT_SERIES_MS - 1, &due));
	assert_int_equal(event_table_next(table, 1100), 1000 + EVENT_SERIES_MS);
	assert_true(event_table_due(table, 1000 + EVENT_SERIES_MS, &due));
	assert_false(due.create);
	assert_int_equal(due.count, 6);
}

static void another_object_or_another_note_is_another_event(void **state)
{
	struct event_table *table = *state;

	note(table, "web", "no", 1000);
	note(table, "web", "no, because", 1000);
	note(table, "db", "no", 1000);
	note(table, "db", "no", 1000);
	assert_int_equal(send_all(table, 1000, EVENT_WRITTEN), 3);
}

static void no_more_than_twenty_are_created_in_a_second(void **state)
{
	struct event_table *table = *state;
	char name[32];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "web-%d", i);
		assert_true(note(table, name, "no", 5000));
	}
	assert_int_equal(send_all(table, 5000, EVENT_WRITTEN), EVENTS_A_SECOND);
	assert_int_equal(send_all(table, 5049, EVENT_WRITTEN), 0);
	assert_int_equal(event_table_next(table, 5049), 5050);
	assert_int_equal(send_all(table, 6000, EVENT_WRITTEN), EVENTS_A_SECOND);
	assert_int_equal(send_all(table, 600000, EVENT_WRITTEN), EVENTS_A_SECOND);
}

static void what_has_no_room_is_left_out(void **state)
{
	struct event_table *table = *state;
	char name[32];

	for (unsigned i = 0; i < EVENTS_REMEMBERED; i++) {
		(void)snprintf(name, sizeof(name), "web-%u", i);
		assert_true(note(table, name, "no", 1000));
	}
	assert_false(note(table, "one-more", "no", 1000));
	assert_true(note(table, "web-3", "no", 1000));
	assert_false(note(table, "one-more", "no", 1000 + EVENT_REST_MS - 1));
	assert_true(note(table, "one-more", "no", 1000 + EVENT_REST_MS));
}

static void after_a_rest_it_is_a_new_event(void **state)
{
	struct event_table *table = *state;
	struct event_due due;

	note(table, "web", "no", 1000);
	assert_int_equal(send_all(table, 1000, EVENT_WRITTEN), 1);
	note(table, "web", "no", 1000 + EVENT_REST_MS);
	assert_true(event_table_due(table, 1000 + EVENT_REST_MS, &due));
	assert_true(due.create);
	assert_int_equal(due.count, 1);
}

static void an_event_that_is_gone_is_created_anew_under_another_name(void **state)
{
	struct event_table *table = *state;
	struct event_due due;
	char name[EVENT_NAME_MAX];

	note(table, "web", "no", 1000);
	assert_true(event_table_due(table, 1000, &due));
	(void)snprintf(name, sizeof(name), "%s", due.name);
	event_table_done(table, due.id, EVENT_WRITTEN, 1000);
	note(table, "web", "no", 2000);
	assert_true(event_table_due(table, 40000, &due));
	assert_string_equal(due.name, name);
	event_table_done(table, due.id, EVENT_GONE, 40000);
	assert_true(event_table_due(table, 40000, &due));
	assert_true(due.create);
	assert_int_equal(due.count, 2);
	assert_string_not_equal(due.name, name);
}

static void what_fails_is_tried_three_times_and_then_with_the_next_refusal(void **state)
{
	struct event_table *table = *state;
	int64_t now_ms = 1000;

	note(table, "web", "no", now_ms);
	for (int i = 0; i < 3; i++, now_ms += EVENT_SERIES_MS)
		assert_int_equal(send_all(table, now_ms, EVENT_FAILED), 1);
	assert_int_equal(send_all(table, now_ms, EVENT_FAILED), 0);
	note(table, "web", "no", now_ms);
	assert_int_equal(send_all(table, now_ms, EVENT_FAILED), 1);
}

static json_t *body_of(const struct event_due *due)
{
	cleanup(buf) struct buf text = buf_init(EVENT_BODY_MAX);
	json_t *json = NULL;
	struct err e = ERR_INIT;

	event_body(due, STR("pod-1"), &text);
	assert_true(buf_ok(&text, &e));
	if (!json_read(buf_str(&text), &json, &e))
		fail_msg("%s: %s", e.text, text.data);
	return json;
}

static const char *text_in(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void an_event_says_what_kubernetes_demands(void **state)
{
	struct event_table *table = *state;
	struct event_due due;

	note(table, "web", "say \"no\"\n", 1000);
	assert_true(event_table_due(table, 1000, &due));
	cleanup(json) json_t *event = body_of(&due);
	const json_t *regarding = json_object_get(event, "regarding");
	assert_string_equal(text_in(event, "note"), "say \"no\"\n");
	assert_string_equal(text_in(event, "eventTime"), "2025-11-24T16:00:00.000005Z");
	assert_string_equal(text_in(event, "reportingInstance"), "pod-1");
	assert_string_equal(text_in(event, "type"), "Warning");
	assert_string_equal(text_in(json_object_get(event, "metadata"), "namespace"), "shop");
	assert_string_equal(text_in(regarding, "namespace"), "shop");
	assert_string_equal(text_in(regarding, "name"), "web");
	assert_null(json_object_get(event, "series"));
}

static void a_series_says_how_many_and_nothing_else(void **state)
{
	struct event_table *table = *state;
	struct event_due due;

	note(table, "web", "no", 1000);
	assert_int_equal(send_all(table, 1000, EVENT_WRITTEN), 1);
	note(table, "web", "no", 2000);
	assert_true(event_table_due(table, 40000, &due));
	cleanup(json) json_t *patch = body_of(&due);
	assert_int_equal(json_object_size(patch), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(patch, "series"), "count")), 2);
}

static void the_largest_event_fits_its_body(void **state)
{
	struct event_table *table = *state;
	struct event_due due;
	char name[REFUSAL_NAME_MAX], long_note[REFUSAL_NOTE_MAX];

	memset(name, 1, sizeof(name));
	memset(long_note, 1, sizeof(long_note));
	const struct str longest = str_make(name, sizeof(name));
	const struct refusal refusal = {longest, longest, longest,
					longest, longest, str_make(long_note, sizeof(long_note))};
	assert_true(event_table_note(table, &refusal, 1000, NOW));
	assert_true(event_table_due(table, 1000, &due));
	json_decref(body_of(&due));
}

static void a_full_queue_leaves_out_and_counts(void **state)
{
	cleanup(refusal_queue) struct refusal_queue *queue = refusal_queue_new();
	const struct refusal refusal = about("web", "no");
	struct refusal *taken;
	size_t count = 0;

	(void)state;
	for (unsigned i = 0; i < REFUSALS_WAITING + 3; i++)
		refusal_queue_offer(queue, &refusal);
	assert_int_equal(refusal_queue_left_out(queue), 3);
	while ((taken = refusal_queue_take(queue)) != NULL) {
		assert_true(str_eq(taken->name, STR("web")));
		free(taken);
		count++;
	}
	assert_int_equal(count, REFUSALS_WAITING);
}

static void a_long_note_is_cut_between_characters(void **state)
{
	cleanup(refusal_queue) struct refusal_queue *queue = refusal_queue_new();
	char text[2 * REFUSAL_NOTE_MAX + 1];
	struct refusal refusal = about("web", "");
	struct refusal *taken;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	refusal.note = str_make(text, sizeof(text) - 1);
	refusal_queue_offer(queue, &refusal);
	taken = refusal_queue_take(queue);
	assert_non_null(taken);
	assert_int_equal(taken->note.len, REFUSAL_NOTE_MAX - 1);
	assert_true(str_ends_with(taken->note, STR("\xc3\xa9...")));
	free(taken);
}

static void *offer_many(void *context)
{
	const struct refusal refusal = about("web", "no");

	for (int i = 0; i < 1000; i++)
		refusal_queue_offer(context, &refusal);
	return NULL;
}

static void many_threads_lose_nothing_uncounted(void **state)
{
	cleanup(refusal_queue) struct refusal_queue *queue = refusal_queue_new();
	pthread_t threads[4];
	struct refusal *taken;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, offer_many, queue), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	while ((taken = refusal_queue_take(queue)) != NULL) {
		free(taken);
		count++;
	}
	assert_int_equal(count + refusal_queue_left_out(queue), 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_refusal_is_told_at_once_and_the_next_as_a_series, setup,
						teardown),
		cmocka_unit_test_setup_teardown(another_object_or_another_note_is_another_event, setup, teardown),
		cmocka_unit_test_setup_teardown(no_more_than_twenty_are_created_in_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_no_room_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(after_a_rest_it_is_a_new_event, setup, teardown),
		cmocka_unit_test_setup_teardown(an_event_that_is_gone_is_created_anew_under_another_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_fails_is_tried_three_times_and_then_with_the_next_refusal, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_event_says_what_kubernetes_demands, setup, teardown),
		cmocka_unit_test_setup_teardown(a_series_says_how_many_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(the_largest_event_fits_its_body, setup, teardown),
		cmocka_unit_test(a_full_queue_leaves_out_and_counts),
		cmocka_unit_test(a_long_note_is_cut_between_characters),
		cmocka_unit_test(many_threads_lose_nothing_uncounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
