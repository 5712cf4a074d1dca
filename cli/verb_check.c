#include <stdio.h>

#include "cli/check.h"
#include "cli/facts_server.h"
#include "cli/facts_store.h"
#include "cli/objects.h"
#include "cli/verb.h"

struct check_options {
	struct verb_options verb;
	struct option_list files;
	struct judge_options judge;
	struct server_options server;
	struct option_list projects;
	const char *store;
	const char *namespace_;
	struct option_list exempt_namespaces;
};

static const struct option options[] = {
	{.name = "filename",
	 .letter = 'f',
	 .type = OPTION_LIST,
	 .offset = offsetof(struct check_options, files),
	 .value = "FILE",
	 .help = "what would be applied: YAML or JSON, several documents, lists; a directory; - for standard input"},
	JUDGE_ROWS(struct check_options, judge),
	SERVER_ROWS(struct check_options, server),
	PROJECT_ROW(struct check_options, projects),
	{.name = "store",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct check_options, store),
	 .value = "URL",
	 .help = "read the attestations from a database instead of a server: sqlite:PATH"},
	{.name = "namespace",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct check_options, namespace_),
	 .value = "NAME",
	 .standard = "default",
	 .help = "the namespace of objects that name none"},
	{.name = "exempt-namespace",
	 .type = OPTION_LIST,
	 .offset = offsetof(struct check_options, exempt_namespaces),
	 .value = "NAME",
	 .help = "a namespace that is not judged, beside kube-system and kube-node-lease; given empty it clears these"},
	VERB_OUTPUT_ROW(struct check_options),
	VERB_HELP_ROW(struct check_options),
};

static const struct option_table table = {
	.synopsis = "sealgate check -f FILE... (--policy-dir DIR | --pubkeys DIR) (--server URL | --store URL)",
	.summary = "Say what a cluster would admit, before it is applied",
	.detail = "Judges each object as sealgated judges its creation, by the same evaluation and under your policies "
		  "and "
		  "keys, and prints for each image its place, the policy, the verdict and the reason. Signatures are "
		  "verified here. Objects that run no image are admitted without a look.",
	.examples =
		"sealgate check -f deployment.yaml --policy-dir policies --server http://127.0.0.1:8080\n"
		"kubectl get deployments -A -o json | sealgate check -f - --pubkeys keys --store sqlite:sealgate.db",
	.exit_status = "0 all admitted, 1 one refused, 2 could not tell: bad input, a server that can't be reached.",
	.options = options,
	.count = sizeof(options) / sizeof(options[0]),
};

CLEANUP_POINTER(store, struct store, store_close)

static bool check_options(const struct check_options *o, const struct option_list *more, struct err *e)
{
	if (o->files.count + more->count == 0)
		return err_set(e, ERR_INVALID, "-f FILE is needed; see --help");
	return verb_need_one(o->server.url, o->store, "--server and --store", e);
}

static bool read_files(const struct option_list *files, struct object_list *objects, struct err *e)
{
	for (size_t i = 0; i < files->count; i++)
		if (!object_list_read(objects, files->items[i], e))
			return false;
	return true;
}

static bool read_objects(const struct check_options *o, const struct option_list *more, struct object_list *objects,
			 struct err *e)
{
	if (!read_files(&o->files, objects, e) || !read_files(more, objects, e))
		return false;
	return objects->count || err_set(e, ERR_INVALID, "there is no object in what -f names");
}

/* A line that shows how far a long run is; only where somebody watches. */
static void show_progress(size_t done, size_t count)
{
	if (!isatty(STDERR_FILENO) || count < CHECK_PROGRESS_FROM)
		return;
	if (done < count)
		fprintf(stderr, "\r%zu of %zu objects", done, count);
	else
		fprintf(stderr, "\r\x1b[K");
}

static bool check_all(struct check *check, const struct object_list *objects, struct facts inner, struct err *e)
{
	check->watch.inner = inner;
	for (size_t i = 0; i < objects->count; i++) {
		bool done;

		show_progress(i, objects->count);
		done = check_object(check, &objects->items[i], e);
		if (!done) {
			show_progress(objects->count, objects->count);
			return false;
		}
	}
	show_progress(objects->count, objects->count);
	return true;
}

static bool check_by_server(struct check *check, const struct check_options *o, const struct object_list *objects,
			    struct err *e)
{
	cleanup(http_client) struct http_client *client = http_client_new(&o->server, e);
	cleanup(facts_server) struct facts_server *source =
		client ? facts_server_new(check->judge, client, &o->projects, e) : NULL;

	return source && check_all(check, objects, facts_server_interface(source), e);
}

static bool check_by_store(struct check *check, const struct check_options *o, const struct object_list *objects,
			   struct err *e)
{
	cleanup(store) struct store *store = store_open(o->store, STORE_READ_ONLY, e);
	struct facts_store source = {.judge = check->judge, .store = store};

	return store && check_all(check, objects, facts_store_interface(&source), e);
}

static bool run_check(struct check *check, const struct check_options *o, const struct option_list *more, struct err *e)
{
	cleanup(object_list) struct object_list objects = {0};

	if (!check_options(o, more, e) || !object_list_init(&objects, e) || !read_objects(o, more, &objects, e) ||
	    !judge_open(check->judge, "check", &o->judge, true, e))
		return false;
	check->given = &objects;
	return o->store ? check_by_store(check, o, &objects, e) : check_by_server(check, o, &objects, e);
}

static int run(const void *data, const struct option_list *arguments)
{
	const struct check_options *o = data;
	cleanup(judge) struct judge judge = {0};
	cleanup(check) struct check check = {
		.judge = &judge, .namespace_ = str_of(o->namespace_), .exempt_namespaces = &o->exempt_namespaces};
	struct err e = ERR_INIT;

	if (!check_init(&check, &e) || !run_check(&check, o, arguments, &e))
		return verb_fail("check", &e);
	if (verb_wants_json())
		return verb_print_json("check", check.results, check_status(&check));
	check_summary(&check);
	return verb_print("check", &check.text, check_status(&check));
}

const struct verb verb_check = {
	.name = "check",
	.table = &table,
	.options_size = sizeof(struct check_options),
	.arguments = ARGUMENTS_ANY,
	.run = run,
};
