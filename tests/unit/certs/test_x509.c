#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/file.h"
#include "certs/x509.h"

#define DAY 86400

static const char *const all_files[] = {"ca.pem",	  "ca-key.pem", "server.pem",
					"server-key.pem", "client.pem", "client-key.pem"};
enum { FILES = sizeof(all_files) / sizeof(all_files[0]) };

/* One scratch directory per test; `dir` below it is the certificate directory. */
struct scratch {
	char root[256];
	char dir[300];
};

static const char *in(const struct scratch *s, const char *name, char out[512])
{
	(void)snprintf(out, 512, "%s/%s", s->dir, name);
	return out;
}

static int scratch_make(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));
	const char *base = getenv("TMPDIR");

	if (!s)
		return -1;
	(void)snprintf(s->root, sizeof(s->root), "%s/sealgate-certs.XXXXXX", base ? base : "/tmp");
	*state = s;
	if (!mkdtemp(s->root))
		return -1;
	(void)snprintf(s->dir, sizeof(s->dir), "%s/certs", s->root);
	return 0;
}

static void empty_directory(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	char name[600];

	if (!d)
		return;
	while ((entry = readdir(d)) != NULL) {
		(void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlink(name);
	}
	closedir(d);
}

static int scratch_remove(void **state)
{
	struct scratch *s = *state;

	(void)chmod(s->dir, 0700);
	empty_directory(s->dir);
	(void)rmdir(s->dir);
	empty_directory(s->root);
	(void)rmdir(s->root);
	free(s);
	return 0;
}

static size_t entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n < 2 ? 0 : n - 2;
}

static struct option_list list_of(const char **items, size_t count)
{
	return (struct option_list){.items = items, .count = count, .given = count > 0};
}

static void init(const struct scratch *s, const char **names, size_t count)
{
	struct option_list list = list_of(names, count);
	struct err e = ERR_INIT;

	if (!certs_init(s->dir, &list, &e))
		fail_msg("%s", e.text);
}

static void put(const struct scratch *s, const char *name, const char *text)
{
	char path[512];
	FILE *f = fopen(in(s, name, path), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct buf content(const struct scratch *s, const char *name)
{
	char path[512];
	struct err e = ERR_INIT;
	struct buf out = buf_init(1 << 20);

	if (!file_read(in(s, name, path), &out, &e))
		fail_msg("%s", e.text);
	return out;
}

static void assert_same_content(const struct scratch *s, const char *name, struct buf *before, bool same)
{
	cleanup(buf) struct buf now = content(s, name);

	assert_int_equal(str_eq(buf_str(before), buf_str(&now)), same);
	buf_release(before);
}

static struct certificate_info show(const struct scratch *s, const char *file)
{
	struct certificate_info info;
	struct err e = ERR_INIT;

	if (!certs_show(s->dir, file, &info, &e))
		fail_msg("%s", e.text);
	return info;
}

static void init_makes_six_files_that_fit(void **state)
{
	static const char *const shown[] = {"ca.pem", "server.pem", "client.pem"};
	const char *names[] = {"sealgate.sealgate.svc", "10.1.2.3"};
	struct scratch *s = *state;

	init(s, names, 2);
	assert_int_equal(entries(s->dir), FILES);
	for (size_t i = 0; i < 3; i++) {
		struct certificate_info info = show(s, shown[i]);

		if (!info.fits)
			fail_msg("%s: %s", shown[i], info.problem);
		assert_string_equal(info.problem, "");
		assert_int_equal(strlen(info.fingerprint), 64);
	}
}

static void keys_are_for_their_owner_alone(void **state)
{
	struct scratch *s = *state;
	mode_t old = umask(0);
	struct stat st;
	char path[512];

	init(s, NULL, 0);
	(void)umask(old);
	assert_int_equal(stat(s->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	for (size_t i = 0; i < FILES; i++) {
		assert_int_equal(stat(in(s, all_files[i], path), &st), 0);
		assert_int_equal(st.st_mode & 0777, strstr(all_files[i], "key") ? 0600 : 0644);
	}
}

static void server_names_keep_order_and_lose_duplicates(void **state)
{
	const char *names[] = {"a.example.com", "::1", "2001:DB8::1", "*.b.example.com", "a.example.com"};
	struct scratch *s = *state;

	init(s, names, 5);
	assert_string_equal(show(s, "server.pem").names,
			    "localhost, 127.0.0.1, ::1, a.example.com, 2001:db8::1, *.b.example.com");
	assert_string_equal(show(s, "client.pem").names, "");
}

static void ca_lives_ten_years_and_the_others_one(void **state)
{
	struct scratch *s = *state;
	int64_t now = clock_now().seconds;
	struct certificate_info ca, server;

	init(s, NULL, 0);
	ca = show(s, "ca.pem");
	server = show(s, "server.pem");
	assert_true(ca.not_before <= now && server.not_before <= now);
	assert_true(ca.not_after > now + 3649LL * DAY && ca.not_after < now + 3651LL * DAY);
	assert_true(server.not_after > now + 364LL * DAY && server.not_after < now + 366LL * DAY);
	assert_string_equal(server.issuer, ca.subject);
}

static X509 *load(const struct scratch *s, const char *name)
{
	char path[512];
	FILE *f = fopen(in(s, name, path), "r");
	X509 *certificate = NULL;

	assert_non_null(f);
	certificate = PEM_read_X509(f, NULL, NULL, NULL);
	(void)fclose(f);
	assert_non_null(certificate);
	return certificate;
}

static void extensions_say_what_each_is_for(void **state)
{
	static const struct {
		const char *file;
		int is_ca;
		uint32_t usage;
		uint32_t extended;
	} rows[] = {
		{"ca.pem", 1, KU_KEY_CERT_SIGN | KU_CRL_SIGN, UINT32_MAX},
		{"server.pem", 0, KU_DIGITAL_SIGNATURE, XKU_SSL_SERVER},
		{"client.pem", 0, KU_DIGITAL_SIGNATURE, XKU_SSL_CLIENT},
	};
	struct scratch *s = *state;

	init(s, NULL, 0);
	for (size_t i = 0; i < 3; i++) {
		X509 *c = load(s, rows[i].file);

		assert_int_equal(X509_check_ca(c), rows[i].is_ca);
		assert_int_equal(X509_get_key_usage(c), rows[i].usage);
		assert_int_equal(X509_get_extended_key_usage(c), rows[i].extended);
		assert_int_equal(X509_get_pathlen(c), rows[i].is_ca ? 0 : -1);
		assert_non_null(X509_get0_subject_key_id(c));
		assert_non_null(X509_get0_authority_key_id(c));
		assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(c)), 20);
		X509_free(c);
	}
}

static void refuses_to_overwrite_any_of_the_files(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	char path[512];

	assert_int_equal(mkdir(s->dir, 0700), 0);
	for (size_t i = 0; i < FILES; i++) {
		put(s, all_files[i], "mine");
		assert_false(certs_init(s->dir, NULL, &e));
		assert_int_equal(e.kind, ERR_FORBIDDEN);
		assert_int_equal(err_exit_status(e.kind), 1);
		assert_non_null(strstr(e.text, all_files[i]));
		assert_int_equal(entries(s->dir), 1);
		cleanup(buf) struct buf kept = content(s, all_files[i]);
		assert_true(str_eq(buf_str(&kept), STR("mine")));
		assert_int_equal(unlink(in(s, all_files[i], path)), 0);
	}
}

static void a_dangling_link_is_not_written_through(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	char target[512], path[512];

	assert_int_equal(mkdir(s->dir, 0700), 0);
	(void)snprintf(target, sizeof(target), "%s/elsewhere", s->root);
	assert_int_equal(symlink(target, in(s, "server-key.pem", path)), 0);
	assert_false(certs_init(s->dir, NULL, &e));
	assert_int_equal(e.kind, ERR_FORBIDDEN);
	assert_int_equal(access(target, F_OK), -1);
}

static void refuses_names_that_are_neither_dns_nor_address(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"a..b",
		"a.",
		".a",
		"-a.b",
		"a-.b",
		"a_b",
		"a b",
		"a/b",
		"*",
		"*.",
		"a.*.b",
		"x*.b",
		"1.2.3",
		"1.2.3.4.5",
		"300.1.1.1",
		"fe80::1%lo",
		"[::1]",
		"10.0.0.0/8",
		"a,DNS:b",
		"https://a",
		"host:443",
		"a\nb",
		"b\xc3\xbc"
		"cher",
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *names[] = {"good.example.com", bad[i]};
		struct option_list list = list_of(names, 2);
		struct err e = ERR_INIT;

		if (certs_init(s->dir, &list, &e))
			fail_msg("accepted \"%s\"", bad[i]);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_int_equal(access(s->dir, F_OK), -1);
	}
}

static void refuses_labels_and_names_that_are_too_long(void **state)
{
	struct scratch *s = *state;
	char label[65], name[260];
	struct err e = ERR_INIT;
	const char *items[] = {label};
	struct option_list list = list_of(items, 1);

	memset(label, 'a', 64);
	label[64] = 0;
	assert_false(certs_init(s->dir, &list, &e));
	label[63] = 0;
	assert_true(certs_init(s->dir, &list, &e));
	for (size_t i = 0; i < 254; i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	name[254] = 0;
	items[0] = name;
	assert_false(certs_renew(s->dir, &list, &e));
	name[253] = 0;
	assert_true(certs_renew(s->dir, &list, &e));
}

static void leaves_nothing_where_it_cannot_write(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	char deep[512];

	struct scratch root = *s;

	(void)snprintf(root.dir, sizeof(root.dir), "%s", s->root);
	put(&root, "plain", "not a directory");
	(void)snprintf(deep, sizeof(deep), "%s/plain", s->root);
	assert_false(certs_init(deep, NULL, &e));
	assert_non_null(strstr(e.text, "plain"));
	(void)snprintf(deep, sizeof(deep), "%s/absent/below", s->root);
	assert_false(certs_init(deep, NULL, &e));
	assert_int_equal(access(deep, F_OK), -1);
	if (geteuid() == 0)
		return;
	assert_int_equal(mkdir(s->dir, 0500), 0);
	assert_false(certs_init(s->dir, NULL, &e));
	assert_int_equal(entries(s->dir), 0);
}

static void renew_keeps_the_ca_and_the_names(void **state)
{
	const char *first[] = {"a.example.com", "10.0.0.1"};
	const char *more[] = {"b.example.com", "a.example.com"};
	struct option_list list = list_of(more, 2);
	struct scratch *s = *state;
	struct err e = ERR_INIT;

	init(s, first, 2);
	struct buf before[FILES];
	for (size_t i = 0; i < FILES; i++)
		before[i] = content(s, all_files[i]);
	assert_true(certs_renew(s->dir, &list, &e));
	for (size_t i = 0; i < FILES; i++)
		assert_same_content(s, all_files[i], &before[i], str_starts_with(str_of(all_files[i]), STR("ca")));
	assert_int_equal(entries(s->dir), FILES);
	assert_true(show(s, "server.pem").fits);
	assert_true(show(s, "client.pem").fits);
	assert_string_equal(show(s, "server.pem").names,
			    "localhost, 127.0.0.1, ::1, a.example.com, 10.0.0.1, b.example.com");
}

/* Each row spoils one file; renewing must then fail and change nothing. */
static void renew_refuses_a_ca_that_it_cannot_sign_with(void **state)
{
	static const struct {
		const char *file;
		const char *from; /* another file of the directory; NULL: remove */
		const char *says;
	} rows[] = {
		{"ca-key.pem", "server-key.pem", "is not the key of ca.pem"},
		{"ca.pem", "server.pem", "not the certificate of a CA"},
		{"ca-key.pem", "ca.pem", "no private key"},
		{"ca.pem", "ca-key.pem", "no certificate"},
		{"ca-key.pem", NULL, "ca-key.pem"},
		{"ca.pem", NULL, "ca.pem"},
		{"server.pem", "client-key.pem", "no certificate"},
		{"server.pem", NULL, "server.pem"},
	};
	struct scratch *s = *state;

	init(s, NULL, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[512];
		struct err e = ERR_INIT;
		struct buf client = content(s, "client.pem");
		cleanup(buf) struct buf kept = content(s, rows[i].file);

		if (rows[i].from) {
			cleanup(buf) struct buf other = content(s, rows[i].from);
			put(s, rows[i].file, other.data);
		} else {
			assert_int_equal(unlink(in(s, rows[i].file, path)), 0);
		}
		if (certs_renew(s->dir, NULL, &e))
			fail_msg("row %zu was accepted", i);
		if (!strstr(e.text, rows[i].says))
			fail_msg("row %zu: %s", i, e.text);
		assert_same_content(s, "client.pem", &client, true);
		put(s, rows[i].file, kept.data);
	}
}

static void show_finds_what_does_not_fit(void **state)
{
	struct scratch *s = *state;
	struct certificate_info info;
	struct err e = ERR_INIT;

	init(s, NULL, 0);
	cleanup(buf) struct buf client_key = content(s, "client-key.pem");
	put(s, "server-key.pem", client_key.data);
	info = show(s, "server.pem");
	assert_false(info.fits);
	assert_string_equal(info.problem, "server-key.pem is not its key");

	cleanup(buf) struct buf client = content(s, "client.pem");
	put(s, "server.pem", client.data);
	info = show(s, "server.pem");
	assert_false(info.fits);
	assert_non_null(strstr(info.problem, "does not chain to ca.pem"));

	put(s, "server.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	assert_false(certs_show(s->dir, "server.pem", &info, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_false(certs_show(s->dir, "absent.pem", &info, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void show_refuses_the_chain_of_another_ca(void **state)
{
	struct scratch *s = *state;
	struct scratch other = *s;
	struct certificate_info info;

	init(s, NULL, 0);
	(void)snprintf(other.dir, sizeof(other.dir), "%s/second", s->root);
	init(&other, NULL, 0);
	cleanup(buf) struct buf ca = content(&other, "ca.pem");
	put(s, "ca.pem", ca.data);
	info = show(s, "server.pem");
	assert_false(info.fits);
	assert_non_null(strstr(info.problem, "does not chain"));
	empty_directory(other.dir);
	assert_int_equal(rmdir(other.dir), 0);
}

static bool bundle(const struct scratch *s, const char *text, struct buf *out, struct err *e)
{
	char path[512];

	put(s, "bundle.pem", text);
	return certs_read_bundle(in(s, "bundle.pem", path), out, e);
}

static void a_bundle_is_its_certificates_and_nothing_else(void **state)
{
	struct scratch *s = *state;
	struct err e = ERR_INIT;
	cleanup(buf) struct buf text = buf_init(1 << 16);
	cleanup(buf) struct buf out = buf_init(1 << 16);

	init(s, NULL, 0);
	cleanup(buf) struct buf ca = content(s, "ca.pem");
	cleanup(buf) struct buf server = content(s, "server.pem");
	buf_printf(&text, "my CA\n%s\nand another: token=secret\n%s trailing", ca.data, server.data);
	if (!bundle(s, text.data, &out, &e))
		fail_msg("%s", e.text);
	buf_clear(&text);
	buf_printf(&text, "%s%s", ca.data, server.data);
	assert_string_equal(out.data, text.data);
}

static void refuses_bundles_without_certificates_or_with_a_key(void **state)
{
	struct scratch *s = *state;
	cleanup(buf) struct buf both = buf_init(1 << 16);
	cleanup(buf) struct buf broken = buf_init(1 << 16);
	cleanup(buf) struct buf out = buf_init(1 << 16);

	init(s, NULL, 0);
	cleanup(buf) struct buf ca = content(s, "ca.pem");
	cleanup(buf) struct buf key = content(s, "ca-key.pem");
	buf_printf(&both, "%s%s", ca.data, key.data);
	buf_printf(&broken, "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ca.data);
	const char *const texts[] = {"",	"hello",     key.data,
				     both.data, broken.data, "-----BEGIN CERTIFICATE-----\nno end\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err e = ERR_INIT;

		if (bundle(s, texts[i], &out, &e))
			fail_msg("row %zu was accepted", i);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_non_null(strstr(e.text, "bundle.pem"));
		assert_int_equal(out.len, 0);
	}
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(init_makes_six_files_that_fit),
		WITH_SCRATCH(keys_are_for_their_owner_alone),
		WITH_SCRATCH(server_names_keep_order_and_lose_duplicates),
		WITH_SCRATCH(ca_lives_ten_years_and_the_others_one),
		WITH_SCRATCH(extensions_say_what_each_is_for),
		WITH_SCRATCH(refuses_to_overwrite_any_of_the_files),
		WITH_SCRATCH(a_dangling_link_is_not_written_through),
		WITH_SCRATCH(refuses_names_that_are_neither_dns_nor_address),
		WITH_SCRATCH(refuses_labels_and_names_that_are_too_long),
		WITH_SCRATCH(leaves_nothing_where_it_cannot_write),
		WITH_SCRATCH(renew_keeps_the_ca_and_the_names),
		WITH_SCRATCH(renew_refuses_a_ca_that_it_cannot_sign_with),
		WITH_SCRATCH(show_finds_what_does_not_fit),
		WITH_SCRATCH(a_bundle_is_its_certificates_and_nothing_else),
		WITH_SCRATCH(refuses_bundles_without_certificates_or_with_a_key),
		WITH_SCRATCH(show_refuses_the_chain_of_another_ca),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
