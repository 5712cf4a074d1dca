/* Base64 and hexadecimal, strict: what is not exactly right is an error, not a guess. */
#ifndef SEALGATE_BASE_CODEC_H
#define SEALGATE_BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum base64_alphabet {
	BASE64_STANDARD, /* RFC 4648 section 4, padded on output */
	BASE64_URL,	 /* section 5, not padded on output */
};

/* Appends the encoding of `bytes`. */
void base64_encode(struct buf *out, struct str bytes, enum base64_alphabet alphabet);
/* Appends what `text` encodes, either alphabet (not both mixed), padded or not; CR and LF between characters are passed
 * over (RFC 2045 bodies, `base64 -w76`). False, and `out` as before, for any other character, a wrong length or
 * padding, or bits left over in the last character. */
bool base64_decode(struct buf *out, struct str text) MUST_USE;

/* Appends `segment` percent-encoded for a path or a query value (RFC 3986: all but the unreserved characters). */
void percent_encode(struct buf *out, struct str segment);

/* Lower-case digits of `bytes`. */
void hex_encode(struct buf *out, struct str bytes);
void hex_encode_upper(struct buf *out, struct str bytes);
/* True when `text` has exactly `digits` characters, all in 0-9a-f. */
bool hex_is_lower(struct str text, size_t digits);
/* Reads exactly 2 * size digits of either case into `out`. */
bool hex_decode(struct str text, unsigned char *out, size_t size) MUST_USE;

#endif
