/* sealgated with calls that fail, fall short or are interrupted: at its start, during reviews, uploads and reloads. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/e2e/bed.h"
#include "tests/fault/processes.h"
#include "tests/fault/sound.h"
#include "tests/fault/switch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Points that are tried one by one before strides begin. */
#define DENSE 2u
#define MISSES 2
#define NAMES_MAX 20000

struct site {
	struct bed *bed;
	struct fault_switch *board;
	char *signature;
	char *names[NAMES_MAX]; /* of uploads that were acknowledged */
	size_t count;
};

/* FAULTS=all: every point; FAULTS=many: all of the first hundreds, then one in thirty; else a few. */
static unsigned after(unsigned n)
{
	const char *faults = getenv("FAULTS");

	if (faults && strcmp(faults, "all") == 0)
		return n + 1;
	if (faults && strcmp(faults, "many") == 0)
		return n + 1 + (n > 300 ? n / 30 : 0);
	return n < DENSE ? n + 1 : n + 1 + n * 2;
}

static void arm(struct site *site, enum fault_kind kind, enum fault_how how, int error, unsigned n)
{
	struct fault_switch *board = site->board;

	atomic_store(&board->kinds, 0);
	atomic_store(&board->calls, 0);
	atomic_store(&board->fired, false);
	board->n = n;
	board->onwards = board->workers = false;
	board->how = how;
	board->error = error;
	board->trace = getenv("FAULT_TRACE") ? STDERR_FILENO : 0;
	atomic_store(&board->kinds, 1u << kind);
}

static bool disarm(struct site *site)
{
	atomic_store(&site->board->kinds, 0);
	return atomic_load(&site->board->fired);
}

static int setup(void **state)
{
	struct site *site = calloc(1, sizeof(*site));
	void *bed;
	char *path;
	int fd;

	assert_non_null(site);
	bed_setup(&bed);
	site->bed = bed;
	bed_key(site->bed, "qa", "qa_bob@example.com");
	site->signature = bed_clearsign(site->bed, "qa_bob@example.com", IMAGE_A "\n");
	path = text_of("%s/switch", site->bed->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, sizeof(*site->board)), 0);
	site->board = mmap(NULL, sizeof(*site->board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(site->board != MAP_FAILED);
	close(fd);
	setenv("FAULT_SWITCH", path, 1);
	free(path);
	*state = site;
	return 0;
}

static int teardown(void **state)
{
	struct site *site = *state;
	void *bed = site->bed;
	int status;

	disarm(site);
	status = bed_teardown(&bed);
	munmap(site->board, sizeof(*site->board));
	for (size_t i = 0; i < site->count; i++)
		free(site->names[i]);
	free(site->signature);
	free(site);
	return status;
}

/* The test and what else it starts stay as they are. */
static void preload(bool on)
{
	char *path = text_of("%s", bed_program("tests/fault/preload_server.so"));

	if (on)
		setenv("LD_PRELOAD", path, 1);
	else
		unsetenv("LD_PRELOAD");
	free(path);
}

static bool try_start(struct site *site, int *status)
{
	bool ready;

	preload(true);
	ready = bed_try_start(site->bed, status, "--pubkeys", site->bed->keys, NULL);
	preload(false);
	return ready;
}

/* ---- Start ---- */

struct fault {
	const char *name;
	enum fault_kind kind;
	enum fault_how how;
	int error;
};

/* The flags could not be read, or there is a line that says why not. */
static bool says_why(struct bed *bed)
{
	char *log = bed_read(bed->log);
	bool words = log && strstr(log, "sealgated: ");

	free(log);
	return words || bed_log_lines(bed, "cannot start") == 1;
}

/* Ready, or status 1 (2: what is wrong seems to be in a file) with a line that says why. */
static bool start_once(struct site *site, const struct fault *fault, unsigned n)
{
	int status = 0;
	bool ready, fired;

	arm(site, fault->kind, fault->how, fault->error, n);
	ready = try_start(site, &status);
	fired = disarm(site);
	if (ready) {
		assert_int_equal(bed_stop(site->bed), 0);
		return fired;
	}
	if (status < 0 || status > 2 || !fired || !says_why(site->bed)) {
		char *log = bed_read(site->bed->log);

		fail_msg("%s, n = %u: status %d\n%s", fault->name, n, status, log);
	}
	return true;
}

static void start_at_every_point(struct site *site, const struct fault *faults, size_t count)
{
	int status;

	for (size_t i = 0; i < count; i++) {
		unsigned n = 1, runs = 1;

		for (; start_once(site, &faults[i], n); runs++)
			n = after(n);
		printf("  %s: %u runs, up to n = %u\n", faults[i].name, runs, n);
	}
	assert_true(try_start(site, &status));
}

static void the_start_without_memory_ends_with_words(void **state)
{
	static const struct fault faults[] = {{"memory", FAULT_MEMORY, FAULT_ERROR, ENOMEM}};

	start_at_every_point(*state, faults, COUNT(faults));
}

static void the_start_with_failing_calls_ends_with_words(void **state)
{
	static const struct fault faults[] = {
		{"read", FAULT_READ, FAULT_ERROR, EIO},	      {"write", FAULT_WRITE, FAULT_ERROR, ENOSPC},
		{"pread", FAULT_PREAD, FAULT_ERROR, EIO},     {"pwrite", FAULT_PWRITE, FAULT_ERROR, ENOSPC},
		{"open", FAULT_OPEN, FAULT_ERROR, EMFILE},    {"sync", FAULT_SYNC, FAULT_ERROR, EIO},
		{"files", FAULT_FILES, FAULT_ERROR, EIO},     {"fork", FAULT_FORK, FAULT_ERROR, EAGAIN},
		{"mmap", FAULT_MMAP, FAULT_ERROR, ENOMEM},    {"thread", FAULT_THREAD, FAULT_ERROR, EAGAIN},
		{"receive", FAULT_RECEIVE, FAULT_ERROR, EIO}, {"send", FAULT_SEND, FAULT_ERROR, EIO},
	};

	start_at_every_point(*state, faults, COUNT(faults));
}

/* ---- Requests ---- */

static long review(struct site *site, const char *image, bool *allowed)
{
	char *pod = text_of("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"payment\"},"
			    "\"spec\":{\"containers\":[{\"name\":\"payment\",\"image\":\"%s\"}]}}",
			    image);
	char *body = bed_review_text("v1", "CREATE", "", "Pod", "pods", NULL, "default", pod, NULL);
	struct reply reply =
		bed_request(site->bed, "POST", site->bed->webhook, "/validate?timeout=3s", body, strlen(body), NULL);
	json_t *answer = json_loadb(reply.body, reply.length, 0, NULL);
	long status = reply.status;

	*allowed = status == 200 && json_is_true(json_object_get(json_object_get(answer, "response"), "allowed"));
	json_decref(answer);
	reply_release(&reply);
	free(body);
	free(pod);
	return status;
}

static bool next_reviews_are_right(struct site *site)
{
	bool allowed = false;

	return review(site, IMAGE_A, &allowed) == 200 && allowed && review(site, IMAGE_B, &allowed) == 200 && !allowed;
}

/* What is due of a request with this fault. */
static bool changes_nothing(const struct fault *fault)
{
	return fault->how == FAULT_SHORT || fault->error == EINTR;
}

static void decision(struct site *site, const struct fault *fault)
{
	bool allowed = false;
	long status = review(site, IMAGE_A, &allowed);

	if (changes_nothing(fault) && (status != 200 || !allowed))
		fail_msg("%s: %ld, not allowed", fault->name, status);
}

static void refusal(struct site *site, const struct fault *fault)
{
	bool allowed = false;
	long status = review(site, IMAGE_B, &allowed);

	if (allowed || (changes_nothing(fault) && status != 200))
		fail_msg("%s: %ld, allowed: %d", fault->name, status, allowed);
}

static void upload(struct site *site, const struct fault *fault)
{
	json_t *body = json_pack("{s:s,s:s,s:s,s:{s:{s:s,s:s,s:s}}}", "resourceUrl", "https://" IMAGE_A, "noteName",
				 "projects/image-signing/notes/qa", "kind", "ATTESTATION_AUTHORITY", "attestation",
				 "pgpSignedAttestation", "signature", site->signature, "contentType",
				 "application/vnd.gcr.image.url.v1", "pgpKeyId", "0CD9D96F");
	char *text = json_dumps(body, 0);
	struct reply reply = bed_request(site->bed, "POST", site->bed->api,
					 "/v1alpha1/projects/image-signing/occurrences", text, strlen(text), NULL);
	json_t *answer = json_loadb(reply.body, reply.length, 0, NULL);

	if (changes_nothing(fault) && reply.status != 200)
		fail_msg("%s: %ld %s", fault->name, reply.status, reply.body);
	if (reply.status == 200) {
		assert_true(site->count < NAMES_MAX);
		site->names[site->count++] = text_of("%s", json_string_value(json_object_get(answer, "name")));
	}
	json_decref(answer);
	json_decref(body);
	reply_release(&reply);
	free(text);
}

static bool reload_ended(struct bed *bed, void *before)
{
	size_t now = bed_log_lines(bed, "policies and keys are in force") +
		     bed_log_lines(bed, "policies or keys cannot be loaded, the last good ones stay in force");

	return now > *(size_t *)before;
}

/* Every image is judged by the last good keys throughout, which next_reviews_are_right looks at. */
static void reload(struct site *site, const struct fault *fault)
{
	size_t before = bed_log_lines(site->bed, "policies and keys are in force") +
			bed_log_lines(site->bed, "policies or keys cannot be loaded, the last good ones stay in force");
	size_t failures = before - bed_log_lines(site->bed, "policies and keys are in force");

	kill(site->bed->server, SIGHUP);
	assert_true(bed_eventually(site->bed, reload_ended, &before));
	if (changes_nothing(fault))
		assert_int_equal(
			bed_log_lines(site->bed, "policies or keys cannot be loaded, the last good ones stay in force"),
			failures);
}

typedef void request(struct site *site, const struct fault *fault);

/* Until the work went through a few times without the fault: other threads make calls, too. */
static void at_every_point(struct site *site, const char *what, request *work, const struct fault *faults, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned n = 1, runs = 0;

		for (int misses = 0; misses < MISSES; runs++) {
			bool fired;

			arm(site, faults[i].kind, faults[i].how, faults[i].error, n);
			work(site, &faults[i]);
			fired = disarm(site);
			if (kill(site->bed->server, 0) != 0 || !next_reviews_are_right(site)) {
				char *log = bed_read(site->bed->log);

				fail_msg("%s, %s, n = %u: the next review is wrong\n%s", what, faults[i].name, n, log);
			}
			misses = fired ? 0 : misses + 1;
			n = fired ? after(n) : n;
		}
		printf("  %s, %s: %u runs, up to n = %u\n", what, faults[i].name, runs, n);
	}
}

static const struct fault harmless[] = {
	{"short read", FAULT_READ, FAULT_SHORT, 0},
	{"short write", FAULT_WRITE, FAULT_SHORT, 0},
	{"short pread", FAULT_PREAD, FAULT_SHORT, 0},
	{"short pwrite", FAULT_PWRITE, FAULT_SHORT, 0},
	{"short receive", FAULT_RECEIVE, FAULT_SHORT, 0},
	{"short send", FAULT_SEND, FAULT_SHORT, 0},
	{"interrupted read", FAULT_READ, FAULT_ERROR, EINTR},
	{"interrupted write", FAULT_WRITE, FAULT_ERROR, EINTR},
	{"interrupted pread", FAULT_PREAD, FAULT_ERROR, EINTR},
	{"interrupted pwrite", FAULT_PWRITE, FAULT_ERROR, EINTR},
	{"interrupted receive", FAULT_RECEIVE, FAULT_ERROR, EINTR},
	{"interrupted send", FAULT_SEND, FAULT_ERROR, EINTR},
	{"interrupted poll", FAULT_POLL, FAULT_ERROR, EINTR},
	{"interrupted accept", FAULT_ACCEPT, FAULT_ERROR, EINTR},
};

static const struct fault failures[] = {
	{"read", FAULT_READ, FAULT_ERROR, EIO},	       {"write", FAULT_WRITE, FAULT_ERROR, ENOSPC},
	{"pread", FAULT_PREAD, FAULT_ERROR, EIO},      {"pwrite", FAULT_PWRITE, FAULT_ERROR, ENOSPC},
	{"open", FAULT_OPEN, FAULT_ERROR, EMFILE},     {"sync", FAULT_SYNC, FAULT_ERROR, EIO},
	{"files", FAULT_FILES, FAULT_ERROR, EIO},      {"mmap", FAULT_MMAP, FAULT_ERROR, ENOMEM},
	{"thread", FAULT_THREAD, FAULT_ERROR, EAGAIN}, {"receive", FAULT_RECEIVE, FAULT_ERROR, ECONNRESET},
	{"send", FAULT_SEND, FAULT_ERROR, EPIPE},      {"poll", FAULT_POLL, FAULT_ERROR, ENOMEM},
	{"accept", FAULT_ACCEPT, FAULT_ERROR, EMFILE}, {"memory", FAULT_MEMORY, FAULT_ERROR, ENOMEM},
};

static void begin(struct site *site)
{
	int status = 0;

	if (!try_start(site, &status) || !bed_eventually(site->bed, bed_is_ready, NULL))
		fail_msg("the start failed with %d", status);
	assert_int_equal(bed_note(site->bed, "image-signing", "qa"), 200);
	assert_int_equal(bed_attest(site->bed, "image-signing", "qa", IMAGE_A, site->signature), 200);
	assert_true(next_reviews_are_right(site));
}

static void what_is_short_or_interrupted_changes_no_review(void **state)
{
	begin(*state);
	at_every_point(*state, "decision", decision, harmless, COUNT(harmless));
}

static void a_failing_call_admits_nothing(void **state)
{
	begin(*state);
	at_every_point(*state, "decision", decision, failures, COUNT(failures));
	at_every_point(*state, "refusal", refusal, failures, COUNT(failures));
}

/* A fresh process, without the library, on what is on the disk. */
static void assert_all_uploads_are_there(struct site *site)
{
	char *path = text_of("%s/sealgate.db", site->bed->data);

	bed_kill(site->bed);
	assert_sound(path, SQLITE_OPEN_READWRITE, "after the faults");
	free(path);
	bed_start(site->bed, "--pubkeys", site->bed->keys, NULL);
	for (size_t i = 0; i < site->count; i++) {
		char *target = text_of("/v1alpha1/%s", site->names[i]);
		struct reply reply = bed_request(site->bed, "GET", site->bed->api, target, NULL, 0, NULL);

		assert_int_equal(reply.status, 200);
		reply_release(&reply);
		free(target);
	}
	assert_true(next_reviews_are_right(site));
}

static void what_is_short_or_interrupted_changes_no_upload(void **state)
{
	begin(*state);
	at_every_point(*state, "upload", upload, harmless, COUNT(harmless));
	assert_all_uploads_are_there(*state);
}

static void an_upload_is_acknowledged_only_when_it_is_on_the_disk(void **state)
{
	struct site *site = *state;

	begin(site);
	at_every_point(site, "upload", upload, failures, COUNT(failures));
	assert_true(site->count > 0);
	assert_all_uploads_are_there(site);
}

static void a_reload_keeps_the_last_good_keys(void **state)
{
	begin(*state);
	at_every_point(*state, "reload", reload, harmless, COUNT(harmless));
	at_every_point(*state, "reload", reload, failures, COUNT(failures));
}

/* ---- For a while ---- */

static void for_a_while(struct site *site, enum fault_kind kind, int error, bool workers)
{
	arm(site, kind, FAULT_ERROR, error, 1);
	atomic_store(&site->board->kinds, 0);
	site->board->onwards = true;
	site->board->workers = workers;
	atomic_store(&site->board->kinds, 1u << kind);
}

static int knock(struct site *site)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)strtoul(strrchr(site->bed->webhook, ':') + 1, NULL, 10));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static bool was_tried(struct bed *bed, void *context)
{
	struct fault_switch *board = context;

	(void)bed;
	return atomic_load(&board->calls) > 1;
}

/* With no descriptor left the listener waits; it neither spins nor ends. */
static void knock_without_descriptors(struct site *site)
{
	unsigned calls;
	int fd;

	for_a_while(site, FAULT_ACCEPT, EMFILE, false);
	fd = knock(site);
	assert_true(bed_eventually(site->bed, was_tried, site->board));
	poll(NULL, 0, 1000);
	calls = atomic_load(&site->board->calls);
	disarm(site);
	close(fd);
	if (calls > 1000)
		fail_msg("%u attempts to accept one connection", calls);
	assert_true(next_reviews_are_right(site));
}

static bool so_many_are_connected(struct bed *bed, void *count)
{
	struct reply reply = bed_request(bed, "GET", bed->ops, "/metrics", NULL, 0, NULL);
	char *line = text_of("sealgate_connections{listener=\"webhook\"} %s\n", (const char *)count);
	bool found = strstr(reply.body, line) != NULL;

	free(line);
	reply_release(&reply);
	return found;
}

static void a_refused_accept_of_a_first_connection_does_not_spin(void **state)
{
	struct site *site = *state;

	begin(site);
	assert_true(bed_eventually(site->bed, so_many_are_connected, "0"));
	knock_without_descriptors(site);
}

static void a_refused_accept_beside_open_connections_does_not_spin(void **state)
{
	struct site *site = *state;
	int idle;

	begin(site);
	idle = knock(site);
	assert_true(bed_eventually(site->bed, so_many_are_connected, "1"));
	knock_without_descriptors(site);
	close(idle);
}

static bool is_refused(struct bed *bed, void *context)
{
	(void)bed;
	return atomic_load((atomic_bool *)context);
}

/* Without a process for the verify worker a new image is refused in time; with one it is admitted. */
static void a_refused_fork_is_a_rejection_until_it_works(void **state)
{
	struct site *site = *state;
	char *signature = bed_clearsign(site->bed, "qa_bob@example.com", IMAGE_B "\n");
	pid_t own[8], children[64];
	bool allowed = true;

	begin(site);
	for_a_while(site, FAULT_FORK, EAGAIN, true);
	assert_int_equal(children_of(site->bed->server, own, 8), 1);
	for (size_t i = 0, count = children_of(own[0], children, 64); i < count; i++)
		kill(children[i], SIGKILL);
	assert_int_equal(bed_attest(site->bed, "image-signing", "qa", IMAGE_B, signature), 200);
	assert_true(bed_eventually(site->bed, is_refused, &site->board->fired));
	assert_int_equal(review(site, IMAGE_B, &allowed), 200);
	assert_false(allowed);
	assert_true(atomic_load(&site->board->calls) < 1000);
	disarm(site);
	assert_int_equal(review(site, IMAGE_B, &allowed), 200);
	assert_true(allowed);
	free(signature);
}

/* ---- The command line ---- */

static bool verify_once(struct site *site, const char *image, unsigned n, bool due)
{
	char *signature = text_of("%s/signature", site->bed->dir);
	const char *argv[] = {bed_program("sealgate"), "verify",      image,	 "--pubkeys",
			      site->bed->keys,	       "--signature", signature, NULL};
	int status;
	bool fired;

	bed_write(signature, site->signature);
	arm(site, FAULT_MEMORY, FAULT_ERROR, ENOMEM, n);
	preload(true);
	status = bed_run(site->bed, argv, NULL, NULL, NULL);
	preload(false);
	fired = disarm(site);
	if (status < 0 || (status == 0 && !due) || (!fired && status != !due))
		fail_msg("%s, n = %u: status %d", image, n, status);
	free(signature);
	return fired;
}

static void the_command_line_without_memory_vouches_for_nothing(void **state)
{
	unsigned n;

	for (n = 1; verify_once(*state, IMAGE_A, n, true); n = after(n))
		continue;
	printf("  memory, good: up to n = %u\n", n);
	for (n = 1; verify_once(*state, IMAGE_B, n, false); n = after(n))
		continue;
	printf("  memory, bad: up to n = %u\n", n);
}

#define OF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(the_start_without_memory_ends_with_words),
		OF(the_start_with_failing_calls_ends_with_words),
		OF(what_is_short_or_interrupted_changes_no_review),
		OF(a_failing_call_admits_nothing),
		OF(what_is_short_or_interrupted_changes_no_upload),
		OF(an_upload_is_acknowledged_only_when_it_is_on_the_disk),
		OF(a_reload_keeps_the_last_good_keys),
		OF(a_refused_accept_of_a_first_connection_does_not_spin),
		OF(a_refused_accept_beside_open_connections_does_not_spin),
		OF(a_refused_fork_is_a_rejection_until_it_works),
		OF(the_command_line_without_memory_vouches_for_nothing),
	};
	const char *only = getenv("ONLY");

	if (only)
		cmocka_set_test_filter(only);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
