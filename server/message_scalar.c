#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/limits.h"
#include "server/message.h"

#define NUMBER_TEXT_MAX 64
/* Doubles beyond this do not hold every integer. */
#define EXACT_MAX 9007199254740992.0

/* Exactly the grammar of a JSON number: no sign '+', no leading zeros, no blanks, no words. */
static bool is_json_number(struct str s)
{
	size_t i = 0, digits;

	if (i < s.len && s.ptr[i] == '-')
		i++;
	digits = strspn(s.ptr + i, "0123456789");
	if (digits == 0 || (digits > 1 && s.ptr[i] == '0'))
		return false;
	i += digits;
	if (i < s.len && s.ptr[i] == '.') {
		digits = strspn(s.ptr + i + 1, "0123456789");
		if (digits == 0)
			return false;
		i += 1 + digits;
	}
	if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
		i++;
		if (i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-'))
			i++;
		digits = strspn(s.ptr + i, "0123456789");
		if (digits == 0)
			return false;
		i += digits;
	}
	return i == s.len;
}

static bool double_of(const json_t *in, double *out)
{
	struct str text = json_text_of(in);

	if (json_is_number(in)) {
		*out = json_number_value(in);
		return true;
	}
	if (!text.ptr || text.len > NUMBER_TEXT_MAX || !is_json_number(text))
		return false;
	*out = strtod(text.ptr, NULL);
	return isfinite(*out);
}

static bool integer_of(const json_t *in, int64_t *out)
{
	struct str text = json_text_of(in);
	double value;
	char *end;

	if (json_is_integer(in)) {
		*out = json_integer_value(in);
		return true;
	}
	if (!double_of(in, &value))
		return false;
	if (text.ptr && !strpbrk(text.ptr, ".eE")) {
		errno = 0;
		*out = strtoll(text.ptr, &end, 10);
		return errno == 0;
	}
	if (value != floor(value) || fabs(value) > EXACT_MAX)
		return false;
	*out = (int64_t)value;
	return true;
}

static bool keep(bool fits, const json_t *in, json_t **out)
{
	*out = fits ? json_incref((json_t *)in) : NULL;
	return fits;
}

static bool decode_text(const struct field *f, const json_t *in, json_t **out)
{
	(void)f;
	return keep(json_is_string(in), in, out);
}

static bool decode_bool(const struct field *f, const json_t *in, json_t **out)
{
	(void)f;
	return keep(json_is_boolean(in), in, out);
}

static bool decode_int32(const struct field *f, const json_t *in, json_t **out)
{
	int64_t value;

	(void)f;
	if (!integer_of(in, &value) || value < INT32_MIN || value > INT32_MAX)
		return false;
	*out = json_integer(value);
	return true;
}

static bool decode_uint32(const struct field *f, const json_t *in, json_t **out)
{
	int64_t value;

	(void)f;
	if (!integer_of(in, &value) || value < 0 || value > UINT32_MAX)
		return false;
	*out = json_integer(value);
	return true;
}

static bool decode_int64(const struct field *f, const json_t *in, json_t **out)
{
	int64_t value;

	(void)f;
	if (!integer_of(in, &value))
		return false;
	*out = json_sprintf("%lld", (long long)value);
	return true;
}

static bool decode_number(const struct field *f, const json_t *in, json_t **out)
{
	struct str text = json_text_of(in);
	double value;

	(void)f;
	if (json_is_number(in) || str_eq_c(text, "NaN") || str_eq_c(text, "Infinity") || str_eq_c(text, "-Infinity"))
		return keep(true, in, out);
	if (!double_of(in, &value))
		return false;
	*out = json_real(value);
	return true;
}

static bool decode_bytes(const struct field *f, const json_t *in, json_t **out)
{
	cleanup(buf) struct buf bytes = buf_init(LIMIT_API_BODY);
	cleanup(buf) struct buf text = buf_init(LIMIT_API_BODY * 2);
	bool decoded = json_is_string(in) && base64_decode(&bytes, json_text_of(in));

	(void)f;
	if (!decoded && !(bytes.failed && !bytes.full))
		return false;
	base64_encode(&text, buf_str(&bytes), BASE64_STANDARD);
	*out = decoded && buf_ok(&text, NULL) ? json_from_str(buf_str(&text)) : NULL;
	return true;
}

static bool decode_time(const struct field *f, const json_t *in, json_t **out)
{
	struct timestamp time;
	char text[TIMESTAMP_TEXT_MAX];

	(void)f;
	if (!json_is_string(in) || !timestamp_parse(json_text_of(in), &time))
		return false;
	timestamp_format(time, text);
	*out = json_string(text);
	return true;
}

static bool decode_enum(const struct field *f, const json_t *in, json_t **out)
{
	struct str text = json_text_of(in);
	bool number = json_is_integer(in);

	if (!number && !json_is_string(in))
		return false;
	for (size_t i = 0; i < f->words->count; i++) {
		const struct enum_word *word = &f->words->words[i];

		if (number ? word->number == ENUM_NO_NUMBER || word->number != json_integer_value(in)
			   : !str_eq_c(text, word->name))
			continue;
		*out = json_string(word->canonical);
		return true;
	}
	return keep(!number && f->words->open, in, out);
}

static bool decode_object(const struct field *f, const json_t *in, json_t **out)
{
	(void)f;
	return keep(json_is_object(in), in, out);
}

static const struct {
	bool (*decode)(const struct field *f, const json_t *in, json_t **out);
	const char *wants;
} scalars[FIELD_TYPES] = {
	[FIELD_TEXT] = {decode_text, "a string"},
	[FIELD_BOOL] = {decode_bool, "true or false"},
	[FIELD_INT32] = {decode_int32, "a 32-bit integer"},
	[FIELD_UINT32] = {decode_uint32, "an unsigned 32-bit integer"},
	[FIELD_INT64] = {decode_int64, "a 64-bit integer"},
	[FIELD_NUMBER] = {decode_number, "a number"},
	[FIELD_BYTES] = {decode_bytes, "base64"},
	[FIELD_TIME] = {decode_time, "a time such as 2026-11-24T03:43:15Z"},
	[FIELD_ENUM] = {decode_enum, "a word of the enum"},
	[FIELD_OBJECT] = {decode_object, "an object"},
	[FIELD_MESSAGE] = {NULL, "an object"},
};

json_t *scalar_decode(const struct field *f, const json_t *in, bool *fits)
{
	json_t *value = NULL;

	*fits = scalars[f->type].decode(f, in, &value);
	return *fits ? value : NULL;
}

const char *scalar_wants(enum field_type type)
{
	return scalars[type].wants;
}

static json_t *encode_enum(const struct enum_table *table, const json_t *canonical)
{
	struct str text = json_text_of(canonical);

	for (size_t i = 0; i < table->count; i++)
		if (str_eq_c(text, table->words[i].canonical))
			return json_string(table->words[i].name);
	return table->open ? json_incref((json_t *)canonical) : json_string(table->words[0].name);
}

json_t *scalar_encode(const struct field *f, const json_t *canonical)
{
	return f->type == FIELD_ENUM ? encode_enum(f->words, canonical) : json_incref((json_t *)canonical);
}
