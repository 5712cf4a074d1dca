#include "tests/fault/fault_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/disk_model.h"

struct fault_file {
	sqlite3_file base;
	const char *path;    /* the database's caller keeps it until the file is closed */
	sqlite3_file real[]; /* of the VFS below, which knows its size */
};

static struct {
	pthread_mutex_t lock;
	struct fault_plan plan;
	bool armed;
	bool fired;
	unsigned calls[FAULT_POINTS];
} faults = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sqlite3_vfs fault_vfs;

const char *fault_point_name(enum fault_point point)
{
	static const char *const names[FAULT_POINTS] = {"open", "read",	   "write",    "truncate", "sync",  "size",
							"lock", "shm map", "shm lock", "delete",   "access"};

	return names[point];
}

void fault_vfs_arm(const struct fault_plan *plan)
{
	pthread_mutex_lock(&faults.lock);
	faults.armed = plan != NULL;
	faults.fired = false;
	if (plan)
		faults.plan = *plan;
	memset(faults.calls, 0, sizeof(faults.calls));
	pthread_mutex_unlock(&faults.lock);
}

bool fault_vfs_fired(void)
{
	bool fired;

	pthread_mutex_lock(&faults.lock);
	fired = faults.fired;
	pthread_mutex_unlock(&faults.lock);
	return fired;
}

unsigned fault_vfs_calls(enum fault_point point)
{
	unsigned calls;

	pthread_mutex_lock(&faults.lock);
	calls = faults.calls[point];
	pthread_mutex_unlock(&faults.lock);
	return calls;
}

/* With the lock held: the code of a call that is to fail, SQLITE_OK for any other. Without power everything fails. */
static int fails(enum fault_point point)
{
	unsigned number = ++faults.calls[point];
	const struct fault_plan *plan = &faults.plan;

	if (disk_model_power_is_off())
		return SQLITE_IOERR;
	if (!faults.armed || plan->point != point || number < plan->nth || number - plan->nth >= plan->count)
		return SQLITE_OK;
	faults.fired = true;
	return plan->code;
}

static int check(enum fault_point point)
{
	int code;

	pthread_mutex_lock(&faults.lock);
	code = fails(point);
	pthread_mutex_unlock(&faults.lock);
	return code;
}

static sqlite3_vfs *below(void)
{
	return fault_vfs.pAppData;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct fault_file *)file)->real;
}

static const char *path_of(sqlite3_file *file)
{
	return ((struct fault_file *)file)->path;
}

static int close_file(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int read_file(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
	int code = check(FAULT_READ);

	return code ? code : real_of(file)->pMethods->xRead(real_of(file), out, size, at);
}

static int write_through(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
	if (!disk_model_write(path_of(file), bytes, (size_t)size, (size_t)at))
		return SQLITE_IOERR;
	return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, at);
}

static void write_torn(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
	unsigned char *torn = malloc((size_t)size);

	if (!torn || faults.plan.tear == TEAR_NOTHING) {
		free(torn);
		return;
	}
	memset(torn, 0xa5, (size_t)size);
	memcpy(torn, bytes, (size_t)size / 2);
	(void)write_through(file, torn, faults.plan.tear == TEAR_HALF ? size / 2 : size, at);
	free(torn);
}

static int write_file(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
	int code;

	pthread_mutex_lock(&faults.lock);
	code = fails(FAULT_WRITE);
	if (code == SQLITE_OK)
		code = write_through(file, bytes, size, at);
	else if (!disk_model_power_is_off())
		write_torn(file, bytes, size, at);
	pthread_mutex_unlock(&faults.lock);
	return code;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
	int code;

	pthread_mutex_lock(&faults.lock);
	code = fails(FAULT_TRUNCATE);
	if (code == SQLITE_OK && !disk_model_truncate(path_of(file), (size_t)size))
		code = SQLITE_IOERR;
	if (code == SQLITE_OK)
		code = real_of(file)->pMethods->xTruncate(real_of(file), size);
	pthread_mutex_unlock(&faults.lock);
	return code;
}

static int sync_file(sqlite3_file *file, int flags)
{
	int code;

	(void)flags;
	pthread_mutex_lock(&faults.lock);
	code = fails(FAULT_SYNC);
	if (code != SQLITE_OK && !disk_model_power_is_off())
		disk_model_forget(path_of(file));
	if (code == SQLITE_OK && !disk_model_sync(path_of(file)))
		code = SQLITE_IOERR;
	pthread_mutex_unlock(&faults.lock);
	return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	int code = check(FAULT_FILE_SIZE);

	return code ? code : real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int lock_file(sqlite3_file *file, int level)
{
	int code = check(FAULT_LOCK);

	return code ? code : real_of(file)->pMethods->xLock(real_of(file), level);
}

static int unlock_file(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int check_lock(sqlite3_file *file, int *reserved)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
	int code = check(FAULT_SHM_MAP);

	if (code)
		*out = NULL;
	return code ? code : real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	int code = flags & SQLITE_SHM_LOCK ? check(FAULT_SHM_LOCK) : SQLITE_OK;

	return code ? code : real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shm_unmap(sqlite3_file *file, int delete)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
					   .xClose = close_file,
					   .xRead = read_file,
					   .xWrite = write_file,
					   .xTruncate = truncate_file,
					   .xSync = sync_file,
					   .xFileSize = file_size,
					   .xLock = lock_file,
					   .xUnlock = unlock_file,
					   .xCheckReservedLock = check_lock,
					   .xFileControl = file_control,
					   .xSectorSize = sector_size,
					   .xDeviceCharacteristics = characteristics,
					   .xShmMap = shm_map,
					   .xShmLock = shm_lock,
					   .xShmBarrier = shm_barrier,
					   .xShmUnmap = shm_unmap};

/* Temporary files are left to the VFS below: nothing of ours rests in them. */
static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	struct fault_file *opened = (struct fault_file *)file;
	int code;

	(void)vfs;
	if (!path)
		return below()->xOpen(below(), path, file, flags, out_flags);
	file->pMethods = NULL;
	pthread_mutex_lock(&faults.lock);
	code = fails(FAULT_OPEN);
	if (code == SQLITE_OK)
		disk_model_open(path, flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
	if (code == SQLITE_OK)
		code = below()->xOpen(below(), path, opened->real, flags, out_flags);
	pthread_mutex_unlock(&faults.lock);
	opened->path = path;
	if (code == SQLITE_OK)
		file->pMethods = &methods;
	return code;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int sync)
{
	int code;

	(void)vfs;
	pthread_mutex_lock(&faults.lock);
	code = fails(FAULT_DELETE);
	if (code == SQLITE_OK && !disk_model_delete(path, sync))
		code = SQLITE_IOERR;
	if (code == SQLITE_OK)
		code = below()->xDelete(below(), path, 0);
	pthread_mutex_unlock(&faults.lock);
	return code;
}

static int access_file(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
	int code = check(FAULT_ACCESS);

	(void)vfs;
	return code ? code : below()->xAccess(below(), path, flags, out);
}

void fault_vfs_register(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	if (real == &fault_vfs)
		return;
	fault_vfs = *real;
	fault_vfs.szOsFile += (int)sizeof(struct fault_file);
	fault_vfs.zName = "fault";
	fault_vfs.pNext = NULL;
	fault_vfs.pAppData = real;
	fault_vfs.xOpen = open_file;
	fault_vfs.xDelete = delete_file;
	fault_vfs.xAccess = access_file;
	if (sqlite3_vfs_register(&fault_vfs, 1) != SQLITE_OK)
		abort();
}
