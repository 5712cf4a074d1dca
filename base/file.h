/* Whole files, read within a maximum, and written. */
#ifndef SEALGATE_BASE_FILE_H
#define SEALGATE_BASE_FILE_H

#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the content of `path` to `out`, whose maximum bounds it. "PATH: why": ERR_NOT_FOUND when there is no such
 * file, ERR_INVALID for a directory or a file that can't be read, ERR_TOO_LARGE past the maximum, ERR_INTERNAL when it
 * is not the file's fault (no descriptors, no memory, the disk). */
bool file_read(const char *path, struct buf *out, struct err *e) MUST_USE;
/* The same for an open descriptor, to its end; `name` is how errors call it. The descriptor stays open. */
bool file_read_fd(int fd, const char *name, struct buf *out, struct err *e) MUST_USE;
/* That error for `errno` after a failed open or read. Returns false. */
bool file_unreadable(const char *name, struct err *e);
/* file_read for what others put there and change while we run. Nothing is waited for: a pipe, a device, a socket or a
 * directory is ERR_INVALID "PATH: not a regular file". A file that changes while it is read is read again;
 * ERR_UNAVAILABLE when it never comes to rest. A writer that pauses can't be told from one that is done: only a rename
 * is safe. */
bool file_read_settled(const char *path, struct buf *out, struct err *e) MUST_USE;
/* What a file looked like; zeroes for one that is not there. */
struct file_look {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

/* True when `path` is another file, or in another state, than at the last look, which this one replaces. */
bool file_look_again(const char *path, struct file_look *last);

/* Writes all of `content` to an open descriptor; errno says why not. */
bool file_write_fd(int fd, struct str content) MUST_USE;
/* Writes `content` to `path`, which is made with `mode` or emptied first. ERR_INTERNAL "PATH: why". */
bool file_write(const char *path, struct str content, mode_t mode, struct err *e) MUST_USE;

#endif
