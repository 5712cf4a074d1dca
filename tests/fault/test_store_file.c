/* The database's file is taken away, spoiled, locked or runs out of room beneath a running server. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/clock.h"
#include "tests/e2e/bed.h"

#define EMAIL "qa_bob@example.com"

static int setup(void **state)
{
	bed_setup(state);
	bed_key(*state, "qa", EMAIL);
	return 0;
}

struct file {
	char *path, *log, *aside;
	char *signature;
};

static struct file start(struct bed *bed)
{
	struct file f = {text_of("%s/sealgate.db", bed->data), text_of("%s/sealgate.db-wal", bed->data),
			 text_of("%s/aside.db", bed->data), bed_clearsign(bed, EMAIL, DIGEST_A)};

	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(bed_note(bed, "p", "n"), 200);
	assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, f.signature), 200);
	return f;
}

/* Ends the server if it runs, and leaves nothing for the next test. */
static void finish(struct bed *bed, struct file *f)
{
	const char *remove_all[] = {"rm", "-rf", bed->data, NULL};

	if (bed->server)
		assert_int_equal(bed_stop(bed), 0);
	bed_run(bed, remove_all, NULL, NULL, NULL);
	free(f->path);
	free(f->log);
	free(f->aside);
	free(f->signature);
}

static void pod_is(struct bed *bed, bool allowed)
{
	json_t *response = bed_review_pod(bed, IMAGE_A);

	if (response_allowed(response) != allowed)
		fail_msg("a pod is %s: %s", allowed ? "refused" : "admitted", response_message(response));
	json_decref(response);
}

struct answer {
	const char *path;
	long status;
	const char *words;
};

static bool ops_says(struct bed *bed, void *context)
{
	const struct answer *wanted = context;
	struct reply reply = bed_request(bed, "GET", bed->ops, wanted->path, NULL, 0, NULL);
	bool yes = reply.status == wanted->status && strstr(reply.body, wanted->words);

	reply_release(&reply);
	return yes;
}

static bool log_has(struct bed *bed, void *message)
{
	return bed_log_lines(bed, message) > 0;
}

static void readyz_says(struct bed *bed, long status, const char *words)
{
	struct answer wanted = {"/readyz", status, words};

	if (!bed_eventually(bed, ops_says, &wanted))
		fail_msg("/readyz is not %ld with \"%s\"", status, words);
}

static void upload_is_refused(struct bed *bed, long status, const char *words)
{
	static const char body[] = "{\"name\":\"projects/x\"}";
	struct reply reply = bed_request(bed, "POST", bed->api, "/v1alpha1/projects", body, sizeof(body) - 1, NULL);

	if (reply.status != status || !strstr(reply.body, words))
		fail_msg("%ld, not %ld with \"%s\": %s", reply.status, status, words, reply.body);
	reply_release(&reply);
}

static char cannot[] = "the store cannot be used", can[] = "the store can be used again";

static void moved_away_and_back(void **state)
{
	struct bed *bed = *state;
	struct file f = start(bed);

	assert_int_equal(rename(f.path, f.aside), 0);
	upload_is_refused(bed, 503, "put it back, or restart");
	readyz_says(bed, 200, "not written: ");
	assert_true(bed_eventually(bed, log_has, cannot));
	pod_is(bed, true);
	assert_int_equal(rename(f.aside, f.path), 0);
	assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, f.signature), 200);
	assert_true(bed_eventually(bed, log_has, can));
	assert_int_equal(rename(f.log, f.aside), 0);
	upload_is_refused(bed, 503, "put it back, or restart");
	assert_int_equal(rename(f.aside, f.log), 0);
	assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, f.signature), 200);
	finish(bed, &f);
}

static void deleted_or_replaced(void **state)
{
	struct bed *bed = *state;

	for (int replaced = 0; replaced < 2; replaced++) {
		struct file f = start(bed);

		if (replaced)
			bed_write(f.aside, "something else");
		assert_int_equal(replaced ? rename(f.aside, f.path) : unlink(f.path), 0);
		upload_is_refused(bed, 503, "put it back, or restart");
		pod_is(bed, true);
		assert_int_equal(bed_stop(bed), 0);
		if (replaced) {
			assert_int_equal(bed_start_fails(bed, "--pubkeys", bed->keys, NULL), 1);
		} else {
			bed_start(bed, "--pubkeys", bed->keys, NULL);
			pod_is(bed, false);
		}
		finish(bed, &f);
	}
}

static void cut_short_or_overwritten(void **state)
{
	struct bed *bed = *state;
	char noise[8192];

	memset(noise, 0x5a, sizeof(noise));
	for (int cut = 0; cut < 2; cut++) {
		struct file f = start(bed);
		int fd = open(f.path, O_WRONLY | O_CLOEXEC);

		assert_int_equal(cut ? ftruncate(fd, 0) : write(fd, noise, sizeof(noise)), cut ? 0 : sizeof(noise));
		close(fd);
		upload_is_refused(bed, 500, "stop sealgated and restore a backup");
		readyz_says(bed, 503, "stop sealgated and restore a backup");
		assert_true(bed_eventually(bed, log_has, cannot));
		bed_kill(bed);
		assert_int_equal(bed_start_fails(bed, "--pubkeys", bed->keys, NULL), 1);
		finish(bed, &f);
	}
}

/* Reads and decisions go on beside another process's transaction; writes wait for it and are then right. */
static void another_process_holds_the_write_lock(void **state)
{
	struct bed *bed = *state;
	struct file f = start(bed);
	int64_t before = clock_monotonic_ms();
	pid_t other = fork();

	if (other == 0) {
		struct sqlite3 *db;

		if (sqlite3_open(f.path, &db) || sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL))
			_exit(1);
		close(open(f.aside, O_CREAT | O_CLOEXEC, 0600));
		poll(NULL, 0, 2000);
		_exit(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK);
	}
	while (access(f.aside, F_OK) != 0 && clock_monotonic_ms() - before < 20000)
		poll(NULL, 0, 5);
	pod_is(bed, true);
	assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, f.signature), 200);
	assert_true(clock_monotonic_ms() - before >= 1900);
	assert_int_equal(waitpid(other, NULL, 0), other);
	readyz_says(bed, 200, "ok\n");
	finish(bed, &f);
}

/* Uploads until one is refused; how many were not. */
static int fill(struct bed *bed, const char *signature)
{
	for (int count = 0; count < 5000; count++) {
		long status = bed_attest(bed, "p", "n", IMAGE_A, signature);

		if (status == 200)
			continue;
		assert_int_equal(status, 503);
		return count;
	}
	fail_msg("the disk does not fill up");
	return 0;
}

static size_t occurrences(struct bed *bed)
{
	struct reply reply =
		bed_request(bed, "GET", bed->api, "/v1alpha1/projects/p/occurrences?pageSize=1000", NULL, 0, NULL);
	json_t *list = reply_json(&reply);
	size_t count = json_array_size(json_object_get(list, "occurrences"));

	json_decref(list);
	reply_release(&reply);
	return count;
}

/* A small file system of its own as --data-dir; false where none can be mounted. */
static bool mount_small(struct bed *bed)
{
	mkdir(bed->data, 0700);
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", bed->data, "tmpfs", 0, "size=1200k,mode=0700") == 0)
		return true;
	print_message("nothing can be mounted here; unit/store/test_sqlite_open fills a disk by a limit\n");
	return false;
}

static void make_room(struct bed *bed)
{
	assert_int_equal(mount("tmpfs", bed->data, "tmpfs", MS_REMOUNT, "size=64m,mode=0700"), 0);
}

static void a_full_disk_refuses_uploads_and_nothing_else(void **state)
{
	struct bed *bed = *state;
	struct file f;
	size_t stored;

	if (!mount_small(bed))
		skip();
	f = start(bed);
	pod_is(bed, true);
	stored = 1 + (size_t)fill(bed, f.signature);
	pod_is(bed, true);
	make_room(bed);
	assert_int_equal(bed_attest(bed, "p", "n", IMAGE_A, f.signature), 200);
	assert_int_equal(occurrences(bed), stored + 1);
	bed_kill(bed);
	bed_start(bed, "--pubkeys", bed->keys, NULL);
	assert_int_equal(occurrences(bed), stored + 1);
	pod_is(bed, true);
	assert_int_equal(bed_stop(bed), 0);
	assert_int_equal(umount(bed->data), 0);
	finish(bed, &f);
}

/* gpg has no room for the keys: nothing is known about a signature then, and that is no verdict to keep. */
static void a_disk_that_was_full_leaves_no_wrong_verdict(void **state)
{
	struct bed *bed = *state;
	struct file f;

	if (!mount_small(bed))
		skip();
	f = start(bed);
	(void)fill(bed, f.signature);
	json_decref(bed_review_pod(bed, IMAGE_A));
	make_room(bed);
	pod_is(bed, true);
	assert_int_equal(bed_stop(bed), 0);
	assert_int_equal(umount(bed->data), 0);
	finish(bed, &f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moved_away_and_back),
		cmocka_unit_test(deleted_or_replaced),
		cmocka_unit_test(cut_short_or_overwritten),
		cmocka_unit_test(another_process_holds_the_write_lock),
		cmocka_unit_test(a_full_disk_refuses_uploads_and_nothing_else),
		cmocka_unit_test(a_disk_that_was_full_leaves_no_wrong_verdict),
	};

	return cmocka_run_group_tests_name("the store's file", tests, setup, bed_teardown);
}
