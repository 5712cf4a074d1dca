#include "cli/facts_file.h"

#include "attest/payload.h"
#include "base/codec.h"
#include "base/limits.h"

enum { CANDIDATES = 6 };

#define PAYLOAD_TEXT_MAX (16u * 1024)

static bool is_binary(struct str signature)
{
	return signature.len && ((unsigned char)signature.ptr[0] & 0x80);
}

/* Uploads are text, so a binary signature is looked at as base64. */
static bool as_text(struct str signature, struct buf *out, struct err *e)
{
	if (is_binary(signature))
		base64_encode(out, signature, BASE64_STANDARD);
	else
		buf_add(out, signature);
	return buf_ok(out, e);
}

/* Appends candidate `index` of what is signed for an image: its URL, the bare digest, simple signing JSON; each without
 * and with a final newline. */
static void candidate(const struct facts_file *source, struct str digest, unsigned index, struct buf *out)
{
	if (index / 2 == 1)
		buf_add(out, digest);
	else
		payload_write(index / 2 ? PAYLOAD_SIMPLE_SIGNING : PAYLOAD_IMAGE_URL, source->repository, digest, out);
	if (index % 2)
		buf_add_char(out, '\n');
}

static bool judge_one(struct facts_file *source, struct str signature, struct str payload, struct str note,
		      struct str digest, struct arena *arena, struct facts_answer *out, struct err *e)
{
	struct kept_attestation kept = {.name = source->name, .note = note, .signature = signature, .payload = payload};

	return judge_facts(source->judge, &kept, 1, digest, arena, out, e);
}

static bool wants_payload(const struct facts_answer *answer)
{
	return answer->count == 1 && answer->items[0].reason == REASON_NO_PAYLOAD;
}

static bool accepted(const struct facts_answer *answer)
{
	return answer->count == 1 && answer->items[0].verdict == VERDICT_ACCEPTED;
}

/* The answer for one note: the signature alone or, when it is detached, over the first payload that it fits. */
static bool answer_for(struct facts_file *source, struct str signature, struct str note, struct str digest,
		       struct arena *arena, struct facts_answer *out, struct err *e)
{
	if (!judge_one(source, signature, source->payload, note, digest, arena, out, e))
		return false;
	if (source->payload.ptr || !wants_payload(out))
		return true;
	for (unsigned i = 0; i < CANDIDATES && !accepted(out); i++) {
		cleanup(buf) struct buf payload = buf_init(PAYLOAD_TEXT_MAX);

		candidate(source, digest, i, &payload);
		if (!buf_ok(&payload, e) ||
		    !judge_one(source, signature, buf_str(&payload), note, digest, arena, out, e))
			return false;
	}
	return true;
}

static bool attestations(void *context, const struct facts_query *query, struct arena *arena, struct facts_answer *out,
			 struct err *e)
{
	static const struct str any_note = {"", 0};
	struct facts_file *source = context;
	const struct str *notes = query->note_count ? query->notes : &any_note;
	size_t count = query->note_count ? query->note_count : 1;
	cleanup(buf) struct buf signature = buf_init(LIMIT_SIGNATURE * 2);
	struct facts_answer all = {.items = arena_array(arena, count, sizeof(*all.items))};

	if (!all.items)
		return err_no_memory(e);
	if (!as_text(source->signature, &signature, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct facts_answer one;

		if (!answer_for(source, buf_str(&signature), notes[i], query->digest, arena, &one, e))
			return false;
		if (one.count)
			all.items[all.count++] = one.items[0];
	}
	*out = all;
	return true;
}

struct facts facts_file_interface(struct facts_file *source)
{
	return (struct facts){.context = source, .attestations = attestations};
}
