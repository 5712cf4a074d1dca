#include "tests/fault/alloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

/* Runs one after the other before strides begin: the first allocations of a path are its most different ones. */
#define DENSE 10u

static atomic_uint left; /* allocations until the one that fails; 0: none fails */
static atomic_bool fired, all_later;
static atomic_int scope_of_fault; /* an enum alloc_scope */
static _Thread_local bool armed_here;

/* These end the process when memory runs out (docs/THREATS.md), which their callers can't help. */
static bool is_spared(void *caller)
{
	static const char *const libraries[] = {"libtasn1", "libgmp"};
	Dl_info info;

	if (!dladdr(caller, &info) || !info.dli_fname)
		return false;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (strstr(info.dli_fname, libraries[i]))
			return true;
	return false;
}

/* True when this allocation is the one. */
static bool fails_for(void *caller)
{
	if (atomic_load_explicit(&left, memory_order_relaxed) == 0 ||
	    armed_here != (atomic_load(&scope_of_fault) == ALLOC_THREAD) || is_spared(caller))
		return false;
	if (atomic_load(&fired))
		return atomic_load(&all_later);
	if (atomic_fetch_sub(&left, 1) != 1)
		return false;
	atomic_store(&left, 1);
	atomic_store(&fired, true);
	return true;
}

#define fails() fails_for(__builtin_return_address(0))

void alloc_fail(unsigned n, enum alloc_scope scope, bool onwards)
{
	armed_here = true;
	atomic_store(&scope_of_fault, (int)scope);
	atomic_store(&fired, false);
	atomic_store(&all_later, onwards);
	atomic_store(&left, n);
}

bool alloc_work_again(void)
{
	atomic_store(&left, 0);
	armed_here = false;
	return atomic_load(&fired);
}

unsigned alloc_each(bool (*run)(void *context, unsigned n), void *context)
{
	const char *faults = getenv("FAULTS");
	bool all = faults && strcmp(faults, "all") == 0;
	unsigned n = 1, runs = 1;

	while (run(context, n)) {
		n += all || n < DENSE ? 1 : 1 + n / 6;
		runs++;
	}
	printf("  %u runs, up to n = %u\n", runs, n);
	return n;
}

/* The plain build replaces the C library's functions for everybody; the others wrap the calls of our own objects. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OURS(name) __wrap_##name
#define REAL(name) __real_##name
#define WRAPPED 1
#else
#define OURS(name) name
#define REAL(name) __libc_##name
#define WRAPPED 0
#endif

void *OURS(malloc)(size_t size);
void *REAL(malloc)(size_t size);
void *OURS(malloc)(size_t size)
{
	if (!fails())
		return REAL(malloc)(size);
	errno = ENOMEM;
	return NULL;
}

void *OURS(calloc)(size_t count, size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *OURS(calloc)(size_t count, size_t size)
{
	if (!fails())
		return REAL(calloc)(count, size);
	errno = ENOMEM;
	return NULL;
}

void *OURS(realloc)(void *old, size_t size);
void *REAL(realloc)(void *old, size_t size);
void *OURS(realloc)(void *old, size_t size)
{
	if (!fails())
		return REAL(realloc)(old, size);
	errno = ENOMEM;
	return NULL;
}

#if WRAPPED
int OURS(posix_memalign)(void **out, size_t alignment, size_t size);
int REAL(posix_memalign)(void **out, size_t alignment, size_t size);
int OURS(posix_memalign)(void **out, size_t alignment, size_t size)
{
	return fails() ? ENOMEM : REAL(posix_memalign)(out, alignment, size);
}

void *OURS(reallocarray)(void *old, size_t count, size_t size);
void *REAL(reallocarray)(void *old, size_t count, size_t size);
void *OURS(reallocarray)(void *old, size_t count, size_t size)
{
	return fails() ? NULL : REAL(reallocarray)(old, count, size);
}

void *OURS(aligned_alloc)(size_t alignment, size_t size);
void *REAL(aligned_alloc)(size_t alignment, size_t size);
void *OURS(aligned_alloc)(size_t alignment, size_t size)
{
	return fails() ? NULL : REAL(aligned_alloc)(alignment, size);
}

char *OURS(strdup)(const char *text);
char *REAL(strdup)(const char *text);
char *OURS(strdup)(const char *text)
{
	return fails() ? NULL : REAL(strdup)(text);
}

char *OURS(strndup)(const char *text, size_t length);
char *REAL(strndup)(const char *text, size_t length);
char *OURS(strndup)(const char *text, size_t length)
{
	return fails() ? NULL : REAL(strndup)(text, length);
}

int OURS(vasprintf)(char **out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
int REAL(vasprintf)(char **out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
int OURS(vasprintf)(char **out, const char *format, va_list args)
{
	return fails() ? -1 : REAL(vasprintf)(out, format, args);
}
#else
void *__libc_memalign(size_t alignment, size_t size);

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *at = fails() ? NULL : __libc_memalign(alignment, size);

	if (!at)
		return ENOMEM;
	*out = at;
	return 0;
}
#endif

typedef void *thread_function(void *context);
typedef int create_function(pthread_t *thread, const pthread_attr_t *attributes, thread_function *run, void *context);

#if WRAPPED
create_function __real_pthread_create, __wrap_pthread_create;
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_function *run, void *context)
{
	return fails() ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}
#else
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, thread_function *run, void *context)
{
	union {
		void *address;
		create_function *call;
	} real = {dlsym(RTLD_NEXT, "pthread_create")};

	return fails() ? EAGAIN : real.call(thread, attributes, run, context);
}
#endif
