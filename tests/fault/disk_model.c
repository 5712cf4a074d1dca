#include "tests/fault/disk_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES 8
#define SECTOR 512u
#define TURNS_MAX 1024

/* bytes NULL: a truncation to `at`. */
struct change {
	struct change *next;
	unsigned char *bytes;
	size_t size;
	size_t at;
};

struct image {
	unsigned char *bytes;
	size_t size;
};

struct disk_file {
	char *path;
	struct image durable;
	struct change *first;
	struct change **last;
	bool is_log;
	bool there;
	bool name_durable;
};

static struct {
	bool on;
	bool off; /* the power */
	unsigned changes;
	unsigned cut_at;
	unsigned turns[TURNS_MAX];
	size_t turn_count;
	struct disk_file files[FILES];
	size_t count;
} disk;

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void image_resize(struct image *image, size_t size)
{
	if (size == image->size)
		return;
	image->bytes = must(realloc(image->bytes, size + 1));
	if (size > image->size)
		memset(image->bytes + image->size, 0, size - image->size);
	image->size = size;
}

static void image_put(struct image *image, const unsigned char *bytes, size_t size, size_t at)
{
	if (at + size > image->size)
		image_resize(image, at + size);
	if (size)
		memcpy(image->bytes + at, bytes, size);
}

static void apply(struct image *image, const struct change *change)
{
	if (change->bytes)
		image_put(image, change->bytes, change->size, change->at);
	else
		image_resize(image, change->at);
}

static void drop_changes(struct disk_file *file)
{
	while (file->first) {
		struct change *next = file->first->next;

		free(file->first->bytes);
		free(file->first);
		file->first = next;
	}
	file->last = &file->first;
}

static struct disk_file *find(const char *path)
{
	for (size_t i = 0; i < disk.count; i++)
		if (strcmp(disk.files[i].path, path) == 0)
			return &disk.files[i];
	return NULL;
}

void disk_model_end(void)
{
	for (size_t i = 0; i < disk.count; i++) {
		drop_changes(&disk.files[i]);
		free(disk.files[i].durable.bytes);
		free(disk.files[i].path);
	}
	memset(&disk, 0, sizeof(disk));
}

void disk_model_begin(unsigned cut_at)
{
	disk_model_end();
	disk.on = true;
	disk.cut_at = cut_at;
}

unsigned disk_model_changes(void)
{
	return disk.changes;
}

size_t disk_model_turns(unsigned *numbers, size_t max)
{
	size_t count = disk.turn_count < max ? disk.turn_count : max;

	memcpy(numbers, disk.turns, count * sizeof(*numbers));
	return count;
}

bool disk_model_is_on(void)
{
	return disk.on;
}

bool disk_model_power_is_off(void)
{
	return disk.off;
}

/* Whether the power still holds for one more change. */
static bool holds(void)
{
	if (!disk.off)
		disk.off = ++disk.changes == disk.cut_at;
	return !disk.off;
}

static bool turns(void)
{
	bool held = holds();

	if (held && disk.turn_count < TURNS_MAX)
		disk.turns[disk.turn_count++] = disk.changes;
	return held;
}

static void load_durable(struct disk_file *file)
{
	FILE *in = fopen(file->path, "rb");
	unsigned char block[8192];
	size_t got;

	while (in && (got = fread(block, 1, sizeof(block), in)) > 0)
		image_put(&file->durable, block, got, file->durable.size);
	if (in)
		fclose(in);
}

/* What is there before the model saw it is durable; a new log is not, and neither is its name. */
void disk_model_open(const char *path, bool is_log)
{
	struct disk_file *file = find(path);
	struct stat st;

	if (!disk.on || (file && file->there))
		return;
	if (!file) {
		if (disk.count == FILES)
			abort();
		file = &disk.files[disk.count++];
		*file = (struct disk_file){.path = must(strdup(path)), .is_log = is_log};
		file->last = &file->first;
		file->name_durable = stat(path, &st) == 0 && st.st_size > 0;
		load_durable(file);
	}
	file->there = true;
}

static void add_change(struct disk_file *file, const void *bytes, size_t size, size_t at)
{
	struct change *change = must(calloc(1, sizeof(*change)));

	*change = (struct change){.size = size, .at = at};
	if (bytes) {
		change->bytes = must(malloc(size + 1));
		memcpy(change->bytes, bytes, size);
	}
	*file->last = change;
	file->last = &change->next;
}

bool disk_model_write(const char *path, const void *bytes, size_t size, size_t at)
{
	if (!disk.on)
		return true;
	if (!holds())
		return false;
	add_change(find(path), bytes, size, at);
	return true;
}

bool disk_model_truncate(const char *path, size_t size)
{
	if (!disk.on)
		return true;
	if (!turns())
		return false;
	add_change(find(path), NULL, 0, size);
	return true;
}

static void sync_directory(void)
{
	for (size_t i = 0; i < disk.count; i++)
		disk.files[i].name_durable = disk.files[i].there;
}

bool disk_model_sync(const char *path)
{
	struct disk_file *file = find(path);

	if (!disk.on)
		return true;
	if (!turns())
		return false;
	for (const struct change *c = file->first; c; c = c->next)
		apply(&file->durable, c);
	drop_changes(file);
	if (file->is_log && !file->name_durable)
		sync_directory();
	return true;
}

void disk_model_forget(const char *path)
{
	if (disk.on)
		drop_changes(find(path));
}

bool disk_model_delete(const char *path, bool sync)
{
	struct disk_file *file = find(path);

	if (!disk.on)
		return true;
	if (!turns())
		return false;
	if (file) {
		file->there = false;
		drop_changes(file);
		if (!file->name_durable)
			image_resize(&file->durable, 0);
	}
	if (sync)
		sync_directory();
	return true;
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

/* Some of its sectors arrive, some don't, some hold noise. */
static void apply_torn(struct image *image, const struct change *change, uint64_t *seed)
{
	size_t end = change->at + change->size;

	for (size_t at = change->at, stop; at < end; at = stop) {
		unsigned char noise[SECTOR];
		uint64_t luck = next(seed) % 4;
		size_t size;

		stop = (at / SECTOR + 1) * SECTOR;
		stop = stop < end ? stop : end;
		size = stop - at;
		for (size_t i = 0; i < size; i++)
			noise[i] = (unsigned char)next(seed);
		if (luck)
			image_put(image, luck == 3 ? noise : change->bytes + (at - change->at), size, at);
	}
}

/* In any order, each whole, torn, or not at all; every fourth seed drops all of them. */
static void apply_pending(struct image *image, const struct disk_file *file, uint64_t *seed)
{
	bool none = next(seed) % 4 == 0, late = next(seed) % 2;
	const struct change *held = NULL;

	for (const struct change *c = file->first; c; c = c->next) {
		uint64_t luck = none ? 0 : next(seed) % 4;

		if (luck == 1 && c->bytes)
			apply_torn(image, c, seed);
		else if (luck == 2 && late && !held)
			held = c;
		else if (luck > 1)
			apply(image, c);
	}
	if (held)
		apply(image, held);
}

static void write_image(const char *dir, const struct disk_file *file, const struct image *image)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s%s", dir, strrchr(file->path, '/'));
	out = must(fopen(path, "wb"));
	if (fwrite(image->bytes ? image->bytes : (const unsigned char *)"", 1, image->size, out) != image->size)
		abort();
	fclose(out);
}

static void cut_file(const char *dir, const struct disk_file *file, uint64_t *seed)
{
	struct image image = {0};

	if (file->there != file->name_durable ? !*seed || next(seed) % 2 : !file->there)
		return;
	image_put(&image, file->durable.bytes ? file->durable.bytes : (const unsigned char *)"", file->durable.size, 0);
	if (*seed)
		apply_pending(&image, file, seed);
	write_image(dir, file, &image);
	free(image.bytes);
}

void disk_model_cut(const char *dir, uint64_t seed)
{
	uint64_t state = seed ? seed * 0x9e3779b97f4a7c15u + 1 : 0;

	for (size_t i = 0; i < disk.count; i++)
		cut_file(dir, &disk.files[i], &state);
}
