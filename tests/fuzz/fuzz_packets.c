/* Binary OpenPGP. A message that is taken is not taken with anything behind it. */
#include <stdint.h>

#include "attest/packets.h"
#include "base/buf.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Twice the same is never one certificate. */
static void check_certificate(struct str bytes)
{
	cleanup(buf) struct buf twice = buf_init(LIMIT_API_BODY);
	struct str primary = {NULL, 0};

	if (packets_certificate(bytes, &primary) == CERTIFICATE_ODD)
		return;
	if (packets_count_certificates(bytes) != 1 || primary.len < 6 || primary.ptr < bytes.ptr ||
	    primary.ptr + primary.len > bytes.ptr + bytes.len)
		abort();
	buf_add(&twice, bytes);
	buf_add(&twice, bytes);
	if (!buf_ok(&twice, NULL) || packets_certificate(buf_str(&twice), &primary) != CERTIFICATE_ODD)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_make((const char *)data, size);
	cleanup(buf) struct buf longer = buf_init(LIMIT_API_BODY);
	struct packets packets;

	packets_count_certificates(bytes);
	check_certificate(bytes);
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
