#include "certs/file_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { TEMPORARY_MAX = 128 };

struct staging {
	int dir;
	uint64_t tag; /* makes the temporary names of this run */
};

static void temporary_name(const struct staging *s, const struct file_entry *file, char out[TEMPORARY_MAX])
{
	(void)snprintf(out, TEMPORARY_MAX, ".%s.%016llx", file->name, (unsigned long long)s->tag);
}

static bool staging_open(struct staging *s, const char *dir, struct err *e)
{
	if (getrandom(&s->tag, sizeof(s->tag), 0) != (ssize_t)sizeof(s->tag))
		return err_errno(e, "random numbers");
	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->dir >= 0 || err_errno(e, "%s", dir);
}

static bool write_temporary(const struct staging *s, const struct file_entry *file, struct err *e)
{
	char name[TEMPORARY_MAX];

	temporary_name(s, file, name);
	cleanup(fd) int fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(e, "%s", file->name);
	if (fchmod(fd, file->mode) || !file_write_fd(fd, file->content) || fsync(fd))
		return err_errno(e, "%s", file->name);
	return true;
}

static bool write_temporaries(const struct staging *s, const struct file_entry *files, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (!write_temporary(s, &files[i], e))
			return false;
	return true;
}

static void remove_temporaries(const struct staging *s, const struct file_entry *files, size_t count)
{
	char name[TEMPORARY_MAX];

	for (size_t i = 0; i < count; i++) {
		temporary_name(s, &files[i], name);
		(void)unlinkat(s->dir, name, 0);
	}
}

/* link, unlike rename, never replaces what is there. */
static bool link_one(const struct staging *s, const struct file_entry *file, struct err *e)
{
	char name[TEMPORARY_MAX];

	temporary_name(s, file, name);
	if (linkat(s->dir, name, s->dir, file->name, 0) == 0)
		return true;
	if (errno == EEXIST)
		return err_set(e, ERR_FORBIDDEN, "%s is there already and is not overwritten", file->name);
	return err_errno(e, "%s", file->name);
}

static bool link_all(const struct staging *s, const struct file_entry *files, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (link_one(s, &files[i], e))
			continue;
		while (i-- > 0)
			(void)unlinkat(s->dir, files[i].name, 0);
		return false;
	}
	return true;
}

static bool rename_all(const struct staging *s, const struct file_entry *files, size_t count, struct err *e)
{
	char name[TEMPORARY_MAX];

	for (size_t i = 0; i < count; i++) {
		temporary_name(s, &files[i], name);
		if (renameat(s->dir, name, s->dir, files[i].name))
			return err_errno(e, "%s", files[i].name);
	}
	return true;
}

typedef bool publish_function(const struct staging *s, const struct file_entry *files, size_t count, struct err *e);

static bool publish(const char *dir, const struct file_entry *files, size_t count, publish_function *put, struct err *e)
{
	struct staging s = {.dir = -1};
	bool done;

	if (!staging_open(&s, dir, e))
		return false;
	done = write_temporaries(&s, files, count, e) && put(&s, files, count, e);
	remove_temporaries(&s, files, count);
	if (done && fsync(s.dir))
		done = err_errno(e, "%s", dir);
	close(s.dir);
	return done;
}

bool file_set_create(const char *dir, const struct file_entry *files, size_t count, struct err *e)
{
	return publish(dir, files, count, link_all, e);
}

bool file_set_replace(const char *dir, const struct file_entry *files, size_t count, struct err *e)
{
	return publish(dir, files, count, rename_all, e);
}
