#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CHUNK = 16384 };

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

bool file_read_fd(int fd, const char *name, struct buf *out, struct err *e)
{
	char chunk[CHUNK];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

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

bool file_read(const char *path, struct buf *out, struct err *e)
{
	cleanup(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return file_unreadable(path, e);
	return file_read_fd(fd, path, out, e);
}

static bool write_all(int fd, struct str content)
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
	written = write_all(fd, content);
	if (close(fd) || !written)
		return err_errno(e, "%s", path);
	return true;
}
