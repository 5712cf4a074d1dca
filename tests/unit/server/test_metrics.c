#include "server/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OUTPUT_MAX (4u * 1024 * 1024)

static const char *const names[] = {"sealgate_reviews_total",
				    "sealgate_review_duration_seconds",
				    "sealgate_verifications_total",
				    "sealgate_verdict_cache_hits_total",
				    "sealgate_verdict_cache_misses_total",
				    "sealgate_facts_cache_hits_total",
				    "sealgate_facts_cache_misses_total",
				    "sealgate_store_duration_seconds",
				    "sealgate_connections",
				    "sealgate_requests_in_work",
				    "sealgate_held_bytes",
				    "sealgate_overload_total",
				    "sealgate_key_expiry_seconds",
				    "sealgate_certificate_expiry_seconds",
				    "sealgate_policy_generation",
				    "sealgate_config_last_reload_successful",
				    "sealgate_sandbox"};
#define NAMES (sizeof(names) / sizeof(names[0]))

static bool has(const struct buf *out, const char *text)
{
	return strstr(out->data, text) != NULL;
}

static size_t count_of(const struct buf *out, const char *text)
{
	size_t count = 0;
	for (const char *p = out->data; (p = strstr(p, text)) != NULL; p++)
		count++;
	return count;
}

/* name{label="value",...} number, or a comment. */
static bool is_exposition_line(const char *line)
{
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	if (strncmp(line, "# HELP sealgate_", 16) == 0 || strncmp(line, "# TYPE sealgate_", 16) == 0)
		return true;
	if (n == 0)
		return false;
	line += n;
	if (*line == '{') {
		line = strstr(line, "\"} ");
		line = line ? line + 2 : "";
	}
	if (*line++ != ' ')
		return false;
	return strcmp(line, "+Inf") == 0 || (line[0] && line[strspn(line, "-.0123456789")] == 0);
}

static void every_metric_has_its_name_help_and_type_once(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	metrics_write(m, 1000, &out);
	for (size_t i = 0; i < NAMES; i++) {
		char line[128];
		(void)snprintf(line, sizeof(line), "# HELP %s ", names[i]);
		assert_int_equal(count_of(&out, line), 1);
		(void)snprintf(line, sizeof(line), "# TYPE %s ", names[i]);
		assert_int_equal(count_of(&out, line), 1);
	}
	assert_int_equal(count_of(&out, "# TYPE "), NAMES);
	metrics_free(m);
}

static void every_line_is_exposition_format(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	struct metrics_key keys[] = {{"00d06af943e9e46cc8baaf62de4fe9628a52f6df", 0}, {"ab", 500}};
	metrics_keys(m, keys, 2);
	metrics_certificate(m, "server", 2000);
	metrics_review(m, "refused", "digest", 1234567);
	metrics_write(m, 1000, &out);
	for (char *line = out.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = 0;
		if (!is_exposition_line(line))
			fail_msg("%s", line);
	}
	metrics_free(m);
}

static void reviews_count_under_fixed_labels_only(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf before = buf_init(OUTPUT_MAX), after = buf_init(OUTPUT_MAX);
	metrics_write(m, 0, &before);
	metrics_review(m, "allowed", "none", 10);
	metrics_review(m, "allowed", "none", 10);
	metrics_review(m, "refused", "\"} 1\nevil{x=\"", 10);
	metrics_review(m, "refused", NULL, 10);
	metrics_review(m, "unheard of", "deadline", 10);
	metrics_write(m, 0, &after);
	assert_true(has(&after, "sealgate_reviews_total{result=\"allowed\",reason=\"none\"} 2\n"));
	assert_true(has(&after, "sealgate_reviews_total{result=\"refused\",reason=\"other\"} 2\n"));
	assert_true(has(&after, "sealgate_reviews_total{result=\"error\",reason=\"deadline\"} 1\n"));
	assert_int_equal(count_of(&before, "\n"), count_of(&after, "\n"));
	assert_false(has(&after, "evil"));
	metrics_free(m);
}

static void histogram_buckets_are_cumulative_and_inclusive(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	metrics_review(m, "allowed", "none", -5);
	metrics_review(m, "allowed", "none", 100);
	metrics_review(m, "allowed", "none", 101);
	metrics_review(m, "allowed", "none", 10000000);
	metrics_review(m, "allowed", "none", 10000001);
	metrics_write(m, 0, &out);
	assert_true(has(&out, "sealgate_review_duration_seconds_bucket{le=\"0.0001\"} 2\n"));
	assert_true(has(&out, "sealgate_review_duration_seconds_bucket{le=\"0.00025\"} 3\n"));
	assert_true(has(&out, "sealgate_review_duration_seconds_bucket{le=\"5\"} 3\n"));
	assert_true(has(&out, "sealgate_review_duration_seconds_bucket{le=\"10\"} 4\n"));
	assert_true(has(&out, "sealgate_review_duration_seconds_bucket{le=\"+Inf\"} 5\n"));
	assert_true(has(&out, "sealgate_review_duration_seconds_sum 20.000202\n"));
	assert_true(has(&out, "sealgate_review_duration_seconds_count 5\n"));
	metrics_free(m);
}

static void store_operations_are_labelled(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	metrics_store(m, "attestations", 300);
	metrics_store(m, "unheard_of", 300);
	metrics_write(m, 0, &out);
	assert_true(has(&out, "sealgate_store_duration_seconds_bucket{operation=\"attestations\",le=\"0.0005\"} 1\n"));
	assert_true(has(&out, "sealgate_store_duration_seconds_sum{operation=\"attestations\"} 0.000300\n"));
	assert_true(has(&out, "sealgate_store_duration_seconds_count{operation=\"other\"} 1\n"));
	metrics_free(m);
}

static void verifications_and_cache_hits_count(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	metrics_verification(m, VERDICT_ACCEPTED, REASON_GOOD);
	metrics_verification(m, VERDICT_REJECTED, REASON_KEY_EXPIRED);
	metrics_verification(m, VERDICT_REJECTED, REASON_COUNT);
	metrics_verdict_cache(m, true);
	metrics_verdict_cache(m, false);
	metrics_verdict_cache(m, false);
	metrics_facts_cache(m, false);
	for (int i = 0; i < 3; i++)
		metrics_facts_cache(m, true);
	metrics_write(m, 0, &out);
	assert_true(has(&out, "sealgate_verifications_total{verdict=\"accepted\",reason=\"good\"} 1\n"));
	assert_true(has(&out, "sealgate_verifications_total{verdict=\"rejected\",reason=\"key_expired\"} 1\n"));
	assert_false(has(&out, "verdict=\"accepted\",reason=\"key_expired\""));
	assert_true(has(&out, "sealgate_verdict_cache_hits_total 1\n"));
	assert_true(has(&out, "sealgate_verdict_cache_misses_total 2\n"));
	assert_true(has(&out, "sealgate_facts_cache_hits_total 3\n"));
	assert_true(has(&out, "sealgate_facts_cache_misses_total 1\n"));
	metrics_free(m);
}

static void gauges_say_what_holds_now(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	struct metrics_key first[] = {{"aa", 2000}, {"bb", 0}, {"cc", 400}};
	struct metrics_key second[] = {{"bb", 0}, {"cc", 400}};
	metrics_keys(m, first, 3);
	metrics_keys(m, second, 2);
	metrics_certificate(m, "server", 1600);
	metrics_certificate(m, "server", 1700);
	metrics_policy(m, 7, true);
	metrics_connections(m, "webhook", 3);
	metrics_connections(m, "webhook", -1);
	metrics_write(m, 1000, &out);
	assert_false(has(&out, "fingerprint=\"aa\""));
	assert_true(has(&out, "sealgate_key_expiry_seconds{fingerprint=\"bb\"} +Inf\n"));
	assert_true(has(&out, "sealgate_key_expiry_seconds{fingerprint=\"cc\"} -600\n"));
	assert_true(has(&out, "sealgate_certificate_expiry_seconds{name=\"server\"} 700\n"));
	assert_int_equal(count_of(&out, "name=\"server\""), 1);
	assert_true(has(&out, "sealgate_policy_generation 7\n"));
	assert_true(has(&out, "sealgate_config_last_reload_successful 1\n"));
	assert_true(has(&out, "sealgate_connections{listener=\"webhook\"} 2\n"));
	metrics_free(m);
}

static void measures_of_the_sandbox_are_told_and_bounded(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	metrics_sandbox(m, "files", true);
	metrics_sandbox(m, "ports", false);
	for (int i = 0; i < 20; i++)
		metrics_sandbox(m, "more", true);
	metrics_write(m, 1000, &out);
	assert_true(has(&out, "\nsealgate_sandbox{measure=\"files\"} 1\n"));
	assert_true(has(&out, "\nsealgate_sandbox{measure=\"ports\"} 0\n"));
	assert_int_equal(count_of(&out, "sealgate_sandbox{"), 8);
	metrics_free(m);
}

static void certificates_are_bounded(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	for (int i = 0; i < 100; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "c%d", i);
		metrics_certificate(m, name, 1);
	}
	metrics_write(m, 0, &out);
	assert_int_equal(count_of(&out, "sealgate_certificate_expiry_seconds{"), 8);
	metrics_free(m);
}

static void *count_many(void *context)
{
	for (int i = 0; i < 10000; i++) {
		metrics_review(context, "allowed", "none", 1);
		metrics_connections(context, "api", i % 2 ? -1 : 1);
	}
	return NULL;
}

static void counts_from_several_threads_are_not_lost(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, m), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	metrics_write(m, 0, &out);
	assert_true(has(&out, "sealgate_reviews_total{result=\"allowed\",reason=\"none\"} 40000\n"));
	assert_true(has(&out, "sealgate_connections{listener=\"api\"} 0\n"));
	metrics_free(m);
}

static void the_cluster_shows_only_where_one_is_followed(void **state)
{
	struct metrics *m = metrics_new();
	struct cluster_metrics *cluster = metrics_cluster(m);
	static const uint64_t counts[SCANNED_RESULTS] = {5, 4, 3, 2};
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);

	(void)state;
	metrics_write(m, 0, &out);
	assert_false(has(&out, "sealgate_watch_up"));

	atomic_store(&cluster->followed, true);
	atomic_store(&cluster->watches[CLUSTER_SECRETS].stale_since_ms, -1);
	atomic_store(&cluster->watches[CLUSTER_NAMESPACES].stale_since_ms, 4000);
	atomic_store(&cluster->watches[CLUSTER_ATTESTORS].objects, 12);
	atomic_fetch_add(&cluster->events[CLUSTER_LEFT_OUT], 3);
	cluster_metrics_scan(cluster, counts, 1000);
	buf_clear(&out);
	cluster_metrics_write(cluster, 5250, &out);
	assert_true(has(&out, "sealgate_watch_up{resource=\"attestors\"} 1\n"));
	assert_true(has(&out, "sealgate_watch_up{resource=\"secrets\"} 0\n"));
	assert_true(has(&out, "sealgate_watch_stale_seconds{resource=\"attestors\"} 0.000\n"));
	assert_true(has(&out, "sealgate_watch_stale_seconds{resource=\"namespaces\"} 1.250\n"));
	assert_true(has(&out, "sealgate_watch_objects{resource=\"attestors\"} 12\n"));
	assert_true(has(&out, "sealgate_watch_restarts_total{resource=\"configmaps\"} 0\n"));
	assert_true(has(&out, "sealgate_policy_objects{kind=\"ImagePolicy\",state=\"in_force\"} 0\n"));
	assert_true(has(&out, "sealgate_events_total{result=\"left_out\"} 3\n"));
	assert_true(has(&out, "sealgate_status_writes_total{result=\"written\"} 0\n"));
	assert_true(has(&out, "sealgate_scan_objects{result=\"error\"} 2\n"));
	assert_true(has(&out, "sealgate_scan_last_seconds 4\n"));
	metrics_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_metric_has_its_name_help_and_type_once),
		cmocka_unit_test(every_line_is_exposition_format),
		cmocka_unit_test(reviews_count_under_fixed_labels_only),
		cmocka_unit_test(histogram_buckets_are_cumulative_and_inclusive),
		cmocka_unit_test(store_operations_are_labelled),
		cmocka_unit_test(verifications_and_cache_hits_count),
		cmocka_unit_test(gauges_say_what_holds_now),
		cmocka_unit_test(certificates_are_bounded),
		cmocka_unit_test(measures_of_the_sandbox_are_told_and_bounded),
		cmocka_unit_test(counts_from_several_threads_are_not_lost),
		cmocka_unit_test(the_cluster_shows_only_where_one_is_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
