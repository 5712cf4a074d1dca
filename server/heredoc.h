/* The 2017 blog's upload: a shell heredoc that puts an armoured signature into a JSON string with its line breaks,
 * which JSON forbids. Raw LF, CR and TAB within strings become escapes before strict reading; nothing else is changed,
 * so that whatever else is wrong is still refused. Used on one route of v1alpha1 alone. */
#ifndef SEALGATE_SERVER_HEREDOC_H
#define SEALGATE_SERVER_HEREDOC_H

#include "base/buf.h"
#include "base/limits.h"

/* Room for a body in which every byte becomes an escape. */
#define HEREDOC_MAX (2u * LIMIT_API_BODY)

/* True when a string of `body` holds a raw LF, CR or TAB. */
bool heredoc_needs_repair(struct str body);
/* Appends the repaired body to `out`. A byte after a backslash is never touched: "\" and a raw line break stay an
 * invalid escape. */
void heredoc_repair(struct str body, struct buf *out);

#endif
