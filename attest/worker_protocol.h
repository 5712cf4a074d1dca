/* The records between sealgated and its verify worker (docs/FORMATS.md): encoded and decoded here for both ends. Pure.
 * Each end takes the other for hostile: whatever is not exactly a record of the expected kind and id is refused.
 *
 * A record is a length (four bytes, big endian, of all that follows), a kind (one byte), the id of the request (eight
 * bytes) and fields: integers big endian, texts with a four-byte length before them. */
#ifndef SEALGATE_ATTEST_WORKER_PROTOCOL_H
#define SEALGATE_ATTEST_WORKER_PROTOCOL_H

#include "attest/key.h"
#include "attest/key_set.h"
#include "attest/openpgp.h"
#include "base/buf.h"

#define WORKER_LENGTH_SIZE 4u
/* Nothing longer is sent or read: all the keyrings of a set travel in one record. */
#define WORKER_RECORD_MAX (64u * 1024 * 1024)
/* Certificates that one key text may be described with. */
#define WORKER_KEYS_MAX 1000u

enum worker_kind {
	WORKER_KEYS = 1,
	WORKER_VERIFY,
	WORKER_INSPECT,
	WORKER_LOADED,
	WORKER_FACTS,
	WORKER_DESCRIBED,
	WORKER_MAKE,
	WORKER_MADE
};

/* The length that the first four bytes of a record announce; 0 when it is impossible. */
size_t worker_record_length(const unsigned char head[WORKER_LENGTH_SIZE]);

struct worker_request {
	enum worker_kind kind;
	uint64_t id;
	uint32_t budget_ms; /* what the caller still waits, at least 1 */
	bool repair;	    /* WORKER_MAKE: as openpgp_keyring_make */
	struct str
		texts; /* WORKER_KEYS: keyrings, WORKER_MAKE: key texts; still encoded, worker_next_text reads them */
	struct str upload;  /* WORKER_VERIFY; WORKER_INSPECT: the key text */
	struct str payload; /* ptr NULL when there is none */
	int64_t now;
};

/* What a child is to verify under: keyrings as worker_encode_keyring wrote them. */
void worker_encode_keys(struct buf *out, uint64_t id, uint32_t budget_ms, const struct str *keyrings, size_t count);
void worker_encode_make(struct buf *out, uint64_t id, uint32_t budget_ms, bool repair, const struct str *texts,
			size_t count);
void worker_encode_verify(struct buf *out, uint64_t id, uint32_t budget_ms, struct str upload, struct str payload,
			  int64_t now);
void worker_encode_inspect(struct buf *out, uint64_t id, uint32_t budget_ms, struct str key);
/* `record` is what follows the length; the strs of *out are slices of it. */
bool worker_decode_request(struct str record, struct worker_request *out) MUST_USE;
/* The next text of a WORKER_KEYS or WORKER_MAKE request; false at the end. */
bool worker_next_text(struct str *texts, struct str *text);

/* A keyring as it travels and is kept: gpg's files and the signers, without what they were described as. Appends. */
void worker_encode_keyring(struct buf *out, const struct openpgp_keyring *keyring);
/* The strs of *files are slices of `text`; the signers are added to `signers`, which may have some then on failure. */
bool worker_decode_keyring(struct str text, struct openpgp_files *files, struct signer_table *signers,
			   struct err *e) MUST_USE;

void worker_encode_loaded(struct buf *out, uint64_t id, const struct err *failure);
void worker_encode_facts(struct buf *out, uint64_t id, const struct signature_facts *facts);
/* NULL for `keyring` with a failure. */
void worker_encode_made(struct buf *out, uint64_t id, const struct openpgp_keyring *keyring, const struct err *failure);
void worker_encode_described(struct buf *out, uint64_t id, const struct key_list *list, const struct err *failure);

/* True for an answer to request `id` that says yes. False with *e: what the worker said (its kind), or ERR_INTERNAL for
 * a record that is none. */
bool worker_decode_loaded(struct str record, uint64_t id, struct err *e) MUST_USE;
bool worker_decode_facts(struct str record, uint64_t id, struct signature_facts *out, struct err *e) MUST_USE;
bool worker_decode_described(struct str record, uint64_t id, struct key_list *out, struct err *e) MUST_USE;
/* *keyring is a slice of `record` that worker_decode_keyring reads; *certificates may have none. */
bool worker_decode_made(struct str record, uint64_t id, struct str *keyring, struct key_list *certificates,
			struct err *e) MUST_USE;

#endif
