/* Uploaded signatures as text: one OpenPGP message in ASCII armour, or base64 of such armour, or base64 of binary
 * OpenPGP. The armour is read here, strictly, and never by gpg: what is verified is what was unwrapped. */
#ifndef SEALGATE_ATTEST_ARMOR_H
#define SEALGATE_ATTEST_ARMOR_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/verdict.h"

enum armor_kind { ARMOR_CLEAR_SIGNED, ARMOR_MESSAGE, ARMOR_SIGNATURE, ARMOR_BINARY };

struct armor_message {
	enum armor_kind kind;
	struct buf packets; /* binary OpenPGP; for clear-signed text its signature */
	struct buf text;    /* clear-signed: the lines without dash escapes, each ending in CRLF; what is signed is all
			       but the last CRLF (RFC 4880, 7.1) */
};

/* Empty; give it back with armor_message_release. */
struct armor_message armor_message_init(void);
void armor_message_release(struct armor_message *message);

/* Whether an upload is well-formed: not empty, at most LIMIT_SIGNATURE bytes, armour or base64. ERR_INVALID (for HTTP
 * 400) otherwise. Says nothing about whether it can count. */
bool armor_acceptable(struct str upload, struct err *e) MUST_USE;
/* Unwraps base64 if need be (once), and reads exactly one message into *out (from armor_message_init). REASON_GOOD, or
 * why not: white space around the armour is allowed, anything else before or after it is REASON_SEVERAL_MESSAGES, a
 * clear-text header other than "Hash:" REASON_BAD_HEADER, white space at the end of a clear-text line (which no
 * signature covers) REASON_BAD_PAYLOAD. Armour headers are passed over. Says nothing about the packets. */
enum verdict_reason armor_unwrap(struct str upload, struct armor_message *out) MUST_USE;

/* Appends the binary form of a text that is blocks of armoured public keys and white space, nothing else. False, with
 * `packets` in any state, for everything else: such a text may still be keys that gpg can read. */
bool armor_unwrap_keys(struct str text, struct buf *packets) MUST_USE;

CLEANUP_VALUE(armor_message, struct armor_message, armor_message_release)

#endif
