#include "certs/x509.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "certs/directory.h"
#include "certs/file_set.h"

enum { KEY_MODE = 0600, CERTIFICATE_MODE = 0644 };

/* The texts of one certificate and its key. */
struct pair {
	struct buf certificate;
	struct buf key;
};

#define PAIR_INIT ((struct pair){buf_init(CERTIFICATE_FILE_MAX), buf_init_secret(CERTIFICATE_FILE_MAX)})

static void pair_release(struct pair *pair)
{
	buf_release(&pair->key);
	buf_release(&pair->certificate);
}

CLEANUP_VALUE(pair, struct pair, pair_release)

static bool pair_write(const X509 *certificate, const EVP_PKEY *key, struct pair *out, struct err *e)
{
	return pem_write_certificate(certificate, &out->certificate, e) && pem_write_key(key, &out->key, e);
}

static bool make_authority(int64_t now, struct authority *out, struct err *e)
{
	out->key = issue_key(e);
	if (out->key)
		out->certificate = issue_certificate(ROLE_CA, out->key, NULL, NULL, now, e);
	return out->certificate != NULL;
}

static bool make_pair(enum certificate_role role, const GENERAL_NAMES *names, const struct authority *by, int64_t now,
		      struct pair *out, struct err *e)
{
	cleanup(evp_pkey) EVP_PKEY *key = issue_key(e);
	cleanup(x509) X509 *certificate = key ? issue_certificate(role, key, names, by, now, e) : NULL;

	return certificate && pair_write(certificate, key, out, e);
}

static bool add_names(GENERAL_NAMES *names, const struct option_list *more, struct err *e)
{
	for (size_t i = 0; more && i < more->count; i++)
		if (!san_add(names, more->items[i], e))
			return false;
	return true;
}

static GENERAL_NAMES *standard_names(struct err *e)
{
	static const char *const items[] = {"localhost", "127.0.0.1", "::1"};
	cleanup(general_names) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	if (!names) {
		err_no_memory(e);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (!san_add(names, items[i], e))
			return NULL;
	return take(names);
}

static bool make_directory(const char *dir, struct err *e)
{
	return mkdir(dir, 0700) == 0 || errno == EEXIST || err_errno(e, "%s", dir);
}

static bool put_new(const char *dir, const struct pair *ca, const struct pair *server, const struct pair *client,
		    struct err *e)
{
	const struct file_entry files[] = {
		{"ca-key.pem", buf_str(&ca->key), KEY_MODE},
		{"ca.pem", buf_str(&ca->certificate), CERTIFICATE_MODE},
		{"client-key.pem", buf_str(&client->key), KEY_MODE},
		{"client.pem", buf_str(&client->certificate), CERTIFICATE_MODE},
		{"server-key.pem", buf_str(&server->key), KEY_MODE},
		{"server.pem", buf_str(&server->certificate), CERTIFICATE_MODE},
	};

	return file_set_create(dir, files, sizeof(files) / sizeof(files[0]), e) || err_context(e, "%s", dir);
}

static bool put_renewed(const char *dir, const struct pair *server, const struct pair *client, struct err *e)
{
	const struct file_entry files[] = {
		{"client-key.pem", buf_str(&client->key), KEY_MODE},
		{"client.pem", buf_str(&client->certificate), CERTIFICATE_MODE},
		{"server-key.pem", buf_str(&server->key), KEY_MODE},
		{"server.pem", buf_str(&server->certificate), CERTIFICATE_MODE},
	};

	return file_set_replace(dir, files, sizeof(files) / sizeof(files[0]), e) || err_context(e, "%s", dir);
}

bool certs_init(const char *dir, const struct option_list *names, struct err *e)
{
	int64_t now = clock_now().seconds;
	cleanup(general_names) GENERAL_NAMES *all = standard_names(e);
	cleanup(authority) struct authority ca = {0};
	cleanup(pair) struct pair ca_pair = PAIR_INIT;
	cleanup(pair) struct pair server = PAIR_INIT;
	cleanup(pair) struct pair client = PAIR_INIT;

	return all && add_names(all, names, e) && make_authority(now, &ca, e) &&
	       pair_write(ca.certificate, ca.key, &ca_pair, e) && make_pair(ROLE_SERVER, all, &ca, now, &server, e) &&
	       make_pair(ROLE_CLIENT, NULL, &ca, now, &client, e) && make_directory(dir, e) &&
	       put_new(dir, &ca_pair, &server, &client, e);
}

static bool read_authority(const char *dir, int64_t now, struct authority *out, struct err *e)
{
	time_t when = (time_t)now;

	out->certificate = directory_certificate(dir, "ca.pem", e);
	if (!out->certificate)
		return false;
	out->key = directory_key(dir, "ca-key.pem", e);
	if (!out->key)
		return false;
	if (X509_check_ca(out->certificate) != 1)
		return err_set(e, ERR_INVALID, "%s/ca.pem is not the certificate of a CA", dir);
	if (!X509_check_private_key(out->certificate, out->key)) {
		ERR_clear_error();
		return err_set(e, ERR_INVALID, "%s/ca-key.pem is not the key of ca.pem", dir);
	}
	if (X509_cmp_time(X509_get0_notAfter(out->certificate), &when) <= 0)
		return err_set(e, ERR_INVALID, "%s/ca.pem has expired; make a new CA in another directory", dir);
	return true;
}

static bool add_old_names(const char *dir, GENERAL_NAMES *names, struct err *e)
{
	cleanup(x509) X509 *old = directory_certificate(dir, "server.pem", e);

	return old && san_add_from(names, old, e);
}

bool certs_renew(const char *dir, const struct option_list *names, struct err *e)
{
	int64_t now = clock_now().seconds;
	cleanup(general_names) GENERAL_NAMES *all = standard_names(e);
	cleanup(authority) struct authority ca = {0};
	cleanup(pair) struct pair server = PAIR_INIT;
	cleanup(pair) struct pair client = PAIR_INIT;

	return all && add_old_names(dir, all, e) && add_names(all, names, e) && read_authority(dir, now, &ca, e) &&
	       make_pair(ROLE_SERVER, all, &ca, now, &server, e) &&
	       make_pair(ROLE_CLIENT, NULL, &ca, now, &client, e) && put_renewed(dir, &server, &client, e);
}
