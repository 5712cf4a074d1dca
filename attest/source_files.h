/* The files of a directory of policies or keys, as a person or a ConfigMap mount puts them there.
 *
 * Names that begin with a dot are passed over (a mount's ..data is one), symbolic links are followed, sub-directories
 * are not entered. */
#ifndef SEALGATE_ATTEST_SOURCE_FILES_H
#define SEALGATE_ATTEST_SOURCE_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct source_files {
	char **paths; /* "DIR/NAME" with one of the suffixes, sorted; owned */
	size_t count;
	char **others; /* without, and sub-directories; sorted; owned */
	size_t other_count;
};

/* Lists `dir`. `suffixes` ends with NULL. ERR_NOT_FOUND or ERR_INVALID "DIR: why", ERR_TOO_LARGE past
 * LIMIT_POLICY_FILES. */
bool source_files_list(const char *dir, const char *const *suffixes, struct source_files *out, struct err *e) MUST_USE;
void source_files_release(struct source_files *files);

/* A number over what `dir` holds: names, and inode, size and times of what they lead to. Another number when the
 * directory can't be read. Of a directory with more than LIMIT_POLICY_FILES entries, which is not loaded anyway, only
 * so many are looked at. */
uint64_t source_files_fingerprint(const char *dir);

CLEANUP_VALUE(source_files, struct source_files, source_files_release)

#endif
