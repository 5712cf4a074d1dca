/* The worker's end: any record as a request, and the texts in it. */
#include "attest/worker_protocol.h"
#include "tests/prove/eva_input.h"

int main(void)
{
	struct worker_request request = {0};
	struct str text = {0};
	int sum = 0;

	if (worker_decode_request(any_bytes_apart(), &request))
		while (worker_next_text(&request.texts, &text))
			sum ^= text.len ? text.ptr[0] ^ text.ptr[text.len - 1] : 0;
	/*@ check reached_end: \false; */
	return sum;
}
