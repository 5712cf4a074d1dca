#include "server/watcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/log.h"

#define OUTPUT_MAX (4u * 1024 * 1024)

/* What the next look finds. */
static struct {
	uint64_t generation;
	bool tls_new, tokens_new;
	const char *trust_error, *tls_error, *tokens_error;
	bool problem;
	bool forced;
} next;

static struct trusted_key keys[2] = {{.info = {.fingerprint = "AA", .expires_at = 0}},
				     {.info = {.fingerprint = "BB", .expires_at = 1500}}};
static struct trust_warning warnings[1] = {{.text = "keys/x: key BB has expired"}};
static struct trust trust = {.known = keys, .known_count = 2, .warnings = warnings, .warning_count = 1};

static void fail_with(struct err *e, const char *text)
{
	*e = ERR_INIT;
	if (text)
		err_set(e, ERR_INVALID, "%s", text);
}

struct trust *trust_holder_pin(struct trust_holder *holder, uint64_t *generation)
{
	(void)holder;
	*generation = next.generation;
	return &trust;
}

void trust_unref(struct trust *t)
{
	(void)t;
}

bool trust_holder_refresh(struct trust_holder *holder, bool force, struct err *e)
{
	(void)holder;
	next.forced = force;
	fail_with(e, next.trust_error);
	return false;
}

bool trust_holder_problem(struct trust_holder *holder, struct err *out)
{
	(void)holder;
	(void)out;
	return next.problem;
}

bool tls_files_refresh(struct tls_files *files, struct err *e)
{
	(void)files;
	fail_with(e, next.tls_error);
	return next.tls_new;
}

int64_t tls_files_expiry(struct tls_files *files)
{
	(void)files;
	return 1900;
}

bool access_refresh(struct access *access, struct err *e)
{
	(void)access;
	fail_with(e, next.tokens_error);
	return next.tokens_new;
}

static char logged[65536];

/* Looks once and keeps what was logged meanwhile. */
static size_t look(struct watcher *w, bool force)
{
	int pair[2], saved = dup(STDERR_FILENO);
	size_t lines = 0, length = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	dup2(pair[1], STDERR_FILENO);
	watcher_look(w, force);
	dup2(saved, STDERR_FILENO);
	for (ssize_t n; (n = recv(pair[0], logged + length, sizeof(logged) - 1 - length, MSG_DONTWAIT)) > 0; lines++)
		length += (size_t)n;
	logged[length] = 0;
	close(pair[0]);
	close(pair[1]);
	close(saved);
	return lines;
}

static bool metrics_have(struct watcher *w, const char *text)
{
	cleanup(buf) struct buf out = buf_init(OUTPUT_MAX);
	metrics_write(w->metrics, 1000, &out);
	return strstr(out.data, text) != NULL;
}

static int setup(void **state)
{
	static struct watcher w;
	memset(&next, 0, sizeof(next));
	next.generation = 6;
	log_setup("json", "info");
	w = (struct watcher){.metrics = metrics_new(), .generation = 6};
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct watcher *w = *state;
	metrics_free(w->metrics);
	return 0;
}

static void nothing_new_is_not_worth_a_line(void **state)
{
	assert_int_equal(look(*state, false), 0);
	assert_false(next.forced);
	assert_true(metrics_have(*state, "sealgate_config_last_reload_successful 1\n"));
	assert_int_equal(look(*state, true), 0);
	assert_true(next.forced);
}

static void a_new_trust_is_told_once_with_its_warnings_and_keys_whoever_put_it_in_force(void **state)
{
	next.generation = 7;
	assert_int_equal(look(*state, false), 2);
	assert_non_null(strstr(logged, "\"msg\":\"policies and keys are in force\",\"generation\":7,\"keys\":2"));
	assert_non_null(strstr(logged, "key BB has expired"));
	assert_true(metrics_have(*state, "sealgate_key_expiry_seconds{fingerprint=\"AA\"} +Inf\n"));
	assert_true(metrics_have(*state, "sealgate_key_expiry_seconds{fingerprint=\"BB\"} 500\n"));
	assert_true(metrics_have(*state, "sealgate_policy_generation 7\n"));
	assert_int_equal(look(*state, false), 0);
}

static void a_failed_reload_is_logged_and_shows_in_the_metrics(void **state)
{
	next.trust_error = "p.yaml: document 1: spec: unknown field";
	next.problem = true;
	assert_int_equal(look(*state, false), 1);
	assert_non_null(strstr(logged, "\"level\":\"error\""));
	assert_non_null(strstr(logged, next.trust_error));
	assert_true(metrics_have(*state, "sealgate_config_last_reload_successful 0\n"));
}

static void certificates_and_tokens_are_told_apart(void **state)
{
	next.tls_new = next.tokens_new = true;
	assert_int_equal(look(*state, false), 2);
	assert_non_null(strstr(logged, "new certificates are in force"));
	assert_non_null(strstr(logged, "new tokens are in force"));
	assert_true(metrics_have(*state, "sealgate_certificate_expiry_seconds{name=\"server\"} 900\n"));
	next.tls_new = next.tokens_new = false;
	next.tls_error = "server-key.pem: does not belong";
	next.tokens_error = "tokens: line 2: no role";
	assert_int_equal(look(*state, false), 2);
	assert_non_null(strstr(logged, next.tls_error));
	assert_non_null(strstr(logged, next.tokens_error));
}

int main(void)
{
#define WITH_WATCHER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_WATCHER(nothing_new_is_not_worth_a_line),
		WITH_WATCHER(a_new_trust_is_told_once_with_its_warnings_and_keys_whoever_put_it_in_force),
		WITH_WATCHER(a_failed_reload_is_logged_and_shows_in_the_metrics),
		WITH_WATCHER(certificates_and_tokens_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
