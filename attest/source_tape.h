/* The files of a load as they were read, so that a later load can have them once more: files that can't be loaded any
 * more must not keep what does not depend on them from coming into force (attest/trust.h). */
#ifndef SEALGATE_ATTEST_SOURCE_TAPE_H
#define SEALGATE_ATTEST_SOURCE_TAPE_H

#include "attest/source_files.h"
#include "base/buf.h"

struct source_tape;

/* An empty one, with one reference; NULL when there is no memory. It remembers at most LIMIT_POLICY_MEMORY. */
struct source_tape *source_tape_new(void);
/* Returns `tape`, which may be NULL. Any thread. */
struct source_tape *source_tape_ref(struct source_tape *tape);
/* NULL is legal. Any thread. */
void source_tape_unref(struct source_tape *tape);
/* From here on it is read from. */
void source_tape_end(struct source_tape *tape);
/* Whether it has ended and holds all that was asked for. NULL is not. */
bool source_tape_is_whole(const struct source_tape *tape);

/* source_files_list and file_read_settled. Until the end the disk is asked, and its answer, also a failure, goes on the
 * tape; afterwards it comes from there, and what isn't on it is ERR_NOT_FOUND. One load at a time. With NULL the disk
 * alone is asked. */
bool source_tape_list(struct source_tape *tape, const char *dir, const char *const *suffixes, struct source_files *out,
		      struct err *e) MUST_USE;
bool source_tape_read(struct source_tape *tape, const char *path, struct buf *out, struct err *e) MUST_USE;

#endif
