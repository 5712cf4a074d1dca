/* Requests to an API server over TLS, from this process and through sealgate-kube: the same must come of them. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/sandbox.h"
#include "kube/agent.h"
#include "kube/direct.h"
#include "tests/e2e/api_server.h"
#include "tests/e2e/bed.h"

enum { DIRECT, AGENT, CARRIERS, PATIENCE_MS = 20000 };

struct world {
	struct bed *bed;
	struct api_server *api;
	struct kube_config config;
	struct kube_transport *carriers[CARRIERS];
	pid_t agent;
	char *kubeconfig;
	char *token;
};

/* What came of one request. */
struct seen {
	int status;
	int retry_after;
	char body[256];
	bool ended;
	bool dropped;
	struct err e;
};

static void on_head(void *context, int status, int retry_after)
{
	struct seen *seen = context;

	assert_int_equal(seen->status, 0);
	seen->status = status;
	seen->retry_after = retry_after;
}

static void on_data(void *context, struct str bytes)
{
	struct seen *seen = context;
	size_t len = strlen(seen->body);

	assert_true(seen->status != 0 && bytes.len < sizeof(seen->body) - len);
	memcpy(seen->body + len, bytes.ptr, bytes.len);
}

static void on_end(void *context, const struct err *e)
{
	struct seen *seen = context;

	assert_false(seen->ended);
	seen->ended = true;
	seen->e = *e;
}

static void on_dropped(void *context)
{
	((struct seen *)context)->dropped = true;
}

static uint64_t begin(struct kube_transport *t, const char *path, int64_t timeout_ms, struct seen *seen)
{
	const struct kube_request request = {.method = "GET", .path = str_of(path), .timeout_ms = timeout_ms};
	const struct kube_handler handler = {seen, on_head, on_data, on_end, on_dropped};
	struct err e = ERR_INIT;
	uint64_t id = kube_transport_start(t, &request, &handler, &e);

	if (!id)
		fail_msg("%s", e.text);
	return id;
}

static void run_until(struct kube_transport *t, const bool *done)
{
	int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
	struct err e = ERR_INIT;

	while (!*done && clock_monotonic_ms() < deadline_ms)
		if (!kube_transport_run(t, deadline_ms, &e))
			fail_msg("%s", e.text);
	assert_true(*done);
}

static struct seen ask(struct kube_transport *t, const char *path, int64_t timeout_ms)
{
	struct seen seen = {0};

	begin(t, path, timeout_ms, &seen);
	run_until(t, &seen.ended);
	return seen;
}

static char *place(const struct world *w, const char *name)
{
	return text_of("%s/%s", w->bed->dir, name);
}

static void write_kubeconfig(struct world *w, const char *host)
{
	char *text = text_of("apiVersion: v1\nkind: Config\ncurrent-context: it\n"
			     "contexts: [{name: it, context: {cluster: here, user: me}}]\n"
			     "clusters: [{name: here, cluster: {server: \"https://%s:%u\", "
			     "certificate-authority: server.pem}}]\n"
			     "users: [{name: me, user: {tokenFile: token}}]\n",
			     host, w->api->port);

	bed_write(w->kubeconfig, text);
	free(text);
}

static void make_certificate(struct world *w)
{
	char *key = place(w, "server.key"), *certificate = place(w, "server.pem");
	const char *const argv[] = {"openssl",
				    "req",
				    "-x509",
				    "-newkey",
				    "ec",
				    "-pkeyopt",
				    "ec_paramgen_curve:P-256",
				    "-nodes",
				    "-days",
				    "2",
				    "-subj",
				    "/CN=it",
				    "-addext",
				    "subjectAltName=IP:127.0.0.1,DNS:localhost",
				    "-keyout",
				    key,
				    "-out",
				    certificate,
				    NULL};

	assert_int_equal(bed_run(w->bed, argv, NULL, NULL, NULL), 0);
	w->api = api_start(bed_read(certificate), bed_read(key));
	free(key);
	free(certificate);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct kube_agent agent = {.fd = -1};
	struct err e = ERR_INIT;
	void *bed = NULL;

	if (!w || bed_setup(&bed))
		return -1;
	w->bed = bed;
	w->kubeconfig = place(w, "kubeconfig");
	w->token = place(w, "token");
	make_certificate(w);
	write_kubeconfig(w, "127.0.0.1");
	bed_write(w->token, "first\n");
	if (!kube_config_read(w->kubeconfig, &w->config, &e) ||
	    !(w->carriers[DIRECT] = kube_direct_new(&w->config, &e)) ||
	    !kube_agent_start_program(bed_program("sealgate-kube"), w->kubeconfig, &agent, &e))
		fail_msg("%s", e.text);
	w->agent = agent.pid;
	w->carriers[AGENT] = kube_agent_transport(&agent, &e);
	*state = w;
	return w->carriers[AGENT] ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *bed = w->bed;
	int result;

	for (int i = 0; i < CARRIERS; i++)
		kube_transport_free(w->carriers[i]);
	kube_config_release(&w->config);
	api_stop(w->api);
	result = bed_teardown(&bed);
	free(w->kubeconfig);
	free(w->token);
	free(w);
	return result;
}

static void an_answer_comes_whole(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		struct seen seen = ask(w->carriers[i], "/api/v1/pods?limit=500", 10000);

		assert_int_equal(seen.e.kind, ERR_NONE);
		assert_int_equal(seen.status, 200);
		assert_int_equal(seen.retry_after, -1);
		assert_string_equal(seen.body, "{\"kind\":\"PodList\"}");
	}
}

static void who_is_told_to_wait_hears_how_long(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		struct seen seen = ask(w->carriers[i], "/apis/apps/v1/deployments", 10000);

		assert_int_equal(seen.status, 429);
		assert_int_equal(seen.retry_after, 7);
	}
}

static void a_redirect_is_not_followed(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		int before = atomic_load(&w->api->asked);

		assert_int_equal(ask(w->carriers[i], "/apis/apps/v1/daemonsets", 10000).status, 302);
		assert_int_equal(atomic_load(&w->api->asked), before + 1);
	}
}

static void a_rotated_token_is_read_again_after_a_401(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		char *token = text_of("rotated-%d", i);

		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 200);
		api_set_token(w->api, token);
		bed_write(w->token, token);
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 401);
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 200);
		api_set_token(w->api, "first");
		bed_write(w->token, "first");
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 401);
		free(token);
	}
}

static void a_late_answer_is_a_timeout(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++)
		assert_int_equal(ask(w->carriers[i], "/apis/batch/v1/jobs", 300).e.kind, ERR_TIMEOUT);
}

static void a_connection_that_breaks_off_is_an_error(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		struct seen seen = ask(w->carriers[i], "/apis/batch/v1/cronjobs?watch=1", 0);

		assert_int_equal(seen.e.kind, ERR_UNAVAILABLE);
		assert_int_equal(seen.status, 200);
		assert_string_equal(seen.body, API_HALF_EVENT);
	}
}

static void what_is_cancelled_is_dropped_and_nothing_more(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		struct seen seen = {0};
		uint64_t id = begin(w->carriers[i], "/apis/batch/v1/jobs?watch=1", 0, &seen);

		kube_transport_cancel(w->carriers[i], id);
		kube_transport_cancel(w->carriers[i], id);
		assert_true(seen.dropped);
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 200);
		assert_true(!seen.ended && seen.status == 0);
	}
}

static void many_requests_are_under_way_beside_one_that_hangs(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		struct seen hangs = {0}, seen[20] = {{0}};
		uint64_t id = begin(w->carriers[i], "/apis/batch/v1/jobs?watch=1", 0, &hangs);

		for (size_t n = 0; n < 20; n++)
			begin(w->carriers[i], "/api/v1/pods", 10000, &seen[n]);
		for (size_t n = 0; n < 20; n++) {
			run_until(w->carriers[i], &seen[n].ended);
			assert_int_equal(seen[n].status, 200);
		}
		assert_false(hangs.ended);
		kube_transport_cancel(w->carriers[i], id);
	}
}

static void beyond_the_limit_a_request_is_refused_at_once(void **state)
{
	struct world *w = *state;
	const struct kube_request one_more = {.method = "GET", .path = STR("/api/v1/pods")};

	for (int i = 0; i < CARRIERS; i++) {
		struct seen seen[KUBE_REQUESTS] = {{0}}, unused = {0};
		const struct kube_handler handler = {&unused, on_head, on_data, on_end, on_dropped};
		uint64_t ids[KUBE_REQUESTS];
		struct err e = ERR_INIT;

		for (size_t n = 0; n < KUBE_REQUESTS; n++)
			ids[n] = begin(w->carriers[i], "/apis/batch/v1/jobs?watch=1", 0, &seen[n]);
		assert_int_equal(kube_transport_start(w->carriers[i], &one_more, &handler, &e), 0);
		assert_int_equal(e.kind, ERR_UNAVAILABLE);
		for (size_t n = 0; n < KUBE_REQUESTS; n++)
			kube_transport_cancel(w->carriers[i], ids[n]);
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 200);
	}
}

static void *wake_later(void *transport)
{
	usleep(50000);
	kube_transport_wake(transport);
	return NULL;
}

static void another_thread_can_wake_it(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		struct err e = ERR_INIT;
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, wake_later, w->carriers[i]), 0);
		/* Without a wake it would wait for ever. */
		assert_true(kube_transport_run(w->carriers[i], 0, &e));
		pthread_join(thread, NULL);
	}
}

static void a_server_of_other_authorities_is_not_talked_to(void **state)
{
	struct world *w = *state;
	struct kube_config config = w->config;
	struct kube_transport *t;
	struct err e = ERR_INIT;
	struct seen seen;

	config.ca_file = NULL;
	t = kube_direct_new(&config, &e);
	assert_non_null(t);
	seen = ask(t, "/api/v1/pods", 10000);
	assert_int_equal(seen.e.kind, ERR_UNAVAILABLE);
	assert_int_equal(seen.status, 0);
	kube_transport_free(t);
	config = w->config;
	config.tls_name = "another.example";
	t = kube_direct_new(&config, &e);
	assert_non_null(t);
	assert_int_equal(ask(t, "/api/v1/pods", 10000).status, 0);
	kube_transport_free(t);
	assert_int_equal(atomic_load(&w->api->asked), 0);
}

static void a_name_of_its_own_counts_for_the_certificate(void **state)
{
	struct world *w = *state;
	struct kube_config config = w->config;
	char *certificate = bed_read(config.ca_file);
	struct kube_transport *t;
	struct err e = ERR_INIT;

	config.tls_name = "localhost";
	config.ca_pem = certificate;
	config.ca_file = NULL;
	t = kube_direct_new(&config, &e);
	assert_non_null(t);
	assert_int_equal(ask(t, "/api/v1/pods", 10000).status, 200);
	kube_transport_free(t);
	free(certificate);
}

static void authorities_that_change_are_read_again(void **state)
{
	struct world *w = *state;
	char *certificate = bed_read(w->config.ca_file);

	bed_write(w->config.ca_file, "none\n");
	for (int i = 0; i < CARRIERS; i++)
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 0);
	bed_write(w->config.ca_file, certificate);
	for (int i = 0; i < CARRIERS; i++)
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 200);
	free(certificate);
}

/* What counts is the last one that could be read. */
static void a_token_that_cannot_be_read_leaves_the_last(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CARRIERS; i++) {
		bed_write(w->token, "first");
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 200);
		api_set_token(w->api, "second");
		bed_write(w->token, "");
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 401);
		api_set_token(w->api, "first");
		assert_int_equal(ask(w->carriers[i], "/api/v1/pods", 10000).status, 200);
	}
}

static void the_agent_carries_only_what_its_table_permits(void **state)
{
	struct world *w = *state;
	static const char *const others[] = {"/api/v1/nodes", "/api/v1/namespaces/default/secrets",
					     "/api/v1/namespaces/kube-system/secrets", "/api/v1/pods/../secrets"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(ask(w->carriers[AGENT], others[i], 10000).e.kind, ERR_FORBIDDEN);
	assert_int_equal(atomic_load(&w->api->asked), 0);
}

/* As far as this kernel can; a build for a sanitizer goes without. */
static void the_agent_is_confined(void **state)
{
	struct world *w = *state;
	char *path = text_of("/proc/%d/status", (int)w->agent), *status = bed_read(path);
	struct sandbox_offer offer;

	sandbox_offer_ask(&offer);
	assert_non_null(status);
	assert_non_null(strstr(status, "NoNewPrivs:\t1"));
	if (offer.syscalls)
		assert_non_null(strstr(status, "Seccomp:\t2"));
	free(path);
	free(status);
}

static void inside_a_name_is_still_found(void **state)
{
	struct world *w = *state;
	struct kube_agent agent = {.fd = -1};
	struct kube_transport *t;
	struct err e = ERR_INIT;

	write_kubeconfig(w, "localhost");
	assert_true(kube_agent_start_program(bed_program("sealgate-kube"), w->kubeconfig, &agent, &e));
	t = kube_agent_transport(&agent, &e);
	assert_non_null(t);
	assert_int_equal(ask(t, "/api/v1/pods", 10000).status, 200);
	kube_transport_free(t);
}

static void a_killed_agent_is_the_end_of_its_requests(void **state)
{
	struct world *w = *state;
	struct kube_transport *t = w->carriers[AGENT];
	struct err e = ERR_INIT;
	struct seen seen = {0};

	begin(t, "/apis/batch/v1/jobs?watch=1", 0, &seen);
	assert_int_equal(kill(w->agent, SIGKILL), 0);
	run_until(t, &seen.ended);
	assert_int_equal(seen.e.kind, ERR_UNAVAILABLE);
	assert_false(kube_transport_run(t, 0, &e));
	assert_int_equal(kube_transport_start(t, &(struct kube_request){.method = "GET", .path = STR("/api/v1/pods")},
					      &(struct kube_handler){&seen, on_head, on_data, on_end, NULL}, &e),
			 0);
}

static void what_the_agent_cannot_use_is_told_in_its_words(void **state)
{
	struct world *w = *state;
	struct kube_agent agent = {.fd = -1};
	struct err e = ERR_INIT;

	bed_write(w->kubeconfig, "current-context: there\n");
	assert_false(kube_agent_start_program(bed_program("sealgate-kube"), w->kubeconfig, &agent, &e));
	assert_int_equal(e.kind, ERR_INVALID);
	assert_non_null(strstr(e.text, "contexts"));
	assert_int_equal(agent.fd, -1);
	assert_false(kube_agent_start_program("/nonexistent/sealgate-kube", w->kubeconfig, &agent, &e));
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
}

static bool is_over(struct bed *bed, void *context)
{
	(void)bed;
	return waitpid(*(pid_t *)context, NULL, WNOHANG) != 0;
}

/* The parent ends without a word; the agent becomes a child of this process. */
static void the_agent_goes_with_its_parent(void **state)
{
	struct world *w = *state;
	int ends[2];
	pid_t parent, agent = 0;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(ends), 0);
	parent = fork();
	if (parent == 0) {
		struct kube_agent started = {.fd = -1};

		if (kube_agent_start_program(bed_program("sealgate-kube"), w->kubeconfig, &started, NULL))
			(void)!write(ends[1], &started.pid, sizeof(started.pid));
		_exit(0);
	}
	assert_int_equal(read(ends[0], &agent, sizeof(agent)), sizeof(agent));
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_true(bed_eventually(w->bed, is_over, &agent));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_comes_whole),
		TEST(who_is_told_to_wait_hears_how_long),
		TEST(a_redirect_is_not_followed),
		TEST(a_rotated_token_is_read_again_after_a_401),
		TEST(a_late_answer_is_a_timeout),
		TEST(a_connection_that_breaks_off_is_an_error),
		TEST(what_is_cancelled_is_dropped_and_nothing_more),
		TEST(many_requests_are_under_way_beside_one_that_hangs),
		TEST(beyond_the_limit_a_request_is_refused_at_once),
		TEST(another_thread_can_wake_it),
		TEST(a_server_of_other_authorities_is_not_talked_to),
		TEST(a_name_of_its_own_counts_for_the_certificate),
		TEST(authorities_that_change_are_read_again),
		TEST(a_token_that_cannot_be_read_leaves_the_last),
		TEST(the_agent_carries_only_what_its_table_permits),
		TEST(the_agent_is_confined),
		TEST(inside_a_name_is_still_found),
		TEST(a_killed_agent_is_the_end_of_its_requests),
		TEST(what_the_agent_cannot_use_is_told_in_its_words),
		TEST(the_agent_goes_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
