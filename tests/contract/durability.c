/* What was acknowledged is there: for readers at once, after a restart, after kill -9; with many threads at a time. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/contract/bed.h"

#define DIGEST "sha256:3333333333333333333333333333333333333333333333333333333333333333"
#define NOTE "projects/p/notes/n"
#define WRITERS 8
#define WRITES 40
#define READERS 2
#define ROUNDS 10
/* Acknowledged writes after which a round is ended from outside. */
#define KILL_AFTER 30

static void everything_is_there_after_a_restart(void **state)
{
	struct bed *bed = *state;
	struct note_row note = note_of("p", "n", "note");
	struct occurrence_row row = attestation_of(bed, "o", NOTE, DIGEST);
	struct str json;

	assert_done(store_create_project(bed->store, &(struct project_row){STR("p"), STR("project")}, 0, &bed->err));
	assert_done(store_create_note(bed->store, &note, 0, &bed->err));
	assert_done(store_create_occurrence(bed->store, &row, 0, &bed->err));
	assert_done(store_create_operation(
		bed->store, &(struct operation_row){.project = STR("p"), .id = STR("x"), .json = STR("op")}, 0,
		&bed->err));
	for (int i = 0; i < 2; i++) {
		bed_reopen(bed, i ? STORE_READ_ONLY : STORE_READ_WRITE);
		assert_done(store_get_project(bed->store, STR("p"), 0, &bed->arena, &json, &bed->err));
		assert_str(json, "project");
		assert_done(store_get_note(bed->store, STR("p"), STR("n"), 0, &bed->arena, &json, &bed->err));
		assert_str(json, "note");
		assert_done(store_get_occurrence(bed->store, STR("p"), STR("o"), 0, &bed->arena, &json, &bed->err));
		assert_str(json, "o");
		assert_done(store_get_operation(bed->store, STR("p"), STR("x"), 0, &bed->arena, &json, &bed->err));
		assert_str(json, "op");
	}
}

/* One thread's work and what went wrong in it: assertions belong to the main thread. */
struct crew {
	struct store *store;
	atomic_int next_writer;
	atomic_int created;
	atomic_int refused;
	atomic_int wrong;
	atomic_bool finished;
};

static bool look(void *context, const struct attestation_row *row)
{
	struct str *wanted = context;

	if (str_eq(row->id, *wanted))
		wanted->len = 0;
	return wanted->len > 0;
}

/* A new attestation, looked for as soon as it is acknowledged. */
static void write_and_look(struct crew *crew, int writer, int number)
{
	cleanup(arena) struct arena arena = arena_init(64 * 1024);
	struct str id = arena_printf(&arena, "w%d-%d", writer, number), json = STR(""), wanted = id;
	struct evidence evidence = {STR("signature"), {NULL, 0}};
	struct occurrence_row row = occurrence_of("p", id.ptr, NOTE);

	row.digest = STR(DIGEST);
	row.evidence = &evidence;
	row.evidence_count = 1;
	if (!store_create_occurrence(crew->store, &row, 0, NULL) ||
	    !store_get_occurrence(crew->store, STR("p"), id, 0, &arena, &json, NULL) || !str_eq(json, id) ||
	    !store_attestations(crew->store, STR(DIGEST), &row.note, 1, 0, look, &wanted, NULL) || wanted.len)
		crew->wrong++;
}

static void *write_rows(void *context)
{
	struct crew *crew = context;
	int writer = crew->next_writer++;

	for (int i = 0; i < WRITES; i++)
		write_and_look(crew, writer, i);
	return NULL;
}

static bool count_row(void *context, const struct attestation_row *row)
{
	(void)row;
	++*(size_t *)context;
	return true;
}

/* Rows only ever become more. */
static void *read_rows(void *context)
{
	struct crew *crew = context;
	size_t before = 0;

	while (!crew->finished) {
		size_t now = 0;

		if (!store_attestations(crew->store, STR(DIGEST), NULL, 0, 0, count_row, &now, NULL) || now < before)
			crew->wrong++;
		before = now;
	}
	return NULL;
}

static void what_is_acknowledged_is_visible_at_once_with_many_writers_and_readers(void **state)
{
	struct bed *bed = *state;
	struct crew crew = {.store = bed->store};
	pthread_t writers[WRITERS], readers[READERS];
	size_t rows = 0;

	for (size_t i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, read_rows, &crew);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_create(&writers[i], NULL, write_rows, &crew);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	crew.finished = true;
	for (size_t i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(crew.wrong, 0);
	assert_done(store_attestations(bed->store, STR(DIGEST), NULL, 0, 0, count_row, &rows, &bed->err));
	assert_int_equal(rows, WRITERS * WRITES);
}

/* Everybody creates the same notes: each is made once, and who comes second is told so. */
static void *create_same(void *context)
{
	struct crew *crew = context;

	for (int i = 0; i < WRITES; i++) {
		char id[16];
		struct err e = ERR_INIT;
		struct note_row row;

		snprintf(id, sizeof(id), "n%d", i);
		row = note_of("p", id, "{}");
		if (store_create_note(crew->store, &row, 0, &e))
			crew->created++;
		else if (e.kind == ERR_EXISTS)
			crew->refused++;
		else
			crew->wrong++;
	}
	return NULL;
}

static void a_duplicate_is_refused_without_undoing_its_neighbours(void **state)
{
	struct bed *bed = *state;
	struct crew crew = {.store = bed->store};
	pthread_t threads[WRITERS];
	struct row_list rows;

	for (size_t i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, create_same, &crew);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crew.wrong, 0);
	assert_int_equal(crew.created, WRITES);
	assert_int_equal(crew.refused, WRITES * (WRITERS - 1));
	assert_done(
		store_list_notes(bed->store, STR("p"), (struct page){STR(""), 100}, 0, &bed->arena, &rows, &bed->err));
	assert_int_equal(rows.count, WRITES);
}

/* The child: writes without end and says each acknowledged number through the pipe. */
static void *acknowledge(void *context)
{
	struct crew *crew = context;
	int writer = crew->next_writer++;

	for (int i = 0;; i++) {
		int number[2] = {writer, i};
		char id[32];
		struct occurrence_row row;

		snprintf(id, sizeof(id), "r%d-%d-%d", crew->created, writer, i);
		row = occurrence_of("p", id, NOTE);
		if (!store_create_occurrence(crew->store, &row, 0, NULL) ||
		    write(crew->refused, number, sizeof(number)) != sizeof(number))
			_exit(1);
	}
	return NULL;
}

static void child(const char *url, int round, int output)
{
	struct crew crew = {.store = store_open(url, STORE_READ_WRITE, NULL), .created = round, .refused = output};
	pthread_t threads[4];

	if (!crew.store)
		_exit(1);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_create(&threads[i], NULL, acknowledge, &crew);
	pthread_join(threads[0], NULL);
	_exit(1);
}

/* Runs a child until it has acknowledged enough, kills it, and notes all that it said; how many that is. */
static size_t kill_a_writer(const char *url, int round, int acknowledged[][2], size_t max)
{
	int fds[2], status;
	size_t count = 0;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(url, round, fds[1]);
	}
	close(fds[1]);
	while (count < max && read(fds[0], acknowledged[count], sizeof(int[2])) == sizeof(int[2]))
		if (++count == KILL_AFTER)
			kill(pid, SIGKILL);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return count;
}

static void kill_9_loses_no_acknowledged_write(void **state)
{
	static int acknowledged[1u << 16][2];
	struct bed *bed = *state;

	for (int round = 0; round < ROUNDS; round++) {
		size_t count;

		store_close(bed->store);
		bed->store = NULL;
		count = kill_a_writer(bed->url, round, acknowledged, COUNT(acknowledged));
		assert_true(count >= KILL_AFTER);
		bed_reopen(bed, STORE_READ_WRITE);
		for (size_t i = 0; i < count; i++) {
			struct str json, id = arena_printf(&bed->arena, "r%d-%d-%d", round, acknowledged[i][0],
							   acknowledged[i][1]);

			assert_done(store_get_occurrence(bed->store, STR("p"), id, 0, &bed->arena, &json, &bed->err));
		}
	}
}

static const struct CMUnitTest tests[] = {
	CASE(everything_is_there_after_a_restart),
	CASE(what_is_acknowledged_is_visible_at_once_with_many_writers_and_readers),
	CASE(a_duplicate_is_refused_without_undoing_its_neighbours),
	CASE(kill_9_loses_no_acknowledged_write),
};
const struct contract_part contract_durability = {tests, COUNT(tests)};
