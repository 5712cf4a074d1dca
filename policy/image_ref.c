#include "policy/image_ref.h"

#include "base/codec.h"
#include "base/limits.h"
#include "policy/image_scan.h"

enum { IMAGE_ID_DIGITS = 64 };

static bool is_name(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_separator(int c)
{
	return c == '.' || c == '_' || c == '-';
}

static size_t skip(struct image_scan *scan, bool (*in)(int))
{
	size_t from = scan->at;

	while (in(image_scan_peek(scan)))
		scan->at++;
	return scan->at - from;
}

static bool not_a_name(const struct image_scan *scan, struct err *e)
{
	int c = image_scan_peek(scan);

	if (c >= 'A' && c <= 'Z')
		return image_scan_fail(scan, scan->at, e, "repository has an upper-case letter");
	if (c == '/' || c < 0)
		return image_scan_fail(scan, scan->at, e, "repository has an empty component");
	return image_scan_unexpected(scan, "repository", e);
}

/* Letters and digits, joined by separators. */
static bool scan_component(struct image_scan *scan, struct err *e)
{
	if (skip(scan, is_name) == 0)
		return not_a_name(scan, e);
	while (is_separator(image_scan_peek(scan))) {
		size_t from = scan->at;
		size_t len = skip(scan, is_separator);

		if (!image_separator_valid(str_make(scan->text.ptr + from, len)))
			return image_scan_fail(scan, from, e, "repository has separators that can't stand together");
		if (skip(scan, is_name) == 0)
			return image_scan_fail(scan, scan->at, e, "repository component ends in a separator");
	}
	return true;
}

static bool scan_path(struct image_scan *scan, struct str *path, struct err *e)
{
	size_t from = scan->at;

	if (!scan_component(scan, e))
		return false;
	while (image_scan_peek(scan) == '/') {
		scan->at++;
		if (!scan_component(scan, e))
			return false;
	}
	if (image_scan_peek(scan) >= 0 && image_scan_peek(scan) != ':' && image_scan_peek(scan) != '@')
		return not_a_name(scan, e);
	*path = str_make(scan->text.ptr + from, scan->at - from);
	return true;
}

static bool scan_parts(struct image_scan *scan, struct image_ref *parts, struct err *e)
{
	if (!image_scan_host(scan, &parts->host, e) || !scan_path(scan, &parts->path, e))
		return false;
	if (!image_scan_tag(scan, &parts->tag, e) || !image_scan_digest(scan, false, &parts->digest, e))
		return false;
	if (scan->at < scan->text.len)
		return image_scan_unexpected(scan, "reference", e);
	return true;
}

bool image_ref_parse(struct str text, struct arena *arena, struct image_ref *out, struct err *e)
{
	struct image_ref parts = {0};
	struct image_ref ref;
	struct image_scan scan;

	if (!image_scan_begin(text, &scan, e))
		return false;
	if (hex_is_lower(text, IMAGE_ID_DIGITS))
		return image_scan_fail(&scan, 0, e, "%d hex digits are an image id", IMAGE_ID_DIGITS);
	if (!scan_parts(&scan, &parts, e) || !image_normalise(&parts, arena, &ref, e))
		return false;
	if (ref.path.len > LIMIT_IMAGE_PATH)
		return image_scan_fail(&scan, (size_t)(parts.path.ptr - text.ptr), e,
				       "repository path is longer than %u bytes", LIMIT_IMAGE_PATH);
	*out = ref;
	return true;
}

bool image_ref_parse_repository(struct str text, struct arena *arena, struct str *repository, struct err *e)
{
	struct image_ref ref;

	if (!image_ref_parse(text, arena, &ref, e))
		return false;
	*repository = ref.repository;
	return true;
}
