/* What a signed payload vouches for. Formats are in docs/FORMATS.md, byte by byte.
 *
 * Text (application/vnd.gcr.image.url.v1): "[https://]REFERENCE@DIGEST" or "sha256:HEX", then at most one LF or CRLF,
 * nothing else. A bare digest vouches for that digest in every repository. A payload that begins with '{' is simple
 * signing JSON: critical.type is "atomic container signature" or "Google cloud binauthz container signature",
 * critical.image.docker-manifest-digest, critical.identity.docker-reference (a repository; a tag in it is ignored).
 * Duplicate keys reject. Other members are allowed in `optional` and beside, never read. */
#ifndef SEALGATE_ATTEST_PAYLOAD_H
#define SEALGATE_ATTEST_PAYLOAD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "policy/verdict.h"

enum payload_format { PAYLOAD_IMAGE_URL, PAYLOAD_SIMPLE_SIGNING };

struct payload_claim {
	enum payload_format format;
	struct str digest;     /* "sha256:HEX" */
	struct str repository; /* normal form; "" when it names none */
};

/* REASON_GOOD and *out (strings in the arena), or REASON_BAD_PAYLOAD / REASON_NO_PAYLOAD, with a sentence in `why` (may
 * be NULL). */
enum verdict_reason payload_parse(struct str payload, struct arena *arena, struct payload_claim *out, struct err *why);
/* ACCEPTED only when the claim names exactly this digest, and this repository (normal form) if it names one. */
enum verdict payload_matches(const struct payload_claim *claim, struct str repository, struct str digest,
			     enum verdict_reason *reason);
/* Appends the payload that `sealgate sign` signs. Text: "https://REPOSITORY@DIGEST" with no newline; JSON: the compact
 * form with type "atomic container signature". */
void payload_write(enum payload_format format, struct str repository, struct str digest, struct buf *out);

#endif
