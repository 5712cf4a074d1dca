#include "attest/key_batch.h"

#include "attest/armor.h"
#include "attest/packets.h"
#include "base/limits.h"

/* Texts that go to gpg together. */
#define BATCH_BYTES (8u * 1024 * 1024)

struct str key_batch_bytes(struct str key, struct buf *packets)
{
	return armor_unwrap_keys(key, packets) ? buf_str(packets) : key;
}

struct key_batch key_batch_init(void)
{
	return (struct key_batch){.packets = buf_init(BATCH_BYTES)};
}

void key_batch_release(struct key_batch *batch)
{
	buf_release(&batch->packets);
}

bool key_batch_add(struct key_batch *batch, struct str key)
{
	cleanup(buf) struct buf packets = buf_init(LIMIT_KEY_FILE);
	size_t certificates;

	if (!armor_unwrap_keys(key, &packets))
		return false;
	certificates = packets_count_certificates(buf_str(&packets));
	if (certificates == 0 || batch->packets.len + packets.len > batch->packets.max)
		return false;
	buf_add(&batch->packets, buf_str(&packets));
	batch->certificates += certificates;
	batch->texts++;
	return buf_ok(&batch->packets, NULL);
}

size_t key_batch_keys(const struct str *texts, size_t count)
{
	size_t keys = 0;

	for (size_t i = 0; i < count; i++) {
		cleanup(buf) struct buf packets = buf_init(LIMIT_KEY_FILE);
		size_t found = armor_unwrap_keys(texts[i], &packets) ? packets_count_keys(buf_str(&packets)) : 0;

		if (found == 0)
			return 0;
		keys += found;
	}
	return keys;
}
