#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "store/sqlite_private.h"

#define HEADER_BYTES 100
#define PATH_BYTES_MAX 4096u

/* Which file a name led to. */
struct place {
	dev_t device;
	ino_t inode;
};

struct sqlite_file {
	const char *path;
	char *log_path;
	struct place place;
	struct place log;
	_Atomic int64_t bytes; /* the most it has had; it never shrinks while we use it */
};

void sqlite_file_free(struct sqlite_file *file)
{
	if (file)
		free(file->log_path);
	free(file);
}
CLEANUP_POINTER(sqlite_file, struct sqlite_file, sqlite_file_free)

static char *log_path_of(const char *path)
{
	cleanup(buf) struct buf log = buf_init(PATH_BYTES_MAX + 4);

	buf_add_c(&log, path);
	buf_add_c(&log, "-wal");
	return buf_detach(&log);
}

static bool find(const char *path, struct place *place, int64_t *bytes)
{
	struct stat found;

	if (stat(path, &found) != 0)
		return false;
	*place = (struct place){found.st_dev, found.st_ino};
	*bytes = found.st_size;
	return true;
}

struct sqlite_file *sqlite_file_new(const char *path, struct err *e)
{
	cleanup(sqlite_file) struct sqlite_file *file = calloc(1, sizeof(*file));
	int64_t bytes = 0, log_bytes;

	if (!file || !(file->log_path = log_path_of(path))) {
		err_no_memory(e);
		return NULL;
	}
	file->path = path;
	if (!find(path, &file->place, &bytes) || !find(file->log_path, &file->log, &log_bytes)) {
		err_set(e, ERR_INTERNAL, "database %s was deleted while it was opened", path);
		return NULL;
	}
	atomic_init(&file->bytes, bytes);
	return take(file);
}

static bool is_at(const char *path, struct place place, int64_t *bytes)
{
	struct place now;

	return find(path, &now, bytes) && now.device == place.device && now.inode == place.inode;
}

static bool spoiled(const struct sqlite_file *file, const char *how, struct err *e)
{
	return err_set(e, ERR_INTERNAL, "database %s was %s while it is in use: stop sealgated and restore a backup",
		       file->path, how);
}

/* Through SQLite's own descriptor: to open and close another would drop the locks of this process. */
static bool check_header(struct sqlite_file *file, struct sqlite_connection *c, struct err *e)
{
	static const char magic[] = "SQLite format 3";
	struct sqlite3_file *handle = NULL;
	char header[HEADER_BYTES];
	int code = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, &handle);

	if (code == SQLITE_OK)
		code = handle->pMethods->xRead(handle, header, HEADER_BYTES, 0);
	if (code == SQLITE_IOERR_SHORT_READ)
		return spoiled(file, "cut short", e);
	if (code != SQLITE_OK)
		return sqlite_error(c, code, e);
	return memcmp(header, magic, sizeof(magic)) == 0 || spoiled(file, "overwritten", e);
}

/* What it has grown to is noted by whoever looks, in any order. */
static bool check_size(struct sqlite_file *file, int64_t bytes, struct err *e)
{
	int64_t most = atomic_load(&file->bytes);

	while (bytes > most && !atomic_compare_exchange_weak(&file->bytes, &most, bytes))
		;
	return bytes >= most || spoiled(file, "cut short", e);
}

bool sqlite_file_check(struct sqlite_file *file, struct sqlite_connection *c, struct err *e)
{
	int64_t bytes = 0, log_bytes = 0;

	if (!is_at(file->path, file->place, &bytes) || !is_at(file->log_path, file->log, &log_bytes))
		return err_set(e, ERR_UNAVAILABLE,
			       "database %s or its -wal was moved, deleted or replaced while it is in use: put it "
			       "back, or restart sealgated; until then nothing is written",
			       file->path);
	return check_size(file, bytes, e) && check_header(file, c, e);
}
