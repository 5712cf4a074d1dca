/* Decodes any bytes into a buffer that is large enough, or too small. */
#include "base/codec.h"
#include "tests/prove/eva_input.h"

int main(void)
{
	struct str text = any_bytes_apart();
	struct buf out = buf_init(BYTES);
	bool ok;

	ok = base64_decode(&out, text);
	buf_release(&out);
	/*@ check reached_end: \false; */
	return ok;
}
