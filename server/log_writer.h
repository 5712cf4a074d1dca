/* Where lines of the log go: standard error, whole and in order. Threads that log at the same time don't wait for each
 * other's write(2): lines queue up, and whoever finds nobody writing writes all there is, in one call. A full queue
 * makes the caller wait; no line is lost or torn. Any thread. */
#ifndef SEALGATE_SERVER_LOG_WRITER_H
#define SEALGATE_SERVER_LOG_WRITER_H

#include "base/str.h"

/* Takes a line, at most LIMIT_LOG_LINE bytes with its newline. On return it is written, or another thread is writing
 * and will write it next. Lines of one thread keep their order. */
void log_writer_put(struct str line);
/* Waits until everything that was put before is written: before the process ends. */
void log_writer_flush(void);

#endif
