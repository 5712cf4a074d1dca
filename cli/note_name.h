/* "projects/P/notes/N", taken apart. */
#ifndef SEALGATE_CLI_NOTE_NAME_H
#define SEALGATE_CLI_NOTE_NAME_H

#include "base/err.h"
#include "base/str.h"

struct note_name {
	struct str project; /* these point into the text that was read */
	struct str note;
};

/* ERR_INVALID when `text` is not exactly that form, with two ids that are not empty and hold no control character. */
bool note_name_read(struct str text, struct note_name *out, struct err *e) MUST_USE;

#endif
