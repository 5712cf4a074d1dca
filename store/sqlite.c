#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "store/sqlite_private.h"

#define PATH_BYTES_MAX 4096u

static void close_store(struct store *s)
{
	struct sqlite_store *store = (struct sqlite_store *)s;

	/* A connection that may write goes last: it empties the WAL. */
	sqlite_readers_close(store->readers);
	sqlite_writer_close(store->writer);
	sqlite_checkpoint_stop(store->checkpoint);
	sqlite_file_free(store->file);
	pthread_mutex_destroy(&store->version.lock);
	free(store->path);
	free(store);
}

static bool check(struct store *s, int64_t deadline_ms, struct err *e)
{
	struct sqlite_store *store = (struct sqlite_store *)s;
	struct sqlite_connection *c;
	bool ok;

	if (!store->file)
		return true;
	c = sqlite_readers_take(store->readers, READER_OTHER, deadline_ms, e);
	if (!c)
		return false;
	ok = sqlite_file_check(store->file, c, e);
	if (!ok)
		sqlite_version_grow(&store->version);
	sqlite_readers_give(store->readers, c);
	return ok;
}

static bool change(struct store *s, const struct store_change *one, int64_t deadline_ms, struct err *e)
{
	struct sqlite_store *store = (struct sqlite_store *)s;
	struct err problem = ERR_INIT;
	bool ok = sqlite_writer_change(store->writer, one, deadline_ms, &problem);

	/* The writer may have found another file beneath. */
	if (!ok && (problem.kind == ERR_UNAVAILABLE || problem.kind == ERR_INTERNAL))
		sqlite_version_grow(&store->version);
	if (!ok && e)
		*e = problem;
	return ok;
}

/* "./" keeps SQLite from reading a relative path as a URI or as ":memory:". */
static char *path_of(const char *location, struct err *e)
{
	cleanup(buf) struct buf path = buf_init(PATH_BYTES_MAX);
	char *made;

	if (!*location) {
		err_set(e, ERR_INVALID, "store URL \"sqlite:\" names no file");
		return NULL;
	}
	if (*location != '/')
		buf_add_c(&path, "./");
	buf_add_c(&path, location);
	made = buf_detach(&path);
	if (!made)
		err_set(e, ERR_INVALID, "store URL: the path is too long");
	return made;
}

static bool log_is_empty(const char *path, bool *empty, struct err *e)
{
	cleanup(buf) struct buf log = buf_init(PATH_BYTES_MAX + 4);
	struct stat found;

	buf_add_c(&log, path);
	buf_add_c(&log, "-wal");
	if (!buf_ok(&log, e))
		return false;
	*empty = stat(log.data, &found) != 0 || found.st_size == 0;
	return true;
}

/* The rollback journal of the transaction that makes the file says that there was nothing before it: SQLite will take
 * back what is there. Magic number and size before, in pages, at offset 16. */
static bool is_half_made(const char *path)
{
	static const unsigned char magic[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
	cleanup(buf) struct buf journal = buf_init(PATH_BYTES_MAX + 8);
	unsigned char head[20];
	ssize_t got;
	int fd;

	buf_add_c(&journal, path);
	buf_add_c(&journal, "-journal");
	fd = journal.failed ? -1 : open(journal.data, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, head, sizeof(head));
	close(fd);
	return got == sizeof(head) && memcmp(head, magic, sizeof(magic)) == 0 && memcmp(head + 16, "\0\0\0", 4) == 0;
}

/* What SQLite would overlook: it takes a file shorter than a page for a new one, throws the log of an empty one away,
 * and does not miss the end of a last page. An empty file without a log is a first start that was cut short, and so
 * is any that is only half made. */
static bool check_size(const char *path, off_t size, struct err *e)
{
	bool empty;

	if (!log_is_empty(path, &empty, e))
		return false;
	if (empty ? size % SQLITE_PAGE_BYTES == 0 : size >= SQLITE_PAGE_BYTES)
		return true;
	if (empty && is_half_made(path))
		return true;
	return err_set(
		e, ERR_INTERNAL,
		"database %s is not a sealgate database or is damaged (its size is wrong): name another file, or "
		"restore a backup",
		path);
}

static bool check_file(const char *path, const struct stat *found, struct err *e)
{
	if (S_ISDIR(found->st_mode))
		return err_set(e, ERR_INVALID, "database %s is a directory: name a file", path);
	if (!S_ISREG(found->st_mode))
		return err_set(e, ERR_INVALID, "database %s is not a regular file", path);
	return check_size(path, found->st_size, e);
}

/* Only its owner may read it. O_EXCL: a file that is there is never opened and closed by us, which would drop the locks
 * that this process holds on it. */
static bool create_file(const char *path, struct err *e)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST) {
		err_errno(e, "database %s can't be created", path);
		if (e && (errno == ENOENT || errno == ENOTDIR))
			e->kind = ERR_INVALID;
		return false;
	}
	if (fd >= 0)
		close(fd);
	return true;
}

static bool find_file(const char *path, enum store_mode mode, struct err *e)
{
	struct stat found;

	if (stat(path, &found) == 0)
		return check_file(path, &found, e);
	if (mode == STORE_READ_WRITE)
		return create_file(path, e);
	err_errno(e, "database %s can't be opened", path);
	if (e)
		e->kind = ERR_INVALID;
	return false;
}

static bool check_schema(const char *path, enum store_mode mode, struct err *e)
{
	enum sqlite_access access = mode == STORE_READ_WRITE ? SQLITE_WRITES : SQLITE_READS;
	struct sqlite_connection c;
	bool ok;

	if (!sqlite_connect(&c, path, access, e))
		return false;
	ok = sqlite_schema_open(&c, access, e);
	sqlite_disconnect(&c);
	if (!ok && e && e->kind == ERR_TIMEOUT)
		e->kind = ERR_INTERNAL;
	return ok;
}

static bool open_parts(struct sqlite_store *store, enum store_mode mode, struct err *e)
{
	if (!find_file(store->path, mode, e) || !check_schema(store->path, mode, e))
		return false;
	store->readers = sqlite_readers_open(store->path, e);
	if (!store->readers || !sqlite_version_init(&store->version, store->readers, e))
		return false;
	if (mode == STORE_READ_ONLY)
		return true;
	store->checkpoint = sqlite_checkpoint_start(store->path, e);
	if (!store->checkpoint)
		return false;
	store->writer = sqlite_writer_open(store->path, store->checkpoint, e);
	if (!store->writer)
		return false;
	store->file = sqlite_file_new(store->path, e);
	if (!store->file)
		return false;
	sqlite_writer_watch(store->writer, store->file);
	return true;
}

static struct store *open_store(const char *location, enum store_mode mode, struct err *e)
{
	struct sqlite_store *store = calloc(1, sizeof(*store));

	if (!store) {
		err_no_memory(e);
		return NULL;
	}
	store->store = (struct store){.driver = &sqlite_driver, .mode = mode};
	pthread_mutex_init(&store->version.lock, NULL);
	store->path = path_of(location, e);
	if (store->path && open_parts(store, mode, e))
		return &store->store;
	close_store(&store->store);
	return NULL;
}

const struct store_driver sqlite_driver = {
	.scheme = "sqlite",
	.open = open_store,
	.close = close_store,
	.check = check,
	.version = sqlite_version,
	.change = change,
	.get = sqlite_get,
	.list = sqlite_list,
	.walk = sqlite_walk,
};
