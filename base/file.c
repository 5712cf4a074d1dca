#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 16384 };
/* A file that is being written is given some thirty milliseconds. */
enum { SETTLE_TRIES = 6, SETTLE_NS = 5000000, STAMP_NS = 12000000 };

bool file_unreadable(const char *name, struct err *e)
{
	static const struct {
		int number;
		enum err_kind kind;
	} other_kinds[] = {{ENOENT, ERR_NOT_FOUND}, {ENOTDIR, ERR_NOT_FOUND}, {EMFILE, ERR_INTERNAL},
			   {ENFILE, ERR_INTERNAL},  {ENOMEM, ERR_INTERNAL},   {EIO, ERR_INTERNAL},
			   {EINTR, ERR_INTERNAL},   {EAGAIN, ERR_INTERNAL}};
	enum err_kind kind = ERR_INVALID;

	for (size_t i = 0; i < sizeof(other_kinds) / sizeof(other_kinds[0]); i++)
		if (other_kinds[i].number == errno)
			kind = other_kinds[i].kind;
	err_errno(e, "%s", name);
	if (e)
		e->kind = kind;
	return false;
}

static bool read_all(int fd, char chunk[CHUNK], const char *name, struct buf *out, struct err *e)
{
	for (;;) {
		ssize_t n = read(fd, chunk, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_unreadable(name, e);
		if (n == 0)
			break;
		buf_add(out, str_make(chunk, (size_t)n));
		if (out->failed)
			break;
	}
	return buf_ok(out, e) || err_context(e, "%s", name);
}

bool file_read_fd(int fd, const char *name, struct buf *out, struct err *e)
{
	char chunk[CHUNK];
	bool read = read_all(fd, chunk, name, out, e);

	if (out->secret)
		explicit_bzero(chunk, sizeof(chunk));
	return read;
}

bool file_read(const char *path, struct buf *out, struct err *e)
{
	cleanup(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return file_unreadable(path, e);
	return file_read_fd(fd, path, out, e);
}

static bool same_moment(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static struct file_look look_of(const struct stat *st)
{
	return (struct file_look){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool looks_same(const struct file_look *a, const struct file_look *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_moment(a->modified, b->modified) && same_moment(a->changed, b->changed);
}

/* The kernel's stamps move in steps: a further change within one would leave no trace. One from the future is some
 * other clock's. */
static bool is_fresh(struct timespec stamp)
{
	struct timespec now;
	int64_t age_ns;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	age_ns = (int64_t)(now.tv_sec - stamp.tv_sec) * 1000000000 + (now.tv_nsec - stamp.tv_nsec);
	return age_ns >= 0 && age_ns <= STAMP_NS;
}

static bool is_settled(const struct stat *before, const struct stat *after, size_t length)
{
	struct file_look first = look_of(before), last = look_of(after);

	return (size_t)last.size == length && looks_same(&first, &last) && !is_fresh(last.modified) &&
	       !is_fresh(last.changed);
}

/* One reading; *settled tells whether it is of one moment. */
static bool read_once(const char *path, struct buf *out, bool *settled, struct err *e)
{
	cleanup(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat before, after;
	size_t start = out->len;

	if (fd < 0 && errno == ENXIO) /* a socket */
		return err_set(e, ERR_INVALID, "%s: not a regular file", path);
	if (fd < 0 || fstat(fd, &before) != 0)
		return file_unreadable(path, e);
	if (!S_ISREG(before.st_mode))
		return err_set(e, ERR_INVALID, "%s: not a regular file", path);
	if (!file_read_fd(fd, path, out, e))
		return false;
	if (fstat(fd, &after) != 0)
		return file_unreadable(path, e);
	*settled = is_settled(&before, &after, out->len - start);
	return true;
}

bool file_read_settled(const char *path, struct buf *out, struct err *e)
{
	const struct timespec pause = {0, SETTLE_NS};
	size_t start = out->len;

	for (int i = 0; i < SETTLE_TRIES; i++) {
		bool settled = false;

		if (!read_once(path, out, &settled, e))
			return false;
		if (settled)
			return true;
		buf_cut(out, start);
		nanosleep(&pause, NULL);
	}
	return err_set(e, ERR_UNAVAILABLE, "%s: keeps changing while it is read", path);
}

bool file_look_again(const char *path, struct file_look *last)
{
	struct file_look before = *last;
	struct stat st;

	*last = stat(path, &st) == 0 ? look_of(&st) : (struct file_look){0};
	return !looks_same(&before, last);
}

bool file_write_fd(int fd, struct str content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.ptr, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		content = str_skip(content, (size_t)n);
	}
	return true;
}

bool file_write(const char *path, struct str content, mode_t mode, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, mode);
	bool written;

	if (fd < 0)
		return err_errno(e, "%s", path);
	written = file_write_fd(fd, content);
	if (close(fd) || !written)
		return err_errno(e, "%s", path);
	return true;
}
