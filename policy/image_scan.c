#include "policy/image_scan.h"

#include "base/codec.h"
#include "base/limits.h"

#define DEFAULT_HOST STR("docker.io")
#define DEFAULT_HOST_ALIAS STR("index.docker.io")
#define DEFAULT_FOLDER STR("library/")

enum { TAG_MAX = 128 };

static const struct {
	const char *name;
	size_t digits;
} algorithms[] = {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}};

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(int c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || is_upper(c);
}

static bool is_alphanumeric(int c)
{
	return is_letter(c) || is_digit(c);
}

static bool is_ipv6(int c)
{
	return is_digit(c) || c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_tag(int c)
{
	return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
}

static bool is_algorithm(int c)
{
	return is_alphanumeric(c) || c == '_' || c == '+' || c == '.' || c == '-';
}

bool image_scan_fail(const struct image_scan *scan, size_t at, struct err *e, const char *format, ...)
{
	char what[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return err_set(e, ERR_INVALID, "%s, at character %zu", what, (at < scan->text.len ? at : scan->text.len) + 1);
}

bool image_scan_begin(struct str text, struct image_scan *scan, struct err *e)
{
	*scan = (struct image_scan){.text = text};
	if (text.len == 0)
		return image_scan_fail(scan, 0, e, "empty");
	if (text.len > LIMIT_IMAGE_REFERENCE)
		return image_scan_fail(scan, LIMIT_IMAGE_REFERENCE, e, "longer than %u bytes", LIMIT_IMAGE_REFERENCE);
	return true;
}

int image_scan_peek(const struct image_scan *scan)
{
	return scan->at < scan->text.len ? (unsigned char)scan->text.ptr[scan->at] : -1;
}

bool image_scan_unexpected(const struct image_scan *scan, const char *where, struct err *e)
{
	int c = image_scan_peek(scan);

	if (c < 0)
		return image_scan_fail(scan, scan->at, e, "%s ends too early", where);
	if (c <= 0x20 || c >= 0x7f)
		return image_scan_fail(scan, scan->at, e, "%s can't have the byte 0x%02x", where, (unsigned)c);
	return image_scan_fail(scan, scan->at, e, "%s can't have '%c' here", where, c);
}

/* Moves over the bytes of a class and gives them. */
static struct str run(struct image_scan *scan, bool (*in)(int))
{
	size_t from = scan->at;

	while (in(image_scan_peek(scan)))
		scan->at++;
	return str_make(scan->text.ptr + from, scan->at - from);
}

static bool looks_like_host(struct str element)
{
	if (str_eq(element, STR("localhost")))
		return true;
	for (size_t i = 0; i < element.len; i++)
		if (element.ptr[i] == '.' || element.ptr[i] == ':' || is_upper(element.ptr[i]))
			return true;
	return false;
}

/* A host that only its capitals tell from a path would read as a path in its normal form. */
static bool has_host_mark(struct str host)
{
	return str_find(host, '.') < host.len || str_find(host, ':') < host.len ||
	       str_eq_nocase(host, STR("localhost"));
}

static bool scan_ipv6(struct image_scan *scan, struct err *e)
{
	scan->at++;
	if (run(scan, is_ipv6).len == 0 || image_scan_peek(scan) != ']')
		return image_scan_unexpected(scan, "IPv6 host", e);
	scan->at++;
	return true;
}

static bool is_label(int c)
{
	return is_alphanumeric(c) || c == '-';
}

/* Labels of letters and digits with dashes inside, joined by dots. */
static bool scan_labels(struct image_scan *scan, struct err *e)
{
	for (;; scan->at++) {
		struct str label = run(scan, is_label);

		if (label.len == 0)
			return image_scan_unexpected(scan, "host", e);
		if (label.ptr[0] == '-')
			return image_scan_fail(scan, scan->at - label.len, e, "host label begins with a dash");
		if (label.ptr[label.len - 1] == '-')
			return image_scan_fail(scan, scan->at - 1, e, "host label ends in a dash");
		if (image_scan_peek(scan) != '.')
			return true;
	}
}

static bool scan_port(struct image_scan *scan, struct err *e)
{
	if (image_scan_peek(scan) != ':')
		return true;
	scan->at++;
	if (run(scan, is_digit).len == 0)
		return image_scan_unexpected(scan, "port", e);
	return true;
}

bool image_scan_host(struct image_scan *scan, struct str *host, struct err *e)
{
	struct str element = str_head(scan->text, str_find(scan->text, '/'));
	struct image_scan s = *scan;

	*host = STR("");
	if (element.len == scan->text.len || !looks_like_host(element))
		return true;
	if (image_scan_peek(&s) == '[' ? !scan_ipv6(&s, e) : !scan_labels(&s, e))
		return false;
	if (!scan_port(&s, e))
		return false;
	if (image_scan_peek(&s) != '/')
		return image_scan_unexpected(&s, "host", e);
	if (!has_host_mark(element))
		return image_scan_fail(&s, 0, e, "host without a dot or a port");
	*host = element;
	scan->at = s.at + 1;
	return true;
}

bool image_scan_tag(struct image_scan *scan, struct str *tag, struct err *e)
{
	struct str found;

	*tag = STR("");
	if (image_scan_peek(scan) != ':')
		return true;
	scan->at++;
	if (image_scan_peek(scan) == '.' || image_scan_peek(scan) == '-')
		return image_scan_fail(scan, scan->at, e, "tag begins with '%c'", image_scan_peek(scan));
	found = run(scan, is_tag);
	if (found.len == 0)
		return image_scan_unexpected(scan, "tag", e);
	if (found.len > TAG_MAX)
		return image_scan_fail(scan, scan->at - found.len + TAG_MAX, e, "tag is longer than %d bytes", TAG_MAX);
	*tag = found;
	return true;
}

/* Number of hex digits; 0 for an algorithm we don't know. */
static size_t digest_digits(struct str algorithm)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (str_eq_c(algorithm, algorithms[i].name))
			return algorithms[i].digits;
	return 0;
}

static bool is_lower_hex(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool scan_hex(struct image_scan *scan, size_t digits, struct err *e)
{
	struct str hex = run(scan, is_lower_hex);
	int next = image_scan_peek(scan);

	if (next >= 'A' && next <= 'F')
		return image_scan_fail(scan, scan->at, e, "digest has an upper-case digit");
	if (next >= 0)
		return image_scan_unexpected(scan, "digest", e);
	if (hex.len != digits)
		return image_scan_fail(scan, scan->at, e, "digest has %zu digits instead of %zu", hex.len, digits);
	return true;
}

bool image_scan_digest(struct image_scan *scan, bool wild, struct str *digest, struct err *e)
{
	size_t from = scan->at + 1;
	struct str algorithm;
	size_t digits;

	*digest = STR("");
	if (image_scan_peek(scan) != '@')
		return true;
	scan->at++;
	algorithm = run(scan, is_algorithm);
	if (image_scan_peek(scan) != ':')
		return image_scan_unexpected(scan, "digest algorithm", e);
	digits = digest_digits(algorithm);
	if (digits == 0)
		return image_scan_fail(scan, from, e, "digest algorithm is not sha256, sha384 or sha512");
	scan->at++;
	if (wild && str_eq(str_skip(scan->text, scan->at), STR("*")))
		scan->at++;
	else if (!scan_hex(scan, digits, e))
		return false;
	*digest = str_skip(scan->text, from);
	return true;
}

bool image_digest_valid(struct str text)
{
	size_t colon = str_find(text, ':');
	size_t digits = digest_digits(str_head(text, colon));

	return digits != 0 && hex_is_lower(str_skip(text, colon + 1), digits);
}

bool image_separator_valid(struct str separator)
{
	if (str_eq(separator, STR(".")) || str_eq(separator, STR("_")) || str_eq(separator, STR("__")))
		return true;
	for (size_t i = 0; i < separator.len; i++)
		if (separator.ptr[i] != '-')
			return false;
	return separator.len > 0;
}

/* Puts `s` at *to and gives where it now stands. */
static struct str put(char **to, struct str s)
{
	struct str placed = str_make(*to, s.len);

	if (s.len)
		memcpy(*to, s.ptr, s.len);
	*to += s.len;
	return placed;
}

static void fold(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (is_upper(text[i]))
			text[i] = (char)(text[i] + ('a' - 'A'));
}

static bool goes_to_library(struct str host, struct str path)
{
	return str_eq_nocase(host, DEFAULT_HOST) && str_find(path, '/') == path.len && !str_eq(path, STR("**"));
}

bool image_normalise(const struct image_ref *parts, struct arena *arena, struct image_ref *out, struct err *e)
{
	bool is_default = parts->host.len == 0 || str_eq_nocase(parts->host, DEFAULT_HOST_ALIAS);
	struct str host = is_default ? DEFAULT_HOST : parts->host;
	struct str folder = goes_to_library(host, parts->path) ? DEFAULT_FOLDER : STR("");
	size_t len = host.len + folder.len + parts->path.len + parts->tag.len + parts->digest.len;
	char *to = arena_alloc(arena, len + 1);
	char *first = to;

	if (!to)
		return err_no_memory(e);
	out->host = put(&to, host);
	fold(first, host.len);
	*to++ = '/';
	out->path = put(&to, folder);
	out->path.len += put(&to, parts->path).len;
	out->repository = str_make(first, host.len + 1 + out->path.len);
	out->tag = put(&to, parts->tag);
	out->digest = put(&to, parts->digest);
	return true;
}
