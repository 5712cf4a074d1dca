#include <errno.h>
#include <unistd.h>

#include "attest/openpgp_private.h"
#include "attest/packets.h"

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
		return openpgp_fail(e, ERR_INTERNAL, "gpg can't list secret keys", error);
	ok = openpgp_each_key(context, note_secret_key, &found, e);
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
	if (error || gpgme_data_new(&signature) || !openpgp_data(request->payload, &payload, e))
		return openpgp_fail(e, ERR_INTERNAL, "gpgme", error);
	error = gpgme_op_sign(context, payload, signature, gpgme_mode(request->mode));
	if (error)
		return openpgp_fail(e, gpgme_err_code(error) == GPG_ERR_BAD_PASSPHRASE ? ERR_INVALID : ERR_INTERNAL,
				    "gpg can't sign", error);
	return check_signed_well(context, e) && take_output(signature, out, e);
}

static bool sign_in(gpgme_ctx_t context, const char *name, const struct sign_request *request, struct buf *out,
		    char fingerprint[FINGERPRINT_MAX + 1], struct err *e)
{
	cleanup(gpgme_key) gpgme_key_t key = NULL;

	if (!find_secret_key(context, name, &key, e) || !sign_with(context, key, request, out, e))
		return false;
	return openpgp_fingerprint(key->fpr, fingerprint) || err_set(e, ERR_INTERNAL, "gpg gave no fingerprint");
}

/* A secret key file gets a home of its own, with an agent that ends with it. */
static bool sign_with_file(const struct sign_request *request, const char *parent, struct buf *out,
			   char fingerprint[FINGERPRINT_MAX + 1], struct err *e)
{
	cleanup(openpgp) struct openpgp *p = openpgp_make(parent, HOME_SIGNS, e);
	cleanup(gpgme_data) gpgme_data_t file = NULL;
	gpgme_error_t error;

	if (!p || !openpgp_enter(p, e))
		return false;
	error = gpgme_data_new_from_file(&file, request->key, 1);
	if (error)
		return openpgp_fail(e, ERR_INVALID, request->key, error);
	if (request->passphrase) {
		gpgme_set_pinentry_mode(p->context, GPGME_PINENTRY_MODE_LOOPBACK);
		gpgme_set_passphrase_cb(p->context, give_passphrase, (void *)request->passphrase);
	}
	error = gpgme_op_import(p->context, file);
	if (error)
		return openpgp_fail(e, ERR_INVALID, request->key, error);
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
	return openpgp_context(&context, e) && sign_in(context, request->key, request, out, fingerprint, e);
}
