#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CHUNK = 16384 };

static bool unreadable(const char *name, struct err *e)
{
	bool absent = errno == ENOENT || errno == ENOTDIR;

	err_errno(e, "%s", name);
	if (e)
		e->kind = absent ? ERR_NOT_FOUND : ERR_INVALID;
	return false;
}

bool file_read_fd(int fd, const char *name, struct buf *out, struct err *e)
{
	char chunk[CHUNK];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return unreadable(name, e);
		if (n == 0)
			break;
		buf_add(out, str_make(chunk, (size_t)n));
		if (out->failed)
			break;
	}
	return buf_ok(out, e) || err_context(e, "%s", name);
}

bool file_read(const char *path, struct buf *out, struct err *e)
{
	cleanup(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return unreadable(path, e);
	return file_read_fd(fd, path, out, e);
}
