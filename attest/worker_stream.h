/* Whole records over a socket, within a deadline. */
#ifndef SEALGATE_ATTEST_WORKER_STREAM_H
#define SEALGATE_ATTEST_WORKER_STREAM_H

#include <stdint.h>

#include "base/buf.h"

enum stream_result { STREAM_OK, STREAM_CLOSED, STREAM_TIMEOUT, STREAM_BROKEN };

/* Waits until `fd` is ready for `events` (of poll), or has ended. */
enum stream_result stream_wait(int fd, short events, int64_t deadline_ms);
/* Sends all of `record` (its length included). `deadline_ms` is monotonic, 0 = none. STREAM_CLOSED when the peer is
 * gone. */
enum stream_result stream_send(int fd, struct str record, int64_t deadline_ms);
/* Reads one record and puts what follows its length into `out`, which is cleared first. STREAM_CLOSED at the end
 * between records, STREAM_BROKEN for an impossible length, an end within a record, or no memory. */
enum stream_result stream_receive(int fd, struct buf *out, int64_t deadline_ms);

#endif
