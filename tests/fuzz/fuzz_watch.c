/* What an API server may send on a watch. In whatever pieces it comes, the same is told; nothing is told before a list
 * has begun, and nothing after a failure. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "kube/list_watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOLD_MAX (4u * 1024 * 1024)

/* One request, which gets the input. */
struct wire {
	struct kube_transport transport;
	struct kube_handler handler;
	bool open;
	unsigned begun;
};

struct told {
	struct buf text;
	bool begun, failed;
};

static uint64_t wire_start(struct kube_transport *t, const struct kube_request *request,
			   const struct kube_handler *handler, struct err *e)
{
	struct wire *wire = (struct wire *)t;

	(void)e;
	if (wire->open || request->path.len == 0)
		abort();
	wire->handler = *handler;
	wire->open = true;
	return ++wire->begun;
}

static void wire_cancel(struct kube_transport *t, uint64_t id)
{
	(void)id;
	((struct wire *)t)->open = false;
}

static const struct kube_transport_class wire_class = {.start = wire_start, .cancel = wire_cancel};

static void note(struct told *told, char what, const json_t *object)
{
	if (!told->begun || told->failed)
		abort();
	buf_add_char(&told->text, what);
	if (object && !json_write(object, &told->text, NULL))
		abort();
}

static void on_begin(void *context)
{
	struct told *told = context;

	told->begun = true;
	note(told, '(', NULL);
}

static void on_present(void *context, const json_t *object)
{
	note(context, '+', object);
}

static void on_gone(void *context, const json_t *object)
{
	note(context, '-', object);
}

static void on_synced(void *context)
{
	note(context, ')', NULL);
}

static void on_failed(void *context, const struct err *e)
{
	struct told *told = context;

	note(told, '!', NULL);
	buf_add_c(&told->text, e->text);
	told->failed = true;
}

static void send_in_pieces(struct wire *wire, struct list_watch *watch, struct str bytes, size_t piece)
{
	unsigned first = wire->begun;

	wire->handler.head(wire->handler.context, 200, -1);
	while (bytes.len > 0 && wire->open && wire->begun == first) {
		struct str part = str_make(bytes.ptr, bytes.len < piece ? bytes.len : piece);

		/* A buffer of its own, so that nothing is read behind it. */
		char *copy = malloc(part.len);
		if (!copy)
			abort();
		memcpy(copy, part.ptr, part.len);
		wire->handler.data(wire->handler.context, str_make(copy, part.len));
		free(copy);
		(void)list_watch_step(watch, 1000);
		bytes = str_skip(bytes, piece);
	}
	if (wire->open && wire->begun == first) {
		wire->open = false;
		wire->handler.end(wire->handler.context, &ERR_INIT);
		(void)list_watch_step(watch, 1000);
	}
}

static void follow(struct str bytes, size_t piece, struct told *told)
{
	static const struct list_watch_target target = {.name = "things", .path = "/api/v1/things"};
	const struct list_watch_events events = {.context = told,
						 .begin = on_begin,
						 .present = on_present,
						 .gone = on_gone,
						 .synced = on_synced,
						 .failed = on_failed};
	struct wire wire = {.transport = {&wire_class}};
	struct list_watch *watch = list_watch_new(&wire.transport, &target, &events, 1);

	*told = (struct told){.text = buf_init(TOLD_MAX)};
	if (!watch)
		abort();
	(void)list_watch_step(watch, 1000);
	send_in_pieces(&wire, watch, bytes, piece);
	list_watch_free(watch);
	if (wire.open)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole, parts;
	struct str bytes;

	if (size < 1)
		return 0;
	bytes = str_make((const char *)data + 1, size - 1);
	follow(bytes, size, &whole);
	follow(bytes, 1 + data[0] % 64u, &parts);
	if (!str_eq(buf_str(&whole.text), buf_str(&parts.text)))
		abort();
	buf_release(&whole.text);
	buf_release(&parts.text);
	return 0;
}
