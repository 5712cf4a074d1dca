#include "server/tls_files.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"

#define CHAIN_MAX 8u
#define CLIENT_CHAIN_MAX 8u
#define KEPT_MS 60000
/* A handshake is over long before a replaced pair is freed. */
#define RETIRED_MS (10 * 1000 * (int64_t)LIMIT_REQUEST_HEAD_SECONDS)

const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-SHA1:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:"
			      "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:"
			      "%SERVER_PRECEDENCE";

struct tls_pair {
	struct tls_pair *next; /* among the retired */
	int64_t retired_ms;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned chain_length;
	gnutls_privkey_t key;
	int64_t expires_at;
};

struct tls_files {
	char *certificate;
	char *key;
	char *client_ca;
	struct file_look certificate_look;
	struct file_look key_look;
	struct file_look client_ca_look;
	bool retry_pair, retry_trust; /* the last load failed */
	struct err told;
	pthread_rwlock_t lock; /* over what follows */
	struct tls_pair *pair;
	struct tls_pair *retired;
	gnutls_x509_trust_list_t trust;
	unsigned generation; /* of trust; from 1 */
};

static void pair_free(struct tls_pair *pair)
{
	if (!pair)
		return;
	for (unsigned i = 0; i < pair->chain_length; i++)
		gnutls_pcert_deinit(&pair->chain[i]);
	if (pair->key)
		gnutls_privkey_deinit(pair->key);
	free(pair);
}
CLEANUP_POINTER(pair, struct tls_pair, pair_free)

static bool gnutls_ok(int code, const char *path, const char *what, struct err *e)
{
	if (code >= 0)
		return true;
	return err_set(e, code == GNUTLS_E_MEMORY_ERROR ? ERR_INTERNAL : ERR_INVALID, "%s: %s: %s", path, what,
		       gnutls_strerror(code));
}

static gnutls_datum_t datum(const struct buf *b)
{
	return (gnutls_datum_t){(unsigned char *)b->data, (unsigned)b->len};
}

static bool read_chain(const char *path, struct tls_pair *pair, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_KEY_FILE);
	unsigned length = CHAIN_MAX;
	if (!file_read_settled(path, &text, e))
		return false;
	gnutls_datum_t pem = datum(&text);
	int code = gnutls_pcert_list_import_x509_raw(pair->chain, &length, &pem, GNUTLS_X509_FMT_PEM, 0);
	if (!gnutls_ok(code, path, "not a certificate (PEM)", e))
		return false;
	pair->chain_length = length;
	return length > 0 || err_set(e, ERR_INVALID, "%s: holds no certificate", path);
}

static bool read_expiry(const char *path, struct tls_pair *pair, struct err *e)
{
	gnutls_x509_crt_t leaf;
	int code = gnutls_pcert_export_x509(&pair->chain[0], &leaf);
	if (!gnutls_ok(code, path, "not a certificate", e))
		return false;
	pair->expires_at = (int64_t)gnutls_x509_crt_get_expiration_time(leaf);
	gnutls_x509_crt_deinit(leaf);
	return true;
}

static bool read_key(const char *path, struct tls_pair *pair, struct err *e)
{
	cleanup(buf) struct buf text = buf_init_secret(LIMIT_KEY_FILE);
	if (!file_read_settled(path, &text, e))
		return false;
	gnutls_datum_t pem = datum(&text);
	int code = gnutls_privkey_init(&pair->key);
	if (code >= 0)
		code = gnutls_privkey_import_x509_raw(pair->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	return gnutls_ok(code, path, "not a private key (PEM, without a passphrase)", e);
}

static bool same_key_id(gnutls_pubkey_t a, gnutls_pubkey_t b)
{
	unsigned char id_a[64], id_b[64];
	size_t size_a = sizeof(id_a), size_b = sizeof(id_b);
	if (gnutls_pubkey_get_key_id(a, GNUTLS_KEYID_USE_SHA256, id_a, &size_a) < 0 ||
	    gnutls_pubkey_get_key_id(b, GNUTLS_KEYID_USE_SHA256, id_b, &size_b) < 0)
		return false;
	return size_a == size_b && memcmp(id_a, id_b, size_a) == 0;
}

static bool pair_fits(const struct tls_pair *pair)
{
	gnutls_pubkey_t public;
	if (gnutls_pubkey_init(&public) < 0)
		return false;
	bool fits = gnutls_pubkey_import_privkey(public, pair->key, 0, 0) >= 0 &&
		    same_key_id(public, pair->chain[0].pubkey);
	gnutls_pubkey_deinit(public);
	return fits;
}

static bool load_pair(const struct tls_files *files, struct tls_pair **out, struct err *e)
{
	cleanup(pair) struct tls_pair *pair = calloc(1, sizeof(*pair));
	if (!pair)
		return err_no_memory(e);
	if (!read_chain(files->certificate, pair, e) || !read_expiry(files->certificate, pair, e) ||
	    !read_key(files->key, pair, e))
		return false;
	if (!pair_fits(pair))
		return err_set(e, ERR_INVALID, "%s: does not belong to the certificate in %s", files->key,
			       files->certificate);
	*out = take(pair);
	return true;
}

static bool load_trust(const struct tls_files *files, gnutls_x509_trust_list_t *out, struct err *e)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_KEY_FILE);
	gnutls_x509_trust_list_t trust;
	if (!file_read_settled(files->client_ca, &text, e))
		return false;
	if (gnutls_x509_trust_list_init(&trust, 0) < 0)
		return err_no_memory(e);
	gnutls_datum_t pem = datum(&text);
	int count = gnutls_x509_trust_list_add_trust_mem(trust, &pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	if (count > 0) {
		*out = trust;
		return true;
	}
	gnutls_x509_trust_list_deinit(trust, 1);
	return err_set(e, ERR_INVALID, "%s: holds no certificate (PEM)", files->client_ca);
}

static void put_pair(struct tls_files *files, struct tls_pair *pair)
{
	pthread_rwlock_wrlock(&files->lock);
	struct tls_pair *old = files->pair;
	files->pair = pair;
	if (old) {
		old->retired_ms = clock_monotonic_ms();
		old->next = files->retired;
		files->retired = old;
	}
	pthread_rwlock_unlock(&files->lock);
}

static void put_trust(struct tls_files *files, gnutls_x509_trust_list_t trust)
{
	pthread_rwlock_wrlock(&files->lock);
	gnutls_x509_trust_list_t old = files->trust;
	files->trust = trust;
	files->generation++;
	pthread_rwlock_unlock(&files->lock);
	if (old)
		gnutls_x509_trust_list_deinit(old, 1);
}

static void free_retired(struct tls_files *files, int64_t before_ms)
{
	struct tls_pair **link = &files->retired;
	while (*link) {
		struct tls_pair *pair = *link;
		if (pair->retired_ms < before_ms) {
			*link = pair->next;
			pair_free(pair);
		} else {
			link = &pair->next;
		}
	}
}

static bool refresh_pair(struct tls_files *files, struct err *e)
{
	struct tls_pair *pair = NULL;
	bool certificate_changed = file_look_again(files->certificate, &files->certificate_look);
	bool key_changed = file_look_again(files->key, &files->key_look);
	if (!certificate_changed && !key_changed && !files->retry_pair)
		return false;
	files->retry_pair = !load_pair(files, &pair, e);
	if (files->retry_pair)
		return false;
	put_pair(files, pair);
	return true;
}

static bool refresh_trust(struct tls_files *files, struct err *e)
{
	gnutls_x509_trust_list_t trust = NULL;
	if (!files->client_ca || (!file_look_again(files->client_ca, &files->client_ca_look) && !files->retry_trust))
		return false;
	files->retry_trust = !load_trust(files, &trust, e);
	if (files->retry_trust)
		return false;
	put_trust(files, trust);
	return true;
}

/* A library that ran out of memory may well call a file bad: what failed is tried with every look, and told once. */
static void tell_once(struct tls_files *files, struct err *e)
{
	struct err why = *e;
	if (e->kind != ERR_NONE && strcmp(e->text, files->told.text) == 0)
		*e = ERR_INIT;
	files->told = why;
}

bool tls_files_refresh(struct tls_files *files, struct err *e)
{
	struct err trust_error = ERR_INIT;
	*e = ERR_INIT;
	free_retired(files, clock_monotonic_ms() - RETIRED_MS);
	bool pair = refresh_pair(files, e);
	bool trust = refresh_trust(files, &trust_error);
	if (e->kind == ERR_NONE)
		*e = trust_error;
	tell_once(files, e);
	return pair || trust;
}

static bool load_all(struct tls_files *files, struct err *e)
{
	struct err error = ERR_INIT;
	(void)tls_files_refresh(files, &error);
	if (error.kind == ERR_NONE && !files->pair)
		err_set(&error, ERR_INVALID, "%s: there is no such file", files->certificate);
	if (error.kind == ERR_NONE && files->client_ca && !files->trust)
		err_set(&error, ERR_INVALID, "%s: there is no such file", files->client_ca);
	if (error.kind == ERR_NONE)
		return true;
	return err_set(e, error.kind == ERR_INTERNAL ? ERR_INTERNAL : ERR_INVALID, "%s", error.text);
}

struct tls_files *tls_files_open(const char *certificate, const char *key, const char *client_ca, struct err *e)
{
	struct tls_files *files = calloc(1, sizeof(*files));
	if (!files) {
		err_no_memory(e);
		return NULL;
	}
	pthread_rwlock_init(&files->lock, NULL);
	files->certificate = strdup(certificate);
	files->key = strdup(key);
	files->client_ca = client_ca ? strdup(client_ca) : NULL;
	if (!files->certificate || !files->key || (client_ca && !files->client_ca))
		err_no_memory(e);
	else if (load_all(files, e))
		return files;
	tls_files_close(files);
	return NULL;
}

void tls_files_close(struct tls_files *files)
{
	if (!files)
		return;
	free_retired(files, INT64_MAX);
	pair_free(files->pair);
	if (files->trust)
		gnutls_x509_trust_list_deinit(files->trust, 1);
	pthread_rwlock_destroy(&files->lock);
	free(files->certificate);
	free(files->key);
	free(files->client_ca);
	free(files);
}

int64_t tls_files_expiry(struct tls_files *files)
{
	pthread_rwlock_rdlock(&files->lock);
	int64_t expires_at = files->pair->expires_at;
	pthread_rwlock_unlock(&files->lock);
	return expires_at;
}

/* gnutls asks for the pair of each handshake. */
static int give_pair(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **chain,
		     unsigned *length, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_length, gnutls_privkey_t *key,
		     unsigned *flags)
{
	struct tls_session *s = gnutls_db_get_ptr(session);
	(void)info;
	(void)flags;
	if (!s)
		return -1;
	pthread_rwlock_rdlock(&s->files->lock);
	struct tls_pair *pair = s->files->pair;
	pthread_rwlock_unlock(&s->files->lock);
	*chain = pair->chain;
	*length = pair->chain_length;
	*key = pair->key;
	*ocsp = NULL;
	*ocsp_length = 0;
	return 0;
}

tls_function *tls_files_certificate_callback(void)
{
	return (tls_function *)give_pair;
}

/* The client's Finished is the end of the handshake in TLS 1.3, and near enough in 1.2. */
static int after_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
			  const gnutls_datum_t *message)
{
	struct tls_session *s = gnutls_db_get_ptr(session);
	(void)type;
	(void)when;
	(void)message;
	if (s && incoming && s->established)
		s->established(s->context);
	return 0;
}

void tls_session_begin(struct tls_session *s, void *gnutls_session, int fd)
{
	gnutls_session_t session = gnutls_session;
	s->session = session;
	tls_push_init(&s->push, fd);
	gnutls_transport_set_ptr2(session, (gnutls_transport_ptr_t)(intptr_t)fd, &s->push);
	gnutls_transport_set_vec_push_function(session, tls_push_vector);
	gnutls_db_set_ptr(session, s);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, after_finished);
	if (s->ask_certificate && s->files->client_ca)
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
}

static unsigned import_peers(gnutls_session_t session, gnutls_x509_crt_t chain[CLIENT_CHAIN_MAX])
{
	unsigned sent = 0, count = 0;
	const gnutls_datum_t *raw = gnutls_certificate_get_peers(session, &sent);
	for (unsigned i = 0; raw && i < sent && i < CLIENT_CHAIN_MAX; i++) {
		if (gnutls_x509_crt_init(&chain[i]) < 0)
			break;
		count++;
		if (gnutls_x509_crt_import(chain[i], &raw[i], GNUTLS_X509_FMT_DER) < 0)
			break;
	}
	return count;
}

/* The caller holds the lock. */
static bool issued_by(gnutls_x509_trust_list_t trust, gnutls_x509_crt_t *chain, unsigned count)
{
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
					 .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
	unsigned problems = ~0u;
	int code = gnutls_x509_trust_list_verify_crt2(trust, chain, count, &purpose, 1, 0, &problems, NULL);
	return code >= 0 && problems == 0;
}

static bool check_client(struct tls_session *s)
{
	gnutls_x509_crt_t chain[CLIENT_CHAIN_MAX];
	unsigned count = import_peers(s->session, chain);
	bool accepted = count > 0 && issued_by(s->files->trust, chain, count);
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	return accepted;
}

bool tls_session_client_accepted(struct tls_session *s)
{
	int64_t now_ms = clock_monotonic_ms();
	if (!s->session || !s->files->client_ca)
		return false;
	pthread_rwlock_rdlock(&s->files->lock);
	if (s->checked_generation != s->files->generation || now_ms - s->checked_ms >= KEPT_MS) {
		s->client_accepted = check_client(s);
		s->checked_generation = s->files->generation;
		s->checked_ms = now_ms;
	}
	pthread_rwlock_unlock(&s->files->lock);
	return s->client_accepted;
}
