/* Uploads as text. What is unwrapped once more, from base64 of the same bytes, must be the same message, unless a BEGIN
 * line stands in its bytes, which base64 may not hide; and a plain reader of the same armour, with OpenSSL's base64,
 * finds the same packets and the same signed text. */
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#include "attest/armor.h"
#include "base/codec.h"
#include "base/limits.h"
#include "tests/fuzz/naive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct armor_message *message)
{
	cleanup(armor_message) struct armor_message again = armor_message_init();
	cleanup(buf) struct buf wrapped = buf_init(2 * LIMIT_SIGNATURE);

	base64_encode(&wrapped, buf_str(&message->packets), BASE64_STANDARD);
	if (wrapped.len > LIMIT_SIGNATURE || !((unsigned char)message->packets.data[0] & 0x80) ||
	    memmem(message->packets.data, message->packets.len, "-----BEGIN PGP ", 15))
		return;
	if (armor_unwrap(buf_str(&wrapped), &again) != REASON_GOOD)
		abort();
	if (again.kind != ARMOR_BINARY || !str_eq(buf_str(&again.packets), buf_str(&message->packets)))
		abort();
}

/* The line at `at`, without its end; moves `at` behind it. */
static struct str naive_line(struct str text, size_t *at)
{
	const char *start = text.ptr + *at, *end = memchr(start, '\n', text.len - *at);
	size_t length = end ? (size_t)(end - start) : text.len - *at;

	*at += length + (end != NULL);
	return str_make(start, length - (length && start[length - 1] == '\r'));
}

/* Where the last line that begins a block begins. */
static size_t naive_block(struct str text)
{
	size_t found = 0;

	for (size_t at = 0; at < text.len;) {
		size_t start = at;

		if (str_starts_with(naive_line(text, &at), STR("-----BEGIN PGP ")))
			found = start;
	}
	return found;
}

/* The packets of the last block: what stands between its empty line and its checksum or end. */
static void naive_packets(struct str text, struct buf *out)
{
	cleanup(buf) struct buf digits = buf_init(2 * LIMIT_SIGNATURE);
	unsigned char bytes[LIMIT_SIGNATURE + 4];
	size_t at = naive_block(text), padding = 0;
	int length;

	while (naive_line(text, &at).len)
		naive_check(at < text.len);
	for (struct str line = naive_line(text, &at); line.ptr[0] != '=' && line.ptr[0] != '-';
	     line = naive_line(text, &at))
		buf_add(&digits, line);
	while (digits.len && digits.data[digits.len - 1] == '=')
		digits.len--;
	for (; digits.len % 4; padding++)
		buf_add_char(&digits, '=');
	length = EVP_DecodeBlock(bytes, (const unsigned char *)digits.data, (int)digits.len);
	naive_check(length > 0);
	buf_add(out, str_make((const char *)bytes, (size_t)length - padding));
}

static void naive_text(struct str text, struct buf *out)
{
	size_t at = 0, end = naive_block(text);

	while (naive_line(text, &at).len)
		naive_check(at < end);
	while (at < end) {
		struct str line = naive_line(text, &at);

		buf_add(out, str_skip(line, str_starts_with(line, STR("- ")) ? 2 : 0));
		buf_add_c(out, "\r\n");
	}
}

static void compare(struct str upload, const struct armor_message *message)
{
	cleanup(buf) struct buf packets = buf_init(LIMIT_SIGNATURE);
	cleanup(buf) struct buf text = buf_init(2 * LIMIT_SIGNATURE);

	upload = str_trim(upload);
	if (!str_starts_with(upload, STR("-----BEGIN PGP ")))
		return;
	naive_packets(upload, &packets);
	naive_check(str_eq(buf_str(&packets), buf_str(&message->packets)));
	if (message->kind != ARMOR_CLEAR_SIGNED)
		return;
	naive_text(upload, &text);
	naive_check(str_eq(buf_str(&text), buf_str(&message->text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str upload = str_make((const char *)data, size);
	cleanup(armor_message) struct armor_message message = armor_message_init();
	cleanup(buf) struct buf keys = buf_init(LIMIT_SIGNATURE);
	bool keys_ok = armor_unwrap_keys(upload, &keys);

	if (keys_ok && keys.len == 0)
		abort();
	if (armor_unwrap(upload, &message) != REASON_GOOD)
		return 0;
	if (message.packets.len == 0 || keys_ok || !armor_acceptable(upload, NULL))
		abort();
	if ((message.kind == ARMOR_CLEAR_SIGNED) != (message.text.len >= 2))
		abort();
	check_again(&message);
	compare(upload, &message);
	return 0;
}
