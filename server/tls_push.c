#include "server/tls_push.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* gnutls gives the parts of one record, or of the few that it could not send before. */
#define PARTS_MAX 64

void tls_push_init(struct tls_push *push, int fd)
{
	push->fd = fd;
	push->hold_below = 0;
	push->held = 0;
}

void tls_push_expect_body(struct tls_push *push, size_t body)
{
	push->hold_below = body;
}

static size_t size_of(const struct iovec *parts, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	return size;
}

static void keep(struct tls_push *push, const struct iovec *parts, int count)
{
	for (int i = 0; i < count; i++) {
		memcpy(push->bytes + push->held, parts[i].iov_base, parts[i].iov_len);
		push->held += parts[i].iov_len;
	}
}

/* Takes what was sent off the bytes that are held; the rest of it is of the new ones. */
static ssize_t account(struct tls_push *push, size_t sent)
{
	size_t old = sent < push->held ? sent : push->held;

	push->held -= old;
	memmove(push->bytes, push->bytes + old, push->held);
	if (sent > old)
		return (ssize_t)(sent - old);
	errno = EAGAIN;
	return -1;
}

static ssize_t send_all(struct tls_push *push, const struct iovec *parts, int count)
{
	struct iovec all[PARTS_MAX + 1] = {{.iov_base = push->bytes, .iov_len = push->held}};
	struct msghdr message = {.msg_iov = all};
	ssize_t sent;

	for (int i = 0; i < count && i < PARTS_MAX; i++)
		all[i + 1] = parts[i];
	message.msg_iovlen = (size_t)(count < PARTS_MAX ? count : PARTS_MAX) + 1;
	sent = sendmsg(push->fd, &message, MSG_NOSIGNAL);
	return sent < 0 ? -1 : account(push, (size_t)sent);
}

ssize_t tls_push_vector(void *context, const struct iovec *parts, int count)
{
	struct tls_push *push = context;
	size_t size = size_of(parts, count);
	size_t below = push->hold_below;

	push->hold_below = 0;
	if (size == 0)
		return 0;
	if (size >= below || size > sizeof(push->bytes) - push->held)
		return send_all(push, parts, count);
	keep(push, parts, count);
	return (ssize_t)size;
}
