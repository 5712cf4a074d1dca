#include "attest/worker.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "cli/workspace.h"

struct key_options {
	struct verb_options verb;
};

static const struct option options[] = {
	VERB_OUTPUT_ROW(struct key_options),
	VERB_HELP_ROW(struct key_options),
};

static const struct option_table table = {
	.synopsis = "sealgate key show FILE",
	.summary = "Describe a public key, and whether its signatures can count",
	.detail =
		"Prints for each key in FILE its full fingerprint, algorithm, dates and first user id, and whether a "
		"signature by it can count: expired, revoked and weak keys (RSA under 2048 bits) never do, and a file "
		"with a secret key has no place in a policy.",
	.examples = "sealgate key show qa_bob.asc",
	.exit_status = "0 every key can count, 1 one can't, 2 the file is no key.",
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

CLEANUP_POINTER(worker_pool, struct worker_pool, worker_pool_stop)

static bool inspect(const char *file, struct key_list *out, struct err *e)
{
	cleanup(workspace) struct workspace workspace = {0};
	cleanup(buf) struct buf text = buf_init(LIMIT_KEY_FILE);
	struct sandbox_offer offer;

	if (!file_read(file, &text, e) || !workspace_make(&workspace, e))
		return false;
	sandbox_offer_ask(&offer);
	cleanup(worker_pool) struct worker_pool *pool = worker_pool_start_confined(1, workspace.path, &offer, e);
	return pool && (worker_inspect_key(pool, buf_str(&text), clock_monotonic_ms() + LIMIT_VERIFY_MS, out, e) ||
			err_context(e, "%s", file));
}

/* NULL when its signatures can count. */
static const char *problem_of(const struct key_info *key)
{
	const char *refusal = key_refusal(key);

	if (refusal)
		return refusal;
	if (key->revoked)
		return "is revoked";
	return key->expired ? "has expired" : NULL;
}

static const char *date_of(int64_t seconds, char out[TIMESTAMP_TEXT_MAX])
{
	if (seconds == 0)
		return "never";
	timestamp_format((struct timestamp){.seconds = seconds}, out);
	return out;
}

static void write_text(const struct key_info *key, struct buf *out)
{
	char created[TIMESTAMP_TEXT_MAX], expires[TIMESTAMP_TEXT_MAX];
	const char *problem = problem_of(key);

	buf_printf(out, "%s\n  user id    ", key->fingerprint);
	terminal_add(out, str_of(key->user_id));
	buf_printf(out, "\n  algorithm  %s\n  created    %s\n  expires    %s\n  ", key->algorithm,
		   date_of(key->created_at, created), date_of(key->expires_at, expires));
	if (problem)
		buf_printf(out, "can't count: the key %s\n", problem);
	else
		buf_add_c(out, "can count\n");
}

static json_t *json_of(const struct key_info *key)
{
	char created[TIMESTAMP_TEXT_MAX], expires[TIMESTAMP_TEXT_MAX];
	const char *problem = problem_of(key);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "fingerprint", key->fingerprint, "userId", key->user_id,
			 "algorithm", key->algorithm, "created", date_of(key->created_at, created), "expires",
			 date_of(key->expires_at, expires), "canCount", !problem, "problem", problem ? problem : "");
}

static int print(const struct key_list *keys)
{
	cleanup(buf) struct buf out = buf_init(VERB_OUTPUT_MAX);
	cleanup(json) json_t *list = json_array();
	int status = EXIT_YES;

	for (size_t i = 0; i < keys->count; i++) {
		if (problem_of(&keys->items[i]))
			status = EXIT_NO;
		write_text(&keys->items[i], &out);
		(void)json_array_append_new(list, json_of(&keys->items[i]));
	}
	return verb_wants_json() ? verb_print_json("key show", list, status) : verb_print("key show", &out, status);
}

static int run(const void *data, const struct option_list *arguments)
{
	cleanup(key_list) struct key_list keys = {0};
	struct err e = ERR_INIT;

	(void)data;
	if (!inspect(arguments->items[0], &keys, &e))
		return verb_fail("key show", &e);
	return print(&keys);
}

const struct verb verb_key_show = {
	.name = "key show",
	.table = &table,
	.options_size = sizeof(struct key_options),
	.arguments = 1,
	.run = run,
};
