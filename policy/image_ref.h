/* Container image references, parsed and normalised as container runtimes do (distribution/reference at its head).
 *
 * reference = name [":" tag] ["@" digest], name = [host "/"] path. The host is folded to lower case; a name without
 * host is docker.io's, and there a single component is under library/; index.docker.io is docker.io. No default tag is
 * added. Digests are sha256, sha384 or sha512 with exactly their number of lower-case hex digits. 64 hex digits alone
 * are not a reference. IPv6 hosts have no zone. */
#ifndef SEALGATE_POLICY_IMAGE_REF_H
#define SEALGATE_POLICY_IMAGE_REF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct image_ref {
	struct str repository; /* "docker.io/library/nginx": host "/" path, the normal form that is compared */
	struct str host;       /* "docker.io", "registry.example.com:5000", "[::1]:5000"; lower case */
	struct str path;       /* "library/nginx" */
	struct str tag;	       /* "" when there is none */
	struct str digest;     /* "sha256:<64 hex>"; "" when there is none */
};

/* Parses `text`; the strings of *out live in the arena. ERR_INVALID: "what is wrong, at character N" (N counts bytes
 * from 1). */
bool image_ref_parse(struct str text, struct arena *arena, struct image_ref *out, struct err *e) MUST_USE;
/* The repository alone: a reference whose tag and digest are ignored (docker-reference of simple signing). */
bool image_ref_parse_repository(struct str text, struct arena *arena, struct str *repository, struct err *e) MUST_USE;
/* True for "ALGORITHM:HEX" as above. */
bool image_digest_valid(struct str text);

#endif
