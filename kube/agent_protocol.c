#include "kube/agent_protocol.h"

enum { LENGTH_SIZE = 4, HEAD_SIZE = 1 + 8 };

static void add_number(struct buf *out, uint64_t number, unsigned size)
{
	while (size-- > 0)
		buf_add_char(out, (char)(number >> 8 * size & 0xff));
}

static void add_text(struct buf *out, struct str text)
{
	add_number(out, text.len, 4);
	buf_add(out, text);
}

static void add_head(struct buf *out, enum agent_kind kind, uint64_t id, size_t fields)
{
	add_number(out, HEAD_SIZE + fields, LENGTH_SIZE);
	add_number(out, kind, 1);
	add_number(out, id, 8);
}

void agent_encode_start(struct buf *out, uint64_t id, const struct kube_request *request)
{
	const struct str texts[] = {str_of(request->method), str_of(request->accept), str_of(request->content_type),
				    request->path, request->body};
	size_t fields = 4;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		fields += 4 + texts[i].len;
	add_head(out, AGENT_START, id, fields);
	add_number(out, (uint64_t)(request->timeout_ms < UINT32_MAX ? request->timeout_ms : UINT32_MAX), 4);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		add_text(out, texts[i]);
}

void agent_encode_cancel(struct buf *out, uint64_t id)
{
	add_head(out, AGENT_CANCEL, id, 0);
}

void agent_encode_ready(struct buf *out)
{
	add_head(out, AGENT_READY, 0, 0);
}

static void encode_error(struct buf *out, enum agent_kind kind, uint64_t id, const struct err *e)
{
	struct str text = str_of(e->kind == ERR_NONE ? "" : e->text);

	add_head(out, kind, id, 1 + 4 + text.len);
	add_number(out, e->kind, 1);
	add_text(out, text);
}

void agent_encode_failed(struct buf *out, const struct err *e)
{
	encode_error(out, AGENT_FAILED, 0, e);
}

void agent_encode_head(struct buf *out, uint64_t id, int status, int retry_after)
{
	add_head(out, AGENT_HEAD, id, 2 + 4);
	add_number(out, (uint64_t)status, 2);
	/* One more than it is, so that none is 0. */
	add_number(out, (uint64_t)retry_after + 1, 4);
}

void agent_encode_data(struct buf *out, uint64_t id, struct str bytes)
{
	add_head(out, AGENT_DATA, id, 4 + bytes.len);
	add_text(out, bytes);
}

void agent_encode_end(struct buf *out, uint64_t id, const struct err *e)
{
	encode_error(out, AGENT_END, id, e);
}

static bool take_number(struct str *from, unsigned size, uint64_t *out)
{
	uint64_t value = 0;

	if (from->len < size)
		return false;
	for (unsigned i = 0; i < size; i++)
		value = value << 8 | (unsigned char)from->ptr[i];
	*from = str_skip(*from, size);
	*out = value;
	return true;
}

static bool take_text(struct str *from, size_t max, struct str *out)
{
	uint64_t len;

	if (!take_number(from, 4, &len) || len > max || len > from->len)
		return false;
	*out = str_head(*from, (size_t)len);
	*from = str_skip(*from, (size_t)len);
	return true;
}

/* Visible ASCII and spaces: it becomes a line of a request's head. */
static bool take_line(struct str *from, char *out, size_t size)
{
	struct str text;

	if (!take_text(from, size - 1, &text))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || (unsigned char)text.ptr[i] >= 0x7f)
			return false;
	if (text.len)
		memcpy(out, text.ptr, text.len);
	out[text.len] = 0;
	return true;
}

static bool take_start(struct str *from, struct agent_record *out)
{
	uint64_t timeout_ms;

	if (!take_number(from, 4, &timeout_ms) || !take_line(from, out->method, sizeof(out->method)) ||
	    !take_line(from, out->accept, sizeof(out->accept)) ||
	    !take_line(from, out->content_type, sizeof(out->content_type)) ||
	    !take_text(from, KUBE_PATH_MAX, &out->path) || !take_text(from, KUBE_BODY_MAX, &out->body))
		return false;
	out->timeout_ms = (uint32_t)timeout_ms;
	return true;
}

static bool take_nothing(struct str *from, struct agent_record *out)
{
	(void)from;
	(void)out;
	return true;
}

static bool take_error(struct str *from, struct agent_record *out)
{
	uint64_t kind;

	if (!take_number(from, 1, &kind) || kind >= ERR_KINDS || !take_text(from, ERR_TEXT_MAX, &out->text))
		return false;
	out->error = (enum err_kind)kind;
	return out->error != ERR_NONE || (out->text.len == 0 && out->kind == AGENT_END);
}

static bool take_answer(struct str *from, struct agent_record *out)
{
	uint64_t status, retry_after;

	if (!take_number(from, 2, &status) || !take_number(from, 4, &retry_after) || status < 100 || status > 999 ||
	    retry_after > INT32_MAX)
		return false;
	out->status = (int)status;
	out->retry_after = (int)retry_after - 1;
	return true;
}

static bool take_data(struct str *from, struct agent_record *out)
{
	return take_text(from, AGENT_DATA_MAX, &out->text) && out->text.len > 0;
}

static const struct {
	enum agent_side sender;
	bool has_id;
	bool (*fields)(struct str *from, struct agent_record *out);
} kinds[] = {
	[AGENT_START] = {AGENT_ASKS, true, take_start},	    [AGENT_CANCEL] = {AGENT_ASKS, true, take_nothing},
	[AGENT_READY] = {AGENT_TELLS, false, take_nothing}, [AGENT_FAILED] = {AGENT_TELLS, false, take_error},
	[AGENT_HEAD] = {AGENT_TELLS, true, take_answer},    [AGENT_DATA] = {AGENT_TELLS, true, take_data},
	[AGENT_END] = {AGENT_TELLS, true, take_error},
};

static bool decode_record(struct str record, enum agent_side sender, struct agent_record *out)
{
	struct agent_record read = {0};
	uint64_t kind, id;

	if (!take_number(&record, 1, &kind) || !take_number(&record, 8, &id) || kind < AGENT_START ||
	    kind > AGENT_END || kinds[kind].sender != sender || kinds[kind].has_id != (id != 0))
		return false;
	read.kind = (enum agent_kind)kind;
	read.id = id;
	if (!kinds[kind].fields(&record, &read) || record.len > 0)
		return false;
	*out = read;
	return true;
}

enum agent_found agent_decode(struct str bytes, enum agent_side sender, struct agent_record *out, size_t *used)
{
	struct str rest = bytes;
	uint64_t length;

	if (!take_number(&rest, LENGTH_SIZE, &length))
		return AGENT_MORE;
	if (length < HEAD_SIZE || length > (sender == AGENT_ASKS ? AGENT_REQUEST_MAX : AGENT_TOLD_MAX))
		return AGENT_BROKEN;
	if (rest.len < length)
		return AGENT_MORE;
	if (!decode_record(str_head(rest, (size_t)length), sender, out))
		return AGENT_BROKEN;
	*used = LENGTH_SIZE + (size_t)length;
	return AGENT_RECORD;
}
