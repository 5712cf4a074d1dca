#include "kube/json_stream.h"

#include "base/limits.h"

struct json_stream json_stream_init(size_t max)
{
	return (struct json_stream){.text = buf_init(max)};
}

void json_stream_release(struct json_stream *stream)
{
	buf_release(&stream->text);
}

bool json_stream_is_inside(const struct json_stream *stream)
{
	return stream->depth > 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void step_in_string(struct json_stream *stream, char c)
{
	if (stream->escaped)
		stream->escaped = false;
	else if (c == '\\')
		stream->escaped = true;
	else if (c == '"')
		stream->in_string = false;
}

/* True when `c` ends the object. */
static bool step(struct json_stream *stream, char c)
{
	if (stream->in_string) {
		step_in_string(stream, c);
		return false;
	}
	if (c == '"')
		stream->in_string = true;
	else if (c == '{' || c == '[')
		stream->depth++;
	else if (c == '}' || c == ']')
		return --stream->depth == 0;
	return false;
}

/* Bytes up to and with the end of the object that has begun; all of them when it goes on. */
static bool find_end(struct json_stream *stream, struct str bytes, size_t *used, bool *ended, struct err *e)
{
	*ended = false;
	for (*used = 0; *used < bytes.len && !*ended;) {
		*ended = step(stream, bytes.ptr[(*used)++]);
		if (stream->depth > LIMIT_JSON_DEPTH)
			return err_set(e, ERR_TOO_LARGE, "an object of the API server is nested too deep");
	}
	return true;
}

static bool take_object(struct json_stream *stream, struct str *bytes,
			bool (*object)(void *context, struct str text, struct err *e), void *context, struct err *e)
{
	size_t used = 0;
	bool ended = false;

	if (!find_end(stream, *bytes, &used, &ended, e))
		return false;
	buf_add(&stream->text, str_make(bytes->ptr, used));
	*bytes = str_skip(*bytes, used);
	if (!buf_ok(&stream->text, e))
		return err_context(e, "an object of the API server");
	if (!ended)
		return true;
	if (!object(context, buf_str(&stream->text), e))
		return false;
	/* One large object is not kept room for. */
	buf_release(&stream->text);
	return true;
}

bool json_stream_feed(struct json_stream *stream, struct str bytes,
		      bool (*object)(void *context, struct str text, struct err *e), void *context, struct err *e)
{
	while (bytes.len > 0) {
		if (stream->depth == 0 && is_space(bytes.ptr[0])) {
			bytes = str_skip(bytes, 1);
			continue;
		}
		if (stream->depth == 0 && bytes.ptr[0] != '{')
			return err_set(e, ERR_INVALID, "what the API server sends is no JSON object");
		if (!take_object(stream, &bytes, object, context, e))
			return false;
	}
	return true;
}
