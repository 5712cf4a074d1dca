/* Reloads during which memory runs out, at every point: the last good policies, keys and tokens stay in force until the
 * new ones are, and the next look takes the new ones though nothing changed in between. */
#include "tests/fault/inside.h"

#include <unistd.h>

#include "base/file.h"
#include "certs/x509.h"
#include "server/tls_files.h"
#include "server/webhook.h"
#include "tests/fault/alloc.h"

/* The hash of the token "alpha". */
#define ALPHA "sha256:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"

struct path {
	struct inside *in;
	struct tls_files *tls;
	struct access *access;
	int scope;
	bool onwards;
	unsigned turn;
};

static const char *name_of(unsigned turn)
{
	return turn & 1 ? "odd" : "even";
}

/* The name of the only policy in force. */
static bool policy_is(struct inside *in, const char *name)
{
	cleanup(trust) struct trust *trust = trust_holder_pin(in->review.trust, NULL);

	assert_int_equal(trust->policies->policy_count, 1);
	assert_int_equal(trust->known_count, 1);
	return str_eq_c(trust->policies->policies[0].name, name);
}

static bool reload_policies(void *context, unsigned n)
{
	struct path *path = context;
	struct err e = ERR_INIT;
	bool fresh, fired;

	inside_policy(path->in, name_of(++path->turn), "Deny");
	alloc_fail(n, (enum alloc_scope)path->scope, path->onwards);
	fresh = trust_holder_refresh(path->in->review.trust, true, &e);
	fired = alloc_work_again();
	assert_int_equal(policy_is(path->in, name_of(path->turn)), fresh);
	assert_int_equal(policy_is(path->in, name_of(path->turn - 1)), !fresh);
	if (!fresh && (!fired || e.kind == ERR_INVALID || e.kind == ERR_TOO_LARGE))
		fail_msg("n = %u: %s", n, e.text);
	/* Without force: nothing has changed. */
	for (int looks = 0; looks < 3 && !fresh; looks++)
		fresh = trust_holder_refresh(path->in->review.trust, false, &e);
	assert_true(policy_is(path->in, name_of(path->turn)));
	assert_false(trust_holder_problem(path->in->review.trust, NULL));
	return fired;
}

static void policies_and_keys(void **state)
{
	struct path path = {.in = *state};

	inside_policy(path.in, name_of(0), "Deny");
	assert_true(trust_holder_refresh(path.in->review.trust, true, NULL));
	alloc_each(reload_policies, &path);
	path.onwards = true;
	alloc_each(reload_policies, &path);
}

static void put_tokens(struct inside *in, const char *text)
{
	unlink(in->tokens);
	assert_true(file_write(in->tokens, str_of(text), 0600, NULL));
}

static bool knows_alpha(struct access *access)
{
	cleanup(arena) struct arena arena = arena_init(1u << 20);
	struct http_request request = {.authorization = STR("Bearer alpha"), .arena = &arena};
	enum access_role role = ACCESS_NONE;
	struct str name;
	struct err e = ERR_INIT;

	return access_role_of(access, &request, &role, &name, &e) && role == ACCESS_READ;
}

static bool reload_tokens(void *context, unsigned n)
{
	struct path *path = context;
	struct err e = ERR_INIT;
	bool fresh, fired;
	bool wanted = ++path->turn & 1;

	put_tokens(path->in, wanted ? "read ci " ALPHA "\n" : "# nobody, and a longer text\n");
	alloc_fail(n, ALLOC_THREAD, path->onwards);
	fresh = access_refresh(path->access, &e);
	fired = alloc_work_again();
	assert_int_equal(knows_alpha(path->access), fresh == wanted);
	if (!fresh)
		assert_true(fired && access_refresh(path->access, &e));
	assert_int_equal(knows_alpha(path->access), wanted);
	return fired;
}

static void tokens(void **state)
{
	struct path path = {.in = *state};
	struct err e = ERR_INIT;

	put_tokens(path.in, "# nobody, and a longer text\n");
	path.access = access_open(path.in->tokens, false, NULL);
	assert_non_null(path.access);
	alloc_each(reload_tokens, &path);
	path.onwards = true;
	path.turn = 0;
	put_tokens(path.in, "# nobody, and a longer text\n");
	assert_true(access_refresh(path.access, &e));
	alloc_each(reload_tokens, &path);
	access_close(path.access);
}

static void copy(const char *from, const char *dir, const char *to)
{
	cleanup(buf) struct buf text = buf_init(100000), path = buf_init(1000), target = buf_init(1000);

	buf_printf(&path, "%s/%s/%s", dir, from, to);
	buf_printf(&target, "%s/%s", dir, to);
	assert_true(file_read(path.data, &text, NULL));
	unlink(target.data);
	assert_true(file_write(target.data, buf_str(&text), 0600, NULL));
}

static void put_certificates(struct path *path, unsigned turn)
{
	static const char *const files[] = {"server.pem", "server-key.pem", "ca.pem"};

	for (size_t i = 0; i < 3; i++)
		copy(turn & 1 ? "odd" : "even", path->in->dir, files[i]);
}

/* A pair is in force as a whole; the new one at the latest with the second look, without a change. */
static bool reload_certificates(void *context, unsigned n)
{
	struct path *path = context;
	struct err e = ERR_INIT;
	bool fired, fresh;

	put_certificates(path, ++path->turn);
	alloc_fail(n, ALLOC_THREAD, path->onwards);
	fresh = tls_files_refresh(path->tls, &e);
	fired = alloc_work_again();
	assert_true(tls_files_expiry(path->tls) > 0);
	if (!fresh || e.kind != ERR_NONE)
		assert_true(fired && tls_files_refresh(path->tls, &e));
	assert_int_equal(e.kind, ERR_NONE);
	assert_false(tls_files_refresh(path->tls, &e));
	assert_int_equal(e.kind, ERR_NONE);
	return fired;
}

static void certificates(void **state)
{
	struct path path = {.in = *state};
	struct option_list none = {0};
	struct err e = ERR_INIT;
	const char *names[] = {"odd", "even", "server.pem", "server-key.pem", "ca.pem"};
	char at[5][INSIDE_PATH + 32];

	for (size_t i = 0; i < 5; i++)
		snprintf(at[i], sizeof(at[i]), "%s/%s", path.in->dir, names[i]);
	assert_true(certs_init(at[0], &none, &e) && certs_init(at[1], &none, &e));
	put_certificates(&path, 0);
	path.tls = tls_files_open(at[2], at[3], at[4], &e);
	if (!path.tls)
		fail_msg("%s", e.text);
	alloc_each(reload_certificates, &path);
	path.onwards = true;
	alloc_each(reload_certificates, &path);
	tls_files_close(path.tls);
}

#define OF(test) cmocka_unit_test_setup_teardown(test, inside_setup, inside_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OF(policies_and_keys),
		OF(tokens),
		OF(certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
