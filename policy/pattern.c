#include "policy/pattern.h"

#include "base/codec.h"
#include "base/limits.h"
#include "policy/image_scan.h"

enum { IMAGE_ID_DIGITS = 64 };

static const char host_is_never_wild[] = "the host is never wild (write it, or leave images out to match everything)";

static bool is_word(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '*';
}

static bool is_separator(int c)
{
	return c == '.' || c == '_' || c == '-';
}

static bool ends_segment(int c)
{
	return c < 0 || c == '/' || c == ':' || c == '@';
}

static bool is_special(char c)
{
	return c == '.' || c == ':' || (c >= 'A' && c <= 'Z');
}

/* A star where a host would stand: first of all, or in a first element that is a host for its dot, colon or capital. */
static bool check_host_is_plain(const struct image_scan *scan, struct err *e)
{
	struct str element = str_head(scan->text, str_find(scan->text, '/'));
	size_t star = str_find(element, '*');
	bool special = false;

	for (size_t i = 0; i < element.len; i++)
		special = special || is_special(element.ptr[i]);
	if (star == element.len || (star > 0 && (!special || element.len == scan->text.len)))
		return true;
	return image_scan_fail(scan, star, e, "%s", host_is_never_wild);
}

/* Letters, digits and single stars. */
static bool scan_word(struct image_scan *scan, struct err *e)
{
	size_t from = scan->at;
	int before = 0;

	for (; is_word(image_scan_peek(scan)); scan->at++) {
		if (before == '*' && image_scan_peek(scan) == '*')
			return image_scan_fail(scan, scan->at - 1, e, "** is more than a part of a path segment");
		before = image_scan_peek(scan);
	}
	if (scan->at > from)
		return true;
	if (image_scan_peek(scan) >= 'A' && image_scan_peek(scan) <= 'Z')
		return image_scan_fail(scan, scan->at, e, "path has an upper-case letter");
	if (image_scan_peek(scan) < 0 || image_scan_peek(scan) == '/')
		return image_scan_fail(scan, scan->at, e, "path has an empty segment");
	return image_scan_unexpected(scan, "path", e);
}

static bool scan_separator(struct image_scan *scan, struct err *e)
{
	size_t from = scan->at;

	while (is_separator(image_scan_peek(scan)))
		scan->at++;
	if (!image_separator_valid(str_make(scan->text.ptr + from, scan->at - from)))
		return image_scan_fail(scan, from, e, "path has separators that no image has");
	if (ends_segment(image_scan_peek(scan)))
		return image_scan_fail(scan, scan->at, e, "path segment ends in a separator, as no image's does");
	return true;
}

/* "**", or words joined by separators. */
static bool scan_segment(struct image_scan *scan, struct err *e)
{
	struct str rest = str_skip(scan->text, scan->at);

	if (str_starts_with(rest, STR("**")) && (rest.len == 2 || ends_segment(rest.ptr[2]))) {
		scan->at += 2;
		return true;
	}
	if (!scan_word(scan, e))
		return false;
	while (is_separator(image_scan_peek(scan)))
		if (!scan_separator(scan, e) || !scan_word(scan, e))
			return false;
	return ends_segment(image_scan_peek(scan)) || scan_word(scan, e);
}

static bool scan_path(struct image_scan *scan, struct str *path, struct err *e)
{
	size_t from = scan->at;

	if (!scan_segment(scan, e))
		return false;
	while (image_scan_peek(scan) == '/') {
		scan->at++;
		if (!scan_segment(scan, e))
			return false;
	}
	*path = str_make(scan->text.ptr + from, scan->at - from);
	return true;
}

static bool scan_parts(struct image_scan *scan, struct image_ref *parts, struct err *e)
{
	size_t colon;

	if (!image_scan_host(scan, &parts->host, e) || !scan_path(scan, &parts->path, e))
		return false;
	colon = scan->at;
	if (image_scan_peek(scan) == ':' && str_find(str_skip(scan->text, colon), '*') < scan->text.len - colon)
		return image_scan_fail(scan, colon, e, "a tag is never wild (leave it out to match every tag)");
	if (!image_scan_tag(scan, &parts->tag, e))
		return false;
	if (parts->tag.len && image_scan_peek(scan) == '@')
		return image_scan_fail(scan, scan->at, e, "a tag and a digest");
	if (!image_scan_digest(scan, true, &parts->digest, e))
		return false;
	return scan->at == scan->text.len || image_scan_unexpected(scan, "pattern", e);
}

/* Bytes of the shortest path that the pattern matches. */
static size_t shortest(struct str path)
{
	size_t len = 0;

	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] != '*' || i + 1 == path.len || path.ptr[i + 1] != '*')
			len++;
	return len;
}

bool image_pattern_parse(struct str text, struct arena *arena, struct image_pattern *out, struct err *e)
{
	struct image_ref parts = {0};
	struct image_ref ref;
	struct image_scan scan;
	struct str copy;

	if (!image_scan_begin(text, &scan, e) || !check_host_is_plain(&scan, e))
		return false;
	if (hex_is_lower(text, IMAGE_ID_DIGITS))
		return image_scan_fail(&scan, 0, e, "%d hex digits are an image id", IMAGE_ID_DIGITS);
	if (!scan_parts(&scan, &parts, e) || !image_normalise(&parts, arena, &ref, e))
		return false;
	if (shortest(ref.path) > LIMIT_IMAGE_PATH)
		return image_scan_fail(&scan, (size_t)(parts.path.ptr - text.ptr), e,
				       "path is longer than the %u bytes of an image's", LIMIT_IMAGE_PATH);
	copy = arena_copy(arena, text);
	if (!copy.ptr)
		return err_no_memory(e);
	*out = (struct image_pattern){copy, ref.host, ref.path, str_find(ref.path, '*'), ref.tag, ref.digest};
	return true;
}
