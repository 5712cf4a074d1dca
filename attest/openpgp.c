#include "attest/openpgp.h"

#include <errno.h>
#include <gpgme.h>
#include <stdlib.h>
#include <unistd.h>

#include "attest/armor.h"
#include "attest/cpu_limit.h"
#include "attest/key_batch.h"
#include "attest/openpgp_home.h"
#include "attest/packets.h"
#include "attest/signature_check.h"
#include "attest/signer_table.h"
#include "base/arena.h"
#include "base/codec.h"
#include "base/limits.h"
#include "base/starvation.h"

/* gpg's files for one import. */
#define KEYRING_MAX (48u * 1024 * 1024)
#define HOME_VARIABLE "GNUPGHOME="
/* What reading a payload may take. */
#define PAYLOAD_ARENA (4u * 1024 * 1024)

struct openpgp {
	char home[OPENPGP_HOME_PATH_MAX];
	enum openpgp_home_use use;
	gpgme_ctx_t context;
	struct signer_table signers;
	bool signers_known; /* the table holds what the keyring holds */
	bool gpg_refused;   /* in the last verification gpg said itself that something was wrong */
};

CLEANUP_POINTER(gpgme_data, struct gpgme_data, gpgme_data_release)
CLEANUP_POINTER(gpgme_context, struct gpgme_context, gpgme_release)
CLEANUP_POINTER(openpgp, struct openpgp, openpgp_free)

static void cleanup_gpgme_key(gpgme_key_t *key)
{
	if (*key)
		gpgme_key_unref(*key);
}

static bool fail(struct err *e, enum err_kind kind, const char *what, gpgme_error_t error)
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

static bool make_context(gpgme_ctx_t *out, struct err *e)
{
	cleanup(gpgme_context) gpgme_ctx_t context = NULL;
	gpgme_error_t error;

	if (!library_ready(e))
		return false;
	error = gpgme_new(&context);
	if (!error)
		error = gpgme_set_protocol(context, GPGME_PROTOCOL_OpenPGP);
	if (error)
		return fail(e, ERR_INTERNAL, "gpg can't be used", error);
	gpgme_set_armor(context, 1);
	gpgme_set_offline(context, 1);
	*out = take(context);
	return true;
}

/* Makes `p` the home of every gpg that is called until the next one enters, also when this fails. A context that is
 * told of its home runs a gpg to ask for its version. */
static bool enter(const struct openpgp *p, struct err *e)
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

static struct openpgp *make(const char *parent, enum openpgp_home_use use, struct err *e)
{
	cleanup(openpgp) struct openpgp *p = calloc(1, sizeof(*p));

	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	p->use = use;
	if (!openpgp_home_make(parent, use, p->home, e) || !make_context(&p->context, e))
		return NULL;
	gpgme_set_ctx_flag(p->context, "full-status", "1");
	gpgme_set_status_cb(p->context, watch_status, p);
	return take(p);
}

struct openpgp *openpgp_new(const char *parent, struct err *e)
{
	return make(parent, HOME_VERIFIES, e);
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

static bool data_of(struct str bytes, gpgme_data_t *out, struct err *e)
{
	gpgme_error_t error = gpgme_data_new_from_mem(out, bytes.ptr ? bytes.ptr : "", bytes.len, 0);

	return !error || fail(e, ERR_INTERNAL, "gpgme", error);
}

/* --- keys --- */

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
	if (!data_of(bytes, &data, e) || !enter(p, e))
		return false;
	error = gpgme_op_import(p->context, data);
	if (error && gpgme_err_code(error) != GPG_ERR_NO_DATA)
		return fail(e, ERR_INTERNAL, "gpg can't import keys", error);
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
static bool copy_fingerprint(const char *text, char out[FINGERPRINT_MAX + 1])
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

	if (!key->subkeys || !copy_fingerprint(key->subkeys->fpr, signer.primary))
		return true;
	for (gpgme_subkey_t subkey = key->subkeys; subkey; subkey = subkey->next) {
		if (!copy_fingerprint(subkey->fpr, signer.fingerprint) || subkey->invalid)
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
static bool list_keys(gpgme_ctx_t context, bool (*each)(void *target, gpgme_key_t key, struct err *e), void *target,
		      struct err *e)
{
	gpgme_error_t error;

	for (;;) {
		cleanup(gpgme_key) gpgme_key_t key = NULL;

		error = gpgme_op_keylist_next(context, &key);
		if (gpgme_err_code(error) == GPG_ERR_EOF)
			return true;
		if (error)
			return fail(e, ERR_INTERNAL, "gpg can't list keys", error);
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

	if (!enter(p, e))
		return false;
	error = gpgme_op_keylist_start(p->context, NULL, 0);
	if (error)
		return fail(e, ERR_INTERNAL, "gpg can't list keys", error);
	return list_keys(p->context, each, target, e);
}

/* A listing by a gpg that was killed on the way looks like a short one, so two have to agree. */
static bool know_signers(struct openpgp *p, struct err *e)
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
static bool engine_works(struct openpgp *p)
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
	if (!key->subkeys || !copy_fingerprint(key->subkeys->fpr, info->fingerprint))
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
	cleanup(openpgp) struct openpgp *p = make(parent, repair ? HOME_REPAIRS : HOME_IMPORTS, e);

	if (!p || !openpgp_import(p, texts, count, e) || !read_keyring(p, key_batch_keys(texts, count), &made, e))
		return false;
	*out = made;
	made = openpgp_keyring_init();
	return true;
}

struct openpgp *openpgp_open(const char *parent, const struct openpgp_files *files, size_t count,
			     struct signer_table *signers, struct err *e)
{
	cleanup(openpgp) struct openpgp *p = make(parent, count ? HOME_LOADED : HOME_VERIFIES, e);

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

	if (!data_of(bytes, &data, e) || !enter(p, e))
		return false;
	error = gpgme_op_keylist_from_data_start(p->context, data, 0);
	if (error)
		return fail(e, ERR_INTERNAL, "gpg can't read keys", error);
	return list_keys(p->context, add_to_list, out, e);
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

/* --- verification --- */

/* gpg's plain text; more than the maximum ends the call. */
static ssize_t take_plain_text(void *handle, const void *bytes, size_t size)
{
	struct buf *plain = handle;

	buf_add(plain, str_make(bytes, size));
	if (buf_ok(plain, NULL))
		return (ssize_t)size;
	errno = ENOSPC;
	return -1;
}

static bool data_into(struct buf *plain, gpgme_data_t *out)
{
	static struct gpgme_data_cbs callbacks = {.write = take_plain_text};

	return !gpgme_data_new_from_cbs(out, &callbacks, plain);
}

/* What of gpgme's statuses says something about the signature. */
static const struct {
	gpg_err_code_t code;
	enum finding finding;
} findings[] = {
	{GPG_ERR_NO_ERROR, FINDING_GOOD},
	{GPG_ERR_BAD_SIGNATURE, FINDING_BAD},
	{GPG_ERR_NO_PUBKEY, FINDING_NO_KEY},
	{GPG_ERR_WRONG_KEY_USAGE, FINDING_WRONG_USAGE},
	{GPG_ERR_DIGEST_ALGO, FINDING_HASH_REFUSED},
	{GPG_ERR_KEY_EXPIRED, FINDING_KEY_EXPIRED},
	{GPG_ERR_CERT_REVOKED, FINDING_KEY_REVOKED},
	{GPG_ERR_SIG_EXPIRED, FINDING_SIGNATURE_EXPIRED},
};

/* A good signature comes with a whole fingerprint and a date; one without is the work of a gpg that was killed. */
static bool is_complete(gpgme_signature_t signature)
{
	char fingerprint[FINGERPRINT_MAX + 1];

	return copy_fingerprint(signature->fpr, fingerprint) && signature->timestamp != 0;
}

static enum finding finding_of(const struct openpgp *p, gpgme_signature_t signature)
{
	gpg_err_code_t code = gpgme_err_code(signature->status);

	for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++)
		if (findings[i].code == code)
			return p->gpg_refused || is_complete(signature) ? findings[i].finding : FINDING_NONE;
	return p->gpg_refused ? FINDING_BAD : FINDING_NONE;
}

/* The summary contradicts a good status when any of these is set. */
static bool summary_contradicts(gpgme_signature_t signature)
{
	const unsigned wrong = GPGME_SIGSUM_RED | GPGME_SIGSUM_KEY_REVOKED | GPGME_SIGSUM_KEY_EXPIRED |
			       GPGME_SIGSUM_SIG_EXPIRED | GPGME_SIGSUM_KEY_MISSING | GPGME_SIGSUM_BAD_POLICY |
			       GPGME_SIGSUM_SYS_ERROR;

	return ((unsigned)signature->summary & wrong) || signature->wrong_key_usage ||
	       signature->validity == GPGME_VALIDITY_NEVER;
}

static void report_signature(const struct openpgp *p, gpgme_signature_t signature, struct signature_report *report)
{
	report->finding = finding_of(p, signature);
	if (report->finding == FINDING_GOOD && summary_contradicts(signature))
		report->finding = FINDING_BAD;
	if (signature->fpr && strlen(signature->fpr) <= FINGERPRINT_MAX)
		memcpy(report->signer, signature->fpr, strlen(signature->fpr) + 1);
	report->hash_algorithm = (unsigned)signature->hash_algo;
	report->created_at = (int64_t)signature->timestamp;
	report->expires_at = (int64_t)signature->exp_timestamp;
}

/* One message on its way through verification. */
struct verification {
	struct openpgp *p;
	struct armor_message message;
	struct packets packets;
	struct buf plain;   /* of an attached message */
	struct str payload; /* what was signed, as the payload formats see it */
	int64_t now;
};

static void verification_release(struct verification *v)
{
	armor_message_release(&v->message);
	buf_release(&v->plain);
}

CLEANUP_VALUE(verification, struct verification, verification_release)

static bool is_attached(const struct verification *v)
{
	return v->packets.shape != PACKETS_SIGNATURE;
}

/* Calls gpg. Attached: the message alone; otherwise signature and signed bytes apart, whoever wrapped them. */
static gpgme_error_t call_gpg(struct verification *v, struct str signed_bytes)
{
	cleanup(gpgme_data) gpgme_data_t signature = NULL;
	cleanup(gpgme_data) gpgme_data_t other = NULL;
	bool ok = enter(v->p, NULL) && data_of(buf_str(&v->message.packets), &signature, NULL);

	v->p->gpg_refused = false;
	buf_clear(&v->plain);
	if (is_attached(v)) {
		ok = ok && data_into(&v->plain, &other);
		return ok ? gpgme_op_verify(v->p->context, signature, NULL, other) : gpg_error(GPG_ERR_ENOMEM);
	}
	ok = ok && data_of(signed_bytes, &other, NULL);
	return ok ? gpgme_op_verify(v->p->context, signature, other, NULL) : gpg_error(GPG_ERR_ENOMEM);
}

/* Data that unfolds without end must not take the time of all that wait. */
static gpgme_error_t call_gpg_briefly(struct verification *v, struct str signed_bytes)
{
	struct cpu_limit before;
	gpgme_error_t error;

	cpu_limit_set(LIMIT_GPG_CPU_SECONDS, &before);
	error = call_gpg(v, signed_bytes);
	cpu_limit_lift(&before);
	if (gpgme_err_code(error) == GPG_ERR_ENOMEM)
		starvation_note();
	return error;
}

/* What is signed and what the payload reader is to see of it. For clear-signed text the last line end is not signed. */
static enum verdict_reason choose_payload(struct verification *v, struct str given, struct str *signed_bytes)
{
	struct str text = buf_str(&v->message.text);

	if (v->message.kind == ARMOR_CLEAR_SIGNED) {
		if (is_attached(v))
			return REASON_NOT_OPENPGP;
		*signed_bytes = str_head(text, text.len - 2);
		v->payload = text;
		return REASON_GOOD;
	}
	if (is_attached(v))
		return REASON_GOOD;
	if (!given.ptr)
		return REASON_NO_PAYLOAD;
	*signed_bytes = given;
	v->payload = given;
	return given.len > LIMIT_SIGNATURE ? REASON_TOO_LARGE : REASON_GOOD;
}

/* Without a signature in the result: gpg's own word that there is none, or no word at all. */
static enum verdict_reason no_signature_reason(const struct verification *v)
{
	if (v->plain.failed)
		return v->plain.full ? REASON_TOO_LARGE : REASON_WORKER_FAILED;
	return v->p->gpg_refused ? REASON_BAD_SIGNATURE : REASON_WORKER_FAILED;
}

static enum verdict_reason check_result(struct verification *v, gpgme_error_t error, struct signature_facts *out)
{
	bool asked = gpgme_err_code(error) != GPG_ERR_ENOMEM;
	/* Without memory gpg may not have been asked at all: what is there is the result of the last question. */
	gpgme_verify_result_t result = asked ? gpgme_op_verify_result(v->p->context) : NULL;
	gpgme_signature_t first = result ? result->signatures : NULL;
	struct signature_report report = {0};

	if (!first || v->plain.failed)
		return no_signature_reason(v);
	if (first->next)
		return REASON_SEVERAL_SIGNATURES;
	report_signature(v->p, first, &report);
	if (report.finding == FINDING_GOOD && (error || v->p->gpg_refused))
		return v->p->gpg_refused ? REASON_BAD_SIGNATURE : REASON_WORKER_FAILED;
	signature_check(&report, &v->p->signers, v->now, out);
	return out->reason;
}

/* Where gpg gave no answer it is asked again. A message that it twice has nothing to say about is not a signature;
 * otherwise nobody would ever judge it, and whoever uploads a few hundred of them could keep an image out. */
static enum verdict_reason ask_gpg(struct verification *v, struct str signed_bytes, struct signature_facts *out)
{
	enum verdict_reason reason = check_result(v, call_gpg_briefly(v, signed_bytes), out);

	if (reason != REASON_WORKER_FAILED || !engine_works(v->p))
		return reason;
	reason = check_result(v, call_gpg_briefly(v, signed_bytes), out);
	return reason == REASON_WORKER_FAILED ? REASON_BAD_SIGNATURE : reason;
}

static enum verdict_reason check_signed(struct verification *v, struct str given, struct signature_facts *out)
{
	struct str signed_bytes = {0};
	enum verdict_reason reason = choose_payload(v, given, &signed_bytes);

	if (reason != REASON_GOOD)
		return reason;
	if (v->packets.hash_algorithm && packets_hash_is_weak(v->packets.hash_algorithm))
		return REASON_WEAK_HASH;
	if (!know_signers(v->p, NULL))
		return REASON_WORKER_FAILED;
	reason = ask_gpg(v, signed_bytes, out);
	if (is_attached(v))
		v->payload = buf_str(&v->plain);
	return reason;
}

static enum verdict_reason read_claim(struct str payload, struct signature_facts *out)
{
	cleanup(arena) struct arena arena = arena_init(PAYLOAD_ARENA);
	struct payload_claim claim;
	enum verdict_reason reason = payload_parse(payload, &arena, &claim, NULL);

	if (reason != REASON_GOOD)
		return reason;
	if (claim.digest.len >= sizeof(out->digest) || claim.repository.len >= sizeof(out->repository))
		return REASON_BAD_PAYLOAD;
	memcpy(out->digest, claim.digest.ptr, claim.digest.len);
	memcpy(out->repository, claim.repository.ptr, claim.repository.len);
	return REASON_GOOD;
}

static enum verdict_reason verify(struct verification *v, struct str upload, struct str given,
				  struct signature_facts *out)
{
	enum verdict_reason reason = armor_unwrap(upload, &v->message);

	if (reason == REASON_GOOD)
		reason = packets_read(buf_str(&v->message.packets), &v->packets);
	if (reason == REASON_GOOD)
		reason = check_signed(v, given, out);
	if (reason == REASON_GOOD)
		reason = read_claim(v->payload, out);
	return reason;
}

void openpgp_verify(struct openpgp *p, struct str upload, struct str payload, int64_t now, struct signature_facts *out)
{
	cleanup(verification) struct verification v = {
		.p = p,
		.message = armor_message_init(),
		.plain = buf_init(LIMIT_SIGNATURE),
		.now = now,
	};
	unsigned before = starvation_count();

	*out = (struct signature_facts){.verdict = VERDICT_REJECTED};
	out->reason = verify(&v, upload, payload, out);
	/* Nothing is wrong with the signature then, and nobody may remember that there was. */
	if (out->reason != REASON_GOOD && starvation_count() != before)
		out->reason = REASON_WORKER_FAILED;
	if (out->reason == REASON_GOOD)
		out->verdict = VERDICT_ACCEPTED;
}

/* --- signing --- */

static gpgme_error_t give_passphrase(void *argument, const char *hint, const char *info, int previous_was_bad, int fd)
{
	const char *passphrase = argument;

	(void)hint;
	(void)info;
	if (previous_was_bad)
		return gpg_error(GPG_ERR_BAD_PASSPHRASE);
	if (gpgme_io_writen(fd, passphrase, strlen(passphrase)) || gpgme_io_writen(fd, "\n", 1))
		return gpgme_error_from_errno(errno);
	return 0;
}

struct secret_key {
	gpgme_key_t key;
	size_t count;
};

static bool note_secret_key(void *target, gpgme_key_t key, struct err *e)
{
	struct secret_key *found = target;

	(void)e;
	if (!key->can_sign || key->revoked || key->expired || key->disabled || key->invalid)
		return true;
	if (found->count++ == 0) {
		gpgme_key_ref(key);
		found->key = key;
	}
	return true;
}

/* The one secret key that `name` means; NULL means any. The caller unrefs. */
static bool find_secret_key(gpgme_ctx_t context, const char *name, gpgme_key_t *out, struct err *e)
{
	struct secret_key found = {0};
	cleanup(gpgme_key) gpgme_key_t key = NULL;
	gpgme_error_t error = gpgme_op_keylist_start(context, name, 1);
	bool ok;

	if (error)
		return fail(e, ERR_INTERNAL, "gpg can't list secret keys", error);
	ok = list_keys(context, note_secret_key, &found, e);
	key = found.key;
	if (!ok)
		return false;
	if (found.count == 0)
		return err_set(e, ERR_NOT_FOUND, "no secret key that can sign: %s", name ? name : "(in the file)");
	if (found.count > 1)
		return err_set(e, ERR_INVALID, "more than one secret key is meant by %s", name ? name : "the file");
	*out = take(key);
	return true;
}

static gpgme_sig_mode_t gpgme_mode(enum sign_mode mode)
{
	static const gpgme_sig_mode_t modes[] = {
		[SIGN_CLEAR] = GPGME_SIG_MODE_CLEAR,
		[SIGN_ATTACHED] = GPGME_SIG_MODE_NORMAL,
		[SIGN_DETACHED] = GPGME_SIG_MODE_DETACH,
	};

	return modes[mode];
}

/* Moves what gpg wrote to `out`. */
static bool take_output(gpgme_data_t data, struct buf *out, struct err *e)
{
	char chunk[4096];
	ssize_t got;

	if (gpgme_data_seek(data, 0, SEEK_SET) != 0)
		return err_errno(e, "gpgme");
	while ((got = gpgme_data_read(data, chunk, sizeof(chunk))) > 0)
		buf_add(out, str_make(chunk, (size_t)got));
	return got == 0 ? buf_ok(out, e) : err_errno(e, "gpgme");
}

/* The user's gpg.conf may ask for a hash that no verifier takes. */
static bool check_signed_well(gpgme_ctx_t context, struct err *e)
{
	gpgme_sign_result_t result = gpgme_op_sign_result(context);

	if (!result || !result->signatures || result->signatures->next)
		return err_set(e, ERR_INTERNAL, "gpg made no signature, or several");
	if (packets_hash_is_weak((unsigned)result->signatures->hash_algo))
		return err_set(e, ERR_INVALID, "gpg signed over a hash that is too weak: see digest-algo in gpg.conf");
	return true;
}

static bool sign_with(gpgme_ctx_t context, gpgme_key_t key, const struct sign_request *request, struct buf *out,
		      struct err *e)
{
	cleanup(gpgme_data) gpgme_data_t payload = NULL;
	cleanup(gpgme_data) gpgme_data_t signature = NULL;
	gpgme_error_t error;

	if (request->passphrase) {
		gpgme_set_pinentry_mode(context, GPGME_PINENTRY_MODE_LOOPBACK);
		gpgme_set_passphrase_cb(context, give_passphrase, (void *)request->passphrase);
	}
	error = gpgme_signers_add(context, key);
	if (error || gpgme_data_new(&signature) || !data_of(request->payload, &payload, e))
		return fail(e, ERR_INTERNAL, "gpgme", error);
	error = gpgme_op_sign(context, payload, signature, gpgme_mode(request->mode));
	if (error)
		return fail(e, gpgme_err_code(error) == GPG_ERR_BAD_PASSPHRASE ? ERR_INVALID : ERR_INTERNAL,
			    "gpg can't sign", error);
	return check_signed_well(context, e) && take_output(signature, out, e);
}

static bool sign_in(gpgme_ctx_t context, const char *name, const struct sign_request *request, struct buf *out,
		    char fingerprint[FINGERPRINT_MAX + 1], struct err *e)
{
	cleanup(gpgme_key) gpgme_key_t key = NULL;

	if (!find_secret_key(context, name, &key, e) || !sign_with(context, key, request, out, e))
		return false;
	return copy_fingerprint(key->fpr, fingerprint) || err_set(e, ERR_INTERNAL, "gpg gave no fingerprint");
}

/* A secret key file gets a home of its own, with an agent that ends with it. */
static bool sign_with_file(const struct sign_request *request, const char *parent, struct buf *out,
			   char fingerprint[FINGERPRINT_MAX + 1], struct err *e)
{
	cleanup(openpgp) struct openpgp *p = make(parent, HOME_SIGNS, e);
	cleanup(gpgme_data) gpgme_data_t file = NULL;
	gpgme_error_t error;

	if (!p || !enter(p, e))
		return false;
	error = gpgme_data_new_from_file(&file, request->key, 1);
	if (error)
		return fail(e, ERR_INVALID, request->key, error);
	if (request->passphrase) {
		gpgme_set_pinentry_mode(p->context, GPGME_PINENTRY_MODE_LOOPBACK);
		gpgme_set_passphrase_cb(p->context, give_passphrase, (void *)request->passphrase);
	}
	error = gpgme_op_import(p->context, file);
	if (error)
		return fail(e, ERR_INVALID, request->key, error);
	if (!sign_in(p->context, NULL, request, out, fingerprint, e))
		return err_context(e, "%s", request->key);
	return true;
}

bool openpgp_sign(const struct sign_request *request, const char *parent, struct buf *out,
		  char fingerprint[FINGERPRINT_MAX + 1], struct err *e)
{
	cleanup(gpgme_context) gpgme_ctx_t context = NULL;

	if (access(request->key, R_OK) == 0)
		return sign_with_file(request, parent, out, fingerprint, e);
	return make_context(&context, e) && sign_in(context, request->key, request, out, fingerprint, e);
}
