/* Several files of one directory, written so that each appears whole or not at all. */
#ifndef SEALGATE_CERTS_FILE_SET_H
#define SEALGATE_CERTS_FILE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct file_entry {
	const char *name; /* within the directory */
	struct str content;
	mode_t mode;
};

/* Creates all files, durable on return, or none. ERR_FORBIDDEN "NAME is there already" when one exists. */
bool file_set_create(const char *dir, const struct file_entry *files, size_t count, struct err *e) MUST_USE;
/* Replaces files; all are written and synced beside the old ones before the first one is renamed. */
bool file_set_replace(const char *dir, const struct file_entry *files, size_t count, struct err *e) MUST_USE;

#endif
