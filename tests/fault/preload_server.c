/* Loaded before the C library into sealgated or sealgate: makes the n-th call of one kind fail, fall short or be
 * interrupted. What and when stands in a file that the test maps as well, so that it can be changed while the server
 * runs; the counts are those of all processes of the server. gpg, which inherits the library, is left alone. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fault/switch.h"

static struct fault_switch *board; /* NULL: nothing fails */

/* The real function of a name; its type is the wrapper's own. */
#define REAL(name)                                   \
	static __typeof__(name) *real;               \
	if (!real) {                                 \
		union {                              \
			void *address;               \
			__typeof__(name) *function;  \
		} found = {dlsym(RTLD_NEXT, #name)}; \
		real = found.function;               \
	}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULT_SWITCH");
	int fd;
	void *at;

	if (!path || (strcmp(program_invocation_short_name, "sealgated") != 0 &&
		      strcmp(program_invocation_short_name, "sealgate") != 0))
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	at = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return;
	board = at;
	board->server = getpid();
}

static void tell_where(void)
{
	static __thread int inside;
	void *frames[FAULT_FRAMES];

	if (inside++ == 0 && board->trace)
		backtrace_symbols_fd(frames, backtrace(frames, FAULT_FRAMES), board->trace);
	inside--;
}

/* Whether this call of `kind` is the one. */
static bool fails(enum fault_kind kind)
{
	int saved = errno;
	unsigned n;
	bool hit;

	if (!board || !(atomic_load(&board->kinds) & (1u << kind)))
		return false;
	if ((getpid() == board->server) == board->workers)
		return false;
	n = atomic_fetch_add(&board->calls, 1) + 1;
	hit = n == board->n || (board->onwards && n > board->n);
	if (hit) {
		atomic_store(&board->fired, true);
		tell_where();
	}
	errno = saved;
	return hit;
}

static bool fails_with(enum fault_kind kind)
{
	if (!fails(kind) || board->how != FAULT_ERROR)
		return false;
	errno = board->error;
	return true;
}

/* A transfer of `size` bytes: how many are to be moved; -1 for a failure, with errno. */
static ssize_t allowed(enum fault_kind kind, size_t size)
{
	if (!fails(kind))
		return (ssize_t)size;
	if (board->how == FAULT_SHORT)
		return (ssize_t)(size > 1 ? (size + 1) / 2 : size);
	errno = board->error;
	return -1;
}

ssize_t read(int fd, void *to, size_t size)
{
	REAL(read)
	ssize_t part = allowed(FAULT_READ, size);

	return part < 0 ? -1 : real(fd, to, (size_t)part);
}

ssize_t write(int fd, const void *from, size_t size)
{
	REAL(write)
	ssize_t part = fd == STDERR_FILENO ? (ssize_t)size : allowed(FAULT_WRITE, size);

	return part < 0 ? -1 : real(fd, from, (size_t)part);
}

ssize_t pread64(int fd, void *to, size_t size, off64_t at)
{
	REAL(pread64)
	ssize_t part = allowed(FAULT_PREAD, size);

	return part < 0 ? -1 : real(fd, to, (size_t)part, at);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at)
{
	REAL(pwrite64)
	ssize_t part = allowed(FAULT_PWRITE, size);

	return part < 0 ? -1 : real(fd, from, (size_t)part, at);
}

ssize_t recv(int fd, void *to, size_t size, int flags)
{
	REAL(recv)
	ssize_t part = allowed(FAULT_RECEIVE, size);

	return part < 0 ? -1 : real(fd, to, (size_t)part, flags);
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	REAL(send)
	ssize_t part = allowed(FAULT_SEND, size);

	return part < 0 ? -1 : real(fd, from, (size_t)part, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	REAL(recvmsg)
	return fails_with(FAULT_RECEIVE) ? -1 : real(fd, message, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	REAL(sendmsg)
	struct msghdr less = *message;
	struct iovec first;
	ssize_t part;

	if (message->msg_iovlen == 0 || message->msg_control)
		return fails_with(FAULT_SEND) ? -1 : real(fd, message, flags);
	first = message->msg_iov[0];
	part = allowed(FAULT_SEND, first.iov_len);
	if (part < 0)
		return -1;
	if ((size_t)part == first.iov_len)
		return real(fd, message, flags);
	first.iov_len = (size_t)part;
	less.msg_iov = &first;
	less.msg_iovlen = 1;
	return real(fd, &less, flags);
}

/* Two names of open, each with its mode only when it may make a file. */
#define OPEN(name)                                                            \
	int name(const char *path, int flags, ...)                            \
	{                                                                     \
		REAL(name)                                                    \
		mode_t mode = 0;                                              \
		va_list args;                                                 \
                                                                              \
		va_start(args, flags);                                        \
		if (flags & O_CREAT)                                          \
			mode = va_arg(args, mode_t);                          \
		va_end(args);                                                 \
		return fails_with(FAULT_OPEN) ? -1 : real(path, flags, mode); \
	}
OPEN(open64)
OPEN(open)

int fsync(int fd)
{
	REAL(fsync)
	return fails_with(FAULT_SYNC) ? -1 : real(fd);
}

int fdatasync(int fd)
{
	REAL(fdatasync)
	return fails_with(FAULT_SYNC) ? -1 : real(fd);
}

int ftruncate64(int fd, off64_t size)
{
	REAL(ftruncate64)
	return fails_with(FAULT_FILES) ? -1 : real(fd, size);
}

int rename(const char *from, const char *to)
{
	REAL(rename)
	return fails_with(FAULT_FILES) ? -1 : real(from, to);
}

int unlink(const char *path)
{
	REAL(unlink)
	return fails_with(FAULT_FILES) ? -1 : real(path);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	REAL(accept4)
	return fails_with(FAULT_ACCEPT) ? -1 : real(fd, address, length, flags);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	REAL(poll)
	return fails_with(FAULT_POLL) ? -1 : real(fds, count, timeout);
}

pid_t fork(void)
{
	REAL(fork)
	return fails_with(FAULT_FORK) ? -1 : real();
}

void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t at)
{
	REAL(mmap64)
	return fails_with(FAULT_MMAP) ? MAP_FAILED : real(address, size, protection, flags, fd, at);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
	REAL(pthread_create)
	return fails_with(FAULT_THREAD) ? EAGAIN : real(thread, attributes, run, context);
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

/* These end the process when memory runs out (docs/THREATS.md), which their callers can't help. */
static bool is_spared(void *caller)
{
	static const char *const libraries[] = {"libtasn1", "libgmp", "libcrypto"};
	Dl_info info;

	if (!board || !(atomic_load(&board->kinds) & (1u << FAULT_MEMORY)) || !dladdr(caller, &info) || !info.dli_fname)
		return false;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (strstr(info.dli_fname, libraries[i]))
			return true;
	return false;
}

#define STARVES (!is_spared(__builtin_return_address(0)) && fails_with(FAULT_MEMORY))

void *malloc(size_t size)
{
	return STARVES ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return STARVES ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return STARVES ? NULL : __libc_realloc(old, size);
}
