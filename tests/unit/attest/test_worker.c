/* The verify worker as processes: it verifies, and whatever happens to it ends in a rejection and a worker that works
 * again. */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/keyrings.h"
#include "attest/openpgp_home.h"
#include "attest/worker.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/fault/processes.h"
#include "tests/unit/attest/fixtures.h"
#include "tests/unit/attest/worker_bed.h"

/* gpg has processor time of its own, which takes its time on a busy machine. */
#define BUSY_MS 300000

static int setup(void **state)
{
	return worker_bed_begin(state, 2);
}

static int teardown(void **state)
{
	return worker_bed_end(state);
}

static struct key_set *known_key(const char *name)
{
	cleanup(buf) struct buf text = fixture_key(str_of(name));
	const struct key_set_entry entry = {buf_str(&text), STR("0")};

	return key_set_new(&entry, 1);
}

/* With its keyrings, as a server has it in force. */
static struct key_set *ready_key(struct bed *bed, const char *name)
{
	struct key_set *set = known_key(name);
	struct err e = ERR_INIT;

	if (!keyrings_ready(bed->pool, set, soon(), &e))
		fail_msg("%s", e.text);
	return set;
}

static struct signature_facts verify(struct bed *bed, struct key_set *keys, const char *signature, int64_t deadline_ms)
{
	cleanup(buf) struct buf text = fixture_signature(str_of(signature));
	struct signature_facts facts;

	worker_verify(bed->pool, keys, buf_str(&text), (struct str){NULL, 0}, NOW, deadline_ms, &facts);
	return facts;
}

static void verifies_under_the_keys_it_is_given(void **state)
{
	struct key_set *right = known_key("ed"), *wrong = known_key("stranger"), *none = key_set_new(NULL, 0);
	struct signature_facts facts = verify(*state, right, "clear-url.asc", soon());

	assert_int_equal(facts.verdict, VERDICT_ACCEPTED);
	assert_string_equal(facts.digest, ASKED);
	assert_int_equal(verify(*state, wrong, "clear-url.asc", soon()).reason, REASON_UNKNOWN_KEY);
	assert_int_equal(verify(*state, none, "clear-url.asc", soon()).reason, REASON_UNKNOWN_KEY);
	assert_int_equal(verify(*state, right, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	key_set_unref(right);
	key_set_unref(wrong);
	key_set_unref(none);
}

static void describes_keys_and_says_what_is_none(void **state)
{
	struct bed *bed = *state;
	cleanup(buf) struct buf key = fixture_key(STR("ed"));
	struct key_list list = {0};
	struct err e = ERR_INIT;

	assert_true(worker_inspect_key(bed->pool, buf_str(&key), soon(), &list, &e));
	assert_int_equal(list.count, 1);
	key_list_release(&list);
	assert_false(worker_inspect_key(bed->pool, STR("hello"), soon(), &list, &e));
	assert_int_equal(e.kind, ERR_INVALID);
}

static void describing_a_key_does_not_make_it_known(void **state)
{
	struct bed *bed = *state;
	cleanup(buf) struct buf key = fixture_key(STR("ed"));
	struct key_set *none = key_set_new(NULL, 0);
	struct err e = ERR_INIT;

	for (int i = 0; i < 4; i++) {
		struct key_list list = {0};

		assert_true(worker_inspect_key(bed->pool, buf_str(&key), soon(), &list, &e));
		key_list_release(&list);
		assert_int_equal(verify(bed, none, "clear-url.asc", soon()).reason, REASON_UNKNOWN_KEY);
	}
	key_set_unref(none);
}

/* Two servers of one directory, each process 1 of its own container for all that is known. */
static void a_directory_in_use_is_not_left_over(void **state)
{
	struct bed *bed = *state;
	struct key_set *keys = known_key("ed");
	struct err e = ERR_INIT;
	struct worker_pool *other = worker_pool_start(1, bed->run, &e);

	assert_non_null(other);
	assert_int_equal(entries_in(bed->run), 2);
	assert_int_equal(verify(bed, keys, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	worker_pool_stop(other);
	assert_int_equal(verify(bed, keys, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	assert_int_equal(entries_in(bed->run), 1);
	key_set_unref(keys);
}

static void a_deadline_that_passed_is_a_rejection(void **state)
{
	struct key_set *keys = known_key("ed");
	struct signature_facts facts = verify(*state, keys, "clear-url.asc", clock_monotonic_ms() - 1);

	assert_int_equal(facts.verdict, VERDICT_REJECTED);
	assert_int_equal(facts.reason, REASON_TIMEOUT);
	assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	key_set_unref(keys);
}

static pid_t supervisor(void)
{
	pid_t own[8];

	assert_int_equal(children_of(getpid(), own, 8), 1);
	return own[0];
}

static void a_killed_child_is_a_rejection_and_is_replaced(void **state)
{
	struct key_set *keys = ready_key(*state, "ed");
	pid_t children[8];
	size_t count = children_settled(supervisor(), children, 8, 2);

	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		kill(children[i], SIGKILL);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).verdict,
				 i == 0 ? VERDICT_REJECTED : VERDICT_ACCEPTED);
	assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	key_set_unref(keys);
}

static void a_stopped_child_costs_its_deadline_and_no_more(void **state)
{
	struct key_set *keys = ready_key(*state, "ed");
	pid_t children[8];
	size_t count = children_settled(supervisor(), children, 8, 2);

	for (size_t i = 0; i < count; i++)
		kill(children[i], SIGSTOP);
	assert_int_equal(verify(*state, keys, "clear-url.asc", clock_monotonic_ms() + 300).reason, REASON_TIMEOUT);
	assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	key_set_unref(keys);
}

#define TO_VERIFY "*' --verify '*|*' --output '*"
#define TO_IMPORT "*' --import '*"

/* A gpg before the real one in PATH that does `harm` the first `times` times its arguments fit the pattern. */
static void put_fragile_gpg(const char *directory, const char *pattern, const char *harm, int times)
{
	cleanup(buf) struct buf script = buf_init(4096);
	char path[128];

	buf_printf(&script,
		   "#!/bin/sh\n"
		   "case \" $* \" in %s)\n"
		   "  echo x >>'%s/calls'\n"
		   "  [ $(wc -l <'%s/calls') -le %d ] && %s;;\n"
		   "esac\n"
		   "PATH=${PATH#*:} exec gpg \"$@\"\n",
		   pattern, directory, directory, times, harm);
	snprintf(path, sizeof(path), "%s/gpg", directory);
	assert_true(file_write(path, buf_str(&script), 0755, NULL));
}

struct fragile {
	char directory[64];
	struct bed bed;
};

/* A worker of its own, whose gpg does itself that harm so often. */
static void fragile_begin(struct fragile *f, const char *pattern, const char *harm, int times)
{
	cleanup(memory) char *before = strdup(getenv("PATH"));
	cleanup(buf) struct buf path = buf_init(8192);

	*f = (struct fragile){"/tmp/sealgate-gpg-XXXXXX", {.run = "/tmp/sealgate-worker-XXXXXX"}};
	assert_non_null(mkdtemp(f->directory));
	assert_non_null(mkdtemp(f->bed.run));
	put_fragile_gpg(f->directory, pattern, harm, times);
	buf_printf(&path, "%s:%s", f->directory, before);
	setenv("PATH", path.data, 1);
	f->bed.pool = worker_pool_start(1, f->bed.run, NULL);
	setenv("PATH", before, 1);
	assert_non_null(f->bed.pool);
}

static void fragile_end(struct fragile *f)
{
	worker_pool_stop(f->bed.pool);
	directory_remove(f->bed.run);
	directory_remove(f->directory);
}

static enum verdict_reason reason_when_gpg(const char *harm, int times)
{
	struct key_set *keys = known_key("ed");
	enum verdict_reason reason;
	struct fragile f;

	fragile_begin(&f, TO_VERIFY, harm, times);
	reason = verify(&f.bed, keys, "attached.asc", clock_monotonic_ms() + BUSY_MS).reason;
	fragile_end(&f);
	key_set_unref(keys);
	return reason;
}

static void a_gpg_killed_over_a_key_is_asked_again(void **state)
{
	cleanup(buf) struct buf key = fixture_key(STR("ed"));
	cleanup(key_list) struct key_list list = {0};
	struct err e = ERR_INIT;
	struct fragile f;

	(void)state;
	fragile_begin(&f, TO_IMPORT, "kill -9 $$", 1);
	if (!worker_inspect_key(f.bed.pool, buf_str(&key), soon(), &list, &e))
		fail_msg("%s", e.text);
	assert_int_equal(list.count, 1);
	fragile_end(&f);
}

static void a_killed_gpg_is_asked_again(void **state)
{
	(void)state;
	assert_int_equal(reason_when_gpg("kill -9 $$", 1), REASON_GOOD);
}

/* Else it would never have a verdict, and a few hundred like it would keep an image out. */
static void a_message_that_kills_gpg_twice_is_judged(void **state)
{
	(void)state;
	assert_int_equal(reason_when_gpg("kill -9 $$", 2), REASON_BAD_SIGNATURE);
}

/* As a message does that unfolds to data without end: it must not cost the whole deadline each time it is needed. */
static void a_message_that_keeps_gpg_busy_is_judged(void **state)
{
	(void)state;
	assert_int_equal(reason_when_gpg("while :; do :; done", 2), REASON_BAD_SIGNATURE);
}

static void *verify_many(void *bed)
{
	struct key_set *keys = known_key("ed");
	size_t good = 0;

	for (int i = 0; i < 8; i++)
		good += verify(bed, keys, "clear-url.asc", soon()).verdict == VERDICT_ACCEPTED;
	key_set_unref(keys);
	return good == 8 ? bed : NULL;
}

static void four_threads_share_two_slots(void **state)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_many, *state), 0);
	for (size_t i = 0; i < 4; i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_non_null(result);
	}
}

static void nothing_is_left_for_process_1(void **state)
{
	pid_t children[64];
	struct key_set *keys = known_key("ed");
	size_t count = 64;

	for (int i = 0; i < 5; i++)
		assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	for (int tries = 0; tries < 200 && count != 2; tries++) {
		count = children_of(supervisor(), children, 64);
		poll(NULL, 0, 20);
	}
	assert_int_equal(count, 2);
	key_set_unref(keys);
}

static void a_dead_supervisor_is_a_rejection_and_is_told(void **state)
{
	struct bed *bed = *state;
	struct key_set *keys = known_key("ed");
	pid_t dead = supervisor();
	siginfo_t end;

	assert_true(worker_pool_alive(bed->pool));
	kill(dead, SIGKILL);
	/* Its children go with it. */
	assert_int_equal(waitid(P_PID, (id_t)dead, &end, WEXITED | WNOWAIT), 0);
	assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).verdict, VERDICT_REJECTED);
	assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).reason, REASON_WORKER_FAILED);
	/* Its sockets close a moment before it counts as ended. */
	for (int tries = 0; tries < 500 && worker_pool_alive(bed->pool); tries++)
		poll(NULL, 0, 20);
	assert_false(worker_pool_alive(bed->pool));
	key_set_unref(keys);
}

/* Its late answers must not be taken for the answers to what is asked then. */
static void a_supervisor_that_is_late_is_understood_afterwards(void **state)
{
	struct key_set *keys = ready_key(*state, "ed");
	pid_t children[8], slow = supervisor();
	size_t count = children_settled(slow, children, 8, 2);

	assert_int_equal(count, 2);
	kill(slow, SIGSTOP);
	for (size_t i = 0; i < count; i++)
		kill(children[i], SIGKILL);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).reason, REASON_WORKER_FAILED);
	kill(slow, SIGCONT);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(verify(*state, keys, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	key_set_unref(keys);
}

static int teardown_after_murder(void **state)
{
	(void)teardown(state);
	return 0;
}

/* kill -9 of the whole server: the supervisor cleans up behind it, and a later run removes what it could not. */
static void the_worker_goes_when_its_server_is_killed(void **state)
{
	char run[64] = "/tmp/sealgate-worker-XXXXXX", stale[128];
	pid_t server;
	struct worker_pool *pool;
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(run));
	server = fork();
	if (server == 0) {
		pool = worker_pool_start(2, run, &e);
		kill(getpid(), SIGKILL);
	}
	waitpid(server, NULL, 0);
	for (int tries = 0; tries < 500 && entries_in(run); tries++)
		poll(NULL, 0, 20);
	assert_int_equal(entries_in(run), 0);
	snprintf(stale, sizeof(stale), "%s/verify-abcdef", run);
	assert_int_equal(mkdir(stale, 0700), 0);
	pool = worker_pool_start(1, run, &e);
	assert_non_null(pool);
	assert_int_equal(access(stale, F_OK), -1);
	worker_pool_stop(pool);
	assert_int_equal(rmdir(run), 0);
}

static void assert_no_pool(size_t slots, const char *run_dir, const char *why)
{
	struct err e = ERR_INIT;

	assert_null(worker_pool_start(slots, run_dir, &e));
	assert_non_null(strstr(e.text, why));
}

static void a_pool_without_a_place_or_slots_is_refused(void **state)
{
	char run[64] = "/tmp/sealgate-worker-XXXXXX", path[OPENPGP_HOME_PATH_MAX];
	size_t length;

	(void)state;
	assert_non_null(mkdtemp(run));
	assert_no_pool(0, run, "");
	assert_no_pool(1000, run, "");
	snprintf(path, sizeof(path), "%s/absent/run", run);
	assert_no_pool(1, path, path);
	snprintf(path, sizeof(path), "%s/file", run);
	assert_true(file_write(path, STR("x"), 0600, NULL));
	assert_no_pool(1, path, path);
	/* As long as a path may be without what is made in it. */
	length = (size_t)snprintf(path, sizeof(path), "%s", run);
	while (length < sizeof(path) - 1)
		path[length++] = '/';
	path[length] = 0;
	assert_no_pool(1, path, "");
	assert_int_equal(entries_in(run), 1);
	directory_remove(run);
}

struct patient {
	struct bed *bed;
	struct key_set *keys;
	enum verdict_reason reason;
};

static void *verify_for_a_while(void *context)
{
	struct patient *patient = context;

	patient->reason = verify(patient->bed, patient->keys, "clear-url.asc", clock_monotonic_ms() + 500).reason;
	return NULL;
}

/* The only worker there is stands still, and belongs to whoever came first: one of two is told that there is none. */
static void who_finds_no_free_worker_is_told(void **state)
{
	struct patient patient = {.bed = *state, .keys = ready_key(*state, "ed")};
	cleanup(buf) struct buf key = fixture_key(STR("ed"));
	bool told = false;

	for (int tries = 0; tries < 50 && !told; tries++) {
		struct err e = ERR_INIT;
		struct key_list list = {0};
		pthread_t thread;
		pid_t child = 0;

		assert_int_equal(children_settled(supervisor(), &child, 1, 1), 1);
		kill(child, SIGSTOP);
		assert_int_equal(pthread_create(&thread, NULL, verify_for_a_while, &patient), 0);
		poll(NULL, 0, tries);
		assert_false(
			worker_inspect_key(patient.bed->pool, buf_str(&key), clock_monotonic_ms() + 50, &list, &e));
		assert_int_equal(e.kind, ERR_TIMEOUT);
		told = strstr(e.text, "busy") != NULL;
		pthread_join(thread, NULL);
		assert_true(!told || patient.reason == REASON_TIMEOUT);
	}
	assert_true(told);
	assert_int_equal(verify(*state, patient.keys, "clear-url.asc", soon()).verdict, VERDICT_ACCEPTED);
	key_set_unref(patient.keys);
}

static int setup_one(void **state)
{
	return worker_bed_begin(state, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(verifies_under_the_keys_it_is_given, setup, teardown),
		cmocka_unit_test_setup_teardown(describes_keys_and_says_what_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(describing_a_key_does_not_make_it_known, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_in_use_is_not_left_over, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deadline_that_passed_is_a_rejection, setup, teardown),
		cmocka_unit_test_setup_teardown(a_killed_child_is_a_rejection_and_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stopped_child_costs_its_deadline_and_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(four_threads_share_two_slots, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_left_for_process_1, setup, teardown),
		cmocka_unit_test_setup_teardown(a_supervisor_that_is_late_is_understood_afterwards, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dead_supervisor_is_a_rejection_and_is_told, setup,
						teardown_after_murder),
		cmocka_unit_test_setup_teardown(who_finds_no_free_worker_is_told, setup_one, teardown),
		cmocka_unit_test(a_pool_without_a_place_or_slots_is_refused),
		cmocka_unit_test(a_gpg_killed_over_a_key_is_asked_again),
		cmocka_unit_test(a_killed_gpg_is_asked_again),
		cmocka_unit_test(a_message_that_kills_gpg_twice_is_judged),
		cmocka_unit_test(a_message_that_keeps_gpg_busy_is_judged),
		cmocka_unit_test(the_worker_goes_when_its_server_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
