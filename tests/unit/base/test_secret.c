/* Secrets are gone from where they were when the memory is given back. free() is ours here (--wrap), so that the last
 * look is taken while it may still be taken. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"

#define SECRET "the passphrase of somebody"
#define STACK (1024u * 1024)

void __real_free(void *memory);
void __wrap_free(void *memory);

/* What buffers had, and what was left in it when they gave it back. */
static struct {
	const char *memory;
	size_t size;
	bool freed;
	bool clean;
} watched;

static bool is_clean(const char *memory, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (memory[i] != 0)
			return false;
	return true;
}

void __wrap_free(void *memory)
{
	if (memory && memory == watched.memory && !watched.freed) {
		watched.freed = true;
		watched.clean = is_clean(memory, watched.size);
	}
	__real_free(memory);
}

static void watch(const struct buf *b)
{
	watched.memory = b->data;
	watched.size = b->capacity;
	watched.freed = watched.clean = false;
}

static struct buf secret(void)
{
	struct buf b = buf_init_secret(4096);

	buf_add(&b, STR(SECRET));
	watch(&b);
	return b;
}

static void a_released_secret_is_wiped(void **state)
{
	struct buf b = secret();

	(void)state;
	buf_release(&b);
	assert_true(watched.freed);
	assert_true(watched.clean);
	assert_true(b.secret);
}

static void a_secret_that_grows_is_wiped_where_it_was(void **state)
{
	struct buf b = secret();

	(void)state;
	while (!watched.freed)
		buf_add(&b, STR("0123456789"));
	assert_true(watched.clean);
	assert_memory_equal(b.data, SECRET, strlen(SECRET));
	watch(&b);
	buf_reserve(&b, 2 * b.capacity);
	assert_true(watched.freed);
	assert_true(watched.clean);
	assert_memory_equal(b.data, SECRET, strlen(SECRET));
	buf_release(&b);
}

static void a_secret_that_is_cut_is_wiped_behind_the_cut(void **state)
{
	struct buf b = secret();

	(void)state;
	buf_cut(&b, 3);
	assert_string_equal(b.data, "the");
	assert_true(is_clean(b.data + 3, b.capacity - 3));
	buf_clear(&b);
	assert_true(is_clean(b.data, b.capacity));
	assert_false(watched.freed);
	buf_release(&b);
}

/* Otherwise the tests above would show nothing. */
static void what_is_no_secret_is_not_wiped(void **state)
{
	struct buf b = buf_init(4096);

	(void)state;
	buf_add(&b, STR(SECRET));
	watch(&b);
	buf_release(&b);
	assert_true(watched.freed);
	assert_false(watched.clean);
}

static void *read_it(void *path)
{
	cleanup(buf) struct buf b = buf_init_secret(4096);

	return file_read(path, &b, NULL) && strcmp(b.data, SECRET) == 0 ? path : NULL;
}

/* On a stack of our own, which can be looked at afterwards. */
static void reading_a_secret_leaves_nothing_on_the_stack(void **state)
{
	char path[] = "/tmp/sealgate-secret-XXXXXX";
	int fd = mkstemp(path);
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL;

	(void)state;
	assert_int_equal(write(fd, SECRET, strlen(SECRET)), strlen(SECRET));
	close(fd);
	assert_ptr_not_equal(stack, MAP_FAILED);
	pthread_attr_init(&attributes);
	assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK), 0);
	assert_int_equal(pthread_create(&thread, &attributes, read_it, path), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, path);
	assert_null(memmem(stack, STACK, SECRET, strlen(SECRET)));
	pthread_attr_destroy(&attributes);
	munmap(stack, STACK);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_released_secret_is_wiped),
		cmocka_unit_test(a_secret_that_grows_is_wiped_where_it_was),
		cmocka_unit_test(a_secret_that_is_cut_is_wiped_behind_the_cut),
		cmocka_unit_test(what_is_no_secret_is_not_wiped),
		cmocka_unit_test(reading_a_secret_leaves_nothing_on_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
