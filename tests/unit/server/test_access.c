/* Who may use the API. The hashes are of the tokens "alpha", "beta" and "gamma". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "base/limits.h"
#include "server/access.h"

#define ALPHA "sha256:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"
#define BETA "sha256:f44e64e75f3948e9f73f8dfa94721c4ce8cbb4f265c4790c702b2d41cfbf2753"
#define GAMMA "sha256:be9d587defa1f0c09ef49eb17e206983a5f8f8289e4281860bd0ee5a19592c67"

struct fixture {
	char dir[64];
	char file[96];
	struct arena arena;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/sealgate-access-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/tokens", f->dir);
	f->arena = arena_init(1u << 20);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_true(unlink(f->file) == 0 || errno == ENOENT);
	assert_int_equal(rmdir(f->dir), 0);
	arena_release(&f->arena);
	test_free(f);
	return 0;
}

static void write_file(const struct fixture *f, struct str text)
{
	FILE *file;

	/* A new inode, as an editor or a ConfigMap makes one. */
	unlink(f->file);
	file = fopen(f->file, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

static struct access *open_tokens(const struct fixture *f, const char *text, bool open)
{
	struct err e = ERR_INIT;
	struct access *access;

	write_file(f, str_of(text));
	access = access_open(f->file, open, &e);
	if (!access)
		fail_msg("%s", e.text);
	return access;
}

struct caller {
	const char *authorization;
	bool certificate;
};

static enum err_kind ask(struct fixture *f, struct access *access, struct caller caller, enum access_role *role,
			 struct str *name)
{
	const struct http_request request = {.authorization = str_of(caller.authorization),
					     .client_certificate = caller.certificate,
					     .arena = &f->arena};
	struct err e = ERR_INIT;

	*role = ACCESS_NONE;
	*name = STR("");
	if (access_role_of(access, &request, role, name, &e)) {
		assert_true(*role != ACCESS_NONE && name->len);
		return ERR_NONE;
	}
	assert_int_equal(*role, ACCESS_NONE);
	assert_true(e.text[0]);
	return e.kind;
}

static void expect_role(struct fixture *f, struct access *access, const char *authorization, enum access_role wanted,
			const char *wanted_name)
{
	enum access_role role;
	struct str name;

	assert_int_equal(ask(f, access, (struct caller){authorization, false}, &role, &name), ERR_NONE);
	assert_int_equal(role, wanted);
	assert_true(str_eq_c(name, wanted_name));
}

static void expect_refused(struct fixture *f, struct access *access, const char *authorization)
{
	enum access_role role;
	struct str name;

	assert_int_equal(ask(f, access, (struct caller){authorization, false}, &role, &name), ERR_UNAUTHENTICATED);
}

static const char three[] = "# who may do what\n\nread  dash " ALPHA "\n\tattest\tci\t" BETA " \r\nadmin root " GAMMA;

static void each_token_has_its_role(void **state)
{
	struct access *access = open_tokens(*state, three, false);

	expect_role(*state, access, "Bearer alpha", ACCESS_READ, "token dash");
	expect_role(*state, access, "Bearer beta", ACCESS_ATTEST, "token ci");
	expect_role(*state, access, "bearer gamma ", ACCESS_ADMIN, "token root");
	access_close(access);
}

static void refuses_what_is_no_known_token(void **state)
{
	static const char *const rows[] = {"",
					   "Bearer",
					   "Bearer ",
					   "Bearer  ",
					   "Bearer alph",
					   "Bearer alphaa",
					   "alpha",
					   "Basic alpha",
					   "Bearer\talpha",
					   "Bearer alpha x",
					   "Bearer " ALPHA,
					   "Bearer ALPHA",
					   "BearerAlpha",
					   "Token alpha",
					   "Bearer alpha,Bearer beta"};
	struct access *access = open_tokens(*state, three, false);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_refused(*state, access, rows[i]);
	access_close(access);
}

static void loopback_is_open_but_a_token_must_be_known(void **state)
{
	struct access *access = open_tokens(*state, three, true);

	expect_role(*state, access, "", ACCESS_ADMIN, "loopback");
	expect_role(*state, access, "Bearer alpha", ACCESS_READ, "token dash");
	expect_refused(*state, access, "Bearer nobody");
	expect_refused(*state, access, "Basic YTpi");
	access_close(access);
}

static void a_certificate_is_admin_unless_a_token_says_less(void **state)
{
	struct fixture *f = *state;
	struct access *access = open_tokens(f, three, false);
	enum access_role role;
	struct str name;

	assert_int_equal(ask(f, access, (struct caller){"", true}, &role, &name), ERR_NONE);
	assert_int_equal(role, ACCESS_ADMIN);
	assert_true(str_eq_c(name, "client certificate"));
	assert_int_equal(ask(f, access, (struct caller){"Bearer alpha", true}, &role, &name), ERR_NONE);
	assert_int_equal(role, ACCESS_READ);
	assert_int_equal(ask(f, access, (struct caller){"Bearer nobody", true}, &role, &name), ERR_UNAUTHENTICATED);
	access_close(access);
}

static void without_a_file_nobody_has_a_token(void **state)
{
	struct err e = ERR_INIT;
	struct access *access = access_open(NULL, false, &e);

	assert_non_null(access);
	expect_refused(*state, access, "");
	expect_refused(*state, access, "Bearer alpha");
	assert_false(access_refresh(access, &e));
	assert_int_equal(e.kind, ERR_NONE);
	access_close(access);
}

static void refuses_a_line_that_is_wrong(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"owner ci " ALPHA, "line 1: the role"},
		{"Read ci " ALPHA, "line 1: the role"},
		{"\nread " ALPHA, "line 2: expected"},
		{"read ci", "line 1: expected"},
		{"read ci " ALPHA " more", "line 1: expected"},
		{"read ci alpha", "line 1: the hash"},
		{"read ci sha256:", "line 1: the hash"},
		{"read ci sha512:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8", "line 1: the hash"},
		{"read ci sha256:8ED3F6AD685B959EAD7022518E1AF76CD816F8E8EC7CCDDA1ED4018E8F2223F8", "line 1: the hash"},
		{"read ci " ALPHA "0", "line 1: the hash"},
		{"read ci sha256:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f", "line 1: the hash"},
		{"read ci " ALPHA "\nadmin ci " ALPHA, "line 2: the same token"},
		{"read c\xc3\xb6 " ALPHA, "line 1: the name"},
		{"read c\x01 " ALPHA, "line 1: the name"},
		{"read 0123456789012345678901234567890123456789012345678901234567890123 " ALPHA, "line 1: the name"},
		{"read ci " ALPHA " # comment", "line 1: expected"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;

		write_file(f, str_of(rows[i].text));
		assert_null(access_open(f->file, true, &e));
		assert_int_equal(e.kind, ERR_INVALID);
		if (!strstr(e.text, rows[i].wanted) || !strstr(e.text, f->file))
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

static void refuses_a_missing_file_and_a_directory(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	assert_null(access_open(f->file, false, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, f->file));
	assert_null(access_open(f->dir, false, &e));
	assert_int_equal(e.kind, ERR_INVALID);
}

static struct buf many_tokens(size_t count)
{
	struct buf text = buf_init(2 * LIMIT_TOKEN_FILE);

	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "read n%zu sha256:%064zx\n", i, i);
	return text;
}

static void refuses_more_than_the_limit(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	cleanup(buf) struct buf enough = many_tokens(LIMIT_TOKENS);
	cleanup(buf) struct buf too_many = many_tokens(LIMIT_TOKENS + 1);
	cleanup(buf) struct buf too_large = buf_init(2 * LIMIT_TOKEN_FILE);
	struct access *access;

	write_file(f, buf_str(&enough));
	access = access_open(f->file, false, &e);
	assert_non_null(access);
	access_close(access);
	write_file(f, buf_str(&too_many));
	assert_null(access_open(f->file, false, &e));
	assert_non_null(strstr(e.text, "more than"));
	while (too_large.len <= LIMIT_TOKEN_FILE)
		buf_add_c(&too_large, "# a comment of some length\n");
	write_file(f, buf_str(&too_large));
	assert_null(access_open(f->file, false, &e));
}

static void a_change_is_taken_over(void **state)
{
	struct fixture *f = *state;
	struct access *access = open_tokens(f, three, false);
	struct err e = ERR_INIT;

	assert_false(access_refresh(access, &e));
	assert_int_equal(e.kind, ERR_NONE);
	write_file(f, str_of("admin boss " ALPHA "\n"));
	assert_true(access_refresh(access, &e));
	expect_role(f, access, "Bearer alpha", ACCESS_ADMIN, "token boss");
	expect_refused(f, access, "Bearer beta");
	assert_false(access_refresh(access, &e));
	assert_int_equal(e.kind, ERR_NONE);
	access_close(access);
}

static void a_bad_change_keeps_the_old_tokens(void **state)
{
	struct fixture *f = *state;
	struct access *access = open_tokens(f, three, false);
	struct err e = ERR_INIT;

	write_file(f, str_of("admin boss\n"));
	assert_false(access_refresh(access, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	expect_role(f, access, "Bearer alpha", ACCESS_READ, "token dash");
	assert_int_equal(unlink(f->file), 0);
	assert_false(access_refresh(access, &e));
	assert_int_not_equal(e.kind, ERR_NONE);
	expect_role(f, access, "Bearer beta", ACCESS_ATTEST, "token ci");
	assert_false(access_refresh(access, &e));
	assert_int_equal(e.kind, ERR_NONE);
	access_close(access);
}

static void an_emptied_file_takes_every_token_away(void **state)
{
	struct fixture *f = *state;
	struct access *access = open_tokens(f, three, false);
	struct err e = ERR_INIT;

	write_file(f, STR(""));
	assert_true(access_refresh(access, &e));
	expect_refused(f, access, "Bearer gamma");
	access_close(access);
}

/* However many parts it has: its arena would hold none of them. */
static void CVE_2025_66506_a_token_is_hashed_not_taken_apart(void **state)
{
	struct access *access = open_tokens(*state, three, false);
	static char dots[1u << 20];

	memset(dots, '.', sizeof(dots) - 1);
	memcpy(dots, "Bearer ", 7);
	expect_refused(*state, access, dots);
	access_close(access);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_token_has_its_role),
		cmocka_unit_test(refuses_what_is_no_known_token),
		cmocka_unit_test(loopback_is_open_but_a_token_must_be_known),
		cmocka_unit_test(a_certificate_is_admin_unless_a_token_says_less),
		cmocka_unit_test(without_a_file_nobody_has_a_token),
		cmocka_unit_test(refuses_a_line_that_is_wrong),
		cmocka_unit_test(refuses_a_missing_file_and_a_directory),
		cmocka_unit_test(refuses_more_than_the_limit),
		cmocka_unit_test(a_change_is_taken_over),
		cmocka_unit_test(a_bad_change_keeps_the_old_tokens),
		cmocka_unit_test(an_emptied_file_takes_every_token_away),
		cmocka_unit_test(CVE_2025_66506_a_token_is_hashed_not_taken_apart),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
