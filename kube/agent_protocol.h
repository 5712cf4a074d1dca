/* The records between sealgated and sealgate-kube (docs/FORMATS.md): encoded and decoded here for both ends. Pure. Each
 * end takes the other for hostile: whatever is not exactly a record that this end may be sent is refused.
 *
 * A record is a length (four bytes, big endian, of all that follows), a kind (one byte), the number of the request
 * (eight bytes; never 0, except in AGENT_READY and AGENT_FAILED) and fields: integers big endian, texts with a
 * four-byte length before them. */
#ifndef SEALGATE_KUBE_AGENT_PROTOCOL_H
#define SEALGATE_KUBE_AGENT_PROTOCOL_H

#include "base/buf.h"
#include "kube/transport.h"

/* Of what an answer's body is cut into. */
#define AGENT_DATA_MAX (64u * 1024)
#define AGENT_TYPE_MAX 200u
/* Of one record, without its length. */
#define AGENT_REQUEST_MAX (KUBE_BODY_MAX + KUBE_PATH_MAX + 1024u)
#define AGENT_TOLD_MAX (AGENT_DATA_MAX + 64u)

enum agent_kind {
	/* sealgated asks */
	AGENT_START = 1,
	AGENT_CANCEL,
	/* sealgate-kube tells */
	AGENT_READY,  /* once, first: what it was given can be used */
	AGENT_FAILED, /* instead, and last */
	AGENT_HEAD,
	AGENT_DATA,
	AGENT_END
};

struct agent_record {
	enum agent_kind kind;
	uint64_t id;
	/* AGENT_START: texts are slices, none with a zero byte; accept and type are terminated copies, "" for none */
	char method[8];
	char accept[AGENT_TYPE_MAX + 1];
	char content_type[AGENT_TYPE_MAX + 1];
	struct str path;
	struct str body;
	uint32_t timeout_ms;
	/* AGENT_HEAD: 100 to 999; -1 when there is none */
	int status;
	int retry_after;
	/* AGENT_DATA: bytes, one at least; AGENT_END and AGENT_FAILED: the error's text */
	struct str text;
	enum err_kind error; /* ERR_NONE for the end of a complete answer alone */
};

void agent_encode_start(struct buf *out, uint64_t id, const struct kube_request *request);
void agent_encode_cancel(struct buf *out, uint64_t id);
void agent_encode_ready(struct buf *out);
void agent_encode_failed(struct buf *out, const struct err *e);
void agent_encode_head(struct buf *out, uint64_t id, int status, int retry_after);
/* At most AGENT_DATA_MAX bytes. */
void agent_encode_data(struct buf *out, uint64_t id, struct str bytes);
void agent_encode_end(struct buf *out, uint64_t id, const struct err *e);

enum agent_side { AGENT_ASKS, AGENT_TELLS };
enum agent_found { AGENT_BROKEN, AGENT_MORE, AGENT_RECORD };

/* The record at the beginning of what the other end, `sender`, has sent; its slices are of `bytes`. AGENT_MORE: it
 * isn't all there yet. On AGENT_RECORD *used tells how long it is. AGENT_BROKEN is the end of the conversation. */
enum agent_found agent_decode(struct str bytes, enum agent_side sender, struct agent_record *out, size_t *used);

#endif
