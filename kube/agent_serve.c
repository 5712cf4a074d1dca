#include "kube/agent_serve.h"

#include <errno.h>
#include <sys/socket.h>

#include "kube/agent_protocol.h"
#include "kube/permitted.h"

enum { CHUNK = 64 * 1024 };

struct served {
	struct serving *serving;
	uint64_t id;	  /* sealgated's; 0: free */
	uint64_t carried; /* the transport's */
};

struct serving {
	struct kube_transport *transport;
	int fd;
	bool gone; /* nobody reads any more */
	struct str own_namespace;
	uint64_t last_id;
	struct buf in;
	struct buf record;
	struct served requests[KUBE_REQUESTS];
};

bool agent_send(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		bytes = str_skip(bytes, n > 0 ? (size_t)n : 0);
	}
	return true;
}

static void send_record(struct serving *s)
{
	s->gone = s->gone || s->record.failed || !agent_send(s->fd, buf_str(&s->record));
	buf_clear(&s->record);
}

static void on_head(void *context, int status, int retry_after)
{
	struct served *request = context;

	agent_encode_head(&request->serving->record, request->id, status, retry_after);
	send_record(request->serving);
}

static void on_data(void *context, struct str bytes)
{
	struct served *request = context;

	while (bytes.len > 0) {
		struct str part = str_head(bytes, AGENT_DATA_MAX);

		agent_encode_data(&request->serving->record, request->id, part);
		send_record(request->serving);
		bytes = str_skip(bytes, part.len);
	}
}

static void send_end(struct serving *s, uint64_t id, const struct err *e)
{
	agent_encode_end(&s->record, id, e);
	send_record(s);
}

static void on_end(void *context, const struct err *e)
{
	struct served *request = context;

	send_end(request->serving, request->id, e);
	request->id = 0;
}

static void on_dropped(void *context)
{
	struct served *request = context;

	request->id = 0;
}

static struct served *request_of(struct serving *s, uint64_t id)
{
	for (size_t i = 0; i < KUBE_REQUESTS; i++)
		if (s->requests[i].id == id)
			return &s->requests[i];
	return NULL;
}

static bool carry(struct serving *s, const struct agent_record *record, struct err *e)
{
	struct served *slot = request_of(s, 0);
	const struct kube_handler handler = {slot, on_head, on_data, on_end, on_dropped};
	const struct kube_request request = {.method = record->method,
					     .path = record->path,
					     .accept = record->accept[0] ? record->accept : NULL,
					     .content_type = record->content_type[0] ? record->content_type : NULL,
					     .body = record->body,
					     .timeout_ms = record->timeout_ms};

	if (!kube_permitted(record->method, record->path, s->own_namespace))
		return err_set(e, ERR_FORBIDDEN, "sealgate-kube does not carry %s %.*s", record->method,
			       STR_ARG(record->path));
	if (!slot)
		return err_set(e, ERR_UNAVAILABLE, "%u requests are under way", KUBE_REQUESTS);
	*slot = (struct served){.serving = s, .id = record->id};
	slot->carried = kube_transport_start(s->transport, &request, &handler, e);
	if (!slot->carried)
		slot->id = 0;
	return slot->carried != 0;
}

/* Numbers only grow: one that was used is a breach. */
static bool obey(struct serving *s, const struct agent_record *record)
{
	struct served *request;
	struct err e = ERR_INIT;

	if (record->kind == AGENT_CANCEL) {
		request = request_of(s, record->id);
		if (request)
			kube_transport_cancel(s->transport, request->carried);
		return record->id <= s->last_id;
	}
	if (record->id <= s->last_id)
		return false;
	s->last_id = record->id;
	if (!carry(s, record, &e))
		send_end(s, record->id, &e);
	return true;
}

static bool obey_all(struct serving *s)
{
	struct str rest = buf_str(&s->in);
	struct agent_record record;
	size_t used = 0;

	for (;;) {
		enum agent_found found = agent_decode(rest, AGENT_ASKS, &record, &used);

		if (found == AGENT_BROKEN || (found == AGENT_RECORD && !obey(s, &record)))
			return false;
		if (found == AGENT_MORE)
			break;
		rest = str_skip(rest, used);
	}
	if (rest.len)
		memmove(s->in.data, rest.ptr, rest.len);
	buf_cut(&s->in, rest.len);
	return true;
}

static bool receive(struct serving *s, struct err *e)
{
	char chunk[CHUNK];
	ssize_t n = recv(s->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	s->gone = s->gone || n <= 0;
	if (s->gone)
		return true;
	buf_add(&s->in, str_make(chunk, (size_t)n));
	return buf_ok(&s->in, e) && (obey_all(s) || err_set(e, ERR_INVALID, "a record that isn't one was sent"));
}

bool agent_serve(struct kube_transport *t, agent_serve_wait *wait, int fd, struct str own_namespace, struct err *e)
{
	struct serving s = {.transport = t,
			    .fd = fd,
			    .own_namespace = own_namespace,
			    .in = buf_init(AGENT_REQUEST_MAX + 2 * CHUNK),
			    .record = buf_init(AGENT_TOLD_MAX + CHUNK)};
	bool good = true;

	while (good && !s.gone)
		good = wait(t, 0, fd, e) && receive(&s, e);
	for (size_t i = 0; i < KUBE_REQUESTS; i++)
		if (s.requests[i].id)
			kube_transport_cancel(t, s.requests[i].carried);
	buf_release(&s.in);
	buf_release(&s.record);
	return good;
}
