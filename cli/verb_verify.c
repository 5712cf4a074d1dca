#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/facts_file.h"
#include "cli/facts_server.h"
#include "cli/facts_watch.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "policy/image_ref.h"

#define ARENA_MAX (256u * 1024 * 1024)
#define PAYLOAD_FILE_MAX (1024u * 1024)

struct verify_options {
	struct verb_options verb;
	struct judge_options judge;
	struct server_options server;
	struct option_list projects;
	const char *signature;
	const char *payload;
	const char *namespace_;
};

static const struct option options[] = {
	JUDGE_ROWS(struct verify_options, judge),
	SERVER_ROWS(struct verify_options, server),
	PROJECT_ROW(struct verify_options, projects),
	{.name = "signature",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct verify_options, signature),
	 .value = "FILE",
	 .help = "judge this signature instead of a server's attestations; detached ones are taken too"},
	{.name = "payload",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct verify_options, payload),
	 .value = "FILE",
	 .help = "what the detached signature signs, byte by byte; without it the image's URL, its digest and simple "
		 "signing JSON are tried"},
	{.name = "namespace",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct verify_options, namespace_),
	 .value = "NAME",
	 .standard = "default",
	 .help = "the namespace whose policies are asked"},
	VERB_OUTPUT_ROW(struct verify_options),
	VERB_HELP_ROW(struct verify_options),
};

static const struct option_table table = {
	.synopsis = "sealgate verify IMAGE@DIGEST (--policy-dir DIR | --pubkeys DIR) (--server URL | --signature FILE)",
	.summary = "Say whether an image is vouched for, and by whom",
	.detail = "Verifies here, under your policies and keys, what a server keeps about the image or what one file "
		  "holds, "
		  "and tells of each attestation why it counts or not. The image is judged as a pod of the namespace "
		  "would "
		  "be. The server's word is not taken for anything.",
	.examples =
		"sealgate verify registry.example.com/pay@sha256:... --pubkeys keys --server http://127.0.0.1:8080\n"
		"sealgate verify registry.example.com/pay@sha256:... --policy-dir policies --signature pay.asc",
	.exit_status = VERB_STATUS_JUDGES,
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

/* What one run gathers. */
struct verification {
	struct arena arena;
	struct judge judge;
	struct image_ref image;
	struct facts_watch watch;
	struct decision decision;
};

static void verification_release(struct verification *v)
{
	judge_release(&v->judge);
	arena_release(&v->arena);
}

CLEANUP_VALUE(verification, struct verification, verification_release)

static bool check_options(const struct verify_options *o, struct err *e)
{
	if (!verb_need_one(o->server.url, o->signature, "--server and --signature", e))
		return false;
	return !o->payload || o->signature || err_set(e, ERR_INVALID, "--payload goes with --signature");
}

static bool read_image(const char *text, struct verification *v, struct err *e)
{
	if (!image_ref_parse(str_of(text), &v->arena, &v->image, e))
		return err_context(e, "%s", text);
	return v->image.digest.len || err_set(e, ERR_INVALID, "%s has no digest: give IMAGE@sha256:...", text);
}

static void decide(struct verification *v, const struct verify_options *o, const char *image)
{
	struct subject subject = {.namespace_ = str_of(o->namespace_), .kind = STR("Pod")};
	struct image_use use = {.path = STR("image"), .place = STR("image"), .text = str_of(image)};
	struct image_uses uses = {.items = &use, .count = 1};
	struct facts facts = facts_watch_interface(&v->watch);

	judge_decide(&v->judge, &facts, &subject, &uses, &v->arena, &v->decision);
}

static bool verify_by_server(struct verification *v, const struct verify_options *o, const char *image, struct err *e)
{
	cleanup(http_client) struct http_client *client = http_client_new(&o->server, e);
	cleanup(facts_server) struct facts_server *source =
		client ? facts_server_new(&v->judge, client, &o->projects, e) : NULL;

	if (!source)
		return false;
	v->watch.inner = facts_server_interface(source);
	decide(v, o, image);
	return !v->watch.failed || err_set(e, v->watch.error.kind, "%s", v->watch.error.text);
}

static bool verify_by_file(struct verification *v, const struct verify_options *o, const char *image, struct err *e)
{
	cleanup(buf) struct buf signature = buf_init(LIMIT_SIGNATURE);
	cleanup(buf) struct buf payload = buf_init(PAYLOAD_FILE_MAX);
	struct facts_file source = {
		.judge = &v->judge, .name = str_of(o->signature), .repository = v->image.repository};

	if (!file_read(o->signature, &signature, e) || (o->payload && !file_read(o->payload, &payload, e)))
		return false;
	source.signature = buf_str(&signature);
	if (o->payload)
		source.payload = str_make(payload.data ? payload.data : "", payload.len);
	v->watch.inner = facts_file_interface(&source);
	decide(v, o, image);
	return !v->watch.failed || err_set(e, v->watch.error.kind, "%s", v->watch.error.text);
}

static bool verify(struct verification *v, const struct verify_options *o, const char *image, struct err *e)
{
	if (!check_options(o, e) || !read_image(image, v, e) || !judge_open(&v->judge, "verify", &o->judge, false, e))
		return false;
	return o->signature ? verify_by_file(v, o, image, e) : verify_by_server(v, o, image, e);
}

/* Why an attestation does not count for this image now; NULL when nothing speaks against it but a policy may. */
static const char *problem_of(const struct verification *v, const struct attestation_fact *fact)
{
	bool expired = fact->expires_at && fact->expires_at <= v->judge.now;

	if (fact->verdict != VERDICT_ACCEPTED)
		return verdict_reason_text(fact->reason);
	if (fact->repository.len && !str_eq(fact->repository, v->image.repository))
		return verdict_reason_text(REASON_OTHER_REPOSITORY);
	if (expired)
		return verdict_reason_text(fact->key_expires_first ? REASON_KEY_EXPIRED : REASON_SIGNATURE_EXPIRED);
	return NULL;
}

static bool add_attestations(const struct verification *v, struct buf *out, struct err *e)
{
	static const char *const heads[] = {"ATTESTATION", "NOTE", "SIGNER", "SIGNATURE", "REASON"};
	const struct facts_answer *seen = &v->watch.seen;
	cleanup(terminal_table) struct terminal_table *rows = terminal_table_new(heads, 5);

	if (!rows)
		return err_no_memory(e);
	for (size_t i = 0; i < seen->count; i++) {
		const struct attestation_fact *fact = &seen->items[i];
		const char *problem = problem_of(v, fact);
		const struct str cells[] = {fact->name, fact->note, fact->signer, str_of(problem ? "rejected" : "good"),
					    str_of(problem)};

		if (!terminal_table_row(rows, cells, e))
			return false;
	}
	if (seen->count)
		terminal_table_write(rows, 0, out);
	if (seen->unverified)
		buf_printf(out, "%zu more attestations were not looked at\n", seen->unverified);
	if (seen->count)
		buf_add_char(out, '\n');
	return true;
}

static bool add_judgements(const struct decision *decision, struct buf *out, struct err *e)
{
	static const char *const heads[] = {"POLICY", "VERDICT", "REASON"};
	cleanup(terminal_table) struct terminal_table *rows = terminal_table_new(heads, 3);

	if (!rows)
		return err_no_memory(e);
	for (size_t i = 0; i < decision->judgement_count; i++) {
		const struct judgement *j = &decision->judgements[i];
		const struct str cells[] = {j->policy, judge_word(decision, j), j->reason};

		if (!terminal_table_row(rows, cells, e))
			return false;
	}
	if (decision->judgement_count)
		terminal_table_write(rows, 0, out);
	return true;
}

static int print_text(const struct verification *v, const char *image, int status)
{
	cleanup(buf) struct buf out = buf_init(VERB_OUTPUT_MAX);
	struct err e = ERR_INIT;

	if (!add_attestations(v, &out, &e) || !add_judgements(&v->decision, &out, &e))
		return verb_fail("verify", &e);
	buf_add_c(&out, status == EXIT_YES ? "\nverified: " : "\nnot verified: ");
	terminal_add(&out, str_of(image));
	buf_add_char(&out, '\n');
	return verb_print("verify", &out, status);
}

static json_t *json_of_attestations(const struct verification *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->watch.seen.count; i++) {
		const struct attestation_fact *fact = &v->watch.seen.items[i];
		const char *problem = problem_of(v, fact);
		json_t *item = json_pack("{s:b, s:s}", "good", !problem, "reason", problem ? problem : "");

		(void)json_object_set_new(item, "name", json_from_str(fact->name));
		(void)json_object_set_new(item, "note", json_from_str(fact->note));
		(void)json_object_set_new(item, "signer", json_from_str(fact->signer));
		(void)json_array_append_new(list, item);
	}
	return list;
}

static int print_json(const struct verification *v, const char *image, int status)
{
	cleanup(json) json_t *value =
		json_pack("{s:s, s:b, s:o, s:o}", "image", image, "verified", status == EXIT_YES, "attestations",
			  json_of_attestations(v), "judgements", judge_json(&v->decision));

	return verb_print_json("verify", value, status);
}

/* Verified is what a policy that denies would admit: a warning is not a yes. */
static bool is_verified(const struct decision *decision)
{
	bool holds = decision->allowed && decision->judgement_count > 0;

	for (size_t i = 0; i < decision->judgement_count; i++)
		holds = holds && decision->judgements[i].holds;
	return holds;
}

static int run(const void *data, const struct option_list *arguments)
{
	const char *image = arguments->items[0];
	cleanup(verification) struct verification v = {.arena = arena_init(ARENA_MAX)};
	struct err e = ERR_INIT;
	int status;

	if (!verify(&v, data, image, &e))
		return verb_fail("verify", &e);
	status = is_verified(&v.decision) ? EXIT_YES : EXIT_NO;
	return verb_wants_json() ? print_json(&v, image, status) : print_text(&v, image, status);
}

const struct verb verb_verify = {
	.name = "verify",
	.table = &table,
	.options_size = sizeof(struct verify_options),
	.arguments = 1,
	.run = run,
};
