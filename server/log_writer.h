/* Where lines of the log go: standard error, whole and in order, many in one write(2) when many come. A line that comes
 * a millisecond or more after the last write is written at once; the others wait for the end of that millisecond, when
 * one thread writes all there are. A full queue makes the caller write or wait; no line is lost or torn. Any thread. */
#ifndef SEALGATE_SERVER_LOG_WRITER_H
#define SEALGATE_SERVER_LOG_WRITER_H

#include "base/err.h"
#include "base/str.h"

/* Starts the thread that writes what waits; until then, and without it, everything is written at once. Not before the
 * last fork(2): a child would wait for a thread that it doesn't have. */
bool log_writer_start(struct err *e) MUST_USE;
/* Writes everything and ends the thread. Without log_writer_start it only writes. */
void log_writer_stop(void);
/* Takes a line, at most LIMIT_LOG_LINE bytes with its newline. Lines of one thread keep their order. */
void log_writer_put(struct str line);
/* Waits until everything that was put before is written: before the process ends. */
void log_writer_flush(void);

#endif
