#include "server/http_uri.h"

#include "base/codec.h"
#include "base/limits.h"

static bool decode_escape(struct str rest, char *out)
{
	unsigned char byte;
	if (!hex_decode(str_head(str_skip(rest, 1), 2), &byte, 1))
		return false;
	*out = (char)byte;
	return byte != 0;
}

static bool decode(struct str text, bool plus_is_space, struct arena *arena, struct str *out, struct err *e)
{
	char *decoded = arena_alloc(arena, text.len + 1);
	size_t length = 0;
	if (!decoded)
		return err_no_memory(e);
	while (text.len > 0) {
		char c = *text.ptr;
		if (c == '%' && !decode_escape(text, &c))
			return err_set(e, ERR_INVALID, "bad percent-encoding in the request target");
		if (plus_is_space && *text.ptr == '+')
			c = ' ';
		decoded[length++] = c;
		text = str_skip(text, *text.ptr == '%' ? 3 : 1);
	}
	*out = str_make(decoded, length);
	return true;
}

static bool decode_parameter(struct str text, struct arena *arena, struct http_parameter *out, struct err *e)
{
	size_t equals = str_find(text, '=');
	out->has_value = equals < text.len;
	return decode(str_head(text, equals), true, arena, &out->name, e) &&
	       decode(str_skip(text, equals + 1), true, arena, &out->value, e);
}

static bool parse_query(struct str query, struct http_request *request, struct err *e)
{
	struct http_parameter *parameters = NULL;
	size_t count = 0;
	for (; query.len > 0; query = str_skip(query, str_find(query, '&') + 1)) {
		struct str one = str_head(query, str_find(query, '&'));
		if (one.len == 0)
			continue;
		if (!parameters)
			parameters = arena_array(request->arena, LIMIT_QUERY_PARAMETERS, sizeof(*parameters));
		if (!parameters)
			return err_no_memory(e);
		if (count == LIMIT_QUERY_PARAMETERS)
			return err_set(e, ERR_INVALID, "more than %u query parameters", LIMIT_QUERY_PARAMETERS);
		if (!decode_parameter(one, request->arena, &parameters[count++], e))
			return false;
	}
	request->query = parameters;
	request->query_count = count;
	return true;
}

/* The absolute form's scheme and authority say nothing that we need. */
static struct str origin_form(struct str target)
{
	static const char *const schemes[] = {"http://", "https://"};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		struct str scheme = str_of(schemes[i]);
		if (!str_eq_nocase(str_head(target, scheme.len), scheme))
			continue;
		struct str rest = str_skip(target, scheme.len);
		rest = str_skip(rest, str_find(rest, '/'));
		return rest.len > 0 ? rest : STR("/");
	}
	return target;
}

bool http_uri_parse(struct str target, struct http_request *request, struct err *e)
{
	struct str rest = origin_form(target);
	size_t question = str_find(rest, '?');
	if (!str_starts_with(rest, STR("/")) && !str_eq_c(rest, "*"))
		return err_set(e, ERR_INVALID, "the request target must begin with /");
	return decode(str_head(rest, question), false, request->arena, &request->path, e) &&
	       parse_query(str_skip(rest, question + 1), request, e);
}

const struct http_parameter *http_query(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->query_count; i++)
		if (str_eq_c(request->query[i].name, name))
			return &request->query[i];
	return NULL;
}
