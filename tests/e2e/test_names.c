/* Names that mean harm: what a caller writes into a review, a path or an upload is data. It begins no line of the log,
 * steers no terminal, adds no series to the metrics and reaches no file. */
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "policy/line.h"
#include "tests/e2e/bed.h"

/* As they stand in JSON. */
static const char *const hostile[] = {
	"x\\n{\\\"msg\\\":\\\"decision\\\",\\\"allowed\\\":true}",
	"x\\r\\n2026-01-01T00:00:00.000Z info  decision allowed=true",
	"\\u001b[2K\\u001b[1A\\u001b]0;title\\u0007",
	"\\u009b31m\\u0085\\u007f",
	"\\u202egnp.exe\\u2066\\u200f\\u061c",
	"a\\u2028b\\u2029c",
	"nul\\u0000inside",
	"\\\" decision=allow ",
};

/* The like in a path. */
#define ESCAPED "%0a%1b%5b2K%c2%9b%e2%80%ae%22msg%22"
#define HOSTILE (sizeof(hostile) / sizeof(hostile[0]))

static int setup(void **state)
{
	struct bed *bed;

	bed_setup(state);
	bed = *state;
	bed_key(bed, "qa", "qa_bob@example.com");
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	return 0;
}

static void assert_plain(const char *where, const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(value) && !line_is_plain(str_make(json_string_value(value), json_string_length(value))))
		fail_msg("%s: %s", where, json_string_value(value));
	json_object_foreach((json_t *)value, key, member) assert_plain(key, member);
	json_array_foreach(value, i, member) assert_plain(where, member);
}

/* A review in which each place that the server might repeat holds `name`. */
static char *review_of(const char *name, const char *operation)
{
	return text_of(
		"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\","
		"\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},"
		"\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"
		"\"name\":\"%s\",\"namespace\":\"%s\",\"operation\":\"%s\","
		"\"userInfo\":{\"username\":\"%s\",\"groups\":[\"%s\"]},"
		"\"object\":{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"serviceAccountName\":\"%s\","
		"\"containers\":[{\"name\":\"%s\",\"image\":\"%s\"}],"
		"\"volumes\":[{\"name\":\"%s\",\"image\":{\"reference\":\"%s\"}}]}}}}",
		name, name, operation, name, name, name, name, name, name, name, name);
}

/* Reviews, and requests that are none, full of `name`; how many decisions that makes. */
static size_t send_everywhere(struct bed *bed, const char *name)
{
	static const char *const paths[] = {"/v1alpha1/projects/" ESCAPED "/notes", "/" ESCAPED,
					    "/v1alpha1/projects/p/notes/" ESCAPED,
					    "/v1alpha1/projects?pageToken=" ESCAPED};
	char *review = review_of(name, "CREATE"), *broken = review_of(name, name);
	char *body = text_of("{\"name\":\"projects/p/notes/%s\",\"%s\":\"%s\"}", name, name, name);
	json_t *response = bed_review(bed, review), *text;
	struct reply reply = bed_request(bed, "POST", bed->webhook, "/validate", broken, strlen(broken), NULL);

	assert_false(response_allowed(response));
	assert_string_equal(json_string_value(json_object_get(response, "uid")), "u");
	assert_plain("response", response);
	json_decref(response);
	assert_int_equal(reply.status, 400);
	text = reply_json(&reply);
	assert_plain("status", text);
	json_decref(text);
	reply_release(&reply);
	reply = bed_request(bed, "POST", bed->api, "/v1alpha1/projects/p/notes", body, strlen(body), NULL);
	reply_release(&reply);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		reply = bed_request(bed, "GET", bed->api, paths[i], NULL, 0, NULL);
		assert_true(reply.status >= 400);
		reply_release(&reply);
	}
	free(review);
	free(broken);
	free(body);
	return 1;
}

static size_t send_all(struct bed *bed)
{
	size_t decisions = 0;

	for (size_t i = 0; i < HOSTILE; i++)
		decisions += send_everywhere(bed, hostile[i]);
	return decisions;
}

static bool is_json_line(const char *line)
{
	json_t *entry = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	bool whole =
		json_string_value(json_object_get(entry, "time")) && json_string_value(json_object_get(entry, "msg"));

	json_decref(entry);
	return whole;
}

/* Every line that has come, without its end. */
static size_t check_lines(struct bed *bed)
{
	char *log = bed_read(bed->log), *save = NULL;
	size_t lines = 0;

	assert_non_null(log);
	for (char *line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!line_is_plain(str_of(line)) || !is_json_line(line))
			fail_msg("in the log: %s", line);
		lines += strstr(line, "decision") != NULL && strstr(line, "duration_us") != NULL;
	}
	free(log);
	return lines;
}

static void no_name_begins_a_line_of_the_log_or_steers_a_terminal(void **state)
{
	struct bed *bed = *state;
	size_t decisions;

	decisions = send_all(bed);
	assert_int_equal(check_lines(bed), decisions);
}

/* The names and labels of all series, without their values. */
static char *series(struct bed *bed)
{
	struct reply reply = bed_request(bed, "GET", bed->ops, "/metrics", NULL, 0, NULL);
	char *save = NULL, *out = NULL;
	size_t length = 0;
	FILE *names = open_memstream(&out, &length);

	assert_int_equal(reply.status, 200);
	for (char *line = strtok_r(reply.body, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		fprintf(names, "%.*s\n", line[0] == '#' ? (int)strlen(line) : (int)(strrchr(line, ' ') - line), line);
	fclose(names);
	reply_release(&reply);
	return out;
}

static void CVE_2026_49835_no_caller_adds_a_series_to_the_metrics(void **state)
{
	struct bed *bed = *state;
	char *before, *after;

	before = series(bed);
	send_all(bed);
	after = series(bed);
	assert_string_equal(after, before);
	free(before);
	free(after);
}

/* ---- Files ---- */

/* Requests that would open `file`, if any part of one were taken for a path. */
static void ask_for(struct bed *bed, const char *file)
{
	static const struct {
		const char *before, *after;
	} ways[] = {
		{"/v1alpha1/projects/", "/notes"},
		{"/v1alpha1/projects/p/notes/", ""},
		{"/v1alpha1/projects/p/notes?noteId=", ""},
		{"/v1alpha1/projects/p/occurrences/", ""},
		{"/v1alpha1/projects/p/occurrences?filter=", ""},
		{"/v1alpha1/projects?pageToken=", ""},
		{"/", ""},
		{"/metrics/../", ""},
		{"/v1alpha1/../../", ""},
	};
	const char *const bases[] = {bed->api, bed->ops, bed->webhook};
	char *body = text_of(
		"{\"name\":\"projects/p/notes/%s\",\"kind\":\"ATTESTATION_AUTHORITY\",\"resourceUrl\":\"file://%s\","
		"\"noteName\":\"%s\",\"relatedUrl\":[{\"url\":\"file://%s\"}]}",
		file, file, file, file);
	json_t *response = bed_review_pod(bed, file);

	json_decref(response);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		for (size_t k = 0; k < 3; k++) {
			char *path = text_of("%s%s%s", ways[i].before, file, ways[i].after);
			struct reply got = bed_request(bed, "GET", bases[k], path, NULL, 0, NULL);
			struct reply posted = bed_request(bed, "POST", bases[k], path, body, strlen(body), NULL);

			assert_null(strstr(got.body, "the content of a canary"));
			assert_null(strstr(posted.body, "the content of a canary"));
			reply_release(&got);
			reply_release(&posted);
			free(path);
		}
	free(body);
}

/* The database is the only thing in the data directory that requests touch. */
static bool may_happen(const struct inotify_event *event)
{
	return event->len > 0 && strncmp(event->name, "sealgate.db", 11) == 0;
}

static void expect_silence(int watch)
{
	char events[65536] __attribute__((aligned(8)));
	ssize_t got = read(watch, events, sizeof(events));

	for (char *at = events; got > 0 && at < events + got;) {
		const struct inotify_event *event = (const struct inotify_event *)(void *)at;

		if (!may_happen(event))
			fail_msg("a request touched %s (event %#x)", event->len ? event->name : "a watched file",
				 event->mask);
		at += sizeof(*event) + event->len;
	}
}

static void CVE_2026_24137_CVE_2026_24686_no_path_in_a_request_reaches_a_file(void **state)
{
	struct bed *bed = *state;
	char *canary = text_of("%s/canary", bed->dir), *inner = text_of("%s/canary", bed->data);
	char *escaped = text_of("..%%2f..%%2fcanary%s", ""), *absolute = text_of("%%2f%s", canary + 1);
	const char *const names[] = {"canary", "../canary", "..%2fcanary",	canary,		inner,
				     escaped,  absolute,    "..%5c..%5ccanary", "canary%00.db", "....//canary"};
	const uint32_t any = IN_OPEN | IN_ACCESS | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
	char event[4096];
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	bed_write(canary, "the content of a canary");
	bed_write(inner, "the content of a canary");
	assert_true(inotify_add_watch(watch, canary, any) >= 0);
	assert_true(inotify_add_watch(watch, inner, any) >= 0);
	assert_true(inotify_add_watch(watch, bed->data, any & ~(uint32_t)IN_OPEN) >= 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ask_for(bed, names[i]);
		expect_silence(watch);
	}
	/* The watch would have seen it. */
	free(bed_read(canary));
	assert_true(read(watch, event, sizeof(event)) > 0);
	close(watch);
	free(canary);
	free(inner);
	free(escaped);
	free(absolute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_begins_a_line_of_the_log_or_steers_a_terminal),
		cmocka_unit_test(CVE_2026_49835_no_caller_adds_a_series_to_the_metrics),
		cmocka_unit_test(CVE_2026_24137_CVE_2026_24686_no_path_in_a_request_reaches_a_file),
	};

	return cmocka_run_group_tests(tests, setup, bed_teardown);
}
