#include "cli/token.h"

#include "attest/sha256.h"
#include "base/codec.h"

static bool name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	return len > 0 && len <= LIMIT_TOKEN_NAME && strspn(name, allowed) == len;
}

static bool hash_text(const char *text, struct buf *hex, struct err *e)
{
	struct sha256 hash;

	if (!sha256_of(str_of(text), &hash))
		return err_set(e, ERR_INTERNAL, "SHA-256 is not available");
	hex_encode(hex, str_make((const char *)hash.bytes, sizeof(hash.bytes)));
	return buf_ok(hex, e);
}

bool token_make(const unsigned char bytes[TOKEN_BYTES], const char *role, const char *name, struct token *out,
		struct err *e)
{
	cleanup(buf) struct buf text = buf_init_secret(sizeof(out->text));
	cleanup(buf) struct buf hex = buf_init(128);

	if (!name_valid(name))
		return err_set(e, ERR_INVALID, "--name must be 1 to %u letters, digits, '.', '_' or '-'",
			       LIMIT_TOKEN_NAME);
	base64_encode(&text, str_make((const char *)bytes, TOKEN_BYTES), BASE64_URL);
	if (!buf_ok(&text, e) || !hash_text(text.data, &hex, e))
		return false;
	(void)snprintf(out->text, sizeof(out->text), "%s", text.data);
	(void)snprintf(out->line, sizeof(out->line), "%s %s sha256:%s", role, name, hex.data);
	return true;
}
