#include "tests/fault/inside.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/limits.h"
#include "server/http_uri.h"
#include "server/log.h"
#include "tests/fault/alloc.h"
#include "tests/unit/attest/fixtures.h"
#include "tests/unit/scratch.h"

/* YAML wants the key's lines indented. */
static void add_indented(struct buf *out, struct str text, const char *indent)
{
	while (text.len) {
		size_t end = str_find(text, '\n');

		buf_printf(out, "%s%.*s\n", indent, STR_ARG(str_head(text, end)));
		text = str_skip(text, end + 1);
	}
}

void inside_policy(struct inside *in, const char *name, const char *enforcement)
{
	cleanup(buf) struct buf text = buf_init(LIMIT_KEY_FILE), key = fixture_key(STR("ed"));
	char path[INSIDE_PATH + 16];

	snprintf(path, sizeof(path), "%s/policy.yaml", in->policies);
	buf_printf(&text,
		   "apiVersion: sealgate.dev/v1alpha1\nkind: ClusterImagePolicy\nmetadata: {name: %s}\nspec:\n"
		   "  enforcement: %s\n  require:\n    attestations:\n    - attestors: [qa]\n---\n"
		   "apiVersion: sealgate.dev/v1alpha1\nkind: Attestor\nmetadata: {name: qa}\nspec:\n"
		   "  note: " QA_NOTE "\n  publicKeys:\n  - openpgp: |\n",
		   name, enforcement);
	add_indented(&text, buf_str(&key), "      ");
	assert_true(file_write(path, buf_str(&text), 0600, NULL));
}

void inside_forget(struct inside *in)
{
	struct err e = ERR_INIT;

	verify_queue_stop(in->review.queue);
	in->review.queue = verify_queue_start(in->workers, NULL, in->metrics, &e);
	assert_non_null(in->review.queue);
}

static void open_all(struct inside *in)
{
	struct err e = ERR_INIT;
	char url[INSIDE_PATH + 32], run[INSIDE_PATH + 8];

	snprintf(url, sizeof(url), "sqlite:%s/db", in->dir);
	snprintf(run, sizeof(run), "%s/run", in->dir);
	in->workers = worker_pool_start(1, run, &e);
	in->metrics = metrics_new();
	in->review.store = store_open(url, STORE_READ_WRITE, &e);
	in->review.trust = in->workers ? trust_holder_open(&in->sources, in->workers, &e) : NULL;
	in->review.queue = verify_queue_start(in->workers, NULL, in->metrics, &e);
	in->grafeas.access = access_open(in->tokens, true, &e);
	if (!in->workers || !in->review.store || !in->review.trust || !in->review.queue || !in->grafeas.access)
		fail_msg("%s", e.text);
	in->review.metrics = in->metrics;
	in->grafeas.store = in->review.store;
}

static void make_note(struct inside *in)
{
	struct inside_answer answer;

	inside_call(grafeas_handle, &in->grafeas, "POST", "/v1alpha1/projects/image-signing/notes?noteId=qa",
		    "{\"name\":\"" QA_NOTE "\",\"kind\":\"ATTESTATION_AUTHORITY\",\"attestationAuthority\":{}}",
		    (struct inside_fault){0}, &answer);
	assert_int_equal(answer.status, 200);
	inside_answer_release(&answer);
}

int inside_setup(void **state)
{
	static const char *const exempt[] = {"kube-system"};
	struct inside *in = calloc(1, sizeof(*in));
	char dir[SCRATCH_SIZE];

	assert_non_null(in);
	assert_true(scratch_make(dir));
	snprintf(in->dir, sizeof(in->dir), "%s", dir);
	snprintf(in->policies, sizeof(in->policies), "%s/policies", dir);
	snprintf(in->tokens, sizeof(in->tokens), "%s/tokens", dir);
	assert_int_equal(mkdir(in->policies, 0700), 0);
	assert_true(file_write(in->tokens, STR("# none yet\n"), 0600, NULL));
	inside_policy(in, "signed", "Deny");
	in->policy_dirs[0] = in->policies;
	in->sources.policy_dirs = (struct option_list){.items = in->policy_dirs, .count = 1, .given = true};
	in->review.exempt_namespaces = exempt;
	in->review.exempt_namespace_count = 1;
	log_setup("json", "error");
	open_all(in);
	make_note(in);
	*state = in;
	return 0;
}

int inside_teardown(void **state)
{
	struct inside *in = *state;
	int status;

	verify_queue_stop(in->review.queue);
	trust_holder_close(in->review.trust);
	access_close(in->grafeas.access);
	store_close(in->review.store);
	worker_pool_stop(in->workers);
	metrics_free(in->metrics);
	status = scratch_remove(in->dir) ? 0 : -1;
	free(in);
	return status;
}

void inside_attest(struct inside *in, const char *digest, const char *signature)
{
	cleanup(buf) struct buf text = fixture_signature(str_of(signature));
	cleanup(buf) struct buf target = buf_init(1000);
	json_t *body = json_pack("{s:s++,s:s,s:s,s:{s:{s:s,s:s,s:s}}}", "resourceUrl",
				 "https://gcr.io/hightowerlabs/payment", "@", digest, "noteName", QA_NOTE, "kind",
				 "ATTESTATION_AUTHORITY", "attestation", "pgpSignedAttestation", "signature", text.data,
				 "contentType", "application/vnd.gcr.image.url.v1", "pgpKeyId", "0CD9D96F");
	char *json = json_dumps(body, 0);
	struct inside_answer answer;

	assert_non_null(json);
	inside_call(grafeas_handle, &in->grafeas, "POST", "/v1alpha1/projects/image-signing/occurrences", json,
		    (struct inside_fault){0}, &answer);
	if (answer.status != 200)
		fail_msg("upload: %d %s", answer.status, json_string_value(json_object_get(answer.json, "message")));
	inside_answer_release(&answer);
	free(json);
	json_decref(body);
}

static int silence(void)
{
	int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	assert_true(kept >= 0 && null >= 0);
	dup2(null, STDERR_FILENO);
	close(null);
	return kept;
}

static void speak_again(int kept)
{
	dup2(kept, STDERR_FILENO);
	close(kept);
}

/* As the listener does it when the end of the body has come. */
static void serve(http_handler *handler, void *context, struct http_request *request, const char *target,
		  struct http_response *response)
{
	struct err e = ERR_INIT;

	if (http_uri_parse(str_of(target), request, &e))
		handler(context, request, response);
	else
		response->status = err_http_status(e.kind);
	if (response->status == 0 || response->body.failed) {
		response->status = 500;
		buf_release(&response->body);
	}
}

bool inside_call(http_handler *handler, void *context, const char *method, const char *target, const char *body,
		 struct inside_fault fault, struct inside_answer *out)
{
	cleanup(arena) struct arena arena = arena_init(LIMIT_REQUEST_MEMORY);
	struct http_request request = {.method = str_of(method),
				       .body = str_of(body),
				       .content_type = STR("application/json"),
				       .authorization = STR(""),
				       .started_ms = clock_monotonic_ms(),
				       .arena = &arena};
	struct http_response response = {.body = buf_init(LIMIT_REQUEST_MEMORY)};
	int kept = silence();
	bool fired;

	alloc_fail(fault.n, (enum alloc_scope)fault.scope, fault.onwards);
	serve(handler, context, &request, target, &response);
	fired = alloc_work_again();
	speak_again(kept);
	out->status = response.status;
	out->json = json_loadb(response.body.data, response.body.len, JSON_REJECT_DUPLICATES, NULL);
	buf_release(&response.body);
	return fired;
}

void inside_answer_release(struct inside_answer *answer)
{
	json_decref(answer->json);
	answer->json = NULL;
}
