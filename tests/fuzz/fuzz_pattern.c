/* Image patterns: "PATTERN LF IMAGE". A pattern that parses has a stable normal form, matches nothing on another host,
 * and agrees with a plain recursive reading of the rules. */
#include "base/arena.h"
#include "policy/pattern.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool holds)
{
	if (!holds)
		abort();
}

static bool slow_segment(struct str p, struct str t)
{
	if (p.len == 0)
		return t.len == 0;
	if (t.len == 0)
		return false;
	if (p.ptr[0] != '*')
		return p.ptr[0] == t.ptr[0] && slow_segment(str_skip(p, 1), str_skip(t, 1));
	return slow_segment(str_skip(p, 1), str_skip(t, 1)) || slow_segment(p, str_skip(t, 1));
}

static bool slow_path(struct str p, struct str t)
{
	struct str p_head = str_head(p, str_find(p, '/')), t_head = str_head(t, str_find(t, '/'));
	struct str p_rest = str_skip(p, p_head.len + 1), t_rest = str_skip(t, t_head.len + 1);

	if (p.len == 0 || t.len == 0)
		return p.len == t.len;
	if (!str_eq(p_head, STR("**")))
		return slow_segment(p_head, t_head) && slow_path(p_rest, t_rest);
	return slow_path(p_rest, t_rest) || slow_path(p, t_rest);
}

static size_t stars(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == '*';
	return n;
}

static void check_again(const struct image_pattern *p, struct arena *arena)
{
	struct str text =
		arena_printf(arena, "%.*s/%.*s%s%.*s%s%.*s", STR_ARG(p->host), STR_ARG(p->path), p->tag.len ? ":" : "",
			     STR_ARG(p->tag), p->digest.len ? "@" : "", STR_ARG(p->digest));
	struct image_pattern again;

	need(image_pattern_parse(text, arena, &again, NULL));
	need(str_eq(again.host, p->host) && str_eq(again.path, p->path) && str_eq(again.tag, p->tag) &&
	     str_eq(again.digest, p->digest));
}

static void check_match(const struct image_pattern *p, const struct image_ref *ref)
{
	bool matches = image_pattern_matches(p, ref);

	need(!matches || str_eq(p->host, ref->host));
	need(!matches || p->tag.len == 0 || str_eq(p->tag, ref->tag));
	need(!matches || p->digest.len == 0 || ref->digest.len > 0);
	if (stars(p->path) <= 6 && str_eq(p->host, ref->host) && p->tag.len == 0 && p->digest.len == 0)
		need(matches == slow_path(p->path, ref->path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena) struct arena arena = arena_init(1 << 20);
	struct str text = str_make((const char *)data, size);
	struct str first = str_head(text, str_find(text, '\n'));
	struct image_pattern p;
	struct image_ref ref;
	struct err e = ERR_INIT;

	if (name_pattern_matches(first, str_skip(text, first.len + 1)))
		need(stars(first) || str_eq(first, str_skip(text, first.len + 1)));
	if (!image_pattern_parse(first, &arena, &p, &e)) {
		need(e.kind == ERR_INVALID && e.text[0]);
		return 0;
	}
	check_again(&p, &arena);
	if (image_ref_parse(str_skip(text, first.len + 1), &arena, &ref, &e))
		check_match(&p, &ref);
	return 0;
}
