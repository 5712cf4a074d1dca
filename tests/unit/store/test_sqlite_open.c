/* Which files the SQLite driver opens, how it refuses the others, and what it says when the disk or another process is
 * in the way. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "store/store.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct bed {
	char directory[256];
	char path[300];
	char url[320];
	struct err err;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	const char *parent = getenv("TMPDIR");

	snprintf(bed->directory, sizeof(bed->directory), "%s/sealgate-open-XXXXXX", parent ? parent : "/tmp");
	*state = bed;
	if (!mkdtemp(bed->directory))
		return -1;
	snprintf(bed->path, sizeof(bed->path), "%s/store.db", bed->directory);
	snprintf(bed->url, sizeof(bed->url), "sqlite:%s", bed->path);
	return 0;
}

static int teardown(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	struct bed *bed = *state;
	char path[320];

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", bed->path, suffixes[i]);
		unlink(path);
	}
	rmdir(bed->directory);
	free(bed);
	return 0;
}

static struct note_row note(const char *id)
{
	return (struct note_row){.project = STR("p"), .id = str_of(id), .kind = STR("ATTESTATION"), .json = str_of(id)};
}

static struct store *opened(struct bed *bed)
{
	struct store *store = store_open(bed->url, STORE_READ_WRITE, &bed->err);

	if (!store)
		fail_msg("%s", bed->err.text);
	return store;
}

static bool has_note(struct store *store, const char *id)
{
	cleanup(arena) struct arena arena = arena_init(4096);
	struct str json;

	return store_get_note(store, STR("p"), str_of(id), 0, &arena, &json, NULL);
}

/* A good store with `notes` notes in it. */
static void make_store(struct bed *bed, int notes)
{
	struct store *store = opened(bed);

	for (int i = 0; i < notes; i++) {
		char id[16];
		struct note_row row;

		snprintf(id, sizeof(id), "n%d", i);
		row = note(id);
		assert_true(store_create_note(store, &row, 0, &bed->err));
	}
	store_close(store);
}

static void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void assert_refused_with(struct bed *bed, enum store_mode mode, enum err_kind kind, const char *words)
{
	struct store *store;

	bed->err = ERR_INIT;
	store = store_open(bed->url, mode, &bed->err);
	if (store)
		fail_msg("%s was opened; it should be refused: %s", bed->path, words);
	assert_int_equal(bed->err.kind, kind);
	if (!strstr(bed->err.text, words) || !strstr(bed->err.text, bed->path))
		fail_msg("\"%s\" says not \"%s\" about %s", bed->err.text, words, bed->path);
}

static void a_new_file_belongs_to_its_owner_alone(void **state)
{
	struct bed *bed = *state;
	mode_t before = umask(0);
	struct store *store = opened(bed);
	struct note_row row = note("n");
	struct stat found;

	umask(before);
	assert_true(store_create_note(store, &row, 0, &bed->err));
	assert_int_equal(stat(bed->path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	store_close(store);
}

static void closing_leaves_one_file(void **state)
{
	struct bed *bed = *state;
	char log[320];

	make_store(bed, 3);
	snprintf(log, sizeof(log), "%s-wal", bed->path);
	assert_int_equal(access(log, F_OK), -1);
}

static void an_empty_file_is_a_start_that_was_cut_short(void **state)
{
	struct bed *bed = *state;

	write_file(bed->path, "", 0);
	make_store(bed, 1);
}

/* What the disk shows when the power goes while the first transaction writes: part of a page, and a journal that says
 * how many pages there were before. */
static void leave_half_made(struct bed *bed, unsigned char pages_before)
{
	static const unsigned char head[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
	unsigned char journal[512] = {0}, page[7680] = "SQLite format 3";
	char path[320];

	memcpy(journal, head, sizeof(head));
	journal[19] = pages_before;
	journal[22] = 2;
	journal[26] = 0x20;
	snprintf(path, sizeof(path), "%s-journal", bed->path);
	write_file(path, journal, sizeof(journal));
	write_file(bed->path, page, sizeof(page));
}

static void a_file_that_is_half_made_is_a_start_that_was_cut_short(void **state)
{
	struct bed *bed = *state;
	struct note_row row = note("n");
	struct store *store;

	leave_half_made(bed, 1);
	assert_refused_with(bed, STORE_READ_WRITE, ERR_INTERNAL, "its size is wrong");
	leave_half_made(bed, 0);
	store = opened(bed);
	assert_true(store_create_note(store, &row, 0, &bed->err));
	store_close(store);
	store = opened(bed);
	assert_true(has_note(store, "n"));
	store_close(store);
}

static void refuses_an_empty_file_whose_log_is_not_empty(void **state)
{
	struct bed *bed = *state;
	char log[320];

	write_file(bed->path, "", 0);
	snprintf(log, sizeof(log), "%s-wal", bed->path);
	write_file(log, "x", 1);
	assert_refused_with(bed, STORE_READ_WRITE, ERR_INTERNAL, "damaged");
}

/* Who looks for it notices; a write that was refused because of it is told, too. */
static void a_file_moved_away_makes_the_version_grow(void **state)
{
	struct bed *bed = *state;
	struct store *store = opened(bed);
	struct note_row row = note("n");
	uint64_t before = 0, checked = 0, refused = 0;
	char aside[320];

	snprintf(aside, sizeof(aside), "%s.aside", bed->path);
	for (int i = 0; i < 2; i++)
		assert_true(store_version(store, 0, &before, &bed->err));
	assert_int_equal(rename(bed->path, aside), 0);
	assert_false(store_check(store, 0, &bed->err));
	assert_true(store_version(store, 0, &checked, &bed->err));
	assert_true(checked > before);
	assert_false(store_create_note(store, &row, 0, &bed->err));
	assert_int_equal(bed->err.kind, ERR_UNAVAILABLE);
	assert_true(store_version(store, 0, &refused, &bed->err));
	assert_true(refused > checked);
	assert_int_equal(rename(aside, bed->path), 0);
	store_close(store);
}

static void refuses_a_newer_file_and_leaves_it_as_it_is(void **state)
{
	struct bed *bed = *state;

	make_store(bed, 1);
	execute(bed->path, "PRAGMA user_version = 2");
	for (int mode = 0; mode < 2; mode++)
		assert_refused_with(bed, (enum store_mode)mode, ERR_INTERNAL, "was written by a newer sealgate");
	execute(bed->path, "PRAGMA user_version = 1");
	make_store(bed, 0);
}

static void refuses_files_of_other_programs(void **state)
{
	static const char *const programs[] = {
		"CREATE TABLE t (x)",
		"PRAGMA application_id = 5; CREATE TABLE t (x)",
		"PRAGMA user_version = 1",
		"PRAGMA application_id = 1397047628; CREATE TABLE t (x)",
	};
	struct bed *bed = *state;

	for (size_t i = 0; i < COUNT(programs); i++) {
		execute(bed->path, programs[i]);
		assert_refused_with(bed, STORE_READ_WRITE, ERR_INTERNAL, "is not a sealgate database or is damaged");
		assert_refused_with(bed, STORE_READ_ONLY, ERR_INTERNAL, "is not a sealgate database or is damaged");
		unlink(bed->path);
	}
}

static void refuses_text_and_noise(void **state)
{
	struct bed *bed = *state;
	char noise[32768];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 31 + 7);
	for (size_t size = 1; size <= sizeof(noise); size *= 2) {
		write_file(bed->path, noise, size);
		assert_refused_with(bed, STORE_READ_WRITE, ERR_INTERNAL, "is not a sealgate database or is damaged");
	}
}

static void refuses_a_file_cut_short_at_any_page(void **state)
{
	struct bed *bed = *state;
	cleanup(buf) struct buf whole = buf_init(1u << 20);

	make_store(bed, 200);
	assert_true(file_read(bed->path, &whole, &bed->err));
	assert_true(whole.len > 5 * 8192);
	for (size_t size = 1; size < whole.len; size += size % 8192 ? 8192 - size % 8192 : 1777) {
		write_file(bed->path, whole.data, size);
		assert_refused_with(bed, STORE_READ_WRITE, ERR_INTERNAL, "is not a sealgate database or is damaged");
	}
}

static void refuses_a_file_without_one_of_its_tables(void **state)
{
	static const char *const tables[] = {"projects", "notes", "occurrences", "operations", "evidence", "hints"};
	struct bed *bed = *state;
	char sql[64];

	for (size_t i = 0; i < COUNT(tables); i++) {
		make_store(bed, 1);
		snprintf(sql, sizeof(sql), "DROP TABLE %s", tables[i]);
		execute(bed->path, sql);
		assert_refused_with(bed, STORE_READ_WRITE, ERR_INTERNAL, "is not a sealgate database or is damaged");
		unlink(bed->path);
	}
}

/* Zeroes the page that holds `text`. */
static void spoil_page_with(const char *path, const char *text)
{
	static const char zeros[8192];
	cleanup(buf) struct buf whole = buf_init(1u << 20);
	struct err e;
	const char *at;

	assert_true(file_read(path, &whole, &e));
	at = memmem(whole.data, whole.len, text, strlen(text));
	assert_non_null(at);
	memcpy(whole.data + (at - whole.data) / 8192 * 8192, zeros, sizeof(zeros));
	write_file(path, whole.data, whole.len);
}

static void damage_inside_is_an_error_of_the_read_that_meets_it(void **state)
{
	struct bed *bed = *state;
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct store *store;
	struct row_list rows = {.count = 77};

	make_store(bed, 200);
	spoil_page_with(bed->path, "n150");
	store = opened(bed);
	assert_false(store_list_notes(store, STR("p"), (struct page){STR(""), 1000}, 0, &arena, &rows, &bed->err));
	assert_int_equal(bed->err.kind, ERR_INTERNAL);
	assert_non_null(strstr(bed->err.text, "damaged"));
	assert_int_equal(rows.count, 77);
	store_close(store);
}

static void refuses_what_is_not_a_file(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(mkdir(bed->path, 0700), 0);
	assert_refused_with(bed, STORE_READ_WRITE, ERR_INVALID, "is a directory");
	rmdir(bed->path);
	assert_int_equal(mkfifo(bed->path, 0600), 0);
	assert_refused_with(bed, STORE_READ_WRITE, ERR_INVALID, "is not a regular file");
}

static void refuses_a_directory_that_does_not_exist_and_an_empty_path(void **state)
{
	struct bed *bed = *state;

	snprintf(bed->path, sizeof(bed->path), "%.200s/absent/store.db", bed->directory);
	snprintf(bed->url, sizeof(bed->url), "sqlite:%s", bed->path);
	assert_refused_with(bed, STORE_READ_WRITE, ERR_INVALID, "No such file or directory");
	assert_null(store_open("sqlite:", STORE_READ_WRITE, &bed->err));
	assert_int_equal(bed->err.kind, ERR_INVALID);
}

static void reading_creates_no_file_and_changes_none(void **state)
{
	struct bed *bed = *state;

	assert_refused_with(bed, STORE_READ_ONLY, ERR_INVALID, "No such file or directory");
	assert_int_equal(access(bed->path, F_OK), -1);
	write_file(bed->path, "", 0);
	assert_refused_with(bed, STORE_READ_ONLY, ERR_INTERNAL, "start sealgated with it once");
}

/* Runs `check` as a user who owns nothing here; its exit status. */
static int as_nobody(struct bed *bed, int (*check)(struct bed *bed))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(9);
		_exit(check(bed));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int open_is_refused(struct bed *bed)
{
	if (store_open(bed->url, STORE_READ_WRITE, &bed->err))
		return 1;
	return strstr(bed->err.text, "look at the permissions") || strstr(bed->err.text, "is read-only") ? 0 : 2;
}

static void refuses_files_it_may_not_write_or_read(void **state)
{
	struct bed *bed = *state;

	make_store(bed, 1);
	assert_int_equal(chmod(bed->directory, 0755), 0);
	assert_int_equal(chmod(bed->path, 0444), 0);
	assert_int_equal(as_nobody(bed, open_is_refused), 0);
	assert_int_equal(chmod(bed->path, 0000), 0);
	assert_int_equal(as_nobody(bed, open_is_refused), 0);
}

static void a_name_that_sqlite_would_take_for_something_else_is_a_file(void **state)
{
	static const char *const names[] = {":memory:", "file:x.db?mode=memory"};
	struct bed *bed = *state;
	int home = open(".", O_RDONLY | O_DIRECTORY);

	assert_int_equal(chdir(bed->directory), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		char url[64];
		struct store *store;

		snprintf(url, sizeof(url), "sqlite:%s", names[i]);
		store = store_open(url, STORE_READ_WRITE, &bed->err);
		assert_non_null(store);
		store_close(store);
		assert_int_equal(unlink(names[i]), 0);
	}
	assert_int_equal(fchdir(home), 0);
	close(home);
}

static void a_write_waits_for_another_process_no_longer_than_its_deadline(void **state)
{
	struct bed *bed = *state;
	struct store *store = opened(bed);
	struct note_row row = note("late"), after = note("after");
	int64_t deadline = clock_monotonic_ms() + 60;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(bed->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_false(store_create_note(store, &row, deadline, &bed->err));
	assert_int_equal(bed->err.kind, ERR_TIMEOUT);
	assert_true(clock_monotonic_ms() >= deadline);
	assert_false(has_note(store, "late"));
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	assert_true(store_create_note(store, &after, 0, &bed->err));
	assert_false(has_note(store, "late"));
	store_close(store);
}

static void *write_patiently(void *context)
{
	struct note_row row = note("patient");

	return store_create_note(context, &row, 0, NULL) ? context : NULL;
}

static void a_write_goes_on_when_the_other_process_is_done(void **state)
{
	struct bed *bed = *state;
	struct store *store = opened(bed);
	struct note_row row = note("hasty");
	pthread_t thread;
	sqlite3 *other;
	void *done;

	assert_int_equal(sqlite3_open(bed->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(pthread_create(&thread, NULL, write_patiently, store), 0);
	assert_false(store_create_note(store, &row, clock_monotonic_ms() + 50, &bed->err));
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	pthread_join(thread, &done);
	assert_non_null(done);
	assert_true(has_note(store, "patient"));
	assert_false(has_note(store, "hasty"));
	store_close(store);
}

static void a_write_that_the_disk_refuses_is_not_acknowledged_and_harms_nothing(void **state)
{
	struct bed *bed = *state;
	struct rlimit before, small = {8192 * 5, RLIM_INFINITY};
	char large[65536];
	struct note_row row = note("large"), after = note("after");
	struct store *store;

	make_store(bed, 1);
	store = opened(bed);
	row.json = str_make(memset(large, 'x', sizeof(large)), sizeof(large));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(store_create_note(store, &row, 0, &bed->err));
	assert_int_equal(bed->err.kind, ERR_INTERNAL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(has_note(store, "large"));
	assert_true(has_note(store, "n0"));
	assert_true(store_create_note(store, &after, 0, &bed->err));
	store_close(store);
	store = opened(bed);
	assert_true(has_note(store, "after"));
	assert_false(has_note(store, "large"));
	store_close(store);
}

struct write {
	struct store *store;
	struct note_row row;
	bool ok;
};

static void *write_in_thread(void *context)
{
	struct write *one = context;

	one->ok = store_create_note(one->store, &one->row, 0, NULL);
	return NULL;
}

/* All wait for the lock together, so that the writer takes them as one batch. */
static void a_write_that_does_not_fit_takes_no_neighbour_down(void **state)
{
	struct bed *bed = *state;
	static char large[400000];
	struct store *store = opened(bed);
	struct rlimit before, small = {300000, RLIM_INFINITY};
	struct note_row hasty = note("hasty");
	struct write writes[5];
	pthread_t threads[5];
	sqlite3 *other;

	memset(large, 'x', sizeof(large));
	assert_int_equal(sqlite3_open(bed->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < 5; i++) {
		static const char *const ids[] = {"a", "b", "large", "c", "d"};

		writes[i] = (struct write){store, note(ids[i]), false};
		if (i == 2)
			writes[i].row.json = str_make(large, sizeof(large));
		pthread_create(&threads[i], NULL, write_in_thread, &writes[i]);
	}
	assert_false(store_create_note(store, &hasty, clock_monotonic_ms() + 50, &bed->err));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	sqlite3_close(other);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(writes[i].ok, i != 2);
		assert_int_equal(has_note(store, writes[i].row.id.ptr), i != 2);
	}
	store_close(store);
}

static void *write_a_little_later(void *context)
{
	struct write *one = context;

	poll(NULL, 0, 20);
	one->ok = store_create_note(one->store, &one->row, clock_monotonic_ms() + 20000, NULL);
	return NULL;
}

/* The first to come has the turn to write, and loses patience before the lock is free. */
static void whoever_gives_up_passes_the_writing_on(void **state)
{
	struct bed *bed = *state;
	struct store *store = opened(bed);
	struct note_row hasty = note("hasty");
	struct write patient = {store, note("patient"), false};
	pthread_t thread;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(bed->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(pthread_create(&thread, NULL, write_a_little_later, &patient), 0);
	assert_false(store_create_note(store, &hasty, clock_monotonic_ms() + 150, &bed->err));
	assert_int_equal(bed->err.kind, ERR_TIMEOUT);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	pthread_join(thread, NULL);
	assert_true(patient.ok);
	assert_true(has_note(store, "patient"));
	assert_false(has_note(store, "hasty"));
	store_close(store);
}

enum { TOO_MANY = 64 };

struct crowd {
	struct store *store;
	atomic_uint next;
	atomic_uint turned_away;
	atomic_uint done;
};

static void *write_one_of_many(void *context)
{
	struct crowd *crowd = context;
	struct err e = ERR_INIT;
	char id[32];
	struct note_row row;

	snprintf(id, sizeof(id), "many%u", atomic_fetch_add(&crowd->next, 1));
	row = note(id);
	if (store_create_note(crowd->store, &row, 0, &e))
		atomic_fetch_add(&crowd->done, 1);
	else if (e.kind == ERR_UNAVAILABLE)
		atomic_fetch_add(&crowd->turned_away, 1);
	return NULL;
}

/* Whoever is not turned away is in the queue, as long as another process has the lock. */
static void writes_beyond_the_queue_are_turned_away_and_those_in_it_are_done(void **state)
{
	struct bed *bed = *state;
	static pthread_t threads[LIMIT_WRITE_QUEUE + TOO_MANY];
	struct crowd crowd = {.store = opened(bed)};
	pthread_attr_t small_stack;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(bed->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	pthread_attr_init(&small_stack);
	pthread_attr_setstacksize(&small_stack, 128 * 1024);
	for (size_t i = 0; i < LIMIT_WRITE_QUEUE + TOO_MANY; i++)
		assert_int_equal(pthread_create(&threads[i], &small_stack, write_one_of_many, &crowd), 0);
	pthread_attr_destroy(&small_stack);
	for (int i = 0; i < 6000 && atomic_load(&crowd.turned_away) < TOO_MANY; i++)
		poll(NULL, 0, 10);
	assert_int_equal(atomic_load(&crowd.turned_away), TOO_MANY);
	assert_int_equal(atomic_load(&crowd.done), 0);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	for (size_t i = 0; i < LIMIT_WRITE_QUEUE + TOO_MANY; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&crowd.done), LIMIT_WRITE_QUEUE);
	store_close(crowd.store);
}

static void the_log_does_not_grow_for_ever(void **state)
{
	struct bed *bed = *state;
	size_t size = 1u << 20;
	char *large = malloc(size), log[320];
	struct store *store = opened(bed);
	struct note_row row = note("n");
	struct stat found;

	snprintf(log, sizeof(log), "%s-wal", bed->path);
	row.json = str_make(memset(large, 'x', size), size);
	assert_true(store_create_note(store, &row, 0, &bed->err));
	for (int i = 0; i < 100; i++)
		assert_true(store_update_note(store, &row, 0, &bed->err));
	assert_int_equal(stat(log, &found), 0);
	assert_true(found.st_size < 20 << 20);
	store_close(store);
	free(large);
}

static void two_stores_on_one_file_see_each_other(void **state)
{
	struct bed *bed = *state;
	struct store *one = opened(bed), *two = opened(bed);
	struct note_row row = note("n");

	assert_true(store_create_note(one, &row, 0, &bed->err));
	assert_true(has_note(two, "n"));
	assert_false(store_create_note(two, &row, 0, &bed->err));
	assert_int_equal(bed->err.kind, ERR_EXISTS);
	store_close(one);
	assert_true(has_note(two, "n"));
	store_close(two);
}

static void code_inside_the_file_does_not_run(void **state)
{
	struct bed *bed = *state;
	struct store *store;
	struct note_row row = note("n");

	make_store(bed, 0);
	execute(bed->path, "CREATE TRIGGER t AFTER INSERT ON notes BEGIN DELETE FROM notes; END");
	store = opened(bed);
	assert_true(store_create_note(store, &row, 0, &bed->err));
	assert_true(has_note(store, "n"));
	store_close(store);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_new_file_belongs_to_its_owner_alone),
		CASE(closing_leaves_one_file),
		CASE(an_empty_file_is_a_start_that_was_cut_short),
		CASE(a_file_that_is_half_made_is_a_start_that_was_cut_short),
		CASE(refuses_an_empty_file_whose_log_is_not_empty),
		CASE(refuses_a_newer_file_and_leaves_it_as_it_is),
		CASE(refuses_files_of_other_programs),
		CASE(refuses_text_and_noise),
		CASE(refuses_a_file_cut_short_at_any_page),
		CASE(refuses_a_file_without_one_of_its_tables),
		CASE(damage_inside_is_an_error_of_the_read_that_meets_it),
		CASE(refuses_what_is_not_a_file),
		CASE(refuses_a_directory_that_does_not_exist_and_an_empty_path),
		CASE(reading_creates_no_file_and_changes_none),
		CASE(refuses_files_it_may_not_write_or_read),
		CASE(a_name_that_sqlite_would_take_for_something_else_is_a_file),
		CASE(a_write_waits_for_another_process_no_longer_than_its_deadline),
		CASE(a_write_goes_on_when_the_other_process_is_done),
		CASE(a_write_that_the_disk_refuses_is_not_acknowledged_and_harms_nothing),
		CASE(a_write_that_does_not_fit_takes_no_neighbour_down),
		CASE(whoever_gives_up_passes_the_writing_on),
		CASE(writes_beyond_the_queue_are_turned_away_and_those_in_it_are_done),
		CASE(the_log_does_not_grow_for_ever),
		CASE(a_file_moved_away_makes_the_version_grow),
		CASE(two_stores_on_one_file_see_each_other),
		CASE(code_inside_the_file_does_not_run),
	};

	return cmocka_run_group_tests_name("sqlite_open", tests, NULL, NULL);
}
