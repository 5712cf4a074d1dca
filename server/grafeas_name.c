#include "server/grafeas_name.h"

#include <errno.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/utf8.h"

#define NAME_SHOWN_MAX 128

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return true;
	return false;
}

bool grafeas_id_check(struct str id, const char *what, struct err *e)
{
	if (id.len == 0)
		return err_set(e, ERR_INVALID, "%s must not be empty", what);
	if (id.len > LIMIT_ID)
		return err_set(e, ERR_INVALID, "%s is longer than %u bytes", what, LIMIT_ID);
	if (str_find(id, '/') != id.len)
		return err_set(e, ERR_INVALID, "%s must not contain /", what);
	if (!utf8_valid(id) || has_control(id))
		return err_set(e, ERR_INVALID, "%s must be UTF-8 without control characters", what);
	if (str_eq_c(id, ".") || str_eq_c(id, ".."))
		return err_set(e, ERR_INVALID, "%s must not be . or ..", what);
	return true;
}

static bool refuse(struct str name, const char *collection, struct err *e)
{
	return err_set(e, ERR_INVALID, "a name must have the form projects/PROJECT%s%s%s, got \"%.*s\"",
		       collection ? "/" : "", collection ? collection : "", collection ? "/ID" : "",
		       STR_ARG(str_head(name, NAME_SHOWN_MAX)));
}

/* Takes the text up to the next slash (or the end) off `rest`. */
static struct str next_part(struct str *rest)
{
	struct str part = str_head(*rest, str_find(*rest, '/'));

	*rest = str_skip(*rest, part.len + 1);
	return part;
}

bool grafeas_name_parse(struct str name, const char *collection, struct str *project, struct str *id, struct err *e)
{
	static const struct str prefix = {"projects/", 9};
	struct str rest = str_skip(name, prefix.len);
	struct str found;

	if (!str_starts_with(name, prefix))
		return refuse(name, collection, e);
	if (!collection) {
		if (!grafeas_id_check(rest, "the project of a name", e))
			return false;
		*project = rest;
		return true;
	}
	found = next_part(&rest);
	if (!str_eq_c(next_part(&rest), collection))
		return refuse(name, collection, e);
	if (!grafeas_id_check(found, "the project of a name", e) || !grafeas_id_check(rest, "the id of a name", e))
		return false;
	*project = found;
	*id = rest;
	return true;
}

struct str grafeas_name_make(struct arena *arena, struct str project, const char *collection, struct str id)
{
	return arena_printf(arena, "projects/%.*s/%s/%.*s", STR_ARG(project), collection, STR_ARG(id));
}

/* RFC 9562, 5.7 and 6.2: 48 bits of milliseconds, the version, 12 bits of a fraction of the millisecond. */
static void put_time(int64_t now_us, unsigned char bytes[8])
{
	uint64_t ms = (uint64_t)now_us / 1000, fraction = (uint64_t)now_us % 1000 * 4096 / 1000;
	uint64_t head = ms << 16 | 0x7000u | fraction;

	for (size_t i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(head >> (56 - 8 * i));
}

bool grafeas_uuid(int64_t now_us, char out[UUID_TEXT_SIZE], struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[16];
	size_t at = 0;

	while (getrandom(bytes + 8, 8, 0) != 8)
		if (errno != EINTR)
			return err_errno(e, "random numbers");
	put_time(now_us, bytes);
	bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = digits[bytes[i] >> 4];
		out[at++] = digits[bytes[i] & 0x0f];
	}
	out[at] = 0;
	return true;
}
