/* "Did you mean ...?": which known name is the nearest to one that was misspelt. */
#ifndef SEALGATE_BASE_SPELLING_H
#define SEALGATE_BASE_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* More single-letter edits than this make another word, not a misspelling. */
size_t spelling_limit(struct str typed);
/* True when `known` is fewer edits from `typed` than *least, which then becomes their number. Start with
 * spelling_limit. Names of more than 64 bytes are near to nothing. */
bool spelling_nearer(struct str typed, struct str known, size_t *least);

#endif
