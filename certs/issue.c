#include "certs/issue.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

enum {
	SERIAL_SIZE = 20, /* RFC 5280, 4.1.2.2: at most 20 octets, positive */
	SKEW_SECONDS = 300,
	DAY_SECONDS = 86400,
	EXTENSIONS_MAX = 5,
};

CLEANUP_POINTER(bio, BIO, BIO_free_all)
CLEANUP_POINTER(bignum, BIGNUM, BN_free)
CLEANUP_POINTER(extension, X509_EXTENSION, X509_EXTENSION_free)

struct profile {
	const char *common_name;
	long days;
	struct {
		int nid;
		const char *value;
	} extensions[EXTENSIONS_MAX];
};

static const struct profile profiles[] = {
	[ROLE_CA] = {"sealgate CA",
		     3650,
		     {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
		      {NID_key_usage, "critical,keyCertSign,cRLSign"},
		      {NID_subject_key_identifier, "hash"},
		      {NID_authority_key_identifier, "keyid:always"}}},
	[ROLE_SERVER] = {"sealgate server",
			 365,
			 {{NID_basic_constraints, "critical,CA:FALSE"},
			  {NID_key_usage, "critical,digitalSignature"},
			  {NID_ext_key_usage, "serverAuth"},
			  {NID_subject_key_identifier, "hash"},
			  {NID_authority_key_identifier, "keyid:always"}}},
	[ROLE_CLIENT] = {"sealgate client",
			 365,
			 {{NID_basic_constraints, "critical,CA:FALSE"},
			  {NID_key_usage, "critical,digitalSignature"},
			  {NID_ext_key_usage, "clientAuth"},
			  {NID_subject_key_identifier, "hash"},
			  {NID_authority_key_identifier, "keyid:always"}}},
};

bool err_openssl(struct err *e, const char *what)
{
	char reason[256] = "no reason given";
	unsigned long code = ERR_peek_last_error();

	if (code)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	return err_set(e, ERR_INTERNAL, "%s: %s", what, reason);
}

void authority_release(struct authority *authority)
{
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
	*authority = (struct authority){0};
}

EVP_PKEY *issue_key(struct err *e)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	if (!key)
		err_openssl(e, "making a key");
	return key;
}

static bool set_serial(X509 *certificate)
{
	unsigned char bytes[SERIAL_SIZE];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	cleanup(bignum) BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
}

static bool set_names(X509 *certificate, const char *common_name, const X509 *issuer)
{
	X509_NAME *subject = X509_get_subject_name(certificate);

	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
					  0) &&
	       X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
}

static bool set_validity(X509 *certificate, long days, const X509 *issuer, int64_t now)
{
	time_t from = (time_t)now - SKEW_SECONDS;
	time_t to = (time_t)now + days * DAY_SECONDS;

	if (!X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &from) ||
	    !X509_time_adj_ex(X509_getm_notAfter(certificate), 0, 0, &to))
		return false;
	if (issuer && X509_cmp_time(X509_get0_notAfter(issuer), &to) < 0)
		return X509_set1_notAfter(certificate, X509_get0_notAfter(issuer));
	return true;
}

static bool add_extension(X509 *certificate, X509V3_CTX *context, int nid, const char *value)
{
	cleanup(extension) X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);

	return extension && X509_add_ext(certificate, extension, -1);
}

/* The names go in as values, never as text that OpenSSL's configuration syntax could read otherwise. */
static bool add_extensions(X509 *certificate, const struct profile *profile, const GENERAL_NAMES *names, X509 *issuer)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
	for (size_t i = 0; i < EXTENSIONS_MAX && profile->extensions[i].nid; i++)
		if (!add_extension(certificate, &context, profile->extensions[i].nid, profile->extensions[i].value))
			return false;
	return !names || X509_add1_ext_i2d(certificate, NID_subject_alt_name, (void *)names, 0, X509V3_ADD_DEFAULT);
}

X509 *issue_certificate(enum certificate_role role, EVP_PKEY *key, const GENERAL_NAMES *names,
			const struct authority *by, int64_t now, struct err *e)
{
	const struct profile *profile = &profiles[role];
	X509 *issuer = by ? by->certificate : NULL;
	cleanup(x509) X509 *made = X509_new();

	if (!made || !X509_set_version(made, X509_VERSION_3) || !set_serial(made) ||
	    !set_names(made, profile->common_name, issuer) || !set_validity(made, profile->days, issuer, now) ||
	    !X509_set_pubkey(made, key) || !add_extensions(made, profile, names, issuer) ||
	    !X509_sign(made, by ? by->key : key, EVP_sha256())) {
		err_openssl(e, "making a certificate");
		return NULL;
	}
	return take(made);
}

static bool append_bio(BIO *bio, struct buf *out, struct err *e)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	buf_add(out, str_make(data, (size_t)len));
	return buf_ok(out, e);
}

bool pem_write_certificate(const X509 *certificate, struct buf *out, struct err *e)
{
	cleanup(bio) BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || !PEM_write_bio_X509(bio, certificate))
		return err_openssl(e, "writing a certificate");
	return append_bio(bio, out, e);
}

bool pem_write_key(const EVP_PKEY *key, struct buf *out, struct err *e)
{
	cleanup(bio) BIO *bio = BIO_new(BIO_s_secmem());

	if (!bio || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return err_openssl(e, "writing a key");
	return append_bio(bio, out, e);
}

X509 *pem_read_certificate(struct str pem, struct err *e)
{
	cleanup(bio) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	if (!certificate)
		err_set(e, ERR_INVALID, "holds no certificate in PEM");
	ERR_clear_error();
	return certificate;
}

/* Without it OpenSSL asks on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

EVP_PKEY *pem_read_key(struct str pem, struct err *e)
{
	cleanup(bio) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	if (!key)
		err_set(e, ERR_INVALID, "holds no private key in PEM that can be read without a passphrase");
	ERR_clear_error();
	return key;
}
