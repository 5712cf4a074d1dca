/* Payloads. An accepted claim's digest stands in the payload, and what `sealgate sign` would write for the claim is
 * read as the same claim. */
#include <stdint.h>

#include "attest/payload.h"
#include "policy/image_ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rewritten(const struct payload_claim *claim)
{
	cleanup(arena) struct arena arena = arena_init(1 << 20);
	cleanup(buf) struct buf written = buf_init(1 << 16);
	struct payload_claim again;

	if (claim->repository.len == 0)
		return;
	payload_write(claim->format, claim->repository, claim->digest, &written);
	if (payload_parse(buf_str(&written), &arena, &again, NULL) != REASON_GOOD)
		abort();
	if (!str_eq(again.digest, claim->digest) || !str_eq(again.repository, claim->repository))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str payload = str_make((const char *)data, size);
	cleanup(arena) struct arena arena = arena_init(1 << 20);
	struct payload_claim claim;
	enum verdict_reason reason;

	if (payload_parse(payload, &arena, &claim, NULL) != REASON_GOOD)
		return 0;
	if (!image_digest_valid(claim.digest))
		abort();
	/* Only JSON has a second way to spell a character. */
	if (!memchr(data, '\\', size) && !memmem(data, size, claim.digest.ptr, claim.digest.len))
		abort();
	if (payload_matches(&claim, claim.repository, claim.digest, &reason) != VERDICT_ACCEPTED)
		abort();
	check_rewritten(&claim);
	return 0;
}
