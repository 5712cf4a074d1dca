#include "attest/worker_stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "attest/worker_protocol.h"
#include "base/clock.h"

#define PIECE (64u * 1024)

enum stream_result stream_wait(int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		int64_t left = clock_left_ms(deadline_ms);
		struct pollfd ready = {.fd = fd, .events = events};
		int n = left == 0 ? 0 : poll(&ready, 1, left > 60000 ? 60000 : (int)left);

		if (n > 0)
			return STREAM_OK;
		if (n < 0 && errno != EINTR)
			return STREAM_BROKEN;
		if (deadline_ms != 0 && clock_left_ms(deadline_ms) == 0)
			return STREAM_TIMEOUT;
	}
}

enum stream_result stream_send(int fd, struct str record, int64_t deadline_ms)
{
	while (record.len) {
		ssize_t n = send(fd, record.ptr, record.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			record = str_skip(record, (size_t)n);
		} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			enum stream_result ready = stream_wait(fd, POLLOUT, deadline_ms);

			if (ready != STREAM_OK)
				return ready;
		} else {
			return STREAM_CLOSED;
		}
	}
	return STREAM_OK;
}

/* Reads exactly `size` bytes; `got` says how many came before a failure. */
static enum stream_result read_all(int fd, char *to, size_t size, size_t *got, int64_t deadline_ms)
{
	for (*got = 0; *got < size;) {
		ssize_t n = recv(fd, to + *got, size - *got, MSG_DONTWAIT);

		if (n > 0) {
			*got += (size_t)n;
		} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			enum stream_result ready = stream_wait(fd, POLLIN, deadline_ms);

			if (ready != STREAM_OK)
				return ready;
		} else {
			return STREAM_CLOSED;
		}
	}
	return STREAM_OK;
}

static enum stream_result within_record(enum stream_result result)
{
	return result == STREAM_CLOSED ? STREAM_BROKEN : result;
}

/* Memory is taken as bytes arrive, not as a length announces them. */
static enum stream_result read_body(int fd, struct buf *out, size_t length, int64_t deadline_ms)
{
	char piece[PIECE];

	while (length) {
		size_t want = length < sizeof(piece) ? length : sizeof(piece), got;
		enum stream_result result = read_all(fd, piece, want, &got, deadline_ms);

		if (result != STREAM_OK)
			return within_record(result);
		buf_add(out, str_make(piece, want));
		length -= want;
	}
	return out->failed ? STREAM_BROKEN : STREAM_OK;
}

enum stream_result stream_receive(int fd, struct buf *out, int64_t deadline_ms)
{
	unsigned char head[WORKER_LENGTH_SIZE];
	size_t got, length;
	enum stream_result result = read_all(fd, (char *)head, sizeof(head), &got, deadline_ms);

	buf_clear(out);
	if (result != STREAM_OK)
		return got ? within_record(result) : result;
	length = worker_record_length(head);
	return length ? read_body(fd, out, length, deadline_ms) : STREAM_BROKEN;
}
