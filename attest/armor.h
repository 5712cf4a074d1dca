/* Uploaded signatures as text: one OpenPGP message in ASCII armour, or base64 of such armour, or base64 of binary
 * OpenPGP. */
#ifndef SEALGATE_ATTEST_ARMOR_H
#define SEALGATE_ATTEST_ARMOR_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/verdict.h"

enum armor_kind { ARMOR_CLEAR_SIGNED, ARMOR_MESSAGE, ARMOR_SIGNATURE, ARMOR_BINARY };

/* Whether an upload is well-formed: not empty, at most LIMIT_SIGNATURE bytes, armour or base64 of it. ERR_INVALID (for
 * HTTP 400) otherwise. Says nothing about whether it can count. */
bool armor_acceptable(struct str upload, struct err *e) MUST_USE;
/* Unwraps base64 if need be, and gives exactly the one message: white space around the armour is allowed, anything else
 * before or after, a second message, or a clear-text header other than "Hash:" is a reason. *out is appended to. */
enum verdict_reason armor_unwrap(struct str upload, struct buf *out, enum armor_kind *kind);

#endif
