/* Binary OpenPGP. A message that is taken is not taken with anything behind it. */
#include <stdint.h>

#include "attest/packets.h"
#include "base/buf.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_make((const char *)data, size);
	cleanup(buf) struct buf longer = buf_init(LIMIT_API_BODY);
	struct packets packets;

	packets_count_certificates(bytes);
	if (packets_read(bytes, &packets) != REASON_GOOD)
		return 0;
	if (packets.shape != PACKETS_COMPRESSED && packets.signature_type > 1)
		abort();
	/* Old-format compressed data reaches to the end, whatever that is. */
	if (packets.shape == PACKETS_COMPRESSED)
		return 0;
	buf_add(&longer, bytes);
	buf_add(&longer, bytes);
	if (!buf_ok(&longer, NULL) || packets_read(buf_str(&longer), &packets) == REASON_GOOD)
		abort();
	return 0;
}
