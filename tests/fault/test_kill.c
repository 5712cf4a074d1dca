/* sealgated is killed: during uploads, a start, a reload, a shutdown. The next one finds every acknowledged upload, and
 * nothing of the one before is left. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/e2e/bed.h"
#include "tests/fault/scratch_db.h"
#include "tests/fault/sound.h"

#define CLIENTS 4u
#define UPLOADS 200u
#define EMAIL "qa_bob@example.com"

static int setup(void **state)
{
	bed_setup(state);
	bed_key(*state, "qa", EMAIL);
	return 0;
}

/* What several clients upload at the same time, and what they were told. */
struct uploads {
	struct bed *bed;
	char *body;
	pthread_t threads[CLIENTS];
	atomic_uint acknowledged;
	atomic_uint running;
	atomic_bool odd;
	char *names[CLIENTS][UPLOADS];
	atomic_uint next_client;
};

static void *upload(void *context)
{
	struct uploads *u = context;
	unsigned client = u->next_client++, count = 0;
	bool gone = false;

	while (count < UPLOADS && !gone) {
		struct reply reply = bed_request(u->bed, "POST", u->bed->api, "/v1alpha1/projects/p/occurrences",
						 u->body, strlen(u->body), NULL);
		json_t *answer = reply.status == 200 ? json_loads(reply.body, 0, NULL) : NULL;
		const char *name = json_string_value(json_object_get(answer, "name"));

		gone = reply.status != 200;
		if (name) {
			u->names[client][count++] = strdup(name);
			u->acknowledged++;
		}
		u->odd = u->odd || (reply.status != 200 && reply.status != 503 && reply.status != 0) ||
			 (reply.status == 200 && !name);
		json_decref(answer);
		reply_release(&reply);
	}
	u->running--;
	return NULL;
}

static struct uploads *uploads_begin(struct bed *bed, const char *signature)
{
	struct uploads *u = calloc(1, sizeof(*u));
	json_t *json = json_pack("{s:s,s:s,s:{s:{s:s}}}", "resourceUrl", "https://" IMAGE_A, "noteName",
				 "projects/p/notes/n", "attestation", "pgpSignedAttestation", "signature", signature);

	assert_non_null(u);
	u->bed = bed;
	u->body = json_dumps(json, 0);
	u->running = CLIENTS;
	json_decref(json);
	for (size_t i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&u->threads[i], NULL, upload, u), 0);
	return u;
}

static void uploads_reach(struct uploads *u, unsigned count)
{
	while (u->acknowledged < count && u->running > 0)
		poll(NULL, 0, 1);
}

static void uploads_join(struct uploads *u)
{
	for (size_t i = 0; i < CLIENTS; i++)
		pthread_join(u->threads[i], NULL);
	assert_false(u->odd);
}

static bool is_stored(struct bed *bed, const char *name)
{
	char *path = text_of("/v1alpha1/%s", name);
	struct reply reply = bed_request(bed, "GET", bed->api, path, NULL, 0, NULL);
	bool yes = reply.status == 200;

	reply_release(&reply);
	free(path);
	return yes;
}

/* Frees them. */
static void all_are_stored(struct uploads *u)
{
	for (size_t c = 0; c < CLIENTS; c++)
		for (size_t i = 0; i < UPLOADS && u->names[c][i]; i++) {
			if (!is_stored(u->bed, u->names[c][i]))
				fail_msg("%s was acknowledged and is gone", u->names[c][i]);
			free(u->names[c][i]);
		}
	free(u->body);
	free(u);
}

static void file_is_sound(struct bed *bed)
{
	char *path = text_of("%s/sealgate.db", bed->data);

	assert_sound(path, SQLITE_OPEN_READONLY, "after a kill");
	free(path);
}

static bool has_text(const char *pid, const char *what)
{
	char *path = text_of("/proc/%s/cmdline", pid);
	FILE *file = fopen(path, "r");
	char line[4096] = "";
	size_t length = file ? fread(line, 1, sizeof(line) - 1, file) : 0;

	for (size_t i = 0; i < length; i++)
		line[i] = line[i] ? line[i] : ' ';
	if (file)
		fclose(file);
	free(path);
	return strstr(line, what);
}

/* No process names the data directory: no server, no worker, no gpg with its home there. */
static bool nobody_is_left(struct bed *bed, void *context)
{
	DIR *proc = opendir("/proc");
	bool found = false;

	(void)context;
	for (struct dirent *entry; proc && (entry = readdir(proc));)
		found = found ||
			(entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && has_text(entry->d_name, bed->data));
	closedir(proc);
	return !found;
}

static size_t homes(struct bed *bed)
{
	char *path = text_of("%s/run", bed->data);
	DIR *run = opendir(path);
	size_t count = 0;

	for (struct dirent *entry; run && (entry = readdir(run));)
		count += entry->d_name[0] != '.';
	if (run)
		closedir(run);
	free(path);
	return count;
}

static bool no_home_is_left(struct bed *bed, void *context)
{
	(void)context;
	return homes(bed) == 0;
}

static void nothing_is_left(struct bed *bed)
{
	assert_true(bed_eventually(bed, nobody_is_left, NULL));
	assert_true(bed_eventually(bed, no_home_is_left, NULL));
}

static void decisions_are_right(struct bed *bed)
{
	json_t *good = bed_review_pod(bed, IMAGE_A), *bad = bed_review_pod(bed, IMAGE_B);

	if (!response_allowed(good))
		fail_msg("%s", response_message(good));
	assert_false(response_allowed(bad));
	json_decref(good);
	json_decref(bad);
}

static void kill_9_during_uploads(void **state)
{
	struct bed *bed = *state;
	char *signature = bed_clearsign(bed, EMAIL, DIGEST_A);
	unsigned rounds = soaking() ? 50 : 5, total = 0;

	for (unsigned round = 0; round < rounds; round++) {
		struct uploads *u;

		bed_start(bed, "--pubkeys", bed->keys, NULL);
		bed_note(bed, "p", "n");
		u = uploads_begin(bed, signature);
		uploads_reach(u, 5 + round * 37 % UPLOADS);
		bed_kill(bed);
		uploads_join(u);
		total += u->acknowledged;
		nothing_is_left(bed);
		bed_start(bed, "--pubkeys", bed->keys, NULL);
		all_are_stored(u);
		file_is_sound(bed);
		decisions_are_right(bed);
		assert_int_equal(bed_stop(bed), 0);
	}
	print_message("%u kills, %u acknowledged uploads, none lost\n", rounds, total);
	free(signature);
}

static void sigterm_during_uploads_drains(void **state)
{
	struct bed *bed = *state;
	char *signature = bed_clearsign(bed, EMAIL, DIGEST_A);

	for (unsigned round = 0; round < 3; round++) {
		struct uploads *u;

		bed_start(bed, "--pubkeys", bed->keys, NULL);
		u = uploads_begin(bed, signature);
		uploads_reach(u, 10 + 20 * round);
		assert_int_equal(bed_stop(bed), 0);
		uploads_join(u);
		nothing_is_left(bed);
		bed_start(bed, "--pubkeys", bed->keys, NULL);
		all_are_stored(u);
		assert_int_equal(bed_stop(bed), 0);
	}
	free(signature);
}

/* A server of which nobody waits for anything. */
static pid_t launch(struct bed *bed)
{
	pid_t child = fork();
	int log;

	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log = open(bed->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dup2(log, 2);
	setenv("GNUPGHOME", bed->gnupg, 1);
	execl(bed_program("sealgated"), "sealgated", "--data-dir", bed->data, "--pubkeys", bed->keys,
	      "--webhook-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0",
	      (char *)NULL);
	_exit(127);
}

static void still_works(struct bed *bed)
{
	nothing_is_left(bed);
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	file_is_sound(bed);
	decisions_are_right(bed);
	assert_int_equal(bed_stop(bed), 0);
}

/* Who is killed between making its home and starting the worker leaves that home to the next start. The directory is
 * new each third time: the database is made, and the certificates. */
static void kill_9_during_a_start(void **state)
{
	struct bed *bed = *state;
	const char *remove_all[] = {"rm", "-rf", bed->data, NULL};
	char *signature = bed_clearsign(bed, EMAIL, DIGEST_A);
	int rounds = soaking() ? 90 : 12;

	for (int round = 0; round < rounds; round++) {
		pid_t server;

		if (round % 3 == 0)
			bed_run(bed, remove_all, NULL, NULL, NULL);
		server = launch(bed);
		poll(NULL, 0, soaking() ? 2 * round : 11 * round);
		kill(server, SIGKILL);
		assert_int_equal(waitpid(server, NULL, 0), server);
		assert_true(bed_eventually(bed, nobody_is_left, NULL));
		assert_in_range(homes(bed), 0, 1);
		if (round % 3 != 2)
			continue;
		bed_start(bed, "--pubkeys", bed->keys, NULL);
		assert_int_equal(homes(bed), 1);
		bed_note(bed, "p", "n");
		assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, signature), 200);
		bed_kill(bed);
		still_works(bed);
	}
	free(signature);
}

/* `number` first, and SIGKILL some milliseconds later. */
static void kill_9_during(struct bed *bed, int number, int rounds, int step_ms)
{
	for (int round = 0; round < rounds; round++) {
		bed_start(bed, "--pubkeys", bed->keys, NULL);
		kill(bed->server, number);
		poll(NULL, 0, step_ms * round);
		bed_kill(bed);
		still_works(bed);
	}
}

static void kill_9_during_a_reload(void **state)
{
	kill_9_during(*state, SIGHUP, soaking() ? 20 : 3, 7);
}

static void kill_9_during_a_shutdown(void **state)
{
	kill_9_during(*state, SIGTERM, soaking() ? 30 : 4, soaking() ? 10 : 75);
}

/* The only child of the server itself. */
static pid_t supervisor_of(pid_t server)
{
	char *path = text_of("/proc/%d/task/%d/children", (int)server, (int)server);
	char *children = bed_read(path);
	pid_t first = children ? (pid_t)strtol(children, NULL, 10) : 0;

	free(children);
	free(path);
	return first;
}

static void a_server_without_its_worker_ends_with_1_and_says_why(void **state)
{
	struct bed *bed = *state;
	pid_t supervisor;
	char *log;
	int status;

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	supervisor = supervisor_of(bed->server);
	assert_true(supervisor > 1);
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_int_equal(waitpid(bed->server, &status, 0), bed->server);
	bed->server = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	log = bed_read(bed->log);
	assert_non_null(strstr(log, "the verify worker has ended"));
	free(log);
	still_works(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kill_9_during_uploads),
		cmocka_unit_test(sigterm_during_uploads_drains),
		cmocka_unit_test(kill_9_during_a_reload),
		cmocka_unit_test(kill_9_during_a_shutdown),
		cmocka_unit_test(a_server_without_its_worker_ends_with_1_and_says_why),
		cmocka_unit_test(kill_9_during_a_start),
	};

	return cmocka_run_group_tests_name("kill", tests, setup, bed_teardown);
}
