/* What a disk holds when the power goes: what was synced, and of the rest whatever the disk liked.
 *
 * The VFS tells it every change. From disk_model_begin on each file has a durable image and a list of changes since its
 * last sync. At the chosen change the power goes: from there on the VFS fails everything, and disk_model_cut writes the
 * files as a disk might show them afterwards. Assumed, as SQLite does: a torn write spoils only its own bytes; a name
 * is durable once its directory was synced, which the first sync of a new log does. The VFS holds its lock around every
 * call. */
#ifndef SEALGATE_TESTS_FAULT_DISK_MODEL_H
#define SEALGATE_TESTS_FAULT_DISK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The power goes before change number `cut_at` (1 is the first; 0: never). */
void disk_model_begin(unsigned cut_at);
void disk_model_end(void);
/* Changes so far: writes, truncations, syncs, deletions. */
unsigned disk_model_changes(void);
/* The first `max` changes that decide what of the others stays: the numbers of syncs, truncations and deletions.
 * Between two of them a disk may show any part of the writes, whenever the power goes. Returns how many there are. */
size_t disk_model_turns(unsigned *numbers, size_t max);
bool disk_model_is_on(void);
bool disk_model_power_is_off(void);
/* Writes the files into `dir`, with their own names, as `seed` has it. Seed 0 keeps only what is durable. */
void disk_model_cut(const char *dir, uint64_t seed);

/* For the VFS. A change returns false when the power is off: it has not happened. */
void disk_model_open(const char *path, bool is_log);
bool disk_model_write(const char *path, const void *bytes, size_t size, size_t at);
bool disk_model_truncate(const char *path, size_t size);
bool disk_model_sync(const char *path);
/* A sync that failed: what was not durable never will be, unless it is written again. */
void disk_model_forget(const char *path);
bool disk_model_delete(const char *path, bool sync_directory);

#endif
