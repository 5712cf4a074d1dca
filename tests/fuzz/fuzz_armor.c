/* Uploads as text. What is unwrapped once more, from base64 of the same bytes, must be the same message. */
#include <stdint.h>

#include "attest/armor.h"
#include "base/codec.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct armor_message *message)
{
	cleanup(armor_message) struct armor_message again = armor_message_init();
	cleanup(buf) struct buf wrapped = buf_init(2 * LIMIT_SIGNATURE);

	base64_encode(&wrapped, buf_str(&message->packets), BASE64_STANDARD);
	if (wrapped.len > LIMIT_SIGNATURE || !((unsigned char)message->packets.data[0] & 0x80))
		return;
	if (armor_unwrap(buf_str(&wrapped), &again) != REASON_GOOD)
		abort();
	if (again.kind != ARMOR_BINARY || !str_eq(buf_str(&again.packets), buf_str(&message->packets)))
		abort();
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
	return 0;
}
