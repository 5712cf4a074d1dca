#include "server/tls_files.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "certs/x509.h"
#include "server/http.h"
#include "server/log.h"

/* Two directories of `certs_init`: a/ and b/, each with its own CA; the server reads from live/. */
static char dir[128];

static const char *path_of(const char *name)
{
	static char paths[8][256];
	static size_t next;
	char *path = paths[next++ % 8];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void put_text(const char *to, struct str text)
{
	char aside[256];
	(void)snprintf(aside, sizeof(aside), "%s/aside", dir);
	FILE *file = fopen(aside, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(aside, path_of(to)), 0);
}

static void copy(const char *from, const char *to)
{
	struct err e = ERR_INIT;
	cleanup(buf) struct buf text = buf_init(LIMIT_KEY_FILE);
	assert_true(file_read(path_of(from), &text, &e));
	put_text(to, buf_str(&text));
}

static int setup_all(void **state)
{
	struct err e = ERR_INIT;
	struct option_list none = {0};
	const char *tmp = getenv("TMPDIR");
	(void)state;
	log_setup("json", "error");
	(void)snprintf(dir, sizeof(dir), "%.100s/tls-files-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir) || mkdir(path_of("live"), 0700) != 0)
		return -1;
	return certs_init(path_of("a"), &none, &e) && certs_init(path_of("b"), &none, &e) ? 0 : -1;
}

static int teardown_all(void **state)
{
	static const char *const files[] = {"ca.pem",	      "ca-key.pem", "server.pem",
					    "server-key.pem", "client.pem", "client-key.pem"};
	static const char *const dirs[] = {"a", "b", "live"};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < 6; j++) {
			char name[64];
			(void)snprintf(name, sizeof(name), "%s/%s", dirs[i], files[j]);
			(void)unlink(path_of(name));
		}
		(void)rmdir(path_of(dirs[i]));
	}
	return rmdir(dir);
}

static int setup(void **state)
{
	struct err e = ERR_INIT;
	copy("a/server.pem", "live/server.pem");
	copy("a/server-key.pem", "live/server-key.pem");
	copy("a/ca.pem", "live/ca.pem");
	*state = tls_files_open(path_of("live/server.pem"), path_of("live/server-key.pem"), path_of("live/ca.pem"), &e);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	tls_files_close(*state);
	return 0;
}

static void answer(void *context, struct http_request *request, struct http_response *response)
{
	(void)context;
	response->status = 200;
	buf_printf(&response->body, "tls=%d client=%d", request->tls, request->client_certificate);
}

static struct http_listener *start(struct tls_files *files, bool ask, bool require)
{
	struct http_config config = {.name = "webhook",
				     .address = "127.0.0.1:0",
				     .body_limit = 100,
				     .tls = files,
				     .client_certificates = ask,
				     .require_client_certificate = require,
				     .handler = answer};
	struct err e = ERR_INIT;
	struct http_listener *listener = http_start(&config, &e);
	assert_non_null(listener);
	return listener;
}

static int connect_to(struct http_listener *listener)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	to.sin_port = htons((in_port_t)strtol(strrchr(http_address(listener), ':') + 1, NULL, 10));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* A client and what it learned. */
struct client {
	const char *priorities;	       /* NULL: the usual ones */
	bool one_share;		       /* offers a key for its first group alone, as Go and OpenSSL do */
	unsigned hellos;	       /* its own: two when the server asked for another group */
	const char *identity;	       /* directory of the client's certificate; NULL: none */
	const char *certificate, *key; /* within it */
	bool connected;
	char text[2048];
	unsigned char seen[64]; /* SHA-256 of the server's certificate */
	gnutls_session_t session;
	int fd;
};

static void see_certificate(struct client *client)
{
	unsigned count;
	size_t size = sizeof(client->seen);
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(client->session, &count);
	assert_non_null(chain);
	assert_int_equal(gnutls_fingerprint(GNUTLS_DIG_SHA256, &chain[0], client->seen, &size), 0);
}

static void talk(struct client *client)
{
	static const char request[] = "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\na";
	size_t length = 0;
	ssize_t n;
	int code;
	do
		code = gnutls_handshake(client->session);
	while (code < 0 && !gnutls_error_is_fatal(code));
	client->connected = code == 0;
	if (!client->connected)
		return;
	see_certificate(client);
	assert_true(gnutls_record_send(client->session, request, sizeof(request) - 1) > 0);
	while ((n = gnutls_record_recv(client->session, client->text + length, sizeof(client->text) - 1 - length)) > 0)
		length += (size_t)n;
	client->text[length] = 0;
}

static void offer_identity(struct client *client, gnutls_certificate_credentials_t credentials)
{
	char certificate[64], key[64];
	if (!client->identity)
		return;
	(void)snprintf(certificate, sizeof(certificate), "%s/%s", client->identity,
		       client->certificate ? client->certificate : "client.pem");
	(void)snprintf(key, sizeof(key), "%s/%s", client->identity, client->key ? client->key : "client-key.pem");
	assert_true(gnutls_certificate_set_x509_key_file(credentials, path_of(certificate), path_of(key),
							 GNUTLS_X509_FMT_PEM) >= 0);
}

static int count_hellos(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
			const gnutls_datum_t *message)
{
	struct client *client = gnutls_session_get_ptr(session);
	(void)when;
	(void)message;
	if (!incoming && type == GNUTLS_HANDSHAKE_CLIENT_HELLO)
		client->hellos++;
	return 0;
}

static void call(struct http_listener *listener, struct client *client)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_certificate_allocate_credentials(&credentials);
	offer_identity(client, credentials);
	gnutls_init(&client->session,
		    GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT | (client->one_share ? GNUTLS_KEY_SHARE_TOP : 0u));
	gnutls_session_set_ptr(client->session, client);
	gnutls_handshake_set_hook_function(client->session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_POST, count_hellos);
	assert_int_equal(
		gnutls_priority_set_direct(client->session, client->priorities ? client->priorities : "NORMAL", NULL),
		0);
	gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, credentials);
	client->fd = connect_to(listener);
	gnutls_transport_set_int(client->session, client->fd);
	gnutls_handshake_set_timeout(client->session, 20000);
	gnutls_record_set_timeout(client->session, 20000);
	talk(client);
	gnutls_deinit(client->session);
	gnutls_certificate_free_credentials(credentials);
	close(client->fd);
}

static void GHSA_hgv6_w7r3_w4qw_old_versions_of_tls_are_refused(void **state)
{
	static const struct {
		const char *priorities;
		bool connected;
	} rows[] = {{"NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
		    {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
		    {"NORMAL:-VERS-ALL:+VERS-TLS1.1", false},
		    {"NORMAL:-VERS-ALL:+VERS-TLS1.0", false},
		    {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", false}};
	struct http_listener *listener = start(*state, true, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client client = {.priorities = rows[i].priorities};
		call(listener, &client);
		assert_int_equal(client.connected, rows[i].connected);
		if (client.connected)
			assert_non_null(strstr(client.text, "tls=1 client=0"));
	}
	http_stop(listener);
}

static void the_usual_key_share_needs_no_second_round(void **state)
{
	struct client client = {
		.priorities =
			"NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1",
		.one_share = true};
	struct http_listener *listener = start(*state, false, false);
	call(listener, &client);
	assert_true(client.connected);
	assert_int_equal(client.hellos, 1);
	http_stop(listener);
}

static void a_client_certificate_counts_only_when_its_ca_issued_it_for_clients(void **state)
{
	struct client rows[] = {{.identity = "a"},
				{.identity = "b"},
				{.identity = "a", .certificate = "server.pem", .key = "server-key.pem"},
				{.identity = NULL},
				{.identity = "a", .priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2"}};
	static const bool accepted[] = {true, false, false, false, true};
	for (int require = 0; require < 2; require++) {
		struct http_listener *listener = start(*state, true, require);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			call(listener, &rows[i]);
			assert_true(rows[i].connected);
			const char *expected = accepted[i] ? "tls=1 client=1" : "tls=1 client=0";
			if (require && !accepted[i])
				expected = "HTTP/1.1 401";
			if (!strstr(rows[i].text, expected))
				fail_msg("row %zu, require %d: %s", i, require, rows[i].text);
		}
		http_stop(listener);
	}
}

static void a_listener_that_does_not_ask_gets_no_certificate(void **state)
{
	struct http_listener *listener = start(*state, false, false);
	struct client client = {.identity = "a"};
	call(listener, &client);
	assert_non_null(strstr(client.text, "client=0"));
	http_stop(listener);
}

static void a_new_client_ca_is_in_force_at_once(void **state)
{
	struct http_listener *listener = start(*state, true, false);
	struct client of_a = {.identity = "a"}, of_b = {.identity = "b"};
	struct err e = ERR_INIT;
	copy("b/ca.pem", "live/ca.pem");
	assert_true(tls_files_refresh(*state, &e));
	call(listener, &of_a);
	call(listener, &of_b);
	assert_non_null(strstr(of_a.text, "client=0"));
	assert_non_null(strstr(of_b.text, "client=1"));
	put_text("live/ca.pem", STR("nothing"));
	assert_false(tls_files_refresh(*state, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	call(listener, &of_b);
	assert_non_null(strstr(of_b.text, "client=1"));
	http_stop(listener);
}

static void the_next_handshake_has_the_new_pair_and_never_half_of_it(void **state)
{
	struct http_listener *listener = start(*state, false, false);
	struct client before = {0}, between = {0}, after = {0};
	struct err e = ERR_INIT;
	call(listener, &before);
	assert_false(tls_files_refresh(*state, &e));
	assert_int_equal(e.kind, ERR_NONE);
	copy("b/server.pem", "live/server.pem");
	assert_false(tls_files_refresh(*state, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, "does not belong to the certificate"));
	assert_false(tls_files_refresh(*state, &e));
	assert_int_equal(e.kind, ERR_NONE);
	call(listener, &between);
	copy("b/server-key.pem", "live/server-key.pem");
	assert_true(tls_files_refresh(*state, &e));
	assert_int_equal(e.kind, ERR_NONE);
	call(listener, &after);
	assert_true(before.connected && between.connected && after.connected);
	assert_memory_equal(before.seen, between.seen, 32);
	assert_memory_not_equal(before.seen, after.seen, 32);
	http_stop(listener);
}

static void unusable_files_keep_the_pair_in_force(void **state)
{
	static const struct {
		const char *file;
		struct str text;
	} rows[] = {{"live/server.pem", {"", 0}},
		    {"live/server.pem", {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 57}},
		    {"live/server-key.pem", {"not a key", 9}},
		    {"live/server-key.pem", {"", 0}}};
	struct http_listener *listener = start(*state, false, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client client = {0};
		struct err e = ERR_INIT;
		put_text(rows[i].file, rows[i].text);
		assert_false(tls_files_refresh(*state, &e));
		assert_int_equal(e.kind, ERR_INVALID);
		call(listener, &client);
		assert_true(client.connected);
		copy("a/server.pem", "live/server.pem");
		copy("a/server-key.pem", "live/server-key.pem");
		assert_true(tls_files_refresh(*state, &e));
	}
	assert_int_equal(unlink(path_of("live/server.pem")), 0);
	struct err e = ERR_INIT;
	assert_false(tls_files_refresh(*state, &e));
	assert_non_null(strstr(e.text, "live/server.pem"));
	http_stop(listener);
}

static void opening_needs_a_pair_that_fits(void **state)
{
	(void)state;
	static const struct {
		const char *certificate, *key, *ca, *text;
	} rows[] = {{"a/server.pem", "b/server-key.pem", NULL, "does not belong"},
		    {"a/server-key.pem", "a/server.pem", NULL, "a/server-key.pem"},
		    {"a/none.pem", "a/server-key.pem", NULL, "a/none.pem"},
		    {"a/server.pem", "a/none.pem", NULL, "a/none.pem"},
		    {"a/none.pem", "a/none-key.pem", NULL, "a/none.pem"},
		    {"a/server.pem", "a/server-key.pem", "a/none.pem", "a/none.pem"},
		    {"a/server.pem", "a/server-key.pem", "a/ca-key.pem", "a/ca-key.pem"},
		    {"a", "a/server-key.pem", NULL, "/a"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		assert_null(tls_files_open(path_of(rows[i].certificate), path_of(rows[i].key),
					   rows[i].ca ? path_of(rows[i].ca) : NULL, &e));
		assert_int_equal(e.kind, ERR_INVALID);
		if (!strstr(e.text, rows[i].text))
			fail_msg("%s", e.text);
	}
}

static void the_expiry_is_the_certificates(void **state)
{
	struct certificate_info info;
	struct err e = ERR_INIT;
	assert_true(certs_show(path_of("a"), "server.pem", &info, &e));
	assert_int_equal(tls_files_expiry(*state), info.not_after);
}

static void half_a_handshake_is_cut_off_and_does_not_disturb_others(void **state)
{
	struct http_listener *listener = start(*state, false, false);
	struct client client = {0};
	char out[16];
	int fd = connect_to(listener);
	assert_int_equal(send(fd, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11, MSG_NOSIGNAL), 11);
	while (http_connections(listener) == 0)
		(void)usleep(1000);
	assert_int_equal(http_reap(listener, clock_monotonic_ms() + 1000 * (LIMIT_REQUEST_HEAD_SECONDS - 1)), 0);
	call(listener, &client);
	assert_true(client.connected);
	assert_true(http_reap(listener, clock_monotonic_ms() + 1000 * (LIMIT_REQUEST_HEAD_SECONDS + 1)) >= 1);
	assert_true(recv(fd, out, sizeof(out), 0) <= 0);
	close(fd);
	http_stop(listener);
}

/* A connection that an API server opened in advance may wait as long as any idle one. */
static void a_finished_handshake_is_an_idle_connection(void **state)
{
	struct http_listener *listener = start(*state, false, false);
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	gnutls_certificate_allocate_credentials(&credentials);
	gnutls_init(&session, GNUTLS_CLIENT);
	/* In TLS 1.2 the server speaks last, so that both know when it is over. */
	gnutls_priority_set_direct(session, "NORMAL:-VERS-ALL:+VERS-TLS1.2", NULL);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	int fd = connect_to(listener);
	gnutls_transport_set_int(session, fd);
	assert_int_equal(gnutls_handshake(session), 0);
	assert_int_equal(http_reap(listener, clock_monotonic_ms() + 1000 * (LIMIT_IDLE_SECONDS - 1)), 0);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	close(fd);
	http_stop(listener);
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_FILES(GHSA_hgv6_w7r3_w4qw_old_versions_of_tls_are_refused),
		WITH_FILES(the_usual_key_share_needs_no_second_round),
		WITH_FILES(a_client_certificate_counts_only_when_its_ca_issued_it_for_clients),
		WITH_FILES(a_listener_that_does_not_ask_gets_no_certificate),
		WITH_FILES(a_new_client_ca_is_in_force_at_once),
		WITH_FILES(the_next_handshake_has_the_new_pair_and_never_half_of_it),
		WITH_FILES(unusable_files_keep_the_pair_in_force),
		WITH_FILES(the_expiry_is_the_certificates),
		WITH_FILES(half_a_handshake_is_cut_off_and_does_not_disturb_others),
		WITH_FILES(a_finished_handshake_is_an_idle_connection),
		cmocka_unit_test(opening_needs_a_pair_that_fits),
	};
	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
