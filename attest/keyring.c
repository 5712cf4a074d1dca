#include "attest/keyring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "attest/worker_protocol.h"

/* A text and the one certificate in it. */
struct described_text {
	struct sha256 hash;
	struct key_info key;
};

struct keyring {
	atomic_uint references;
	struct sha256 id;
	struct buf record;
	struct described_text *texts; /* by hash; NULL when it describes none */
	size_t count;
};

struct keyring *keyring_ref(struct keyring *keyring)
{
	atomic_fetch_add_explicit(&keyring->references, 1, memory_order_relaxed);
	return keyring;
}

void keyring_unref(struct keyring *keyring)
{
	if (!keyring || atomic_fetch_sub_explicit(&keyring->references, 1, memory_order_acq_rel) != 1)
		return;
	buf_release(&keyring->record);
	free(keyring->texts);
	free(keyring);
}

/* NULL when there is none. As many certificates as texts leave no room for a second one. */
static const struct key_info *certificate_of(const struct key_list *certificates, const char *fingerprint)
{
	for (size_t i = 0; i < certificates->count; i++)
		if (strcmp(certificates->items[i].fingerprint, fingerprint) == 0)
			return &certificates->items[i];
	return NULL;
}

/* Fills `texts`, one for each of the group, in their order. */
static bool match(const struct key_groups *groups, unsigned group, const struct key_list *certificates,
		  struct described_text *texts)
{
	size_t count = 0;

	for (size_t i = 0; i < groups->count; i++) {
		const struct key_info *key;

		if (groups->texts[i].group != group)
			continue;
		key = certificate_of(certificates, groups->texts[i].key.fingerprint);
		if (!key || key->secret)
			return false;
		texts[count++] = (struct described_text){groups->texts[i].hash, *key};
	}
	return true;
}

/* Every certificate has its own primary key among the signers, and every signer belongs to a certificate. */
static bool signers_belong(const struct signer_table *signers, const struct key_list *certificates)
{
	size_t primaries = 0;

	for (size_t i = 0; i < signers->count; i++) {
		const struct signer *signer = &signers->items[i];

		if (!certificate_of(certificates, signer->primary))
			return false;
		primaries += strcmp(signer->fingerprint, signer->primary) == 0;
	}
	return primaries == certificates->count;
}

static bool describe(struct keyring *keyring, const struct key_groups *groups, unsigned group,
		     const struct signer_table *signers, const struct key_list *certificates, struct err *e)
{
	size_t count = key_groups_size(groups, group);

	if (group == KEY_GROUP_ODD || certificates->count != count || !signers_belong(signers, certificates))
		return true;
	keyring->texts = calloc(count + 1, sizeof(*keyring->texts));
	if (!keyring->texts)
		return err_no_memory(e);
	keyring->count = count;
	if (match(groups, group, certificates, keyring->texts))
		return true;
	free(keyring->texts);
	keyring->texts = NULL;
	keyring->count = 0;
	return true;
}

struct keyring *keyring_new(const struct key_groups *groups, unsigned group, struct buf *record,
			    const struct key_list *certificates, struct err *e)
{
	cleanup(keyring) struct keyring *keyring = calloc(1, sizeof(*keyring));
	cleanup(signer_table) struct signer_table signers = {0};
	struct openpgp_files files;

	if (!keyring) {
		err_no_memory(e);
		return NULL;
	}
	atomic_init(&keyring->references, 1);
	keyring->record = buf_init(record->max);
	if (!worker_decode_keyring(buf_str(record), &files, &signers, e) ||
	    !describe(keyring, groups, group, &signers, certificates, e))
		return NULL;
	if (!key_groups_id(groups, group, &keyring->id)) {
		err_no_memory(e);
		return NULL;
	}
	keyring->record = *record;
	*record = buf_init(record->max);
	return take(keyring);
}

const struct sha256 *keyring_id(const struct keyring *keyring)
{
	return &keyring->id;
}

bool keyring_describes(const struct keyring *keyring)
{
	return keyring->texts;
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct described_text *)a)->hash.bytes, ((const struct described_text *)b)->hash.bytes,
		      SHA256_SIZE);
}

const struct key_info *keyring_find(const struct keyring *keyring, const struct sha256 *text)
{
	struct described_text wanted = {.hash = *text};
	const struct described_text *found = NULL;

	if (keyring->texts)
		found = bsearch(&wanted, keyring->texts, keyring->count, sizeof(wanted), compare);
	return found ? &found->key : NULL;
}

struct str keyring_record(const struct keyring *keyring)
{
	return buf_str(&keyring->record);
}

bool keyring_add_signers(const struct keyring *keyring, struct signer_table *out, struct err *e)
{
	struct openpgp_files files;

	return worker_decode_keyring(buf_str(&keyring->record), &files, out, e);
}
