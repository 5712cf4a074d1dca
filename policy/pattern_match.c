#include "policy/pattern.h"

/* How many bytes agree from `p` and `t` on, up to a star. */
/*@ requires str_readable(pattern) && str_readable(text) && p <= pattern.len && t <= text.len;
  @ assigns \nothing;
  @ ensures 0 <= \result && p + \result <= pattern.len && t + \result <= text.len;
  @ ensures p + \result == pattern.len || t + \result == text.len || pattern.ptr[p + \result] == '*' ||
  @   pattern.ptr[p + \result] != text.ptr[t + \result];
  @ ensures \forall integer k, least; glob_matches(pattern, p, text, k, least) ==>
  @   glob_matches(pattern, p + \result, text, k + \result, least);
  @ ensures \forall integer least; glob_matches(pattern, p + \result, text, t + \result, least) ==>
  @   glob_matches(pattern, p, text, t, least); */
static size_t agreeing(struct str pattern, size_t p, struct str text, size_t t)
{
	size_t n = 0;

	/*@ loop invariant 0 <= n && p + n <= pattern.len && t + n <= text.len;
	  @ loop invariant \forall integer k, least; glob_matches(pattern, p, text, k, least) ==>
	  @   glob_matches(pattern, p + n, text, k + n, least);
	  @ loop invariant \forall integer least; glob_matches(pattern, p + n, text, t + n, least) ==>
	  @   glob_matches(pattern, p, text, t, least);
	  @ loop assigns n;
	  @ loop variant pattern.len - n; */
	while (n < pattern.len - p && n < text.len - t && pattern.ptr[p + n] != '*' &&
	       pattern.ptr[p + n] == text.ptr[t + n]) {
		/*@ assert \forall integer k, least; glob_matches(pattern, p + n, text, k, least) ==>
		  @   glob_matches(pattern, p + n + 1, text, k + 1, least); */
		/*@ assert \forall integer least; glob_matches(pattern, p + n + 1, text, t + n + 1, least) ==>
		  @   glob_matches(pattern, p + n, text, t + n, least); */
		n++;
	}
	return n;
}

/* `*` takes at least `least` bytes. What stands between two stars is taken where it fits first: later can't help. */
/*@ requires str_readable(pattern) && str_readable(text) && least <= 1;
  @ assigns \nothing;
  @ ensures \result <==> glob_matches(pattern, 0, text, 0, least); */
static bool glob(struct str pattern, struct str text, size_t least)
{
	size_t p = 0, t = 0;
	bool star = false;

	/*@ loop invariant 0 <= p <= pattern.len && 0 <= t <= text.len;
	  @ loop invariant !star ==> (glob_matches(pattern, 0, text, 0, least) <==> glob_matches(pattern, p, text, t, least));
	  @ loop invariant star ==> (glob_matches(pattern, 0, text, 0, least) <==>
	  @   (\exists integer k; t <= k && glob_matches(pattern, p, text, k, least)));
	  @ loop assigns p, t, star;
	  @ loop variant pattern.len - p + text.len - t; */
	for (;;) {
		size_t n = agreeing(pattern, p, text, t);

		/*@ assert \forall integer k; k > text.len ==> !glob_matches(pattern, p + n, text, k, least); */
		/*@ assert glob_matches(pattern, p + n, text, t + n, least) ==> glob_matches(pattern, 0, text, 0, least); */
		/*@ assert glob_matches(pattern, 0, text, 0, least) ==>
		  @   (\exists integer k; t + n <= k && glob_matches(pattern, p + n, text, k, least)); */
		if (n == text.len - t) {
			/*@ assert glob_matches(pattern, 0, text, 0, least) <==>
			  @   glob_matches(pattern, p + n, text, text.len, least); */
			p += n;
			break;
		}
		if (n < pattern.len - p && pattern.ptr[p + n] == '*') {
			/*@ assert \forall integer k; k > text.len ==> !glob_matches(pattern, p + n + 1, text, k, least); */
			/*@ assert \forall integer m; glob_matches(pattern, p + n, text, m, least) <==>
			  @   (\exists integer k; m + least <= k <= text.len && glob_matches(pattern, p + n + 1, text, k, least)); */
			p += n + 1;
			t += n + least;
			star = true;
		} else if (star) {
			/*@ assert !glob_matches(pattern, p + n, text, t + n, least); */
			/*@ assert !glob_matches(pattern, p, text, t, least); */
			t++;
		} else {
			/*@ assert !glob_matches(pattern, p + n, text, t + n, least); */
			return false;
		}
	}
	/*@ loop invariant 0 <= p <= pattern.len;
	  @ loop invariant glob_matches(pattern, 0, text, 0, least) <==> glob_matches(pattern, p, text, text.len, least);
	  @ loop assigns p;
	  @ loop variant pattern.len - p; */
	while (least == 0 && p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

/*@ requires str_readable(path);
  @ assigns \nothing;
  @ ensures str_readable(\result) && \result.len <= path.len;
  @ ensures \forall integer i; 0 <= i < \result.len ==> \result.ptr[i] != '/';
  @ ensures \result.len < path.len ==> path.ptr[\result.len] == '/';
  @ ensures \result.len > 0 ==> \result.ptr == path.ptr; */
static struct str segment(struct str path)
{
	return str_head(path, str_find(path, '/'));
}

/*@ requires str_readable(path);
  @ assigns \nothing;
  @ ensures str_readable(\result) && (path.len > 0 ==> \result.len < path.len); */
static struct str after_segment(struct str path)
{
	return str_skip(str_skip(path, str_find(path, '/')), 1);
}

/*@ requires str_readable(path);
  @ assigns \nothing; */
static bool begins_with_any(struct str path)
{
	struct str first = segment(path);

	return first.len == 2 && first.ptr[0] == '*' && first.ptr[1] == '*';
}

/* The same with segments for bytes and `**` for the star. */
/*@ requires str_readable(pattern) && str_readable(path);
  @ assigns \nothing; */
static bool path_matches(struct str pattern, struct str path)
{
	bool star = false;

	/*@ loop invariant str_readable(pattern) && str_readable(path);
	  @ loop assigns pattern, path, star;
	  @ loop variant path.len; */
	for (;;) {
		struct str p = pattern, t = path;

		/*@ loop invariant str_readable(p) && str_readable(t) && t.len <= path.len;
		  @ loop assigns p, t;
		  @ loop variant t.len; */
		while (t.len && p.len && !begins_with_any(p) && glob(segment(p), segment(t), 1)) {
			p = after_segment(p);
			t = after_segment(t);
		}
		if (t.len == 0)
			return p.len == 0;
		if (begins_with_any(p)) {
			pattern = after_segment(p);
			path = after_segment(t);
			star = true;
		} else if (star) {
			path = after_segment(path);
		} else {
			return false;
		}
	}
}

/*@ requires str_readable(pattern) && str_readable(digest);
  @ assigns \nothing;
  @ ensures \result && pattern.len > 0 ==> str_same(pattern, digest) || (pattern.ptr[pattern.len - 1] == '*' &&
  @   digest.len >= pattern.len - 1 && (\forall integer i; 0 <= i < pattern.len - 1 ==> digest.ptr[i] == pattern.ptr[i])); */
static bool digest_matches(struct str pattern, struct str digest)
{
	if (pattern.len >= 2 && pattern.ptr[pattern.len - 2] == ':' && pattern.ptr[pattern.len - 1] == '*')
		return str_starts_with(digest, str_head(pattern, pattern.len - 1));
	return pattern.len == 0 || str_eq(pattern, digest);
}

bool image_pattern_matches(const struct image_pattern *pattern, const struct image_ref *ref)
{
	if (pattern->plain > pattern->path.len || !str_starts_with(ref->path, str_head(pattern->path, pattern->plain)))
		return false;
	if (!str_eq(pattern->host, ref->host))
		return false;
	if (pattern->tag.len && !str_eq(pattern->tag, ref->tag))
		return false;
	return digest_matches(pattern->digest, ref->digest) && path_matches(pattern->path, ref->path);
}

bool name_pattern_matches(struct str pattern, struct str name)
{
	return glob(pattern, name, 0);
}
