/* The parts of an image reference, read once from left to right: what references and patterns have in common. Each
 * function reads one part at `at` and moves behind it; on failure it says "what is wrong, at character N" (N counts
 * bytes of `text` from 1). The strs given out are slices of `text`. */
#ifndef SEALGATE_POLICY_IMAGE_SCAN_H
#define SEALGATE_POLICY_IMAGE_SCAN_H

#include "policy/image_ref.h"

struct image_scan {
	struct str text;
	size_t at;
};

/* ERR_INVALID: the message, then ", at character N" for the byte `at`. Returns false. */
bool image_scan_fail(const struct image_scan *scan, size_t at, struct err *e, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* False (with the error) when the text is empty or longer than LIMIT_IMAGE_REFERENCE. */
bool image_scan_begin(struct str text, struct image_scan *scan, struct err *e) MUST_USE;
/* The byte at `at`; -1 at the end. */
int image_scan_peek(const struct image_scan *scan);
/* Names the byte at `at` as one that can't stand there; control characters and bytes above 0x7e in hexadecimal. */
bool image_scan_unexpected(const struct image_scan *scan, const char *where, struct err *e);

/* The host with its port and the slash behind it; *host is "" when the text has none: then the first element is part
 * of the path. The first element is a host when a slash follows it and it is "localhost" or has a dot, a colon or an
 * upper-case letter. */
bool image_scan_host(struct image_scan *scan, struct str *host, struct err *e) MUST_USE;
/* ":TAG" when a colon is next; *tag is "" otherwise. */
bool image_scan_tag(struct image_scan *scan, struct str *tag, struct err *e) MUST_USE;
/* "@ALGORITHM:HEX" when an @ is next; *digest is "" otherwise. With `wild`, the hex part may be a single *. */
bool image_scan_digest(struct image_scan *scan, bool wild, struct str *digest, struct err *e) MUST_USE;

/* True for the separators of a path component: one dot, one or two underscores, any number of dashes. */
bool image_separator_valid(struct str run);

/* The normal form from parts that have been read: folds the host, gives the default host, puts a single path component
 * of docker.io under library/ (unless it is "**"). One piece of the arena holds all of *out. ERR_INTERNAL without
 * memory. */
bool image_normalise(const struct image_ref *parts, struct arena *arena, struct image_ref *out, struct err *e) MUST_USE;

#endif
