/* Following one resource, with an API server that does what the test says. */
#include "kube/list_watch.h"
#include "base/buf.h"
#include "tests/unit/kube/script.h"

#define START 1000000

static const struct list_watch_target target = {.name = "attestors", .path = "/apis/g/v1/attestors"};
static const struct list_watch_target bare = {
	.name = "namespaces", .path = "/api/v1/namespaces", .metadata_only = true};

struct bed {
	struct script script;
	struct list_watch *watch;
	int64_t now_ms;
	int64_t due_ms;
	struct buf told; /* "begin +a -b synced !TEXT" */
	unsigned failures;
};

static void on_begin(void *context)
{
	buf_add_c(&((struct bed *)context)->told, "begin ");
}

static void add_name(struct bed *bed, char sign, const json_t *object)
{
	struct str name = json_text(json_object_get(object, "metadata"), "name");
	buf_printf(&bed->told, "%c%.*s ", sign, STR_ARG(name));
}

static void on_present(void *context, const json_t *object)
{
	add_name(context, '+', object);
}

static void on_gone(void *context, const json_t *object)
{
	add_name(context, '-', object);
}

static void on_synced(void *context)
{
	buf_add_c(&((struct bed *)context)->told, "synced ");
}

static void on_failed(void *context, const struct err *e)
{
	struct bed *bed = context;
	bed->failures++;
	buf_printf(&bed->told, "!%s ", e->text);
}

static void step(struct bed *bed)
{
	bed->due_ms = list_watch_step(bed->watch, bed->now_ms);
}

static void begin_at(struct bed *bed, const struct list_watch_target *which, uint64_t seed)
{
	const struct list_watch_events events = {.context = bed,
						 .begin = on_begin,
						 .present = on_present,
						 .gone = on_gone,
						 .synced = on_synced,
						 .failed = on_failed};
	static struct list_watch_events kept;
	kept = events;
	*bed = (struct bed){.now_ms = START, .told = buf_init(1024 * 1024)};
	script_init(&bed->script);
	bed->watch = list_watch_new(&bed->script.transport, which, &kept, seed);
	assert_non_null(bed->watch);
	assert_int_equal(list_watch_stale_since(bed->watch), -1);
	step(bed);
}

static void end(struct bed *bed)
{
	list_watch_free(bed->watch);
	assert_false(bed->script.open);
	buf_release(&bed->told);
}

static void told(struct bed *bed, const char *text)
{
	assert_string_equal(bed->told.data ? bed->told.data : "", text);
	buf_clear(&bed->told);
	if (bed->told.data)
		bed->told.data[0] = '\0';
}

static void forget_told(struct bed *bed)
{
	buf_clear(&bed->told);
	if (bed->told.data)
		bed->told.data[0] = '\0';
}

static bool asked(const struct bed *bed, const char *part)
{
	return strstr(bed->script.path, part) != NULL;
}

/* As far as the next request. */
static void pass_delay(struct bed *bed)
{
	assert_true(bed->due_ms > bed->now_ms && bed->due_ms < bed->now_ms + 120000);
	bed->now_ms = bed->due_ms;
	step(bed);
	assert_true(bed->script.open);
}

#define OBJECT(name, version) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}\n"
#define BOOKMARK(version) "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"
#define INITIAL_END(version)                                                              \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version \
	"\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define EXPIRED "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}}\n"

/* A streaming list with one object, synced at version 5. */
static void sync_stream(struct bed *bed)
{
	assert_true(asked(bed, "sendInitialEvents=true"));
	script_head(&bed->script, 200, -1);
	script_data(&bed->script, EVENT("ADDED", "a", "3") INITIAL_END("5"));
	step(bed);
	told(bed, "begin +a synced ");
	assert_int_equal(list_watch_stale_since(bed->watch), 0);
	assert_int_equal(bed->due_ms, INT64_MAX);
}

static void begin_synced(struct bed *bed)
{
	begin_at(bed, &target, 7);
	sync_stream(bed);
}

static void a_stream_lists_and_goes_on_as_a_watch(void **state)
{
	struct bed bed;
	(void)state;
	begin_at(&bed, &target, 7);
	assert_string_equal(bed.script.method, "GET");
	assert_true(asked(&bed, "/apis/g/v1/attestors?watch=1&allowWatchBookmarks=true&timeoutSeconds="));
	assert_true(asked(&bed, "&resourceVersionMatch=NotOlderThan"));
	script_head(&bed.script, 200, -1);
	script_data(&bed.script, EVENT("ADDED", "a", "3"));
	script_data(&bed.script, BOOKMARK("4"));
	step(&bed);
	assert_int_equal(list_watch_stale_since(bed.watch), -1);
	script_data(&bed.script, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"5\",\"anno");
	script_data(&bed.script, "tations\":{\"k8s.io/initial-events-end\":\"true\"}}}}" EVENT("MODIFIED", "a", "6"));
	script_data(&bed.script, EVENT("DELETED", "a", "7"));
	step(&bed);
	told(&bed, "begin +a synced +a -a ");
	script_end(&bed.script, ERR_NONE);
	step(&bed);
	assert_true(asked(&bed, "&resourceVersion=7"));
	assert_false(asked(&bed, "sendInitialEvents"));
	assert_int_equal(list_watch_stale_since(bed.watch), 0);
	end(&bed);
}

static void bookmarks_move_the_watch_on(void **state)
{
	struct bed bed;
	(void)state;
	begin_synced(&bed);
	script_data(&bed.script, BOOKMARK("90"));
	script_end(&bed.script, ERR_NONE);
	step(&bed);
	assert_true(asked(&bed, "&resourceVersion=90"));
	told(&bed, "");
	end(&bed);
}

/* Whoever may annotate a namespace may write these; the API server keeps them. */
static void odd_values_of_one_object_stop_no_other(void **state)
{
	static const char odd[] = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"odd\",\"resourceVersion\":"
				  "\"6\",\"annotations\":"
				  "{\"a\":\"\\u0000\"}},\"spec\":{\"\\u0000\":99999999999999999999}}}\n";
	struct bed bed;
	(void)state;
	begin_synced(&bed);
	script_data(&bed.script, odd);
	script_data(&bed.script, EVENT("ADDED", "b", "7"));
	step(&bed);
	told(&bed, "+odd +b ");
	end(&bed);
}

static void begin_paged(struct bed *bed, int status)
{
	begin_at(bed, &target, 7);
	script_answer(&bed->script, status, "{\"message\":\"sendInitialEvents is forbidden\"}");
	step(bed);
	assert_true(asked(bed, "/apis/g/v1/attestors?limit=500"));
	told(bed, "begin begin ");
}

static void pages_take_over_where_there_are_no_streams(void **state)
{
	static const int statuses[] = {400, 422};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bed bed;
		begin_paged(&bed, statuses[i]);
		script_answer(&bed.script, 200,
			      "{\"metadata\":{\"resourceVersion\":\"8\",\"continue\":\"x/+=\"},\"items\":[" OBJECT(
				      "a", "1") "]}");
		step(&bed);
		assert_true(asked(&bed, "&continue=x%2F%2B%3D"));
		script_answer(&bed.script, 200,
			      "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[" OBJECT("b", "2") "]}");
		step(&bed);
		assert_true(asked(&bed, "watch=1") && asked(&bed, "&resourceVersion=9"));
		told(&bed, "+a +b synced ");
		assert_int_equal(bed.failures, 0);
		end(&bed);
	}
}

static void a_list_that_expires_between_pages_begins_again(void **state)
{
	struct bed bed;
	(void)state;
	begin_paged(&bed, 422);
	script_answer(&bed.script, 200,
		      "{\"metadata\":{\"resourceVersion\":\"8\",\"continue\":\"x\"},\"items\":[" OBJECT("a", "1") "]}");
	step(&bed);
	script_answer(&bed.script, 410, "{\"code\":410,\"reason\":\"Expired\"}");
	step(&bed);
	assert_false(asked(&bed, "continue"));
	script_answer(&bed.script, 200, "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":null}");
	step(&bed);
	told(&bed, "+a begin synced ");
	assert_int_equal(bed.failures, 0);
	end(&bed);
}

static void a_page_that_is_too_large_is_asked_for_in_parts(void **state)
{
	static char piece[1024 * 1024];
	struct bed bed;
	(void)state;
	memset(piece, ' ', sizeof(piece) - 1);
	begin_paged(&bed, 422);
	script_head(&bed.script, 200, -1);
	for (int i = 0; i < 18; i++)
		script_data(&bed.script, piece);
	script_end(&bed.script, ERR_NONE);
	step(&bed);
	assert_true(asked(&bed, "?limit=125"));
	assert_int_equal(bed.failures, 0);
	end(&bed);
}

static void what_is_forgotten_is_listed_again_at_once(void **state)
{
	struct bed bed;
	(void)state;
	begin_synced(&bed);
	script_data(&bed.script, EXPIRED);
	bed.now_ms += 5000;
	step(&bed);
	assert_int_equal(list_watch_stale_since(bed.watch), bed.now_ms);
	sync_stream(&bed);
	/* The same as a status. */
	script_data(&bed.script, BOOKMARK("9"));
	script_end(&bed.script, ERR_NONE);
	step(&bed);
	script_answer(&bed.script, 410, "{\"code\":410}");
	step(&bed);
	sync_stream(&bed);
	assert_int_equal(bed.failures, 0);
	end(&bed);
}

static void forgetting_again_and_again_is_a_failure(void **state)
{
	struct bed bed;
	(void)state;
	begin_synced(&bed);
	script_data(&bed.script, EXPIRED);
	step(&bed);
	sync_stream(&bed);
	script_data(&bed.script, EXPIRED);
	step(&bed);
	assert_false(bed.script.open);
	assert_int_equal(bed.failures, 1);
	pass_delay(&bed);
	end(&bed);
}

static void bad_answers_are_told_and_waited_out(void **state)
{
	static const struct {
		int status;
		int retry_after;
		int64_t at_least;
	} rows[] = {{401, -1, 800},	{403, -1, 800}, {404, -1, 800}, {429, 7, 7000},
		    {429, 9999, 60000}, {500, -1, 800}, {503, 3, 3000}, {302, -1, 800}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bed bed;
		char word[16];
		begin_at(&bed, &target, 7 + i);
		script_head(&bed.script, rows[i].status, rows[i].retry_after);
		script_data(&bed.script, "{\"garbage");
		script_end(&bed.script, ERR_NONE);
		step(&bed);
		(void)snprintf(word, sizeof(word), "status %d", rows[i].status);
		assert_non_null(strstr(bed.told.data, word));
		assert_non_null(strstr(bed.told.data, "!attestors: "));
		assert_int_equal(bed.failures, 1);
		assert_true(bed.due_ms >= bed.now_ms + rows[i].at_least);
		assert_int_equal(list_watch_stale_since(bed.watch), -1);
		pass_delay(&bed);
		end(&bed);
	}
}

static void what_is_known_stays_while_a_watch_is_broken(void **state)
{
	struct bed bed;
	(void)state;
	begin_synced(&bed);
	bed.now_ms += 60000;
	script_end(&bed.script, ERR_UNAVAILABLE);
	step(&bed);
	assert_int_equal(list_watch_stale_since(bed.watch), START + 60000);
	forget_told(&bed);
	pass_delay(&bed);
	/* It goes on where it stood: nothing was lost. */
	assert_true(asked(&bed, "&resourceVersion=5"));
	script_head(&bed.script, 200, -1);
	step(&bed);
	assert_int_equal(list_watch_stale_since(bed.watch), 0);
	told(&bed, "");
	end(&bed);
}

static void garbage_leads_to_a_new_list(void **state)
{
	static const char *const rows[] = {
		"garbage",
		"[1]",
		"\"text\"",
		"{\"type\":\"ADDED\"}",
		"{\"type\":\"ADDED\",\"object\":null}",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}",
		"{\"type\":\"ADDED\",\"type\":\"DELETED\",\"object\":" OBJECT("a", "1") "}",
		"{\"type\":\"SOMETHING\",\"object\":" OBJECT("a", "1") "}",
		"{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"resourceVersion\":7}}}",
		"{\"type\":\"BOOKMARK\",\"object\":{}}",
		"{}",
		"{]",
		"\xff",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bed bed;
		begin_synced(&bed);
		script_data(&bed.script, rows[i]);
		script_data(&bed.script, EVENT("ADDED", "late", "9"));
		if (bed.script.open && strcmp(rows[i], "{]") == 0)
			script_end(&bed.script, ERR_NONE);
		step(&bed);
		assert_int_equal(bed.failures, 1);
		assert_null(strstr(bed.told.data, "late"));
		assert_false(bed.script.open);
		pass_delay(&bed);
		assert_true(asked(&bed, "sendInitialEvents"));
		end(&bed);
	}
}

static void half_an_event_leads_to_a_new_list(void **state)
{
	static const enum err_kind ends[] = {ERR_NONE, ERR_UNAVAILABLE, ERR_TIMEOUT};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bed bed;
		begin_synced(&bed);
		script_data(&bed.script, "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"a\"");
		script_end(&bed.script, ends[i]);
		step(&bed);
		assert_int_equal(bed.failures, 1);
		forget_told(&bed);
		pass_delay(&bed);
		sync_stream(&bed);
		end(&bed);
	}
}

static void a_list_that_breaks_off_makes_nothing_gone(void **state)
{
	struct bed bed;
	(void)state;
	begin_at(&bed, &target, 7);
	script_head(&bed.script, 200, -1);
	script_data(&bed.script, EVENT("ADDED", "a", "3"));
	script_end(&bed.script, ERR_NONE);
	step(&bed);
	assert_null(strstr(bed.told.data, "synced"));
	assert_int_equal(bed.failures, 1);
	forget_told(&bed);
	pass_delay(&bed);
	sync_stream(&bed);
	end(&bed);
}

static void lists_without_a_version_or_items_are_errors(void **state)
{
	static const char *const rows[] = {"{\"metadata\":{},\"items\":[]}",
					   "{\"metadata\":{\"resourceVersion\":\"1\"}}",
					   "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":{}}",
					   "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[1]}",
					   "[]",
					   "",
					   "{"};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bed bed;
		begin_paged(&bed, 422);
		script_answer(&bed.script, 200, rows[i]);
		step(&bed);
		assert_int_equal(bed.failures, 1);
		assert_null(strstr(bed.told.data, "synced"));
		pass_delay(&bed);
		assert_true(asked(&bed, "?limit=500"));
		end(&bed);
	}
}

/* An event of `size` bytes of annotation. */
static void send_large(struct bed *bed, size_t size)
{
	static char piece[64 * 1024];
	memset(piece, 'x', sizeof(piece) - 1);
	script_data(&bed->script,
		    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"big\",\"resourceVersion\":\"9\","
		    "\"annotations\":{\"a\":\"");
	for (size_t sent = 0; sent < size; sent += sizeof(piece) - 1)
		script_data(&bed->script, piece);
	script_data(&bed->script, "\"}}}}");
}

static void an_event_of_two_megabytes_is_taken_and_an_endless_one_is_not(void **state)
{
	struct bed bed;
	(void)state;
	begin_synced(&bed);
	send_large(&bed, 2 * 1024 * 1024);
	step(&bed);
	told(&bed, "+big ");
	send_large(&bed, KUBE_OBJECT_MAX + 4096);
	step(&bed);
	assert_int_equal(bed.failures, 1);
	assert_null(strstr(bed.told.data, "+big"));
	end(&bed);
}

static void too_many_objects_are_not_followed(void **state)
{
	struct bed bed;
	(void)state;
	begin_at(&bed, &target, 7);
	script_head(&bed.script, 200, -1);
	for (unsigned i = 0; i <= KUBE_OBJECTS; i++)
		script_data(&bed.script, EVENT("ADDED", "a", "3"));
	step(&bed);
	assert_int_equal(bed.failures, 1);
	assert_non_null(strstr(bed.told.data, "more than 20000 objects"));
	assert_false(bed.script.open);
	end(&bed);
}

static void each_failure_doubles_the_wait_until_it_is_healthy(void **state)
{
	struct bed bed;
	int64_t base = 800;
	(void)state;
	begin_synced(&bed);
	for (int i = 0; i < 9; i++) {
		script_end(&bed.script, ERR_UNAVAILABLE);
		step(&bed);
		assert_true(bed.due_ms - bed.now_ms >= base && bed.due_ms - bed.now_ms < 2 * base);
		base = base * 2 < 30000 ? base * 2 : 30000;
		bed.now_ms = bed.due_ms - 1;
		step(&bed);
		assert_false(bed.script.open);
		bed.now_ms++;
		step(&bed);
	}
	script_head(&bed.script, 200, -1);
	step(&bed);
	bed.now_ms += 119000;
	step(&bed);
	bed.now_ms += 2000;
	step(&bed);
	script_end(&bed.script, ERR_UNAVAILABLE);
	step(&bed);
	assert_true(bed.due_ms - bed.now_ms < 1600);
	end(&bed);
}

static void replicas_do_not_come_back_together(void **state)
{
	int64_t first = 0;
	bool differs = false;
	(void)state;
	for (uint64_t seed = 1; seed < 6; seed++) {
		struct bed bed;
		begin_at(&bed, &target, seed * 77777);
		script_end(&bed.script, ERR_UNAVAILABLE);
		step(&bed);
		differs |= first && bed.due_ms != first;
		first = bed.due_ms;
		end(&bed);
	}
	assert_true(differs);
}

static void a_request_that_can_not_begin_is_a_failure(void **state)
{
	struct bed bed;
	(void)state;
	begin_synced(&bed);
	script_end(&bed.script, ERR_NONE);
	bed.script.refuse = true;
	step(&bed);
	assert_int_equal(bed.failures, 1);
	assert_true(list_watch_stale_since(bed.watch) > 0);
	bed.script.refuse = false;
	pass_delay(&bed);
	end(&bed);
}

static void of_namespaces_only_metadata_is_asked_for(void **state)
{
	struct bed bed;
	(void)state;
	begin_at(&bed, &bare, 7);
	assert_non_null(strstr(bed.script.accept, "as=PartialObjectMetadata;"));
	script_answer(&bed.script, 422, "{}");
	step(&bed);
	assert_non_null(strstr(bed.script.accept, "as=PartialObjectMetadataList;"));
	end(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_lists_and_goes_on_as_a_watch),
		cmocka_unit_test(bookmarks_move_the_watch_on),
		cmocka_unit_test(odd_values_of_one_object_stop_no_other),
		cmocka_unit_test(pages_take_over_where_there_are_no_streams),
		cmocka_unit_test(a_list_that_expires_between_pages_begins_again),
		cmocka_unit_test(a_page_that_is_too_large_is_asked_for_in_parts),
		cmocka_unit_test(what_is_forgotten_is_listed_again_at_once),
		cmocka_unit_test(forgetting_again_and_again_is_a_failure),
		cmocka_unit_test(bad_answers_are_told_and_waited_out),
		cmocka_unit_test(what_is_known_stays_while_a_watch_is_broken),
		cmocka_unit_test(garbage_leads_to_a_new_list),
		cmocka_unit_test(half_an_event_leads_to_a_new_list),
		cmocka_unit_test(a_list_that_breaks_off_makes_nothing_gone),
		cmocka_unit_test(lists_without_a_version_or_items_are_errors),
		cmocka_unit_test(an_event_of_two_megabytes_is_taken_and_an_endless_one_is_not),
		cmocka_unit_test(too_many_objects_are_not_followed),
		cmocka_unit_test(each_failure_doubles_the_wait_until_it_is_healthy),
		cmocka_unit_test(replicas_do_not_come_back_together),
		cmocka_unit_test(a_request_that_can_not_begin_is_a_failure),
		cmocka_unit_test(of_namespaces_only_metadata_is_asked_for),
	};
	return cmocka_run_group_tests_name("list_watch", tests, NULL, NULL);
}
