#include "certs/x509.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "base/codec.h"
#include "certs/directory.h"

CLEANUP_POINTER(x509_store, X509_STORE, X509_STORE_free)
CLEANUP_POINTER(x509_store_ctx, X509_STORE_CTX, X509_STORE_CTX_free)

static int64_t seconds_of(const ASN1_TIME *when)
{
	struct tm parts = {0};

	return ASN1_TIME_to_tm(when, &parts) ? (int64_t)timegm(&parts) : 0;
}

static void describe_names(const X509 *certificate, struct certificate_info *info)
{
	cleanup(general_names) GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	cleanup(buf) struct buf text = buf_init(sizeof(info->names) * 4);

	san_write(names, &text);
	(void)snprintf(info->names, sizeof(info->names), "%.*s", STR_ARG(buf_str(&text)));
}

static void describe_fingerprint(const X509 *certificate, struct certificate_info *info)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	cleanup(buf) struct buf text = buf_init(sizeof(info->fingerprint));

	if (!X509_digest(certificate, EVP_sha256(), hash, &size))
		return;
	hex_encode(&text, str_make((const char *)hash, size));
	(void)snprintf(info->fingerprint, sizeof(info->fingerprint), "%.*s", STR_ARG(buf_str(&text)));
}

/* X509_NAME_oneline escapes what does not print. */
static void describe(const X509 *certificate, const char *file, struct certificate_info *info)
{
	(void)snprintf(info->file, sizeof(info->file), "%s", file);
	X509_NAME_oneline(X509_get_subject_name(certificate), info->subject, sizeof(info->subject));
	X509_NAME_oneline(X509_get_issuer_name(certificate), info->issuer, sizeof(info->issuer));
	info->not_before = seconds_of(X509_get0_notBefore(certificate));
	info->not_after = seconds_of(X509_get0_notAfter(certificate));
	describe_names(certificate, info);
	describe_fingerprint(certificate, info);
}

static int purpose_of(const char *file)
{
	if (str_eq_c(str_of(file), "server.pem"))
		return X509_PURPOSE_SSL_SERVER;
	return str_eq_c(str_of(file), "client.pem") ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_ANY;
}

/* The reason why `certificate` does not chain to `ca` now, for its purpose; NULL when it does. */
static const char *chain_problem(X509 *certificate, X509 *ca, int purpose)
{
	cleanup(x509_store) X509_STORE *store = X509_STORE_new();
	cleanup(x509_store_ctx) X509_STORE_CTX *context = X509_STORE_CTX_new();

	if (!store || !context || !X509_STORE_add_cert(store, ca) ||
	    !X509_STORE_CTX_init(context, store, certificate, NULL) || !X509_STORE_CTX_set_purpose(context, purpose))
		return "out of memory";
	if (X509_verify_cert(context) == 1)
		return NULL;
	return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
}

static bool check_chain(const char *dir, X509 *certificate, const char *file, struct err *e)
{
	cleanup(x509) X509 *ca = directory_certificate(dir, "ca.pem", e);
	const char *problem = ca ? chain_problem(certificate, ca, purpose_of(file)) : NULL;

	ERR_clear_error();
	if (!ca)
		return false;
	return !problem || err_set(e, ERR_INVALID, "does not chain to ca.pem: %s", problem);
}

static bool check_key(const char *dir, X509 *certificate, const char *file, struct err *e)
{
	char name[64];
	cleanup(evp_pkey) EVP_PKEY *key = directory_key_name(file, name) ? directory_key(dir, name, e) : NULL;

	if (!key)
		return false;
	if (X509_check_private_key(certificate, key))
		return true;
	ERR_clear_error();
	return err_set(e, ERR_INVALID, "%s is not its key", name);
}

bool certs_show(const char *dir, const char *file, struct certificate_info *out, struct err *e)
{
	struct certificate_info info = {.fits = false};
	struct err problem = ERR_INIT;
	cleanup(x509) X509 *certificate = directory_certificate(dir, file, e);

	if (!certificate)
		return false;
	describe(certificate, file, &info);
	info.fits = check_chain(dir, certificate, file, &problem) && check_key(dir, certificate, file, &problem);
	if (!info.fits)
		(void)snprintf(info.problem, sizeof(info.problem), "%s", problem.text);
	*out = info;
	return true;
}
