/* Patterns of policies.
 *
 * Image patterns: HOST/PATH[:TAG|@DIGEST]. The host is never wild and is normalised like an image's. `*` matches one or
 * more characters of one path segment; `**` is a whole segment and matches one or more segments, at the end or between
 * slashes. Without tag or digest every tag and digest matches; ":TAG" only that tag (an image with a digest and that
 * tag matches); "@sha256:*" any sha256 digest;
 * "@sha256:HEX" that one. Name patterns (namespaces, service accounts, kinds): `*` matches any run of characters, ""
 * included, nothing else is special. */
#ifndef SEALGATE_POLICY_PATTERN_H
#define SEALGATE_POLICY_PATTERN_H

#include "policy/image_ref.h"

struct image_pattern {
	struct str text; /* as written */
	struct str host;
	struct str path; /* with * and ** */
	size_t plain;	 /* bytes of path before its first star */
	struct str tag;
	struct str digest; /* may be "sha256:*" */
};

/* ERR_INVALID says what is wrong: a wild host, "***", "a**b", an upper-case path, an empty pattern, anything that can
 * match no image. */
bool image_pattern_parse(struct str text, struct arena *arena, struct image_pattern *out, struct err *e) MUST_USE;
/* Linear in the lengths times the number of stars; no recursion. */
/*@ requires \valid_read(pattern) && \valid_read(ref);
  @ requires str_readable(pattern->host) && str_readable(pattern->path) && str_readable(pattern->tag);
  @ requires str_readable(ref->host) && str_readable(ref->path) && str_readable(ref->tag);
  @ requires str_readable(pattern->digest) && str_readable(ref->digest);
  @ assigns \nothing;
  @ ensures \result ==> str_same(pattern->host, ref->host);
  @ ensures \result ==> pattern->tag.len == 0 || str_same(pattern->tag, ref->tag); */
bool image_pattern_matches(const struct image_pattern *pattern, const struct image_ref *ref);

/* The text from `t` on matches the pattern from `p` on, when a star takes `least` bytes or more. */
/*@ predicate glob_matches{L}(struct str pattern, integer p, struct str text, integer t, integer least) =
  @   p >= pattern.len ? t == text.len :
  @   pattern.ptr[p] == '*' ?
  @     (\exists integer k; t + least <= k <= text.len && glob_matches{L}(pattern, p + 1, text, k, least)) :
  @     t < text.len && pattern.ptr[p] == text.ptr[t] && glob_matches{L}(pattern, p + 1, text, t + 1, least); */

/*@ requires str_readable(pattern) && str_readable(name);
  @ assigns \nothing;
  @ ensures \result <==> glob_matches(pattern, 0, name, 0, 0); */
bool name_pattern_matches(struct str pattern, struct str name);

#endif
