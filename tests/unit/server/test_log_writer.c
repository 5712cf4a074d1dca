#include "server/log_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/thread.h"

enum { THREADS = 8, LINES = 2000 };

static char *long_line;

/* Standard error becomes a pipe, which is small: the queue fills behind it. */
static int pipe_begin(int *saved)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

static void pipe_end(int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void *write_lines(void *context)
{
	unsigned thread = *(unsigned *)context;

	for (unsigned i = 0; i < LINES; i++) {
		char text[512];
		int length = snprintf(text, sizeof(text), "%u %u %0*u\n", thread, i, (int)(i % 400) + 1, 7u);

		log_writer_put(str_make(text, (size_t)length));
		if (i % 500 == 499)
			log_writer_put(str_make(long_line, LIMIT_LOG_LINE));
	}
	return NULL;
}

struct reading {
	FILE *file;
	unsigned next[THREADS]; /* the number that the thread's next line has */
	size_t long_lines;
	bool torn;
};

static void read_line(struct reading *r, const char *line, size_t length)
{
	unsigned thread, number;
	int tail = 0;

	if (length == LIMIT_LOG_LINE && memcmp(line, long_line, length) == 0) {
		r->long_lines++;
		return;
	}
	if (sscanf(line, "%u %u %*[0]7\n%n", &thread, &number, &tail) < 2 || thread >= THREADS)
		r->torn = true;
	else if (r->next[thread]++ != number || length < 6)
		r->torn = true;
}

static void *read_all(void *context)
{
	struct reading *r = context;
	char *line = NULL;
	size_t room = 0;

	for (ssize_t n; (n = getline(&line, &room, r->file)) > 0;)
		read_line(r, line, (size_t)n);
	free(line);
	return NULL;
}

static void write_from_many_threads(void)
{
	struct reading r = {0};
	pthread_t reader, writers[THREADS];
	unsigned numbers[THREADS];
	struct err e;
	int saved;

	r.file = fdopen(pipe_begin(&saved), "r");
	assert_true(thread_start(&reader, read_all, &r, &e));
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_true(thread_start(&writers[i], write_lines, &numbers[i], &e));
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(writers[i], NULL);
	log_writer_flush();
	pipe_end(saved);
	pthread_join(reader, NULL);
	assert_int_equal(fclose(r.file), 0);
	assert_false(r.torn);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(r.next[i], LINES);
	assert_int_equal(r.long_lines, THREADS * (LINES / 500));
}

static void lines_of_many_threads_are_whole_in_order_and_all_there(void **state)
{
	(void)state;
	write_from_many_threads();
}

static void lines_that_are_written_together_are_too(void **state)
{
	struct err e;

	(void)state;
	assert_true(log_writer_start(&e));
	write_from_many_threads();
	log_writer_stop();
	write_from_many_threads();
}

/* What comes at once after a write is written without another line, a flush or the end. */
static void what_waits_is_written_by_itself(void **state)
{
	char text[64] = {0};
	int saved, reader = pipe_begin(&saved);
	struct err e;
	size_t got = 0;

	(void)state;
	assert_true(log_writer_start(&e));
	for (int i = 0; i < 8; i++)
		log_writer_put(STR("line\n"));
	while (got < 8 * 5) {
		ssize_t more = read(reader, text + got, sizeof(text) - got);

		assert_true(more > 0);
		got += (size_t)more;
	}
	pipe_end(saved);
	close(reader);
	log_writer_stop();
}

/* The last lines of a process, which come at once after others. */
static void what_waits_is_written_at_the_end(void **state)
{
	char text[64] = {0};
	int saved, reader = pipe_begin(&saved);
	struct err e;

	(void)state;
	assert_true(log_writer_start(&e));
	log_writer_put(STR("line\n"));
	log_writer_put(STR("line\n"));
	log_writer_stop();
	pipe_end(saved);
	assert_int_equal(read(reader, text, sizeof(text)), 10);
	assert_int_equal(read(reader, text, sizeof(text)), 0);
	close(reader);
}

static void one_thread_alone_has_written_when_it_returns(void **state)
{
	char text[8] = {0};
	int saved, reader = pipe_begin(&saved);

	(void)state;
	log_writer_put(STR("line\n"));
	pipe_end(saved);
	assert_int_equal(read(reader, text, sizeof(text)), 5);
	assert_string_equal(text, "line\n");
	assert_int_equal(read(reader, text, sizeof(text)), 0);
	close(reader);
}

static void a_closed_standard_error_stops_nobody(void **state)
{
	int saved = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	log_writer_put(STR("line\n"));
	log_writer_flush();
	dup2(saved, STDERR_FILENO);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_many_threads_are_whole_in_order_and_all_there),
		cmocka_unit_test(lines_that_are_written_together_are_too),
		cmocka_unit_test(what_waits_is_written_by_itself),
		cmocka_unit_test(what_waits_is_written_at_the_end),
		cmocka_unit_test(one_thread_alone_has_written_when_it_returns),
		cmocka_unit_test(a_closed_standard_error_stops_nobody),
	};
	int failed;

	long_line = malloc(LIMIT_LOG_LINE);
	memset(long_line, 'x', LIMIT_LOG_LINE);
	long_line[LIMIT_LOG_LINE - 1] = '\n';
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(long_line);
	return failed;
}
