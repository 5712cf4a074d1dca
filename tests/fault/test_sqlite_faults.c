/* Every call that SQLite makes to the disk fails once, and for a while: the store answers as store.h says, crashes
 * never, acknowledges nothing that is not there, and is right again as soon as the disk is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/fault/fault_vfs.h"
#include "tests/fault/scratch_db.h"
#include "tests/fault/sound.h"
#include "tests/fault/store_story.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* In part: every call up to this number, then some of the rest. */
#define DENSE 8u
#define FOR_A_WHILE 25u
#define PATIENCE_MS 60

struct fault {
	enum fault_point point;
	int code;
	enum fault_tear tear;
	enum err_kind kind; /* what the store says */
};

static const struct fault faults[] = {
	{FAULT_OPEN, SQLITE_CANTOPEN, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_READ, SQLITE_IOERR_READ, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_WRITE, SQLITE_IOERR_WRITE, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_WRITE, SQLITE_IOERR_WRITE, TEAR_HALF, ERR_INTERNAL},
	{FAULT_WRITE, SQLITE_IOERR_WRITE, TEAR_GARBAGE, ERR_INTERNAL},
	{FAULT_WRITE, SQLITE_FULL, TEAR_HALF, ERR_UNAVAILABLE},
	{FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_SYNC, SQLITE_IOERR_FSYNC, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_FILE_SIZE, SQLITE_IOERR_FSTAT, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_LOCK, SQLITE_IOERR_LOCK, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_LOCK, SQLITE_BUSY, TEAR_NOTHING, ERR_TIMEOUT},
	{FAULT_SHM_MAP, SQLITE_IOERR_SHMMAP, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_SHM_LOCK, SQLITE_BUSY, TEAR_NOTHING, ERR_TIMEOUT},
	{FAULT_SHM_LOCK, SQLITE_IOERR_SHMLOCK, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_DELETE, SQLITE_IOERR_DELETE, TEAR_NOTHING, ERR_INTERNAL},
	{FAULT_ACCESS, SQLITE_IOERR_ACCESS, TEAR_NOTHING, ERR_INTERNAL},
};

static struct scratch_db db;
static unsigned rounds, missed, refusals;

static int setup(void **state)
{
	(void)state;
	fault_vfs_register();
	return scratch_db_make(&db) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	scratch_db_remove(&db);
	print_message("%u rounds, %u calls refused, %u faults not met\n", rounds, refusals, missed);
	return 0;
}

static void assert_kept(const struct story *s, const char *what)
{
	if (s->broken[0])
		fail_msg("%s: %s", what, s->broken);
}

static struct store *open_now(const char *what)
{
	struct err e = ERR_INIT;
	struct store *store = store_open(db.url, STORE_READ_WRITE, &e);

	if (!store)
		fail_msg("%s: the store does not open again: %s", what, e.text);
	return store;
}

/* Opens with the fault in force, and again without when it was refused; false then. */
static bool open_broken(struct story *s, const struct fault *fault, const char *what)
{
	struct err e = ERR_INIT;

	s->store = store_open(db.url, STORE_READ_WRITE, &e);
	if (s->store)
		return true;
	/* An open that outlasts a lock is a failure of the start, not of a request. */
	if (e.kind != (fault->kind == ERR_TIMEOUT ? ERR_INTERNAL : fault->kind))
		fail_msg("%s: open says: %s", what, e.text);
	fault_vfs_arm(NULL);
	s->store = open_now(what);
	return false;
}

/* One life with the calls from number `nth` on failing; whether the number was reached. */
static bool live(const struct fault *fault, unsigned nth, unsigned count)
{
	struct story s = {.allowed = fault->kind, .patience_ms = fault->kind == ERR_TIMEOUT ? PATIENCE_MS : 0};
	bool reached;
	char what[128];

	snprintf(what, sizeof(what), "%s %u to %u, code %d, tear %d", fault_point_name(fault->point), nth,
		 nth + count - 1, fault->code, fault->tear);
	scratch_db_empty(&db);
	fault_vfs_arm(&(struct fault_plan){fault->point, nth, count, fault->code, fault->tear});
	reached = !open_broken(&s, fault, what);
	story_tell(&s);
	reached = reached || fault_vfs_fired();
	refusals += s.failed;
	fault_vfs_arm(NULL);
	s.patience_ms = 0;
	story_check(&s);
	story_go_on(&s);
	assert_kept(&s, what);
	store_close(s.store);
	s.store = open_now(what);
	story_settle(&s);
	story_check(&s);
	assert_kept(&s, what);
	store_close(s.store);
	assert_sound(db.path, SQLITE_OPEN_READWRITE, what);
	rounds++;
	return reached;
}

/* The calls of a whole life. */
static unsigned calls_of(enum fault_point point)
{
	struct story s = {.allowed = ERR_NONE};
	unsigned calls;

	scratch_db_empty(&db);
	fault_vfs_arm(NULL);
	s.store = open_now("nothing is wrong");
	story_tell(&s);
	calls = fault_vfs_calls(point);
	assert_kept(&s, "nothing is wrong");
	assert_int_equal(s.failed, 0);
	store_close(s.store);
	return calls;
}

static void sweep(unsigned count)
{
	for (size_t i = 0; i < COUNT(faults); i++) {
		unsigned calls = calls_of(faults[i].point), step = soaking() ? 1 : 1 + calls / 8;

		for (unsigned nth = 1; nth <= calls; nth += nth < DENSE && count == 1 ? 1 : step)
			missed += !live(&faults[i], nth, count);
	}
}

static void each_call_to_the_disk_fails_once(void **state)
{
	(void)state;
	sweep(1);
}

static void calls_to_the_disk_fail_for_a_while(void **state)
{
	(void)state;
	sweep(FOR_A_WHILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_to_the_disk_fails_once),
		cmocka_unit_test(calls_to_the_disk_fail_for_a_while),
	};

	return cmocka_run_group_tests_name("SQLite faults", tests, setup, teardown);
}
