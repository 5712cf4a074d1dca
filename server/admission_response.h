/* The answer to an AdmissionReview: a pure function from a decision to bytes. Never patches anything. */
#ifndef SEALGATE_SERVER_ADMISSION_RESPONSE_H
#define SEALGATE_SERVER_ADMISSION_RESPONSE_H

#include "base/buf.h"
#include "policy/evaluate.h"
#include "server/admission_request.h"

/* Appends the AdmissionReview: uid and apiVersion of the request; for a refusal a Status with code 403, the message and
 * at most LIMIT_CAUSES causes; warnings of policies that warn (one line each, at most LIMIT_WARNING_TEXT bytes,
 * LIMIT_WARNINGS_TOTAL together); audit annotations `decision`, `images` (of `uses`, which may be NULL) and `policy`.
 */
void admission_response_write(const struct admission_request *request, const struct decision *decision,
			      const struct image_uses *uses, struct buf *out);

/* Appends a JSON string that says why a decision refuses: decision_message's words, never none. */
void admission_message_write(const struct decision *decision, struct buf *out);

/* Appends `{"decision":...}`: the audit annotations, which ImageReview answers have too. */
void admission_annotations_write(const struct decision *decision, const struct image_uses *uses, struct buf *out);

#endif
