/* Payloads. An accepted claim's digest stands in the payload, what `sealgate sign` would write for the claim is read as
 * the same claim, and a plain reader of the same bytes claims the same. */
#include <jansson.h>
#include <stdint.h>

#include "attest/payload.h"
#include "base/json.h"
#include "policy/image_ref.h"
#include "tests/fuzz/naive.h"

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

static void same(const struct payload_claim *claim, struct str digest, const struct naive_image *image)
{
	char repository[2 * NAIVE_TEXT_MAX] = "";

	if (image)
		naive_repository(image, repository);
	naive_check(str_eq(claim->digest, digest) && str_eq_c(claim->repository, repository));
}

static void compare_json(struct str payload, const struct payload_claim *claim)
{
	static struct naive_image image;
	cleanup(json) json_t *root =
		json_loadb(payload.ptr, payload.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	json_t *critical = json_object_get(root, "critical");
	struct str type = json_text(critical, "type");

	if (!root)
		return; /* what jansson can't hold: numbers past a double, U+0000 in a key */
	naive_check(json_object_size(critical) == 3);
	naive_check(str_eq_c(type, "atomic container signature") ||
		    str_eq_c(type, "Google cloud binauthz container signature"));
	naive_check(naive_image_read(json_text(json_object_get(critical, "identity"), "docker-reference"), &image));
	same(claim, json_text(json_object_get(critical, "image"), "docker-manifest-digest"), &image);
}

static void compare_text(struct str payload, const struct payload_claim *claim)
{
	static struct naive_image image;
	struct str whole = payload;

	if (str_ends_with(payload, STR("\n")))
		payload.len--;
	if (payload.len < whole.len && str_ends_with(payload, STR("\r")))
		payload.len--;
	if (payload.len == 71 && str_starts_with(payload, STR("sha256:"))) {
		same(claim, payload, NULL);
		return;
	}
	naive_check(naive_image_read(str_skip(payload, str_starts_with(payload, STR("https://")) ? 8 : 0), &image));
	same(claim, str_of(image.digest), &image);
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
	if (payload.ptr[0] == '{')
		compare_json(payload, &claim);
	else
		compare_text(payload, &claim);
	return 0;
}
