/* The power goes at every change of the disk: the file opens afterwards, is sound, and holds every acknowledged row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sqlite3.h>

#include "tests/fault/disk_model.h"
#include "tests/fault/fault_vfs.h"
#include "tests/fault/scratch_db.h"
#include "tests/fault/sound.h"
#include "tests/fault/store_story.h"

#define SEEDS_IN_PART 3u
#define SEEDS 16u
/* Makes the story longer than a WAL that is begun anew: 16 MiB, with a checkpoint in between. */
#define LONG_PADDING 700000u
/* Each of its lives moves 16 MiB; sanitizers look at the code, not at the disk. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LONG_STEP 113u
#define LONG_SEEDS 1u
#else
#define LONG_STEP 23u
#define LONG_SEEDS SEEDS_IN_PART
#endif
#define TURNS_MAX 512u
#define CONNECTIONS_MAX 64u

static struct scratch_db db, after;
static unsigned cuts, images;

static int setup(void **state)
{
	(void)state;
	fault_vfs_register();
	return scratch_db_make(&db) && scratch_db_make(&after) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	scratch_db_remove(&db);
	scratch_db_remove(&after);
	print_message("%u cuts, %u disks\n", cuts, images);
	return 0;
}

/* A life that ends without power before change `cut_at`; false when it was over before. What it was told is in *s. */
static bool live(struct story *s, unsigned cut_at, const struct fault_plan *plan)
{
	struct err e = ERR_INIT;

	scratch_db_empty(&db);
	disk_model_begin(cut_at);
	fault_vfs_arm(plan);
	s->allowed = ERR_INTERNAL;
	s->store = store_open(db.url, STORE_READ_WRITE, &e);
	if (s->store)
		story_tell(s);
	store_close(s->store);
	s->store = NULL;
	return disk_model_power_is_off();
}

/* What the machine finds when it comes up again. */
static void look(const struct story *told, uint64_t seed, const char *what)
{
	struct story s = *told;
	struct err e = ERR_INIT;

	scratch_db_empty(&after);
	disk_model_cut(after.dir, seed);
	disk_model_end();
	fault_vfs_arm(NULL);
	s.store = store_open(after.url, STORE_READ_WRITE, &e);
	if (!s.store)
		fail_msg("%s: the file does not open: %s", what, e.text);
	story_settle(&s);
	story_check(&s);
	story_go_on(&s);
	story_check(&s);
	store_close(s.store);
	if (s.broken[0])
		fail_msg("%s: %s", what, s.broken);
	assert_sound(after.path, SQLITE_OPEN_READWRITE, what);
	images++;
}

static bool cut(unsigned cut_at, uint64_t seed, size_t padding, const struct fault_plan *plan)
{
	struct story s = {.padding = padding};
	char what[96];
	bool was_cut = live(&s, cut_at, plan);

	snprintf(what, sizeof(what), "cut before change %u, seed %llu, padding %zu", cut_at, (unsigned long long)seed,
		 padding);
	if (s.broken[0])
		fail_msg("%s: before it: %s", what, s.broken);
	look(&s, seed, what);
	return was_cut;
}

static unsigned changes_of(size_t padding)
{
	struct story s = {.padding = padding};
	unsigned changes;

	assert_false(live(&s, 0, NULL));
	assert_int_equal(s.failed, 0);
	changes = disk_model_changes();
	disk_model_end();
	return changes;
}

static void cut_everywhere(size_t padding, unsigned dense, unsigned step)
{
	unsigned changes = changes_of(padding), seeds = soaking() ? SEEDS : SEEDS_IN_PART;

	for (unsigned at = 1; at <= changes; at += soaking() || at < dense ? 1 : step, cuts++)
		for (uint64_t seed = 0; seed < seeds; seed++)
			(void)cut(at, seed ? seed + at * SEEDS : 0, padding, NULL);
}

static void a_power_cut_loses_no_acknowledged_row(void **state)
{
	(void)state;
	cut_everywhere(0, 20, 9);
}

/* The WAL is moved into the file on the way, begun anew and written over, and moved again at the end. Its thousands of
 * writes are alike: what matters is where one stands between syncs. */
static void a_power_cut_during_a_checkpoint_loses_no_acknowledged_row(void **state)
{
	unsigned turns[TURNS_MAX], step = soaking() ? 1 : LONG_STEP, seeds = soaking() ? SEEDS : LONG_SEEDS;
	struct story s = {.padding = LONG_PADDING};
	size_t count;

	(void)state;
	assert_false(live(&s, 0, NULL));
	count = disk_model_turns(turns, TURNS_MAX);
	disk_model_end();
	assert_in_range(count, 40, TURNS_MAX - 1);
	for (size_t i = 0; i < count; i += step, cuts += 2)
		for (uint64_t seed = 0; seed < seeds; seed++) {
			(void)cut(turns[i], seed ? seed + i * SEEDS : 0, LONG_PADDING, NULL);
			(void)cut(turns[i] + 1, seed ? seed + i * SEEDS : 0, LONG_PADDING, NULL);
		}
}

/* A sync that fails has lost what it was to keep, and a kernel says so only once. */
static void a_sync_that_failed_is_not_taken_for_one_that_was_late(void **state)
{
	unsigned syncs = 0, step = soaking() ? 1 : 7;

	(void)state;
	for (unsigned nth = 1; nth == 1 || nth <= syncs; nth += step, cuts++) {
		struct fault_plan plan = {FAULT_SYNC, nth, 1, SQLITE_IOERR_FSYNC, TEAR_NOTHING};

		(void)cut(0, nth % 3 ? nth : 0, 0, &plan);
		if (nth == 1) {
			(void)changes_of(0);
			syncs = fault_vfs_calls(FAULT_SYNC);
		}
	}
}

/* Every connection that SQLite opens in this process. */
static struct {
	struct sqlite3 *items[CONNECTIONS_MAX];
	size_t count;
} connections;

static int note_connection(struct sqlite3 *connection, char **error, const struct sqlite3_api_routines *api)
{
	(void)error;
	(void)api;
	if (connections.count < CONNECTIONS_MAX)
		connections.items[connections.count++] = connection;
	return SQLITE_OK;
}

static int keep_number(void *context, int columns, char **values, char **names)
{
	(void)columns;
	(void)names;
	snprintf(context, 16, "%s", values[0]);
	return 0;
}

static void every_connection_syncs_each_commit(void **state)
{
	struct err e = ERR_INIT;
	struct store *store;
	char word[16];
	size_t still_open = 0;

	(void)state;
	scratch_db_empty(&after);
	fault_vfs_arm(NULL);
	connections.count = 0;
	sqlite3_auto_extension((void (*)(void))note_connection);
	store = store_open(after.url, STORE_READ_WRITE, &e);
	sqlite3_cancel_auto_extension((void (*)(void))note_connection);
	assert_non_null(store);
	/* The first one looked at the schema, and is closed. */
	for (size_t i = 1; i < connections.count; i++, still_open++) {
		assert_int_equal(sqlite3_exec(connections.items[i], "PRAGMA synchronous", keep_number, word, NULL), 0);
		assert_string_equal(word, "2");
		assert_int_equal(sqlite3_exec(connections.items[i], "PRAGMA journal_mode", keep_number, word, NULL), 0);
		assert_string_equal(word, "wal");
	}
	assert_true(still_open >= 3);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_connection_syncs_each_commit),
		cmocka_unit_test(a_power_cut_loses_no_acknowledged_row),
		cmocka_unit_test(a_power_cut_during_a_checkpoint_loses_no_acknowledged_row),
		cmocka_unit_test(a_sync_that_failed_is_not_taken_for_one_that_was_late),
	};

	return cmocka_run_group_tests_name("power cut", tests, setup, teardown);
}
