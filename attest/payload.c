#include "attest/payload.h"

#include "base/codec.h"
#include "base/json_doc.h"
#include "policy/image_ref.h"

#define URL_SCHEME STR("https://")
#define BARE_DIGEST STR("sha256:")
#define SHA256_DIGITS 64
#define SIGNED_TYPE "atomic container signature"

/* critical.type; the second is what Binary Authorization and Voucher write. */
static const char *const critical_types[] = {SIGNED_TYPE, "Google cloud binauthz container signature"};

/* The members of each critical object: one more, and a reader that knows it would see another claim. */
static const struct members {
	const char *names[3];
	size_t count;
} critical_members = {{"identity", "image", "type"}, 3}, identity_members = {{"docker-reference"}, 1},
  image_members = {{"docker-manifest-digest"}, 1};

/* What reading a JSON payload needs all the way down. */
struct reader {
	struct json_doc doc;
	struct arena *arena;
	struct err *why;
};

static bool is_bare_digest(struct str text)
{
	return str_starts_with(text, BARE_DIGEST) && hex_is_lower(str_skip(text, BARE_DIGEST.len), SHA256_DIGITS);
}

static struct str without_line_end(struct str text)
{
	if (str_ends_with(text, STR("\r\n")))
		return str_head(text, text.len - 2);
	if (str_ends_with(text, STR("\n")))
		return str_head(text, text.len - 1);
	return text;
}

static bool copy_claim(struct arena *arena, struct str digest, struct str repository, struct payload_claim *out,
		       struct err *why)
{
	struct payload_claim claim = {.format = PAYLOAD_IMAGE_URL};

	claim.digest = arena_copy(arena, digest);
	claim.repository = arena_copy(arena, repository);
	if (!claim.digest.ptr || !claim.repository.ptr)
		return err_no_memory(why);
	*out = claim;
	return true;
}

static bool parse_text(struct str payload, struct arena *arena, struct payload_claim *out, struct err *why)
{
	struct str text = without_line_end(payload);
	struct image_ref ref;

	if (is_bare_digest(text))
		return copy_claim(arena, text, STR(""), out, why);
	if (str_starts_with(text, URL_SCHEME))
		text = str_skip(text, URL_SCHEME.len);
	if (!image_ref_parse(text, arena, &ref, why))
		return err_context(why, "payload is not an image reference");
	if (ref.digest.len == 0)
		return err_set(why, ERR_INVALID, "payload names no digest");
	return copy_claim(arena, ref.digest, ref.repository, out, why);
}

/* A member that must be there, with this kind. */
static bool require(struct reader *r, uint32_t map, const char *name, enum json_kind kind, uint32_t *out)
{
	uint32_t found;

	if (!json_doc_member_of(&r->doc, map, str_of(name), kind, &found, r->why))
		return false;
	if (found == JSON_NONE)
		return err_set(r->why, ERR_INVALID, "payload has no member %s", name);
	*out = found;
	return true;
}

static bool require_text(struct reader *r, uint32_t map, const char *name, struct str *out)
{
	uint32_t node;

	return require(r, map, name, JSON_TEXT, &node) && json_doc_text(&r->doc, node, r->arena, out, r->why);
}

static bool is_member(const struct members *members, struct str key)
{
	for (size_t i = 0; i < members->count; i++)
		if (str_eq_c(key, members->names[i]))
			return true;
	return false;
}

static bool only_members(struct reader *r, uint32_t map, const struct members *members)
{
	for (uint32_t node = json_doc_child(&r->doc, map); node != JSON_NONE; node = json_doc_next(&r->doc, node)) {
		struct str key;

		if (!json_doc_key(&r->doc, node, r->arena, &key, r->why))
			return false;
		if (!is_member(members, key))
			return err_set(r->why, ERR_INVALID, "payload has a critical member that is not known");
	}
	return true;
}

/* A map below `map` that holds only `members`. */
static bool require_map(struct reader *r, uint32_t map, const char *name, const struct members *members, uint32_t *out)
{
	return require(r, map, name, JSON_MAP, out) && only_members(r, *out, members);
}

static bool check_type(struct reader *r, uint32_t critical)
{
	struct str type;

	if (!require_text(r, critical, "type", &type))
		return false;
	for (size_t i = 0; i < sizeof(critical_types) / sizeof(critical_types[0]); i++)
		if (str_eq_c(type, critical_types[i]))
			return true;
	return err_set(r->why, ERR_INVALID, "payload has an unknown critical.type");
}

static bool read_repository(struct reader *r, uint32_t critical, struct str *repository)
{
	struct str reference;
	uint32_t identity;

	return require_map(r, critical, "identity", &identity_members, &identity) &&
	       require_text(r, identity, "docker-reference", &reference) &&
	       image_ref_parse_repository(reference, r->arena, repository, r->why);
}

static bool read_digest(struct reader *r, uint32_t critical, struct str *digest)
{
	uint32_t image;

	if (!require_map(r, critical, "image", &image_members, &image) ||
	    !require_text(r, image, "docker-manifest-digest", digest))
		return false;
	return image_digest_valid(*digest) || err_set(r->why, ERR_INVALID, "payload has a malformed digest");
}

static bool parse_simple_signing(struct str payload, struct arena *arena, struct payload_claim *out, struct err *why)
{
	struct reader r = {.arena = arena, .why = why};
	struct str repository;
	struct str digest;
	uint32_t critical;

	if (!json_doc_parse(payload, NULL, arena, &r.doc, why) ||
	    !require_map(&r, 0, "critical", &critical_members, &critical) || !check_type(&r, critical) ||
	    !read_repository(&r, critical, &repository) || !read_digest(&r, critical, &digest) ||
	    !copy_claim(arena, digest, repository, out, why))
		return false;
	out->format = PAYLOAD_SIMPLE_SIGNING;
	return true;
}

enum verdict_reason payload_parse(struct str payload, struct arena *arena, struct payload_claim *out, struct err *why)
{
	struct payload_claim claim;
	bool ok;

	if (without_line_end(payload).len == 0) {
		err_set(why, ERR_INVALID, "there is no payload");
		return REASON_NO_PAYLOAD;
	}
	if (payload.ptr[0] == '{')
		ok = parse_simple_signing(payload, arena, &claim, why);
	else
		ok = parse_text(payload, arena, &claim, why);
	if (!ok)
		return REASON_BAD_PAYLOAD;
	*out = claim;
	return REASON_GOOD;
}

enum verdict payload_matches(const struct payload_claim *claim, struct str repository, struct str digest,
			     enum verdict_reason *reason)
{
	if (digest.len == 0 || !str_eq(claim->digest, digest)) {
		*reason = REASON_OTHER_DIGEST;
		return VERDICT_REJECTED;
	}
	if (claim->repository.len && !str_eq(claim->repository, repository)) {
		*reason = REASON_OTHER_REPOSITORY;
		return VERDICT_REJECTED;
	}
	*reason = REASON_GOOD;
	return VERDICT_ACCEPTED;
}

static void write_simple_signing(struct str repository, struct str digest, struct buf *out)
{
	buf_add_c(out, "{\"critical\":{\"identity\":{\"docker-reference\":");
	buf_add_json_string(out, repository);
	buf_add_c(out, "},\"image\":{\"docker-manifest-digest\":");
	buf_add_json_string(out, digest);
	buf_add_c(out, "},\"type\":\"" SIGNED_TYPE "\"}}");
}

void payload_write(enum payload_format format, struct str repository, struct str digest, struct buf *out)
{
	if (format == PAYLOAD_SIMPLE_SIGNING) {
		write_simple_signing(repository, digest, out);
		return;
	}
	buf_add(out, URL_SCHEME);
	buf_add(out, repository);
	buf_add_char(out, '@');
	buf_add(out, digest);
}
