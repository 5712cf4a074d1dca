#include "attest/key_text.h"

#include "attest/armor.h"
#include "attest/sha1.h"
#include "base/limits.h"

/* What is hashed begins with this byte and the packet's length in two (RFC 4880, 12.2). */
#define FINGERPRINT_MARK 0x99
#define PRIMARY_MAX 0xffffu

static void write_hex(const unsigned char *hash, char *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < SHA1_SIZE; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[2 * SHA1_SIZE] = 0;
}

static bool fingerprint_of(struct str primary, char *out)
{
	cleanup(buf) struct buf hashed = buf_init(PRIMARY_MAX + 3);
	unsigned char hash[SHA1_SIZE];

	if (primary.len > PRIMARY_MAX)
		return false;
	buf_add_char(&hashed, (char)FINGERPRINT_MARK);
	buf_add_char(&hashed, (char)(primary.len >> 8));
	buf_add_char(&hashed, (char)(primary.len & 0xff));
	buf_add(&hashed, primary);
	if (!buf_ok(&hashed, NULL) || !sha1_of(hashed.data, hashed.len, hash))
		return false;
	write_hex(hash, out);
	return true;
}

void key_text_read(struct str text, struct key_text *out)
{
	cleanup(buf) struct buf packets = buf_init(LIMIT_KEY_FILE);
	enum packets_certificate shape = CERTIFICATE_ODD;
	struct str primary;

	*out = (struct key_text){.text = text};
	if (text.len <= LIMIT_KEY_FILE && armor_unwrap_keys(text, &packets))
		shape = packets_certificate(buf_str(&packets), &primary);
	if (shape != CERTIFICATE_ODD && fingerprint_of(primary, out->fingerprint))
		out->shape = shape;
}
