#include "attest/source_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static void close_dir(DIR *dir)
{
	if (dir)
		closedir(dir);
}

CLEANUP_POINTER(dir, DIR, close_dir)

static void release_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

void source_files_release(struct source_files *files)
{
	release_names(files->paths, files->count);
	release_names(files->others, files->other_count);
	*files = (struct source_files){0};
}

static char *join(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = malloc(size);
	bool slash = dir[0] && dir[strlen(dir) - 1] == '/';

	if (path)
		(void)snprintf(path, size, "%s%s%s", dir, slash ? "" : "/", name);
	return path;
}

static bool has_suffix(const char *name, const char *const *suffixes)
{
	for (size_t i = 0; suffixes[i]; i++)
		if (str_ends_with(str_of(name), str_of(suffixes[i])))
			return true;
	return false;
}

/* Room grows at powers of two. */
static bool append(char ***names, size_t *count, char *name)
{
	char **bigger = *names;

	if (!name)
		return false;
	if ((*count & (*count - 1)) == 0)
		bigger = realloc(*names, (*count ? 2 * *count : 1) * sizeof(*bigger));
	if (!bigger) {
		free(name);
		return false;
	}
	*names = bigger;
	bigger[(*count)++] = name;
	return true;
}

static bool add_entry(struct source_files *files, const char *dir, const struct dirent *entry,
		      const char *const *suffixes, struct err *e)
{
	bool wanted = entry->d_type != DT_DIR && has_suffix(entry->d_name, suffixes);

	if (entry->d_name[0] == '.')
		return true;
	if (files->count + files->other_count >= LIMIT_POLICY_FILES)
		return err_set(e, ERR_TOO_LARGE, "%s: more than %u files", dir, LIMIT_POLICY_FILES);
	if (wanted ? append(&files->paths, &files->count, join(dir, entry->d_name))
		   : append(&files->others, &files->other_count, join(dir, entry->d_name)))
		return true;
	return err_no_memory(e);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(char **names, size_t count)
{
	if (count)
		qsort(names, count, sizeof(*names), compare_names);
}

bool source_files_list(const char *dir, const char *const *suffixes, struct source_files *out, struct err *e)
{
	cleanup(source_files) struct source_files files = {0};
	cleanup(dir) DIR *open_dir = opendir(dir);

	if (!open_dir)
		return file_unreadable(dir, e);
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(open_dir);
		if (!entry)
			break;
		if (!add_entry(&files, dir, entry, suffixes, e))
			return false;
	}
	if (errno)
		return file_unreadable(dir, e);
	sort(files.paths, files.count);
	sort(files.others, files.other_count);
	*out = files;
	files = (struct source_files){0};
	return true;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * FNV_PRIME;
	return hash;
}

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
	return mix(hash, &number, sizeof(number));
}

static uint64_t entry_fingerprint(int dir, const char *name)
{
	uint64_t hash = mix(FNV_START, name, strlen(name));
	struct stat st;

	if (fstatat(dir, name, &st, 0) != 0)
		return mix_number(hash, (uint64_t)errno);
	hash = mix_number(hash, st.st_dev);
	hash = mix_number(hash, st.st_ino);
	hash = mix_number(hash, st.st_mode);
	hash = mix_number(hash, (uint64_t)st.st_size);
	hash = mix_number(hash, (uint64_t)st.st_mtim.tv_sec);
	hash = mix_number(hash, (uint64_t)st.st_mtim.tv_nsec);
	hash = mix_number(hash, (uint64_t)st.st_ctim.tv_sec);
	return mix_number(hash, (uint64_t)st.st_ctim.tv_nsec);
}

/* The sum does not depend on the order in which the entries come. */
uint64_t source_files_fingerprint(const char *dir)
{
	cleanup(dir) DIR *open_dir = opendir(dir);
	uint64_t sum = mix(FNV_START, dir, strlen(dir));
	const struct dirent *entry;
	size_t count = 0;

	if (!open_dir)
		return mix_number(sum, (uint64_t)errno);
	while (count <= LIMIT_POLICY_FILES && (entry = readdir(open_dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		sum += entry_fingerprint(dirfd(open_dir), entry->d_name);
		count++;
	}
	return sum;
}
