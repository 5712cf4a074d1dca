#include "attest/openpgp_private.h"

#include <stdlib.h>

#include "attest/key_batch.h"
#include "base/limits.h"
#include "base/starvation.h"

/* gpg's files for one import. */
#define KEYRING_MAX (48u * 1024 * 1024)
#define HOME_VARIABLE "GNUPGHOME="

bool openpgp_fail(struct err *e, enum err_kind kind, const char *what, gpgme_error_t error)
{
	char text[256];

	gpgme_strerror_r(error, text, sizeof(text));
	return err_set(e, kind, "%s: %s", what, text);
}

/* gpgconf would cost a process for each fact about gpg. */
static bool library_ready(struct err *e)
{
	static bool ready;

	if (!ready) {
		gpgme_set_global_flag("disable-gpgconf", "1");
		ready = gpgme_check_version("1.16.0");
	}
	return ready || err_set(e, ERR_INTERNAL, "gpgme is older than 1.16");
}

void openpgp_warm_up(void)
{
	gpgme_engine_info_t info;

	if (library_ready(NULL))
		(void)gpgme_get_engine_info(&info);
}

bool openpgp_context(gpgme_ctx_t *out, struct err *e)
{
	cleanup(gpgme_context) gpgme_ctx_t context = NULL;
	gpgme_error_t error;

	if (!library_ready(e))
		return false;
	error = gpgme_new(&context);
	if (!error)
		error = gpgme_set_protocol(context, GPGME_PROTOCOL_OpenPGP);
	if (error)
		return openpgp_fail(e, ERR_INTERNAL, "gpg can't be used", error);
	gpgme_set_armor(context, 1);
	gpgme_set_offline(context, 1);
	*out = take(context);
	return true;
}

/* Makes `p` the home of every gpg that is called until the next one enters, also when this fails. A context that is
 * told of its home runs a gpg to ask for its version. */
bool openpgp_enter(const struct openpgp *p, struct err *e)
{
	static char variable[sizeof(HOME_VARIABLE) + OPENPGP_HOME_PATH_MAX];

	(void)snprintf(variable, sizeof(variable), HOME_VARIABLE "%s", p->home);
	return putenv(variable) == 0 || err_no_memory(e);
}

/* gpg's own word that what it read does not count. gpgme gives the same result for a gpg that was killed. */
static gpgme_error_t watch_status(void *argument, const char *keyword, const char *rest)
{
	static const char *const refusals[] = {"BADSIG", "ERRSIG",  "NODATA",		"UNEXPECTED",
					       "ERROR",	 "FAILURE", "DECRYPTION_FAILED"};
	struct openpgp *p = argument;

	(void)rest;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strcmp(keyword, refusals[i]) == 0)
			p->gpg_refused = true;
	return 0;
}

struct openpgp *openpgp_make(const char *parent, enum openpgp_home_use use, struct err *e)
{
	cleanup(openpgp) struct openpgp *p = calloc(1, sizeof(*p));

	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	p->use = use;
	if (!openpgp_home_make(parent, use, p->home, e) || !openpgp_context(&p->context, e))
		return NULL;
	gpgme_set_ctx_flag(p->context, "full-status", "1");
	gpgme_set_status_cb(p->context, watch_status, p);
	return take(p);
}

struct openpgp *openpgp_new(const char *parent, struct err *e)
{
	return openpgp_make(parent, HOME_VERIFIES, e);
}

void openpgp_free(struct openpgp *p)
{
	if (!p)
		return;
	if (p->context)
		gpgme_release(p->context);
	if (p->home[0])
		openpgp_home_remove(p->home, p->use);
	signer_table_release(&p->signers);
	free(p);
}

bool openpgp_data(struct str bytes, gpgme_data_t *out, struct err *e)
{
	gpgme_error_t error = gpgme_data_new_from_mem(out, bytes.ptr ? bytes.ptr : "", bytes.len, 0);

	return !error || openpgp_fail(e, ERR_INTERNAL, "gpgme", error);
}

/* *considered gets the number of certificates that gpg saw. */
static bool import_bytes(struct openpgp *p, struct str bytes, size_t *considered, struct err *e)
{
	cleanup(gpgme_data) gpgme_data_t data = NULL;
	gpgme_import_result_t result;
	gpgme_error_t error;

	*considered = 0;
	if (bytes.len == 0)
		return true;
	p->signers_known = false;
	if (!openpgp_data(bytes, &data, e) || !openpgp_enter(p, e))
		return false;
	error = gpgme_op_import(p->context, data);
	if (error && gpgme_err_code(error) != GPG_ERR_NO_DATA)
		return openpgp_fail(e, ERR_INTERNAL, "gpg can't import keys", error);
	result = gpgme_op_import_result(p->context);
	if (result && result->considered > 0)
		*considered = (size_t)result->considered;
	/* gpg says the same of a key that it can't read and of one that it can't store. */
	if (result && result->considered > 0 && result->imported + result->unchanged >= result->considered)
		return true;
	return openpgp_home_has_room(p->home, e);
}

static bool import_one_by_one(struct openpgp *p, const struct str *keys, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		cleanup(buf) struct buf packets = buf_init(LIMIT_KEY_FILE);
		size_t considered;

		if (!import_bytes(p, key_batch_bytes(keys[i], &packets), &considered, e))
			return false;
	}
	return true;
}

/* Imports as many texts from the head of `keys` as fit together, at least one; *done gets their number. */
static bool import_batch(struct openpgp *p, const struct str *keys, size_t count, size_t *done, struct err *e)
{
	cleanup(key_batch) struct key_batch batch = key_batch_init();
	size_t considered;

	while (batch.texts < count && key_batch_add(&batch, keys[batch.texts]))
		;
	*done = batch.texts ? batch.texts : 1;
	if (batch.texts < 2)
		return import_one_by_one(p, keys, *done, e);
	if (!import_bytes(p, buf_str(&batch.packets), &considered, e))
		return false;
	/* Something in there made gpg stop: the others must not suffer. */
	return considered == batch.certificates || import_one_by_one(p, keys, batch.texts, e);
}

bool openpgp_import(struct openpgp *p, const struct str *keys, size_t count, struct err *e)
{
	for (size_t i = 0, done = 0; i < count; i += done)
		if (!import_batch(p, keys + i, count - i, &done, e))
			return false;
	return true;
}

/* True when `text` is a fingerprint; *out is then its copy in upper case. */
bool openpgp_fingerprint(const char *text, char out[FINGERPRINT_MAX + 1])
{
	size_t length = text ? strlen(text) : 0;

	if (length != 40 && length != FINGERPRINT_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!strchr("0123456789ABCDEFabcdef", text[i]))
			return false;
		out[i] = (char)(text[i] >= 'a' ? text[i] - 'a' + 'A' : text[i]);
	}
	out[length] = 0;
	return true;
}

static void copy_algorithm(gpgme_subkey_t subkey, char *out, size_t size)
{
	char *name = gpgme_pubkey_algo_string(subkey);

	snprintf(out, size, "%s", name ? name : "unknown");
	gpgme_free(name);
}

static bool is_weak(gpgme_subkey_t subkey)
{
	char algorithm[32];

	copy_algorithm(subkey, algorithm, sizeof(algorithm));
	return signer_is_weak(algorithm, subkey->length);
}

/* A (sub)key whose binding is broken is left out, as if it weren't there. */
static bool add_signers(struct signer_table *table, gpgme_key_t key, struct err *e)
{
	struct signer signer = {0};

	if (!key->subkeys || !openpgp_fingerprint(key->subkeys->fpr, signer.primary))
		return true;
	for (gpgme_subkey_t subkey = key->subkeys; subkey; subkey = subkey->next) {
		if (!openpgp_fingerprint(subkey->fpr, signer.fingerprint) || subkey->invalid)
			continue;
		signer.created_at = subkey->timestamp;
		signer.expires_at = subkey->expires;
		signer.revoked = subkey->revoked;
		signer.can_sign = subkey->can_sign;
		signer.weak = is_weak(subkey);
		if (!signer_table_add(table, &signer, e))
			return false;
	}
	return true;
}

/* Calls `each` for every key of a listing that has been started. */
bool openpgp_each_key(gpgme_ctx_t context, bool (*each)(void *target, gpgme_key_t key, struct err *e), void *target,
		      struct err *e)
{
	gpgme_error_t error;

	for (;;) {
		cleanup(gpgme_key) gpgme_key_t key = NULL;

		error = gpgme_op_keylist_next(context, &key);
		if (gpgme_err_code(error) == GPG_ERR_EOF)
			return true;
		if (error)
			return openpgp_fail(e, ERR_INTERNAL, "gpg can't list keys", error);
		if (!each(target, key, e)) {
			gpgme_op_keylist_end(context);
			return false;
		}
	}
}

static bool add_to_table(void *target, gpgme_key_t key, struct err *e)
{
	return add_signers(target, key, e);
}

/* Lists what was imported. */
static bool list_all(struct openpgp *p, bool (*each)(void *target, gpgme_key_t key, struct err *e), void *target,
		     struct err *e)
{
	gpgme_error_t error;

	if (!openpgp_enter(p, e))
		return false;
	error = gpgme_op_keylist_start(p->context, NULL, 0);
	if (error)
		return openpgp_fail(e, ERR_INTERNAL, "gpg can't list keys", error);
	return openpgp_each_key(p->context, each, target, e);
}

/* A listing by a gpg that was killed on the way looks like a short one, so two have to agree. */
bool openpgp_know_signers(struct openpgp *p, struct err *e)
{
	cleanup(signer_table) struct signer_table table = {0};
	cleanup(signer_table) struct signer_table again = {0};

	if (p->signers_known)
		return true;
	if (!list_all(p, add_to_table, &table, e) || !list_all(p, add_to_table, &again, e))
		return false;
	if (table.count != again.count)
		return err_set(e, ERR_INTERNAL, "gpg lists different keys each time");
	signer_table_sort(&table);
	signer_table_release(&p->signers);
	p->signers = table;
	table = (struct signer_table){0};
	p->signers_known = true;
	return true;
}

/* Whether gpg still runs, and lists the keys that it listed before. What is known stays known whatever it lists now. */
bool openpgp_engine_works(struct openpgp *p)
{
	cleanup(signer_table) struct signer_table table = {0};

	return list_all(p, add_to_table, &table, NULL) && table.count == p->signers.count;
}

/* What the subkeys that may sign say together about the certificate. */
static void describe_signing(gpgme_key_t key, struct key_info *info)
{
	bool all_weak = true;
	bool all_expired = true;
	int64_t latest = -1;

	for (gpgme_subkey_t subkey = key->subkeys; subkey; subkey = subkey->next) {
		if (!subkey->can_sign || subkey->invalid)
			continue;
		info->can_sign = true;
		all_weak = all_weak && is_weak(subkey);
		all_expired = all_expired && (subkey->expired || subkey->revoked);
		if (subkey->expires == 0)
			latest = 0;
		else if (latest != 0 && subkey->expires > latest)
			latest = subkey->expires;
	}
	info->weak = is_weak(key->subkeys) || (info->can_sign && all_weak);
	info->expired = key->expired || (info->can_sign && all_expired && !key->revoked);
	info->expires_at = key->subkeys->expires;
	if (latest > 0 && (info->expires_at == 0 || latest < info->expires_at))
		info->expires_at = latest;
}

static bool describe(gpgme_key_t key, struct key_info *info)
{
	if (!key->subkeys || !openpgp_fingerprint(key->subkeys->fpr, info->fingerprint))
		return false;
	if (key->uids && key->uids->uid)
		key_name(info, key->uids->uid);
	copy_algorithm(key->subkeys, info->algorithm, sizeof(info->algorithm));
	info->bits = key->subkeys->length;
	info->created_at = key->subkeys->timestamp;
	info->revoked = key->revoked;
	info->secret = key->secret;
	describe_signing(key, info);
	return true;
}

static bool add_to_list(void *target, gpgme_key_t key, struct err *e)
{
	struct key_info info = {0};

	return !describe(key, &info) || key_list_add(target, &info, e);
}

static bool add_to_keyring(void *target, gpgme_key_t key, struct err *e)
{
	struct openpgp_keyring *keyring = target;

	return add_to_list(&keyring->certificates, key, e) && add_signers(&keyring->signers, key, e);
}

struct openpgp_keyring openpgp_keyring_init(void)
{
	return (struct openpgp_keyring){.keyring = buf_init(KEYRING_MAX), .trust = buf_init(KEYRING_MAX)};
}

void openpgp_keyring_release(struct openpgp_keyring *keyring)
{
	buf_release(&keyring->keyring);
	buf_release(&keyring->trust);
	signer_table_release(&keyring->signers);
	key_list_release(&keyring->certificates);
}

/* Another listing has to agree, as in know_signers. */
static bool is_listed_again(struct openpgp *p, const struct signer_table *signers, struct err *e)
{
	cleanup(signer_table) struct signer_table again = {0};

	if (!list_all(p, add_to_table, &again, e))
		return false;
	return signers->count == again.count || err_set(e, ERR_INTERNAL, "gpg lists different keys each time");
}

/* A listing with every key of the texts is whole; any other may be a short one. */
static bool read_keyring(struct openpgp *p, size_t keys, struct openpgp_keyring *keyring, struct err *e)
{
	if (!list_all(p, add_to_keyring, keyring, e))
		return false;
	if (keyring->signers.count != keys && !is_listed_again(p, &keyring->signers, e))
		return false;
	return openpgp_home_read(p->home, &keyring->keyring, &keyring->trust, e);
}

bool openpgp_keyring_make(const char *parent, bool repair, const struct str *texts, size_t count,
			  struct openpgp_keyring *out, struct err *e)
{
	cleanup(openpgp_keyring) struct openpgp_keyring made = openpgp_keyring_init();
	cleanup(openpgp) struct openpgp *p = openpgp_make(parent, repair ? HOME_REPAIRS : HOME_IMPORTS, e);

	if (!p || !openpgp_import(p, texts, count, e) || !read_keyring(p, key_batch_keys(texts, count), &made, e))
		return false;
	*out = made;
	made = openpgp_keyring_init();
	return true;
}

struct openpgp *openpgp_open(const char *parent, const struct openpgp_files *files, size_t count,
			     struct signer_table *signers, struct err *e)
{
	cleanup(openpgp) struct openpgp *p = openpgp_make(parent, count ? HOME_LOADED : HOME_VERIFIES, e);

	if (!p || !openpgp_home_load(p->home, files, count, e))
		return NULL;
	p->signers = *signers;
	*signers = (struct signer_table){0};
	signer_table_sort(&p->signers);
	p->signers_known = true;
	return take(p);
}

/* What gpg finds in bytes that need not be a key. */
static bool list_found(struct openpgp *p, struct str bytes, struct key_list *out, struct err *e)
{
	cleanup(gpgme_data) gpgme_data_t data = NULL;
	gpgme_error_t error;

	if (!openpgp_data(bytes, &data, e) || !openpgp_enter(p, e))
		return false;
	error = gpgme_op_keylist_from_data_start(p->context, data, 0);
	if (error)
		return openpgp_fail(e, ERR_INTERNAL, "gpg can't read keys", error);
	return openpgp_each_key(p->context, add_to_list, out, e);
}

bool openpgp_inspect(struct openpgp *p, struct str key, struct key_list *out, struct err *e)
{
	cleanup(buf) struct buf packets = buf_init(LIMIT_KEY_FILE);
	cleanup(key_list) struct key_list list = {0};
	unsigned before = starvation_count();
	struct str bytes = key_batch_bytes(key, &packets);

	if (key.len > LIMIT_KEY_FILE)
		return err_set(e, ERR_TOO_LARGE, "key is longer than %u bytes", LIMIT_KEY_FILE);
	/* A gpg that was killed finds as little as one that was given no key. */
	for (int tries = 0; tries < 2 && list.count == 0; tries++)
		if (!list_found(p, bytes, &list, e))
			return false;
	if (list.count == 0)
		return starvation_count() != before ? err_no_memory(e) : err_set(e, ERR_INVALID, "not an OpenPGP key");
	*out = list;
	list = (struct key_list){0};
	return true;
}
