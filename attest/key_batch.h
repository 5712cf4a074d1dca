/* Key texts on their way to gpg, as packets. */
#ifndef SEALGATE_ATTEST_KEY_BATCH_H
#define SEALGATE_ATTEST_KEY_BATCH_H

#include "base/buf.h"

/* What gpg is given for a key text: its packets, in `packets`, where it is plain armour, since gpg misreads armour
 * without a checksum, which newer programs write; else the text as it is. */
struct str key_batch_bytes(struct str key, struct buf *packets);

/* Texts whose packets go to gpg together, as long as each is known to end where the next begins. */
struct key_batch {
	struct buf packets;
	size_t texts;
	size_t certificates;
};

struct key_batch key_batch_init(void);
void key_batch_release(struct key_batch *batch);
/* False when the text has to go alone, or into the next batch. */
bool key_batch_add(struct key_batch *batch, struct str key) MUST_USE;

/* Keys and subkeys in texts that are plain armour of whole packets; 0 when one is something else. */
size_t key_batch_keys(const struct str *texts, size_t count);

CLEANUP_VALUE(key_batch, struct key_batch, key_batch_release)

#endif
