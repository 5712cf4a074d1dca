/* The server's end: any record as each of the answers. */
#include "attest/worker_protocol.h"
#include "tests/prove/eva_input.h"

static struct err error;

int main(void)
{
	struct str record = any_bytes_apart();
	uint64_t id = Frama_C_unsigned_long_interval(0, SIZE_MAX);
	struct signature_facts facts = {0};
	struct key_list list = {0};
	struct signer_table signers = {0};
	struct openpgp_files files;
	struct str keyring;
	bool ok = false;

	switch (Frama_C_interval(0, 4)) {
	case 0:
		ok = worker_decode_loaded(record, id, &error);
		break;
	case 1:
		ok = worker_decode_facts(record, id, &facts, &error);
		break;
	case 2:
		ok = worker_decode_made(record, id, &keyring, &list, &error);
		key_list_release(&list);
		break;
	case 3:
		ok = worker_decode_keyring(record, &files, &signers, &error);
		signer_table_release(&signers);
		break;
	default:
		if (worker_decode_described(record, id, &list, &error))
			key_list_release(&list);
	}
	/*@ check reached_end: \false; */
	return ok;
}
