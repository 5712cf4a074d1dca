#include <string.h>

#include <sqlite3.h>

#include "store/sqlite_private.h"

/* The WAL's index in shared memory, its size and that of its header as of SQLite's "WAL-mode File Format", 2. */
#define INDEX_BYTES 32768
#define HEADER_WORDS 6

/* SQLite writes the header without atomics, and looks at it as we do: by comparing it with what was there before. */
__attribute__((no_sanitize("thread"))) static void copy_header(const volatile uint64_t *from, uint64_t to[HEADER_WORDS])
{
	atomic_thread_fence(memory_order_seq_cst);
	for (size_t i = 0; i < HEADER_WORDS; i++)
		to[i] = from[i];
	atomic_thread_fence(memory_order_seq_cst);
}

static volatile void *find_index(const struct sqlite_connection *c, struct err *e)
{
	volatile void *index = NULL;
	sqlite3_file *file = NULL;
	int code = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	if (code == SQLITE_OK && file && file->pMethods && file->pMethods->iVersion >= 2)
		code = file->pMethods->xShmMap(file, 0, INDEX_BYTES, 0, &index);
	if (!index)
		err_set(e, ERR_INTERNAL, "database %s: the index of its log is not in shared memory (%s)", c->path,
			sqlite3_errstr(code));
	return index;
}

bool sqlite_version_init(struct sqlite_version *version, struct sqlite_readers *readers, struct err *e)
{
	struct sqlite_connection *c = sqlite_readers_take(readers, READER_OTHER, 0, e);

	if (!c)
		return false;
	version->header = find_index(c, e);
	sqlite_readers_give(readers, c);
	return version->header != NULL;
}

bool sqlite_version(struct store *s, int64_t deadline_ms, uint64_t *version, struct err *e)
{
	struct sqlite_version *v = &((struct sqlite_store *)s)->version;
	uint64_t now[HEADER_WORDS];

	(void)deadline_ms;
	(void)e;
	pthread_mutex_lock(&v->lock);
	copy_header(v->header, now);
	if (memcmp(now, v->seen, sizeof(now)) != 0)
		atomic_fetch_add(&v->number, 1);
	memcpy(v->seen, now, sizeof(now));
	*version = atomic_load(&v->number);
	pthread_mutex_unlock(&v->lock);
	return true;
}

void sqlite_version_grow(struct sqlite_version *version)
{
	atomic_fetch_add(&version->number, 1);
}
